/*
 * The one shape in which an error leaves the house (design 3.2), and the way back for adit. Both
 * directions stand here so that a member's name is written next to the place that reads it.
 */
#include "base/untrusted.h"

static void put_if_said(struct json_writer *w, const char *key, const char *text)
{
	if (*text)
		json_put_string(w, key, text);
}

static void write_cloudflare(struct json_writer *w, const struct err *e)
{
	if (!e->cloudflare.status && !e->cloudflare.code)
		return;
	json_write_key(w, "cloudflare");
	json_object_begin(w);
	json_put_int(w, "status", e->cloudflare.status);
	json_put_int(w, "code", e->cloudflare.code);
	put_if_said(w, "ray", e->cloudflare.ray);
	if (*e->cloudflare.said)
		json_put_untrusted(w, "untrusted_message", e->cloudflare.said);
	json_object_end(w);
}

void json_put_err(struct json_writer *w, const struct err *e)
{
	json_put_string(w, "kind", err_kind_name(e->kind));
	json_put_string(w, "message", e->message);
	put_if_said(w, "hint", e->hint);
	json_put_bool(w, "retryable", e->retryable);
	if (e->retry_after_ms > 0)
		json_put_int(w, "retry_after_s", (e->retry_after_ms + 999) / 1000);
	put_if_said(w, "missing_permission", e->missing_permission);
	write_cloudflare(w, e);
}

void json_write_err(struct json_writer *w, const struct err *e)
{
	json_object_begin(w);
	json_put_err(w, e);
	json_object_end(w);
}

static const char *text_or(const struct json *object, const char *key, const char *otherwise)
{
	const char *text = json_get_string(object, key);
	return text ? text : otherwise;
}

static void read_cloudflare(const struct json *v, struct err *e)
{
	int64_t status = json_get_int(v, "status", 0);
	e->cloudflare.status = status > 0 && status < 1000 ? (int)status : 0;
	e->cloudflare.code = json_get_int(v, "code", 0);
	str_copy(e->cloudflare.ray, sizeof(e->cloudflare.ray), text_or(v, "ray", ""));
	str_copy(e->cloudflare.said, sizeof(e->cloudflare.said),
		 text_or(v, "untrusted_message", ""));
}

void json_read_err(const struct json *v, struct err *e)
{
	const int64_t day_s = 86400;
	enum err_kind kind = err_kind_by_name(text_or(v, "kind", "internal"));
	err_set(e, kind == ERR_NONE ? ERR_INTERNAL : kind, "%s",
		text_or(v, "message", "the answer carries an error without a message"));
	const char *hint = text_or(v, "hint", "");
	if (*hint)
		err_hint(e, "%s", hint);
	e->retryable = json_get_bool(v, "retryable", e->retryable);
	int64_t after = json_get_int(v, "retry_after_s", 0);
	e->retry_after_ms = (after < 0 ? 0 : after > day_s ? day_s : after) * 1000;
	str_copy(e->missing_permission, sizeof(e->missing_permission),
		 text_or(v, "missing_permission", ""));
	read_cloudflare(json_get(v, "cloudflare"), e);
}
