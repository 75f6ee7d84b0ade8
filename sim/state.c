/* The simulated Cloudflare's objects: making and freeing them, and what follows from connections.
 */
#include "sim/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "sim/shelf.h"

#define AUDIT_FROM_MS 1770508800000 /* 8 February 2026 */

void sim_new_uuid(char out[UUID_SIZE])
{
	unsigned char b[16];

	random_bytes(b, sizeof b);
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	char *text = str_format("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x"
				"%02x",
				b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10],
				b[11], b[12], b[13], b[14], b[15]);
	str_copy(out, UUID_SIZE, text);
	free(text);
}

/* ---- records ---- */

void record_free(struct sim_record *r)
{
	if (!r)
		return;
	free(r->name);
	free(r->type);
	free(r->content);
	free(r->comment);
	free(r->settings);
	free(r->data);
	strlist_free(&r->tags);
	free(r);
}

struct sim_record *record_copy(const struct sim_record *r)
{
	struct sim_record *copy = mem_alloc(sizeof *copy);

	*copy = *r;
	copy->name = str_dup(r->name);
	copy->type = str_dup(r->type);
	copy->content = str_dup(r->content);
	copy->comment = str_dup(r->comment);
	copy->settings = str_dup(r->settings);
	copy->data = str_dup(r->data);
	copy->tags = (struct strlist){0};
	for (size_t i = 0; i < r->tags.n; i++)
		strlist_add(&copy->tags, r->tags.items[i]);
	return copy;
}

void records_free(struct map *records)
{
	MAP_EACH (struct sim_record, r, records)
		record_free(r);
	map_free(records);
}

/* ---- tunnels ---- */

static void connector_free(struct sim_connector *n)
{
	free(n->version);
	free(n);
}

static void tunnel_free(struct sim_tunnel *t)
{
	MAP_EACH (struct sim_connector, n, &t->connectors)
		connector_free(n);
	map_free(&t->connectors);
	free(t->name);
	free(t->secret);
	free(t->config);
	free(t);
}

int connector_connection_count(const struct sim_connector *n)
{
	int count = 0;

	for (size_t i = 0; i < SIM_CONNECTIONS; i++)
		count += n->connections[i].id[0] != '\0';
	return count;
}

int tunnel_connection_count(const struct sim_tunnel *t)
{
	int count = 0;

	MAP_EACH (const struct sim_connector, n, &t->connectors)
		count += connector_connection_count(n);
	return count;
}

const char *tunnel_status(const struct sim_tunnel *t)
{
	int count = tunnel_connection_count(t);

	if (count >= SIM_CONNECTIONS)
		return "healthy";
	if (count > 0)
		return "degraded";
	return t->active_ms ? "down" : "inactive";
}

void tunnel_forget_connectors(struct sim_tunnel *t, const char *connector_id, int64_t now_ms)
{
	struct strlist ids = {0};
	int before = tunnel_connection_count(t);

	MAP_EACH (const struct sim_connector, n, &t->connectors)
		if (!connector_id || str_equal(n->id, connector_id))
			strlist_add(&ids, n->id);
	for (size_t i = 0; i < ids.n; i++) {
		struct sim_connector *gone = map_remove(&t->connectors, ids.items[i]);
		if (gone)
			connector_free(gone);
	}
	strlist_free(&ids);
	if (before > 0 && tunnel_connection_count(t) == 0)
		t->inactive_ms = now_ms;
}

/* ---- the rest ---- */

struct sim_account *state_add_account(struct cloud *c, const char *id, const char *name)
{
	struct sim_account *a = map_get(&c->accounts, id);

	if (!a) {
		a = mem_alloc(sizeof *a);
		str_copy(a->id, sizeof a->id, id);
		a->created_ms = clock_wall_ms();
		map_set(&c->accounts, id, a);
		shelves_default(c, id);
	}
	str_set(&a->name, name);
	return a;
}

struct sim_zone *state_add_zone(struct cloud *c, const char *id, const char *name,
				const char *account)
{
	char made[SHA256_HEX_SIZE];

	if (!id) {
		sha256_hex(name, strlen(name), made);
		made[32] = '\0';
		id = made;
	}
	struct sim_zone *z = map_get(&c->zones, id);
	if (!z) {
		z = mem_alloc(sizeof *z);
		str_copy(z->id, sizeof z->id, id);
		z->created_ms = clock_wall_ms();
		z->record_quota = 1000;
		map_set(&c->zones, id, z);
	}
	str_set(&z->name, name);
	str_copy(z->account, sizeof z->account, account);
	return z;
}

struct sim_token *state_add_token(struct cloud *c, const char *value)
{
	struct sim_token *t = map_get(&c->tokens, value);

	if (t)
		return t;
	t = mem_alloc(sizeof *t);
	random_hex(t->id, 32);
	t->status = str_dup("active");
	t->issued_ms = clock_wall_ms();
	map_set(&c->tokens, value, t);
	return t;
}

void state_limits_default(struct sim_limits *limits)
{
	*limits = (struct sim_limits){.requests = 1200,
				      .window_ms = 300000,
				      .block_ms = 300000,
				      .max_tunnels = 1000,
				      .first_version = 1,
				      .audit_from_ms = AUDIT_FROM_MS};
}

static void token_free(struct sim_token *t)
{
	strlist_free(&t->scopes);
	strlist_free(&t->zones);
	strlist_free(&t->accounts);
	free(t->name);
	free(t->status);
	free(t);
}

void state_clear(struct cloud *c)
{
	MAP_EACH (struct sim_account, a, &c->accounts) {
		free(a->name);
		free(a);
	}
	MAP_EACH (struct sim_zone, z, &c->zones) {
		records_free(&z->records);
		free(z->status);
		free(z->type);
		free(z->name);
		free(z);
	}
	MAP_EACH (struct sim_tunnel, t, &c->tunnels)
		tunnel_free(t);
	MAP_EACH (struct sim_token, t, &c->tokens)
		token_free(t);
	MAP_EACH (char, text, &c->fixtures)
		free(text);
	map_free(&c->accounts);
	map_free(&c->zones);
	map_free(&c->tunnels);
	map_free(&c->tokens);
	map_free(&c->fixtures);
	shelves_free(c);
	sim_audit_clear(&c->audit);
}
