/* Connectors and their connections: as the API shows them, and as the edge reports them. */
#include <stdlib.h>

#include "base/clock.h"
#include "sim/routes.h"
#include "sim/tunnel_json.h"

/* ---- the API's view ---- */

static void write_connector(struct json_writer *w, const struct sim_connector *n)
{
	static const char *const features[] = {"serialized_headers", "support_datagram_v2",
					       "support_quic_eof", "allow_remote_config"};

	json_object_begin(w);
	json_put_string(w, "id", n->id);
	json_put_string(w, "version", n->version);
	json_put_string(w, "arch", "linux_amd64");
	json_put_time(w, "run_at", n->run_ms);
	json_put_int(w, "config_version", n->config_version);
	json_write_key(w, "features");
	json_array_begin(w);
	for (size_t i = 0; i < ARRAY_LEN(features); i++)
		json_write_string(w, features[i]);
	json_array_end(w);
	json_write_key(w, "conns");
	json_array_begin(w);
	for (size_t i = 0; i < SIM_CONNECTIONS; i++)
		if (n->connections[i].id[0])
			write_connection(w, n, &n->connections[i]);
	json_array_end(w);
	json_object_end(w);
}

void answer_connection_list(struct call *k)
{
	call_ok_begin(k);
	json_array_begin(&k->w);
	MAP_EACH (const struct sim_connector, n, &k->tunnel->connectors)
		write_connector(&k->w, n);
	json_array_end(&k->w);
	call_ok_end(k);
}

void answer_connector_get(struct call *k)
{
	const struct sim_connector *n = map_get(&k->tunnel->connectors, k->ids[2]);

	if (!n) {
		call_fail(k, 404, CODE_OWN, "Connector not found");
		return;
	}
	call_ok_begin(k);
	write_connector(&k->w, n);
	call_ok_end(k);
}

void answer_connection_delete(struct call *k)
{
	const char *client = call_arg(k, "client_id");

	if (call_tunnel_lives(k) < 0)
		return;
	if (client && !uuid_valid(client)) {
		call_fail(k, 400, CODE_OWN, "client_id must be a UUID");
		return;
	}
	call_touch(k, k->tunnel->id, k->tunnel->maker);
	tunnel_forget_connectors(k->tunnel, client, k->q->now_ms);
	if (k->c->edge.connections_dropped)
		k->c->edge.connections_dropped(k->tunnel->id, client, k->c->edge.owner);
	call_ok_null(k);
}

/* ---- the edge's side ---- */

static struct sim_tunnel *live_tunnel(const struct cloud *c, const char *id)
{
	struct sim_tunnel *t = map_get(&c->tunnels, id);

	return t && !t->deleted_ms ? t : NULL;
}

int cloud_edge_register(struct cloud *c, const char *account, const char *tunnel_id,
			const char *secret_base64, const char *connector_id, int index,
			const char *version, const char **why)
{
	struct sim_tunnel *t = live_tunnel(c, tunnel_id);

	if (!t || !str_equal(t->account, account)) {
		*why = "Unauthorized: Failed to get tunnel";
		return -1;
	}
	if (!str_equal(t->secret, secret_base64)) {
		*why = "Unauthorized: Invalid tunnel secret";
		return -1;
	}
	if (!uuid_valid(connector_id) || index < 0 || index >= SIM_CONNECTIONS) {
		*why = "Bad connection parameters";
		return -1;
	}
	struct sim_connector *n = map_get(&t->connectors, connector_id);
	int64_t now = clock_wall_ms();
	if (!n) {
		n = mem_alloc(sizeof *n);
		str_copy(n->id, sizeof n->id, connector_id);
		n->run_ms = now;
		map_set(&t->connectors, connector_id, n);
	}
	str_set(&n->version, version);
	sim_new_uuid(n->connections[index].id);
	n->connections[index].opened_ms = now;
	t->active_ms = t->inactive_ms || !t->active_ms ? now : t->active_ms;
	t->inactive_ms = 0;
	return 0;
}

void cloud_edge_unregister(struct cloud *c, const char *tunnel_id, const char *connector_id,
			   int index)
{
	struct sim_tunnel *t = map_get(&c->tunnels, tunnel_id);
	struct sim_connector *n = t ? map_get(&t->connectors, connector_id) : NULL;

	if (!n || index < 0 || index >= SIM_CONNECTIONS)
		return;
	n->connections[index].id[0] = '\0';
	if (connector_connection_count(n) == 0)
		tunnel_forget_connectors(t, connector_id, clock_wall_ms());
	if (tunnel_connection_count(t) == 0 && !t->inactive_ms)
		t->inactive_ms = clock_wall_ms();
}

void cloud_edge_running(struct cloud *c, const char *tunnel_id, const char *connector_id,
			int64_t version)
{
	struct sim_tunnel *t = map_get(&c->tunnels, tunnel_id);
	struct sim_connector *n = t ? map_get(&t->connectors, connector_id) : NULL;

	if (n)
		n->config_version = version;
}

const char *cloud_edge_config(const struct cloud *c, const char *tunnel_id, int64_t *version)
{
	const struct sim_tunnel *t = live_tunnel(c, tunnel_id);

	*version = t ? t->version : 0;
	return t ? t->config : NULL;
}

/* ---- a visitor's name ---- */

static const struct sim_zone *zone_of(const struct cloud *c, const char *hostname)
{
	const struct sim_zone *best = NULL;

	MAP_EACH (const struct sim_zone, z, &c->zones)
		if (hostname_within(hostname, z->name) &&
		    (!best || hostname_within(z->name, best->name)))
			best = z;
	return best;
}

static const char *tunnel_of_record(const struct cloud *c, const struct sim_zone *z,
				    const struct sim_record *r)
{
	char id[UUID_SIZE];

	if (!r->proxied || !str_equal(r->type, "CNAME") ||
	    !str_ends(r->content, ".cfargotunnel.com"))
		return "";
	AUTO(str_t) label = str_ndup(r->content, UUID_SIZE - 1);
	if (!str_copy(id, sizeof id, label))
		return "";
	const struct sim_tunnel *t = map_get(&c->tunnels, id);
	return t && str_equal(t->account, z->account) ? t->id : "";
}

static bool answers_visitors(const struct sim_record *r)
{
	return str_equal(r->type, "CNAME") || str_equal(r->type, "A") || str_equal(r->type, "AAAA");
}

static const struct sim_record *record_of(const struct sim_zone *z, const char *hostname)
{
	const struct sim_record *wild = NULL;

	MAP_EACH (const struct sim_record, r, &z->records) {
		if (!answers_visitors(r))
			continue;
		if (str_equal(r->name, hostname))
			return r;
		if (r->name[0] == '*' && hostname_matches(r->name, hostname) &&
		    (!wild || hostname_within(r->name + 2, wild->name + 2)))
			wild = r;
	}
	return wild;
}

const char *cloud_edge_tunnel_of(const struct cloud *c, const char *hostname, bool *known)
{
	const struct sim_zone *z = zone_of(c, hostname);
	const struct sim_record *r = z ? record_of(z, hostname) : NULL;

	*known = r != NULL;
	return r ? tunnel_of_record(c, z, r) : "";
}
