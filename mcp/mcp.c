#include "mcp/private.h"
#include "mcp/tool_table.h"

#include <stdlib.h>
#include <string.h>

struct mcp *mcp_new(struct loop *l, struct ops *o)
{
	struct mcp *m = mem_alloc(sizeof(*m));
	m->loop = l;
	m->ops = o;
	list_init(&m->parcels);
	ask_spent_init(&m->asked);
	tasks_init(m);
	random_bytes(m->key, sizeof(m->key));
	server_info_write(&m->server_info);
	return m;
}

void mcp_free(struct mcp *m)
{
	if (!m)
		return;
	visits_free(m);
	tasks_free(m);
	tool_table_free(m->tools);
	free(m->spare_call);
	buf_free(&m->server_info);
	ask_spent_free(&m->asked);
	explicit_bzero(m->key, sizeof(m->key));
	free(m);
}
