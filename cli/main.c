/* adit: the client of aditd's socket. Everything it can do follows from the operations' table. */
#include <locale.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/gen.h"
#include "cli/help.h"
#include "cli/mcp.h"
#include "cli/outcome.h"
#include "cli/session.h"
#include "cli/watch.h"

static int print_help(const struct cli *c)
{
	AUTO(buf_t) text = {0};
	struct style s;

	session_style(STDOUT_FILENO, c->colour, &s);
	help_print(c, &s, &text);
	return session_write(&text) ? EXIT_DONE : EXIT_FAILED;
}

static int print_generated(const struct cli *c)
{
	AUTO(buf_t) text = {0};
	struct err e = {0};

	if (gen_print(c->topic, &text, &e) < 0) {
		session_tell(&e, c->colour);
		return EXIT_USAGE;
	}
	return session_write(&text) ? EXIT_DONE : EXIT_FAILED;
}

int main(int argc, char **argv)
{
	AUTO(cli_t) c = {0};
	struct err e = {0};

	/* Only for the width of characters; numbers and sentences stay as they are. */
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	if (args_parse(argc, argv, &c, &e) < 0) {
		session_tell(&e, c.colour);
		return err_kind_exit(e.kind);
	}
	switch (c.verb) {
	case CLI_HELP:
		return print_help(&c);
	case CLI_VERSION:
		return puts("adit " ADIT_VERSION) < 0 ? EXIT_FAILED : EXIT_DONE;
	case CLI_GEN:
		return print_generated(&c);
	case CLI_CALL:
		break;
	}
	if (c.op == command_mcp())
		return mcp_run(&c);
	if (c.stay)
		return str_equal(c.op->name, "status_get") ? watch_run(&c) : follow_run(&c);
	return session_run(&c);
}
