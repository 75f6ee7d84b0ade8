/* Records whose content has fields: what people may write, what Cloudflare may show, what is sent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/record_types.h"
#include "model/record.h"
#include "model/record_data.h"

#define LOC_DATA(degrees, seconds, direction, size)                                                \
	"{\"lat_degrees\":" degrees ",\"lat_minutes\":30,\"lat_seconds\":" seconds                 \
	",\"lat_direction\":" direction ",\"long_degrees\":0,\"long_minutes\":7,"                  \
	"\"long_seconds\":0,\"long_direction\":\"W\",\"altitude\":-7.25,\"size\":" size            \
	",\"precision_horz\":10000,\"precision_vert\":10}"

static void content_has_one_form(void **state)
{
	static const struct {
		const char *type, *content, *form;
	} rows[] = {
		{"SRV", "10 5 443 sip.example.com", "10 5 443 sip.example.com"},
		{"SRV", " 010\t5  443 SIP.Example.COM. ", "10 5 443 sip.example.com"},
		{"SRV", "0 0 0 .", "0 0 0 ."},
		{"CAA", "0 ISSUE letsencrypt.org", "0 issue \"letsencrypt.org\""},
		{"CAA", "128 issue \";\"", "128 issue \";\""},
		{"CAA", "0 issue \"a; x=\\\"b\\\\c\\\"\"", "0 issue \"a; x=\\\"b\\\\c\\\"\""},
		{"CAA", "0 issue \"\"", "0 issue \"\""},
		{"TLSA", "3 1 1 C0FF EE00", "3 1 1 c0ffee00"},
		{"SMIMEA", "3 0 0 ab", "3 0 0 ab"},
		{"SSHFP", "4 2 AB\tcd", "4 2 abcd"},
		{"DS", "65535 13 2 c0ffee", "65535 13 2 c0ffee"},
		{"DNSKEY", "257 3 13 aGVs bG8=", "257 3 13 aGVsbG8="},
		{"CERT", "1 12345 8 aGVsbG8=", "1 12345 8 aGVsbG8="},
		{"NAPTR", "100 10 S SIP+D2U \"\" _SIP._udp.example.com.",
		 "100 10 \"S\" \"SIP+D2U\" \"\" _sip._udp.example.com"},
		{"NAPTR", "100 10 \"U\" \"E2U+sip\" \"!^.*$!sip:a@example.com!\" .",
		 "100 10 \"U\" \"E2U+sip\" \"!^.*$!sip:a@example.com!\" ."},
		{"URI", "10 1 https://www.example.com/a", "10 1 \"https://www.example.com/a\""},
		{"HTTPS", "1 . ipv4hint=192.0.2.1 alpn=h3,h2",
		 "1 . alpn=\"h3,h2\" ipv4hint=\"192.0.2.1\""},
		{"HTTPS", "1 . no-default-alpn alpn=\"h2\"", "1 . alpn=\"h2\" no-default-alpn"},
		{"SVCB", "0 Svc.example.com.", "0 svc.example.com"},
		{"OPENPGPKEY", "aGVs bG8=", "aGVsbG8="},
		{"LOC", "51 30 12.748 N 0 7 39.612 W 0m 1m 10000m 10m",
		 "51 30 12.748 N 0 7 39.612 W 0m 1m 10000m 10m"},
		{"LOC", "51 0 0.0010000 n 0 w 0.500 1.000m",
		 "51 0 0.001 N 0 0 0 W 0.5m 1m 10000m 10m"},
		{"LOC", "51 n 0 w 0", "51 0 0 N 0 0 0 W 0m 1m 10000m 10m"},
		{"LOC", " 42 21 54 N  71\t06 18.000 W -24.50m 30.00M",
		 "42 21 54 N 71 6 18 W -24.5m 30m 10000m 10m"},
		{"LOC", "90 S 180 E 42849672.95 0 0.01m 90000000.00m",
		 "90 0 0 S 180 0 0 E 42849672.95m 0m 0.01m 90000000m"},
		{"LOC", "0 0 0.001 N 0 59 59.999 E -100000m 0.5m 20m 0.9m",
		 "0 0 0.001 N 0 59 59.999 E -100000m 0.5m 20m 0.9m"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(str_t) form = NULL;
		AUTO(str_t) again = NULL;
		struct err e;
		if (record_data_read(rows[i].type, rows[i].content, &form, &e) < 0 ||
		    record_data_read(rows[i].type, form, &again, &e) < 0)
			fail_msg("row %zu: %s", i, e.message);
		assert_string_equal(form, rows[i].form);
		assert_string_equal(again, form);
	}
}

static void bad_content_is_told(void **state)
{
	static const struct {
		const char *type, *content, *says;
	} rows[] = {
		{"SRV", "10 5 sip.example.com",
		 "port \"sip.example.com\" is no number from 0 to 65535"},
		{"SRV", "10 5 443", "target is missing"},
		{"SRV", "", "priority is missing"},
		{"SRV", "65536 5 443 a.example.com", "priority \"65536\" is no number"},
		{"SRV", "-1 5 443 a.example.com", "priority \"-1\" is no number"},
		{"SRV", "99999999999999999999 5 443 a.example.com", "is no number"},
		{"SRV", "1 5 443 *.example.com", "target \"*.example.com\" is no host name"},
		{"SRV", "1 5 443 a_b!.example.com", "is no host name"},
		{"SRV", "1 5 443 a.example.com more", "there is more than its fields"},
		{"CAA", "256 issue x", "flags \"256\" is no number from 0 to 255"},
		{"CAA", "0 is-sue x", "tag \"is-sue\" is no word"},
		{"CAA", "0 issue \"x", "value: a quotation mark is not closed"},
		{"CAA", "0 issue \"a\nb\"", "line breaks"},
		{"TLSA", "3 1 1 abc", "certificate \"abc\" is not made of pairs"},
		{"TLSA", "3 1 1 xy", "is not made of pairs"},
		{"TLSA", "3 1 1", "certificate is missing"},
		{"DNSKEY", "257 3 13 !!", "public_key \"!!\" is no base64"},
		{"HTTPS", "1 . alpn=\"h2", "value \"alpn=\"h2\" is no list of key=value"},
		{"HTTPS", "1 . =x", "is no list"},
		{"OPENPGPKEY", "?", "key \"?\" is no base64"},
		{"LOC", "", "latitude \"\" lacks its direction"},
		{"LOC", "N 0 E 0m", "latitude \"N\" is no number"},
		{"LOC", "51 30 12 1 N 0 E 0m", "latitude \"1\" lacks its direction"},
		{"LOC", "51 E 0 E 0m", "latitude \"E\" is no number"},
		{"LOC", "51 60 N 0 E 0m", "latitude \"60\" is not below 60"},
		{"LOC", "51 0 60.0 N 0 E 0m", "latitude \"60.0\" is not below 60"},
		{"LOC", "51 0 0.0001 N 0 E 0m", "latitude \"0.0001\" is no number"},
		{"LOC", "5.1 N 0 E 0m", "latitude \"5.1\" is no number"},
		{"LOC", "-51 N 0 E 0m", "latitude \"-51\" is no number"},
		{"LOC", "90 0 0.001 N 0 E 0m", "latitude \"0.001\" is beyond the globe"},
		{"LOC", "9 N 181 E 0m", "longitude \"181\" is beyond the globe"},
		{"LOC", "9 N 99999999999 E 0m", "longitude \"99999999999\" is no number"},
		{"LOC", "9 N 18 S 0m", "longitude \"S\" is no number"},
		{"LOC", "9 N 18 E", "altitude \"\" is none from"},
		{"LOC", "9 N 18 E -100000.01m", "altitude \"-100000.01m\" is none from"},
		{"LOC", "9 N 18 E 0 -1m", "size \"-1m\" is none from"},
		{"LOC", "9 N 18 E 0 1 15m", "horizontal precision \"15m\" cannot be told"},
		{"LOC", "9 N 18 E 0 1 1 90000001m", "vertical precision \"90000001m\" is none"},
		{"LOC", "9 N 18 E 0 1 1 1 1", "\"1\" is more than its fields"},
		{"LOC", "1 2 3 N 4 5 6 E 7 8 9 9 1 1 1 1 1 1", "is more than its fields"},
		{"LOC", "9 N 18 E m", "altitude \"m\" is none from"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *form = NULL;
		struct err e = {.kind = ERR_NONE};
		if (record_data_read(rows[i].type, rows[i].content, &form, &e) == 0)
			fail_msg("row %zu is taken: %s", i, form);
		assert_int_equal(e.kind, ERR_INVALID);
		assert_true(str_starts(e.message, "content: "));
		if (!strstr(e.message, rows[i].says))
			fail_msg("row %zu: %s", i, e.message);
	}
}

static void the_hint_tells_fields_and_an_example(void **state)
{
	char *form = NULL;
	struct err e;

	(void)state;
	assert_int_equal(record_data_read("SRV", "x", &form, &e), -1);
	assert_non_null(strstr(e.hint, "priority weight port target"));
	assert_non_null(strstr(e.hint, "10 5 443 sip.example.com"));
}

static void contents_are_the_same(void **state)
{
	static const struct {
		const char *type, *a, *b;
		bool same;
	} rows[] = {
		{"SRV", "10 5 443 a.example.com", "10\t5\t443\tA.example.com.", true},
		{"SRV", "10 5 443 a.example.com", "10 5 444 a.example.com", false},
		{"SRV", "10 5 443 a", "10 5 443 A.", true},
		{"SRV", "10 5 443 a", "5 443 a", false},
		{"SRV", "nonsense", "other", false},
		{"CAA", "0 issue \"a\"", "0\tissue\ta", true},
		{"CAA", "0 issue \"a\"", "0 issue \"A\"", false},
		{"HTTPS", "1 . alpn=h2 port=1", "1 . port=\"1\" alpn=\"h2\"", true},
		{"DS", "1 2 3 AB", "1 2 3 ab", true},
		{"LOC", "51 N 0 W 0", "51 0 0.000 N 0 0 0 W 0.00m 1m 10000m 10m", true},
		{"LOC", "51 N 0 W 0", "51 N 0 W 1", false},
		{"LOC", "51 N 0 W 0 15m", "51 N 0 W 0 15.00m", true}, /* somebody else's */
		{"DNSKEY", "257 3 13 aGVsbG8=", "257 3 13 AGVsbG8=", false},
		{"NS", "ns.example.net", "NS.example.net.", true},
		{"PTR", "a.example.net", "b.example.net", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (record_content_same(rows[i].type, rows[i].a, rows[i].b) != rows[i].same ||
		    record_content_same(rows[i].type, rows[i].b, rows[i].a) != rows[i].same)
			fail_msg("row %zu", i);
}

static void what_is_shown_gets_the_same_form(void **state)
{
	static const struct {
		const char *type, *data; /* form NULL = not read */
		int64_t priority;
		const char *content, *form;
	} rows[] = {
		{"SRV", "{\"priority\":10,\"weight\":5,\"port\":443,\"target\":\"A.x.\"}", 10, "?",
		 "10 5 443 a.x"},
		{"SRV", "null", 10, "5\t443\ta.x", "10 5 443 a.x"},
		{"SRV", "null", 10, "10 5 443 a.x", "10 5 443 a.x"},
		{"SRV", "{\"weight\":5}", 7, "5 443 a.x", "7 5 443 a.x"},
		{"SRV", "{}", 0, "strange", "strange"},
		{"SRV", "{\"port\":true}", 0, "", NULL},
		{"SRV", "{\"port\":{}}", 0, "", NULL},
		{"SRV", "{\"priority\":1,\"weight\":5,\"port\":1.5,\"target\":\"a.x\"}", 0, "odd",
		 "odd"},
		{"SRV", "{\"priority\":1,\"weight\":5,\"port\":65536,\"target\":\"a.x\"}", 0, "odd",
		 "odd"},
		{"TLSA", "{\"usage\":3,\"selector\":1,\"matching_type\":1,\"certificate\":\"xyz\"}",
		 0, "3 1 1 xyz", "3 1 1 xyz"},
		{"HTTPS", "{\"priority\":1,\"target\":\".\",\"value\":\"a=\\\"\"}", 0, "odd",
		 "odd"},
		{"SRV", "{\"target\":[]}", 0, "", NULL},
		{"SRV", "[]", 0, "", NULL},
		{"SRV", "\"x\"", 0, "", NULL},
		{"CAA", "{\"flags\":\"0\",\"tag\":\"issue\",\"value\":\"\\\"a\\\"\"}", 0, "",
		 "0 issue \"a\""},
		{"CAA", "{\"flags\":0,\"tag\":\"issue\",\"value\":5}", 0, "", NULL},
		{"URI", "{\"weight\":1,\"target\":\"https://x\"}", 3, "", "3 1 \"https://x\""},
		{"URI", "null", 3, "1 \"https://x\"", "3 1 \"https://x\""},
		{"HTTPS", "{\"priority\":1,\"target\":\".\"}", 0, "", "1 ."},
		{"HTTPS", "{\"priority\":1,\"target\":\".\",\"value\":\"alpn=h2\"}", 0, "",
		 "1 . alpn=\"h2\""},
		{"A", "5", 0, "192.0.2.1", "192.0.2.1"},
		{"LOC", "5", 0, "51 N", NULL},
		{"LOC", "null", 0, "51 N 0 E 7m", "51 0 0 N 0 0 0 E 7m 1m 10000m 10m"},
		{"LOC", "null", 0, "51 N", "51 N"},
		{"LOC", "{\"lat_degrees\":{}}", 0, "", NULL},
		{"LOC", LOC_DATA("51", "12.748", "\"N\"", "1.5"), 0, "",
		 "51 30 12.748 N 0 7 0 W -7.25m 1.5m 10000m 10m"},
		{"LOC", LOC_DATA("\"51\"", "\"1e1\"", "\"n\"", "1"), 0, "",
		 "51 30 10 N 0 7 0 W -7.25m 1m 10000m 10m"},
		{"LOC", LOC_DATA("91", "12", "\"N\"", "1"), 0, "odd", "odd"},
		{"LOC", LOC_DATA("51", "60", "\"N\"", "1"), 0, "odd", "odd"},
		{"LOC", LOC_DATA("51", "\"12x\"", "\"N\"", "1"), 0, "odd", "odd"},
		{"LOC", LOC_DATA("51", "12", "\"E\"", "1"), 0, "odd", "odd"},
		{"LOC", LOC_DATA("51", "12", "null", "1"), 0, "odd", "odd"},
		{"LOC", LOC_DATA("51", "12", "\"N\"", "-1"), 0, "odd", "odd"},
		{"LOC", LOC_DATA("51", "12", "\"N\"", "1e300"), 0, "odd", "odd"},
		{"OPENPGPKEY", "null", 0, "aGVs bG8=", "aGVsbG8="},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_doc_t) doc = NULL;
		struct err e;
		assert_int_equal(json_parse(rows[i].data, strlen(rows[i].data), NULL, &doc, &e), 0);
		if (record_data_valid(rows[i].type, json_root(doc)) != (rows[i].form != NULL))
			fail_msg("row %zu", i);
		AUTO(str_t)
		form = record_data_form(rows[i].type, json_root(doc), rows[i].priority,
					rows[i].content);
		if (rows[i].form && !str_equal(form, rows[i].form))
			fail_msg("row %zu: %s", i, form);
	}
}

static void numbers_are_sent_as_numbers(void **state)
{
	static const struct {
		const char *type, *form, *body;
	} rows[] = {
		{"SRV", "10 5 443 a.x",
		 "{\"data\":{\"priority\":10,\"weight\":5,\"port\":443,\"target\":\"a.x\"}}"},
		{"URI", "3 1 \"https://x\"",
		 "{\"priority\":3,\"data\":{\"weight\":1,\"target\":\"https://x\"}}"},
		{"CAA", "0 issue \"a\"",
		 "{\"data\":{\"flags\":0,\"tag\":\"issue\",\"value\":\"a\"}}"},
		{"LOC", "51 30 12.748 N 0 7 0 W -7.25m 1m 10000m 10m",
		 "{\"data\":{\"lat_degrees\":51,\"lat_minutes\":30,\"lat_seconds\":12.748,"
		 "\"lat_direction\":\"N\",\"long_degrees\":0,\"long_minutes\":7,\"long_seconds\":0,"
		 "\"long_direction\":\"W\",\"altitude\":-7.25,\"size\":1,\"precision_horz\":10000,"
		 "\"precision_vert\":10}}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_t) out = {0};
		struct json_writer w;
		json_write_init(&w, &out);
		json_object_begin(&w);
		record_data_put(rows[i].type, rows[i].form, &w);
		json_object_end(&w);
		assert_string_equal(buf_text(&out), rows[i].body);
	}
}

/* The list of types and the table of fields do not part. */
static void every_type_with_data_is_listed(void **state)
{
	static const char *const types[] = {RECORD_TYPES};
	size_t with_data = 0, with_fields = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		with_data += record_type_has_data(types[i]);
		with_fields += record_type_has_fields(types[i]);
	}
	assert_int_equal(with_data, 13);
	assert_int_equal(with_fields, 14);
	assert_false(record_type_has_data("OPENPGPKEY"));
	assert_false(record_type_has_fields(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_has_one_form),
		cmocka_unit_test(bad_content_is_told),
		cmocka_unit_test(the_hint_tells_fields_and_an_example),
		cmocka_unit_test(contents_are_the_same),
		cmocka_unit_test(what_is_shown_gets_the_same_form),
		cmocka_unit_test(numbers_are_sent_as_numbers),
		cmocka_unit_test(every_type_with_data_is_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
