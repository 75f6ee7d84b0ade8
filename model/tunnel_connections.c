#include "model/tunnel_connections.h"

#include <stdlib.h>
#include <strings.h>

void tunnel_connections_t_cleanup(tunnel_connections_t *c)
{
	free(c->items);
	*c = (struct tunnel_connections){0};
}

int64_t tunnel_connections_count(const struct tunnel_connections *c)
{
	int64_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->items[i].connections;
	return n;
}

const struct tunnel_client *tunnel_connections_find(const struct tunnel_connections *c,
						    const char *id)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcasecmp(c->items[i].id, id) == 0)
			return &c->items[i];
	return NULL;
}
