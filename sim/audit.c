/*
 * The audit log (v2): entries between two times, both of which must be said, by the filters of the
 * API's document, in pages by cursor. An argument that the document does not know is refused.
 */
#include "sim/audit.h"

#include <stdlib.h>
#include <string.h>

#include "sim/audit_time.h"
#include "sim/routes.h"

#define FILTERS_MAX 256

/* ---- what is asked for ---- */

struct filter {
	enum audit_field field;
	bool negated, again; /* again: of one that an argument before it stands for */
	const char *value;
};

struct asked {
	int64_t since_ms, before_ms, limit;
	int64_t after_ms, after; /* the last entry that was shown; 0 = from the start */
	bool ascending;
	struct filter filters[FILTERS_MAX];
	size_t n;
};

static enum audit_field field_of(const char *name, size_t len)
{
	/* the document has both names for one thing */
	if (len == strlen("audit_log_id") && strncmp(name, "audit_log_id", len) == 0)
		return AUDIT_ID;
	for (size_t i = 0; i < AUDIT_FIELDS; i++) {
		const char *filter = audit_place((enum audit_field)i)->filter;
		if (filter && strlen(filter) == len && strncmp(filter, name, len) == 0)
			return (enum audit_field)i;
	}
	return AUDIT_FIELDS;
}

static bool value_known(enum audit_field field, const char *value)
{
	const char *const *words = audit_place(field)->words;

	if (audit_place(field)->form == AUDIT_NUMBER)
		return *value && strspn(value, "0123456789") == strlen(value);
	for (size_t i = 0; words && words[i]; i++)
		if (str_equal(words[i], value))
			return true;
	return !words && *value;
}

static bool plain_argument(const char *name)
{
	static const char *const plain[] = {"since", "before", "limit", "cursor", "direction"};

	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (str_equal(plain[i], name))
			return true;
	return false;
}

static int read_filter(struct call *k, const struct cloud_arg *arg, struct asked *a)
{
	bool negated = str_ends(arg->name, ".not");
	enum audit_field field = field_of(arg->name, strlen(arg->name) - (negated ? 4 : 0));
	struct filter *f = &a->filters[a->n];

	if (plain_argument(arg->name))
		return 0;
	if (field == AUDIT_FIELDS || a->n == FILTERS_MAX || !arg->value ||
	    !value_known(field, arg->value)) {
		call_fail(k, 400, CODE_OWN, "%s is not valid", arg->name);
		return -1;
	}
	*f = (struct filter){field, negated, false, arg->value};
	for (size_t i = 0; i < a->n; i++)
		f->again |= a->filters[i].field == field && a->filters[i].negated == negated;
	a->n++;
	return 0;
}

static int read_limit(struct call *k, int64_t *out)
{
	const char *text = call_arg(k, "limit");

	if (!text)
		return 0;
	*out = strspn(text, "0123456789") == strlen(text) && strlen(text) < 6
		       ? strtoll(text, NULL, 10)
		       : 0;
	if (*out >= 1 && *out <= 1000)
		return 0;
	call_fail(k, 400, CODE_OWN, "limit must be a number from 1 to 1000");
	return -1;
}

/* A cursor is nobody's to read: here it is the last entry's time and number. */
static int read_cursor(struct call *k, struct asked *a)
{
	const char *text = call_arg(k, "cursor");
	char *rest = NULL;

	if (!text || !*text)
		return 0;
	AUTO(str_t) plain = base64_decode(text, NULL);
	if (plain) {
		a->after_ms = strtoll(plain, &rest, 10);
		a->after = *rest == '.' ? strtoll(rest + 1, NULL, 10) : 0;
	}
	if (a->after > 0)
		return 0;
	call_fail(k, 400, CODE_OWN, "the cursor is not valid");
	return -1;
}

static int read_asked(struct call *k, struct asked *a)
{
	const char *direction = call_arg(k, "direction");

	*a = (struct asked){.limit = 100, .ascending = str_equal(direction, "asc")};
	if (!call_arg(k, "since") || !call_arg(k, "before")) {
		call_fail(k, 400, CODE_OWN, "since and before are required");
		return -1;
	}
	if (audit_read_time(k, "since", &a->since_ms) < 0 ||
	    audit_read_time(k, "before", &a->before_ms) < 0 || read_limit(k, &a->limit) < 0 ||
	    read_cursor(k, a) < 0)
		return -1;
	for (size_t i = 0; i < k->q->n_query; i++)
		if (read_filter(k, &k->q->query[i], a) < 0)
			return -1;
	if (!direction || a->ascending || str_equal(direction, "desc"))
		return 0;
	call_fail(k, 400, CODE_OWN, "direction must be asc or desc");
	return -1;
}

/* ---- which entries ---- */

/* Values of one filter are alternatives; "name.not" takes out. */
static bool passes(const struct asked *a, const struct sim_audit_row *x)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct filter *f = &a->filters[i];
		bool fits = false;
		if (f->again)
			continue;
		for (size_t j = i; j < a->n && !fits; j++)
			fits = a->filters[j].field == f->field &&
			       a->filters[j].negated == f->negated &&
			       str_equal(a->filters[j].value, audit_text(x, f->field));
		if (fits == f->negated)
			return false;
	}
	return true;
}

static bool is_left(const struct asked *a, const struct sim_audit_row *x)
{
	int64_t at = audit_time(x), number = audit_number(x);

	if (!a->after)
		return true;
	if (at != a->after_ms)
		return a->ascending ? at > a->after_ms : at < a->after_ms;
	return a->ascending ? number > a->after : number < a->after;
}

/* In the order that was asked for, none of the others is within the window. */
static bool is_behind(const struct asked *a, const struct sim_audit_row *x)
{
	return a->ascending ? audit_time(x) >= a->before_ms : audit_time(x) <= a->since_ms;
}

static bool is_shown(const struct call *k, const struct asked *a, const struct sim_audit_row *x)
{
	int64_t at = audit_time(x);

	return at > a->since_ms && at < a->before_ms && at >= k->c->limits.audit_from_ms &&
	       at + k->c->limits.audit_lag_ms <= k->q->now_ms && is_left(a, x) &&
	       str_equal(audit_text(x, AUDIT_ACCOUNT_ID), k->account->id) && passes(a, x);
}

/* ---- answering ---- */

static void write_fields(struct json_writer *w, const struct sim_audit_row *x, const char *group)
{
	for (size_t i = 0; i < AUDIT_FIELDS; i++) {
		const struct audit_place *p = audit_place((enum audit_field)i);
		const char *text = audit_text(x, (enum audit_field)i);
		if (!p->key || !str_equal(p->group, group) || (!*text && i != AUDIT_RAW_AGENT))
			continue;
		json_write_key(w, p->key);
		if (p->form == AUDIT_TEXT)
			json_write_string(w, text);
		else
			json_write_raw(w, text, strlen(text));
	}
}

static void write_row(struct json_writer *w, const struct sim_audit_row *x)
{
	static const char *const groups[] = {"account", "action", "actor", "raw", "resource"};

	json_object_begin(w);
	write_fields(w, x, NULL);
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		json_write_key(w, groups[i]);
		json_object_begin(w);
		write_fields(w, x, groups[i]);
		if (str_equal(groups[i], "action"))
			json_put_time(w, "time", audit_time(x));
		json_object_end(w);
	}
	if (*audit_text(x, AUDIT_ZONE_ID)) {
		json_write_key(w, "zone");
		json_object_begin(w);
		write_fields(w, x, "zone");
		json_object_end(w);
	}
	json_object_end(w);
}

/* The cursor stands in both places where it was seen; the count is a string, as there. */
static void write_info(struct call *k, size_t count, const struct sim_audit_row *last)
{
	AUTO(str_t) words = str_format("%zu", count);
	AUTO(str_t)
	plain = last ? str_format("%lld.%lld", (long long)audit_time(last),
				  (long long)audit_number(last))
		     : str_dup("");
	AUTO(str_t) cursor = base64_encode(plain, strlen(plain));

	json_write_key(&k->w, "result_info");
	json_object_begin(&k->w);
	json_put_string(&k->w, "count", words);
	json_put_string(&k->w, "cursor", cursor);
	json_write_key(&k->w, "cursors");
	json_object_begin(&k->w);
	if (last)
		json_put_string(&k->w, "after", cursor);
	json_object_end(&k->w);
	json_object_end(&k->w);
}

void answer_audit_list(struct call *k)
{
	struct sim_audit *log = &k->c->audit;
	const struct sim_audit_row *last = NULL;
	struct asked a;
	size_t count = 0;
	bool more = false;

	if (read_asked(k, &a) < 0)
		return;
	call_ok_begin(k);
	json_array_begin(&k->w);
	for (size_t i = 0; i < log->n && !more; i++) {
		const struct sim_audit_row *x = audit_row(log, a.ascending ? i : log->n - 1 - i);
		if (is_behind(&a, x))
			break;
		if (!is_shown(k, &a, x))
			continue;
		more = (int64_t)count == a.limit;
		if (more)
			continue;
		write_row(&k->w, x);
		last = x;
		count++;
	}
	json_array_end(&k->w);
	write_info(k, count, more ? last : NULL);
	call_ok_end(k);
}
