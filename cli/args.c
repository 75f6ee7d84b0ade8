/* argv to an operation and JSON. */
#include "cli/args_private.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const struct global_option global_options[] = {
	{"socket", "PATH", "Socket of the daemon; default $ADIT_SOCKET or /run/adit/adit.sock."},
	{"json", NULL, "Print the daemon's answer exactly as it came."},
	{"yes", "[=HASH]",
	 "Approve without asking what needs approval; with HASH only the plan that has it."},
	{"color", "[=WHEN]", "auto, always or never."},
	{"help", NULL, "Say what there is; after a command, what it takes."},
	{"version", NULL, "Print the version."},
};

const struct global_option *global_option_at(size_t i)
{
	return i < ARRAY_LEN(global_options) ? &global_options[i] : NULL;
}

static void parse_t_cleanup(parse_t *p)
{
	free(p->yes_hash);
	for (size_t i = 0; i < MOST_ARGS; i++)
		free(p->values[i]);
	strlist_free(&p->words);
}

struct option {
	char name[WORD_SIZE]; /* with underscores */
	const char *value;    /* behind the '='; NULL = none */
	const char *shown;    /* as it was typed */
};

static bool is_option(const char *arg)
{
	return arg[0] == '-' && arg[1] && !isdigit((unsigned char)arg[1]);
}

static bool is_end(const char *arg)
{
	return strcmp(arg, "--") == 0;
}

static void option_split(const char *arg, struct option *o)
{
	char word[WORD_SIZE] = "";
	const char *name = arg + strspn(arg, "-");
	size_t len = strcspn(name, "=");

	o->shown = arg;
	o->value = name[len] ? name + len + 1 : NULL;
	/* What is longer than any name stays unknown. */
	if (len < sizeof(word)) {
		memcpy(word, name, len);
		word[len] = '\0';
	}
	to_underscores(word, o->name, sizeof(o->name));
}

/* By the option's word, which need not be the argument's name. */
static size_t word_place(const struct op *op, const char *name)
{
	char dashed[WORD_SIZE], word[WORD_SIZE];

	for (size_t i = 0; i < args_count(op); i++) {
		field_word(&op->args[i], word);
		to_dashes(name, dashed, sizeof(dashed));
		if (!field_is_hidden(&op->args[i]) && str_equal(word, dashed))
			return i;
	}
	return SIZE_MAX;
}

/* ---- options ---- */

static int unknown_option(const struct parse *p, const struct option *o, struct err *e)
{
	const char *names[MOST_ARGS + ARRAY_LEN(global_options) + 2] = {NULL};
	char near_dashed[WORD_SIZE];
	size_t n = 0;

	for (size_t i = 0; p->out->op && i < args_count(p->out->op); i++)
		if (!field_is_hidden(&p->out->op->args[i]) &&
		    !(p->out->op->args[i].flags & ARG_FILE))
			names[n++] = p->out->op->args[i].name;
	for (size_t i = 0; i < ARRAY_LEN(global_options); i++)
		names[n++] = global_options[i].name;
	if (own_option_find(p->out->op, NULL))
		names[n++] = own_option_find(p->out->op, NULL)->name;
	const char *near = fields_nearest(names, o->name);
	(void)err_set(e, ERR_INVALID, "There is no option %.60s", o->shown);
	if (near) {
		to_dashes(near, near_dashed, sizeof(near_dashed));
		return err_hint(e, "Did you mean --%s?", near_dashed);
	}
	return p->out->op ? args_see_help(p->out, e) : err_hint(e, "See adit --help.");
}

/* Behind the '=', or the next word. */
static int option_value(struct parse *p, const struct option *o, const char **value, struct err *e)
{
	if (o->value) {
		*value = o->value;
		return 0;
	}
	if (p->at >= p->argc)
		return err_set(e, ERR_INVALID, "%.60s wants a value", o->shown);
	*value = p->argv[p->at++];
	return 0;
}

static int colour_by_name(const char *value, enum colour *out, struct err *e)
{
	static const char *const names[] = {"auto", "always", "never"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!str_equal(value ? value : "always", names[i]))
			continue;
		*out = (enum colour)i;
		return 0;
	}
	return err_set(e, ERR_INVALID,
		       "--color: \"%.40s\" is not accepted, expected auto, always "
		       "or never",
		       value);
}

static int take_socket(struct parse *p, const struct option *o, struct err *e)
{
	const char *value;

	if (option_value(p, o, &value, e) < 0)
		return -1;
	if (!*value)
		return err_set(e, ERR_INVALID, "--socket wants a path");
	str_set(&p->out->socket, value);
	return 0;
}

static int take_global(struct parse *p, const struct option *o, struct err *e)
{
	struct cli *c = p->out;

	if (str_equal(o->name, "socket"))
		return take_socket(p, o, e);
	if (str_equal(o->name, "color"))
		return colour_by_name(o->value, &c->colour, e);
	if (str_equal(o->name, "yes")) {
		c->yes = true;
		str_set(&p->yes_hash, o->value);
		return 0;
	}
	bool own = own_option_find(c->op, o->name) != NULL;
	if (!own && !str_equal(o->name, "json") && !str_equal(o->name, "version"))
		return unknown_option(p, o, e);
	if (o->value)
		return err_set(e, ERR_INVALID, "--%s takes no value", o->name);
	if (own)
		c->stay = true;
	else if (str_equal(o->name, "version"))
		c->verb = CLI_VERSION;
	else
		c->json = true;
	return 0;
}

static int give(struct parse *p, size_t place, const char *text, struct err *e)
{
	const struct field *f = &p->out->op->args[place];
	char **slot = &p->values[place];
	char dashed[WORD_SIZE];

	if (!*slot) {
		*slot = str_dup(text);
		return 0;
	}
	if (f->type != FIELD_STRINGS) {
		to_dashes(f->name, dashed, sizeof(dashed));
		return err_set(e, ERR_INVALID, "--%s is given twice", dashed);
	}
	AUTO(str_t) before = steal(slot);
	*slot = str_format("%s,%s", before, text);
	return 0;
}

static int take_bool(struct parse *p, const struct option *o, size_t place, bool no, struct err *e)
{
	if (no && o->value)
		return err_set(e, ERR_INVALID, "%.60s takes no value", o->shown);
	return give(p, place, no ? "false" : o->value ? o->value : "true", e);
}

/* Where the option's field stands; --no-x is a bool's false. SIZE_MAX when it is none. */
static size_t option_place(const struct op *op, const struct option *o, bool *no)
{
	size_t place = word_place(op, o->name);

	*no = false;
	if (place != SIZE_MAX || !str_starts(o->name, "no_"))
		return place;
	place = word_place(op, o->name + 3);
	*no = true;
	return place != SIZE_MAX && op->args[place].type == FIELD_BOOL ? place : SIZE_MAX;
}

static int take_option(struct parse *p, struct err *e)
{
	const struct op *op = p->out->op;
	struct option o;
	const char *value;
	bool no = false;
	size_t place = SIZE_MAX;

	option_split(p->argv[p->at++], &o);
	bool is_f = str_equal(o.shown, "-f");
	if (op && is_f)
		place = args_file_place(op);
	else if (op && str_starts(o.shown, "--"))
		place = option_place(op, &o, &no);
	if (place == SIZE_MAX && !str_starts(o.shown, "--"))
		return unknown_option(p, &o, e);
	if (place == SIZE_MAX)
		return take_global(p, &o, e);
	if (op->args[place].type == FIELD_BOOL)
		return take_bool(p, &o, place, no, e);
	return option_value(p, &o, &value, e) < 0 ? -1 : give(p, place, value, e);
}

/* ---- which operation ---- */

static bool wants_help(int argc, char *const *argv)
{
	for (int i = 1; i < argc && !is_end(argv[i]); i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

static int find_help(struct cli *c, char *const *words, size_t n, struct err *e)
{
	size_t used;

	c->verb = CLI_HELP;
	if (n == 0)
		return 0;
	c->op = words_find(words, n, &used);
	if (c->op)
		return 0;
	c->shortcut = shortcut_find(words[0]);
	if (n == 1 && noun_find(words[0])) {
		c->shortcut = NULL;
		to_dashes(words[0], c->topic, sizeof(c->topic));
		return 0;
	}
	if (!c->shortcut)
		return words_unknown(words, n, e);
	c->op = op_find(c->shortcut->op);
	return 0;
}

static int find_gen(struct cli *c, char *const *words, size_t n, struct err *e)
{
	c->verb = CLI_GEN;
	if (n != 2 || !str_copy(c->topic, sizeof(c->topic), words[1]))
		return err_set(e, ERR_INVALID,
			       "adit gen wants one word: man, completions-bash, "
			       "completions-zsh, completions-fish or "
			       "operations-md");
	return 0;
}

static bool takes_name(const struct shortcut *x)
{
	const struct op *op = op_find(x->op);

	return op && op->args->name && (op->args->flags & FIELD_POSITIONAL) && !x->key;
}

/* The leading words; *used = how many of them say what to do. */
static int find_command(struct cli *c, char *const *words, size_t n, size_t *used, struct err *e)
{
	*used = n;
	if (n == 0 && c->verb == CLI_CALL) {
		(void)err_set(e, ERR_INVALID, "What to do is missing");
		return err_hint(e, "See adit --help, or try adit status.");
	}
	if (n == 0 || str_equal(words[0], "help"))
		return c->verb == CLI_VERSION ? 0 : find_help(c, words + 1, n - 1, e);
	if (str_equal(words[0], "gen"))
		return find_gen(c, words, n, e);
	c->op = words_find(words, n, used);
	if (c->op)
		return 0;
	c->shortcut = shortcut_find(words[0]);
	/* A word that is a noun too wants a verb behind it, unless it takes a name there. */
	if (!c->shortcut || (n > 1 && noun_find(words[0]) && !takes_name(c->shortcut)))
		return words_unknown(words, n, e);
	c->op = op_find(c->shortcut->op);
	*used = 1;
	return c->op ? 0 : words_unknown(words, n, e);
}

/* ---- all of it ---- */

static size_t count_words(const struct parse *p)
{
	int n = p->at;

	while (n < p->argc && !is_option(p->argv[n]))
		n++;
	return (size_t)(n - p->at);
}

static int take_rest(struct parse *p, struct err *e)
{
	bool ended = false;

	while (p->at < p->argc) {
		const char *arg = p->argv[p->at];
		if (!ended && is_end(arg)) {
			ended = true;
			p->at++;
		} else if (ended || !is_option(arg)) {
			strlist_add(&p->words, arg);
			p->at++;
		} else if (take_option(p, e) < 0) {
			return -1;
		}
	}
	return 0;
}

static int skip_to_words(struct parse *p, struct err *e)
{
	while (p->at < p->argc && is_option(p->argv[p->at]) && !is_end(p->argv[p->at])) {
		bool helps = p->out->verb == CLI_HELP;
		if (take_option(p, e) < 0 && !helps)
			return -1;
	}
	return 0;
}

int args_parse(int argc, char *const *argv, struct cli *out, struct err *e)
{
	AUTO(parse_t) p = {.out = out, .argc = argc, .at = 1, .argv = argv};
	size_t used;

	if (wants_help(argc, argv))
		out->verb = CLI_HELP;
	if (skip_to_words(&p, e) < 0)
		return -1;
	size_t n = count_words(&p);
	if (out->verb == CLI_HELP)
		return find_help(out, argv + p.at, n, e);
	if (find_command(out, argv + p.at, n, &used, e) < 0)
		return -1;
	p.at += (int)used;
	if (out->verb == CLI_HELP)
		return 0;
	if (take_rest(&p, e) < 0)
		return -1;
	return out->op && out->verb == CLI_CALL ? args_body(&p, e) : 0;
}

void args_free(struct cli *c)
{
	free(c->socket);
	c->socket = NULL;
	buf_free(&c->body);
}

void cli_t_cleanup(cli_t *c)
{
	args_free(c);
}
