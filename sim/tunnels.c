/* Tunnels: what exists, what its token is, and when it may go. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/secret.h"
#include "sim/routes.h"
#include "sim/tunnel_json.h"

#define CODE_TUNNEL_NAME   1013
#define CODE_TUNNEL_ACTIVE 1022
#define CODE_TUNNEL_NONE   1003

void write_connection(struct json_writer *w, const struct sim_connector *n,
		      const struct sim_connection *conn)
{
	json_object_begin(w);
	json_put_string(w, "id", conn->id);
	json_put_string(w, "uuid", conn->id);
	json_put_string(w, "client_id", n->id);
	json_put_string(w, "client_version", n->version);
	json_put_string(w, "colo_name", "SIM01");
	json_put_string(w, "origin_ip", "203.0.113.1");
	json_put_time(w, "opened_at", conn->opened_ms);
	json_put_bool(w, "is_pending_reconnect", false);
	json_object_end(w);
}

static void write_connections(struct json_writer *w, const struct sim_tunnel *t)
{
	json_write_key(w, "connections");
	json_array_begin(w);
	MAP_EACH (const struct sim_connector, n, &t->connectors)
		for (size_t i = 0; i < SIM_CONNECTIONS; i++)
			if (n->connections[i].id[0])
				write_connection(w, n, &n->connections[i]);
	json_array_end(w);
}

static void write_token(struct json_writer *w, const struct cloud *c, const struct sim_tunnel *t)
{
	AUTO(buf_t) text = {0};
	struct json_writer inner;

	json_write_init(&inner, &text);
	json_object_begin(&inner);
	json_put_string(&inner, "a", t->account);
	json_put_string(&inner, "t", t->id);
	json_put_string(&inner, "s", t->secret);
	if (c->edge_address)
		json_put_string(&inner, "e", c->edge_address);
	json_object_end(&inner);
	AUTO(str_t) token = base64_encode(text.data, text.len);
	json_write_string(w, token);
}

static void write_credentials(struct json_writer *w, const struct sim_tunnel *t)
{
	json_write_key(w, "credentials_file");
	json_object_begin(w);
	json_put_string(w, "AccountTag", t->account);
	json_put_string(w, "TunnelID", t->id);
	json_put_string(w, "TunnelName", t->name);
	json_put_string(w, "TunnelSecret", t->secret);
	json_object_end(w);
}

void write_tunnel_members(struct json_writer *w, const struct sim_tunnel *t)
{
	json_put_string(w, "id", t->id);
	json_put_string(w, "account_tag", t->account);
	json_put_time(w, "created_at", t->created_ms);
	json_put_time(w, "deleted_at", t->deleted_ms);
	json_put_string(w, "name", t->name);
	write_connections(w, t);
	json_put_time(w, "conns_active_at", t->active_ms);
	json_put_time(w, "conns_inactive_at", t->inactive_ms);
	json_put_string(w, "tun_type", "cfd_tunnel");
	json_write_key(w, "metadata");
	json_object_begin(w);
	json_object_end(w);
	json_put_string(w, "status", tunnel_status(t));
	json_put_bool(w, "remote_config", t->remote);
	json_put_string(w, "config_src", t->remote ? "cloudflare" : "local");
}

static void write_tunnel(struct call *k, const void *item)
{
	json_object_begin(&k->w);
	write_tunnel_members(&k->w, item);
	json_object_end(&k->w);
}

static void answer_tunnel(struct call *k, const struct sim_tunnel *t)
{
	call_ok_begin(k);
	write_tunnel(k, t);
	call_ok_end(k);
}

/* ---- reading ---- */

struct tunnel_filter {
	bool deleted;
	int64_t existed_ms, active_ms, inactive_ms; /* 0 = not asked */
};

static int filter_time(struct call *k, const char *name, int64_t *out)
{
	const char *text = call_arg(k, name);
	struct err e = {0};

	if (!text || time_parse(text, k->q->now_ms, out, &e) == 0)
		return 0;
	call_fail(k, 400, CODE_OWN, "%s must be a time in RFC 3339", name);
	return -1;
}

static int filter_read(struct call *k, struct tunnel_filter *f)
{
	*f = (struct tunnel_filter){0};
	if (call_arg_bool(k, "is_deleted", false, &f->deleted) < 0)
		return -1;
	if (filter_time(k, "existed_at", &f->existed_ms) < 0 ||
	    filter_time(k, "was_active_at", &f->active_ms) < 0)
		return -1;
	return filter_time(k, "was_inactive_at", &f->inactive_ms);
}

static bool text_passes(const struct call *k, const struct sim_tunnel *t)
{
	const char *name = call_arg(k, "name"), *id = call_arg(k, "uuid");
	const char *status = call_arg(k, "status"), *with = call_arg(k, "include_prefix");
	const char *without = call_arg(k, "exclude_prefix");

	return (!name || str_equal(name, t->name)) && (!id || str_equal(id, t->id)) &&
	       (!status || str_equal(status, tunnel_status(t))) &&
	       (!with || str_starts(t->name, with)) && (!without || !str_starts(t->name, without));
}

static bool filter_passes(const struct call *k, const struct tunnel_filter *f,
			  const struct sim_tunnel *t)
{
	bool up = tunnel_connection_count(t) > 0;

	if (!str_equal(t->account, k->account->id) || !text_passes(k, t))
		return false;
	if (f->existed_ms)
		return t->created_ms <= f->existed_ms &&
		       (!t->deleted_ms || t->deleted_ms > f->existed_ms);
	if (f->active_ms && (!t->active_ms || t->active_ms > f->active_ms))
		return false;
	if (f->inactive_ms && (up || t->inactive_ms > f->inactive_ms))
		return false;
	return f->deleted == (t->deleted_ms != 0);
}

void answer_tunnel_list(struct call *k)
{
	struct tunnel_filter f;
	struct page p;

	if (filter_read(k, &f) < 0 || call_page(k, 1, 1000, 100, &p) < 0)
		return;
	MAP_EACH (struct sim_tunnel, t, &k->c->tunnels)
		if (filter_passes(k, &f, t))
			page_add(&p, t);
	call_ok_page(k, &p, write_tunnel);
}

void answer_tunnel_get(struct call *k)
{
	answer_tunnel(k, k->tunnel);
}

void answer_tunnel_token(struct call *k)
{
	if (call_tunnel_lives(k) < 0)
		return;
	call_ok_begin(k);
	write_token(&k->w, k->c, k->tunnel);
	call_ok_end(k);
}

/* ---- writing ---- */

int call_tunnel_lives(struct call *k)
{
	if (!k->tunnel->deleted_ms)
		return 0;
	call_fail(k, 404, CODE_TUNNEL_NONE, "Tunnel not found");
	return -1;
}

static int check_name(struct call *k, const char *name, const struct sim_tunnel *self)
{
	if (!name[0]) {
		call_fail(k, 400, CODE_OWN, "name must not be empty");
		return -1;
	}
	MAP_EACH (const struct sim_tunnel, t, &k->c->tunnels)
		if (t != self && !t->deleted_ms && str_equal(t->account, k->account->id) &&
		    str_equal(t->name, name)) {
			call_fail(k, 409, CODE_TUNNEL_NAME,
				  "You already have a tunnel with this name. Choose another name "
				  "or delete the existing tunnel.");
			return -1;
		}
	return 0;
}

static int check_secret(struct call *k, const char *secret)
{
	size_t len = 0;

	if (!secret)
		return 0;
	AUTO(str_t) plain = base64_decode(secret, &len);
	if (plain && len >= 32)
		return 0;
	call_fail(k, 400, CODE_OWN, "tunnel_secret must be base64 of at least 32 bytes");
	return -1;
}

static int check_room(struct call *k)
{
	int64_t alive = 0;

	MAP_EACH (const struct sim_tunnel, t, &k->c->tunnels)
		alive += !t->deleted_ms && str_equal(t->account, k->account->id);
	if (alive < k->c->limits.max_tunnels)
		return 0;
	call_fail(k, 400, CODE_OWN, "The account has reached its limit of tunnels");
	return -1;
}

static struct sim_tunnel *tunnel_new(struct call *k, const char *name, const char *secret,
				     bool remote)
{
	struct sim_tunnel *t = mem_alloc(sizeof *t);
	unsigned char made[32];

	sim_new_uuid(t->id);
	str_copy(t->account, sizeof t->account, k->account->id);
	str_copy(t->maker, sizeof t->maker, call_maker(k));
	t->name = str_dup(name);
	random_bytes(made, sizeof made);
	t->secret = secret ? str_dup(secret) : base64_encode(made, sizeof made);
	t->remote = remote;
	t->created_ms = k->q->now_ms;
	t->inactive_ms = k->q->now_ms;
	map_set(&k->c->tunnels, t->id, t);
	return t;
}

static int config_src_read(struct call *k, bool *remote)
{
	const char *src;

	if (call_body_string(k, "config_src", &src) < 0)
		return -1;
	*remote = str_equal(src, "cloudflare");
	if (!src || *remote || str_equal(src, "local"))
		return 0;
	call_fail(k, 400, CODE_OWN, "config_src must be local or cloudflare");
	return -1;
}

void answer_tunnel_create(struct call *k)
{
	const char *name, *secret;
	bool remote;

	if (call_body(k) < 0 || call_body_string(k, "name", &name) < 0 ||
	    call_body_string(k, "tunnel_secret", &secret) < 0 || config_src_read(k, &remote) < 0)
		return;
	if (!name) {
		call_fail(k, 400, CODE_OWN, "name is required");
		return;
	}
	if (check_secret(k, secret) < 0 || check_name(k, name, NULL) < 0 || check_room(k) < 0)
		return;
	const struct sim_tunnel *t = tunnel_new(k, name, secret, remote);
	call_touch(k, t->id, t->maker);
	call_ok_begin(k);
	json_object_begin(&k->w);
	write_tunnel_members(&k->w, t);
	write_credentials(&k->w, t);
	json_write_key(&k->w, "token");
	write_token(&k->w, k->c, t);
	json_object_end(&k->w);
	call_ok_end(k);
}

void answer_tunnel_patch(struct call *k)
{
	const char *name, *secret;

	if (call_tunnel_lives(k) < 0 || call_body(k) < 0 ||
	    call_body_string(k, "name", &name) < 0 ||
	    call_body_string(k, "tunnel_secret", &secret) < 0 || check_secret(k, secret) < 0)
		return;
	if (name && check_name(k, name, k->tunnel) < 0)
		return;
	call_touch(k, k->tunnel->id, k->tunnel->maker);
	if (name)
		str_set(&k->tunnel->name, name);
	if (secret)
		str_set(&k->tunnel->secret, secret);
	answer_tunnel(k, k->tunnel);
}

void answer_tunnel_delete(struct call *k)
{
	struct sim_tunnel *t = k->tunnel;
	bool cascade;

	if (call_tunnel_lives(k) < 0 || call_arg_bool(k, "cascade", false, &cascade) < 0)
		return;
	if (tunnel_connection_count(t) > 0 && !cascade) {
		call_fail(k, 400, CODE_TUNNEL_ACTIVE,
			  "Cannot delete tunnel because it has active connections");
		return;
	}
	call_touch(k, t->id, t->maker);
	tunnel_forget_connectors(t, NULL, k->q->now_ms);
	t->deleted_ms = k->q->now_ms;
	if (k->c->edge.connections_dropped)
		k->c->edge.connections_dropped(t->id, NULL, k->c->edge.owner);
	answer_tunnel(k, t);
}
