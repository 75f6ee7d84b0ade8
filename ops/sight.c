#include "ops/sight.h"

/* Who may call the list may see the objects. */
static const char *list_of(enum object_type type)
{
	switch (type) {
	case OBJECT_TUNNEL:
		return "tunnel_list";
	case OBJECT_ROUTE:
		return "route_list";
	case OBJECT_RECORD:
		return "dns_list";
	case OBJECT_CONNECTOR:
		return "connector_list";
	case OBJECT_ZONE:
		return "zone_list";
	case OBJECT_PLAN:
		return "plan_list";
	case OBJECT_SYSTEM:
		return "status_get";
	case OBJECT_TYPES:
		break;
	}
	return NULL;
}

bool principal_sees(const struct principal *p, enum object_type type)
{
	const char *name = list_of(type);
	struct err ignored;

	return name && principal_may(p, op_find(name), &ignored) == 0;
}
