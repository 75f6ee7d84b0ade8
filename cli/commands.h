/*
 * What adit can be told: the daemon's operations, and what adit carries out by itself, which is
 * declared in the same form, so that words, options, help and completions are made alike.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "ops/decl/decl.h"

/* Operations first; NULL past the last. */
const struct op *command_at(size_t i);
const struct op *command_find(const char *name);
/* Those that adit carries out by itself; NULL past the last. */
const struct op *own_command_at(size_t i);
bool command_is_own(const struct op *op);

/* MCP over standard input and output (mcp.c). */
const struct op *command_mcp(void);

#endif
