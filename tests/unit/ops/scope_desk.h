/* A desk with grants, and a world of which they see a part. */
#ifndef UNIT_OPS_SCOPE_DESK_H
#define UNIT_OPS_SCOPE_DESK_H

#include "ops/grants.h"
#include "tests/unit/ops/write_desk.h"

/* As a row holds it: with every member. */
static inline char *spec_of(const char *text)
{
	AUTO(json_doc_t) doc = NULL;
	AUTO(buf_t) whole = {0};
	struct grant_spec spec = {0};
	struct json_writer w;
	struct err e;
	if (json_parse(text, strlen(text), NULL, &doc, &e) < 0 ||
	    fields_decode(grant_spec_fields(), json_root(doc), &spec, NULL, &e) < 0)
		fail_msg("%s", e.message);
	json_write_init(&w, &whole);
	fields_write(grant_spec_fields(), &spec, &w);
	fields_free(grant_spec_fields(), &spec);
	return str_dup(buf_text(&whole));
}

static inline struct principal grant_make(struct desk *d, const char *name, const char *spec)
{
	char hash[SHA256_HEX_SIZE];
	struct grant_row row = {
		.name = str_dup(name),
		.spec = spec_of(spec),
		.created_by = str_dup("root (uid 0)"),
		.created_ms = 1,
		.expires_at_ms = INT64_MAX,
	};
	struct principal who;
	struct err e;
	sha256_hex(name, strlen(name), hash);
	row.token_sha256 = str_dup(hash);
	assert_int_equal(store_begin(d->store, &e), 0);
	if (store_add_grant(d->store, &row, &e) < 0 || store_commit(d->store, &e) < 0)
		fail_msg("%s", e.message);
	grants_add(d->ops.grants, &row);
	grant_row_free(&row);
	assert_int_equal(principal_of_grant(grants_by_name(d->ops.grants, name), &who), 0);
	return who;
}

static inline void zone_make(struct desk *d, const char *name)
{
	char id[CF_ID_SIZE], hash[SHA256_HEX_SIZE];
	sha256_hex(name, strlen(name), hash);
	(void)snprintf(id, sizeof(id), "%.32s", hash);
	struct zone *z = zone_new(id, name);
	str_set(&z->status, "active");
	world_add_zone(d->world, z);
	d->world->system.zones_listed_ms = 1;
}

/* Ids are made of names, so that the same world is the same twice. */
static inline void id_of(char letter, const char *name, char out[ID_SIZE])
{
	char hash[SHA256_HEX_SIZE];
	sha256_hex(name, strlen(name), hash);
	(void)snprintf(out, ID_SIZE, "%c%.10s", letter, hash);
}

static inline struct tunnel *tunnel_make(struct desk *d, const char *name)
{
	struct tunnel *t = tunnel_new(name);
	char hash[SHA256_HEX_SIZE];
	struct err e;
	sha256_hex(name, strlen(name), hash);
	id_of('t', name, t->id);
	(void)snprintf(t->remote_id, sizeof(t->remote_id), "%.8s-%.4s-%.4s-%.4s-%.12s", hash,
		       hash + 8, hash + 12, hash + 16, hash + 20);
	t->config_version = t->observed.config_version = 3;
	t->applied_generation = t->generation;
	t->observed.config_seen_ms = 1;
	assert_int_equal(store_begin(d->store, &e), 0);
	if (store_save_tunnel(d->store, t, &e) < 0 || store_commit(d->store, &e) < 0)
		fail_msg("%s", e.message);
	world_add_tunnel(d->world, t);
	struct connector *c = connector_new(t->id, 1);
	world_add_connector(d->world, c);
	return t;
}

static inline struct record *record_make(struct desk *d, const char *name, const char *type,
					 const struct tunnel *t)
{
	AUTO(str_t) key = str_format("%s %s", name, type);
	struct record *r = record_new(name, type);
	char hash[SHA256_HEX_SIZE];
	struct err e;
	const struct zone *z = world_zone_of(d->world, name);
	id_of('d', key, r->id);
	sha256_hex(key, strlen(key), hash);
	(void)snprintf(r->remote_id, sizeof(r->remote_id), "%.32s", hash);
	(void)str_copy(r->tunnel_id, sizeof(r->tunnel_id), t ? t->id : "");
	(void)str_copy(r->zone_id, sizeof(r->zone_id), z ? z->id : "");
	r->proxied = t != NULL;
	r->ttl = 1;
	if (!t)
		str_set(&r->content, "192.0.2.1");
	assert_int_equal(store_begin(d->store, &e), 0);
	if (store_save_record(d->store, r, &e) < 0 || store_commit(d->store, &e) < 0)
		fail_msg("%s", e.message);
	world_add_record(d->world, r);
	return r;
}

static inline struct route *route_make(struct desk *d, const char *hostname, const struct tunnel *t)
{
	struct route *r = route_new();
	struct err e;
	id_of('r', hostname, r->id);
	(void)str_copy(r->tunnel_id, sizeof(r->tunnel_id), t->id);
	str_set(&r->hostname, hostname);
	str_set(&r->service, "http://127.0.0.1:8080");
	r->generation = r->applied_generation = 1;
	assert_int_equal(store_begin(d->store, &e), 0);
	if (store_save_route(d->store, r, &e) < 0 || store_commit(d->store, &e) < 0)
		fail_msg("%s", e.message);
	world_add_route(d->world, r);
	(void)record_make(d, hostname, "CNAME", t);
	return r;
}

#endif
