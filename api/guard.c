/*
 * Who may speak MCP, judged before a body is read. On TCP: Host, Origin (both in doors.c), the
 * grant's token, method, content type, limits; size last. On the Unix socket the kernel's word on
 * the peer stands for the token, and a grant is named. To whom is not let in nothing tells why: one
 * answer for a token that is unknown, expired, revoked or lacks its second half.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/private.h"
#include "base/clock.h"

#define TOKEN_MAX 256

/* What one principal may have open at a time. */
enum { CONNECTIONS_MAX = 128, REQUESTS_MAX = 96 };

/* ---- answers ---- */

/* As OAuth has them, since that is what clients show when they are refused. */
static void reply_oauth(struct server_req *r, int status, const char *error, const char *text,
			const char *header)
{
	const char *headers[] = {"Cache-Control: no-store", header, NULL};
	AUTO(buf_t) body = {0};
	struct json_writer w;

	json_write_init(&w, &body);
	json_object_begin(&w);
	json_put_string(&w, "error", error);
	json_put_string(&w, "error_description", text);
	json_object_end(&w);
	(void)buf_char(&body, '\n');
	server_reply(r, status, "application/json", body.data, body.len, headers);
}

static void reply_unauthorized(struct server_req *r)
{
	if (!server_req_header(r, "authorization")) {
		reply_oauth(r, 401, "unauthorized",
			    "adit wants the token of a grant here. On adit's host, `adit grant "
			    "create NAME` makes one and prints the line to paste; requests then "
			    "carry the header \"Authorization: Bearer <token>\". A program on that "
			    "host needs no token: claude mcp add adit -- adit mcp",
			    "WWW-Authenticate: Bearer realm=\"adit\"");
		return;
	}
	reply_oauth(r, 401, "invalid_token",
		    "adit does not accept this token: it is unknown, has expired or was revoked, "
		    "or its second token (header X-Adit-Token) is missing or wrong. On adit's "
		    "host, `adit grant list` shows the grants that live, and `adit grant create "
		    "NAME` makes another.",
		    "WWW-Authenticate: Bearer realm=\"adit\", error=\"invalid_token\"");
}

bool is_oauth_path(const char *path)
{
	return str_starts(path, "/.well-known/") || str_equal(path, "/register") ||
	       str_starts(path, "/mcp/.well-known/");
}

void reply_no_oauth(struct server_req *r)
{
	reply_oauth(r, 404, "invalid_request",
		    "adit uses the tokens of grants, not OAuth: add --header 'Authorization: "
		    "Bearer <token>' to this server's entry. On adit's host, `adit grant create "
		    "NAME` makes a token and prints the whole line.",
		    NULL);
}

/* ---- who ---- */

/* The token behind "Bearer "; NULL where there is not exactly one of a likely form. */
static const char *bearer_of(const struct server_req *r)
{
	static const char scheme[] = "Bearer ";
	const char *value = server_req_header(r, "authorization");

	if (!value || server_req_header_repeats(r, "authorization") != 1 ||
	    strncasecmp(value, scheme, sizeof(scheme) - 1) != 0)
		return NULL;
	value += sizeof(scheme) - 1;
	value += strspn(value, " ");
	return *value && strlen(value) <= TOKEN_MAX ? value : NULL;
}

/* -1: nobody, without a reason. */
static int admit_token(const struct api *a, const struct server_req *r, struct principal *who)
{
	const char *bearer = bearer_of(r);
	const char *second = server_req_header(r, "x-adit-token");
	const struct grant *g;
	char port[TEXT_INT_SIZE];

	if (!bearer || (second && server_req_header_repeats(r, "x-adit-token") > 1))
		return -1;
	g = grants_by_token(a->ops->grants, bearer,
			    second && strlen(second) <= TOKEN_MAX ? second : NULL, clock_wall_ms());
	if (!g || principal_of_grant(g, who) < 0)
		return -1;
	str_join(who->peer, sizeof(who->peer),
		 (const char *[]){server_req_local(r), " port ",
				  int_format(server_req_peer_port(r), port), NULL});
	return 0;
}

static int admit_named(const struct api *a, const char *name, const struct principal *user,
		       struct principal *who, struct err *e)
{
	const struct grant *g = grants_by_name(a->ops->grants, name);

	if (!g || principal_of_grant(g, who) < 0) {
		(void)err_set(e, ERR_DENIED, "There is no grant \"%.80s\"", name);
		return err_hint(e, "adit grant list shows those that live; adit grant create makes "
				   "one.");
	}
	if (!role_holds(user->role, g->role)) {
		(void)err_set(e, ERR_DENIED,
			      "The grant \"%.80s\" has the role %s, which %s has not", name,
			      role_name(g->role), user->name);
		return err_hint(e, "Use a grant of the role %s or below.", role_name(user->role));
	}
	(void)snprintf(who->peer, sizeof(who->peer), "%.40s, pid %d", user->name, (int)user->pid);
	return 0;
}

/* Whoever names no grant reads, whatever he may do besides. */
static int admit_socket(const struct api *a, const struct server_req *r, struct principal *who,
			struct err *e)
{
	const char *name = server_req_header(r, "x-adit-grant");
	struct principal user;

	if (door_admit(a, r, &user, e) < 0)
		return -1;
	return name ? admit_named(a, name, &user, who, e) : principal_without_grant(&user, who, e);
}

int guard_admit(const struct api *a, const struct server_req *r, struct principal *who,
		struct err *e)
{
	if (server_req_door(r) == DOOR_UNIX)
		return admit_socket(a, r, who, e);
	return admit_token(a, r, who) < 0 ? err_set(e, ERR_DENIED, "Not let in") : 0;
}

void guard_refuse(struct server_req *r, const struct err *e)
{
	if (server_req_door(r) == DOOR_TCP)
		reply_unauthorized(r);
	else
		reply_err(r, e);
}

/* ---- what ---- */

/* One of the words of a list in a header. */
static bool header_has(const struct server_req *r, const char *name, const char *word)
{
	const char *value = server_req_header(r, name);
	size_t len = strlen(word);

	while (value && *value) {
		value += strspn(value, " \t,");
		size_t n = strcspn(value, " \t,");
		if (n == len && strncasecmp(value, word, n) == 0)
			return true;
		value += n;
	}
	return false;
}

bool guard_wants_lines(const struct server_req *r)
{
	return server_req_door(r) == DOOR_UNIX && header_has(r, "upgrade", MCP_LINES) &&
	       header_has(r, "connection", "upgrade");
}

bool guard_takes_streams(const struct api *a, const struct server_req *r)
{
	struct principal user;
	struct err e;

	return header_has(r, "upgrade", MCP_STREAMS) && door_admit(a, r, &user, &e) == 0 &&
	       role_holds(user.role, ROLE_ADMIN);
}

/* Text in another charset would be taken for UTF-8. */
static bool charset_fits(const char *parameters)
{
	static const char name[] = "charset=";
	const char *at = strcasestr(parameters, name);

	if (!at)
		return true;
	at += sizeof(name) - 1;
	at += *at == '"';
	return strncasecmp(at, "utf-8", 5) == 0 && !at[5 + strspn(at + 5, "\"; \t")];
}

static bool type_fits(const struct server_req *r)
{
	static const char json[] = "application/json";
	const char *value = server_req_header(r, "content-type");
	size_t len;

	if (!value || server_req_header_repeats(r, "content-type") != 1)
		return false;
	len = strcspn(value, "; \t");
	return len == sizeof(json) - 1 && strncasecmp(value, json, len) == 0 &&
	       charset_fits(value + len);
}

/* Lenient: only who rules out both forms of an answer is refused. */
static bool accept_fits(const struct server_req *r)
{
	static const char *const words[] = {"application/json", "text/event-stream", "*/*",
					    "application/*", "text/*"};
	const char *value = server_req_header(r, "accept");

	for (size_t i = 0; value && i < ARRAY_LEN(words); i++)
		if (strcasestr(value, words[i]))
			return true;
	return !value || !*value;
}

static int refuse(struct server_req *r, int status, const char *text, const char *hint)
{
	struct err e;

	(void)err_set(&e, ERR_INVALID, "%s", text);
	(void)err_hint(&e, "%s", hint);
	reply_error(r, status, &e);
	return -1;
}

static int judge_form(struct server_req *r)
{
	if (guard_wants_lines(r) &&
	    (str_equal(server_req_method(r), "POST") || str_equal(server_req_method(r), "GET")))
		return 0;
	if (!str_equal(server_req_method(r), "POST"))
		return refuse(r, 405, "MCP is spoken by POST here",
			      "There is no stream to GET and no session to DELETE.");
	if (!type_fits(r))
		return refuse(r, 415, "A message of MCP comes as application/json, in UTF-8",
			      "Send the header Content-Type: application/json.");
	if (!accept_fits(r))
		return refuse(r, 406, "Answers come as application/json or text/event-stream",
			      "Send the header Accept: application/json, text/event-stream.");
	return 0;
}

/* ---- how much ---- */

static int too_many(struct server_req *r, const char *what, int limit)
{
	struct err e;

	(void)err_set(&e, ERR_RATE_LIMITED, "%d %s are open, which is as many as one may have",
		      limit, what);
	e.retry_after_ms = 1000;
	reply_err(r, &e);
	return -1;
}

static int judge_load(struct api *a, struct server_req *r, const struct principal *who)
{
	int64_t whose = who->grant ? who->grant : -1 - (int64_t)who->uid;
	int requests = 0;

	if (server_req_claim(r, whose) > CONNECTIONS_MAX)
		return too_many(r, "connections", CONNECTIONS_MAX);
	LIST_EACH (it, &a->hosted) {
		const struct hosted *h = LIST_OF(it, struct hosted, node);
		requests += h->whose == whose && !h->lines;
	}
	if (requests >= REQUESTS_MAX)
		return too_many(r, "requests", REQUESTS_MAX);
	hosted_new(a, r, who, whose);
	return 0;
}

int guard_head(struct api *a, struct server_req *r)
{
	struct principal who;
	struct err e;

	if (guard_admit(a, r, &who, &e) < 0) {
		guard_refuse(r, &e);
		return -1;
	}
	return judge_form(r) < 0 ? -1 : judge_load(a, r, &who);
}
