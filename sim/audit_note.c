/*
 * Entries of the audit log: for each write that reached its handler, also a refused one, by a token
 * or by somebody else at the dashboard; and those that a seed says. The words for products, types
 * and categories are the simulator's own.
 */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "sim/people.h"
#include "sim/routes.h"
#include "sim/shelf.h"

static const struct {
	const char *part; /* of the route's pattern; the longest first */
	const char *product, *type, *category;
	bool secret; /* the body is not shown */
} resources[] = {
	{"/cfd_tunnel/{tunnel}/configurations", "tunnels", "tunnel_configuration", "zero_trust",
	 true},
	{"/cfd_tunnel/{tunnel}/connections", "tunnels", "tunnel_connections", "zero_trust", true},
	{"/cfd_tunnel/{tunnel}/token", "tunnels", "tunnel_token", "zero_trust", true},
	{"/cfd_tunnel", "tunnels", "tunnel", "zero_trust", true},
	{"/dns_records", "dns_records", "dns_record", "dns", false},
	{"/members", "members", "member", "account", false},
	{"/tokens", "api_tokens", "token", "account", false},
	{"/rulesets", "rulesets", "ruleset", "application_security", false},
	{"/firewall/access_rules", "firewall", "access_rule", "application_security", false},
	{"/firewall/lockdowns", "firewall", "lockdown", "application_security", false},
	{"/firewall/ua_rules", "firewall", "ua_rule", "application_security", false},
};

static const char *action_of(const char *method)
{
	return str_equal(method, "POST")     ? "create"
	       : str_equal(method, "DELETE") ? "delete"
	       : str_equal(method, "GET")    ? "view"
					     : "update";
}

/* A user's own things are shown in the log of the first account. */
static const struct sim_account *account_of(const struct call *k)
{
	if (k->zone)
		return map_get(&k->c->accounts, k->zone->account);
	if (k->account)
		return k->account;
	MAP_EACH (const struct sim_account, a, &k->c->accounts)
		return a;
	return NULL;
}

static void draft_actor(const struct call *k, struct audit_draft *d)
{
	bool token = k->token != NULL;

	d->fields[AUDIT_ACTOR_ID] = SIM_USER;
	d->fields[AUDIT_ACTOR_TYPE] = "user";
	d->fields[AUDIT_ACTOR_EMAIL] = SIM_USER_EMAIL;
	d->fields[AUDIT_ACTOR_IP] = "198.51.100.7";
	d->fields[AUDIT_ACTOR_CONTEXT] = token ? "api_token" : "dash";
	if (!token)
		return;
	d->fields[AUDIT_ACTOR_TOKEN_ID] = k->token->id;
	d->fields[AUDIT_ACTOR_TOKEN_NAME] =
		k->token->name ? k->token->name : "a token of the simulator's";
}

/* What a document says of the fields of one group. */
static void draft_said(const struct json *said, const char *group, struct audit_draft *d)
{
	for (size_t i = 0; i < AUDIT_FIELDS; i++) {
		const struct audit_place *p = audit_place((enum audit_field)i);
		if (!p->key || p->form != AUDIT_TEXT || !str_equal(p->group, group))
			continue;
		const char *text = json_get_string(said, p->key);
		if (text)
			d->fields[i] = text;
	}
}

static void draft_object(const struct call *k, struct audit_draft *d)
{
	const char *scope = k->zone ? "zones" : k->account ? "accounts" : "user";

	d->fields[AUDIT_RESOURCE_SCOPE] = scope;
	if (k->tunnel)
		d->fields[AUDIT_RESOURCE_ID] = k->tunnel->id;
	else if (k->r->object[0])
		d->fields[AUDIT_RESOURCE_ID] = k->r->object;
	if (!k->zone)
		return;
	d->fields[AUDIT_ZONE_ID] = k->zone->id;
	d->fields[AUDIT_ZONE_NAME] = k->zone->name;
}

static void note(struct call *k, const struct sim_account *a, size_t resource)
{
	struct audit_draft d = {.at_ms = k->q->now_ms};
	AUTO(str_t) uri = str_format("%s%s", CLOUD_BASE_PATH, k->path);
	AUTO(str_t) status = str_format("%d", k->r->status);
	/* the data centre stands in the header only */
	AUTO(str_t) ray = str_ndup(k->r->ray, strcspn(k->r->ray, "-"));
	char id[UUID_SIZE];

	sim_new_uuid(id);
	d.fields[AUDIT_ID] = id;
	d.fields[AUDIT_ACCOUNT_ID] = a->id;
	d.fields[AUDIT_ACCOUNT_NAME] = a->name;
	d.fields[AUDIT_ACTION_DESCRIPTION] = resources[resource].type;
	d.fields[AUDIT_ACTION_RESULT] = k->r->status < 400 ? "success" : "failure";
	d.fields[AUDIT_ACTION_TYPE] = action_of(k->q->method);
	d.fields[AUDIT_RAW_RAY] = ray;
	d.fields[AUDIT_RAW_METHOD] = k->q->method;
	d.fields[AUDIT_RAW_STATUS] = status;
	d.fields[AUDIT_RAW_URI] = uri;
	d.fields[AUDIT_RAW_AGENT] = "";
	d.fields[AUDIT_RESOURCE_PRODUCT] = resources[resource].product;
	d.fields[AUDIT_RESOURCE_TYPE] = resources[resource].type;
	d.fields[AUDIT_CATEGORY] = resources[resource].category;
	if (k->body && !resources[resource].secret)
		d.fields[AUDIT_RESOURCE_REQUEST] = k->q->body;
	draft_actor(k, &d);
	draft_said(k->q->actor, "actor", &d);
	draft_object(k, &d);
	audit_add(&k->c->audit, &d);
}

void audit_note(struct call *k, const struct route *route)
{
	bool view = str_equal(k->q->method, "GET");
	const struct sim_account *a = account_of(k);

	if (!a || (view && !str_ends(route->pattern, "{tunnel}/token")))
		return;
	for (size_t i = 0; i < ARRAY_LEN(resources); i++) {
		if (!strstr(route->pattern, resources[i].part))
			continue;
		note(k, a, i);
		return;
	}
}

/* ---- out of a seed ---- */

static void draft_defaults(const struct sim_account *a, struct audit_draft *d)
{
	const struct {
		enum audit_field field;
		const char *text;
	} otherwise[] = {
		{AUDIT_ACCOUNT_ID, a->id},          {AUDIT_ACCOUNT_NAME, a->name},
		{AUDIT_ACTION_RESULT, "success"},   {AUDIT_ACTION_TYPE, "update"},
		{AUDIT_ACTOR_TYPE, "user"},         {AUDIT_ACTOR_EMAIL, SIM_USER_EMAIL},
		{AUDIT_ACTOR_CONTEXT, "dash"},      {AUDIT_RAW_STATUS, "200"},
		{AUDIT_RESOURCE_SCOPE, "accounts"},
	};

	for (size_t i = 0; i < ARRAY_LEN(otherwise); i++)
		if (!d->fields[otherwise[i].field])
			d->fields[otherwise[i].field] = otherwise[i].text;
}

static const struct sim_zone *zone_said(const struct cloud *c, const struct audit_draft *d)
{
	const char *name = d->fields[AUDIT_ZONE_NAME], *id = d->fields[AUDIT_ZONE_ID];

	if (id || !name)
		return id ? map_get(&c->zones, id) : NULL;
	MAP_EACH (const struct sim_zone, z, &c->zones)
		if (str_equal(name, z->name))
			return z;
	return NULL;
}

/* Fields that are no text: they live as long as the strings that the caller holds. */
static void draft_forms(const struct json *row, struct audit_draft *d, struct buf *status,
			struct buf *request)
{
	const struct json *body = json_get(json_get(row, "resource"), "request");

	buf_printf(status, "%lld",
		   (long long)json_get_int(json_get(row, "raw"), "status_code", 200));
	d->fields[AUDIT_RAW_STATUS] = buf_text(status);
	if (!body)
		return;
	json_print(body, request);
	d->fields[AUDIT_RESOURCE_REQUEST] = buf_text(request);
}

int audit_load(struct cloud *c, const struct sim_account *a, const struct json *row, int64_t now_ms,
	       struct err *e)
{
	static const char *const groups[] = {NULL,  "account",  "action", "actor",
					     "raw", "resource", "zone"};
	const char *time = json_get_string(json_get(row, "action"), "time");
	struct audit_draft d = {.at_ms = now_ms};
	AUTO(buf_t) status = {0};
	AUTO(buf_t) request = {0};
	char id[UUID_SIZE], ray[17];

	if (time && time_parse(time, now_ms, &d.at_ms, e) < 0)
		return -1;
	sim_new_uuid(id);
	random_hex(ray, 16);
	d.fields[AUDIT_ID] = id;
	d.fields[AUDIT_RAW_RAY] = ray;
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		draft_said(groups[i] ? json_get(row, groups[i]) : row, groups[i], &d);
	draft_forms(row, &d, &status, &request);
	d.fields[AUDIT_CATEGORY] = json_get_string(row, "product_category");
	const struct sim_zone *z = zone_said(c, &d);
	if (z) {
		d.fields[AUDIT_ZONE_ID] = z->id;
		d.fields[AUDIT_ZONE_NAME] = z->name;
	}
	if (z && !d.fields[AUDIT_RESOURCE_SCOPE])
		d.fields[AUDIT_RESOURCE_SCOPE] = "zones";
	draft_defaults(a, &d);
	audit_add(&c->audit, &d);
	return 0;
}
