/* The man page and OPERATIONS.md. */
#include "cli/gen.h"

#include <string.h>

#include "cli/commands.h"
#include "cli/help.h"

/* ---- the man page ---- */

/* roff reads backslashes anywhere and dots and quotes at the start of a line; '-' would become a
 * hyphen that cannot be copied. */
static void roff(struct buf *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		(void)buf_str(out, "\\&");
	for (; *text; text++) {
		if (*text == '\\')
			(void)buf_str(out, "\\e");
		else if (*text == '-')
			(void)buf_str(out, "\\-");
		else
			(void)buf_char(out, *text == '\n' ? ' ' : *text);
	}
}

static void roff_line(struct buf *out, const char *text)
{
	roff(out, text);
	(void)buf_char(out, '\n');
}

static void man_entry(struct buf *out, const char *head, const char *text)
{
	(void)buf_str(out, ".TP\n.B ");
	roff_line(out, head);
	roff_line(out, text);
}

static void man_field(struct buf *out, const struct field *f)
{
	AUTO(buf_t) head = {0};
	AUTO(buf_t) text = {0};

	if (f->flags & FIELD_POSITIONAL)
		help_argument(f, &head);
	else
		help_option(f, &head);
	help_details(f, &text);
	man_entry(out, buf_text(&head), buf_text(&text));
}

static void man_op(struct buf *out, const struct op *op)
{
	char words[WORDS_SIZE];
	AUTO(buf_t) usage = {0};

	op_words(op, words);
	help_usage(op, words, &usage);
	(void)buf_str(out, ".SS ");
	roff_line(out, buf_text(&usage));
	roff_line(out, op->doc);
	(void)buf_printf(out, "Takes the role %s.\n", role_name(op->role));
	for (const struct field *f = op->args; f->name; f++)
		if (!field_is_hidden(f))
			man_field(out, f);
	if (!own_option_find(op, NULL))
		return;
	AUTO(str_t) own = str_format("--%s", own_option_find(op, NULL)->name);
	man_entry(out, own, own_option_find(op, NULL)->doc);
}

static void man_globals(struct buf *out)
{
	const struct global_option *g;

	(void)buf_str(out, ".SH OPTIONS OF ALL COMMANDS\n");
	for (size_t i = 0; (g = global_option_at(i)); i++) {
		const char *value = g->value ? g->value : "";
		AUTO(str_t)
		head = str_format("--%s%s%s", g->name, *value && *value != '[' ? " " : "", value);
		man_entry(out, head, g->doc);
	}
}

static void man_end(struct buf *out)
{
	const struct exit_code *x;

	(void)buf_str(out, ".SH EXIT STATUS\n");
	for (size_t i = 0; (x = exit_code_at(i)); i++) {
		AUTO(str_t) code = str_format("%d", x->code);
		man_entry(out, code, x->doc);
	}
	(void)buf_str(out, ".SH ENVIRONMENT\n");
	man_entry(out, "ADIT_SOCKET", "Path of the daemon's socket.");
	man_entry(out, "NO_COLOR", "When set and not empty: no colour.");
	(void)buf_str(out, ".SH SEE ALSO\n.BR aditd (8)\n");
}

static void gen_man(struct buf *out)
{
	const struct shortcut *x;
	const struct op *op;
	char words[WORDS_SIZE];

	(void)buf_str(out,
		      ".TH ADIT 1 \"\" \"adit " ADIT_VERSION "\" \"User Commands\"\n"
		      ".SH NAME\nadit \\- keep Cloudflare Tunnels, routes and DNS as you say\n"
		      ".SH SYNOPSIS\n.B adit\n.I noun verb\n[arguments] [options]\n"
		      ".SH DESCRIPTION\n"
		      "adit calls the daemon aditd over its Unix socket. What it prints is made "
		      "of the daemon's answer;\n.B \\-\\-json\nprints that answer itself.\n"
		      ".SH SHORTCUTS\n");
	for (size_t i = 0; (x = shortcut_at(i)); i++) {
		const struct op *behind = op_find(x->op);
		AUTO(buf_t) usage = {0};
		if (!behind)
			continue;
		help_usage(behind, x->word, &usage);
		op_words(behind, words);
		AUTO(str_t) text = str_format("%s Short for adit %s.", x->doc, words);
		man_entry(out, buf_text(&usage), text);
	}
	(void)buf_str(out, ".SH COMMANDS\n");
	for (size_t i = 0; (op = command_at(i)); i++)
		man_op(out, op);
	man_globals(out);
	man_end(out);
}

/* ---- OPERATIONS.md ---- */

static void md_text(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '|' || *text == '<' || *text == '*' || *text == '_')
			(void)buf_char(out, '\\');
		(void)buf_char(out, *text == '\n' ? ' ' : *text);
	}
}

static const char *effects_name(enum op_effects effects)
{
	static const char *const names[] = {
		[OP_READS] = "reads", [OP_WRITES] = "writes", [OP_DESTROYS] = "destructive"};

	return names[effects];
}

static void md_args(struct buf *out, const struct op *op)
{
	if (!op->args->name)
		return;
	(void)buf_str(out, "| argument | what | flags |\n|---|---|---|\n");
	for (const struct field *f = op->args; f->name; f++) {
		AUTO(buf_t) details = {0};
		help_details(f, &details);
		(void)buf_printf(out, "| `%s` | ", f->name);
		md_text(out, buf_text(&details));
		(void)buf_printf(out, " | %s%s%s |\n", f->flags & FIELD_REQUIRED ? "required " : "",
				 f->flags & FIELD_POSITIONAL ? "positional " : "",
				 f->flags & ARG_SOCKET_ONLY ? "socket only" : "");
	}
	(void)buf_char(out, '\n');
}

static void md_result(struct buf *out, const struct field *table, const char *prefix, int depth)
{
	for (const struct field *f = table; f && f->name; f++) {
		AUTO(str_t)
		path = str_format("%s%s%s", prefix, f->name, f->type == FIELD_ITEMS ? "[]" : "");
		(void)buf_printf(out, "| `%s` | ", path);
		md_text(out, f->doc);
		(void)buf_str(out, " |\n");
		if (!f->sub || depth == 0)
			continue;
		AUTO(str_t) inner = str_format("%s.", path);
		md_result(out, f->sub, inner, depth - 1);
	}
}

static void md_op(struct buf *out, const struct op *op)
{
	char words[WORDS_SIZE];
	AUTO(buf_t) usage = {0};

	op_words(op, words);
	help_usage(op, words, &usage);
	(void)buf_printf(out, "## `%s`\n\n%s. ", op->name, op->title);
	md_text(out, op->doc);
	(void)buf_printf(out, "\n\n    %s\n\nEffects: %s. Role: %s. Doors: %s%s.\n\n",
			 buf_text(&usage), effects_name(op->effects), role_name(op->role),
			 op->doors & OP_DOOR_SOCKET ? "socket" : "",
			 op->doors & OP_DOOR_MCP ? ", MCP" : "");
	md_args(out, op);
	(void)buf_str(out, "| answer | what |\n|---|---|\n");
	md_result(out, op->result, "", 1);
	(void)buf_char(out, '\n');
}

/* No operation: a stream, which `adit status --watch` shows. */
static void md_watch(struct buf *out)
{
	const struct op *op = op_watch();

	(void)buf_printf(out, "## `GET /v1/%s`\n\n%s. ", op->name, op->title);
	md_text(out, op->doc);
	(void)buf_printf(out, "\n\n    adit status --watch\n\nRole: %s. Doors: socket.\n\n",
			 role_name(op->role));
	md_args(out, op);
	(void)buf_str(out, "| event | what |\n|---|---|\n");
	md_result(out, op->result, "", 1);
	(void)buf_char(out, '\n');
}

static void gen_operations(struct buf *out)
{
	const struct op *op;

	(void)buf_str(out, "# Operations\n\nWritten by `adit gen operations-md` from the tables in "
			   "`ops/decl/`: change those, not this page.\n\n"
			   "On the socket each is `POST /v1/<operation>` with the arguments as a "
			   "JSON object; those that read answer `GET` as well.\n\n");
	for (size_t i = 0; (op = op_at(i)); i++)
		md_op(out, op);
	md_watch(out);
}

int gen_print(const char *what, struct buf *out, struct err *e)
{
	static const struct {
		const char *name;
		void (*print)(struct buf *out);
	} kinds[] = {
		{"man", gen_man},
		{"completions-bash", gen_bash},
		{"completions-zsh", gen_zsh},
		{"completions-fish", gen_fish},
		{"operations-md", gen_operations},
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!str_equal(kinds[i].name, what))
			continue;
		kinds[i].print(out);
		return 0;
	}
	(void)err_set(e, ERR_INVALID, "adit gen: \"%.40s\" is nothing that can be written", what);
	return err_hint(e, "There are man, completions-bash, completions-zsh, completions-fish and "
			   "operations-md.");
}
