#include "ops/decl/decl.h"

typedef const struct op *op_fn(void);

static op_fn *const op_fns[] = {
#define OP(id) op_##id,
#include "ops/decl/ops.def"
#undef OP
};

static const char *const names[] = {
#define OP(id) #id,
#include "ops/decl/ops.def"
#undef OP
	NULL};

static const char *const role_names[ROLES] = {
	[ROLE_NONE] = "none",         [ROLE_VIEWER] = "viewer", [ROLE_AUDITOR] = "auditor",
	[ROLE_OPERATOR] = "operator", [ROLE_ADMIN] = "admin",
};

const char *role_name(enum role r)
{
	return role_names[r];
}

int role_by_name(const char *name)
{
	for (int r = 0; r < ROLES; r++)
		if (str_equal(role_names[r], name))
			return r;
	return -1;
}

bool role_holds(enum role has, enum role needs)
{
	if (needs == ROLE_NONE || has == ROLE_ADMIN || has == needs)
		return true;
	return needs == ROLE_VIEWER && has != ROLE_NONE;
}

const struct op *op_at(size_t i)
{
	return i < ARRAY_LEN(op_fns) ? op_fns[i]() : NULL;
}

const struct op *op_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(op_fns); i++)
		if (str_equal(names[i], name))
			return op_fns[i]();
	return NULL;
}

bool op_makes_plan(const struct op *op)
{
	return op->effects != OP_READS && fields_find(op->args, "dry_run");
}

const char *const *op_names(void)
{
	return names;
}
