/*
 * `adit mcp`: MCP on standard input and output. One connection to the daemon is upgraded to lines;
 * from then on the daemon serves the two itself, or bytes are only copied: the daemon alone knows
 * MCP. Nothing but those bytes is ever written to standard output, but for the refusal of a client
 * that cannot be let in.
 */
#ifndef CLI_MCP_H
#define CLI_MCP_H

#include "cli/args.h"

/* The exit code. */
int mcp_run(const struct cli *c);

#endif
