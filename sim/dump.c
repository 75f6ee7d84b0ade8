/* The whole state for the control port. Secrets stay inside. */
#include <string.h>

#include "sim/record_edit.h"
#include "sim/tunnel_json.h"

static void dump_connectors(struct json_writer *w, const struct sim_tunnel *t)
{
	json_write_key(w, "connectors");
	json_array_begin(w);
	MAP_EACH (const struct sim_connector, n, &t->connectors) {
		json_object_begin(w);
		json_put_string(w, "id", n->id);
		json_put_string(w, "version", n->version);
		json_put_int(w, "config_version", n->config_version);
		json_put_int(w, "connections", connector_connection_count(n));
		json_object_end(w);
	}
	json_array_end(w);
}

static void dump_tunnels(struct json_writer *w, const struct cloud *c)
{
	json_write_key(w, "tunnels");
	json_array_begin(w);
	MAP_EACH (const struct sim_tunnel, t, &c->tunnels) {
		json_object_begin(w);
		write_tunnel_members(w, t);
		json_put_string(w, "maker", t->maker);
		json_put_int(w, "version", t->version);
		json_write_key(w, "config");
		if (t->config)
			json_write_raw(w, t->config, strlen(t->config));
		else
			json_write_null(w);
		dump_connectors(w, t);
		json_object_end(w);
	}
	json_array_end(w);
}

static void dump_zones(struct call *k, const struct cloud *c)
{
	struct json_writer *w = &k->w;

	json_write_key(w, "zones");
	json_array_begin(w);
	MAP_EACH (const struct sim_zone, z, &c->zones) {
		json_object_begin(w);
		json_put_string(w, "id", z->id);
		json_put_string(w, "name", z->name);
		json_put_string(w, "account", z->account);
		json_put_string(w, "plan", z->paid ? "paid" : "free");
		json_write_key(w, "records");
		json_array_begin(w);
		MAP_EACH (const struct sim_record, r, &z->records)
			write_record(k, r);
		json_array_end(w);
		json_object_end(w);
	}
	json_array_end(w);
}

static void dump_people(struct json_writer *w, const struct cloud *c)
{
	json_write_key(w, "accounts");
	json_array_begin(w);
	MAP_EACH (const struct sim_account, a, &c->accounts) {
		json_object_begin(w);
		json_put_string(w, "id", a->id);
		json_put_string(w, "name", a->name);
		json_object_end(w);
	}
	json_array_end(w);
	json_write_key(w, "tokens");
	json_array_begin(w);
	MAP_EACH (const struct sim_token, t, &c->tokens) {
		json_object_begin(w);
		json_put_string(w, "id", t->id);
		json_put_string(w, "status", t->status);
		json_put_string(w, "account", t->account);
		json_put_strlist(w, "scopes", &t->scopes);
		json_put_int(w, "used", t->used);
		json_object_end(w);
	}
	json_array_end(w);
}

void cloud_state(const struct cloud *c, struct buf *out)
{
	struct call k = {.c = NULL};

	json_write_init(&k.w, out);
	json_object_begin(&k.w);
	dump_people(&k.w, c);
	dump_tunnels(&k.w, c);
	dump_zones(&k, c);
	json_object_end(&k.w);
}
