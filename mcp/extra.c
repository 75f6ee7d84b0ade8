#include "mcp/extra.h"

const struct mcp_extra *mcp_extra(void)
{
	return NULL;
}
