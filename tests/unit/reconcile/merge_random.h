/* Random configuration documents and routes for the merge, and rules read and matched anew, by none
 * of the code under test. */
#ifndef TESTS_UNIT_RECONCILE_MERGE_RANDOM_H
#define TESTS_UNIT_RECONCILE_MERGE_RANDOM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/secret.h"
#include "base/text.h"
#include "reconcile/merge.h"

enum { ROUTES_MAX = 5, RULES_MAX = 60 };

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
		if (pick(3) == 0) {
			str_set(&w->items[i]->service, CHOICE(services));
			w->items[i]->generation++;
		}
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
	unsigned fits[RULES_MAX]; /* which of the asked paths, as bits; 0 = not found out yet */
	size_t n;
};

static const char *const ways[] = {"/",    "/api",     "/api/v1/x", "/static/a.png",
				   "/one", "/off.png", "/else"};
#define FOUND_OUT (1u << ARRAY_LEN(ways))

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

static bool fits(struct seen *s, size_t i, size_t way)
{
	const char *pattern = json_get_string(s->rule[i], "path");
	if (!pattern || !*pattern)
		return true;
	for (size_t k = 0; !(s->fits[i] & FOUND_OUT) && k < ARRAY_LEN(ways); k++)
		s->fits[i] |= pattern_matches(pattern, ways[k]) == 1 ? 1u << k : 0;
	s->fits[i] |= FOUND_OUT;
	return s->fits[i] >> way & 1;
}

static size_t first_match(struct seen *s, const char *host, size_t way)
{
	for (size_t i = 0; i < s->n; i++)
		if ((!s->host[i] || hostname_matches(s->host[i], host)) && fits(s, i, way))
			return i;
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
static bool has_our_key(const struct seen *s, size_t i, const struct json *rules)
{
	JSON_EACH (v, rules)
		if (key_is(s, i, json_get_string(v, "hostname"), json_get_string(v, "path")))
			return true;
	return false;
}

#endif
