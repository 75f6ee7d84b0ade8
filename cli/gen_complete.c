/* Completions of three shells. Each is a plain list made from the table: the shells are not asked
 * for more than matching words. */
#include <string.h>

#include "cli/args.h"
#include "cli/commands.h"
#include "cli/gen.h"

typedef void op_visit_fn(struct buf *out, const struct op *op, const char *words);

/* Every way to name an operation: noun and verb, and the shortcut. */
static void each_command(struct buf *out, op_visit_fn *visit)
{
	const struct op *op;
	const struct shortcut *x;
	char words[WORDS_SIZE];

	for (size_t i = 0; (op = command_at(i)); i++) {
		op_words(op, words);
		visit(out, op, words);
	}
	for (size_t i = 0; (x = shortcut_at(i)); i++)
		if (op_find(x->op))
			visit(out, op_find(x->op), x->word);
}

static bool is_default_on(const struct field *f)
{
	return f->type == FIELD_BOOL && str_equal(f->fallback, "true");
}

static void add_options(struct buf *out, const struct op *op)
{
	const struct global_option *g;
	char dashed[WORD_SIZE];

	for (const struct field *f = op->args; f->name; f++) {
		if (field_is_hidden(f))
			continue;
		field_word(f, dashed);
		(void)buf_printf(out, "--%s ", dashed);
		if (is_default_on(f))
			(void)buf_printf(out, "--no-%s ", dashed);
	}
	if (own_option_find(op, NULL))
		(void)buf_printf(out, "--%s ", own_option_find(op, NULL)->name);
	for (size_t i = 0; (g = global_option_at(i)); i++)
		(void)buf_printf(out, "%s--%s", i ? " " : "", g->name);
}

static void add_first_words(struct buf *out)
{
	const struct op *op;
	const struct shortcut *x;
	char noun[WORD_SIZE];

	for (size_t i = 0; (op = command_at(i)); i++) {
		op_noun(op, noun);
		if (op_opens_noun(op) && !shortcut_find(noun))
			(void)buf_printf(out, "%s ", noun);
	}
	for (size_t i = 0; (x = shortcut_at(i)); i++)
		if (op_find(x->op))
			(void)buf_printf(out, "%s ", x->word);
	(void)buf_str(out, "help");
}

static void add_verbs(struct buf *out, const char *noun)
{
	const struct op *op;
	char own[WORD_SIZE], verb[WORD_SIZE];
	size_t n = 0;

	for (size_t i = 0; (op = command_at(i)); i++) {
		op_noun(op, own);
		op_verb(op, verb);
		if (str_equal(own, noun) && *verb)
			(void)buf_printf(out, "%s%s", n++ ? " " : "", verb);
	}
}

static void each_noun(struct buf *out, void (*visit)(struct buf *out, const char *noun))
{
	const struct op *op;
	char noun[WORD_SIZE];

	for (size_t i = 0; (op = command_at(i)); i++) {
		op_noun(op, noun);
		if (op_opens_noun(op))
			visit(out, noun);
	}
}

/* ---- words that both bash and zsh match ---- */

static void case_verbs(struct buf *out, const char *noun)
{
	(void)buf_printf(out, "\t\t%s) echo '", noun);
	add_verbs(out, noun);
	(void)buf_str(out, "' ;;\n");
}

static void case_options(struct buf *out, const struct op *op, const char *words)
{
	(void)buf_printf(out, "\t'%s') echo '", words);
	add_options(out, op);
	(void)buf_str(out, "' ;;\n");
}

static void case_values(struct buf *out, const struct op *op, const char *words)
{
	char dashed[WORD_SIZE];

	for (const struct field *f = op->args; f->name; f++) {
		if (!f->values)
			continue;
		field_word(f, dashed);
		(void)buf_printf(out, "\t'%s --%s') echo '", words, dashed);
		for (size_t i = 0; f->values[i]; i++)
			(void)buf_printf(out, "%s%s", i ? " " : "", f->values[i]);
		(void)buf_str(out, "' ;;\n");
	}
}

static void case_files(struct buf *out, const struct op *op, const char *words)
{
	for (const struct field *f = op->args; f->name; f++)
		if (f->flags & ARG_FILE)
			(void)buf_printf(out, "\t'%s') return 0 ;;\n", words);
}

/* Shell functions: the verbs of a noun, the options of a command, the values of an option, and
 * whether a command takes a file. */
static void add_functions(struct buf *out)
{
	(void)buf_str(out, "_adit_verbs() {\n\tcase $1 in\n");
	each_noun(out, case_verbs);
	(void)buf_str(out, "\tesac\n}\n_adit_options() {\n\tcase $1 in\n");
	each_command(out, case_options);
	(void)buf_str(out, "\tesac\n}\n_adit_values() {\n\tcase $1 in\n");
	each_command(out, case_values);
	(void)buf_str(out, "\tesac\n}\n_adit_takes_file() {\n\tcase $1 in\n");
	each_command(out, case_files);
	(void)buf_str(out, "\tesac\n\treturn 1\n}\n");
}

void gen_bash(struct buf *out)
{
	(void)buf_str(out, "# bash completion of adit; written by `adit gen completions-bash`\n");
	add_functions(out);
	(void)buf_str(out,
		      "_adit() {\n"
		      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
		      "\tlocal first=${COMP_WORDS[1]} command words\n"
		      "\tcommand=\"$first ${COMP_WORDS[2]}\"\n"
		      "\t[ -n \"$(_adit_options \"$command\")\" ] || command=$first\n"
		      "\tCOMPREPLY=()\n"
		      "\tif [ \"$prev\" = --socket ]; then\n"
		      "\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
		      "\t\treturn\n"
		      "\tfi\n"
		      "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
		      "\t\twords='");
	add_first_words(out);
	(void)buf_str(out, "'\n"
			   "\telif words=$(_adit_values \"$command $prev\") && [ -n \"$words\" ]; "
			   "then\n"
			   "\t\t:\n"
			   "\telif [ \"${cur#-}\" != \"$cur\" ]; then\n"
			   "\t\twords=$(_adit_options \"$command\")\n"
			   "\telif [ \"$COMP_CWORD\" -eq 2 ]; then\n"
			   "\t\twords=$(_adit_verbs \"$first\")\n"
			   "\telif _adit_takes_file \"$command\"; then\n"
			   "\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
			   "\t\treturn\n"
			   "\tfi\n"
			   "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
			   "}\n"
			   "complete -F _adit adit\n");
}

void gen_zsh(struct buf *out)
{
	(void)buf_str(out, "#compdef adit\n# written by `adit gen completions-zsh`\n");
	add_functions(out);
	(void)buf_str(out, "_adit() {\n"
			   "\tlocal first=${words[2]} command=\"${words[2]} ${words[3]}\" found\n"
			   "\t[[ -n $(_adit_options \"$command\") ]] || command=$first\n"
			   "\tfound=$(_adit_values \"$command ${words[CURRENT-1]}\")\n"
			   "\tif [[ ${words[CURRENT-1]} == --socket ]]; then\n"
			   "\t\t_files\n"
			   "\t\treturn\n"
			   "\tfi\n"
			   "\tif (( CURRENT == 2 )); then\n"
			   "\t\tfound='");
	add_first_words(out);
	(void)buf_str(out, "'\n"
			   "\telif [[ -n $found ]]; then\n"
			   "\t\t:\n"
			   "\telif [[ ${words[CURRENT]} == -* ]]; then\n"
			   "\t\tfound=$(_adit_options \"$command\")\n"
			   "\telif (( CURRENT == 3 )); then\n"
			   "\t\tfound=$(_adit_verbs \"$first\")\n"
			   "\telif _adit_takes_file \"$command\"; then\n"
			   "\t\t_files\n"
			   "\t\treturn\n"
			   "\tfi\n"
			   "\tcompadd -- ${=found}\n"
			   "}\n"
			   "# Loaded by its name, this file is the function's first call.\n"
			   "if [[ ${funcstack[1]} == _adit ]]; then\n"
			   "\t_adit \"$@\"\n"
			   "else\n"
			   "\tcompdef _adit adit\n"
			   "fi\n");
}

/* ---- fish ---- */

/* Inside single quotes fish knows two escapes. */
static void fish_text(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			(void)buf_char(out, '\\');
		(void)buf_char(out, *text);
	}
}

static void fish_noun(struct buf *out, const char *noun)
{
	(void)buf_printf(out, "complete -c adit -f -n __fish_use_subcommand -a %s\n", noun);
}

static void fish_condition(struct buf *out, const struct op *op, const char *words)
{
	char noun[WORD_SIZE], verb[WORD_SIZE];

	if (!strchr(words, ' ')) {
		(void)buf_printf(out, "'__fish_seen_subcommand_from %s'", words);
		return;
	}
	op_noun(op, noun);
	op_verb(op, verb);
	(void)buf_printf(out,
			 "'__fish_seen_subcommand_from %s; and __fish_seen_subcommand_from %s'",
			 noun, verb);
}

static void fish_field(struct buf *out, const struct op *op, const char *words,
		       const struct field *f)
{
	char dashed[WORD_SIZE];

	field_word(f, dashed);
	(void)buf_str(out, "complete -c adit -n ");
	fish_condition(out, op, words);
	(void)buf_printf(out, " -l %s%s", dashed, f->type == FIELD_BOOL ? "" : " -x");
	if (f->values) {
		(void)buf_str(out, " -a '");
		for (size_t i = 0; f->values[i]; i++)
			(void)buf_printf(out, "%s%s", i ? " " : "", f->values[i]);
		(void)buf_char(out, '\'');
	}
	(void)buf_str(out, " -d '");
	fish_text(out, f->doc);
	(void)buf_str(out, "'\n");
	if (!is_default_on(f))
		return;
	(void)buf_str(out, "complete -c adit -n ");
	fish_condition(out, op, words);
	(void)buf_printf(out, " -l no-%s\n", dashed);
}

static void fish_command(struct buf *out, const struct op *op, const char *words)
{
	char noun[WORD_SIZE], verb[WORD_SIZE];

	op_noun(op, noun);
	op_verb(op, verb);
	if (strchr(words, ' ')) {
		(void)buf_printf(out,
				 "complete -c adit -f -n '__fish_seen_subcommand_from %s; and not "
				 "__fish_seen_subcommand_from ",
				 noun);
		add_verbs(out, noun);
		(void)buf_printf(out, "' -a %s -d '", verb);
		fish_text(out, op->title);
		(void)buf_str(out, "'\n");
	}
	for (const struct field *f = op->args; f->name; f++)
		fish_field(out, op, words, f);
	const struct own_option *own = own_option_find(op, NULL);
	if (!own)
		return;
	(void)buf_str(out, "complete -c adit -n ");
	fish_condition(out, op, words);
	(void)buf_printf(out, " -l %s -d '", own->name);
	fish_text(out, own->doc);
	(void)buf_str(out, "'\n");
}

void gen_fish(struct buf *out)
{
	const struct global_option *g;
	const struct shortcut *x;

	(void)buf_str(out, "# fish completion of adit; written by `adit gen completions-fish`\n");
	each_noun(out, fish_noun);
	for (size_t i = 0; (x = shortcut_at(i)); i++) {
		if (!op_find(x->op))
			continue;
		(void)buf_printf(out, "complete -c adit -f -n __fish_use_subcommand -a %s -d '",
				 x->word);
		fish_text(out, x->doc);
		(void)buf_str(out, "'\n");
	}
	each_command(out, fish_command);
	for (size_t i = 0; (g = global_option_at(i)); i++) {
		(void)buf_printf(out, "complete -c adit -l %s%s -d '", g->name,
				 str_equal(g->name, "socket") ? " -r" : "");
		fish_text(out, g->doc);
		(void)buf_str(out, "'\n");
	}
}
