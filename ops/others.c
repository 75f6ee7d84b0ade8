#include "ops/others.h"

#include <arpa/inet.h>
/* The address that it comes from, where it is one. */
static const char *address_of(const struct json *client)
{
	unsigned char raw[sizeof(struct in6_addr)];
	const char *text = json_get_string(json_first(json_get(client, "conns")), "origin_ip");
	bool fits =
		text && (inet_pton(AF_INET, text, raw) == 1 || inet_pton(AF_INET6, text, raw) == 1);
	return fits ? text : NULL;
}

static void add_client(struct buf *out, const struct json *client, const char *id)
{
	const char *address = address_of(client);
	(void)buf_printf(out, "%sconnector %s%s%s", out->len ? "\n" : "", id, address ? " at " : "",
			 address ? address : "");
}

int others_read(const struct world *w, const char *tunnel_id, const struct cf_call *c,
		char **others, struct err *e)
{
	AUTO(tunnel_connections_t) found = {0};
	AUTO(buf_t) text = {0};
	size_t at = 0;
	if (cf_connections_read(c, &found, e) < 0)
		return -1;
	JSON_EACH (client, c->result) {
		const char *id = found.items[at++].id;
		if (!world_runs_client(w, tunnel_id, id))
			add_client(&text, client, id);
	}
	str_set(others, text.len ? buf_text(&text) : "");
	return 0;
}
