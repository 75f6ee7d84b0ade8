/*
 * A request's way to its handler, in the order in which Cloudflare looks: the headers, the token,
 * the token's allowance, the route, what the token may see. Every answer gets its ray and its
 * Ratelimit headers here.
 */
#include "sim/cloud.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"
#include "sim/routes.h"

struct cloud *cloud_new(void)
{
	struct cloud *c = mem_alloc(sizeof *c);

	state_limits_default(&c->limits);
	return c;
}

void cloud_free(struct cloud *c)
{
	if (!c)
		return;
	state_clear(c);
	free(c->edge_address);
	free(c);
}

void cloud_reset(struct cloud *c)
{
	MAP_EACH (const struct sim_tunnel, t, &c->tunnels)
		if (c->edge.connections_dropped)
			c->edge.connections_dropped(t->id, NULL, c->edge.owner);
	state_clear(c);
	state_limits_default(&c->limits);
}

void cloud_set_edge(struct cloud *c, const struct cloud_edge_events *events)
{
	c->edge = *events;
}

void cloud_set_edge_address(struct cloud *c, const char *address)
{
	str_set(&c->edge_address, address);
}

void cloud_response_free(struct cloud_response *r)
{
	buf_free(&r->body);
	strlist_free(&r->headers);
}

/* ---- the allowance ---- */

static void add_header(struct cloud_response *r, const char *fmt, ...) PRINTF(2, 3);
static void add_header(struct cloud_response *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	AUTO(str_t) line = str_vformat(fmt, ap);
	va_end(ap);
	strlist_add(&r->headers, line);
}

/* Count one call; true when it is one too many (or the token still serves its penalty). */
static bool token_overspends(const struct sim_limits *l, struct sim_token *t, int64_t now)
{
	if (now >= t->window_ms + l->window_ms) {
		t->window_ms = now;
		t->used = 0;
	}
	if (now >= t->second_ms + 1000) {
		t->second_ms = now;
		t->burst = 0;
	}
	if (now < t->blocked_until_ms)
		return true;
	t->used++;
	t->burst++;
	if (t->used <= l->requests && (l->burst == 0 || t->burst <= l->burst))
		return false;
	t->blocked_until_ms = now + l->block_ms;
	return true;
}

static void tell_allowance(const struct cloud *c, const struct sim_token *t, int64_t now,
			   struct cloud_response *r)
{
	const struct sim_limits *l = &c->limits;
	int64_t left = t ? l->requests - t->used : l->requests;
	int64_t reset = t ? t->window_ms + l->window_ms - now : l->window_ms;

	if (t && now < t->blocked_until_ms) {
		left = 0;
		reset = t->blocked_until_ms - now;
	}
	AUTO(str_t) burst_left = str_dup("");
	AUTO(str_t) burst_policy = str_dup("");
	if (l->burst > 0) {
		int64_t unspent = t && t->burst < l->burst ? l->burst - t->burst : 0;
		free(burst_left);
		free(burst_policy);
		burst_left = str_format(", \"burst\";r=%" PRId64 ";t=1", t ? unspent : l->burst);
		burst_policy = str_format(", \"burst\";q=%" PRId64 ";w=1", l->burst);
	}
	add_header(r, "Ratelimit: \"default\";r=%" PRId64 ";t=%" PRId64 "%s", left > 0 ? left : 0,
		   (reset + 999) / 1000, burst_left);
	add_header(r, "Ratelimit-Policy: \"default\";q=%" PRId64 ";w=%" PRId64 "%s", l->requests,
		   l->window_ms / 1000, burst_policy);
}

static int charge(struct call *k)
{
	int64_t now = k->q->now_ms;

	if (!k->token)
		return 0;
	bool over = token_overspends(&k->c->limits, k->token, now);
	tell_allowance(k->c, k->token, now, k->r);
	if (!over)
		return 0;
	add_header(k->r, "retry-after: %" PRId64, (k->token->blocked_until_ms - now + 999) / 1000);
	call_fail(k, 429, 971, "Please wait and consider throttling your request speed");
	return -1;
}

/* ---- who asks ---- */

static bool token_well_formed(const char *t)
{
	size_t len = strlen(t);

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)t[i]) && t[i] != '_' && t[i] != '-')
			return false;
	return len >= 16 && len <= 200;
}

static bool token_is_over(const struct sim_token *t, int64_t now)
{
	return str_equal(t->status, "expired") || now < t->not_before_ms ||
	       (t->expires_ms && now >= t->expires_ms);
}

static int authenticate(struct call *k)
{
	const char *h = k->q->authorization;

	if (k->q->outside)
		return 0;
	if (!h && k->q->auth_key) {
		call_fail_chain(k, 400, 6003, "Invalid request headers", 6103,
				"Invalid format for X-Auth-Key header");
		return -1;
	}
	if (!h) {
		call_fail(k, 401, 1001, "Missing authorization header");
		return -1;
	}
	if (strncasecmp(h, "Bearer ", 7) != 0 || !token_well_formed(h + 7)) {
		call_fail_chain(k, 400, 6003, "Invalid request headers", 6111,
				"Invalid format for Authorization header");
		return -1;
	}
	k->token = map_get(&k->c->tokens, h + 7);
	if (!k->token || token_is_over(k->token, k->q->now_ms)) {
		bool verify = str_ends(k->path, "/tokens/verify");
		k->token = NULL;
		call_fail(k, 401, verify ? 1000 : 10000,
			  verify ? "Invalid API Token" : "Authentication error");
		return -1;
	}
	str_copy(k->r->token_id, sizeof k->r->token_id, k->token->id);
	return 0;
}

/* ---- what the token may see ---- */

static bool list_allows(const struct strlist *l, const char *id)
{
	return l->n == 0 || strlist_has(l, id);
}

static bool account_visible(const struct call *k, const char *id)
{
	if (!k->token)
		return true;
	if (k->token->account[0])
		return str_equal(k->token->account, id);
	return list_allows(&k->token->accounts, id);
}

bool call_sees_account(const struct call *k, const char *id)
{
	return account_visible(k, id);
}

bool call_sees_zone(const struct call *k, const struct sim_zone *z)
{
	return account_visible(k, z->account) &&
	       (!k->token || list_allows(&k->token->zones, z->id));
}

static int fail_unauthorised(struct call *k, bool zone)
{
	if (zone)
		call_fail(k, 403, 9109, "Unauthorized to access requested resource");
	else
		call_fail(k, 403, 10000, "Authentication error");
	return -1;
}

/* The account, zone and tunnel that the path names, if the token may touch them. */
static int resolve(struct call *k, const struct route *route)
{
	bool zone = str_starts(route->pattern, "/zones");

	if (str_starts(route->pattern, "/zones/{zone}")) {
		k->zone = map_get(&k->c->zones, k->ids[0]);
		if (!k->zone || !call_sees_zone(k, k->zone))
			return fail_unauthorised(k, true);
	}
	if (str_starts(route->pattern, "/accounts/{account}")) {
		k->account = map_get(&k->c->accounts, k->ids[0]);
		if (!k->account || !account_visible(k, k->ids[0]))
			return fail_unauthorised(k, false);
	}
	if (route->scope &&
	    (!call_may(k, route->scope) || (k->token && !str_equal(k->token->status, "active"))))
		return fail_unauthorised(k, zone);
	if (strstr(route->pattern, "{tunnel}")) {
		k->tunnel = map_get(&k->c->tunnels, k->ids[1]);
		if (!k->tunnel || !str_equal(k->tunnel->account, k->account->id)) {
			call_fail(k, 404, 1003, "Tunnel not found");
			return -1;
		}
	}
	return 0;
}

static void answer_by_route(struct call *k)
{
	const struct route *route = NULL;
	const char *fixture = map_get(&k->c->fixtures, k->path);
	bool found = ROUTE_FOUND == route_find(k->q->method, k->path, k->ids, &route);

	if (route)
		k->r->family = route->pattern;
	if (fixture && str_equal(k->q->method, "GET")) {
		k->r->status = 200;
		buf_str(&k->r->body, fixture);
	} else if (!route) {
		call_fail_route(k);
	} else if (!found) {
		call_fail(k, 405, 7001, "Method %s not available for that URI.", k->q->method);
	} else if (resolve(k, route) == 0) {
		route->answer(k);
		audit_note(k, route);
	}
}

void cloud_mark_ray(struct cloud_response *r)
{
	char digits[17];

	random_hex(digits, 16);
	memcpy(r->ray, digits, 16);
	memcpy(r->ray + 16, "-SIM", 5);
	add_header(r, "cf-ray: %s", r->ray);
}

static const char *path_below_base(const char *path)
{
	return str_starts(path, CLOUD_BASE_PATH) ? path + strlen(CLOUD_BASE_PATH) : path;
}

const char *cloud_family(const char *method, const char *path)
{
	char ids[CALL_IDS][64];
	const struct route *route = NULL;

	route_find(method, path_below_base(path), ids, &route);
	return route ? route->pattern : "unknown";
}

void cloud_answer(struct cloud *c, const struct cloud_request *q, struct cloud_response *r)
{
	struct call k = {.c = c, .q = q, .r = r};

	r->content_type = "application/json";
	r->family = "unknown";
	cloud_mark_ray(r);
	k.path = path_below_base(q->path);
	if (q->transfer_encoding)
		call_fail(&k, 400, CODE_OWN, "Transfer-Encoding is refused; send Content-Length");
	else if (q->too_long)
		call_fail(&k, 414, CODE_OWN, "there are too many arguments");
	else if (k.path == q->path && !q->outside)
		call_fail_route(&k);
	else if (authenticate(&k) == 0 && charge(&k) == 0)
		answer_by_route(&k);
	if (!k.token)
		tell_allowance(c, NULL, q->now_ms, r);
	json_doc_free(k.doc);
}
