/* What operations do to objects, for grants: reads by their names, writes by one table. */
#include "ops/decl/decl.h"

#define ANY_PUT (GRANT_CREATE | GRANT_UPDATE)

/* What makes an object or changes one, whichever it finds, takes either. */
static const struct {
	const char *name;
	unsigned methods;
} writes[] = {
	{"tunnel_create", GRANT_CREATE},
	{"tunnel_update", GRANT_UPDATE},
	{"tunnel_delete", GRANT_DELETE},
	{"tunnel_adopt", GRANT_CREATE},
	{"tunnel_join", GRANT_CREATE},
	{"tunnel_release", GRANT_DELETE},
	{"tunnel_rotate", GRANT_UPDATE},
	{"route_set", ANY_PUT},
	{"route_probe", ANY_PUT},
	{"route_delete", GRANT_DELETE},
	{"dns_set", ANY_PUT},
	{"dns_delete", GRANT_DELETE},
	{"plan_apply", GRANT_WRITES},
	{"plan_approve", GRANT_WRITES},
	{"plan_reject", GRANT_WRITES},
	{"plan_create", GRANT_WRITES},
	{"manifest_apply", GRANT_WRITES},
	{"manifest_import", ANY_PUT},
	{"connector_start", GRANT_UPDATE},
	{"connector_stop", GRANT_UPDATE},
	{"connector_restart", GRANT_UPDATE},
	{"connector_upgrade", GRANT_UPDATE},
	{"writes_resume", GRANT_UPDATE},
	{"grant_create", GRANT_CREATE},
	{"grant_revoke", GRANT_DELETE},
	{"grant_freeze", GRANT_UPDATE},
};

static const char *const method_names[] = {"list", "get", "create", "update", "delete", NULL};

unsigned op_methods(const struct op *op)
{
	if (op->effects == OP_READS)
		return str_ends(op->name, "_list") || str_ends(op->name, "_search") ? GRANT_LIST
										    : GRANT_GET;
	for (size_t i = 0; i < ARRAY_LEN(writes); i++)
		if (str_equal(writes[i].name, op->name))
			return writes[i].methods;
	return 0; /* not in the table: no grant has it */
}

const char *const *op_method_names(void)
{
	return method_names;
}

bool op_has_tag(const struct op *op, const char *tag)
{
	for (const char *const *at = op->tags; at && *at; at++)
		if (str_equal(*at, tag))
			return true;
	return false;
}

bool op_tag_known(const char *tag)
{
	const struct op *op;
	for (size_t i = 0; (op = op_at(i)); i++)
		if (op_has_tag(op, tag))
			return true;
	return false;
}
