/*
 * Handlers: tunnels that somebody else made, taken over (adopt) or served along with their owner
 * (join). What stands at Cloudflare is read first, for the person who asks; the plan is made of it
 * in ops/adopt, and goes the way of every change.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/untrusted.h"
#include "cloudflare/configs.h"
#include "cloudflare/records.h"
#include "ops/adopt.h"
#include "ops/find.h"
#include "ops/judge.h"
#include "ops/scope.h"
#include "ops/write.h"

#define RECORDS_MAX 20000

/* What is read, step by step. */
struct reading {
	struct cf_call call;
	struct cf_page page;
	bool calling, paging;
	struct cf_tunnel found;
	int64_t connections, others;
	char *config;
	bool local;
	struct strlist zones;
	size_t next;
	struct adopt_record *records;
	size_t n_records;
	bool more;        /* records than are kept */
	struct err blind; /* why the records could not be read; ERR_NONE = they could */
	void (*found_next)(struct call *c);
};

static void reading_drop(struct call *c)
{
	struct reading *x = c->state;
	if (x->calling)
		cf_call_cancel(&x->call);
	if (x->paging)
		cf_page_cancel(&x->page);
	cf_call_reset(&x->call);
	cf_page_reset(&x->page);
	for (size_t i = 0; i < x->n_records; i++)
		adopt_record_free(&x->records[i]);
	free(x->records);
	free(x->config);
	strlist_free(&x->zones);
	free(x);
	c->state = NULL;
}

/* ---- the tunnel ---- */

static bool is_ours(const struct world *w, const char *connector_id)
{
	struct uuid id = uuid_read(connector_id);

	TABLE_EACH (i, struct connector, c, &w->connectors)
		if (uuid_known(&id) && uuid_same(&c->connector_id, &id))
			return true;
	return false;
}

static void count_connections(const struct world *w, const struct json *tunnel, struct reading *x)
{
	JSON_EACH (row, json_get(tunnel, "connections")) {
		x->connections++;
		x->others += !is_ours(w, json_get_string(row, "client_id"));
	}
}

static int refuse_unknown(const char *name, struct err *e)
{
	(void)err_set(e, ERR_NOT_FOUND, "The account has no tunnel \"%.64s\"", name);
	return err_hint(e, "Give its name or its id at Cloudflare, as its dashboard shows them.");
}

/* By id: the tunnel itself. By name: those of that name, which should be one. */
static int pick_tunnel(const struct json *result, const char *name, const struct json **tunnel,
		       struct err *e)
{
	*tunnel = json_type(result) == JSON_ARRAY ? json_first(result) : result;
	if (!*tunnel)
		return refuse_unknown(name, e);
	if (json_type(result) == JSON_ARRAY && json_count(result) > 1) {
		(void)err_set(e, ERR_CONFLICT, "The account has %zu tunnels named \"%.64s\"",
			      json_count(result), name);
		return err_hint(e, "Give the id of the one that is meant.");
	}
	return 0;
}

/* A name that is prose would stand in sentences of ours: whoever says it himself may have it. */
static int refuse_name(const char *id, struct err *e)
{
	(void)err_set(e, ERR_CONFLICT,
		      "The name of tunnel %s at Cloudflare has blanks or signs that adit does not "
		      "repeat",
		      id);
	return err_hint(e, "Give the tunnel by that very name, or rename it at Cloudflare.");
}

static int read_tunnel(struct call *c, const char *name, struct err *e)
{
	struct reading *x = c->state;
	const struct json *tunnel;
	if (pick_tunnel(x->call.result, name, &tunnel, e) < 0 ||
	    cf_tunnel_read(tunnel, &x->found, e) < 0)
		return -1;
	if (!text_is_plain(x->found.name) && strcasecmp(x->found.name, name) != 0)
		return refuse_name(x->found.id, e);
	if (x->found.deleted)
		return err_set(e, ERR_NOT_FOUND, "Tunnel %s was deleted at Cloudflare",
			       x->found.name);
	count_connections(c->ops->world, tunnel, x);
	x->local = !x->found.remote;
	return 0;
}

/* Both operations begin with it. */
static const char *name_of(const struct call *c)
{
	return c->op == op_tunnel_join() ? ((const struct tunnel_join_args *)c->args)->tunnel
					 : ((const struct tunnel_adopt_args *)c->args)->tunnel;
}

static void tunnel_told(struct task *t, void *owner)
{
	struct call *c = owner;
	struct reading *x = c->state;
	struct err e = t->err;
	x->calling = false;
	if (e.kind != ERR_NONE && x->call.absent)
		(void)refuse_unknown(name_of(c), &e);
	if (e.kind != ERR_NONE || read_tunnel(c, name_of(c), &e) < 0) {
		c->task.err = e;
		call_fail(c);
		return;
	}
	cf_call_reset(&x->call);
	x->found_next(c);
}

/* Our own ids and names serve too; a row that has no remote id yet waits for one of its name. */
static const char *remote_name(const struct world *w, const char *name)
{
	const struct tunnel *t = world_find_tunnel(w, name);
	return !t ? name : t->remote_id[0] ? t->remote_id : t->name;
}

static void read_start(struct call *c, void (*found_next)(struct call *c))
{
	if (!call_needs_store(c) || !scope_is_whole(c))
		return;
	if (!c->ops->cf) {
		(void)err_set(&c->task.err, ERR_DENIED, "Cloudflare cannot be asked");
		call_fail(c);
		return;
	}
	struct reading *x = mem_alloc(sizeof(*x));
	x->found_next = found_next;
	x->calling = true;
	c->state = x;
	c->drop_state = reading_drop;
	cf_tunnel_ask(c->ops->cf, &x->call, CF_SHARE_PEOPLE, remote_name(c->ops->world, name_of(c)),
		      tunnel_told, c);
}

/* The plan is made, or e says why not; what was read is no longer needed. */
static void read_end(struct call *c, struct plan *p, int made, const struct err *e)
{
	reading_drop(c);
	c->drop_state = NULL;
	if (made == 0) {
		write_run(c, (const struct write_args *)c->args, p);
		return;
	}
	plan_free(p);
	c->task.err = *e;
	call_fail(c);
}

/* ---- adopt: its records ---- */

static void adopt_zone(struct call *c);

static int keep_record(const struct cf_record *r, const struct err *why, void *owner)
{
	(void)why;
	struct call *c = owner;
	struct reading *x = c->state;
	struct err e;
	if (!r || !str_equal(r->type, "CNAME") || !content_leads_to(r->content, x->found.id) ||
	    !text_is_plain(r->name))
		return 0;
	x->more = x->n_records == RECORDS_MAX;
	if (x->more)
		return 0;
	x->records = mem_room(x->records, x->n_records, sizeof(*x->records));
	struct adopt_record *kept = &x->records[x->n_records++];
	memset(kept, 0, sizeof(*kept));
	(void)str_copy(kept->id, sizeof(kept->id), r->id);
	(void)str_copy(kept->zone_id, sizeof(kept->zone_id), x->zones.items[x->next]);
	if (hostname_normalise(r->name, &kept->name, &e) < 0)
		kept->name = str_dup(r->name);
	kept->content = str_dup(r->content);
	kept->comment = str_dup(r->comment);
	kept->proxied = r->proxied;
	kept->ttl = r->ttl;
	return 0;
}

static void zone_told(struct task *t, void *owner)
{
	struct call *c = owner;
	struct reading *x = c->state;
	const struct tunnel_adopt_args *a = c->args;
	x->paging = false;
	if (t->err.kind == ERR_NONE) {
		(void)cf_record_each(&x->page, keep_record, c);
		x->next++;
	} else if (a->records) {
		struct err e = t->err;
		read_end(c, NULL, err_wrap(&e, "The DNS records"), &e);
		return;
	} else {
		x->blind = t->err;
		x->next = x->zones.n;
	}
	cf_page_reset(&x->page);
	adopt_zone(c);
}

static int make_plan(struct call *c, struct plan *p, struct err *e)
{
	const struct reading *x = c->state;
	const struct tunnel *row = adopt_row(c->ops->world, &x->found);
	struct guard_policy g;
	AUTO(str_t) rules = NULL;
	if (judge_policy(c->ops, p, &g, e) < 0 ||
	    (row && store_load_rules(c->ops->store, row->id, &rules, e) < 0))
		return -1;
	const struct adopt_input in = {
		.world = c->ops->world,
		.guard = &g,
		.args = c->args,
		.found = &x->found,
		.connections = x->connections,
		.others = x->others,
		.config = x->config,
		.local = x->local,
		.rules = rules,
		.records = x->records,
		.n_records = x->n_records,
		.records_unknown = x->blind.kind != ERR_NONE,
		.records_more = x->more,
	};
	return adopt_plan(&in, p, e);
}

static void adopt_zone(struct call *c)
{
	const struct tunnel_adopt_args *a = c->args;
	struct reading *x = c->state;
	if (x->next < x->zones.n) {
		AUTO(str_t)
		filter = str_format("type=CNAME&content.exact=%s" TUNNEL_DOMAIN, x->found.id);
		x->paging = true;
		cf_record_list(c->ops->cf, &x->page, CF_SHARE_PEOPLE, x->zones.items[x->next],
			       filter, zone_told, c);
		return;
	}
	struct plan *p = plan_new(c->op->name, c->who.name, a->reason);
	struct err e;
	int made = make_plan(c, p, &e);
	read_end(c, p, made, &e);
}

/* ---- adopt: its configuration ---- */

static void config_told(struct task *t, void *owner)
{
	struct call *c = owner;
	struct reading *x = c->state;
	struct cf_config config;
	struct err e = t->err;
	x->calling = false;
	if (e.kind != ERR_NONE || cf_config_read(&x->call, &config, &e) < 0) {
		read_end(c, NULL, -1, &e);
		return;
	}
	x->config = config.config.len ? str_ndup(config.config.p, config.config.len) : NULL;
	x->local = x->local || config.local;
	adopt_zones(c->ops->world, x->config, adopt_row(c->ops->world, &x->found), &x->zones);
	adopt_zone(c);
}

static void adopt_config(struct call *c)
{
	struct reading *x = c->state;
	if (!c->ops->world->system.zones_listed_ms) {
		struct err e;
		(void)err_set(&e, ERR_BUSY, "The zones have not been listed yet");
		read_end(c, NULL, -1, &e);
		return;
	}
	x->calling = true;
	cf_config_ask(c->ops->cf, &x->call, x->found.id, config_told, c);
}

void run_tunnel_adopt(struct call *c)
{
	read_start(c, adopt_config);
}

/* ---- join ---- */

static int join_check(const struct tunnel *row, const struct reading *x, struct err *e)
{
	if (adopt_row_check(row, &x->found, e) < 0)
		return -1;
	if (row && row->remote_id[0] && !row->joined) {
		(void)err_set(e, ERR_CONFLICT, "Tunnel %s is this host's own", row->name);
		return err_hint(e,
				"Say how many connectors it runs (adit tunnel update %s --replicas "
				"N), or give it back first (adit tunnel release %s).",
				row->name, row->name);
	}
	if (!x->local)
		return 0;
	(void)err_set(e, ERR_CONFLICT,
		      "Tunnel %s is configured by a file on some host: a replica without that file "
		      "would answer every request with an error",
		      x->found.name);
	return err_hint(e, "Run its replicas with that file, or have it adopted first.");
}

static void join_plan(const struct call *c, const struct tunnel *row, struct plan *p)
{
	const struct tunnel_join_args *a = c->args;
	const struct reading *x = c->state;
	if (row && row->joined && row->replicas == a->replicas) {
		plan_touch(p, row->id, row->generation);
		return;
	}
	bool fresh = !row || !row->joined;
	struct edit *d = row ? plan_put_tunnel(p, row) : plan_put_new(p, EDIT_TUNNEL_PUT);
	d->replicas = a->replicas;
	d->joined = true;
	if (fresh) {
		str_set(&d->name, x->found.name);
		str_set(&d->remote_id, x->found.id);
		plan_change(p, '+', "tunnel", x->found.name,
			    "joined: %s, %lld edge connection%s now; %lld connector%s here, and "
			    "nothing of it is written",
			    x->found.id, (long long)x->connections, x->connections == 1 ? "" : "s",
			    (long long)a->replicas, a->replicas == 1 ? "" : "s");
	} else {
		plan_change(p, '~', "tunnel", row->name, "replicas on this host: %lld to %lld",
			    (long long)row->replicas, (long long)a->replicas);
	}
}

static void join_found(struct call *c)
{
	const struct tunnel_join_args *a = c->args;
	const struct reading *x = c->state;
	const struct tunnel *row = adopt_row(c->ops->world, &x->found);
	struct plan *p = plan_new(c->op->name, c->who.name, a->reason);
	struct err e;
	int made = join_check(row, x, &e);
	if (made == 0)
		join_plan(c, row, p);
	read_end(c, p, made, &e);
}

void run_tunnel_join(struct call *c)
{
	read_start(c, join_found);
}
