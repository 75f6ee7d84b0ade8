/*
 * Reading rules. What cannot be understood is refused as a whole: a document that is only half
 * understood must not be written back.
 */
#include "reconcile/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define EXACT_MAX 9007199254740992.0 /* below it no two integers are one double */

void rule_free(struct rule *r)
{
	free(steal(&r->hostname));
	free(steal(&r->path));
}

void rules_free(struct rules *r)
{
	for (size_t i = 0; i < r->n; i++)
		rule_free(&r->items[i]);
	free(r->items);
	json_doc_free(r->doc);
	*r = (struct rules){0};
}

/* ---- keys ---- */

/* cloudflared serves the punycode twin of a name along with it. What is no host name at all is kept
 * as it is: it only has to be told from ours. */
static char *read_host(const char *text)
{
	char *name = NULL;
	struct err e;
	if (!text || !*text || str_equal(text, "*"))
		return NULL;
	return hostname_normalise(text, &name, &e) == 0 ? name : str_lower(text);
}

/* A pattern that fits the root and a path that nobody has fits everything. */
static bool fits_every_path(const char *path)
{
	return !path ||
	       (pattern_matches(path, "/") == 1 && pattern_matches(path, "/q7z-0x/kv_2.W~") == 1);
}

void rule_make(struct rule *r, const char *hostname, const char *path)
{
	*r = (struct rule){
		.hostname = read_host(hostname),
		.path = path && *path ? str_dup(path) : NULL,
	};
	r->every_path = fits_every_path(r->path);
}

bool rule_same_key(const struct rule *a, const struct rule *b)
{
	return str_equal(a->hostname, b->hostname) && str_equal(a->path, b->path);
}

bool rule_takes_all(const struct rule *r)
{
	return !r->hostname && !r->path;
}

static bool is_showable(const char *hostname)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_*";
	size_t len = strlen(hostname);
	return len <= HOSTNAME_MAX && strspn(hostname, allowed) == len;
}

void rule_describe(const struct rule *r, size_t number, char *out, size_t size)
{
	if (!r->hostname)
		(void)snprintf(out, size, "rule %zu (every host)", number);
	else if (is_showable(r->hostname))
		(void)snprintf(out, size, "rule %zu (%s)", number, r->hostname);
	else
		(void)snprintf(out, size, "rule %zu", number);
}

/* Long enough for every address and port; what is longer is cut. */
#define SERVICE_SHOWN 80

void rule_words(const struct rule *r, size_t number, char out[RULE_WORDS_MAX])
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_:/[]+";
	const char *service = r->value ? json_get_string(r->value, "service") : NULL;
	size_t len = service ? strlen(service) : 0;
	rule_describe(r, number, out, RULE_WORDS_MAX);
	if (!len || strspn(service, allowed) != len)
		return;
	size_t used = strlen(out);
	(void)snprintf(out + used, RULE_WORDS_MAX - used, " to %.*s%s", SERVICE_SHOWN, service,
		       len > SERVICE_SHOWN ? "..." : "");
}

void rule_hash(const struct rule *r, char out[SHA256_HEX_SIZE])
{
	struct json_span raw = json_raw(r->value);
	sha256_hex(raw.p, raw.len, out);
}

/* ---- by key ---- */

static int compare_texts(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

static int compare_keys(const struct rule *a, const struct rule *b)
{
	int order = compare_texts(a->hostname, b->hostname);
	return order ? order : compare_texts(a->path, b->path);
}

static int compare_sorted(const void *a, const void *b)
{
	const struct rule *const *x = a, *const *y = b;
	int order = compare_keys(*x, *y);
	return order ? order : (*x > *y) - (*x < *y);
}

void rule_index_init(struct rule_index *x, const struct rules *r)
{
	x->sorted = mem_array(r->n + 1, sizeof(*x->sorted));
	x->n = r->n;
	for (size_t i = 0; i < r->n; i++)
		x->sorted[i] = &r->items[i];
	qsort(x->sorted, x->n, sizeof(*x->sorted), compare_sorted);
}

void rule_index_free(struct rule_index *x)
{
	free(x->sorted);
	*x = (struct rule_index){0};
}

size_t rule_index_find(const struct rule_index *x, const struct rule *key,
		       const struct rule *const **first)
{
	size_t low = 0, high = x->n, end;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_keys(x->sorted[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < x->n && compare_keys(x->sorted[end], key) == 0;)
		end++;
	*first = x->sorted + low;
	return end - low;
}

/* ---- reading ---- */

/* false when it is there and no string. */
static bool read_text(const struct json *rule, const char *key, const char **out)
{
	const struct json *v = json_get(rule, key);
	*out = json_string(v);
	return *out || json_is_null(v);
}

static int read_rule(const struct json *v, size_t number, struct rule *out, struct err *e)
{
	const char *hostname, *path;
	if (json_type(v) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "rule %zu is no object", number);
	if (!read_text(v, "hostname", &hostname) || !read_text(v, "path", &path))
		return err_set(e, ERR_INVALID, "hostname or path of rule %zu is no string", number);
	rule_make(out, hostname, path);
	out->value = v;
	return 0;
}

static int read_rules(const struct json *array, struct rules *out, struct err *e)
{
	if (json_type(array) != JSON_ARRAY && !json_is_null(array))
		return err_set(e, ERR_INVALID, "the rules are no array");
	out->items = mem_array(json_count(array) + 1, sizeof(*out->items));
	JSON_EACH (v, array) {
		if (read_rule(v, out->n + 1, &out->items[out->n], e) < 0)
			return -1;
		out->n++;
	}
	return 0;
}

static int check_catch_all(const struct rules *r, struct err *e)
{
	for (size_t i = 0; i + 1 < r->n; i++)
		if (rule_takes_all(&r->items[i]))
			return err_set(e, ERR_INVALID,
				       "rule %zu takes all requests, though others follow", i + 1);
	if (r->n && !rule_takes_all(&r->items[r->n - 1]))
		return err_set(e, ERR_INVALID, "the last rule does not take all requests");
	return 0;
}

/* The check's own sentence may repeat a key, which is text from outside: only the place is told. */
static int parse(const char *text, struct json_doc **doc, struct err *e)
{
	struct err why;
	if (json_parse(text, strlen(text), NULL, doc, &why) == 0)
		return 0;
	return err_set(e, ERR_INVALID, "it is no strict JSON at %.*s",
		       (int)strcspn(why.message, ":"), why.message);
}

static int read_config(const char *text, struct rules *out, struct err *e)
{
	if (!text)
		return 0;
	if (parse(text, &out->doc, e) < 0)
		return -1;
	const struct json *root = json_root(out->doc);
	if (json_type(root) == JSON_NULL)
		return 0;
	if (json_type(root) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "it is %s, not an object",
			       json_type_name(json_type(root)));
	out->root = root;
	if (read_rules(json_get(root, "ingress"), out, e) < 0)
		return -1;
	return check_catch_all(out, e);
}

static int read_array(const char *text, struct rules *out, struct err *e)
{
	if (!text)
		return 0;
	if (parse(text, &out->doc, e) < 0)
		return -1;
	out->root = json_root(out->doc);
	return read_rules(out->root, out, e);
}

int rules_read_config(const char *text, struct rules *out, struct err *e)
{
	struct rules r = {0};
	struct err why;
	if (read_config(text, &r, &why) == 0) {
		*out = r;
		return 0;
	}
	rules_free(&r);
	(void)err_set(e, ERR_CONFLICT,
		      "The tunnel's configuration at Cloudflare cannot be understood: %s",
		      why.message);
	return err_hint(e, "Nothing is written to it until it is mended at Cloudflare.");
}

int rules_read_array(const char *text, struct rules *out, struct err *e)
{
	struct rules r = {0};
	struct err why;
	if (read_array(text, &r, &why) == 0) {
		*out = r;
		return 0;
	}
	rules_free(&r);
	return err_set(e, ERR_INTERNAL, "The rules that were put last cannot be read: %s",
		       why.message);
}

/* ---- comparing ---- */

static bool same_number(const struct json *a, const struct json *b)
{
	struct json_span x = json_raw(a), y = json_raw(b);
	if (x.len == y.len && x.len && memcmp(x.p, y.p, x.len) == 0)
		return true;
	double m = json_double(a, 0), n = json_double(b, 0);
	return !(m < n) && !(m > n) && m < EXACT_MAX && m > -EXACT_MAX;
}

static bool same_array(const struct json *a, const struct json *b)
{
	const struct json *x = json_first(a), *y = json_first(b);
	while (x && y && json_same(x, y)) {
		x = json_next(x);
		y = json_next(y);
	}
	return !x && !y;
}

static size_t count_set(const struct json *object)
{
	size_t n = 0;
	JSON_EACH (v, object)
		n += !json_is_null(v);
	return n;
}

static bool same_object(const struct json *a, const struct json *b)
{
	if (count_set(a) != count_set(b))
		return false;
	JSON_EACH (v, a)
		if (!json_same(v, json_get(b, json_key(v))))
			return false;
	return true;
}

bool json_same(const struct json *a, const struct json *b)
{
	if (json_type(a) != json_type(b))
		return false;
	switch (json_type(a)) {
	case JSON_NULL:
		return true;
	case JSON_BOOL:
		return json_bool(a, false) == json_bool(b, false);
	case JSON_NUMBER:
		return same_number(a, b);
	case JSON_STRING:
		return str_equal(json_string(a), json_string(b));
	case JSON_ARRAY:
		return same_array(a, b);
	case JSON_OBJECT:
		return same_object(a, b);
	}
	return false;
}

static bool is_none(const struct json *origin)
{
	return json_is_null(origin) || (json_type(origin) == JSON_OBJECT && count_set(origin) == 0);
}

bool origin_same(const struct json *a, const struct json *b)
{
	return is_none(a) || is_none(b) ? is_none(a) == is_none(b) : json_same(a, b);
}

bool rule_serves(const struct rule *r, const char *service, const struct json *origin)
{
	return str_equal(json_get_string(r->value, "service"), service) &&
	       origin_same(json_get(r->value, "originRequest"), origin);
}
