/*
 * Other names of tools, with the arguments that go with them, for prompts that were written for
 * another server (mcp.aliases). An alias is the operation that it stands for: it is judged, done
 * and answered as that.
 */
#ifndef MCP_ALIASES_H
#define MCP_ALIASES_H

#include "model/settings.h"
#include "ops/decl/decl.h"

struct alias;
/* In order; NULL past the last. */
const struct alias *alias_at(size_t i);
const char *alias_name(const struct alias *a);
/* NULL: there is no such operation. */
const struct op *alias_op(const struct alias *a);
bool aliases_are_on(const struct settings *s);

/* Its arguments: those of the operation, some under other names. The caller frees the table. */
struct field *alias_fields(const struct alias *a);
/* What was given, as the operation has it; own names are taken too. */
MUST_USE int alias_arguments(const struct alias *a, const struct json *given, struct buf *out,
			     struct err *e);

#endif
