#include "ops/audit_ask.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define FILTERS_MOST 8
/* The same question within so long is the same to whoever keeps what was read. */
#define ROUND_MS 30000

static bool same_word(const char *a, const char *b)
{
	return a && b && strcasecmp(a, b) == 0;
}

static bool is_address(const char *s)
{
	unsigned char ip[16];

	return inet_pton(AF_INET, s, ip) == 1 || inet_pton(AF_INET6, s, ip) == 1;
}

static bool is_id(const char *s)
{
	return hex_valid(s, CF_ID_SIZE - 1) || uuid_valid(s);
}

/* ---- what is asked ---- */

static const char *actor_filter(const char *actor)
{
	if (strchr(actor, '@'))
		return "actor_email";
	if (is_address(actor))
		return "actor_ip_address";
	return is_id(actor) ? "actor_token_id" : "actor_token_name";
}

static size_t add(struct cf_audit_filter *f, size_t n, const char *name, const char *value)
{
	if (!value)
		return n;
	f[n] = (struct cf_audit_filter){name, value};
	return n + 1;
}

static size_t filters_new(const struct audit_ask *a, struct cf_audit_filter *f)
{
	bool changes = str_equal(a->action, "change");
	size_t n = 0;

	n = add(f, n, "zone_id", a->zone ? a->zone->id : NULL);
	n = add(f, n, changes ? "action_type.not" : "action_type", changes ? "view" : a->action);
	n = add(f, n, "action_result", a->result);
	n = add(f, n, a->actor ? actor_filter(a->actor) : "", a->actor);
	n = add(f, n, "resource_id", a->resource && is_id(a->resource) ? a->resource : NULL);
	n = add(f, n, "resource_product", a->product);
	n = add(f, n, "resource_scope", a->scope);
	return add(f, n, "resource_type", a->type);
}

static size_t filters_old(const struct audit_ask *a, struct cf_audit_filter *f)
{
	bool by_email = a->actor && strchr(a->actor, '@');
	size_t n = add(f, 0, "zone.name", a->zone ? a->zone->name : NULL);

	return add(f, n, by_email ? "actor.email" : "actor.ip", a->actor);
}

char *audit_ask_query(const struct audit_ask *a, bool old)
{
	struct cf_audit_filter f[FILTERS_MOST];
	size_t n = old ? filters_old(a, f) : filters_new(a, f);
	int64_t since = a->since_ms / ROUND_MS * ROUND_MS;
	int64_t before = (a->before_ms / ROUND_MS + 1) * ROUND_MS;

	return cf_audit_query(true, since, before, f, n);
}

const char *audit_ask_not_old(const struct audit_ask *a)
{
	if (a->actor && !strchr(a->actor, '@') && !is_address(a->actor))
		return "The older audit log does not tell tokens";
	if (a->product)
		return "The older audit log does not tell products";
	return NULL;
}

/* ---- what fits ---- */

bool audit_of_zone(const struct cf_audit_entry *x, const struct zone *z)
{
	char id[CF_ID_SIZE];

	cf_audit_uri_id(x, "zones", id, sizeof(id));
	if (x->zone_id || id[0])
		return str_equal(x->zone_id ? x->zone_id : id, z->id);
	return same_word(x->zone_name, z->name) || str_equal(x->resource_id, z->id);
}

/* The log of before was asked for the zone by its name, and need not tell it in each row. */
static bool zone_untold(const struct audit_ask *a, const struct cf_audit_entry *x)
{
	return x->old && !x->zone_id && !x->zone_name && !audit_of_zone(x, a->zone);
}

static bool of_zone(const struct audit_ask *a, const struct cf_audit_entry *x)
{
	return !a->zone || audit_of_zone(x, a->zone) || (!a->narrowed && zone_untold(a, x));
}

static bool by_actor(const struct cf_audit_entry *x, const char *actor)
{
	const char *const said[] = {x->email, x->address, x->token_id, x->token_name, x->actor_id};

	for (size_t i = 0; i < ARRAY_LEN(said); i++)
		if (same_word(said[i], actor))
			return true;
	return false;
}

static bool by_action(const struct cf_audit_entry *x, const char *action)
{
	if (str_equal(action, "change"))
		return x->action != CF_AUDIT_VIEW;
	return str_equal(cf_audit_action_name(x->action), action);
}

static bool about(const struct cf_audit_entry *x, const char *word)
{
	const char *const said[] = {x->resource_product, x->resource_type, x->resource_id, x->uri,
				    x->uri ? NULL : x->word};

	for (size_t i = 0; i < ARRAY_LEN(said); i++)
		if (said[i] && strcasestr(said[i], word))
			return true;
	return false;
}

/* The older log tells no scope: what is of no zone may be the account's. */
static bool of_scope(const struct cf_audit_entry *x, const char *scope)
{
	if (x->scope || x->zone_id || x->zone_name)
		return same_word(x->scope, scope);
	return true;
}

bool audit_ask_fits(const struct audit_ask *a, const struct cf_audit_entry *x)
{
	return x->time_ms >= a->since_ms && x->time_ms <= a->before_ms && of_zone(a, x) &&
	       (!a->actor || by_actor(x, a->actor)) && (!a->action || by_action(x, a->action)) &&
	       (!a->result || x->failed == str_equal(a->result, "failure")) &&
	       (!a->resource || about(x, a->resource)) && (!a->scope || of_scope(x, a->scope)) &&
	       (!a->product || same_word(x->resource_product, a->product)) &&
	       (!a->type || same_word(x->resource_type, a->type));
}

bool audit_ask_unknown(const struct audit_ask *a, const struct cf_audit_entry *x)
{
	struct audit_ask wide = *a;

	wide.narrowed = false;
	return a->zone && a->narrowed && zone_untold(a, x) && audit_ask_fits(&wide, x);
}

int audit_ask_check(int64_t since_ms, int64_t until_ms, struct err *e)
{
	if (since_ms <= until_ms)
		return 0;
	(void)err_set(e, ERR_INVALID, "since is later than until");
	return err_hint(e,
			"since is where the window begins: as in since 48h, until 24h, both back "
			"from now.");
}
