/* Words to operations and back. */
#include "cli/words.h"

#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

enum { MOST_WORDS = 4, MOST_NAMES = 160 };

static const struct shortcut shortcuts[] = {
	{"status", "status_get", "The state of everything, problems first.", NULL, NULL},
	{"why", "health_get", "Why a published name is healthy or not, rung by rung.", NULL, NULL},
	{"publish", "route_set", "Publish a local service under a host name.", NULL, NULL},
	{"unpublish", "route_delete", "Take a published name back.", NULL, NULL},
	{"apply", "manifest_apply", "Make it so, from a file.", NULL, NULL},
	{"export", "manifest_export", "Write what is wanted as such a file.", NULL, NULL},
	{"import", "manifest_import", "Take over cloudflared's own config.yml.", NULL, NULL},
	{"plan", "plan_list", "The plans that wait, in full.", "state", "waiting"},
	{"approve", "plan_approve", "Approve a waiting plan.", NULL, NULL},
	{"log", "log_search", "What the connectors said.", NULL, NULL},
	{"reject", "plan_reject", "Reject a waiting plan.", NULL, NULL},
};

static const struct own_option own_options[] = {
	{"status_get", "watch", "Stay, and show what changes; Ctrl-C ends it, with exit code 0."},
	{"log_search", "follow", "Stay, and show what is added; Ctrl-C ends it, with exit code 0."},
};

const struct own_option *own_option_find(const struct op *op, const char *name)
{
	for (size_t i = 0; op && i < ARRAY_LEN(own_options); i++)
		if (str_equal(own_options[i].op, op->name) &&
		    (!name || str_equal(own_options[i].name, name)))
			return &own_options[i];
	return NULL;
}

const struct shortcut *shortcut_at(size_t i)
{
	return i < ARRAY_LEN(shortcuts) ? &shortcuts[i] : NULL;
}

const struct shortcut *shortcut_find(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(shortcuts); i++)
		if (str_equal(shortcuts[i].word, word))
			return &shortcuts[i];
	return NULL;
}

static void replace(const char *in, char from, char to, char *out, size_t size)
{
	size_t i = 0;

	for (; in[i] && i + 1 < size; i++)
		out[i] = in[i] == from ? to : in[i];
	out[i] = '\0';
}

void to_dashes(const char *name, char *out, size_t size)
{
	replace(name, '_', '-', out, size);
}

void to_underscores(const char *word, char *out, size_t size)
{
	replace(word, '-', '_', out, size);
}

void field_word(const struct field *f, char out[WORD_SIZE])
{
	if ((f->flags & ARG_FILE) && !(f->flags & FIELD_POSITIONAL))
		(void)str_copy(out, WORD_SIZE, "file");
	else
		to_dashes(f->name, out, WORD_SIZE);
}

bool field_is_hidden(const struct field *f)
{
	return f->flags & ARG_FILE_NAME;
}

void op_noun(const struct op *op, char out[WORD_SIZE])
{
	to_dashes(op->name, out, WORD_SIZE);
	char *last = strrchr(out, '-');
	if (last)
		*last = '\0';
}

void op_verb(const struct op *op, char out[WORD_SIZE])
{
	const char *last = strrchr(op->name, '_');

	(void)str_copy(out, WORD_SIZE, last ? last + 1 : "");
}

void op_words(const struct op *op, char out[WORDS_SIZE])
{
	char noun[WORD_SIZE], verb[WORD_SIZE];

	op_noun(op, noun);
	op_verb(op, verb);
	(void)snprintf(out, WORDS_SIZE, "%s%s%s", noun, *verb ? " " : "", verb);
}

const struct op *noun_find(const char *word)
{
	char wanted[WORD_SIZE], noun[WORD_SIZE];
	const struct op *op;

	to_dashes(word, wanted, sizeof(wanted));
	for (size_t i = 0; (op = command_at(i)); i++) {
		op_noun(op, noun);
		if (str_equal(noun, wanted))
			return op;
	}
	return NULL;
}

bool op_opens_noun(const struct op *op)
{
	char noun[WORD_SIZE];

	op_noun(op, noun);
	return noun_find(noun) == op;
}

const struct op *words_find(char *const *words, size_t n, size_t *used)
{
	char name[WORDS_SIZE] = "";
	const struct op *found = NULL;
	size_t len = 0;

	for (size_t i = 0; i < n && i < MOST_WORDS; i++) {
		size_t more = strlen(words[i]);
		if (more == 0 || len + more + 2 > sizeof(name))
			break;
		if (len)
			name[len++] = '_';
		to_underscores(words[i], name + len, sizeof(name) - len);
		len += more;
		const struct op *op = command_find(name);
		if (!op)
			continue;
		found = op;
		*used = i + 1;
	}
	return found;
}

/* ---- what was meant ---- */

struct names {
	char text[MOST_NAMES][WORD_SIZE];
	const char *list[MOST_NAMES + 1];
	size_t n;
};

static void names_add(struct names *names, const char *name)
{
	if (names->n == MOST_NAMES)
		return;
	(void)str_copy(names->text[names->n], WORD_SIZE, name);
	names->list[names->n] = names->text[names->n];
	names->n++;
}

static void add_first_words(struct names *names)
{
	const struct op *op;
	const struct shortcut *s;
	char word[WORD_SIZE];

	for (size_t i = 0; (op = command_at(i)); i++) {
		op_noun(op, word);
		if (op_opens_noun(op))
			names_add(names, word);
		names_add(names, op->name);
	}
	for (size_t i = 0; (s = shortcut_at(i)); i++)
		names_add(names, s->word);
	names_add(names, "help");
}

static void add_verbs(struct names *names, const char *noun, struct buf *all)
{
	char wanted[WORD_SIZE], word[WORD_SIZE];
	const struct op *op;

	to_dashes(noun, wanted, sizeof(wanted));
	for (size_t i = 0; (op = command_at(i)); i++) {
		op_noun(op, word);
		if (!str_equal(word, wanted))
			continue;
		op_verb(op, word);
		names_add(names, word);
		(void)buf_printf(all, "%s%s", all->len ? ", " : "", word);
	}
}

/* The one operation of that verb; NULL when there are several, or none. */
static const struct op *only_of_verb(const char *verb)
{
	char wanted[WORD_SIZE], word[WORD_SIZE];
	const struct op *op, *found = NULL;

	to_dashes(verb, wanted, sizeof(wanted));
	for (size_t i = 0; (op = command_at(i)); i++) {
		op_verb(op, word);
		if (!str_equal(word, wanted))
			continue;
		if (found)
			return NULL;
		found = op;
	}
	return found;
}

/* The noun of several words that begins with this one: firewall, of firewall-rule. */
static const char *longer_of(const struct names *names, const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i < names->n; i++)
		if (str_starts(names->list[i], word) && names->list[i][len] == '-')
			return names->list[i];
	return NULL;
}

int words_unknown(char *const *words, size_t n, struct err *e)
{
	struct names names = {.n = 0};
	AUTO(buf_t) verbs = {0};

	if (!noun_find(words[0])) {
		add_first_words(&names);
		const struct op *meant = only_of_verb(words[0]);
		const char *longer = longer_of(&names, words[0]);
		const char *near = longer ? longer : fields_nearest(names.list, words[0]);
		(void)err_set(e, ERR_INVALID, "There is no command \"%.60s\"", words[0]);
		if (meant) {
			char said[WORDS_SIZE];
			op_words(meant, said);
			return err_hint(e, "Did you mean adit %s?", said);
		}
		if (near)
			return err_hint(e, "Did you mean adit %s?", near);
		return err_hint(e, "See adit --help for all of them.");
	}
	add_verbs(&names, words[0], &verbs);
	if (n < 2)
		(void)err_set(e, ERR_INVALID, "What to do with %.60s is missing", words[0]);
	else
		(void)err_set(e, ERR_INVALID, "There is no command \"%.60s %.60s\"", words[0],
			      words[1]);
	const char *near = n < 2 ? NULL : fields_nearest(names.list, words[1]);
	if (near)
		return err_hint(e, "Did you mean adit %.60s %s?", words[0], near);
	return err_hint(e, "There are: %s.", buf_text(&verbs));
}
