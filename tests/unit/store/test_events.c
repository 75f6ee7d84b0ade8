/* Events: every field comes back, filters, and the bound on how many are kept. */
#include "tests/unit/store/fixture.h"

#include "base/clock.h"

static char id_web[] = "t1", id_shop[] = "t2", name[] = "web", ready[] = "connector_ready",
	    made[] = "tunnel_created", message[] = "It is ready.", detail[] = "from outside";

static void add(struct fixture *f, int64_t at_ms, char *object_id, char *kind)
{
	struct event ev = {
		.at_ms = at_ms,
		.object_type = OBJECT_TUNNEL,
		.object_id = object_id,
		.object_name = name,
		.kind = kind,
		.message = message,
	};

	OK(f, store_add_event(f->s, &ev, &f->e));
}

static void free_events(struct event *events, size_t n)
{
	for (size_t i = 0; i < n; i++)
		event_free(&events[i]);
	free(events);
}

static void events_come_back(void **state)
{
	struct fixture *f = *state;
	struct event *events = NULL;
	size_t n = 0;

	open_store(f);
	for (int t = 0; t < OBJECT_TYPES; t++) {
		struct event ev = {.at_ms = 1700000000000 + t,
				   .object_type = (enum object_type)t,
				   .object_id = id_web,
				   .object_name = name,
				   .kind = ready,
				   .message = message,
				   .untrusted_detail = t % 2 ? detail : NULL};

		OK(f, store_add_event(f->s, &ev, &f->e));
	}
	reopen_store(f);
	OK(f, store_list_events(f->s, &(struct event_filter){.limit = 50}, &events, &n, &f->e));
	assert_int_equal(n, OBJECT_TYPES);
	for (size_t i = 0; i < n; i++) {
		int t = OBJECT_TYPES - 1 - (int)i;

		assert_int_equal(events[i].seq, t + 1);
		assert_int_equal(events[i].at_ms, 1700000000000 + t);
		assert_int_equal(events[i].object_type, t);
		assert_string_equal(events[i].object_id, "t1");
		assert_string_equal(events[i].object_name, "web");
		assert_string_equal(events[i].kind, "connector_ready");
		assert_string_equal(events[i].message, "It is ready.");
		assert_true(str_equal(events[i].untrusted_detail, t % 2 ? detail : NULL));
	}
	free_events(events, n);
}

static void what_is_not_said_is_filled_in(void **state)
{
	struct fixture *f = *state;
	struct event *events = NULL;
	size_t n = 0;

	open_store(f);
	clock_freeze(1, 1700000000999);
	OK(f, store_add_event(f->s, &(struct event){.object_type = OBJECT_SYSTEM}, &f->e));
	clock_freeze(0, 0);
	OK(f, store_list_events(f->s, &(struct event_filter){.limit = 1}, &events, &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(events[0].at_ms, 1700000000999);
	assert_string_equal(events[0].object_id, "");
	assert_string_equal(events[0].message, "");
	free_events(events, n);
}

static void an_event_rolls_back_with_its_transaction(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	OK(f, store_begin(f->s, &f->e));
	add(f, 1, id_web, ready);
	store_rollback(f->s);
	add(f, 1, id_web, ready);
	assert_int_equal(raw_int(f, "SELECT count(*) FROM event"), 1);
}

static void expect(struct fixture *f, struct event_filter filter, const char *seqs)
{
	AUTO(buf_t) text = {0};
	struct event *events = NULL;
	size_t n = 0;

	OK(f, store_list_events(f->s, &filter, &events, &n, &f->e));
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%s%lld", i ? " " : "", (long long)events[i].seq);
	free_events(events, n);
	assert_string_equal(buf_text(&text), seqs);
}

static void filters(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	expect(f, (struct event_filter){.limit = 9}, "");
	add(f, 10, id_web, made);
	add(f, 20, id_web, ready);
	add(f, 30, id_shop, made);
	add(f, 40, id_shop, ready);
	expect(f, (struct event_filter){.limit = 9}, "4 3 2 1");
	expect(f, (struct event_filter){.limit = 2}, "4 3");
	expect(f, (struct event_filter){.limit = 0}, "");
	expect(f, (struct event_filter){.limit = -1}, "");
	expect(f, (struct event_filter){.limit = 9, .before = 3}, "2 1");
	expect(f, (struct event_filter){.limit = 9, .since_ms = 20}, "4 3 2");
	expect(f, (struct event_filter){.limit = 9, .kind = made}, "3 1");
	expect(f, (struct event_filter){.limit = 9, .object_id = id_web}, "2 1");
	expect(f, (struct event_filter){.limit = 9, .object_id = id_web, .kind = ready}, "2");
	expect(f, (struct event_filter){.limit = 9, .kind = "other"}, "");
}

static void the_newest_10000_are_kept(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	OK(f, store_begin(f->s, &f->e));
	for (int i = 0; i < 10005; i++)
		add(f, i + 1, id_web, ready);
	OK(f, store_commit(f->s, &f->e));
	assert_int_equal(raw_int(f, "SELECT count(*) FROM event"), 10000);
	assert_int_equal(raw_int(f, "SELECT min(seq) FROM event"), 6);
	reopen_store(f);
	add(f, 1, id_web, ready);
	assert_int_equal(raw_int(f, "SELECT count(*) FROM event"), 10000);
	assert_int_equal(raw_int(f, "SELECT max(seq) FROM event"), 10006);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(events_come_back),
		TEST(what_is_not_said_is_filled_in),
		TEST(an_event_rolls_back_with_its_transaction),
		TEST(filters),
		TEST(the_newest_10000_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
