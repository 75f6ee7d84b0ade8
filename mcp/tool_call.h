/* A call of a tool that is an operation: its arguments in, its answer in the shape that is asked
 * for, within what clients take. */
#ifndef MCP_TOOL_CALL_H
#define MCP_TOOL_CALL_H

#include "mcp/tool_table.h"

void tool_call_run(struct exchange *x, const struct tool *t, const struct json *arguments);
/* Answer with that text as what the model reads; x is gone then. object: JSON of an answer, which
 * is the structured content too; else it is an error's. */
void tool_answer(struct exchange *x, const struct buf *text, bool object, bool failed);
/* The members of such an answer. said: the text stands beside the structured content too. */
void tool_put_answer(struct json_writer *w, const struct buf *text, bool structured, bool said,
		     bool failed);
/* The arguments were not understood; x is gone then. */
void tool_answer_error(struct exchange *x, const struct err *e);
/* The same with the answer of a write that a plan was made for, and what to do about it. */
void tool_answer_plan(struct exchange *x, const struct buf *result);
/* The text of that. */
void tool_plan_text(const struct buf *result, struct buf *text);

#endif
