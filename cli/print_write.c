/*
 * What every write answers: the plan, what changes, what to know, and whether it is true already.
 * The order is that of reading: first what happened, last what to do.
 */
#include <string.h>

#include "cli/print.h"

bool is_write_answer(const struct op *op)
{
	return op->effects != OP_READS && fields_find(op->result, "changes") &&
	       fields_find(op->result, "converged");
}

static bool is_state(const struct json *result, const char *state)
{
	return str_equal(json_get_string(result, "state"), state);
}

bool plan_is_open(const struct json *result)
{
	return is_state(result, "needs_approval") || is_state(result, "planned");
}

/* Without an end of line: what it is and where it stands. */
void print_plan_head(const struct json *result, const struct style *s, struct buf *out)
{
	const char *plan = json_get_string(result, "plan");
	const char *state = json_get_string(result, "state");

	if (!plan) {
		(void)buf_str(out, is_state(result, "needs_approval")
					   ? "dry run: it would need approval"
					   : "dry run: nothing was changed");
		return;
	}
	(void)buf_str(out, "plan ");
	print_toned(out, s, TONE_BOLD, plan);
	(void)buf_str(out, ": ");
	AUTO(str_t) word = str_dup(state ? state : "?");
	for (char *c = word; *c; c++)
		if (*c == '_')
			*c = ' ';
	print_toned(out, s, state_tone(state), word);
}

static void print_head(const struct json *result, const struct style *s, struct buf *out)
{
	if (is_state(result, "unchanged")) {
		print_toned(out, s, TONE_GOOD, "unchanged");
		(void)buf_str(out, ": that is how it is already\n");
		return;
	}
	print_plan_head(result, s, out);
	(void)buf_char(out, '\n');
}

static enum tone sign_tone(const char *sign)
{
	if (str_equal(sign, "+"))
		return TONE_GOOD;
	if (str_equal(sign, "-"))
		return TONE_BAD;
	return str_equal(sign, "~") ? TONE_WARN : TONE_DIM;
}

/* A rule without a name of its own is called by its number: "rule 3". */
static void print_object(const struct json *change, const struct style *s, struct buf *text)
{
	const char *object = json_get_string(change, "object");
	const char *name = json_get_string(change, "name");
	size_t n = object ? strlen(object) : 0;

	if (!name || !str_starts(name, object ? object : "") || name[n] != ' ') {
		print_value(text, s, NULL, json_get(change, "object"));
		(void)buf_char(text, ' ');
	}
	print_value(text, s, NULL, json_get(change, "name"));
}

/* No table: a long host name should not push the details of all others away. */
void print_change(const struct json *change, size_t indent, bool asked, const struct style *s,
		  struct buf *out)
{
	const char *sign = json_get_string(change, "sign");
	const char *detail = json_get_string(change, "detail");
	const char *theirs = json_get_string(change, "untrusted_text");
	AUTO(buf_t) text = {0};

	(void)buf_printf(out, "%*s", (int)indent, "");
	print_toned(out, s, sign_tone(sign), sign ? sign : "?");
	(void)buf_char(out, ' ');
	print_object(change, s, &text);
	if (detail && *detail)
		(void)buf_printf(&text, "  %s", detail);
	if (asked)
		(void)buf_str(&text, "  [needs approval]");
	print_wrapped(out, s, indent + 4, buf_text(&text));
	if (!theirs)
		return;
	AUTO(str_t) quoted = str_format("theirs: \"%s\"", theirs);
	(void)buf_printf(out, "%*s", (int)indent + 4, "");
	print_wrapped(out, s, indent + 4, quoted);
}

void print_changes(const struct json *changes, const struct style *s, struct buf *out)
{
	JSON_EACH (change, changes)
		print_change(change, 2, false, s, out);
}

void print_sentences(const struct json *list, const char *mark, const struct style *s,
		     struct buf *out)
{
	JSON_EACH (item, list) {
		(void)buf_printf(out, "  %s ", mark);
		print_wrapped(out, s, 3 + text_columns(mark), json_string(item));
	}
}

static void print_convergence(const struct json *result, const struct style *s, struct buf *out)
{
	const char *waiting = json_get_string(result, "waiting_for");

	if (!is_state(result, "applied") && !is_state(result, "unchanged"))
		return;
	if (json_get_bool(result, "converged", false)) {
		print_toned(out, s, TONE_GOOD, "done");
		(void)buf_str(out, ": true at Cloudflare and in the connectors\n");
		return;
	}
	print_toned(out, s, TONE_WARN, "not done yet");
	(void)buf_str(out, ": ");
	AUTO(str_t)
	text = waiting ? str_format("waiting for %s", waiting) : str_dup("see adit status");
	print_wrapped(out, s, 14, text);
}

void print_write(const struct json *result, const struct style *s, struct buf *out)
{
	if (plan_is_open(result)) {
		print_plan(result, s, out);
		return;
	}
	print_head(result, s, out);
	print_changes(json_get(result, "changes"), s, out);
	print_sentences(json_get(result, "warnings"), "warning:", s, out);
	print_convergence(result, s, out);
	JSON_EACH (problem, json_get(result, "problems"))
		print_problem(out, s, "", problem);
}
