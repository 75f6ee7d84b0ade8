/* Reading fault rules, and finding the one that strikes. */
#include "sim/faults.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	enum fault_kind kind;
} kinds[] = {
	{"error", FAULT_ERROR}, {"raw", FAULT_RAW},   {"limit", FAULT_LIMIT},
	{"wrong", FAULT_WRONG}, {"lose", FAULT_LOSE}, {"drop", FAULT_DROP},
	{"hang", FAULT_HANG},   {"late", FAULT_LATE}, {"delay", FAULT_DELAY},
	{"slow", FAULT_SLOW},   {"cut", FAULT_CUT},
};

static const char *const members[] = {
	"method",  "path", "body_has",     "nth",     "count", "do",    "status", "code",
	"message", "body", "content_type", "headers", "ms",    "bytes", "hold",   "reset",
};

static void fault_free(struct fault *r)
{
	list_remove(&r->node);
	free(r->name);
	free(r->method);
	free(r->path);
	free(r->body_part);
	free(r->message);
	free(r->body);
	free(r->content_type);
	strlist_free(&r->headers);
	free(r);
}

void faults_init(struct faults *f)
{
	list_init(&f->rules);
}

static void rules_clear(struct list *rules)
{
	LIST_EACH (it, rules) {
		fault_free(LIST_OF(it, struct fault, node));
	}
}

void faults_clear(struct faults *f)
{
	rules_clear(&f->rules);
}

/* ---- reading ---- */

static int check_members(const struct json *row, struct err *e)
{
	JSON_EACH (member, row) {
		bool known = false;
		for (size_t i = 0; i < ARRAY_LEN(members); i++)
			known |= str_equal(members[i], json_key(member));
		if (!known)
			return err_set(e, ERR_INVALID, "a fault has no member %s",
				       json_key(member));
	}
	return 0;
}

static int read_kind(const struct json *row, enum fault_kind *out, struct err *e)
{
	const char *name = json_get_string(row, "do");

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_equal(kinds[i].name, name)) {
			*out = kinds[i].kind;
			return 0;
		}
	return err_set(e, ERR_INVALID,
		       "a fault's \"do\" is one of error, raw, limit, wrong, lose, "
		       "drop, hang, late, delay, slow, cut");
}

/* A body may be given as text, or as JSON that is sent as it is. */
static char *read_body(const struct json *v)
{
	struct buf text = {0};

	if (!v || json_string(v))
		return str_dup(json_string(v));
	json_print(v, &text);
	return buf_steal(&text);
}

static void read_defaults(struct fault *r)
{
	bool limit = r->kind == FAULT_LIMIT, wrong = r->kind == FAULT_WRONG;

	if (r->status == 0)
		r->status = limit ? 429 : r->kind == FAULT_RAW || wrong ? 200 : 500;
	if (limit && r->code == 0)
		r->code = 971;
	if (!r->message)
		r->message =
			str_dup(limit ? "Please wait and consider throttling your request speed"
				      : "simulated fault");
	if (!r->content_type)
		r->content_type = str_dup(wrong ? "application/json" : "text/html");
	if (!r->body && wrong)
		r->body = str_dup("{\"success\":true,\"errors\":[],\"messages\":[],"
				  "\"result\":\"unexpected\"}");
	if (!r->body)
		r->body = str_dup("");
}

static struct fault *read_rule(const struct json *row)
{
	struct fault *r = mem_alloc(sizeof *r);

	list_init(&r->node);
	r->name = str_dup(json_get_string(row, "do"));
	r->method = str_dup(json_get_string(row, "method"));
	r->path = str_dup(json_get_string(row, "path"));
	r->body_part = str_dup(json_get_string(row, "body_has"));
	r->nth = json_get_int(row, "nth", 1);
	r->count = json_get_int(row, "count", 1);
	r->status = (int)json_get_int(row, "status", 0);
	r->code = json_get_int(row, "code", 0);
	r->ms = json_get_int(row, "ms", 1000);
	r->bytes = json_get_int(row, "bytes", 16);
	r->message = str_dup(json_get_string(row, "message"));
	r->body = read_body(json_get(row, "body"));
	r->content_type = str_dup(json_get_string(row, "content_type"));
	r->hold = json_get_bool(row, "hold", false);
	r->reset = json_get_bool(row, "reset", false);
	JSON_EACH (header, json_get(row, "headers")) {
		if (json_string(header))
			strlist_add(&r->headers, json_string(header));
	}
	return r;
}

static int add_rule(struct list *rules, const struct json *row, struct err *e)
{
	enum fault_kind kind;

	if (json_type(row) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "a fault is a JSON object");
	if (check_members(row, e) < 0 || read_kind(row, &kind, e) < 0)
		return -1;
	struct fault *r = read_rule(row);
	r->kind = kind;
	read_defaults(r);
	list_append(rules, &r->node);
	if (r->status < 200 || r->status > 599)
		return err_set(e, ERR_INVALID, "a fault's status is 200 to 599");
	if (r->ms < 0 || r->ms > 3600000 || r->bytes < 0 || (r->kind == FAULT_SLOW && !r->bytes))
		return err_set(e, ERR_INVALID, "a fault's ms or bytes is out of range");
	return 0;
}

int faults_add(struct faults *f, const struct json *rules, struct err *e)
{
	struct list fresh;
	int outcome = 0;

	list_init(&fresh);
	if (json_type(rules) == JSON_ARRAY) {
		JSON_EACH (row, rules) {
			if (outcome == 0)
				outcome = add_rule(&fresh, row, e);
		}
	} else {
		outcome = add_rule(&fresh, rules, e);
	}
	LIST_EACH (it, &fresh) {
		if (outcome < 0)
			break;
		list_remove(it);
		list_append(&f->rules, it);
	}
	rules_clear(&fresh);
	return outcome;
}

/* ---- striking ---- */

static bool rule_fits(const struct fault *r, const char *method, const char *path, const char *body)
{
	if (r->method && !str_equal(r->method, method))
		return false;
	if (r->path && fnmatch(r->path, path, 0) != 0)
		return false;
	return !r->body_part || (body && strstr(body, r->body_part));
}

const struct fault *faults_strike(struct faults *f, const char *method, const char *path,
				  const char *body)
{
	LIST_EACH (it, &f->rules) {
		struct fault *r = LIST_OF(it, struct fault, node);
		if (!rule_fits(r, method, path, body))
			continue;
		r->seen++;
		if (r->seen < r->nth || (r->count > 0 && r->done >= r->count))
			continue;
		r->done++;
		return r;
	}
	return NULL;
}

void faults_write(const struct faults *f, struct buf *out)
{
	struct json_writer w;

	json_write_init(&w, out);
	json_array_begin(&w);
	LIST_EACH (it, &f->rules) {
		const struct fault *r = LIST_OF(it, struct fault, node);
		json_object_begin(&w);
		json_put_string(&w, "do", r->name);
		json_put_string(&w, "method", r->method);
		json_put_string(&w, "path", r->path);
		json_put_int(&w, "nth", r->nth);
		json_put_int(&w, "count", r->count);
		json_put_int(&w, "seen", r->seen);
		json_put_int(&w, "done", r->done);
		json_object_end(&w);
	}
	json_array_end(&w);
}
