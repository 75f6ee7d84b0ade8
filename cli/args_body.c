/* The words and options that were given, to the operation's arguments as JSON. */
#include "cli/args_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/input.h"

enum { DEFAULT_TIMEOUT_MS = 30000 };

size_t args_count(const struct op *op)
{
	size_t n = 0;

	while (op->args[n].name)
		n++;
	return n < MOST_ARGS ? n : MOST_ARGS;
}

size_t args_place(const struct op *op, const char *name)
{
	const struct field *f = fields_find(op->args, name);

	return f ? (size_t)(f - op->args) : SIZE_MAX;
}

size_t args_file_place(const struct op *op)
{
	for (size_t i = 0; i < args_count(op); i++)
		if (op->args[i].flags & ARG_FILE)
			return i;
	return SIZE_MAX;
}

int args_see_help(const struct cli *c, struct err *e)
{
	char words[WORDS_SIZE];

	if (c->shortcut)
		return err_hint(e, "See adit %s --help.", c->shortcut->word);
	op_words(c->op, words);
	return err_hint(e, "See adit %s --help.", words);
}

/* A file is no word of its own: which one is said by -f. */
static bool misses_file(const struct parse *p)
{
	size_t place = args_file_place(p->out->op);

	return place != SIZE_MAX && !p->values[place] &&
	       !(p->out->op->args[place].flags & FIELD_POSITIONAL);
}

static int see_file(const struct op *op, struct err *e)
{
	const struct shortcut *x;
	char words[WORDS_SIZE];

	op_words(op, words);
	for (size_t i = 0; (x = shortcut_at(i)); i++)
		if (str_equal(x->op, op->name))
			(void)str_copy(words, sizeof(words), x->word);
	return err_hint(e, "As in adit %s -f %s, or -f - for standard input.", words,
			str_equal(words, "import") ? "config.yml" : "site.yaml");
}

static int place_words(struct parse *p, struct err *e)
{
	const struct op *op = p->out->op;
	size_t next = 0, n = args_count(op);

	for (size_t i = 0; i < p->words.n; i++) {
		while (next < n && (!(op->args[next].flags & FIELD_POSITIONAL) || p->values[next]))
			next++;
		if (next == n) {
			(void)err_set(e, ERR_INVALID, "\"%.60s\" is one word too many",
				      p->words.items[i]);
			return misses_file(p) ? see_file(op, e) : args_see_help(p->out, e);
		}
		p->values[next] = str_dup(p->words.items[i]);
	}
	return 0;
}

static void set_default(struct parse *p, const char *name, const char *value)
{
	size_t place = args_place(p->out->op, name);

	if (place < MOST_ARGS && !p->values[place])
		p->values[place] = str_dup(value);
}

static int place_yes(struct parse *p, struct err *e)
{
	const struct op *op = p->out->op;
	bool approves = fields_find(op->args, "approve") != NULL;

	if (!p->out->yes)
		return 0;
	if (p->yes_hash && !approves) {
		char words[WORDS_SIZE];
		op_words(op, words);
		return err_set(e, ERR_INVALID, "--yes=HASH: adit %s makes no plan to approve",
			       words);
	}
	if (!approves)
		return 0;
	set_default(p, "approve", "true");
	if (p->yes_hash)
		set_default(p, "hash", p->yes_hash);
	return 0;
}

static int check_missing(const struct parse *p, struct err *e)
{
	const struct op *op = p->out->op;
	char name[WORD_SIZE];

	for (size_t i = 0; i < args_count(op); i++) {
		const struct field *f = &op->args[i];
		if (!(f->flags & FIELD_REQUIRED) || p->values[i])
			continue;
		if ((f->flags & ARG_FILE) && !(f->flags & FIELD_POSITIONAL)) {
			(void)err_set(e, ERR_INVALID, "-f FILE is missing: which file to read");
			return see_file(op, e);
		}
		to_dashes(f->name, name, sizeof(name));
		if (f->flags & FIELD_POSITIONAL)
			for (char *c = name; *c; c++)
				*c = (char)toupper((unsigned char)*c);
		(void)err_set(e, ERR_INVALID, "%s%s is missing: %s",
			      f->flags & FIELD_POSITIONAL ? "" : "--", name, f->doc);
		return args_see_help(p->out, e);
	}
	return 0;
}

static int write_value(const struct field *f, const char *value, struct json_writer *w,
		       struct err *e)
{
	AUTO(buf_t) text = {0};

	if (!(f->flags & ARG_FILE))
		return fields_parse_text(f, value, w, e);
	if (input_read(value, f->max > 0 ? (size_t)f->max : 0, &text, e) < 0)
		return -1;
	json_write_stringn(w, buf_text(&text), text.len);
	return 0;
}

static int write_body(struct parse *p, struct err *e)
{
	const struct op *op = p->out->op;
	struct json_writer w;

	json_write_init(&w, &p->out->body);
	json_object_begin(&w);
	for (size_t i = 0; i < args_count(op); i++) {
		if (!p->values[i])
			continue;
		json_write_key(&w, op->args[i].name);
		if (write_value(&op->args[i], p->values[i], &w, e) < 0)
			return e->kind == ERR_INVALID ? args_see_help(p->out, e) : -1;
	}
	json_object_end(&w);
	return 0;
}

/* A file is called by its name in the daemon's sentences, where the operation can be told it. */
static void name_file(struct parse *p)
{
	const struct op *op = p->out->op;
	const char *name = "name";

	for (size_t i = 0; i < args_count(op); i++)
		if (field_is_hidden(&op->args[i]))
			name = op->args[i].name;
	for (size_t i = 0; i < args_count(op); i++)
		if ((op->args[i].flags & ARG_FILE) && p->values[i])
			set_default(p, name, input_name(p->values[i]));
}

static const char *value_of(const struct parse *p, const char *name)
{
	size_t place = args_place(p->out->op, name);

	if (place >= MOST_ARGS)
		return NULL;
	return p->values[place] ? p->values[place] : p->out->op->args[place].fallback;
}

/* What the client itself must know of the arguments. */
static void note_arguments(struct parse *p)
{
	const char *timeout = value_of(p, "timeout");

	p->out->wait = str_equal(value_of(p, "wait"), "true");
	p->out->chosen = value_of(p, "fields") != NULL;
	p->out->timeout_ms = DEFAULT_TIMEOUT_MS;
	if (timeout && duration_parse(timeout, &p->out->timeout_ms, NULL) < 0)
		p->out->timeout_ms = DEFAULT_TIMEOUT_MS;
}

int args_body(struct parse *p, struct err *e)
{
	if (place_words(p, e) < 0 || place_yes(p, e) < 0)
		return -1;
	if (p->out->shortcut && p->out->shortcut->key)
		set_default(p, p->out->shortcut->key, p->out->shortcut->value);
	if (check_missing(p, e) < 0)
		return -1;
	name_file(p);
	note_arguments(p);
	if (write_body(p, e) < 0)
		return -1;
	if (p->out->stay && str_equal(p->out->op->name, "status_get") && p->out->body.len > 2)
		return err_set(e, ERR_INVALID, "--watch goes with no other option of status");
	return 0;
}
