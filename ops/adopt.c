#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ops/adopt_private.h"
#include "ops/find.h"

typedef struct adopting adopting_t;
static void adopting_t_cleanup(adopting_t *x)
{
	for (size_t i = 0; x->items && i < x->rules.n; i++)
		free(x->items[i].why);
	free(x->items);
	rules_free(&x->rules);
	rules_free(&x->base);
}

void adopt_record_free(struct adopt_record *r)
{
	free(steal(&r->name));
	free(steal(&r->content));
	free(steal(&r->comment));
}

/* ---- what is chosen ---- */

bool adopt_all(const struct strlist *patterns)
{
	return strlist_has(patterns, "all") || strlist_has(patterns, "*");
}

bool adopt_chosen(const struct strlist *patterns, const char *hostname)
{
	if (adopt_all(patterns))
		return true;
	for (size_t i = 0; i < patterns->n; i++) {
		AUTO(str_t) pattern = NULL;
		struct err e;
		if (hostname_normalise(patterns->items[i], &pattern, &e) == 0 &&
		    hostname_matches(pattern, hostname))
			return true;
	}
	return false;
}

void adopt_zones(const struct world *w, const char *config, const struct tunnel *row,
		 struct strlist *zones)
{
	struct rules rules = {0};
	struct err e;
	if (rules_read_config(config, &rules, &e) < 0)
		return;
	for (size_t i = 0; i < rules.n; i++) {
		const char *name = rules.items[i].hostname;
		const struct zone *z = name ? world_zone_of(w, name) : NULL;
		if (z && !strlist_has(zones, z->id))
			strlist_add(zones, z->id);
	}
	rules_free(&rules);
	TABLE_EACH (j, struct record, r, &w->records)
		if (row && str_equal(r->tunnel_id, row->id) && r->zone_id[0] &&
		    !strlist_has(zones, r->zone_id))
			strlist_add(zones, r->zone_id);
}

/* ---- the tunnel ---- */

const struct tunnel *adopt_row(const struct world *w, const struct cf_tunnel *found)
{
	TABLE_EACH (i, struct tunnel, t, &w->tunnels)
		if (strcasecmp(t->remote_id, found->id) == 0)
			return t;
	TABLE_EACH (j, struct tunnel, t, &w->tunnels)
		if (strcasecmp(t->name, found->name) == 0)
			return t;
	return NULL;
}

int adopt_row_check(const struct tunnel *row, const struct cf_tunnel *found, struct err *e)
{
	if (!row)
		return 0;
	if (tunnel_check_stays(row, e) < 0)
		return -1;
	if (row->create_sent_ms && !row->remote_id[0])
		return err_set(e, ERR_BUSY, "Tunnel %s is just being created", row->name);
	if (!row->remote_id[0] || strcasecmp(row->remote_id, found->id) == 0)
		return 0;
	(void)err_set(e, ERR_CONFLICT, "adit keeps another tunnel named %s already (%s)", row->name,
		      row->remote_id);
	return err_hint(e,
			"Delete that one first, or give it another name (adit tunnel update %s "
			"--name NAME).",
			row->id);
}

static int check_source(const struct adopt_input *in, struct err *e)
{
	if (!in->local || in->args->convert)
		return 0;
	(void)err_set(e, ERR_CONFLICT,
		      "Tunnel %s is configured by a file (config.yml) on some host; adopted, it "
		      "would be configured at Cloudflare from the first route on, for good, and "
		      "that file be ignored",
		      in->found->name);
	return err_hint(e, "Run replicas where the file is; or agree with --convert, and bring "
			   "the file's rules along with manifest_import: Cloudflare does not have "
			   "them.");
}

static void describe_tunnel(const struct adopt_input *in, struct buf *out)
{
	(void)buf_printf(out, "%s, %lld edge connection%s now", in->found->id,
			 (long long)in->connections, in->connections == 1 ? "" : "s");
	if (in->others > 0 && in->others < in->connections)
		(void)buf_printf(out, " (%lld of other hosts)", (long long)in->others);
	(void)buf_str(out, in->local ? ", configured by a file, which the first route here "
				       "replaces for good"
				     : ", configured at Cloudflare");
}

static int64_t replicas_after(const struct adopting *x)
{
	int64_t asked = x->in->args->replicas;
	return asked >= 0 ? asked : x->row ? x->row->replicas : 0;
}

/* The edit that takes the tunnel, or puts ours again because its routes change. */
void adopt_edit_tunnel(struct adopting *x, bool takes)
{
	const struct adopt_input *in = x->in;
	struct edit *d = x->row ? plan_put_tunnel(x->p, x->row) : NULL;
	if (!d)
		d = plan_put_new(x->p, EDIT_TUNNEL_PUT);
	(void)str_copy(x->tunnel_id, ID_SIZE, d->id);
	d->replicas = replicas_after(x);
	if (in->local && in->args->convert)
		d->convert = true;
	if (!takes)
		return;
	str_set(&d->name, in->found->name);
	str_set(&d->remote_id, in->found->id);
	d->joined = false;
}

static void tell_tunnel(struct adopting *x, bool takes)
{
	AUTO(buf_t) words = {0};
	int64_t before = x->row ? x->row->replicas : 0, after = replicas_after(x);
	if (takes) {
		describe_tunnel(x->in, &words);
		if (x->row && x->row->joined)
			(void)buf_str(&words, "; joined until now, adit's own from now on");
		plan_change(x->p, '+', "tunnel", x->in->found->name, "%s", buf_text(&words));
	}
	if (before != after)
		plan_change(x->p, '~', "tunnel", x->in->found->name,
			    "replicas on this host: %lld to %lld", (long long)before,
			    (long long)after);
}

void adopt_warn(struct plan *p, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO(str_t) text = str_vformat(fmt, ap);
	va_end(ap);
	strlist_add(&p->warnings, text);
}

/* ---- whose it is ---- */

/* "edge2/0a1b2c3d" of another adit; NULL when the record bears no mark, or ours. */
char *adopt_other_owner(const struct adopting *x, const struct adopt_record *r)
{
	const struct system_facts *s = &x->in->world->system;
	return mark_is(r->comment, s->owner, s->install) ? NULL : mark_owner(r->comment);
}

/* "edge2/0a1b2c3d", or "edge2" for whatever install of it. */
static bool names_owner(const char *said, const char *owner)
{
	const char *slash = strrchr(owner, '/');
	size_t n = slash ? (size_t)(slash - owner) : strlen(owner);
	return str_equal(said, owner) || (said && strlen(said) == n && !strncmp(said, owner, n));
}

static int refuse_owner(const struct adopting *x, const struct adopt_record *r, const char *owner,
			struct err *e)
{
	const char *said = x->in->args->take_over;
	(void)err_set(e, ERR_CONFLICT, "The record of %s belongs to another adit, %s%s%s", r->name,
		      owner, said ? ", not to " : "", said ? said : "");
	return err_hint(e,
			"Run replicas of the tunnel here (adit tunnel join), let that host give "
			"it back (adit tunnel release there), or, if it is dead, take over: "
			"--take-over %s.",
			owner);
}

/* Without any route only the tunnel is taken, which is then nobody else's either. */
static bool concerns(const struct adopting *x, const struct adopt_record *r)
{
	const struct strlist *routes = &x->in->args->routes;
	bool none = routes->n == 0 || (routes->n == 1 && strlist_has(routes, "none"));
	return none || adopt_chosen(routes, r->name);
}

bool adopt_takes_over(const struct adopting *x, const struct adopt_record *r, const char *owner)
{
	return names_owner(x->in->args->take_over, owner) && concerns(x, r);
}

static int check_owners(struct adopting *x, struct err *e)
{
	const char *said = x->in->args->take_over;
	size_t taken = 0;
	for (size_t i = 0; i < x->in->n_records; i++) {
		const struct adopt_record *r = &x->in->records[i];
		AUTO(str_t) owner = adopt_other_owner(x, r);
		if (!owner || !concerns(x, r))
			continue;
		if (!said || !names_owner(said, owner))
			return refuse_owner(x, r, owner, e);
		taken++;
	}
	if (said && !taken)
		return err_set(e, ERR_NOT_FOUND,
			       "No chosen record of tunnel %s bears the mark of %s, so there is "
			       "nothing to take over",
			       x->in->found->name, said);
	if (taken && x->in->others > 0)
		adopt_warn(x->p,
			   "%lld connection%s of tunnel %s %s not this host's: if %s is alive "
			   "after all, "
			   "two will write to the same tunnel.",
			   (long long)x->in->others, x->in->others == 1 ? "" : "s",
			   x->in->found->name, x->in->others == 1 ? "is" : "are", said);
	return 0;
}

/* ---- the whole ---- */

static int read_all(struct adopting *x, struct err *e)
{
	if (rules_read_config(x->in->config, &x->rules, e) < 0)
		return err_wrap(e, "The configuration of tunnel %s", x->in->found->name);
	if (rules_read_array(x->in->rules, &x->base, e) < 0)
		return -1;
	x->items = mem_array(x->rules.n + 1, sizeof(*x->items));
	return 0;
}

static void tell_conversion(struct adopting *x)
{
	if (x->in->local)
		adopt_warn(
			x->p,
			"Tunnel %s is configured by a file (config.yml). The first route that adit "
			"puts there turns it into one that is configured at Cloudflare: there is "
			"no "
			"way back, its connectors ignore the file from then on, and the file's "
			"rules "
			"are not at Cloudflare. Bring them along first: manifest_import of that "
			"file.",
			x->in->found->name);
	if (x->in->records_unknown)
		adopt_warn(x->p,
			   "The DNS records could not be read, so it is not known whether another "
			   "adit has marked them.");
	if (x->in->records_more)
		adopt_warn(x->p,
			   "More than %zu records lead to tunnel %s: the others are left alone.",
			   x->in->n_records, x->in->found->name);
}

static bool tunnel_differs(const struct adopting *x)
{
	return x->row->replicas != replicas_after(x) ||
	       (x->in->local && x->in->args->convert && !x->row->convert);
}

int adopt_plan(const struct adopt_input *in, struct plan *p, struct err *e)
{
	AUTO(adopting_t) x = {.in = in, .p = p, .row = adopt_row(in->world, in->found)};
	if (adopt_row_check(x.row, in->found, e) < 0 || check_source(in, e) < 0 ||
	    read_all(&x, e) < 0 || check_owners(&x, e) < 0)
		return -1;
	bool takes = !x.row || !x.row->remote_id[0] || x.row->joined;
	adopt_judge_rules(&x);
	if (adopt_check_merge(&x, e) < 0)
		return -1;
	if (takes) {
		adopt_edit_tunnel(&x, true);
		tell_tunnel(&x, true);
	} else {
		plan_touch(p, x.row->id, x.row->generation);
		(void)str_copy(x.tunnel_id, ID_SIZE, x.row->id);
	}
	bool moved = adopt_take_routes(&x) > 0 || (!takes && tunnel_differs(&x));
	adopt_take_records(&x);
	if (moved && !takes) {
		adopt_edit_tunnel(&x, false);
		tell_tunnel(&x, false);
	}
	tell_conversion(&x);
	return 0;
}
