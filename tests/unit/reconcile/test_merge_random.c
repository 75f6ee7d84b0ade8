/*
 * Merge against random documents. Whatever is put: foreign bytes come back in their order, no
 * request that a foreign rule answered is answered by another unless a person let it, rules of ours
 * that somebody edited stay, the second merge has nothing to do, a route that is left out holds no
 * other back, and taking all of ours away gives the foreign rules alone. The rules are matched here
 * once more, on their own. Arguments: how many documents, and where their chance begins.
 */
#include "merge_random.h"

static uint64_t documents = 4000, first_seed = 1; /* of main, for its test */

/* ---- what must hold ---- */

/* Rules of `before` whose key is nobody's of ours stand in `after`, as they were, in order. Answers
 * where each of them went. */
static void assert_foreign_kept(const struct seen *before, const struct seen *after,
				const struct json *base, const struct json *rules, size_t *where)
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

/* A person let one of ours stand before it. */
static bool is_let(const struct wishes *w, struct json_span raw)
{
	char hash[SHA256_HEX_SIZE];
	sha256_hex(raw.p, raw.len, hash);
	for (size_t i = 0; i < w->n; i++)
		if (w->items[i]->takes && strstr(w->items[i]->takes, hash))
			return true;
	return false;
}

/* Each request that a foreign rule answered is answered by it, or by one of ours that was let. */
static void assert_unshadowed(struct seen *before, struct seen *after, const size_t *where,
			      const struct json *rules, const struct wishes *w)
{
	static const char *const asked[] = {"a.ex.org", "b.ex.org", "c.b.ex.org", "d.b.ex.org",
					    "z.ex.org", "p.fo.org", "z.fo.org",   "r.s.fo.org",
					    "o.us.net", "z.us.net", "z.v.us.net"};
	for (size_t h = 0; h < ARRAY_LEN(asked); h++)
		for (size_t k = 0; k < ARRAY_LEN(ways); k++) {
			size_t was = first_match(before, asked[h], k);
			if (was + 1 >= before->n || where[was] == SIZE_MAX)
				continue; /* nobody, the catch-all, or ours */
			size_t is = first_match(after, asked[h], k);
			if (is == where[was] ||
			    (has_our_key(after, is, rules) && is_let(w, before->raw[was])))
				continue;
			fail_msg("%s%s was answered by %.*s", asked[h], ways[k],
				 (int)before->raw[was].len, before->raw[was].p);
		}
}

static bool takes_all(const struct seen *s, size_t i)
{
	return !s->host[i] && !json_get_string(s->rule[i], "path");
}

static void assert_sound(const char *before, const char *after, const char *base, const char *rules,
			 const struct wishes *w)
{
	struct seen x, y;
	size_t where[RULES_MAX];
	AUTO(json_doc_t) was = NULL;
	AUTO(json_doc_t) is = NULL;
	struct err e;
	assert_int_equal(json_parse(base, strlen(base), NULL, &was, &e), 0);
	assert_int_equal(json_parse(rules, strlen(rules), NULL, &is, &e), 0);
	read_document(before, &x);
	read_document(after, &y);
	assert_true(y.n > 0 && takes_all(&y, y.n - 1));
	if (before)
		assert_around_kept(before, after);
	assert_foreign_kept(&x, &y, json_root(was), json_root(is), where);
	if (x.n)
		assert_true(same_bytes(x.raw[x.n - 1], y.raw[y.n - 1]));
	assert_unshadowed(&x, &y, where, json_root(is), w);
	forget(&x);
	forget(&y);
}

/* ---- merging ---- */

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
	assert_int_equal(r.outcome == MERGE_CHANGED, r.document != NULL);
	return r;
}

static const struct merge_fate *fate_of(const struct merge_result *r, const struct route *route)
{
	for (size_t i = 0; i < r->n_fates; i++)
		if (str_equal(r->fates[i].route_id, route->id))
			return &r->fates[i];
	fail_msg("a route without a fate");
	return NULL;
}

/* The answer to the PUT came. */
static void settle(const struct merge_result *r, struct wishes *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (fate_of(r, w->items[i])->seen == ROUTE_AS_PUT)
			w->items[i]->applied_generation = w->items[i]->generation;
}

static void assert_idle(const char *remote, const char *base, const struct wishes *w)
{
	struct merge_result r = run(remote, base, w);
	if (r.outcome != MERGE_SAME || r.document || !str_equal(r.rules, base))
		fail_msg("not settled: %s\n%s\n%s is not %s", remote,
			 r.document ? r.document : "(no document)", r.rules, base);
	merge_result_free(&r);
}

/* All of ours away: what is left of the document holds the foreign rules alone. */
static void assert_removable(const char *remote, const char *base)
{
	struct wishes none = {.n = 0};
	struct merge_result r = run(remote, base, &none);
	assert_int_equal(r.n_issues, 0);
	assert_string_equal(r.rules, "[]");
	if (r.document)
		assert_sound(remote, r.document, base, "[]", &none);
	assert_idle(r.document ? r.document : remote, "[]", &none);
	merge_result_free(&r);
}

/* What nothing stands for and is left out is as if it were not wished at all. */
static void assert_alone(const char *remote, const char *base, const struct wishes *w,
			 const struct merge_result *all)
{
	struct wishes others = {.n = 0};
	for (size_t i = 0; i < w->n; i++)
		if (fate_of(all, w->items[i])->seen == ROUTE_AS_PUT ||
		    w->items[i]->applied_generation)
			others.items[others.n++] = w->items[i];
	struct merge_result r = run(remote, base, &others);
	for (size_t i = 0; i < others.n; i++)
		if (fate_of(&r, others.items[i])->seen != fate_of(all, others.items[i])->seen)
			fail_msg("%s fares otherwise without those left out:\n%s",
				 others.items[i]->hostname, remote);
	merge_result_free(&r);
}

/* What somebody made of a rule of ours stays as it is, while its route is not changed here. */
static void assert_left(const char *before, const char *after, const struct wishes *w,
			const struct merge_result *r)
{
	struct seen x, y;
	read_document(before, &x);
	read_document(after, &y);
	for (size_t i = 0; i < w->n; i++) {
		const struct route *route = w->items[i];
		bool found = false, stays = false;
		if (fate_of(r, route)->seen != ROUTE_EDITED)
			continue;
		assert_int_equal(route->applied_generation, route->generation);
		for (size_t k = 0; k < x.n; k++)
			for (size_t l = 0; key_is(&x, k, route->hostname, route->path) && l < y.n;
			     l++) {
				found = true;
				stays = stays || same_bytes(x.raw[k], y.raw[l]);
			}
		assert_true(found && stays);
	}
	forget(&x);
	forget(&y);
}

static size_t index_of(const struct seen *s, const struct route *r)
{
	for (size_t i = 0; i < s->n; i++)
		if (key_is(s, i, r->hostname, r->path) &&
		    str_equal(json_get_string(s->rule[i], "service"), r->service))
			return i;
	return SIZE_MAX;
}

static bool stood(const struct seen *s, const struct route *r)
{
	for (size_t i = 0; i < s->n; i++)
		if (key_is(s, i, r->hostname, r->path))
			return true;
	return false;
}

/* The narrower of ours before the broader, at least where one of the two is new. */
static void assert_order(const char *before, const char *after, const struct wishes *w,
			 const struct merge_result *r)
{
	struct seen x, y;
	read_document(before, &x);
	read_document(after, &y);
	for (size_t i = 0; i < w->n; i++)
		for (size_t k = 0; k < w->n; k++) {
			const struct route *a = w->items[i], *b = w->items[k];
			if (fate_of(r, a)->seen != ROUTE_AS_PUT ||
			    fate_of(r, b)->seen != ROUTE_AS_PUT || (stood(&x, a) && stood(&x, b)) ||
			    route_compare(a, b) >= 0 || a->path || b->path ||
			    !hostname_matches(b->hostname, a->hostname))
				continue;
			if (index_of(&y, a) > index_of(&y, b))
				fail_msg("%s behind %s:\n%s", a->hostname, b->hostname, after);
		}
	forget(&x);
	forget(&y);
}

/* A person lets each route take what stands in its way; true when there was anything. */
static bool let(const struct merge_result *r, struct wishes *w)
{
	bool any = false;
	for (size_t i = 0; i < w->n; i++) {
		AUTO(buf_t) takes = {0};
		const char *old = w->items[i]->takes;
		for (size_t k = 0; k < r->n_issues; k++)
			if (merge_permittable(r->issues[k].kind) &&
			    str_equal(r->issues[k].route_id, w->items[i]->id))
				buf_printf(&takes, "%s{\"rule\":\"%s\",\"what\":\"x\"}",
					   takes.len ? "," : "", r->issues[k].rule);
		if (!takes.len || w->items[i]->generation == w->items[i]->applied_generation)
			continue;
		AUTO(str_t)
		all = old ? str_format("%.*s,%s]", (int)strlen(old) - 1, old, buf_text(&takes))
			  : str_format("[%s]", buf_text(&takes));
		str_set(&w->items[i]->takes, all);
		any = true;
	}
	return any;
}

/* ---- somebody else ---- */

/* Writes a rule of his own into the document, or edits or removes one that stands there. */
static char *disturb(const char *document)
{
	struct seen s;
	AUTO(buf_t) b = {0};
	read_document(document, &s);
	if (s.n < 2 || s.n + 2 > RULES_MAX || pick(2)) {
		forget(&s);
		return str_dup(document);
	}
	struct json_span root = json_span_of(document, strlen(document));
	size_t skip = pick((unsigned)s.n - 1);
	struct json_cursor c;
	struct json_span key, value;
	assert_true(json_cursor_init(&c, json_span_member(root, "ingress")));
	for (size_t i = 0; i <= skip; i++)
		assert_true(json_cursor_next(&c, &key, &value));
	buf_add(&b, document, (size_t)(value.p - document));
	const char *rest = value.p;
	switch (pick(4)) {
	case 0:
		rest = strchr(value.p + value.len, ',') + 1;
		break;
	case 1:
		buf_printf(&b, "{\"hostname\":\"%s\",\"path\":\"%s\",\"service\":\"http://e:9\"}",
			   s.host[skip] ? s.host[skip] : "e.ex.org",
			   json_get_string(s.rule[skip], "path") ? "^/edited" : "");
		rest = value.p + value.len;
		break;
	default:
		add_rule(&b);
		buf_char(&b, ',');
	}
	buf_str(&b, rest);
	forget(&s);
	return buf_steal(&b);
}

struct tally {
	size_t same, changed, let, kinds[MERGE_TWICE + 1];
};

static void count(struct tally *t, const struct merge_result *r)
{
	t->same += r->outcome == MERGE_SAME;
	t->changed += r->outcome == MERGE_CHANGED;
	for (size_t i = 0; i < r->n_issues; i++)
		t->kinds[r->issues[i].kind]++;
}

static void assert_all(const char *document, const char *base, struct wishes *w,
		       const struct merge_result *r)
{
	const char *now = r->document ? r->document : document;
	if (pick(3) == 0)
		assert_alone(document, base, w, r);
	if (r->n_issues)
		assert_left(document, now, w, r);
	if (r->document) {
		assert_sound(document, now, base, r->rules, w);
		assert_order(document, now, w, r);
	}
	settle(r, w);
	assert_idle(now, r->rules, w);
	if (pick(3) == 0)
		assert_removable(now, r->rules);
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
		while (pick(2) && let(&r, &w)) {
			t->let++;
			merge_result_free(&r);
			r = run(document, base, &w);
		}
		assert_all(document, base, &w, &r);
		str_set(&base, r.rules);
		const char *now = r.document ? r.document : document;
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
	for (uint64_t i = 0; i < documents; i++) {
		state_of_chance = (first_seed + i) * 0x9e3779b97f4a7c15u | 1;
		live(&t);
	}
	print_message("%zu changed, %zu same, %zu let; of each kind of issue:", t.changed, t.same,
		      t.let);
	for (size_t k = 0; k < ARRAY_LEN(t.kinds); k++)
		print_message(" %zu", t.kinds[k]);
	print_message("\n");
	assert_true(t.changed > documents / 2 && t.let > documents / 20);
	for (size_t k = 0; k < MERGE_TWICE; k++)
		assert_true(t.kinds[k] > documents / 1000);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(random_documents_survive)};

	if (argc > 1)
		documents = strtoull(argv[1], NULL, 10);
	if (argc > 2)
		first_seed = strtoull(argv[2], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
