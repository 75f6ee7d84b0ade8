/* Tunnels come into being with a local id of their own; what Cloudflare calls them comes later. */
#include "model/tunnel.h"

#include <stdlib.h>

#include "base/secret.h"

struct tunnel *tunnel_new(const char *name)
{
	struct tunnel *t = mem_alloc(sizeof(*t));

	t->id[0] = 't';
	random_hex(t->id + 1, ID_DIGITS);
	t->name = str_dup(name);
	t->replicas = 1;
	t->generation = 1;
	t->observed.connections = -1;
	return t;
}

void tunnel_free(struct tunnel *t)
{
	if (!t)
		return;
	free(t->name);
	free(t->manifest);
	free(t->renames);
	free(t->observed.secret_refusal);
	free(t->observed.config);
	free(t->observed.name);
	map_free(&t->observed.config_keeps);
	tunnel_connections_t_cleanup(&t->observed.clients);
	free(t->observed.drift.actor.text);
	free(t->observed.config_actor.text);
	problem_clear(&t->problem);
	free(t);
}
