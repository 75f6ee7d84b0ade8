/*
 * Merge against random documents. Whatever is put: foreign bytes come back in their order, no
 * request that a foreign rule answered is answered by another, the second merge has nothing to do,
 * and taking all of ours away gives the foreign rules alone. The rules are matched here once more,
 * on their own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "reconcile/merge.h"

enum { DOCUMENTS = 20000, ROUTES_MAX = 5, RULES_MAX = 40 };

static uint64_t state_of_chance;

static unsigned pick(unsigned n)
{
	state_of_chance ^= state_of_chance << 13;
	state_of_chance ^= state_of_chance >> 7;
	state_of_chance ^= state_of_chance << 17;
	return (unsigned)((state_of_chance >> 11) % n);
}

#define CHOICE(list) (list)[pick(ARRAY_LEN(list))]

/* ---- random documents ---- */

static const char *const spaces[] = {"", "", "", " ", "\n", "\t", "  ", " \r\n "};
static const char *const odd_values[] = {
	"9007199254740993",
	"1.50",
	"1e3",
	"-0",
	"0.1e-7",
	"123456789012345678901234567890",
	"null",
	"true",
	"{}",
	"[ ]",
	"\"\\u00fc\\ud83d\\ude00\\/\"",
	"\"]},{\"",
	"\"\\\"\\\\\"",
	"[1.0, {\"service\" : [\"x\"]} ]",
	"{ \"hostname\":\"a.ex.org\",\"ingress\":[{}] }",
};
static const char *const odd_keys[] = {"id", "x\\u002dy", "Service", "nested", "\\\"", "\xc3\xa9"};
static const char *const hosts[] = {
	"a.ex.org", "b.ex.org", "c.b.ex.org", "*.ex.org",   "*.b.ex.org",     "*.org",
	"p.fo.org", "q.fo.org", "*.fo.org",   "r.s.fo.org", "\\u0071.fo.org", "A.Ex.Org",
	"n.fo.org", "m.fo.org", "k.fo.org",   "i.fo.org",
};
static const char *const paths[] = {"^/api",  "^/api/v1",   "^/", "/static", "\\\\.png$",
				    "^/one$", "^/o(ne|ff)", ".*", ""};
static const char *const services[] = {"http://h:1", "http://h:2", "https://z:3", "tcp://t:4"};

static void add_space(struct buf *b)
{
	buf_str(b, CHOICE(spaces));
}

/* Members named apart by the number, so that no key stands twice. */
static void add_odd_members(struct buf *b, unsigned most)
{
	for (unsigned i = 0, n = pick(most + 1); i < n; i++) {
		buf_printf(b, ",\"%s%u\"", CHOICE(odd_keys), i);
		add_space(b);
		buf_char(b, ':');
		add_space(b);
		buf_str(b, CHOICE(odd_values));
	}
}

static void add_rule(struct buf *b)
{
	bool host = pick(12) != 0;
	buf_char(b, '{');
	add_space(b);
	if (host)
		buf_printf(b, "\"hostname\":%s\"%s\",", CHOICE(spaces), CHOICE(hosts));
	if (!host || pick(3) == 0)
		buf_printf(b, "\"path\":\"%s\",", host ? CHOICE(paths) : "^/api");
	buf_printf(b, "\"service\":\"%s\"", CHOICE(services));
	if (pick(4) == 0)
		buf_printf(b, ",\"originRequest\":{\"connectTimeout\":%u}", pick(3));
	add_odd_members(b, 2);
	add_space(b);
	buf_char(b, '}');
}

static char *make_document(void)
{
	AUTO(buf_t) b = {0};
	if (pick(20) == 0)
		return NULL;
	buf_str(&b, CHOICE(spaces));
	buf_str(&b, "{\"first\":");
	buf_str(&b, CHOICE(odd_values));
	if (pick(10)) {
		buf_str(&b, ",\"ingress\" :[");
		for (unsigned i = 0, n = pick(7); i < n; i++) {
			add_rule(&b);
			add_space(&b);
			buf_char(&b, ',');
			add_space(&b);
		}
		buf_str(&b, "{\"service\":\"http_status:404\"");
		add_odd_members(&b, 1);
		buf_str(&b, "} ]");
	}
	add_odd_members(&b, 3);
	buf_str(&b, "}\n");
	return buf_steal(&b);
}

/* ---- random routes ---- */

struct wishes {
	struct route *items[ROUTES_MAX];
	size_t n;
};

static void free_wishes(struct wishes *w)
{
	for (size_t i = 0; i < w->n; i++)
		route_free(w->items[i]);
	w->n = 0;
}

static bool has_key(const struct wishes *w, const struct route *r)
{
	for (size_t i = 0; i < w->n; i++)
		if (route_same_key(w->items[i], r->hostname, r->path))
			return true;
	return false;
}

static void add_wish(struct wishes *w)
{
	static const char *const names[] = {"a.ex.org",   "b.ex.org",  "c.b.ex.org", "*.b.ex.org",
					    "*.ex.org",   "o.us.net",  "u.us.net",   "*.us.net",
					    "*.v.us.net", "w.v.us.net"};
	static const char *const patterns[] = {"^/api", "^/api/v1", "/static", "\\.png$", "^/one$"};
	struct route *r = route_new();
	str_set(&r->hostname, CHOICE(names));
	str_set(&r->path, pick(3) ? NULL : CHOICE(patterns));
	str_set(&r->service, CHOICE(services));
	str_set(&r->origin, pick(4) ? NULL : "{ \"connectTimeout\" : 1e0 }");
	if (has_key(w, r))
		route_free(r);
	else
		w->items[w->n++] = r;
}

static void change_wishes(struct wishes *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (pick(3) == 0)
			str_set(&w->items[i]->service, CHOICE(services));
	if (w->n && pick(3) == 0)
		route_free(w->items[--w->n]);
	while (w->n < ROUTES_MAX && pick(2))
		add_wish(w);
}

/* ---- rules read and matched here ---- */

struct seen {
	struct json_doc *doc;
	struct json_span raw[RULES_MAX];
	const struct json *rule[RULES_MAX];
	char *host[RULES_MAX];
	size_t n;
};

static void read_document(const char *text, struct seen *s)
{
	struct err e;
	*s = (struct seen){0};
	if (!text)
		return;
	if (json_parse(text, strlen(text), NULL, &s->doc, &e) < 0)
		fail_msg("%s: %s", e.message, text);
	JSON_EACH (v, json_get(json_root(s->doc), "ingress")) {
		assert_true(s->n < RULES_MAX);
		const char *host = json_get_string(v, "hostname");
		char *name = NULL;
		if (host && hostname_normalise(host, &name, &e) < 0)
			name = str_dup(host);
		s->host[s->n] = name;
		s->rule[s->n] = v;
		s->raw[s->n++] = json_raw(v);
	}
}

static void forget(struct seen *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->host[i]);
	json_doc_free(s->doc);
}

static size_t first_match(const struct seen *s, const char *host, const char *path)
{
	for (size_t i = 0; i < s->n; i++) {
		const char *pattern = json_get_string(s->rule[i], "path");
		if ((!s->host[i] || hostname_matches(s->host[i], host)) &&
		    (!pattern || !*pattern || pattern_matches(pattern, path) == 1))
			return i;
	}
	return SIZE_MAX;
}

static bool same_bytes(struct json_span a, struct json_span b)
{
	return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

static bool key_is(const struct seen *s, size_t i, const char *hostname, const char *path)
{
	const char *own = json_get_string(s->rule[i], "path");
	return s->host[i] && str_equal(s->host[i], hostname) &&
	       str_equal(own ? own : "", path ? path : "");
}

/* By what was put last or by what is wanted. */
static bool has_our_key(const struct seen *s, size_t i, const char *rules)
{
	AUTO(json_doc_t) doc = NULL;
	struct err e;
	assert_int_equal(json_parse(rules, strlen(rules), NULL, &doc, &e), 0);
	JSON_EACH (v, json_root(doc))
		if (key_is(s, i, json_get_string(v, "hostname"), json_get_string(v, "path")))
			return true;
	return false;
}

/* ---- what must hold ---- */

/* Rules of `before` whose key is nobody's of ours stand in `after`, as they were, in order. Answers
 * where each of them went. */
static void assert_foreign_kept(const struct seen *before, const struct seen *after,
				const char *base, const char *rules, size_t *where)
{
	size_t next = 0;
	for (size_t i = 0; i < before->n; i++) {
		where[i] = SIZE_MAX;
		if (has_our_key(before, i, base) || has_our_key(before, i, rules))
			continue;
		while (next < after->n && !same_bytes(before->raw[i], after->raw[next]))
			next++;
		if (next == after->n)
			fail_msg("a foreign rule is gone: %.*s", (int)before->raw[i].len,
				 before->raw[i].p);
		where[i] = next++;
	}
}

static void assert_around_kept(const char *before, const char *after)
{
	struct json_span root = json_span_of(before, strlen(before)), key, value;
	struct json_span now = json_span_of(after, strlen(after));
	struct json_cursor c;
	assert_true(json_cursor_init(&c, root));
	while (json_cursor_next(&c, &key, &value)) {
		AUTO(str_t) name = json_span_string(key);
		if (!str_equal(name, "ingress"))
			assert_true(same_bytes(value, json_span_member(now, name)));
	}
}

/* Each request that a foreign rule answered is answered by it. */
static void assert_unshadowed(const struct seen *before, const struct seen *after,
			      const size_t *where)
{
	static const char *const asked[] = {"a.ex.org", "b.ex.org", "c.b.ex.org", "d.b.ex.org",
					    "z.ex.org", "p.fo.org", "z.fo.org",   "r.s.fo.org",
					    "o.us.net", "z.us.net", "z.v.us.net"};
	static const char *const ways[] = {"/",    "/api",     "/api/v1/x", "/static/a.png",
					   "/one", "/off.png", "/else"};
	for (size_t h = 0; h < ARRAY_LEN(asked); h++)
		for (size_t k = 0; k < ARRAY_LEN(ways); k++) {
			size_t was = first_match(before, asked[h], ways[k]);
			if (was + 1 >= before->n || where[was] == SIZE_MAX)
				continue; /* nobody, the catch-all, or ours */
			if (first_match(after, asked[h], ways[k]) != where[was])
				fail_msg("%s%s was answered by %.*s", asked[h], ways[k],
					 (int)before->raw[was].len, before->raw[was].p);
		}
}

static bool takes_all(const struct seen *s, size_t i)
{
	return !s->host[i] && !json_get_string(s->rule[i], "path");
}

static void assert_sound(const char *before, const char *after, const char *base, const char *rules)
{
	struct seen x, y;
	size_t where[RULES_MAX];
	read_document(before, &x);
	read_document(after, &y);
	assert_true(y.n > 0 && takes_all(&y, y.n - 1));
	if (before)
		assert_around_kept(before, after);
	assert_foreign_kept(&x, &y, base, rules, where);
	if (x.n)
		assert_true(same_bytes(x.raw[x.n - 1], y.raw[y.n - 1]));
	assert_unshadowed(&x, &y, where);
	forget(&x);
	forget(&y);
}

static struct merge_result run(const char *remote, const char *base, const struct wishes *w)
{
	struct merge_input in = {.remote = remote,
				 .base = base,
				 .routes = (const struct route *const *)w->items,
				 .n_routes = w->n};
	struct merge_result r = {0};
	struct err e;
	if (merge(&in, &r, &e) < 0)
		fail_msg("%s: %s", e.message, remote);
	return r;
}

static void assert_idle(const char *remote, const char *base, const struct wishes *w)
{
	struct merge_result r = run(remote, base, w);
	if (r.outcome != MERGE_SAME || r.document || !str_equal(r.rules, base))
		fail_msg("not settled: %s\n%s", remote,
			 r.document ? r.document : r.conflict.message);
	merge_result_free(&r);
}

/* All of ours away: what is left of the document holds the foreign rules alone. */
static void assert_removable(const char *remote, const char *base)
{
	struct wishes none = {.n = 0};
	struct merge_result r = run(remote, base, &none);
	assert_int_not_equal(r.outcome, MERGE_CONFLICT);
	assert_string_equal(r.rules, "[]");
	if (r.document)
		assert_sound(remote, r.document, base, "[]");
	assert_idle(r.document ? r.document : remote, "[]", &none);
	merge_result_free(&r);
}

/* Somebody writes a rule of his own into the document. */
static char *disturb(const char *document)
{
	struct seen s;
	AUTO(buf_t) b = {0};
	read_document(document, &s);
	if (s.n == 0 || s.n + 2 > RULES_MAX || pick(2)) {
		forget(&s);
		return str_dup(document);
	}
	struct json_span root = json_span_of(document, strlen(document));
	size_t at = (size_t)(json_span_member(root, "ingress").p - document),
	       skip = pick((unsigned)s.n);
	struct json_cursor c;
	struct json_span key, value;
	assert_true(json_cursor_init(&c, json_span_member(root, "ingress")));
	for (size_t i = 0; i <= skip; i++)
		assert_true(json_cursor_next(&c, &key, &value));
	at = (size_t)(value.p - document);
	buf_add(&b, document, at);
	add_rule(&b);
	buf_char(&b, ',');
	buf_str(&b, document + at);
	forget(&s);
	return buf_steal(&b);
}

struct tally {
	size_t same, changed, conflict;
};

static void count(struct tally *t, const struct merge_result *r)
{
	t->same += r->outcome == MERGE_SAME;
	t->changed += r->outcome == MERGE_CHANGED;
	t->conflict += r->outcome == MERGE_CONFLICT;
}

/* A few rounds of: somebody edits, we want something else, we merge. */
static void live(struct tally *t)
{
	struct wishes w = {.n = 0};
	AUTO(str_t) document = make_document();
	AUTO(str_t) base = str_dup("[]");
	assert_idle(document, base, &w);
	for (int round = 0; round < 3; round++) {
		change_wishes(&w);
		struct merge_result r = run(document, base, &w);
		count(t, &r);
		if (r.outcome == MERGE_CONFLICT) {
			merge_result_free(&r);
			break;
		}
		if (r.document)
			assert_sound(document, r.document, base, r.rules);
		const char *now = r.document ? r.document : document;
		assert_idle(now, r.rules, &w);
		if (pick(3) == 0)
			assert_removable(now, r.rules);
		str_set(&base, r.rules);
		char *next = now ? disturb(now) : NULL;
		free(document);
		document = next;
		merge_result_free(&r);
	}
	free_wishes(&w);
}

static void random_documents_survive(void **state)
{
	struct tally t = {0};
	(void)state;
	for (uint64_t i = 1; i <= DOCUMENTS; i++) {
		state_of_chance = i * 0x9e3779b97f4a7c15u;
		live(&t);
	}
	print_message("%zu changed, %zu same, %zu conflicts\n", t.changed, t.same, t.conflict);
	assert_true(t.changed > DOCUMENTS / 2 && t.conflict > DOCUMENTS / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(random_documents_survive)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
