/* The commands that are no operations of the daemon. */
#include "cli/commands.h"

#include <ctype.h>
#include <string.h>

struct mcp_args {
	char *grant;
};

/* What a grant may be called, so that a name can stand in a header. The daemon knows which there
 * are. */
static int check_grant(const char *text, struct err *e)
{
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
			return err_set(e, ERR_INVALID,
				       "\"%.40s\" is no grant's name: letters, digits, \"-\", "
				       "\"_\" and \".\" make one",
				       text);
	return *text ? 0 : err_set(e, ERR_INVALID, "a grant's name is not empty");
}

const struct op *command_mcp(void)
{
	static const struct field args[] = {
		FIELD(struct mcp_args, grant, .max = 64, .check = check_grant,
		      .doc = "The grant to speak under; without it, everything may be read and "
			     "nothing changed."),
		FIELDS_END,
	};
	static const struct field none[] = { FIELDS_END };
	static const char *const tags[] = {NULL};
	static const struct op op = {
		.name = "mcp",
		.title = "Speak MCP on standard input and output",
		.doc = "For MCP clients that start a program: claude mcp add adit -- adit mcp "
		       "--grant NAME. Copies bytes between standard input and output and the "
		       "daemon, one JSON message a line, and ends with its input, on SIGINT and on "
		       "SIGTERM. When the daemon goes away it says so and exits with 3; the "
		       "client starts it again. A grant above the role of who runs it is refused "
		       "(77).",
		.role = ROLE_VIEWER,
		.effects = OP_READS,
		.doors = OP_DOOR_MCP,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct mcp_args),
		.result = none,
	};
	return &op;
}

const struct op *own_command_at(size_t i)
{
	return i == 0 ? command_mcp() : NULL;
}

bool command_is_own(const struct op *op)
{
	return op == command_mcp();
}

static size_t count_ops(void)
{
	size_t n = 0;

	while (op_at(n))
		n++;
	return n;
}

const struct op *command_at(size_t i)
{
	const struct op *op = op_at(i);

	return op ? op : own_command_at(i - count_ops());
}

const struct op *command_find(const char *name)
{
	const struct op *op = op_find(name);

	for (size_t i = 0; !op && own_command_at(i); i++)
		if (str_equal(own_command_at(i)->name, name))
			op = own_command_at(i);
	return op;
}
