/* The audit log: its listing, and what is believed of a row. */
#include "cloudflare/auditlog.h"

#include <string.h>

#include "cloudflare/paths.h"
#include "cloudflare/words.h"

#define PAGE_ROWS 1000
#define ACTOR_MAX 200

static const char *const action_names[CF_AUDIT_ACTIONS] = {
	[CF_AUDIT_CREATE] = "create", [CF_AUDIT_UPDATE] = "update", [CF_AUDIT_DELETE] = "delete",
	[CF_AUDIT_VIEW] = "view",     [CF_AUDIT_OTHER] = "other",
};

const char *cf_audit_action_name(enum cf_audit_action a)
{
	return action_names[a];
}

/* ---- asking ---- */

#define KEPT_MS (18 * 30 * 24 * 3600 * 1000LL)
#define BEGAN   1770508800000LL /* 2026-02-08 */

int64_t cf_audit_horizon(int64_t now_ms)
{
	return now_ms - KEPT_MS > BEGAN ? now_ms - KEPT_MS : BEGAN;
}

static void add_argument(struct buf *path, const char *name, const char *value)
{
	AUTO(str_t) encoded = percent_encode(value);

	(void)buf_printf(path, "&%s=%s", name, encoded);
}

char *cf_audit_query(bool newest_first, int64_t since_ms, int64_t before_ms,
		     const struct cf_audit_filter *filters, size_t n)
{
	AUTO(buf_t) out = {0};
	char since[TEXT_TIME_SIZE], before[TEXT_TIME_SIZE];

	time_format(since_ms, since);
	time_format(before_ms, before);
	(void)buf_printf(&out, "direction=%s", newest_first ? "desc" : "asc");
	add_argument(&out, "since", since);
	add_argument(&out, "before", before);
	for (size_t i = 0; i < n; i++)
		add_argument(&out, filters[i].name, filters[i].value);
	return buf_steal(&out);
}

void cf_audit_list(struct cf *cf, struct cf_page *p, enum cf_share share, int64_t since_ms,
		   int64_t before_ms, const struct cf_audit_filter *filters, size_t n,
		   task_done_fn *done, void *owner)
{
	AUTO(str_t) query = cf_audit_query(false, since_ms, before_ms, filters, n);
	AUTO(str_t) rest = str_format("/logs/audit?%s", query);
	AUTO(str_t) path = NULL;
	struct err e;

	if (path_account(cf, rest, &path, &e) < 0)
		cf_page_refuse(cf, p, &e, done, owner);
	else
		cf_page_start_cursor(cf, p, share, path, PAGE_ROWS, CF_AUDIT_ROWS,
				     PERMISSION_ACCOUNT_READ, done, owner);
}

/* ---- a row ---- */

static enum cf_audit_action action_of(const char *name)
{
	for (int i = 0; i < CF_AUDIT_OTHER; i++)
		if (str_equal(action_names[i], name))
			return (enum cf_audit_action)i;
	return CF_AUDIT_OTHER;
}

static void read_actor(const struct json *actor, struct cf_audit_entry *x)
{
	x->email = cf_text(actor, "email");
	x->context = cf_text(actor, "context");
	x->token_id = cf_text(actor, "token_id");
	x->token_name = cf_text(actor, "token_name");
	x->address = cf_text(actor, "ip_address");
	x->actor_type = cf_text(actor, "type");
	x->actor_id = cf_text(actor, "id");
}

int cf_audit_read(const struct json *row, struct cf_audit_entry *out, struct err *e)
{
	const struct json *action = json_get(row, "action"), *raw = json_get(row, "raw");
	const struct json *resource = json_get(row, "resource"), *zone = json_get(row, "zone");
	struct cf_audit_entry x = {
		.id = cf_text(row, "id"),
		.time_ms = cf_time(action, "time"),
		.action = action_of(cf_text(action, "type")),
		.word = cf_text(action, "description"),
		.failed = str_equal(cf_text(action, "result"), "failure"),
		.resource_id = cf_text(resource, "id"),
		.resource_type = cf_text(resource, "type"),
		.resource_product = cf_text(resource, "product"),
		.scope = cf_text(resource, "scope"),
		.zone_id = cf_text(zone, "id"),
		.zone_name = cf_text(zone, "name"),
		.ray = cf_text(raw, "cf_ray_id"),
		.method = cf_text(raw, "method"),
		.uri = cf_text(raw, "uri"),
		.agent = cf_text(raw, "user_agent"),
		.status = json_get_int(raw, "status_code", 0),
	};

	if (!x.id || strlen(x.id) > 128)
		return err_set(e, ERR_UPSTREAM, "an entry of the audit log has no id");
	if (!x.time_ms)
		return err_set(e, ERR_UPSTREAM, "an entry of the audit log has no time");
	read_actor(json_get(row, "actor"), &x);
	*out = x;
	return 0;
}

bool cf_audit_ours(const struct cf *cf, const struct cf_audit_entry *x)
{
	return x->ray && cf_ray_ours(cf, x->ray);
}

void cf_audit_uri_id(const struct cf_audit_entry *x, const char *what, char *out, size_t size)
{
	AUTO(str_t) before = str_format("/%s/", what);
	const char *at = x->uri ? strstr(x->uri, before) : NULL;

	out[0] = '\0';
	if (!at)
		return;
	at += strlen(before);
	size_t len = strcspn(at, "/?");
	if (len >= size)
		return;
	memcpy(out, at, len);
	out[len] = '\0';
}

char *cf_audit_actor(const struct cf_audit_entry *x)
{
	AUTO(buf_t) text = {0};

	if (x->email)
		(void)buf_str(&text, x->email);
	if (x->token_name || x->token_id)
		(void)buf_printf(&text, "%stoken %s", text.len ? ", " : "",
				 x->token_name ? x->token_name : x->token_id);
	else if (x->context)
		(void)buf_printf(&text, "%sby %s", text.len ? " " : "", x->context);
	if (!text.len)
		return NULL;
	char *line = str_ndup(buf_text(&text), ACTOR_MAX);
	text_printable(line);
	return line;
}
