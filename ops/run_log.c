/* Handler: the connectors' logs. What is read in a turn is bounded; the rest waits for the next. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/untrusted.h"
#include "ops/find.h"
#include "ops/screen.h"
#include "ops/sight.h"
#include "supervise/logsearch.h"

#define SCAN_MOST ((size_t)16 << 20) /* bytes a call; then it answers what it has, and a cursor */

static void search_drop(struct call *c)
{
	logsearch_free(c->state);
	c->state = NULL;
}

/* ---- what is asked ---- */

static int take_class(const struct log_search_args *a, struct logsearch_query *q, struct err *e)
{
	const char *names[REASONS] = {NULL};

	if (!a->class)
		return 0;
	q->reason = reason_by_name(a->class);
	if (q->reason != REASON_NONE)
		return 0;
	for (int i = 1; i < REASONS; i++)
		names[i - 1] = reason_info((enum reason)i)->name;
	const char *near = fields_nearest(names, a->class);
	(void)err_set(e, ERR_INVALID, "class: there is none called \"%.40s\"", a->class);
	return err_hint(e, "%s%s%s", near ? "Did you mean " : "As in bad_token or no_network.",
			near ? near : "", near ? "?" : "");
}

static int take_times(const struct log_search_args *a, struct logsearch_query *q, struct err *e)
{
	int64_t now = clock_wall_ms();

	if (a->since && time_parse(a->since, now, &q->since_ms, e) < 0)
		return err_wrap(e, "since");
	if (a->until && time_parse(a->until, now, &q->until_ms, e) < 0)
		return err_wrap(e, "until");
	return 0;
}

static int query_of(const struct log_search_args *a, struct logsearch_query *q, struct err *e)
{
	*q = (struct logsearch_query){
		.text = a->text,
		.level = log_rank_by_name(a->level),
		.limit = a->limit,
		.before = a->cursor,
		.after = a->after,
		.budget = SCAN_MOST,
	};
	return take_class(a, q, e) < 0 || take_times(a, q, e) < 0 ? -1 : 0;
}

/* ---- where ---- */

static void add_side(const struct ops *o, struct logsearch *s, const char *launch_id)
{
	struct err none;
	int fd = logsearch_open(o->state_dirfd, launch_id, &none);

	if (fd >= 0)
		(void)logsearch_add(s, launch_id, fd);
}

/* Both processes that it may have had. */
static void add_connector(const struct ops *o, struct logsearch *s, const struct connector *x)
{
	AUTO(str_t) other = str_format("%s.b", x->id);

	add_side(o, s, x->id);
	add_side(o, s, other);
}

static int add_connectors(const struct call *c, struct logsearch *s, const struct tunnel *only,
			  struct err *e)
{
	const struct world *w = call_world(c);
	size_t n = 0;

	TABLE_EACH (i, struct connector, x, &w->connectors) {
		if (only && !str_equal(x->tunnel_id, only->id))
			continue;
		if (++n > LOGSEARCH_FILES / 2) {
			(void)err_set(e, ERR_INVALID,
				      "More than %d connectors run on this host: one search is not "
				      "for all",
				      LOGSEARCH_FILES / 2);
			return err_hint(e,
					"Name a connector or a tunnel, as in TUNNEL/1 or TUNNEL.");
		}
		add_connector(c->ops, s, x);
	}
	return 0;
}

/* A name may be a connector's or a tunnel's. false: the call has failed. */
static bool add_named(struct call *c, struct logsearch *s)
{
	const struct log_search_args *a = c->args;
	const struct world *w = call_world(c);
	const struct connector *x = a->connector ? world_find_connector(w, a->connector) : NULL;
	const char *name = a->tunnel ? a->tunnel : a->connector;
	const struct tunnel *t = NULL;
	struct err e;

	if (x) {
		add_connector(c->ops, s, x);
		return true;
	}
	if (name) {
		t = a->tunnel || world_find_tunnel(w, name) ? find_tunnel(c, name) : NULL;
		if (!t && !a->tunnel)
			return find_connector(c, name) != NULL;
		if (!t)
			return false;
	}
	if (add_connectors(c, s, t, &e) == 0)
		return true;
	c->task.err = e;
	call_fail(c);
	return false;
}

/* ---- the answer ---- */

static void put_name(const struct world *w, const char *source, struct json_writer *out)
{
	AUTO(str_t) id = str_ndup(source, strcspn(source, "."));
	const struct connector *x = world_connector(w, id);
	char name[96];

	if (x)
		connector_name(w, x, name, sizeof(name));
	json_put_string(out, "connector", x ? name : id);
}

static void put_hit(const struct world *w, const struct log_hit *h, struct json_writer *out)
{
	json_object_begin(out);
	if (h->at_ms)
		json_put_time(out, "at", h->at_ms);
	put_name(w, h->source, out);
	if (*h->level)
		json_put_string(out, "level", h->level);
	if (h->reason != REASON_NONE)
		json_put_string(out, "class", reason_info(h->reason)->name);
	json_put_untrusted(out, "untrusted_text", h->text);
	json_object_end(out);
}

static void put_places(const struct logsearch *s, bool paged, struct json_writer *out)
{
	AUTO(buf_t) next = {0};
	AUTO(buf_t) newest = {0};
	bool more = logsearch_more(s);

	logsearch_place(s, &next);
	logsearch_newest(s, &newest);
	if (more)
		json_put_string(out, "next_cursor", buf_text(&next));
	if (!paged)
		json_put_string(out, "newest", buf_text(&newest));
	json_put_bool(out, "truncated", more);
	json_put_bool(out, "gap", logsearch_gap(s));
}

static void search_answer(struct call *c)
{
	const struct log_search_args *a = c->args;
	const struct logsearch *s = c->state;
	const struct world *world = call_world(c);
	struct json_writer w;

	call_object(c, &w);
	json_write_key(&w, "items");
	json_array_begin(&w);
	for (size_t i = 0; i < logsearch_count(s); i++)
		put_hit(world, logsearch_hit(s, i), &w);
	json_array_end(&w);
	json_put_int(&w, "count", (int64_t)logsearch_count(s));
	put_places(s, a->cursor != NULL, &w);
	json_put_time(&w, "as_of", clock_wall_ms());
	json_object_end(&w);
	call_answer(c);
}

static void search_on(struct deferred *d, void *owner)
{
	struct call *c = owner;

	if (logsearch_step(c->state, LOGSEARCH_TURN))
		deferred_start(d);
	else
		search_answer(c);
}

static bool line_shown(const char *text, void *owner)
{
	const struct call *c = owner;

	return screen_allows(c->ops, &c->who, text);
}

void run_log_search(struct call *c)
{
	struct logsearch_query q;
	struct logsearch *s = NULL;
	struct err e;

	int bad = query_of(c->args, &q, &e);
	q.shown = sight_is_limited(&c->who) ? line_shown : NULL;
	q.owner = c;
	if (bad < 0 || logsearch_new(&q, &s, &e) < 0) {
		c->task.err = e;
		call_fail(c);
		return;
	}
	c->state = s;
	c->drop_state = search_drop;
	if (!add_named(c, s))
		return;
	deferred_init(&c->look, c->ops->loop, search_on, c);
	deferred_start(&c->look);
}
