/*
 * What a client of MCP is told when it cannot be let in: it shows its user what comes on standard
 * output, and of a process that ended says no more than that it did.
 */
#ifndef CLI_MCP_REFUSED_H
#define CLI_MCP_REFUSED_H

#include "base/err.h"

/* Answer what is asked on standard input with that error, until the input ends, or nothing more is
 * asked for a while. Does nothing on a terminal. */
void mcp_answer_refused(const struct err *e);

#endif
