/* Help from the table. */
#include "cli/help.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/outcome.h"

enum { HELP_WIDTH = 80, DOC_COLUMN = 24, MOST_WIDTH = 100 };

static const struct exit_code exit_codes[] = {
	{EXIT_DONE, "done; for status: all is well"},
	{EXIT_FAILED, "the operation failed; for status and why: degraded"},
	{EXIT_DOWN, "status: down"},
	{EXIT_UNREACHABLE, "the daemon cannot be reached"},
	{EXIT_USAGE, "the command line or an argument is wrong"},
	{69, "Cloudflare is unavailable"},
	{EXIT_TRY_AGAIN, "try again: busy, timed out, or applied but not yet true everywhere"},
	{EXIT_REFUSED, "denied, or a plan waits for approval"},
	{EXIT_CONFIG, "the configuration is wrong"},
};

const struct exit_code *exit_code_at(size_t i)
{
	return i < ARRAY_LEN(exit_codes) ? &exit_codes[i] : NULL;
}

/* ---- pieces ---- */

void help_argument(const struct field *f, struct buf *out)
{
	if (f->flags & ARG_FILE) {
		(void)buf_str(out, "FILE");
		return;
	}
	for (const char *c = f->name; *c; c++)
		(void)buf_char(out, *c == '_' ? '-' : (char)toupper((unsigned char)*c));
}

static const char *placeholder(const struct field *f)
{
	switch (f->type) {
	case FIELD_INT:
		return "N";
	case FIELD_DURATION:
		return "TIME";
	case FIELD_STRINGS:
		return "A,B";
	case FIELD_RAW:
	case FIELD_OBJECT:
	case FIELD_ITEMS:
		return "JSON";
	case FIELD_STRING:
	case FIELD_BOOL:
		break;
	}
	return f->values ? "WORD" : f->flags & FIELD_TIME ? "TIME" : "TEXT";
}

void help_option(const struct field *f, struct buf *out)
{
	char dashed[WORD_SIZE];
	bool on = str_equal(f->fallback, "true");

	field_word(f, dashed);
	if (f->flags & ARG_FILE)
		(void)buf_str(out, "-f, --file FILE");
	else if (f->type == FIELD_BOOL)
		(void)buf_printf(out, "--%s%s", on ? "[no-]" : "", dashed);
	else
		(void)buf_printf(out, "--%s %s", dashed, placeholder(f));
}

void help_details(const struct field *f, struct buf *out)
{
	AUTO(buf_t) accepts = {0};

	(void)buf_str(out, f->doc);
	if (f->flags & ARG_FILE) {
		(void)buf_str(out, " A file name, or - for standard input.");
	} else if (f->type != FIELD_BOOL) {
		fields_accepts(f, &accepts);
		(void)buf_printf(out, " Accepts %s", buf_text(&accepts));
		(void)buf_str(out, str_ends(buf_text(&accepts), ".") ? "" : ".");
	}
	if (f->fallback && !(f->flags & ARG_UNSAID))
		(void)buf_printf(out, " Default: %s.", f->fallback);
}

static bool is_positional(const struct field *f)
{
	return f->flags & FIELD_POSITIONAL;
}

void help_usage(const struct op *op, const char *words, struct buf *out)
{
	bool options = false;

	(void)buf_printf(out, "adit %s", words);
	for (const struct field *f = op->args; f->name; f++) {
		bool required = f->flags & FIELD_REQUIRED;
		options = options || (!is_positional(f) && !required);
		if (!is_positional(f) && !required)
			continue;
		(void)buf_str(out, required ? " " : " [");
		if (f->flags & ARG_FILE)
			(void)buf_str(out, is_positional(f) ? "FILE" : "-f FILE");
		else if (is_positional(f))
			help_argument(f, out);
		else
			help_option(f, out);
		(void)buf_str(out, required ? "" : "]");
	}
	if (options)
		(void)buf_str(out, " [options]");
}

/* ---- on the terminal ---- */

static void heading(struct buf *out, const struct style *s, const char *text)
{
	(void)buf_char(out, '\n');
	print_toned(out, s, TONE_BOLD, text);
	(void)buf_char(out, '\n');
}

static void entry(struct buf *out, const struct style *s, const char *left, const char *text)
{
	size_t width = text_columns(left) + 2;

	(void)buf_str(out, "  ");
	print_text(out, left);
	if (width + 2 > DOC_COLUMN)
		(void)buf_printf(out, "\n%*s", DOC_COLUMN, "");
	else
		(void)buf_printf(out, "%*s", (int)(DOC_COLUMN - width), "");
	print_wrapped(out, s, DOC_COLUMN, text);
}

static void print_globals(struct buf *out, const struct style *s)
{
	const struct global_option *g;

	heading(out, s, "OPTIONS OF ALL COMMANDS");
	for (size_t i = 0; (g = global_option_at(i)); i++) {
		const char *value = g->value ? g->value : "";
		AUTO(str_t)
		left = str_format("--%s%s%s", g->name, *value && *value != '[' ? " " : "", value);
		entry(out, s, left, g->doc);
	}
}

static void print_exit_codes(struct buf *out, const struct style *s)
{
	const struct exit_code *x;
	char code[16];

	heading(out, s, "EXIT CODES");
	for (size_t i = 0; (x = exit_code_at(i)); i++) {
		(void)snprintf(code, sizeof(code), "%d", x->code);
		entry(out, s, code, x->doc);
	}
}

static void print_noun(struct buf *out, const struct style *s, const char *noun)
{
	const struct op *op;
	char own[WORD_SIZE], verb[WORD_SIZE];

	for (size_t i = 0; (op = command_at(i)); i++) {
		op_noun(op, own);
		if (!str_equal(own, noun))
			continue;
		op_verb(op, verb);
		entry(out, s, verb, op->title);
	}
}

static void print_all(struct buf *out, const struct style *s)
{
	const struct shortcut *x;
	const struct op *op;
	char noun[WORD_SIZE];

	(void)buf_str(out, "adit " ADIT_VERSION ": Cloudflare Tunnels, their routes and their DNS, "
			   "kept as you say.\n\n"
			   "usage: adit NOUN VERB [arguments] [options]\n"
			   "       adit NOUN --help, adit NOUN VERB --help\n");
	heading(out, s, "DAILY");
	for (size_t i = 0; (x = shortcut_at(i)); i++)
		if (op_find(x->op))
			entry(out, s, x->word, x->doc);
	for (size_t i = 0; (op = own_command_at(i)); i++)
		entry(out, s, op->name, op->title);
	for (size_t i = 0; (op = command_at(i)); i++) {
		if (!op_opens_noun(op) || command_is_own(op))
			continue;
		op_noun(op, noun);
		heading(out, s, noun);
		print_noun(out, s, noun);
	}
	print_globals(out, s);
	print_exit_codes(out, s);
}

static void print_about_noun(struct buf *out, const struct style *s, const char *noun)
{
	(void)buf_printf(out, "usage: adit %s VERB [arguments] [options]\n\n", noun);
	print_noun(out, s, noun);
	(void)buf_printf(out, "\nadit %s VERB --help says more.\n", noun);
}

static void print_fields(struct buf *out, const struct style *s, const struct op *op,
			 bool positional)
{
	bool first = true;

	for (const struct field *f = op->args; f->name; f++) {
		AUTO(buf_t) left = {0};
		AUTO(buf_t) details = {0};
		if (is_positional(f) != positional || field_is_hidden(f))
			continue;
		if (first)
			heading(out, s, positional ? "ARGUMENTS" : "OPTIONS");
		first = false;
		if (positional)
			help_argument(f, &left);
		else
			help_option(f, &left);
		help_details(f, &details);
		entry(out, s, buf_text(&left), buf_text(&details));
	}
	const struct own_option *own = positional ? NULL : own_option_find(op, NULL);
	if (!own)
		return;
	if (first)
		heading(out, s, "OPTIONS");
	AUTO(str_t) left = str_format("--%s", own->name);
	entry(out, s, left, own->doc);
}

static void print_op(struct buf *out, const struct style *s, const struct op *op, const char *word)
{
	char words[WORDS_SIZE];
	AUTO(buf_t) usage = {0};

	op_words(op, words);
	help_usage(op, word ? word : words, &usage);
	(void)buf_str(out, "usage: ");
	print_wrapped(out, s, 7, buf_text(&usage));
	if (word)
		(void)buf_printf(out, "short for: adit %s\n", words);
	(void)buf_char(out, '\n');
	print_wrapped(out, s, 0, op->doc);
	(void)buf_printf(out, "Takes the role %s.\n", role_name(op->role));
	print_fields(out, s, op, true);
	print_fields(out, s, op, false);
	(void)buf_str(out, "\nOptions of all commands: adit --help.\n");
}

void help_print(const struct cli *c, const struct style *s, struct buf *out)
{
	struct style own = *s;

	if (own.width == 0)
		own.width = HELP_WIDTH;
	if (own.width > MOST_WIDTH)
		own.width = MOST_WIDTH;
	if (c->op)
		print_op(out, &own, c->op, c->shortcut ? c->shortcut->word : NULL);
	else if (c->topic[0])
		print_about_noun(out, &own, c->topic);
	else
		print_all(out, &own);
}
