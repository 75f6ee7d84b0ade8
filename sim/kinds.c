/* The table of kinds, and what follows from it. */
#include "sim/kinds.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MODES "[\"whitelist\",\"block\",\"challenge\",\"js_challenge\",\"managed_challenge\"]"

static const char *const states[] = {"accepted", "pending", "rejected", NULL};
static const char *const targets[] = {"ip", "ip_range", "asn", "country", NULL};
static const char *const modes[] = {"block",        "challenge",         "whitelist",
				    "js_challenge", "managed_challenge", NULL};

static const struct shelf_filter member_filters[] = {
	{"status", "status", FILTER_IS, states},
	{.arg = NULL},
};
static const struct shelf_filter group_filters[] = {
	{"id", "id", FILTER_IS, NULL},
	{"name", "name", FILTER_IS, NULL},
	{"label", "meta.label", FILTER_IS, NULL},
	{.arg = NULL},
};
static const struct shelf_filter access_filters[] = {
	{"mode", "mode", FILTER_IS, modes},
	{"configuration.target", "configuration.target", FILTER_IS, targets},
	{"configuration.value", "configuration.value", FILTER_IS, NULL},
	{"notes", "notes", FILTER_HAS, NULL},
	{.arg = NULL},
};
static const struct shelf_filter lockdown_filters[] = {
	{"description", "description", FILTER_HAS, NULL},
	{"description_search", "description", FILTER_HAS, NULL},
	{"uri_search", "urls", FILTER_HAS, NULL},
	{"ip", "configurations.value", FILTER_IS, NULL},
	{"ip_search", "configurations.value", FILTER_HAS, NULL},
	{"ip_range_search", "configurations.value", FILTER_HAS, NULL},
	{.arg = NULL},
};
static const struct shelf_filter agent_filters[] = {
	{"description", "description", FILTER_HAS, NULL},
	{"user_agent", "configuration.value", FILTER_HAS, NULL},
	{"paused", "paused", FILTER_BOOL, NULL},
	{.arg = NULL},
};

static const char *const member_orders[] = {"user.first_name", "user.last_name", "user.email",
					    "status", NULL};
static const char *const access_orders[] = {"configuration.target", "configuration.value", "mode",
					    NULL};

static const char *const member_needs[] = {"email", NULL};
static const char *const name_needs[] = {"name", NULL};
static const char *const rule_needs[] = {"mode", "configuration", NULL};
static const char *const lockdown_needs[] = {"urls", "configurations", NULL};

static const struct shelf_kind kinds[] = {
	{.name = "members",
	 .path = "/members",
	 .least = 5,
	 .most = 50,
	 .otherwise = 20,
	 .defaults = "{\"status\":\"accepted\"}",
	 .made = "{\"status\":\"pending\"}",
	 .needs = member_needs,
	 .filters = member_filters,
	 .orders = member_orders},
	{.name = "roles",
	 .path = "/roles",
	 .least = 5,
	 .most = 50,
	 .otherwise = 20,
	 .defaults = "{\"name\":\"\",\"description\":\"\",\"permissions\":{}}"},
	{.name = "permission_groups",
	 .path = "/permission_groups",
	 .least = 5,
	 .most = 50,
	 .otherwise = 20,
	 .defaults = "{\"name\":\"\",\"meta\":{}}",
	 .filters = group_filters},
	{.name = "tokens",
	 .path = "/tokens",
	 .least = 5,
	 .most = 50,
	 .otherwise = 20,
	 .defaults = "{\"name\":\"\",\"status\":\"active\",\"policies\":[]}",
	 .needs = name_needs},
	{.name = "access_rules",
	 .path = "/firewall/access_rules/rules",
	 .least = 1,
	 .most = 1000,
	 .otherwise = 20,
	 .defaults = "{\"mode\":\"block\",\"notes\":\"\",\"allowed_modes\":" MODES
		     ",\"configuration\":{}}",
	 .needs = rule_needs,
	 .filters = access_filters,
	 .orders = access_orders,
	 .timed = true},
	{.name = "lockdowns",
	 .path = "/firewall/lockdowns",
	 .least = 1,
	 .most = 1000,
	 .otherwise = 20,
	 .defaults = "{\"paused\":false,\"description\":\"\",\"urls\":[],\"configurations\":[]}",
	 .needs = lockdown_needs,
	 .filters = lockdown_filters,
	 .timed = true},
	{.name = "ua_rules",
	 .path = "/firewall/ua_rules",
	 .least = 1,
	 .most = 1000,
	 .otherwise = 20,
	 .defaults = "{\"mode\":\"block\",\"paused\":false,\"description\":\"\","
		     "\"configuration\":{}}",
	 .needs = rule_needs,
	 .filters = agent_filters},
};

const struct shelf_kind *kind_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_equal(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

const struct shelf_kind *kind_of_pattern(const char *pattern)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strstr(pattern, kinds[i].path))
			return &kinds[i];
	return NULL;
}

/* ---- one value of a row ---- */

static bool text_fits(const char *text, const char *asked, enum filter_how how)
{
	if (!text)
		return false;
	return how == FILTER_HAS ? strcasestr(text, asked) != NULL : strcasecmp(text, asked) == 0;
}

static bool value_fits(const struct json *v, const char *asked, enum filter_how how)
{
	if (how == FILTER_BOOL)
		return json_bool(v, false) == str_equal(asked, "true");
	return text_fits(json_string(v), asked, how);
}

/* Whether the value there fits; a path leads through any element of an array. */
static bool path_fits(const struct json *v, const char *path, const char *asked,
		      enum filter_how how)
{
	while (*path && json_type(v) != JSON_ARRAY) {
		size_t len = strcspn(path, ".");
		AUTO(str_t) key = str_ndup(path, len);
		v = json_get(v, key);
		path += len + (path[len] == '.');
	}
	if (json_type(v) != JSON_ARRAY)
		return value_fits(v, asked, how);
	JSON_EACH (each, v) {
		AUTO(str_t) key = str_ndup(path, strcspn(path, "."));
		if (value_fits(*key ? json_get(each, key) : each, asked, how))
			return true;
	}
	return false;
}

static bool word_known(const char *const *words, const char *asked)
{
	for (size_t i = 0; words && words[i]; i++)
		if (str_equal(words[i], asked))
			return true;
	return words == NULL;
}

int kind_check(struct call *k, const struct shelf_kind *kind)
{
	static const char *const directions[] = {"asc", "desc", NULL};
	static const char *const matches[] = {"any", "all", NULL};
	const struct {
		const char *arg;
		const char *const *words;
	} words[] = {{"direction", directions}, {"match", matches}, {"order", kind->orders}};
	bool flag;

	for (const struct shelf_filter *f = kind->filters; f && f->arg; f++) {
		const char *asked = call_arg(k, f->arg);
		if (asked && !word_known(f->words, asked)) {
			call_fail(k, 400, CODE_OWN, "%s is not one that can be asked for", f->arg);
			return -1;
		}
		if (f->how == FILTER_BOOL && call_arg_bool(k, f->arg, false, &flag) < 0)
			return -1;
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const char *asked = call_arg(k, words[i].arg);
		if (!asked || word_known(words[i].words, asked))
			continue;
		call_fail(k, 400, CODE_OWN, "%s is not valid", words[i].arg);
		return -1;
	}
	return 0;
}

bool kind_passes(const struct call *k, const struct shelf_kind *kind, const struct json *row)
{
	bool any = str_equal(call_arg(k, "match"), "any"), asked = false, passed = false;

	for (const struct shelf_filter *f = kind->filters; f && f->arg; f++) {
		const char *value = call_arg(k, f->arg);
		if (!value)
			continue;
		bool fits = path_fits(row, f->path, value, f->how);
		if (!fits && !any)
			return false;
		asked = true;
		passed |= fits;
	}
	return !asked || passed;
}

/* ---- order ---- */

struct keyed {
	const char *text;
	size_t at;
	void *item;
};

static int by_text(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	int order = strcmp(x->text, y->text);

	return order ? order : (x->at > y->at) - (x->at < y->at);
}

static const char *text_at(const struct json *v, const char *path)
{
	const char *dot = strchr(path, '.');
	AUTO(str_t) first = str_ndup(path, strcspn(path, "."));
	const char *text =
		json_string(dot ? json_get(json_get(v, first), dot + 1) : json_get(v, first));

	return text ? text : "";
}

void kind_sort(const struct call *k, const struct shelf_kind *kind, struct page *p)
{
	const char *order = call_arg(k, "order");

	if (order && kind->orders && p->n > 1) {
		struct keyed *rows = mem_array(p->n, sizeof *rows);
		for (size_t i = 0; i < p->n; i++)
			rows[i] = (struct keyed){text_at(row_json(p->items[i]), order), i,
						 p->items[i]};
		qsort(rows, p->n, sizeof *rows, by_text);
		for (size_t i = 0; i < p->n; i++)
			p->items[i] = rows[i].item;
		free(rows);
	}
	if (str_equal(call_arg(k, "direction"), "desc"))
		page_reverse(p);
}

/* ---- a whole row ---- */

static void put_times(struct json_writer *w, const struct json *given, const struct json *before,
		      int64_t now_ms)
{
	const char *made = json_get_string(before ? before : given, "created_on");
	const char *changed = before ? NULL : json_get_string(given, "modified_on");

	if (made)
		json_put_string(w, "created_on", made);
	else
		json_put_time(w, "created_on", now_ms);
	if (changed)
		json_put_string(w, "modified_on", changed);
	else
		json_put_time(w, "modified_on", now_ms);
}

void kind_fill(const struct shelf_kind *kind, const char *id, const struct json *given,
	       const struct json *before, int64_t now_ms, struct buf *out)
{
	static const char *const own[] = {"id", "created_on", "modified_on", NULL};
	static const char *const plain[] = {"id", NULL};
	AUTO(json_doc_t) defaults = NULL;
	struct json_writer w;
	struct err e = {0};

	if (!before && json_parse(kind->defaults, strlen(kind->defaults), NULL, &defaults, &e) < 0)
		return;
	json_write_init(&w, out);
	json_object_begin(&w);
	json_put_string(&w, "id", id);
	write_merged(&w, before ? before : json_root(defaults), given, kind->timed ? own : plain);
	if (kind->timed)
		put_times(&w, given, before, now_ms);
	json_object_end(&w);
}
