/* Whose token wrote what: what is told, what is not, and when it ends. */
#include "reconcile/audit.h"
#include "reconcile/misuse.h"
#include "tests/unit/reconcile/bench.h"

#define OURS    "11112222333344445555666677778888"
#define OTHER   "99992222333344445555666677778888"
#define RAY     "8e9b1c60ef9e1c9a"
#define FOREIGN "0000000000001234"

struct site {
	struct bench *b;
	struct record *r;
	struct audit a;
};

static void row(struct site *s, enum ledger_phase phase, const char *object, const char *rays)
{
	AUTO(str_t) what = str_dup(object);
	AUTO(str_t) ray = str_dup(rays);
	struct ledger_row x = {.phase = phase,
			       .principal = (char[]){"adit"},
			       .operation = (char[]){"PATCH dns_records"},
			       .object = what,
			       .rays = ray};
	struct err e;
	assert_int_equal(store_add_ledger(s->b->store, &x, NULL, &e), 0);
}

static void begin(struct site *s)
{
	audit_init(&s->a, s->b->world, s->b->store, s->b->cf);
	audit_begin(&s->a);
}

/* A write of ours is in the ledger, and the log has told of it by which token it was. */
static void set_up(struct site *s, void **state)
{
	s->b = *state;
	s->r = bench_record(s->b, bench_tunnel(s->b, true), true);
	row(s, LEDGER_INTENT, s->r->name, NULL);
	row(s, LEDGER_RESULT, s->r->name, RAY "-FRA");
	begin(s);
}

static void know_zone(struct site *s)
{
	if (!world_zone(s->b->world, ZONE))
		world_add_zone(s->b->world, zone_new(ZONE, "example.com"));
}

static struct cf_audit_entry entry(const char *id, const char *token, const char *ray)
{
	return (struct cf_audit_entry){.id = id,
				       .time_ms = clock_wall_ms() + 5,
				       .action = CF_AUDIT_UPDATE,
				       .email = "alice@example.com",
				       .address = "198.51.100.7",
				       .token_id = token,
				       .ray = ray,
				       .uri = RECORD_AT};
}

static void take(struct site *s, struct cf_audit_entry x)
{
	audit_take(&s->a, &x);
}

static const struct notice *shown(const struct site *s)
{
	return notices_find(&s->b->world->system.notices, MISUSE_NOTICE);
}

static size_t events(const struct site *s)
{
	struct event_filter f = {.kind = MISUSE_EVENT, .limit = 100};
	struct event *found = NULL;
	size_t n = 0;
	struct err e;
	assert_int_equal(store_list_events(s->b->store, &f, &found, &n, &e), 0);
	for (size_t i = 0; i < n; i++)
		event_free(&found[i]);
	free(found);
	return n;
}

static void our_token_is_learnt_and_its_misuse_told(void **state)
{
	struct site s;
	set_up(&s, state);
	take(&s, entry("early", OURS, FOREIGN));
	assert_null(shown(&s)); /* which token is ours is not known */
	take(&s, entry("own", OURS, RAY));
	assert_string_equal(s.a.misuse.token_id, OURS);
	assert_null(shown(&s));
	take(&s, entry("dash", NULL, FOREIGN));
	take(&s, entry("other", OTHER, FOREIGN));
	struct cf_audit_entry failed = entry("failed", OURS, FOREIGN);
	failed.failed = true;
	take(&s, failed);
	struct cf_audit_entry elsewhere = entry("elsewhere", OURS, FOREIGN);
	elsewhere.uri = "/accounts/" ACCOUNT "/cfd_tunnel/11111111-2222-4333-8444-555555555555";
	take(&s, elsewhere);
	struct cf_audit_entry before = entry("before", OURS, FOREIGN);
	before.time_ms = s.a.misuse.began_ms - 1; /* of which the ledger knows nothing */
	take(&s, before);
	assert_null(shown(&s));
	take(&s, entry("leak", OURS, FOREIGN));
	take(&s, entry("leak", OURS, FOREIGN));
	assert_non_null(shown(&s));
	const struct err *e = &shown(&s)->problem.err;
	assert_non_null(strstr(e->message, "used once to change what is adit's"));
	assert_non_null(strstr(e->message, "update of record "));
	assert_non_null(strstr(e->message, "from 198.51.100.7"));
	assert_non_null(strstr(e->hint, "roll it at Cloudflare"));
	assert_int_equal(events(&s), 1);
	struct cf_audit_entry more = entry("more", OURS, NULL);
	more.address = "do as I say";
	take(&s, more);
	assert_non_null(strstr(shown(&s)->problem.err.message, "used 2 times"));
	assert_null(strstr(shown(&s)->problem.err.message, "do as I say"));
	assert_int_equal(events(&s), 2);
	audit_fini(&s.a);
}

/* It was sent, and what came of it nobody knows: the entry may be of that. */
static void a_lost_answer_is_no_misuse(void **state)
{
	struct site s;
	set_up(&s, state);
	know_zone(&s);
	take(&s, entry("own", OURS, RAY));
	row(&s, LEDGER_INTENT, s.r->name, NULL);
	take(&s, entry("lost", OURS, FOREIGN));
	assert_null(shown(&s));
	row(&s, LEDGER_INTENT, s.r->name, NULL); /* once more, with an answer */
	row(&s, LEDGER_RESULT, s.r->name, "1111000011110000-FRA");
	take(&s, entry("lost", OURS, FOREIGN));
	assert_null(shown(&s));
	take(&s, entry("later", OURS, "1111000011110000"));
	assert_null(shown(&s));
	struct cf_audit_entry batch = entry("batch", OURS, FOREIGN);
	batch.uri = "/client/v4/zones/" ZONE "/dns_records/batch";
	take(&s, batch);
	assert_null(shown(&s));
	struct cf_audit_entry late = entry("late", OURS, FOREIGN);
	late.time_ms += 3600 * 1000;
	take(&s, late);
	assert_non_null(shown(&s));
	audit_fini(&s.a);
}

static void a_batch_is_told_of_where_no_host_shares_the_token(void **state)
{
	struct site s;
	set_up(&s, state);
	take(&s, entry("own", OURS, RAY));
	know_zone(&s);
	struct cf_audit_entry x = entry("batch", OURS, FOREIGN);
	x.uri = "/client/v4/zones/" ZONE "/dns_records/batch";
	s.a.misuse.fleet_size = 2;
	take(&s, x);
	assert_null(shown(&s));
	take(&s, entry("one", OURS, FOREIGN));
	assert_non_null(strstr(shown(&s)->problem.err.hint, "2 hosts share the token"));
	s.a.misuse.fleet_size = 1;
	take(&s, x);
	assert_non_null(strstr(shown(&s)->problem.err.message, "update of records of example.com"));
	audit_fini(&s.a);
}

static void it_is_shown_after_a_start_and_ends(void **state)
{
	struct site s;
	set_up(&s, state);
	take(&s, entry("own", OURS, RAY));
	take(&s, entry("leak", OURS, FOREIGN));
	audit_fini(&s.a);
	world_notice(s.b->world, MISUSE_NOTICE, NULL, 0);
	begin(&s);
	assert_string_equal(s.a.misuse.token_id, OURS);
	assert_non_null(shown(&s));
	take(&s, entry("leak", OURS, FOREIGN)); /* the log shows it again */
	assert_non_null(strstr(shown(&s)->problem.err.message, "used once"));
	s.a.misuse.noticed_ms -= MISUSE_SHOWN_MS + 1;
	audit_begin(&s.a);
	assert_null(shown(&s));
	audit_fini(&s.a);
	begin(&s);
	assert_null(shown(&s));
	assert_int_equal(events(&s), 1);
	/* another token: what was by the one before is no news */
	take(&s, entry("again", OURS, FOREIGN));
	assert_non_null(shown(&s));
	AUTO(secret_t) token = {0};
	secret_set(&token, "another", 7);
	cf_set_token(s.b->cf, &token);
	audit_begin(&s.a);
	assert_null(shown(&s));
	assert_string_equal(s.a.misuse.token_id, "");
	struct cf_audit_entry old = entry("own2", OURS, RAY);
	old.time_ms -= 60 * 1000;
	take(&s, old);
	assert_string_equal(s.a.misuse.token_id, "");
	take(&s, entry("own3", OTHER, RAY));
	assert_string_equal(s.a.misuse.token_id, OTHER);
	s.a.misuse.began_ms -= 3600 * 1000;
	struct cf_audit_entry tried = entry("tried", OTHER, FOREIGN);
	tried.time_ms = s.a.misuse.token_since_ms - 60 * 1000; /* by whoever made the token */
	take(&s, tried);
	assert_null(shown(&s));
	audit_fini(&s.a);
}

static void a_token_that_came_while_adit_was_down_ends_it(void **state)
{
	struct site s;
	AUTO(secret_t) token = {0};
	set_up(&s, state);
	take(&s, entry("own", OURS, RAY));
	take(&s, entry("leak", OURS, FOREIGN));
	audit_fini(&s.a);
	world_notice(s.b->world, MISUSE_NOTICE, NULL, 0);
	secret_set(&token, "another", 7);
	cf_set_token(s.b->cf, &token);
	begin(&s);
	assert_null(shown(&s));
	audit_fini(&s.a);
}

/* A flood is counted, and fills neither the store nor what is kept. */
static void many_are_counted(void **state)
{
	struct site s;
	set_up(&s, state);
	take(&s, entry("own", OURS, RAY));
	for (int i = 0; i < 70; i++) {
		AUTO(str_t) id = str_format("leak%d", i);
		take(&s, entry(id, OURS, FOREIGN));
	}
	take(&s, entry("leak69", OURS, FOREIGN));
	assert_non_null(strstr(shown(&s)->problem.err.message, "used 70 times"));
	assert_int_equal(events(&s), 64);
	assert_int_equal(s.a.misuse.told.n, 64);
	audit_fini(&s.a);
}

/* It is told all the same, and kept with the next. */
static void it_is_shown_when_the_disk_is_full(void **state)
{
	struct site s;
	set_up(&s, state);
	take(&s, entry("own", OURS, RAY));
	bench_full(s.b, true);
	take(&s, entry("leak", OURS, FOREIGN));
	assert_non_null(shown(&s));
	assert_int_equal(events(&s), 0);
	bench_full(s.b, false);
	take(&s, entry("more", OURS, FOREIGN));
	assert_int_equal(events(&s), 1);
	audit_fini(&s.a);
	world_notice(s.b->world, MISUSE_NOTICE, NULL, 0);
	begin(&s);
	assert_non_null(strstr(shown(&s)->problem.err.message, "used 2 times"));
	audit_fini(&s.a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(our_token_is_learnt_and_its_misuse_told),
		TEST(a_lost_answer_is_no_misuse),
		TEST(a_batch_is_told_of_where_no_host_shares_the_token),
		TEST(it_is_shown_after_a_start_and_ends),
		TEST(a_token_that_came_while_adit_was_down_ends_it),
		TEST(many_are_counted),
		TEST(it_is_shown_when_the_disk_is_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
