/*
 * The older audit log (v1): the same entries, and those from before v2 began, in its own shape and
 * by pages with numbers.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/audit_time.h"
#include "sim/routes.h"

int audit_read_time(struct call *k, const char *name, int64_t *out)
{
	const char *text = call_arg(k, name);
	struct err e;

	if (!text)
		return 0;
	AUTO(str_t) whole = str_format("%s%s", text, strlen(text) == 10 ? "T00:00:00Z" : "");
	if (time_parse(whole, 0, out, &e) == 0 && *out > 0)
		return 0;
	call_fail(k, 400, CODE_OWN, "%s must be a date or a time as in RFC 3339", name);
	return -1;
}

static const struct {
	const char *arg;
	enum audit_field field;
} filters[] = {
	{"id", AUDIT_ID},
	{"action.type", AUDIT_ACTION_TYPE},
	{"actor.email", AUDIT_ACTOR_EMAIL},
	{"actor.ip", AUDIT_ACTOR_IP},
	{"zone.name", AUDIT_ZONE_NAME},
};

static bool passes(const struct call *k, const struct sim_audit_row *x)
{
	bool hide = str_equal(call_arg(k, "hide_user_logs"), "true");

	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		const char *value = call_arg(k, filters[i].arg);
		if (value && !str_equal(value, audit_text(x, filters[i].field)))
			return false;
	}
	return str_equal(audit_text(x, AUDIT_ACCOUNT_ID), k->account->id) &&
	       !(hide && str_equal(audit_text(x, AUDIT_RESOURCE_SCOPE), "user"));
}

static void begin(struct json_writer *w, const char *key)
{
	json_write_key(w, key);
	json_object_begin(w);
}

static const char *actor_type(const struct sim_audit_row *x)
{
	const char *type = audit_text(x, AUDIT_ACTOR_TYPE);

	return str_equal(type, "user")               ? "user"
	       : str_equal(type, "cloudflare_admin") ? "admin"
						     : "Cloudflare";
}

static void write_old(struct call *k, const void *item)
{
	const struct sim_audit_row *x = item;
	struct json_writer *w = &k->w;

	json_object_begin(w);
	json_put_string(w, "id", audit_text(x, AUDIT_ID));
	json_put_time(w, "when", audit_time(x));
	begin(w, "action");
	json_put_bool(w, "result", str_equal(audit_text(x, AUDIT_ACTION_RESULT), "success"));
	json_put_string(w, "type", audit_text(x, AUDIT_ACTION_TYPE));
	json_object_end(w);
	begin(w, "actor");
	json_put_string(w, "id", audit_text(x, AUDIT_ACTOR_ID));
	json_put_string(w, "email", audit_text(x, AUDIT_ACTOR_EMAIL));
	json_put_string(w, "ip", audit_text(x, AUDIT_ACTOR_IP));
	json_put_string(w, "type", actor_type(x));
	json_object_end(w);
	bool dash = str_equal(audit_text(x, AUDIT_ACTOR_CONTEXT), "dash");
	json_put_string(w, "interface", dash ? "UI" : "API");
	begin(w, "metadata");
	if (*audit_text(x, AUDIT_ZONE_NAME))
		json_put_string(w, "zone_name", audit_text(x, AUDIT_ZONE_NAME));
	json_object_end(w);
	json_put_string(w, "newValue", audit_text(x, AUDIT_RESOURCE_REQUEST));
	json_put_string(w, "oldValue", "");
	begin(w, "owner");
	json_put_string(w, "id", audit_text(x, AUDIT_ACCOUNT_ID));
	json_object_end(w);
	begin(w, "resource");
	json_put_string(w, "id", audit_text(x, AUDIT_RESOURCE_ID));
	json_put_string(w, "type", audit_text(x, AUDIT_RESOURCE_TYPE));
	json_object_end(w);
	json_object_end(w);
}

static int read_flags(struct call *k)
{
	const char *direction = call_arg(k, "direction");
	bool flag, export;

	if (call_arg_bool(k, "hide_user_logs", false, &flag) < 0 ||
	    call_arg_bool(k, "export", false, &export) < 0)
		return -1;
	if (!export && (!direction || str_equal(direction, "asc") || str_equal(direction, "desc")))
		return 0;
	call_fail(k, 400, CODE_OWN, "direction or export is not valid");
	return -1;
}

void answer_audit_old(struct call *k)
{
	int64_t since = 0, before = INT64_MAX;
	struct sim_audit *log = &k->c->audit;
	struct page p;

	if (read_flags(k) < 0 || audit_read_time(k, "since", &since) < 0 ||
	    audit_read_time(k, "before", &before) < 0 || call_page(k, 1, 1000, 100, &p) < 0)
		return;
	for (size_t i = 0; i < log->n; i++) {
		struct sim_audit_row *x = audit_row(log, i);
		int64_t at = audit_time(x);
		if (at > since && at < before && at + k->c->limits.audit_lag_ms <= k->q->now_ms &&
		    passes(k, x))
			page_add(&p, x);
	}
	if (!str_equal(call_arg(k, "direction"), "asc"))
		page_reverse(&p);
	call_ok_page(k, &p, write_old);
}
