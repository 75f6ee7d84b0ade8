/* What a complete listing tells of ours: what is counted as missing, what is not, which marks are
 * nobody's, and what outlives a listing. */
#include "cloudflare/zones.h"
#include "reconcile/seen.h"
#include "tests/unit/reconcile/bench.h"

#define LEADS REMOTE ".cfargotunnel.com"
#define OTHER "00112233445566778899aabbccddeeff"
#define THIRD "ffeeddccbbaa99887766554433221100"
#define ZONES "/client/v4/zones"

static void listed(struct task *t, void *owner)
{
	bench_acted(t, owner);
	assert_int_equal(t->err.kind, ERR_NONE);
}

static void list_records(struct bench *b, struct cf_page *page, const char *rows, int n)
{
	AUTO(str_t)
	body = str_format("{\"success\":true,\"errors\":[],\"messages\":[],\"result\":[%s],"
			  "\"result_info\":{\"page\":1,\"per_page\":100,\"count\":%d,"
			  "\"total_count\":%d}}",
			  rows, n, n);
	*page = (struct cf_page){.n_pages = 0};
	b->n_rules = 0;
	b->done = 0;
	bench_answers(b, "GET", RECORDS, 200, body, 1);
	cf_record_list(b->cf, page, CF_SHARE_READS, ZONE, NULL, listed, b);
	UNTIL(b, b->done);
}

static char *shown(const char *id, const char *comment)
{
	return str_format("{\"id\":\"%s\",\"name\":\"app.example.com\",\"type\":\"CNAME\","
			  "\"content\":\"" LEADS "\",\"proxied\":true,\"ttl\":1,"
			  "\"comment\":\"%s\"}",
			  id, comment);
}

/* ---- one record of ours, shown or not ---- */

#define SINCE 1000

static void nothing(struct record *r)
{
	(void)r;
}
static void gone(struct record *r)
{
	r->observed.gone = true;
}
static void deleting(struct record *r)
{
	r->want = WANT_ABSENT;
}
static void giving_back(struct record *r)
{
	r->want = WANT_RELEASED;
}
static void looked_at_since(struct record *r)
{
	r->observed.looked_ms = SINCE;
}
static void looked_at_before(struct record *r)
{
	r->observed.looked_ms = SINCE - 1;
}
static void looked_at_tomorrow(struct record *r)
{
	r->observed.looked_ms = clock_wall_ms() + 86400 * 1000;
}
static void of_another_zone(struct record *r)
{
	(void)str_copy(r->zone_id, CF_ID_SIZE, OTHER);
}
static void not_made(struct record *r)
{
	r->remote_id[0] = '\0';
}

static const struct {
	const char *label;
	void (*happens)(struct record *r);
	bool shown;
	size_t known, missing, leaving;
} cases[] = {
	{"shown", nothing, true, 1, 0, 0},
	{"missing", nothing, false, 1, 1, 0},
	{"known to be gone", gone, false, 0, 0, 0},
	{"known to be gone, and shown", gone, true, 1, 0, 0},
	{"being deleted", deleting, false, 0, 0, 1},
	{"being given back", giving_back, false, 0, 0, 1},
	{"being deleted, and shown", deleting, true, 1, 0, 0},
	{"seen since it began", looked_at_since, false, 0, 0, 0},
	{"seen before it began", looked_at_before, false, 1, 1, 0},
	{"seen by a clock that was set back", looked_at_tomorrow, false, 1, 1, 0},
	{"of another zone", of_another_zone, false, 0, 0, 0},
	{"never made", not_made, false, 0, 0, 0},
};

static void each_record_is_counted_as_what_it_is(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cf_page page;
		struct seen_listing l = {0};
		AUTO(zone_rows_t) rows = {0};
		AUTO(str_t) row = shown(RECORD, b->mark);
		struct record *r = bench_record(b, t, true);
		cases[i].happens(r);
		list_records(b, &page, cases[i].shown ? row : "", cases[i].shown);
		seen_zone_records(b->world, &rows, ZONE, &page, SINCE, &l);
		if (l.known != cases[i].known || l.missing.n != cases[i].missing ||
		    l.leaving.n != cases[i].leaving)
			fail_msg("%s: %zu known, %zu missing, %zu leaving", cases[i].label, l.known,
				 l.missing.n, l.leaving.n);
		assert_int_equal(l.unknown.n, 0);
		if (cases[i].shown)
			assert_true(r->observed.found && !r->observed.gone &&
				    r->observed.looked_ms == SINCE);
		seen_listing_free(&l);
		cf_page_reset(&page);
		assert_true(world_drop(b->world, OBJECT_RECORD, r->id));
	}
}

/* ---- marks ---- */

static void a_mark_that_no_row_knows_is_told(void **state)
{
	struct bench *b = *state;
	struct record *r = bench_record(b, bench_tunnel(b, true), true);
	AUTO(str_t) own = shown(RECORD, b->mark);
	AUTO(str_t) unknown = shown(OTHER, b->mark);
	AUTO(str_t) foreign = shown(THIRD, "somebody's");
	AUTO(str_t) theirs = shown(THIRD, "adit:edge2/01234567");
	AUTO(str_t) odd = shown("no id", b->mark);
	const struct {
		const char *first, *second;
		size_t unknown;
	} rows[] = {
		{own, foreign, 0},     {own, theirs, 0}, {own, unknown, 1},
		{unknown, foreign, 1}, {own, odd, 0},
	};
	(void)r;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(zone_rows_t) ours = {0};
		struct cf_page page;
		struct seen_listing l = {0};
		AUTO(str_t) both = str_format("%s,%s", rows[i].first, rows[i].second);
		list_records(b, &page, both, 2);
		seen_zone_records(b->world, &ours, ZONE, &page, clock_wall_ms() + 1, &l);
		if (l.unknown.n != rows[i].unknown)
			fail_msg("row %zu: %zu unknown", i, l.unknown.n);
		if (l.unknown.n)
			assert_string_equal(l.unknown.items[0], OTHER " app.example.com");
		seen_listing_free(&l);
		cf_page_reset(&page);
	}
}

/* ---- zones and tunnels ---- */

static void a_zones_size_outlives_a_listing_of_zones(void **state)
{
	struct bench *b = *state;
	struct cf_page page = {.n_pages = 0};
	world_add_zone(b->world, zone_new(ZONE, "example.com"));
	world_add_zone(b->world, zone_new(OTHER, "example.net"));
	world_zone(b->world, ZONE)->records = 30000;
	bench_answers(b, "GET", ZONES, 200,
		      LISTING("{\"id\":\"" ZONE "\",\"name\":\"example.com\",\"status\":"
			      "\"active\"}",
			      1),
		      1);
	cf_zone_list(b->cf, &page, CF_SHARE_READS, listed, b);
	UNTIL(b, b->done);
	seen_zones(b->world, &page);
	assert_int_equal(b->world->zones.n, 1);
	assert_int_equal(world_zone(b->world, ZONE)->records, 30000);
	cf_page_reset(&page);
}

/* How its configuration is kept, by the listing, says that somebody turned it over. */
static void a_configuration_that_was_turned_over_is_read(void **state)
{
	static const struct {
		int64_t version; /* that was read; 0 = none was */
		bool was_local, is_remote, due;
	} rows[] = {
		{3, false, true, false}, {3, false, false, true},  {3, true, true, true},
		{3, true, false, false}, {0, false, false, false},
	};
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cf_tunnel found = {.remote = rows[i].is_remote};
		(void)str_copy(found.id, sizeof(found.id), REMOTE);
		(void)str_copy(found.name, sizeof(found.name), "web");
		t->observed.config_due = false;
		t->observed.config_version = rows[i].version;
		t->observed.config_local = rows[i].was_local;
		t->observed.missing = true;
		seen_tunnel(b->world, t, &found);
		assert_int_equal(t->observed.config_due, rows[i].due);
		assert_false(t->observed.missing || t->observed.gone);
	}
	seen_tunnel(b->world, t, NULL);
	assert_true(t->observed.gone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_record_is_counted_as_what_it_is),
		TEST(a_mark_that_no_row_knows_is_told),
		TEST(a_zones_size_outlives_a_listing_of_zones),
		TEST(a_configuration_that_was_turned_over_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
