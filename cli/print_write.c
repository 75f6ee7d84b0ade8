/*
 * What every write answers: the plan, what changes, what to know, and whether it is true already.
 * The order is that of reading: first what happened, last what to do.
 */
#include <string.h>

#include "cli/print.h"

enum { HASH_SHOWN = 12 };

bool is_write_answer(const struct op *op)
{
	return op->effects != OP_READS && fields_find(op->result, "changes") &&
	       fields_find(op->result, "converged");
}

static bool is_state(const struct json *result, const char *state)
{
	return str_equal(json_get_string(result, "state"), state);
}

static void print_head(const struct json *result, const struct style *s, struct buf *out)
{
	const char *plan = json_get_string(result, "plan");
	const char *state = json_get_string(result, "state");

	if (is_state(result, "unchanged")) {
		print_toned(out, s, TONE_GOOD, "unchanged");
		(void)buf_str(out, ": that is how it is already\n");
		return;
	}
	if (!plan)
		(void)buf_str(out, is_state(result, "needs_approval")
					   ? "dry run: it would need approval\n"
					   : "dry run: nothing was changed\n");
	if (!plan)
		return;
	(void)buf_str(out, "plan ");
	print_toned(out, s, TONE_BOLD, plan);
	(void)buf_str(out, ": ");
	AUTO(str_t) word = str_dup(state ? state : "?");
	for (char *c = word; *c; c++)
		if (*c == '_')
			*c = ' ';
	print_toned(out, s, state_tone(state), word);
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

/* No table: a long host name should not push the details of all others away. */
static void print_change(const struct json *change, const struct style *s, struct buf *out)
{
	const char *sign = json_get_string(change, "sign");
	const char *detail = json_get_string(change, "detail");
	AUTO(buf_t) text = {0};

	(void)buf_str(out, "  ");
	print_toned(out, s, sign_tone(sign), sign ? sign : "?");
	(void)buf_char(out, ' ');
	print_value(&text, s, NULL, json_get(change, "object"));
	(void)buf_char(&text, ' ');
	print_value(&text, s, NULL, json_get(change, "name"));
	if (detail && *detail)
		(void)buf_printf(&text, "  %s", detail);
	print_wrapped(out, s, 6, buf_text(&text));
}

void print_changes(const struct json *changes, const struct style *s, struct buf *out)
{
	JSON_EACH (change, changes)
		print_change(change, s, out);
}

static void print_sentences(const struct json *list, const char *mark, const struct style *s,
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
	const struct json *approvals = json_get(result, "approvals");

	print_head(result, s, out);
	print_changes(json_get(result, "changes"), s, out);
	if (is_state(result, "needs_approval") && json_count(approvals)) {
		(void)buf_str(out, "approval is needed, since\n");
		print_sentences(approvals, "*", s, out);
	}
	print_sentences(json_get(result, "warnings"), "warning:", s, out);
	print_convergence(result, s, out);
	JSON_EACH (problem, json_get(result, "problems"))
		print_problem(out, s, "", problem);
}

void print_how_to_approve(const struct json *result, struct buf *out)
{
	const char *plan = json_get_string(result, "plan");
	const char *hash = json_get_string(result, "hash");

	if (!is_state(result, "needs_approval") || !plan || !hash)
		return;
	(void)buf_str(out, "to approve: sudo adit plan approve ");
	print_text(out, plan);
	(void)buf_printf(out, " --hash %.*s\nto drop it: adit plan reject ", HASH_SHOWN, hash);
	print_text(out, plan);
	(void)buf_char(out, '\n');
}
