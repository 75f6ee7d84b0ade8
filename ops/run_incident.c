/* Handler: one time line of what happened around a host name or a zone. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ops/audit_row.h"
#include "ops/audit_walk.h"
#include "ops/incident.h"
#include "ops/inside.h"
#include "ops/rule_rows.h"

#define ANSWER_MAX   13500 /* characters: less than 4,000 tokens */
#define PAGES_MOST   5
#define ENTRIES_KEPT 300
#define WALKS        5 /* of the zone, and of its first tunnels */

struct incidence {
	struct incident x;
	struct zone *zone; /* that the walk asks for; ours */
	struct audit_walk walks[WALKS];
	char *asked[WALKS]; /* the id of the tunnel that it asks for */
	bool walking[WALKS];
	size_t n_walks;
	struct err failed;
	bool narrowed; /* the log is not his */
	struct audit_kept kept;
};

static void incidence_free(void *own)
{
	struct incidence *i = own;
	for (size_t k = 0; k < i->n_walks; k++) {
		audit_walk_fini(&i->walks[k]);
		free(i->asked[k]);
	}
	audit_kept_fini(&i->kept);
	incident_fini(&i->x);
	zone_free(i->zone);
	free(i);
}

/* ---- the answer ---- */

static void put_unknown_parts(const struct incidence *i, struct json_writer *w)
{
	json_write_key(w, "unknown");
	json_array_begin(w);
	if (i->x.store_error.kind != ERR_NONE)
		put_unknown(w, "store", &i->x.store_error);
	if (i->failed.kind != ERR_NONE)
		put_unknown(w, "audit_log", &i->failed);
	else if (i->narrowed)
		put_unknown(w, "audit_log", NULL);
	if (i->n_walks && i->walks[0].old_error.kind != ERR_NONE)
		put_unknown(w, AUDIT_API_OLD, &i->walks[0].old_error);
	json_array_end(w);
}

/* The log was not read back to the beginning of the window. */
static bool reads_on(const struct incidence *i)
{
	for (size_t k = 0; k < i->n_walks; k++)
		if (i->walks[k].more)
			return true;
	return false;
}

static void write_capsule(struct call *c, struct gather *g, const struct incidence *i, size_t rows)
{
	const struct incident *x = &i->x;
	struct json_writer w;
	buf_reset(&c->result);
	call_object(c, &w);
	put_word(&w, "host", x->host);
	put_word(&w, "zone", x->zone);
	json_put_time(&w, "since", x->since_ms);
	json_put_time(&w, "until", x->until_ms);
	json_put_int(&w, "total", (int64_t)x->line.n);
	json_write_key(&w, "timeline");
	timeline_write(&x->line, rows, &w);
	json_put_bool(&w, "truncated", rows < x->line.n || i->kept.more > 0 || reads_on(i));
	put_unknown_parts(i, &w);
	json_put_time(&w, "as_of", gather_as_of(g));
	if (gather_count(g))
		gather_put_rate(c, &w);
	json_object_end(&w);
}

static void answer(struct call *c, struct gather *g, struct incidence *i)
{
	size_t rows;
	for (size_t k = 0; k < i->kept.n; k++)
		incident_tell_entry(c, &i->x, &i->kept.items[k]);
	incident_tell(c, &i->x);
	timeline_order(&i->x.line);
	rows = i->x.line.n < 80 ? i->x.line.n : 80;
	for (;; rows = rows * 9 / 10) {
		write_capsule(c, g, i, rows);
		if (c->result.len <= ANSWER_MAX || rows == 0)
			break;
	}
	call_answer(c);
}

/* ---- the audit log ---- */

static bool take_entry(const struct cf_audit_entry *e, void *owner)
{
	struct incidence *i = owner;
	if (incident_takes(&i->x, e))
		audit_keep(&i->kept, e);
	return true;
}

static void pages_came(struct call *c, struct gather *g)
{
	struct incidence *i = gather_own(g);
	bool more = false;
	for (size_t k = 0; k < i->n_walks; k++) {
		if (!i->walking[k])
			continue;
		i->walking[k] = audit_walk_came(g, &i->walks[k], &i->failed) > 0;
		more = more || i->walking[k];
	}
	if (!more)
		answer(c, g, i);
}

static void walk_add(struct incidence *i, const struct zone *z, const char *tunnel)
{
	struct audit_walk *k = &i->walks[i->n_walks];
	if (i->n_walks == WALKS)
		return;
	i->asked[i->n_walks] = str_dup(tunnel);
	k->ask = (struct audit_ask){.since_ms = i->x.since_ms,
				    .before_ms = i->x.until_ms,
				    .zone = z,
				    .narrowed = i->narrowed,
				    .action = "change",
				    .resource = i->asked[i->n_walks]};
	k->take = take_entry;
	k->owner = i;
	k->pages_most = z ? PAGES_MOST : 1;
	i->n_walks++;
}

/* The log of the zone is his who has all of it, and that of tunnels his who has all. */
static void plan_walks(struct call *c, struct incidence *i)
{
	const struct inside in = inside_of(c->ops->world, &c->who);
	const struct zone *z = i->x.zone_id[0] ? world_zone(c->ops->world, i->x.zone_id) : NULL;
	i->narrowed = !in.all;
	if (z && inside_whole_zone(&in, z)) {
		i->zone = zone_new(z->id, z->name);
		walk_add(i, i->zone, NULL);
	}
	for (size_t k = 0; in.all && k < i->x.tunnels.n; k++) {
		const struct tunnel *t = world_tunnel(c->ops->world, i->x.tunnels.items[k]);
		if (t && t->remote_id[0])
			walk_add(i, NULL, t->remote_id);
	}
}

static int ask_all(struct gather *g, struct incidence *i, struct err *e)
{
	for (size_t k = 0; k < i->n_walks; k++)
		if (audit_walk_begin(&i->walks[k], NULL, e) < 0)
			return -1;
	for (size_t k = 0; k < i->n_walks; k++) {
		i->walking[k] = true;
		audit_walk_ask(g, &i->walks[k]);
	}
	return 0;
}

static int read_window(const struct incident_capsule_args *a, struct incident *x, struct err *e)
{
	int64_t now = clock_wall_ms();
	x->until_ms = now;
	if (time_parse(a->since, now, &x->since_ms, e) < 0)
		return err_wrap(e, "since");
	if (a->until && time_parse(a->until, now, &x->until_ms, e) < 0)
		return err_wrap(e, "until");
	return audit_ask_check(x->since_ms, x->until_ms, e);
}

void run_incident_capsule(struct call *c)
{
	const struct incident_capsule_args *a = c->args;
	struct gather *g = gather_begin(c, a->fresh, pages_came);
	struct incidence *i = mem_alloc(sizeof(*i));
	gather_set_own(g, i, incidence_free);
	i->kept.most = ENTRIES_KEPT;
	if (read_window(a, &i->x, &c->task.err) < 0 || incident_begin(c, a->name, &i->x) < 0) {
		call_fail(c);
		return;
	}
	if (c->ops->security)
		plan_walks(c, i);
	else
		(void)err_set(&i->failed, ERR_INTERNAL, "Cloudflare cannot be asked");
	if (ask_all(g, i, &c->task.err) < 0)
		call_fail(c);
	else if (!i->n_walks)
		answer(c, g, i);
}
