/* What a watcher is told: snapshots, coalesced changes, bounds, coming back. The stream is a buffer
 * here, and its reader reads when the test says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/recent.h"
#include "base/json.h"

#define BOOT "0badcafe"

struct desk {
	struct world *w;
	struct page *page;
	struct feed feed;
	struct recent recent;
	struct watcher watcher;
	bool sees[OBJECT_TYPES];
};

static void moved(struct watcher *x, enum object_type type, const char *id, void *owner)
{
	struct desk *d = owner;
	(void)x;
	recent_add(&d->recent, type, id, d->w->sequence);
	feed_changed(&d->feed, type, id, d->w->sequence);
}

static void set_page(struct desk *d, const char *text)
{
	struct buf b = {0};
	(void)buf_str(&b, text);
	page_drop(d->page);
	d->page = page_new(&b);
}

static int desk_begin(void **state)
{
	struct desk *d = mem_alloc(sizeof(*d));
	d->w = world_new();
	set_page(d, "{\"state\":\"ok\"}");
	for (int t = 0; t < OBJECT_TYPES; t++)
		d->sees[t] = true;
	recent_init(&d->recent, d->w->sequence);
	feed_init(&d->feed, d->w, BOOT, &d->page, d->sees, false);
	world_watch(d->w, &d->watcher, moved, d);
	*state = d;
	return 0;
}

static int desk_end(void **state)
{
	struct desk *d = *state;
	feed_free(&d->feed);
	page_drop(d->page);
	world_free(d->w);
	free(d);
	return 0;
}

static struct tunnel *add_tunnel(struct desk *d, const char *name)
{
	struct tunnel *t = tunnel_new(name);
	world_add_tunnel(d->w, t);
	return t;
}

static struct route *add_route(struct desk *d, const struct tunnel *t, const char *hostname)
{
	struct route *r = route_new();
	(void)str_copy(r->tunnel_id, sizeof(r->tunnel_id), t->id);
	r->hostname = str_dup(hostname);
	str_set(&r->service, "http://localhost");
	world_add_route(d->w, r);
	return r;
}

/* ---- reading ---- */

struct event {
	struct json_doc *doc;
	const struct json *data;
	char id[40], type[16];
};

/* The first event of the text, which is taken out of it; false when there is no whole one. */
static bool take(struct buf *text, struct event *ev)
{
	char *end = text->len ? strstr(buf_text(text), "\n\n") : NULL;
	struct err e;
	if (!end)
		return false;
	AUTO(str_t) one = str_ndup(buf_text(text), (size_t)(end - text->data));
	char *data = strstr(one, "\ndata: ");
	assert_non_null(data);
	assert_int_equal(sscanf(one, "id: %39s\nevent: %15s", ev->id, ev->type), 2);
	assert_null(strchr(data + 1, '\n'));
	if (json_parse(data + 7, strlen(data + 7), NULL, &ev->doc, &e) < 0)
		fail_msg("%s: %s", e.message, data);
	ev->data = json_root(ev->doc);
	assert_string_equal(json_get_string(ev->data, "type"), ev->type);
	buf_consume(text, (size_t)(end - text->data) + 2);
	return true;
}

static void done(struct event *ev)
{
	json_doc_free(ev->doc);
}

/* The next event that the feed tells, of which there must be one. */
static void next(struct desk *d, struct buf *text, struct event *ev)
{
	if (!text->len)
		feed_fill(&d->feed, 1, text);
	for (int i = 0; !take(text, ev); i++) {
		assert_true(i < 1000);
		feed_fill(&d->feed, text->len + 1 + (size_t)i * 10000, text);
	}
}

static void nothing(struct desk *d, struct buf *text)
{
	assert_int_equal(text->len, 0);
	feed_fill(&d->feed, 4096, text);
	assert_string_equal(buf_text(text), "");
}

static void expect(struct desk *d, struct buf *text, const char *type, const char *id)
{
	struct event ev;
	next(d, text, &ev);
	assert_string_equal(ev.type, type);
	assert_string_equal(json_get_string(ev.data, "id"), id);
	done(&ev);
}

static bool has_object(const struct event *ev, const char *id)
{
	JSON_EACH (o, json_get(ev->data, "objects"))
		if (str_equal(json_get_string(o, "id"), id))
			return str_equal(json_get_string(json_get(o, "data"), "id"), id);
	return false;
}

static size_t objects_of(const struct event *ev)
{
	size_t n = 0;
	JSON_EACH (o, json_get(ev->data, "objects"))
		n++;
	return n;
}

/* ---- tests ---- */

static void a_snapshot_comes_first_and_then_what_changes(void **state)
{
	struct desk *d = *state;
	AUTO(buf_t) text = {0};
	struct event ev;
	struct tunnel *t = add_tunnel(d, "web");
	char id[ID_SIZE], want[64];
	(void)str_copy(id, sizeof(id), t->id);
	next(d, &text, &ev);
	assert_string_equal(ev.type, "snapshot");
	assert_string_equal(json_get_string(ev.data, "boot"), BOOT);
	assert_string_equal(json_get_string(json_get(ev.data, "status"), "state"), "ok");
	assert_true(has_object(&ev, id));
	assert_int_equal(objects_of(&ev), 1);
	(void)snprintf(want, sizeof(want), BOOT ":%lld", (long long)d->w->sequence);
	assert_string_equal(ev.id, want);
	done(&ev);
	nothing(d, &text);

	world_changed(d->w, OBJECT_TUNNEL, id);
	next(d, &text, &ev);
	assert_string_equal(ev.type, "changed");
	assert_string_equal(json_get_string(ev.data, "object"), "tunnel");
	assert_string_equal(json_get_string(json_get(ev.data, "data"), "name"), "web");
	assert_int_equal(json_get_int(ev.data, "seq", 0), d->w->sequence);
	done(&ev);
	world_drop(d->w, OBJECT_TUNNEL, id);
	expect(d, &text, "removed", id);
	world_changed(d->w, OBJECT_PLAN, "17");
	expect(d, &text, "changed", "17");
	nothing(d, &text);
}

static void a_change_many_times_is_told_once_and_as_it_is_then(void **state)
{
	struct desk *d = *state;
	AUTO(buf_t) text = {0};
	struct tunnel *a = add_tunnel(d, "a"), *b = add_tunnel(d, "b");
	expect(d, &text, "snapshot", "");
	for (int i = 0; i < 10000; i++) {
		world_changed(d->w, OBJECT_TUNNEL, a->id);
		world_changed(d->w, OBJECT_TUNNEL, b->id);
	}
	world_changed(d->w, OBJECT_TUNNEL, a->id);
	assert_int_equal(feed_pending(&d->feed), 2);
	expect(d, &text, "changed", b->id); /* in the order of the last change */
	expect(d, &text, "changed", a->id);
	nothing(d, &text);
}

static void who_never_reads_costs_no_more_than_the_limit(void **state)
{
	struct desk *d = *state;
	AUTO(buf_t) text = {0};
	struct event ev;
	size_t most = 0;
	expect(d, &text, "snapshot", "");
	for (int i = 0; i < 10000; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "t%d", i);
		add_tunnel(d, name);
		most = feed_pending(&d->feed) > most ? feed_pending(&d->feed) : most;
	}
	assert_int_equal(most, FEED_PENDING);
	assert_int_equal(feed_pending(&d->feed), 0);
	next(d, &text, &ev);
	assert_string_equal(ev.type, "snapshot");
	assert_int_equal(objects_of(&ev), 10000);
	done(&ev);
	nothing(d, &text);
}

static void what_one_may_not_see_is_not_told(void **state)
{
	struct desk *d = *state;
	AUTO(buf_t) text = {0};
	struct event ev;
	struct tunnel *t = add_tunnel(d, "web");
	struct zone *z = mem_alloc(sizeof(*z));
	(void)str_copy(z->id, sizeof(z->id), "0123456789abcdef0123456789abcdef");
	z->name = str_dup("example.com");
	z->status = str_dup("active");
	world_add_zone(d->w, z);
	d->feed.sees[OBJECT_TUNNEL] = false;
	next(d, &text, &ev);
	assert_int_equal(objects_of(&ev), 1);
	assert_true(has_object(&ev, z->id));
	done(&ev);
	world_changed(d->w, OBJECT_TUNNEL, t->id);
	nothing(d, &text);
	d->feed.sees[OBJECT_TUNNEL] = true;
	feed_renew(&d->feed);
	next(d, &text, &ev);
	assert_int_equal(objects_of(&ev), 2);
	done(&ev);
}

/* While a snapshot is on its way, objects go, come and change. */
static void a_snapshot_in_pieces_misses_nothing(void **state)
{
	struct desk *d = *state;
	AUTO(buf_t) text = {0};
	struct event ev;
	struct tunnel *t[20], *last;
	for (int i = 0; i < 20; i++)
		t[i] = add_tunnel(d, "x");
	while (d->feed.phase != FEED_WALK || d->feed.walk_at < 10)
		feed_fill(&d->feed, text.len + 1, &text);
	char gone[ID_SIZE], changed[ID_SIZE];
	(void)str_copy(gone, sizeof(gone), t[3]->id);
	(void)str_copy(changed, sizeof(changed), t[5]->id);
	world_drop(d->w, OBJECT_TUNNEL, gone);
	world_changed(d->w, OBJECT_TUNNEL, changed);
	last = add_tunnel(d, "last");
	next(d, &text, &ev);
	for (int i = 0; i < 20; i++)
		if (i != 3)
			assert_true(has_object(&ev, t[i]->id));
	assert_true(has_object(&ev, last->id));
	assert_true(objects_of(&ev) <= 22);
	done(&ev);
	expect(d, &text, "removed", gone);
	expect(d, &text, "changed", changed);
	expect(d, &text, "changed", last->id);
	nothing(d, &text);
}

/* It is ended before the next one begins: an event is never torn. */
static void too_much_during_a_snapshot_makes_another_one(void **state)
{
	struct desk *d = *state;
	AUTO(buf_t) text = {0};
	struct event ev;
	add_tunnel(d, "first");
	while (d->feed.phase != FEED_WALK)
		feed_fill(&d->feed, text.len + 1, &text);
	for (int i = 0; i < FEED_PENDING + 5; i++)
		add_tunnel(d, "more");
	expect(d, &text, "snapshot", "");
	next(d, &text, &ev);
	assert_string_equal(ev.type, "snapshot");
	assert_int_equal(objects_of(&ev), FEED_PENDING + 6);
	done(&ev);
	nothing(d, &text);
}

static void a_status_is_told_when_it_is_news(void **state)
{
	struct desk *d = *state;
	AUTO(buf_t) text = {0};
	struct event ev;
	set_page(d, "{\"state\":\"ok\",\"as_of\":\"2026-01-01T00:00:00Z\",\"n\":1}");
	expect(d, &text, "snapshot", "");
	set_page(d, "{\"state\":\"ok\",\"as_of\":\"2026-02-02T00:00:00Z\",\"n\":1}");
	nothing(d, &text);
	set_page(d, "{\"state\":\"down\",\"as_of\":\"2026-02-02T00:00:00Z\",\"n\":1}");
	world_changed(d->w, OBJECT_SYSTEM, "");
	next(d, &text, &ev);
	assert_string_equal(ev.type, "status");
	assert_string_equal(json_get_string(json_get(ev.data, "status"), "state"), "down");
	done(&ev);
	nothing(d, &text);
}

static void the_status_alone_has_no_objects(void **state)
{
	struct desk *d = *state;
	AUTO(buf_t) text = {0};
	struct event ev;
	struct tunnel *t = add_tunnel(d, "web");
	feed_init(&d->feed, d->w, BOOT, &d->page, d->sees, true);
	next(d, &text, &ev);
	assert_string_equal(ev.type, "snapshot");
	assert_true(json_is_null(json_get(ev.data, "objects")));
	done(&ev);
	world_changed(d->w, OBJECT_TUNNEL, t->id);
	assert_int_equal(feed_pending(&d->feed), 0);
	nothing(d, &text);
}

static void who_comes_back_is_told_what_he_missed(void **state)
{
	struct desk *d = *state;
	AUTO(buf_t) text = {0};
	struct tunnel *a = add_tunnel(d, "a"), *b = add_tunnel(d, "b");
	int64_t seen = d->w->sequence;
	world_changed(d->w, OBJECT_TUNNEL, a->id);
	assert_true(recent_hold(&d->recent, seen));
	feed_free(&d->feed);
	feed_init(&d->feed, d->w, BOOT, &d->page, d->sees, false);
	feed_resume(&d->feed);
	recent_replay(&d->recent, seen, &d->feed);
	expect(d, &text, "changed", a->id);
	expect(d, &text, "status", ""); /* of which nobody knows what he has seen */
	nothing(d, &text);
	world_changed(d->w, OBJECT_TUNNEL, b->id);
	expect(d, &text, "changed", b->id);
}

static void what_is_too_long_ago_or_never_was_is_not_held(void **state)
{
	struct desk *d = *state;
	struct tunnel *a = add_tunnel(d, "a");
	int64_t early = d->w->sequence;
	assert_true(recent_hold(&d->recent, early));
	assert_false(recent_hold(&d->recent, early + 1));
	assert_false(recent_hold(&d->recent, -1));
	for (int i = 0; i < RECENT_KEPT; i++)
		world_changed(d->w, OBJECT_TUNNEL, a->id);
	assert_true(recent_hold(&d->recent, early));
	world_changed(d->w, OBJECT_TUNNEL, a->id);
	assert_false(recent_hold(&d->recent, early));
	assert_true(recent_hold(&d->recent, early + 1));
}

static void places_are_read_strictly(void **state)
{
	static const char *const wrong[] = {
		"",          "5",  "0badcafe",    "0badcafe:",  "0badcafe:x", "0badcafe:5x",
		"badcafe:5", NULL, "0badcafe:-1", "0badcafe0:5"};
	char boot[BOOT_SIZE];
	int64_t seq;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (event_id_parse(wrong[i], boot, &seq))
			fail_msg("\"%s\" is no place", wrong[i]);
	assert_true(event_id_parse("0badcafe:17", boot, &seq));
	assert_string_equal(boot, BOOT);
	assert_int_equal(seq, 17);
}

static void only_news_changes_the_digest(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{"{\"a\":1}", "{\"a\":2}", false},
		{"{\"as_of\":\"x\",\"a\":1}", "{\"as_of\":\"y\",\"a\":1}", true},
		{"{\"next_try_s\":5}", "{\"next_try_s\":17}", true},
		{"{\"rate\":{\"limit\":9,\"remaining\":5,\"reset_s\":1},\"r\":1}",
		 "{\"rate\":{\"limit\":9,\"remaining\":4,\"reset_s\":9},\"r\":1}", true},
		{"{\"m\":\"\\\"as_of\\\":1\"}", "{\"m\":\"\\\"as_of\\\":2\"}", false},
		{"", "x", false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool same = page_digest(cases[i].a, strlen(cases[i].a)) ==
			    page_digest(cases[i].b, strlen(cases[i].b));
		if (same != cases[i].same)
			fail_msg("%s and %s", cases[i].a, cases[i].b);
	}
}

/* A route is live by what its tunnel's connector does, and nobody says so of the route. */
static void what_follows_from_a_change_is_told_with_it(void **state)
{
	struct desk *d = *state;
	AUTO(buf_t) text = {0};
	struct tunnel *t = add_tunnel(d, "web"), *other = add_tunnel(d, "other");
	struct route *r = add_route(d, t, "a.example.com");
	struct connector *c = connector_new(t->id, 1);
	add_route(d, other, "b.example.com");
	world_add_connector(d->w, c);
	expect(d, &text, "snapshot", "");
	world_changed(d->w, OBJECT_CONNECTOR, c->id);
	int64_t seq = d->w->sequence;
	expect(d, &text, "changed", t->id);
	expect(d, &text, "changed", r->id);
	struct event ev;
	next(d, &text, &ev); /* the change itself comes last: its place stands for all */
	assert_string_equal(json_get_string(ev.data, "id"), c->id);
	assert_int_equal(json_get_int(ev.data, "seq", 0), seq);
	done(&ev);
	nothing(d, &text);
}

static void the_end_says_why(void **state)
{
	struct desk *d = *state;
	AUTO(buf_t) text = {0};
	struct event ev;
	expect(d, &text, "snapshot", "");
	feed_end(&d->feed, "the daemon \"stops\"\n", &text);
	assert_true(take(&text, &ev));
	assert_string_equal(ev.type, "end");
	assert_string_equal(json_get_string(ev.data, "message"), "the daemon \"stops\"\n");
	done(&ev);
}

#define DESK_TEST(f) cmocka_unit_test_setup_teardown(f, desk_begin, desk_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(a_snapshot_comes_first_and_then_what_changes),
		DESK_TEST(a_change_many_times_is_told_once_and_as_it_is_then),
		DESK_TEST(who_never_reads_costs_no_more_than_the_limit),
		DESK_TEST(what_one_may_not_see_is_not_told),
		DESK_TEST(a_snapshot_in_pieces_misses_nothing),
		DESK_TEST(too_much_during_a_snapshot_makes_another_one),
		DESK_TEST(a_status_is_told_when_it_is_news),
		DESK_TEST(the_status_alone_has_no_objects),
		DESK_TEST(who_comes_back_is_told_what_he_missed),
		DESK_TEST(what_is_too_long_ago_or_never_was_is_not_held),
		DESK_TEST(what_follows_from_a_change_is_told_with_it),
		DESK_TEST(the_end_says_why),
		cmocka_unit_test(places_are_read_strictly),
		cmocka_unit_test(only_news_changes_the_digest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
