/*
 * What an answer means: one table, HTTP status first and Cloudflare's code second, since the same
 * code stands for different things. Absence is concluded only from an envelope of Cloudflare's own:
 * a 404 of anything between us and it must never look like a deleted object.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "cloudflare/budget.h"

/* Stands for the hint that names the setting whose token it is. */
#define HINT_TOKEN "token"
#define HINT_TAKEN "Remove that record at Cloudflare, or choose another name."
#define HINT_BASE  "Check cloudflare.base_url, and what stands between this host and Cloudflare."

struct meaning {
	int from, to; /* HTTP status */
	int64_t code; /* 0 = any */
	enum err_kind kind;
	bool absent, again; /* again: may be tried again, whatever the kind's rule is */
	const char *sentence, *hint;
};

/* The first that fits. */
static const struct meaning meanings[] = {
	{401, 401, 0, ERR_DENIED, false, false, "the API token was refused", HINT_TOKEN},
	{403, 403, 0, ERR_DENIED, false, false, "the API token does not allow this", NULL},
	{405, 405, 0, ERR_INVALID, false, false,
	 "this kind of token, or this version of the API, does not allow the call",
	 "Use an API token, not a key; see whether there is a newer adit."},
	{408, 408, 0, ERR_TIMEOUT, false, true, "Cloudflare did not get the request in time", NULL},
	{410, 410, 0, ERR_NOT_FOUND, false, false, "Cloudflare has retired this part of its API",
	 "See whether there is a newer adit."},
	{429, 429, 0, ERR_RATE_LIMITED, false, true,
	 "Cloudflare takes no more calls from this user or token for now",
	 "Wait; see who else spends its calls, or lower cloudflare.budget."},
	{400, 400, 6003, ERR_DENIED, false, false, "the API token is malformed", HINT_TOKEN},
	{400, 400, 6103, ERR_DENIED, false, false, "the API token is malformed", HINT_TOKEN},
	{400, 400, 6111, ERR_DENIED, false, false, "the API token is malformed", HINT_TOKEN},
	{400, 404, 7003, ERR_INVALID, false, false, "Cloudflare does not know this address",
	 "Check cloudflare.account_id and cloudflare.base_url."},
	{400, 404, 7000, ERR_INVALID, false, false, "Cloudflare does not know this address",
	 "Check cloudflare.account_id and cloudflare.base_url."},
	{400, 499, 7001, ERR_INVALID, false, false, "Cloudflare does not allow this call", NULL},
	{400, 499, 10405, ERR_INVALID, false, false, "Cloudflare does not allow this call", NULL},
	{400, 404, 81044, ERR_NOT_FOUND, true, false, "the DNS record does not exist", NULL},
	{400, 499, 81053, ERR_CONFLICT, false, false,
	 "another DNS record (A, AAAA or CNAME) has this name", HINT_TAKEN},
	{400, 499, 81054, ERR_CONFLICT, false, false, "a CNAME record has this name", HINT_TAKEN},
	{400, 499, 81057, ERR_CONFLICT, false, false, "the DNS record exists already", HINT_TAKEN},
	{400, 499, 81058, ERR_CONFLICT, false, false, "an identical DNS record exists already",
	 HINT_TAKEN},
	{400, 499, 1013, ERR_CONFLICT, false, false, "another tunnel has this name",
	 "Rename or delete that tunnel, or choose another name."},
	{400, 499, 1022, ERR_CONFLICT, false, true, "connectors are still connected to the tunnel",
	 NULL},
	{400, 499, 1023, ERR_CONFLICT, false, true, "the tunnel still has private-network routes",
	 "Remove its private-network routes in the Cloudflare dashboard."},
	{400, 499, 9300, ERR_INVALID, false, false, "the zone's plan allows no such tags", NULL},
	{400, 499, 9313, ERR_INVALID, false, false,
	 "the comment is longer than the zone's plan allows", "Shorten the record's comment."},
	{404, 404, 10000, ERR_NOT_FOUND, false, false, "Cloudflare does not show this object",
	 NULL},
	{404, 404, 0, ERR_NOT_FOUND, true, false, "the object does not exist at Cloudflare", NULL},
	{409, 409, 0, ERR_CONFLICT, false, false, "the request is in conflict with what exists",
	 NULL},
	{400, 499, 0, ERR_INVALID, false, false, "Cloudflare refused the request", NULL},
	{501, 501, 0, ERR_UPSTREAM, false, false, "Cloudflare cannot do this", NULL},
	{500, 599, 0, ERR_UPSTREAM, false, true, "Cloudflare is in trouble", NULL},
	{300, 399, 0, ERR_UPSTREAM, false, false,
	 "the answer was a redirect, which is not followed", HINT_BASE},
	{0, 999, 0, ERR_UPSTREAM, false, true, "the answer makes no sense", HINT_BASE},
};

static const struct meaning foreign_404 = {404,
					   404,
					   0,
					   ERR_UPSTREAM,
					   false,
					   true,
					   "the answer did not come from Cloudflare's API",
					   HINT_BASE};
static const struct meaning no_envelope = {
	200,
	299,
	0,
	ERR_UPSTREAM,
	false,
	true,
	"the answer was cut off, or did not come from Cloudflare's API",
	HINT_BASE};
static const struct meaning both_ways = {
	200, 299, 0, ERR_UPSTREAM, false, true, "the answer claims success and failure at once",
	NULL};

/* Of 9109 only the words tell a token that may not do this from one that may do nothing: it is
 * used from an address outside its filter, or does not exist. */
static const struct meaning useless_token = {
	403,
	403,
	9109,
	ERR_DENIED,
	false,
	false,
	"the API token was refused",
	"See in the Cloudflare dashboard whether the token exists and from which addresses it may "
	"be used (client IP address filtering)."};

struct said {
	int64_t code;
	char text[ERR_SAID_SIZE];
};

/* Another's words: short and printable. */
static void said_add(struct said *s, const char *text)
{
	size_t used = strlen(s->text), room = sizeof(s->text) - 1 - used;
	size_t len = strlen(text);

	len = len > room ? utf8_whole(text, room) : len;
	memcpy(s->text + used, text, len);
	s->text[used + len] = '\0';
	text_printable(s->text);
}

static void said_read(const struct json *item, struct said *s)
{
	const char *text = json_string(item);
	const struct json *inner = json_first(json_get(item, "error_chain"));
	int64_t code = json_get_int(item, "code", 0);
	const char *why = json_get_string(inner, "message");

	*s = (struct said){.code = code};
	if (!text)
		text = json_get_string(item, "message");
	said_add(s, text ? text : "");
	if (why && !str_equal(why, text)) {
		said_add(s, ": ");
		said_add(s, why);
	}
	/* 1004 only wraps what is wrong with a record. */
	if (code == 1004 && json_get_int(inner, "code", 0))
		s->code = json_get_int(inner, "code", 0);
}

static void said_find(const struct json *root, struct said *s)
{
	const struct json *first = json_first(json_get(root, "errors"));

	*s = (struct said){0};
	if (!first)
		first = json_first(json_get(root, "messages"));
	if (first)
		said_read(first, s);
}

static const struct meaning *meaning_of(int status, int64_t code)
{
	for (size_t i = 0; i < ARRAY_LEN(meanings) - 1; i++) {
		const struct meaning *m = &meanings[i];

		if (status >= m->from && status <= m->to && (!m->code || m->code == code))
			return m;
	}
	return &meanings[ARRAY_LEN(meanings) - 1];
}

static bool about_token(int64_t code, const char *text)
{
	return code == 9109 && strcasestr(text, "access token");
}

bool cf_about_token(const struct err *e)
{
	int status = e->cloudflare.status;

	return e->kind == ERR_DENIED && status &&
	       (status != 403 || about_token(e->cloudflare.code, e->cloudflare.said));
}

static const struct meaning *meaning_find(int status, const struct json *root, int64_t code,
					  const char *text)
{
	const struct json *success = json_get(root, "success");
	bool envelope = json_type(success) == JSON_BOOL;

	if (status >= 200 && status < 300) {
		const struct meaning *m = meaning_of(400, code);

		if (!envelope)
			return &no_envelope;
		return m->code && !m->absent ? m : &both_ways;
	}
	if (status == 403 && about_token(code, text))
		return &useless_token;
	if (status == 404 && (!envelope || json_bool(success, true)))
		return &foreign_404;
	return meaning_of(status, code);
}

bool cf_ray_valid(const char *ray)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";

	return ray && *ray && strlen(ray) < ERR_RAY_SIZE && !ray[strspn(ray, allowed)];
}

static void tell(struct err *e, const struct meaning *m, const struct said *s, int status,
		 const char *ray, const char *token_key)
{
	char place[ERR_RAY_SIZE + 64];
	int n = s->code ? snprintf(place, sizeof(place), "code %lld", (long long)s->code)
			: snprintf(place, sizeof(place), "HTTP %d", status);

	if (cf_ray_valid(ray) && n > 0)
		(void)snprintf(place + n, sizeof(place) - (size_t)n, ", ray %s", ray);
	(void)err_set(e, m->kind, "%s (%s)", m->sentence, place);
	if (str_equal(m->hint, HINT_TOKEN))
		(void)err_hint(e,
			       "Make a token in the Cloudflare dashboard (My Profile or Manage "
			       "Account > API Tokens), put it into the file of %s and reload aditd "
			       "(SIGHUP).",
			       token_key);
	else if (m->hint)
		(void)err_hint(e, "%s", m->hint);
}

static void tell_permission(struct err *e, const struct json *root, const char *permission,
			    const char *token_key)
{
	if (json_type(root) != JSON_OBJECT) {
		(void)err_hint(e, "Something between this host and Cloudflare's API may have "
				  "refused it; see the token's IP filter and cloudflare.base_url.");
		return;
	}
	if (!permission) {
		(void)err_hint(e, "See in the Cloudflare dashboard what the token of %s may do.",
			       token_key);
		return;
	}
	(void)str_copy(e->missing_permission, sizeof(e->missing_permission), permission);
	(void)err_hint(e,
		       "In the Cloudflare dashboard (API Tokens > the token of %s > Edit) add the "
		       "permission \"%s\" for this account or zone; see its IP filter too.",
		       token_key, permission);
}

void cf_classify(int status, const struct json *root, const char *ray, const char *permission,
		 const char *retry_after, const char *token_key, struct err *e, bool *absent)
{
	struct said s;
	const struct meaning *m;

	err_clear(e);
	*absent = false;
	if (status == 204 && !root)
		return;
	if (status >= 200 && status < 300 && json_bool(json_get(root, "success"), false))
		return;
	said_find(root, &s);
	m = meaning_find(status, root, s.code, s.text);
	tell(e, m, &s, status, ray, token_key);
	if (status == 403 && m != &useless_token)
		tell_permission(e, root, permission, token_key);
	*absent = m->absent;
	e->retryable = m->again;
	if (status == 429 || status >= 500)
		e->retry_after_ms = retry_after_parse(retry_after, clock_wall_ms());
	e->cloudflare.status = status;
	e->cloudflare.code = s.code;
	(void)str_copy(e->cloudflare.said, sizeof(e->cloudflare.said), s.text);
	if (cf_ray_valid(ray))
		(void)str_copy(e->cloudflare.ray, sizeof(e->cloudflare.ray), ray);
}
