/* Rows of a long array: what is wanted of them is the same as when the whole is parsed, whatever
 * was known before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

#define LONGEST_NUMBER "123456789012345678901234567890123456789012345678901234567890123"

enum { POOL = 64, ROUNDS = 10000, ALIKE_MAX = 40 };

static uint64_t chance = 0x9e3779b97f4a7c15u;

static unsigned pick(unsigned n)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return (unsigned)((chance >> 11) % n);
}

#define CHOICE(list) (list)[pick(ARRAY_LEN(list))]

/* ---- rows that stood in texts that were good ---- */

static struct {
	char *texts[POOL];
	struct json_span spans[POOL];
	size_t n, used;
	size_t wanted; /* members that were read */
} pool;

static void pool_add(struct json_span row)
{
	size_t at = pool.n < POOL ? pool.n++ : pick(POOL);

	free(pool.texts[at]);
	pool.texts[at] = str_ndup(row.p, row.len);
	pool.spans[at] = (struct json_span){.p = pool.texts[at], .len = row.len};
}

static void pool_free(void)
{
	for (size_t i = 0; i < pool.n; i++)
		free(steal(&pool.texts[i]));
	pool.n = 0;
}

/* Any of them, or the first whose beginning stands there: good and bad guesses. */
static const struct json_span *guess(const char *p, size_t left, void *owner)
{
	(void)owner;
	if (pool.n > 0 && pick(4) == 0)
		return &pool.spans[pick((unsigned)pool.n)];
	for (size_t i = 0; i < pool.n; i++) {
		size_t len = pool.spans[i].len, n = len < 6 ? len : 6;

		if (n <= left && memcmp(p, pool.spans[i].p, n) == 0)
			return &pool.spans[i];
	}
	return NULL;
}

/* ---- both ways of reading ---- */

static char *printed(const struct json *v)
{
	AUTO(buf_t) out = {0};

	json_print(v, &out);
	return buf_steal(&out);
}

static void assert_same(const struct json *a, const struct json *b)
{
	AUTO(str_t) x = printed(a);
	AUTO(str_t) y = printed(b);
	struct json_span r = json_raw(a), s = json_raw(b);

	assert_string_equal(x, y);
	assert_int_equal(r.len, s.len);
	assert_memory_equal(r.len ? r.p : "", s.len ? s.p : "", r.len);
}

static const char *const wanted[] = {"id0", "x1", "",      "k2", "b",  "name0",   "a",
				     "id1", "k0", "name3", "x0", "k1", "result4", "name1"};

static void row_is(const struct json *element, const struct json *const *row)
{
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		const struct json *member =
			json_type(element) == JSON_OBJECT ? json_get(element, wanted[i]) : NULL;

		assert_int_equal(member != NULL, row[i] != NULL);
		assert_same(member, row[i]);
		pool.wanted += member != NULL;
	}
}

static void rows_are(const struct json *array, const struct json_rows *rows)
{
	AUTO(json_doc_t) scratch = NULL;
	size_t i = 0;

	JSON_EACH (element, array) {
		assert_true(i < rows->n);
		const struct json_row *row = &rows->items[i];

		if (!row->same) {
			const struct json *members[ARRAY_LEN(wanted)];

			json_row_read(rows, i, &scratch, members);
			row_is(element, members);
		}
		if (json_type(element) == JSON_OBJECT) {
			assert_int_equal(row->text.len, json_raw(element).len);
			assert_memory_equal(row->text.p, json_raw(element).p, row->text.len);
			pool_add(row->text);
		}
		pool.used += row->same != NULL;
		i++;
	}
	assert_int_equal(rows->n, i);
}

static void members_are(const struct json *whole, const struct json *around)
{
	const struct json *other = json_first(around);

	assert_int_equal(json_type(whole), json_type(around));
	JSON_EACH (member, whole) {
		bool rows = json_type(whole) == JSON_OBJECT &&
			    str_equal(json_key(member), "result") &&
			    json_type(member) == JSON_ARRAY;
		if (rows)
			assert_int_equal(json_count(other), 0);
		else
			assert_same(member, other);
		other = json_next(other);
	}
	assert_null(other);
}

/* True when the text is good. */
static bool both_agree_in(const char *text, size_t len, const struct json_limits *limits)
{
	AUTO(json_doc_t) whole = NULL;
	AUTO(json_doc_t) around = NULL;
	struct json_rows rows = {
		.key = "result", .wanted = wanted, .n_wanted = ARRAY_LEN(wanted), .known = guess};
	struct err e = {.kind = ERR_NONE}, f = {.kind = ERR_NONE};
	int rc = json_parse(text, len, limits, &whole, &e);

	assert_int_equal(json_parse_rows(text, len, limits, &rows, &around, &f), rc);
	assert_string_equal(e.message, f.message);
	if (rc == 0) {
		const struct json *array = NULL;

		if (json_type(json_root(whole)) == JSON_OBJECT)
			array = json_get(json_root(whole), "result");
		rows_are(json_type(array) == JSON_ARRAY ? array : NULL, &rows);
		members_are(json_root(whole), json_root(around));
	}
	json_rows_free(&rows);
	return rc == 0;
}

static bool both_agree(const char *text, size_t len)
{
	return both_agree_in(text, len, NULL);
}

static void these_agree(void **state)
{
	(void)state;
	static const char *const good[] = {
		"{\"result\":[]}",
		"{\"result\":null,\"a\":[{}]}",
		"{\"result\":{\"result\":[{}]}}",
		"[{\"result\":[{}]}]",
		"[[{}],[\"result\"]]",
		"7",
		"{\"a\":[1],\"result\":[1,\"x\",null,true,[2,[3]],{\"b\":[4]}],\"c\":[{}]}",
		" { \"result\" : [ { \"b\" : 1 } , { } ] , \"x\" : { \"result\" : [ 5 ] } } ",
		"{\"\\u0072esult\":[{\"a\":12345678901234567890}]}",
		"{\"result\":[{\"a\":9007199254740992},{\"a\":9007199254740992}]}",
		"{\"result\":[{\"a\":1,\"b\":2},{\"a\":3,\"b\":4},{\"a\":5},{\"b\":6,\"a\":7},{}]}",
		"{\"result\":[{\"a\":1},{\"\\u0061\":{\"a\":[2]}},{\"a\":\"\\ud83d\\ude00\"}]}",
		"{\"result\":[{\"x\":{\"a\":1},\"a\":2},{\"x\":{\"a\":3,\"b\":4}}],\"a\":{\"a\":5}"
		"}",
		"{\"result\":[{\"a\":1,\"ab\":2},{\"a\":1,\"a\\\"b\":2},{\"a\":1,\"\":2}]}",
		("{\"result\":[{\"a\":1},{\"a\":" LONGEST_NUMBER "}]}"),
		"{\"result\":[{\"a\":1e308,\"b\":-0},{\"a\":123456789012345678901234567890,\"b\":0."
		"1}]}",
	};
	static const char *const bad[] = {
		("{\"result\":[{\"a\":1},{\"a\":" LONGEST_NUMBER "4}]}"),
		"{\"result\":[{\"a\":1,\"b\":2},{\"a\":01,\"b\":2}]}",
		"{\"result\":[{}],\"result\":[{}]}",
		"{\"result\":[{}",
		"{\"result\":[{}]",
		"{\"result\":[{},]}",
		"{\"result\":[}",
		"{\"result\":[{\"a\":1,\"a\":2}]}",
		"{\"result\":[{}{}]}",
		"",
		"{\"result\":[{}]}x",
		"{\"result\":[{\"a\":1,\"b\":2},{\"a\":3,\"b\":4,\"a\":5}]}",
		"{\"result\":[{\"a\":1,\"b\":2},{\"a\":3,\"a\":5}]}",
		"{\"result\":[{\"a\":1,\"b\":2},{\"a\":3,\"b\":4,\"\\u0061\":5}]}",
		"{\"result\":[{\"a\":1},{\"a\":\"\xc3(\"}]}",
		"{\"result\":[{\"a\":1},{\"a\":\"\\ud83d\"}]}",
		"{\"result\":[{\"a\":1},{\"a\":1e999}]}",
		"{\"result\":[{\"a\":1},{\"a\"",
		"{\"result\":[{\"a\":1},{\"a",
		"{\"result\":[{\"a\":1},{\"a\" 1}]}",
		"{\"result\":[{\"a\":1},{\"a\":1,}]}",
		"{\"result\":[{\"a\":{\"x\":1,\"x\":2}}]}",
	};

	for (int again = 0; again < 4; again++) {
		for (size_t i = 0; i < ARRAY_LEN(good); i++)
			assert_true(both_agree(good[i], strlen(good[i])));
		for (size_t i = 0; i < ARRAY_LEN(bad); i++)
			assert_false(both_agree(bad[i], strlen(bad[i])));
	}
	pool_free();
}

static void depth_is_the_same(void **state)
{
	static const char *const texts[] = {
		"{\"result\":[{\"a\":1,\"b\":{}},{\"a\":1,\"b\":{}}]}",
		"{\"result\":[{\"a\":1,\"b\":[]},{\"a\":1,\"b\":[]}]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		for (int depth = 1; depth < 6; depth++)
			assert_int_equal(both_agree_in(texts[i], strlen(texts[i]),
						       &(struct json_limits){.max_depth = depth}),
					 depth >= 4);
	pool_free();
}

static void a_known_row_is_found(void **state)
{
	(void)state;
	static const char text[] = "{\"result\":[{\"a\":1},{\"a\":2}]}";

	pool.used = 0;
	for (int i = 0; i < 50; i++)
		assert_true(both_agree(text, sizeof(text) - 1));
	assert_true(pool.used > 20);
	pool_free();
}

/* ---- any text ---- */

static void add_row(struct buf *out)
{
	static const char *const keys[] = {"id", "name", "x", "\\u0069d", "result", ""};
	static const char *const values[] = {
		"1",   "\"a\"",  "\"\\u00e9\\n\"",      "{}", "[]", "[{\"id\":1}]", "null",
		"1e3", "\"}]\"", "12345678901234567890"};
	static const char *const others[] = {"3", "\"s\"", "[]", "[{\"id\":2}]", "null"};

	if (pool.n > 0 && pick(2)) {
		const struct json_span *s = &pool.spans[pick((unsigned)pool.n)];

		buf_add(out, s->p, s->len);
		return;
	}
	if (pick(12) == 0) {
		buf_str(out, CHOICE(others));
		return;
	}
	buf_char(out, '{');
	for (unsigned i = 0, n = pick(4); i < n; i++)
		buf_printf(out, "%s\"%s%u\":%s%s", i ? "," : "", CHOICE(keys), pick(30),
			   pick(5) ? "" : " ", CHOICE(values));
	buf_char(out, '}');
}

/* The keys of a text whose rows are mostly alike. */
static struct {
	char names[ALIKE_MAX][24];
	unsigned n;
} alike;

static void alike_choose(void)
{
	static const char *const keys[] = {"id", "name", "x", "result", "k"};

	alike.n = pick(8) ? pick(8) : pick(ALIKE_MAX);
	for (unsigned i = 0; i < alike.n; i++)
		(void)snprintf(alike.names[i], sizeof(alike.names[i]), "%s%s%u",
			       pick(90) ? "" : "\\n", CHOICE(keys), pick(15) ? i : pick(8));
}

static void add_alike(struct buf *out)
{
	static const char *const values[] = {"1",
					     "0",
					     "1234567890123456",
					     "\"\"",
					     "\"\\ud83d\\ude00\"",
					     "{}",
					     "[]",
					     "{\"id\":{\"id\":[3]}}",
					     "null",
					     "-0.5",
					     "true",
					     "\"\xc3\xa9\xf0\x9f\x98\x80\"",
					     "false"};
	const char *comma = "";

	buf_char(out, '{');
	for (unsigned i = 0; i < alike.n; i++) {
		const char *name = alike.names[pick(200) ? i : pick(alike.n)];

		if (pick(50) == 0)
			continue;
		buf_printf(out, "%s\"%s\"%s:%s", comma, name, pick(20) ? "" : " ", CHOICE(values));
		comma = ",";
	}
	buf_str(out, pick(50) ? "}" : ",\"more\":1}");
}

static void add_text(struct buf *out)
{
	static const char *const spaces[] = {"", "", "", " ", "\n"};
	void (*const add)(struct buf *) = pick(2) ? add_row : add_alike;

	alike_choose();
	buf_str(out, "{\"success\":true,\"result\":[");
	for (unsigned i = 0, n = pick(7); i < n; i++) {
		buf_printf(out, "%s%s", i ? "," : "", CHOICE(spaces));
		add(out);
		buf_str(out, CHOICE(spaces));
	}
	buf_str(out, "],\"result_info\":{\"page\":1}}");
}

/* Half of them with bytes that are others, missing or more. */
static void spoil(struct buf *text)
{
	static const char bytes[] = "{}[],:\"\\ 1a\x80\x01";

	for (unsigned i = pick(4); i > 0; i--) {
		size_t at = pick((unsigned)text->len);

		switch (pick(8)) {
		case 0:
			text->len = at + 1;
			text->data[text->len] = '\0';
			break;
		case 1:
			memmove(text->data + at, text->data + at + 1, text->len - at);
			text->len--;
			break;
		default:
			text->data[at] = bytes[pick(sizeof(bytes) - 1)];
			break;
		}
		if (text->len == 0)
			return;
	}
}

static void any_text_agrees(void **state)
{
	(void)state;
	size_t good = 0;

	pool.used = pool.wanted = 0;
	for (int i = 0; i < ROUNDS; i++) {
		AUTO(buf_t) text = {0};

		add_text(&text);
		if (pick(2))
			spoil(&text);
		/* of its own size, so that reading behind it is seen */
		char *copy = mem_grow(NULL, text.len + 1, 1);
		memcpy(copy, text.data, text.len);
		copy = mem_grow(copy, text.len ? text.len : 1, 1);
		good += both_agree(copy, text.len);
		free(copy);
	}
	assert_in_range(good, ROUNDS / 3, ROUNDS - ROUNDS / 10);
	assert_true(pool.used > ROUNDS / 4);
	assert_true(pool.wanted > ROUNDS);
	pool_free();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(these_agree),
		cmocka_unit_test(depth_is_the_same),
		cmocka_unit_test(a_known_row_is_found),
		cmocka_unit_test(any_text_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
