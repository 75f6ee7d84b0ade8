/*
 * Handler: what was changed of a zone's firewall in a window of time, what stops requests now, and
 * who changed that. All parts are read side by side; what could not be read is told as unknown. The
 * answer stays below a size, whatever there is: the oldest changes and the rules that nobody
 * changed lately go first, and how many there are is said.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/untrusted.h"
#include "base/utf8.h"
#include "ops/audit_kept.h"
#include "ops/audit_row.h"
#include "ops/audit_walk.h"
#include "ops/firewall_part.h"
#include "ops/rule_rows.h"
#include "ops/sight.h"

#define ANSWER_MAX   38000 /* characters */
#define PAGES_MOST   10
#define CHANGES_KEPT 500
#define RULES_KEPT   1000
#define TEXT_SHOWN   300 /* of an expression */

/* A rule that may stop a request, now. */
struct stop {
	const struct firewall_part *part;
	const char *id, *action, *ruleset, *expression, *description, *executes; /* owned */
	int64_t updated_ms;
	bool wider;
	const struct cf_audit_entry *by; /* of the kept; NULL = not known */
};

enum walk_of { WALK_ZONE, WALK_ACCOUNT, WALKS };

struct reading {
	struct report *x;
	const struct firewall_part *part;
};

struct report {
	char *zone;
	char zone_id[CF_ID_SIZE];
	const struct zone *of; /* while the walks ask: a copy, ours */
	bool narrowed;
	struct audit_walk walks[WALKS];
	bool walking[WALKS]; /* a page of it was asked for */
	struct err failed[WALKS];
	size_t parts[FIREWALL_PARTS]; /* number of the read */
	struct audit_kept kept;
	struct stop *stops;
	size_t n_stops;
	int64_t rules, unreadable, more_stops;
	struct reading in; /* the part that is read now */
	size_t at;         /* the one behind it */
	const struct ops *ops;
};

static void report_free(void *own)
{
	struct report *x = own;
	for (size_t i = 0; i < WALKS; i++)
		audit_walk_fini(&x->walks[i]);
	for (size_t i = 0; i < x->n_stops; i++) {
		const struct stop *s = &x->stops[i];
		const char *const texts[] = {s->id,         s->action,      s->ruleset,
					     s->expression, s->description, s->executes};
		for (size_t t = 0; t < ARRAY_LEN(texts); t++)
			free((void *)(uintptr_t)texts[t]);
	}
	free(x->stops);
	audit_kept_fini(&x->kept);
	zone_free((struct zone *)(uintptr_t)x->of);
	free(x->zone);
	free(x);
}

/* ---- what stops requests ---- */

static bool stops_requests(const char *action)
{
	static const char *const harmless[] = {"log", "skip", "allow", "whitelist", "bypass"};
	for (size_t i = 0; i < ARRAY_LEN(harmless); i++)
		if (str_equal(action, harmless[i]))
			return false;
	return action != NULL;
}

static void stop_add(struct report *x, struct stop s)
{
	if (x->n_stops == RULES_KEPT) {
		x->more_stops++;
		return;
	}
	s.id = str_dup(s.id);
	s.action = str_dup(s.action);
	s.ruleset = str_dup(s.ruleset);
	s.expression = str_dup(s.expression);
	s.description = str_dup(s.description);
	s.executes = str_dup(s.executes);
	x->stops = mem_grow(x->stops, x->n_stops + 1, sizeof(*x->stops));
	x->stops[x->n_stops++] = s;
}

static void read_rule(const struct cf_ruleset_rule *r, const char *ruleset, void *owner)
{
	const struct reading *in = owner;
	in->x->rules++;
	if (!r->enabled || !stops_requests(r->action))
		return;
	stop_add(in->x, (struct stop){.part = in->part,
				      .id = r->id,
				      .action = r->action,
				      .ruleset = ruleset,
				      .expression = r->expression,
				      .description = r->description,
				      .executes = cf_rule_executes(r),
				      .updated_ms = r->updated_ms,
				      .wider = in->part->account});
}

static int read_ruleset(const struct json *v, void *owner)
{
	const struct reading *in = owner;
	in->x->unreadable += firewall_part_rules(in->part, v, in->x->zone, read_rule, owner);
	return 0;
}

static int read_other(const struct json *v, void *owner)
{
	const struct reading *in = owner;
	AUTO(cf_firewall_rule_t) r = {0};
	if (in->part->read(v, &r) < 0) {
		in->x->unreadable++;
		return 0;
	}
	bool wider = r.scope != CF_FIREWALL_ZONE;
	if (wider && in->x->narrowed)
		return 0;
	in->x->rules++;
	if (!r.paused && stops_requests(r.action))
		stop_add(in->x, (struct stop){.part = in->part,
					      .id = r.id,
					      .action = r.action,
					      .expression = r.expression,
					      .description = r.description,
					      .updated_ms = r.updated_ms,
					      .wider = wider});
	return 0;
}

static bool part_is_read(const struct report *x, size_t i)
{
	return !firewall_part(i)->account || !x->narrowed;
}

/* Those that were changed lately first. */
static int later_first(const void *a, const void *b)
{
	const struct stop *x = a, *y = b;
	int64_t at = x->by ? x->by->time_ms : x->updated_ms,
		other = y->by ? y->by->time_ms : y->updated_ms;
	if (!x->by != !y->by)
		return x->by ? -1 : 1;
	return at < other ? 1 : at > other ? -1 : 0;
}

static void name_who(struct report *x)
{
	audit_kept_sort(&x->kept);
	for (size_t i = 0; i < x->n_stops; i++) {
		struct stop *s = &x->stops[i];
		s->by = audit_of_rule(&x->kept, s->id, s->ruleset, s->part->phase, s->updated_ms);
	}
	if (x->n_stops > 1)
		qsort(x->stops, x->n_stops, sizeof(*x->stops), later_first);
}

/* ---- the answer ---- */

static void put_text(struct json_writer *w, const char *key, const char *text)
{
	AUTO(str_t) shown = str_dup(text);
	if (shown && strlen(shown) > TEXT_SHOWN)
		shown[utf8_whole(shown, TEXT_SHOWN)] = '\0';
	json_put_untrusted(w, key, shown);
}

static void put_stop(const struct report *x, const struct stop *s, struct json_writer *w)
{
	json_object_begin(w);
	json_put_string(w, "id", s->id);
	json_put_string(w, "action", s->action);
	json_put_string(w, "source", s->part->name);
	put_word(w, "ruleset", s->ruleset);
	put_word(w, "executes", s->executes);
	put_text(w, "untrusted_expression", s->expression);
	put_text(w, "untrusted_description", s->description);
	if (s->wider)
		json_put_bool(w, "wider", true);
	if (s->updated_ms)
		json_put_time(w, "last_updated", s->updated_ms);
	if (s->by) {
		json_put_time(w, "changed", s->by->time_ms);
		audit_put_actor(s->by, w);
		audit_put_ours(x->ops, s->by, w);
	}
	json_object_end(w);
}

static void put_change(const struct report *x, const struct cf_audit_entry *e,
		       struct json_writer *w)
{
	const struct audit_row row = {.x = *e};
	audit_row_write(&row, w, x->ops);
}

static void put_unknown_parts(const struct report *x, const struct gather *g, struct json_writer *w)
{
	static const char *const names[WALKS] = {"audit_log", "account_audit_log"};
	json_write_key(w, "unknown");
	json_array_begin(w);
	for (size_t i = 0; i < FIREWALL_PARTS; i++) {
		const struct err *why = part_is_read(x, i) ? gather_error(g, x->parts[i]) : NULL;
		if (why || !part_is_read(x, i))
			put_unknown(w, firewall_part(i)->name, why);
	}
	for (size_t i = 0; i < WALKS; i++) {
		if (i == WALK_ACCOUNT && x->narrowed)
			put_unknown(w, names[i], NULL);
		else if (x->failed[i].kind != ERR_NONE)
			put_unknown(w, names[i], &x->failed[i]);
		if (x->walks[i].old_error.kind != ERR_NONE)
			put_unknown(w, AUDIT_API_OLD, &x->walks[i].old_error);
	}
	json_array_end(w);
}

static void put_frame(const struct report *x, struct json_writer *w)
{
	const struct audit_walk *k = &x->walks[WALK_ZONE];
	int64_t looked_ms = 0;
	for (size_t i = 0; i < WALKS; i++)
		if (x->walks[i].more && x->walks[i].looked_ms > looked_ms)
			looked_ms = x->walks[i].looked_ms;
	json_put_string(w, "zone", x->zone);
	json_put_time(w, "since", k->ask.since_ms);
	json_put_time(w, "until", k->ask.before_ms);
	json_put_int(w, "entries_total", (int64_t)x->kept.n + x->kept.more);
	json_put_int(w, "rules", x->rules);
	json_put_int(w, "blocking_total", (int64_t)x->n_stops + x->more_stops);
	if (looked_ms)
		json_put_time(w, "looked_back_to", looked_ms);
}

static void write_report(struct call *c, struct gather *g, const struct report *x, size_t changes,
			 size_t stops)
{
	struct json_writer w;
	buf_reset(&c->result);
	call_object(c, &w);
	put_frame(x, &w);
	json_write_key(&w, "blocking");
	json_array_begin(&w);
	for (size_t i = 0; i < x->n_stops && i < stops; i++)
		put_stop(x, &x->stops[i], &w);
	json_array_end(&w);
	json_write_key(&w, "entries");
	json_array_begin(&w);
	for (size_t i = 0; i < x->kept.n && i < changes; i++)
		put_change(x, &x->kept.items[i], &w);
	json_array_end(&w);
	put_unknown_parts(x, g, &w);
	json_put_int(&w, "unreadable",
		     x->unreadable + x->walks[WALK_ZONE].unreadable +
			     x->walks[WALK_ACCOUNT].unreadable);
	json_put_bool(&w, "truncated",
		      changes < x->kept.n || stops < x->n_stops || x->kept.more || x->more_stops ||
			      x->walks[WALK_ZONE].more || x->walks[WALK_ACCOUNT].more);
	json_put_time(&w, "as_of", gather_as_of(g));
	gather_put_rate(c, &w);
	json_object_end(&w);
}

static void answer(struct call *c, struct gather *g, struct report *x)
{
	size_t changes = 60, stops = 60;
	name_who(x);
	for (;;) {
		write_report(c, g, x, changes, stops);
		if (c->result.len <= ANSWER_MAX || changes + stops <= 2)
			break;
		/* What was changed explains more than what stands there unchanged. */
		changes = changes * 9 / 10;
		stops = stops * 4 / 5;
	}
	call_answer(c);
}

/* ---- reading ---- */

static void read_parts(struct call *c, struct gather *g)
{
	struct report *x = gather_own(g);
	while (x->at < FIREWALL_PARTS) {
		size_t i = x->at++;
		if (!part_is_read(x, i))
			continue;
		x->in = (struct reading){x, firewall_part(i)};
		gather_each(g, x->parts[i], x->in.part->phase ? read_ruleset : read_other, &x->in,
			    read_parts);
		return;
	}
	answer(c, g, x);
}

static bool take_change(const struct cf_audit_entry *x, void *owner)
{
	struct report *r = owner;
	if (audit_of_firewall(x))
		audit_keep(&r->kept, x);
	return true;
}

static void all_came(struct call *c, struct gather *g)
{
	struct report *x = gather_own(g);
	bool more = false;
	for (size_t i = 0; i < WALKS; i++) {
		if (!x->walking[i])
			continue;
		int rc = audit_walk_came(g, &x->walks[i], &x->failed[i]);
		x->walking[i] = rc > 0;
		more = more || rc > 0;
	}
	if (more)
		return;
	if (gather_all_failed(g))
		gather_fail(c, g, 0);
	else
		read_parts(c, g);
}

static int walks_begin(struct report *x, const struct security_change_report_args *a, struct err *e)
{
	int64_t now = clock_wall_ms();
	struct audit_ask ask = {.before_ms = now, .narrowed = x->narrowed, .action = "change"};
	if (time_parse(a->since, now, &ask.since_ms, e) < 0)
		return err_wrap(e, "since");
	if (a->until && time_parse(a->until, now, &ask.before_ms, e) < 0)
		return err_wrap(e, "until");
	for (size_t i = 0; i < WALKS; i++) {
		struct audit_walk *k = &x->walks[i];
		k->ask = ask;
		k->ask.zone = i == WALK_ZONE ? x->of : NULL;
		k->ask.scope = i == WALK_ACCOUNT ? "accounts" : NULL;
		k->take = take_change;
		k->owner = x;
		k->pages_most = i == WALK_ZONE ? PAGES_MOST : 2;
		if (audit_walk_begin(k, NULL, e) < 0)
			return -1;
	}
	return 0;
}

static void ask_all(struct gather *g, struct report *x)
{
	for (size_t i = 0; i < WALKS; i++) {
		x->walking[i] = i == WALK_ZONE || !x->narrowed;
		if (x->walking[i])
			audit_walk_ask(g, &x->walks[i]);
	}
	for (size_t i = 0; i < FIREWALL_PARTS; i++) {
		const struct firewall_part *p = firewall_part(i);
		const struct cf_target t = {.zone = p->account ? NULL : x->zone_id, .id = p->phase};
		if (part_is_read(x, i))
			x->parts[i] = gather_read(g, p->source, &t);
	}
}

void run_security_change_report(struct call *c)
{
	const struct security_change_report_args *a = c->args;
	const struct zone *z = gather_zone(c, a->zone);
	if (!z)
		return;
	struct gather *g = gather_begin(c, a->fresh, all_came);
	struct report *x = mem_alloc(sizeof(*x));
	gather_set_own(g, x, report_free);
	x->ops = c->ops;
	x->kept.most = CHANGES_KEPT;
	x->narrowed = sight_is_limited(&c->who);
	x->zone = str_dup(z->name);
	(void)str_copy(x->zone_id, sizeof(x->zone_id), z->id);
	x->of = zone_new(z->id, z->name);
	if (walks_begin(x, a, &c->task.err) < 0) {
		call_fail(c);
		return;
	}
	ask_all(g, x);
}
