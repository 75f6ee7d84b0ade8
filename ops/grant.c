/* One grant: what its row says, and what lies inside of it. */
#include "ops/grant.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/text.h"
#include "ops/grants.h"

#define NAME_MAX_LEN 64
#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789"

int grant_name_check(const char *name, struct err *e)
{
	size_t len = strlen(name);
	if (len && len <= NAME_MAX_LEN && strspn(name, NAME_LETTERS "-_.") == len &&
	    strchr(NAME_LETTERS, name[0]))
		return 0;
	return err_set(
		e, ERR_INVALID,
		"\"%.64s\" is no name for a grant: 1 to 64 of a-z, 0-9, - _ and ., the first "
		"a letter or a digit",
		name);
}

/* ---- from its row ---- */

static int take_methods(struct grant *g, struct err *e)
{
	const char *const *names = op_method_names();
	for (size_t i = 0; names[i]; i++)
		if (strlist_has(&g->spec.methods, names[i]))
			g->methods |= 1u << i;
	if (!g->spec.methods.n)
		g->methods = GRANT_ALL;
	return g->methods ? 0 : err_set(e, ERR_INVALID, "methods: there is none of these");
}

static int take_role(struct grant *g, struct err *e)
{
	int role = g->spec.role ? role_by_name(g->spec.role) : -1;
	if (role <= ROLE_NONE)
		return err_set(e, ERR_INVALID, "role: there is none of this name");
	g->role = (enum role)role;
	return 0;
}

static int take_budget(struct grant *g, struct err *e)
{
	return g->spec.budget ? rate_parse(g->spec.budget, &g->budget_calls, &g->budget_per_ms, e)
			      : 0;
}

/* The lists belong to the spec; the grant shows them. */
int grant_take_spec(struct grant *g, struct err *e)
{
	if (take_role(g, e) < 0 || take_methods(g, e) < 0 || take_budget(g, e) < 0)
		return -1;
	g->tags = g->spec.tags;
	g->zones = g->spec.zones;
	g->hosts = g->spec.hosts;
	g->tunnels = g->spec.tunnels;
	g->origins = g->spec.origins;
	g->ask = g->spec.ask;
	return 0;
}

/* A list that is absent would narrow nothing: what was written is all there, or it is damaged. */
static int check_whole(const struct json *spec, struct err *e)
{
	for (const struct field *f = grant_spec_fields(); f->name; f++)
		if (!json_get(spec, f->name))
			return err_set(e, ERR_INVALID, "it has no member %s", f->name);
	return 0;
}

static int read_spec(struct grant *g, const struct grant_row *row, struct err *e)
{
	AUTO(json_doc_t) doc = NULL;
	if (grant_name_check(row->name, e) < 0 ||
	    json_parse(row->spec, strlen(row->spec), NULL, &doc, e) < 0)
		return -1;
	if (json_type(json_root(doc)) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "it is no object");
	if (check_whole(json_root(doc), e) < 0)
		return -1;
	if (fields_decode(grant_spec_fields(), json_root(doc), &g->spec, NULL, e) < 0)
		return -1;
	return grant_take_spec(g, e);
}

static int read_hashes(struct grant *g, const struct grant_row *row, struct err *e)
{
	g->has_second = row->second_sha256 != NULL;
	if (!hex_valid(row->token_sha256, SHA256_HEX_SIZE - 1) ||
	    !str_copy(g->token_sha256, sizeof(g->token_sha256), row->token_sha256))
		return err_set(e, ERR_INVALID, "the hash of its token is none");
	if (g->has_second && row->second_sha256[0] &&
	    (!hex_valid(row->second_sha256, SHA256_HEX_SIZE - 1) ||
	     !str_copy(g->second_sha256, sizeof(g->second_sha256), row->second_sha256)))
		return err_set(e, ERR_INVALID, "the hash of its second token is none");
	return 0;
}

struct grant *grant_of_row(const struct grant_row *row)
{
	struct grant *g = mem_alloc(sizeof(*g));
	struct err e;
	g->id = row->id;
	g->name = str_dup(row->name);
	g->created_by = str_dup(row->created_by);
	g->created_ms = row->created_ms;
	g->expires_at_ms = row->expires_at_ms;
	g->last_used_ms = row->last_used_ms;
	if (read_hashes(g, row, &e) < 0 || read_spec(g, row, &e) < 0)
		g->damage = str_dup(e.message);
	return g;
}

void grant_free(struct grant *g)
{
	if (!g)
		return;
	fields_free(grant_spec_fields(), &g->spec);
	free(g->name);
	free(g->created_by);
	free(g->damage);
	free(g);
}

/* ---- what lies inside ---- */

static bool any_same(const struct strlist *l, const char *s)
{
	for (size_t i = 0; s && i < l->n; i++)
		if (strcasecmp(l->items[i], s) == 0)
			return true;
	return false;
}

bool grant_covers_zone(const struct grant *g, const char *zone_name)
{
	return !g->zones.n || any_same(&g->zones, zone_name);
}

bool grant_covers_host(const struct grant *g, const char *hostname)
{
	AUTO(str_t) name = hostname ? str_lower(hostname) : NULL;
	if (!g->hosts.n)
		return true;
	for (size_t i = 0; name && i < g->hosts.n; i++)
		if (hostname_matches(g->hosts.items[i], name))
			return true;
	return false;
}

bool grant_covers_tunnel(const struct grant *g, const char *name_or_id)
{
	return !g->tunnels.n || (name_or_id && strlist_has(&g->tunnels, name_or_id));
}

bool grant_covers_origin(const struct grant *g, const char *service)
{
	return service && strlist_has(&g->origins, service);
}

bool grant_is_scoped(const struct grant *g)
{
	return g->zones.n || g->hosts.n || g->tunnels.n;
}

/* ---- its budget: as many calls at once, which come back one by one ---- */

#define US 1000

static int64_t budget_us(const struct grant *g)
{
	return g->budget_per_ms * US;
}

static int64_t call_us(const struct grant *g)
{
	int64_t us = budget_us(g) / g->budget_calls;
	return us ? us : 1;
}

/* Of the budget, what is spent at that moment. */
static int64_t spent_us(const struct grant *g, int64_t now_us)
{
	return g->spent_us > now_us ? g->spent_us - now_us : 0;
}

int64_t grant_budget_left(const struct grant *g)
{
	if (!g->budget_calls)
		return -1;
	int64_t left = budget_us(g) - spent_us(g, clock_mono_ms() * US);
	return left > 0 ? left / call_us(g) : 0;
}

int grant_spend(struct grant *g, struct err *e)
{
	int64_t now = clock_mono_ms() * US;
	if (!g->budget_calls)
		return 0;
	int64_t over = spent_us(g, now) + call_us(g) - budget_us(g);
	if (over <= 0) {
		g->spent_us = now + spent_us(g, now) + call_us(g);
		return 0;
	}
	(void)err_set(e, ERR_RATE_LIMITED, "The budget of grant %s is spent: %s calls", g->name,
		      g->spec.budget);
	e->retry_after_ms = over / US + 1;
	return err_hint(e, "Wait, and ask for more at once where that can be: limit, fields.");
}
