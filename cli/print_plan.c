/*
 * A plan as whoever decides on it reads it: grouped by tunnel and zone, each change with its sign,
 * what needs approval marked where a reason names it, then what it costs and how to go back.
 */
#include <ctype.h>
#include <string.h>

#include "cli/print.h"

enum { HASH_SHOWN = 12, GROUPS_MOST = 64, NAMES_SHOWN = 5 };

/* ---- which change a reason names ---- */

static bool in_name(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '*';
}

static bool ends_name(const char *p)
{
	return !in_name(*p) && !(*p == '.' && in_name(p[1]));
}

/* The name as a word of its own in the sentence; NULL when it is not in it. */
static const char *find_name(const char *sentence, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = strstr(sentence, name); n > 0 && p; p = strstr(p + 1, name)) {
		bool begins = p == sentence || (!in_name(p[-1]) && p[-1] != '.');
		if (begins && ends_name(p + n))
			return p;
	}
	return NULL;
}

/* The last word before a name that says what it is of; NULL when none does. */
static const char *kind_before(const char *sentence, const char *at)
{
	static const char *const kinds[] = {"route", "record", "tunnel"};
	const char *found = NULL, *kind = NULL;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		for (const char *p = strstr(sentence, kinds[i]); p && p < at;
		     p = strstr(p + 1, kinds[i]))
			if (!found || p > found) {
				found = p;
				kind = kinds[i];
			}
	return kind;
}

static bool names_change(const char *sentence, const struct json *change)
{
	const char *name = json_get_string(change, "name");
	const char *object = json_get_string(change, "object");
	const char *at = name && sentence ? find_name(sentence, name) : NULL;
	const char *kind = at ? kind_before(sentence, at) : NULL;

	return at && (!kind || str_equal(kind, object));
}

static bool is_asked_for(const struct json *change, const struct json *approvals)
{
	if (str_equal(json_get_string(change, "sign"), "="))
		return false;
	JSON_EACH (sentence, approvals)
		if (names_change(json_string(sentence), change))
			return true;
	return false;
}

/* ---- groups ---- */

struct group {
	const char *kind, *name;
};

static bool is_of_zone(const struct json *change)
{
	const char *object = json_get_string(change, "object");

	return str_equal(object, "record") || str_equal(object, "zone");
}

static struct group group_of(const struct json *change)
{
	const char *in = json_get_string(change, "in");

	return (struct group){!in ? NULL : is_of_zone(change) ? "zone" : "tunnel", in};
}

static bool group_same(const struct group *a, const struct group *b)
{
	return str_equal(a->kind, b->kind) && str_equal(a->name, b->name);
}

static size_t groups_of(const struct json *changes, const char *kind, struct group *out, size_t n)
{
	JSON_EACH (change, changes) {
		struct group g = group_of(change);
		bool known = false;
		for (size_t i = 0; i < n; i++)
			known = known || group_same(&out[i], &g);
		if (!known && n < GROUPS_MOST && str_equal(g.kind ? g.kind : "", kind))
			out[n++] = g;
	}
	return n;
}

static void print_group_head(const struct json *changes, const struct group *g,
			     const struct style *s, struct buf *out)
{
	(void)buf_printf(out, "  %s ", g->kind);
	print_toned(out, s, TONE_BOLD, g->name);
	JSON_EACH (change, changes) {
		const char *detail = json_get_string(change, "detail");
		if (str_equal(json_get_string(change, "object"), "zone") && detail &&
		    str_equal(json_get_string(change, "name"), g->name)) {
			(void)buf_str(out, "   ");
			print_text(out, detail);
		}
	}
	(void)buf_char(out, '\n');
}

static void print_group(const struct json *changes, const struct json *approvals,
			const struct group *g, const struct style *s, struct buf *out)
{
	if (g->name)
		print_group_head(changes, g, s, out);
	JSON_EACH (change, changes) {
		struct group its = group_of(change);
		if (group_same(&its, g) && !str_equal(json_get_string(change, "object"), "zone"))
			print_change(change, g->name ? 4 : 2, is_asked_for(change, approvals), s,
				     out);
	}
}

static void print_groups(const struct json *result, const struct style *s, struct buf *out)
{
	const struct json *changes = json_get(result, "changes");
	const struct json *approvals = json_get(result, "approvals");
	struct group groups[GROUPS_MOST];
	size_t n = groups_of(changes, "", groups, 0);

	n = groups_of(changes, "tunnel", groups, n);
	n = groups_of(changes, "zone", groups, n);
	for (size_t i = 0; i < n; i++)
		print_group(changes, approvals, &groups[i], s, out);
	if (n == GROUPS_MOST)
		(void)buf_str(out, "  and more: see it with --json\n");
}

/* ---- what it comes to ---- */

static void print_protected(const struct json *approvals, struct buf *out)
{
	static const char before[] = "Touches ", after[] = ", which is protected";
	size_t n = 0;

	(void)buf_str(out, "  protected   ");
	JSON_EACH (item, approvals) {
		const char *text = json_string(item);
		const char *end = text ? strstr(text, after) : NULL;
		if (!end || !str_starts(text, before) || n++ >= NAMES_SHOWN)
			continue;
		AUTO(str_t)
		name = str_ndup(text + sizeof(before) - 1,
				(size_t)(end - text) - (sizeof(before) - 1));
		(void)buf_str(out, n > 1 ? ", " : "");
		print_text(out, name);
	}
	if (n > NAMES_SHOWN)
		(void)buf_printf(out, " and %zu more", n - NAMES_SHOWN);
	(void)buf_str(out, n ? "\n" : "none touched\n");
}

/* What is adopted was public before. */
static bool is_exposed(const struct json *change, const struct json *approvals)
{
	if (!str_equal(json_get_string(change, "sign"), "+") ||
	    !str_equal(json_get_string(change, "object"), "record"))
		return false;
	JSON_EACH (sentence, approvals)
		if (json_string(sentence) &&
		    str_starts(json_string(sentence), "Adopts the record ") &&
		    names_change(json_string(sentence), change))
			return false;
	return true;
}

static void print_exposure(const struct json *result, struct buf *out)
{
	const struct json *approvals = json_get(result, "approvals");
	size_t n = 0;

	(void)buf_str(out, "  exposure    ");
	JSON_EACH (change, json_get(result, "changes")) {
		if (!is_exposed(change, approvals) || n++ >= NAMES_SHOWN)
			continue;
		(void)buf_str(out, n > 1 ? ", " : "new public name ");
		print_text(out, json_get_string(change, "name"));
	}
	if (n > NAMES_SHOWN)
		(void)buf_printf(out, " and %zu more", n - NAMES_SHOWN);
	(void)buf_str(out, n ? "\n" : "no new public name\n");
}

/* What is given back comes back by adopting it, not by going back. */
static bool gives_back(const struct json *approvals)
{
	JSON_EACH (sentence, approvals)
		if (json_string(sentence) && str_starts(json_string(sentence), "Gives "))
			return true;
	return false;
}

static void print_costs(const struct json *result, struct buf *out)
{
	long long deletes = (long long)json_get_int(result, "deletes", 0);
	long long base = (long long)json_get_int(result, "base_revision", 0);
	const char *hash = json_get_string(result, "hash");

	if (deletes)
		(void)buf_printf(out, "  deletes     %lld object%s\n", deletes,
				 deletes == 1 ? "" : "s");
	(void)buf_printf(out, "  API calls   about %lld",
			 (long long)json_get_int(result, "api_calls", 0));
	if (base && !gives_back(json_get(result, "approvals")))
		(void)buf_printf(out, "   undo: adit plan create --revision %lld", base);
	if (hash) {
		(void)buf_str(out, "   hash ");
		AUTO(str_t) digits = str_ndup(hash, HASH_SHOWN);
		print_text(out, digits);
	}
	(void)buf_char(out, '\n');
}

static void print_origin(const struct json *result, struct buf *out)
{
	long long base = (long long)json_get_int(result, "base_revision", 0);
	const char *who = json_get_string(result, "principal");
	const char *reason = json_get_string(result, "reason");

	if (base)
		(void)buf_printf(out, "   base revision %lld", base);
	if (who) {
		(void)buf_str(out, "   by ");
		print_text(out, who);
	}
	if (reason) {
		(void)buf_str(out, "   reason \"");
		print_text(out, reason);
		(void)buf_char(out, '"');
	}
	(void)buf_char(out, '\n');
}

void print_plan(const struct json *result, const struct style *s, struct buf *out)
{
	print_plan_head(result, s, out);
	print_origin(result, out);
	print_groups(result, s, out);
	if (json_get(result, "api_calls")) {
		print_protected(json_get(result, "approvals"), out);
		print_exposure(result, out);
		print_costs(result, out);
	}
	if (json_count(json_get(result, "approvals"))) {
		(void)buf_str(out, plan_is_open(result) ? "approval is needed, since\n"
							: "approval was needed, since\n");
		print_sentences(json_get(result, "approvals"), "*", s, out);
	}
	print_sentences(json_get(result, "warnings"), "warning:", s, out);
}

/* ---- how it is decided ---- */

static void print_expiry(const struct json *result, const struct style *s, struct buf *out)
{
	const char *expires = json_get_string(result, "expires");

	if (expires) {
		(void)buf_str(out, "   (expires ");
		print_age(out, s, expires);
		(void)buf_char(out, ')');
	}
	(void)buf_char(out, '\n');
}

bool plan_asks_number(const struct json *result)
{
	JSON_EACH (item, json_get(result, "approvals"))
		if (json_string(item) && strstr(json_string(item), "(safety.max_delete)"))
			return true;
	return false;
}

void print_how_to_decide(const struct json *result, const struct style *s, struct buf *out)
{
	const char *plan = json_get_string(result, "plan");
	const char *hash = json_get_string(result, "hash");

	if (!plan || !hash || !plan_is_open(result))
		return;
	bool needs = str_equal(json_get_string(result, "state"), "needs_approval");
	(void)buf_str(out,
		      needs ? "waiting: sudo adit plan approve " : "waiting: adit plan apply ");
	print_text(out, plan);
	if (needs)
		(void)buf_printf(out, " --hash %.*s%s", HASH_SHOWN, hash,
				 plan_asks_number(result) ? " --deletes NUMBER" : "");
	print_expiry(result, s, out);
	(void)buf_str(out, "to drop it: adit plan reject ");
	print_text(out, plan);
	(void)buf_char(out, '\n');
}
