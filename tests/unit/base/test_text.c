/* Tables over the pure text forms: what is accepted and as what, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/utf8.h"

static void durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
		const char *again;
	} cases[] = {
		{"30s", 30000, "30s"},
		{"1h30m", 5400000, "1h30m"},
		{"100ms", 100, "100ms"},
		{"2d", 172800000, "2d"},
		{"90s", 90000, "1m30s"},
		{"36h", 129600000, "1d12h"},
		{"1m1ms", 60001, "1m1ms"},
		{"0s", 0, "0s"},
		{"1d1h1m1s1ms", 90061001, "1d1h1m1s1ms"},
		{"9223372036854775807ms", INT64_MAX, "106751991167d7h12m55s807ms"},
		{"9223372036854775808ms", -1, NULL},
		{"9223372036854775807ms1ms", -1, NULL},
		{"106751991168d", -1, NULL},
		{"106751991167d8h", -1, NULL},
		{"99999999999999999999s", -1, NULL},
		{"", -1, NULL},
		{"5", -1, NULL},
		{"s", -1, NULL},
		{"-5s", -1, NULL},
		{"+5s", -1, NULL},
		{"1.5h", -1, NULL},
		{"5 s", -1, NULL},
		{" 5s", -1, NULL},
		{"5s ", -1, NULL},
		{"5S", -1, NULL},
		{"5sec", -1, NULL},
		{"5hm", -1, NULL},
		{"30m1h", -1, NULL},
		{"1s1s", -1, NULL},
		{"5s3", -1, NULL},
		{"0x5s", -1, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = -7;
		char again[TEXT_TIME_SIZE];
		struct err e = {0};
		int rc = duration_parse(cases[i].text, &ms, &e);

		assert_int_equal(rc, cases[i].again ? 0 : -1);
		assert_int_equal(ms, cases[i].again ? cases[i].ms : -7);
		assert_int_equal(e.kind, cases[i].again ? ERR_NONE : ERR_INVALID);
		if (cases[i].again) {
			duration_format(ms, again);
			assert_string_equal(again, cases[i].again);
		}
	}
}

static void durations_for_people(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {{0, "0s"},
		     {-5, "0s"},
		     {999, "999ms"},
		     {1999, "1s"},
		     {60000, "1m"},
		     {299999, "4m"},
		     {3 * 3600000 + 5, "3h"},
		     {2 * 86400000 + 86399999, "2d"}};
	char out[TEXT_TIME_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		duration_human(cases[i].ms, out);
		assert_string_equal(out, cases[i].text);
	}
	duration_format(-90000, out);
	assert_string_equal(out, "-1m30s");
	duration_format(INT64_MIN, out);
	assert_string_equal(out, "-106751991167d7h12m55s808ms");
}

static const int64_t now_ms = 1795269600000; /* 2026-11-21T14:00:00Z */

static void times(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* INT64_MIN: refused */
	} cases[] = {
		{"2026-11-21T14:00:00Z", 1795269600000},
		{"2026-11-21t14:00:00.5z", 1795269600500},
		{"2026-11-21T14:00:00.123456789Z", 1795269600123},
		{"2026-11-21T15:30:00+01:30", 1795269600000},
		{"2026-11-21T04:00:00-10:00", 1795269600000},
		{"1970-01-01T00:00:00Z", 0},
		{"1969-12-31T23:59:59.999Z", -1},
		{"2024-02-29T00:00:00Z", 1709164800000},
		{"2000-02-29T00:00:00Z", 951782400000},
		{"2016-12-31T23:59:60Z", 1483228800000},
		{"2017-01-01T00:59:60+01:00", 1483228800000},
		{"48h", 1795269600000 - 172800000},
		{"48h ago", 1795269600000 - 172800000},
		{"2016-12-31T23:58:60Z", INT64_MIN},
		{"2025-02-29T00:00:00Z", INT64_MIN},
		{"1900-02-29T00:00:00Z", INT64_MIN},
		{"2026-11-21", INT64_MIN},
		{"2026-11-21T14:00Z", INT64_MIN},
		{"2026-11-21T14:00:00", INT64_MIN},
		{"2026-11-21 14:00:00Z", INT64_MIN},
		{"2026-11-21T14:00:00.Z", INT64_MIN},
		{"2026-11-21T14:00:00Zx", INT64_MIN},
		{"2026-11-21T14:00:00+1:00", INT64_MIN},
		{"2026-11-21T14:00:00+0100", INT64_MIN},
		{"2026-11-21T14:00:00+24:00", INT64_MIN},
		{"2026-11-21T24:00:00Z", INT64_MIN},
		{"2026-11-21T14:60:00Z", INT64_MIN},
		{"2026-13-21T14:00:00Z", INT64_MIN},
		{"2026-00-21T14:00:00Z", INT64_MIN},
		{"2026-11-00T14:00:00Z", INT64_MIN},
		{"2026-11-31T14:00:00Z", INT64_MIN},
		{"26-11-21T14:00:00Z", INT64_MIN},
		{"+026-11-21T14:00:00Z", INT64_MIN},
		{"", INT64_MIN},
		{"ago", INT64_MIN},
		{" ago", INT64_MIN},
		{"48", INT64_MIN},
		{"yesterday", INT64_MIN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t t = 42;
		struct err e = {0};
		int rc = time_parse(cases[i].text, now_ms, &t, &e);
		bool good = cases[i].ms != INT64_MIN;

		if (rc != (good ? 0 : -1))
			fail_msg("%s: %d", cases[i].text, rc);
		assert_int_equal(t, good ? cases[i].ms : 42);
	}
}

static void times_written(void **state)
{
	static const int64_t values[] = {0, -1, 1, 1795269600123, -62135596800000, 253402300799999};
	char out[TEXT_TIME_SIZE];
	int64_t back;
	struct err e;

	(void)state;
	time_format(1795269600007, out);
	assert_string_equal(out, "2026-11-21T14:00:00.007Z");
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		time_format(values[i], out);
		assert_int_equal(time_parse(out, 0, &back, &e), 0);
		assert_int_equal(back, values[i]);
	}
	for (int64_t day = -800000; day < 3000000; day += 97) {
		int64_t seconds = day * 86400 + (day & 0xffff);
		time_t t = (time_t)seconds;
		struct tm tm;
		char want[64];
		assert_non_null(gmtime_r(&t, &tm));
		assert_true(strftime(want, sizeof(want), "-%m-%dT%H:%M:%S.000Z", &tm) > 0);
		time_format(seconds * 1000, out);
		assert_string_equal(strchr(out + 1, '-'), want);
		assert_int_equal(strtol(out, NULL, 10), tm.tm_year + 1900);
	}
	time_format(INT64_MAX, out);
	assert_true(str_ends(out, ".807Z"));
	time_format(INT64_MIN, out);
	assert_true(str_ends(out, ".192Z"));
}

static void numbers_written(void **state)
{
	char out[TEXT_INT_SIZE];

	(void)state;
	assert_string_equal(int_format(0, out), "0");
	assert_string_equal(int_format(-10, out), "-10");
	assert_string_equal(int_format(INT64_MAX, out), "9223372036854775807");
	assert_string_equal(int_format(INT64_MIN, out), "-9223372036854775808");
}

static void texts_joined(void **state)
{
	char out[8];

	(void)state;
	str_join(out, sizeof(out), (const char *[]){"ab", "", "cd", NULL});
	assert_string_equal(out, "abcd");
	str_join(out, sizeof(out), (const char *[]){"abcd", "efgh", "ij", NULL});
	assert_string_equal(out, "abcdefg");
	str_join(out, sizeof(out), (const char *[]){NULL});
	assert_string_equal(out, "");
}

/* At the moment itself it is over, by either clock. */
static void moments_that_come(void **state)
{
	(void)state;
	clock_freeze(1, 5000);
	assert_true(clock_before(5001));
	assert_false(clock_before(5000));
	clock_freeze(0, 0);
	assert_true(clock_before(clock_wall_ms() + 500));
	assert_true(clock_before(clock_wall_ms() + 60000));
	assert_false(clock_before(clock_wall_ms()));
}

static void rates(void **state)
{
	static const char *const bad[] = {"",       "600",   "600/",  "/5m",    "0/5m",
					  "600/0s", "-1/5m", "600/5", "6.5/5m", "600/5m "};
	int64_t n = -1, window = -1;
	struct err e;

	(void)state;
	assert_int_equal(rate_parse("600/5m", &n, &window, &e), 0);
	assert_int_equal(n, 600);
	assert_int_equal(window, 300000);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(rate_parse(bad[i], &n, &window, &e), -1);
	assert_int_equal(n, 600);
}

static void uuids_in_bytes(void **state)
{
	static const char id[] = "c1744f8b-faa1-48a4-9e5c-02ac921467f9";
	struct uuid u = uuid_read(id), upper = uuid_read("C1744F8B-FAA1-48A4-9E5C-02AC921467F9"),
		    other = uuid_read("c1744f8b-faa1-48a4-9e5c-02ac921467fa"), none = {0};
	char text[UUID_SIZE];

	(void)state;
	assert_string_equal(uuid_format(&u, text), id);
	assert_true(uuid_known(&u));
	assert_true(uuid_same(&u, &upper));
	assert_false(uuid_same(&u, &other));
	assert_string_equal(uuid_format(&none, text), "");
	assert_false(uuid_known(&none));
	u = uuid_read("c1744f8b-faa1-48a4-9e5c-02ac921467f");
	assert_false(uuid_known(&u));
	u = uuid_read("");
	assert_false(uuid_known(&u));
}

static void ids(void **state)
{
	(void)state;
	assert_true(uuid_valid("c1744f8b-faa1-48a4-9e5c-02ac921467fa"));
	assert_true(uuid_valid("C1744F8B-FAA1-48A4-9E5C-02AC921467FA"));
	assert_false(uuid_valid("c1744f8b-faa1-48a4-9e5c-02ac921467f"));
	assert_false(uuid_valid("c1744f8b-faa1-48a4-9e5c-02ac921467faa"));
	assert_false(uuid_valid("c1744f8bfaa1-48a4-9e5c-02ac921467fa--"));
	assert_false(uuid_valid("g1744f8b-faa1-48a4-9e5c-02ac921467fa"));
	assert_false(uuid_valid(NULL));
	assert_true(hex_valid("00ffAA", 6));
	assert_true(hex_valid("", 0));
	assert_false(hex_valid("00ff", 6));
	assert_false(hex_valid("00ffAA0", 6));
	assert_false(hex_valid("00fg", 4));
	assert_false(hex_valid(NULL, 4));
}

static void base64(void **state)
{
	static const char *const good[][2] = {
		{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}};
	static const char *const bad[] = {
		"Zg",   "Zg=",  "Zg===", "Z===", "====", "Zm9v\n",  " Zm9v",
		"Zm9*", "Z=9v", "Zh==",  "Zm9=", "Zm-_", "Zg==Zg=="};
	size_t len = 77;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		AUTO(str_t) text = base64_encode(good[i][0], strlen(good[i][0]));
		AUTO(str_t) data = base64_decode(good[i][1], &len);

		assert_string_equal(text, good[i][1]);
		assert_non_null(data);
		assert_string_equal(data, good[i][0]);
		assert_int_equal(len, strlen(good[i][0]));
	}
	len = 77;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_null(base64_decode(bad[i], &len));
	assert_int_equal(len, 77);
}

static void base64_of_any_length(void **state)
{
	enum { MOST = 150000 };
	unsigned char *data = mem_alloc(MOST);

	(void)state;
	for (size_t i = 0; i < MOST; i++)
		data[i] = (unsigned char)(i * 31 + i / 255);
	for (size_t n = MOST - 6; n <= MOST; n++) {
		AUTO(str_t) text = base64_encode(data, n);
		size_t len;
		AUTO(str_t) back = base64_decode(text, &len);

		assert_non_null(back);
		assert_int_equal(len, n);
		assert_memory_equal(back, data, n);
	}
	free(data);
}

static void percent(void **state)
{
	AUTO(str_t) s = percent_encode("aZ09-._~ /%?&=+\n\xc3\xa9");

	(void)state;
	assert_string_equal(s, "aZ09-._~%20%2F%25%3F%26%3D%2B%0A%C3%A9");
}

static void printable(void **state)
{
	static const char *const cases[][2] = {
		{"plain \xc3\xa9 \xf0\x9f\x98\x80", "plain \xc3\xa9 \xf0\x9f\x98\x80"},
		{"a\nb\rc\td\x1b\x7f", "a?b?c?d??"},
		{"\xe2\x80\xaeolleh\xe2\x81\xa6", "?olleh?"},
		{"\xe2\x80\x8b\xef\xbb\xbf\xc2\x9b", "???"},
		{"\xc0\xaf|\xe0\x80\xaf|\xed\xa0\x80", "??|???|???"},
		{"\xf4\x90\x80\x80|\xf8", "????|?"},
		{"cut \xe2\x82", "cut ??"},
		{"\xf3\xa0\x80\xa1", "?"},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(str_t) s = str_dup(cases[i][0]);

		text_printable(s);
		assert_string_equal(s, cases[i][1]);
	}
	assert_int_equal(utf8_whole("ab\xe2\x82", 4), 2);
	assert_int_equal(utf8_whole("ab\xe2\x82\xac", 5), 5);
	assert_int_equal(utf8_whole("\xf0\x9f\x98", 3), 0);
	assert_int_equal(utf8_whole("\x80\x80\x80\x80", 4), 4);
	assert_int_equal(utf8_whole("", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations),      cmocka_unit_test(durations_for_people),
		cmocka_unit_test(times),          cmocka_unit_test(times_written),
		cmocka_unit_test(rates),          cmocka_unit_test(ids),
		cmocka_unit_test(uuids_in_bytes), cmocka_unit_test(numbers_written),
		cmocka_unit_test(texts_joined),   cmocka_unit_test(moments_that_come),
		cmocka_unit_test(base64),         cmocka_unit_test(base64_of_any_length),
		cmocka_unit_test(percent),        cmocka_unit_test(printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
