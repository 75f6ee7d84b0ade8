#include "cloudflare/connections.h"

#include "cloudflare/paths.h"

#define CLIENTS_MAX 1000 /* Cloudflare allows 25 */

void cf_connections_ask(struct cf *cf, struct cf_call *c, enum cf_share share,
			const char *tunnel_id, task_done_fn *done, void *owner)
{
	AUTO(str_t) path = NULL;
	struct err e;

	if (path_tunnel(cf, tunnel_id, "/connections", &path, &e) < 0)
		cf_call_refuse(cf, c, &e, done, owner);
	else
		cf_call_start_with(cf, c, share, "GET", path, NULL, tunnel_id,
				   PERMISSION_TUNNEL_READ, CF_CALL_WHOLE, done, owner);
}

static int refuse(const char *what, struct err *e)
{
	return err_set(e, ERR_UPSTREAM, "Cloudflare's answer is no list of connections: %s", what);
}

static int read_client(const struct json *v, struct tunnel_client *out, struct err *e)
{
	const struct json *conns = json_get(v, "conns");
	const char *id = json_get_string(v, "id");

	if (!id || !uuid_valid(id) || !str_copy(out->id, sizeof(out->id), id))
		return refuse("a connector's id is missing or malformed", e);
	if (!json_is_null(conns) && json_type(conns) != JSON_ARRAY)
		return refuse("a connector's connections are no array", e);
	JSON_EACH (conn, conns)
		out->connections += !json_get_bool(conn, "is_pending_reconnect", false);
	out->config_version = json_get_int(v, "config_version", -1);
	return 0;
}

int cf_connections_read(const struct cf_call *c, struct tunnel_connections *out, struct err *e)
{
	AUTO(tunnel_connections_t) found = {0};
	size_t n = json_count(c->result);

	if (!cf_call_listed(c))
		return refuse("it is no array", e);
	if (n > CLIENTS_MAX)
		return refuse("there are too many", e);
	found.items = mem_array(n + 1, sizeof(*found.items));
	JSON_EACH (v, c->result) {
		if (read_client(v, &found.items[found.n], e) < 0)
			return -1;
		found.n++;
	}
	*out = found;
	found = (struct tunnel_connections){0};
	return 0;
}
