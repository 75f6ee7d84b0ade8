/* `adit why`: a ladder, the first broken rung marked, and below it what mends it. */
#include "cli/print.h"

static enum tone rung_tone(const char *state, bool weak)
{
	if (str_equal(state, "ok"))
		return weak ? TONE_WARN : TONE_GOOD;
	if (str_equal(state, "broken"))
		return TONE_BAD;
	return TONE_DIM;
}

static const char *mark_of(const char *state, bool weak, bool first)
{
	if (str_equal(state, "ok"))
		return weak ? "~" : "+";
	if (str_equal(state, "broken"))
		return first ? "!" : "-";
	return str_equal(state, "not_checked") ? "." : "?";
}

static void print_rung(const struct json *rung, bool first, const struct style *s, struct buf *out)
{
	const char *name = json_get_string(rung, "rung"), *state = json_get_string(rung, "state");
	const char *evidence = json_get_string(rung, "evidence");
	const char *detail = json_get_string(rung, "untrusted_detail");
	bool weak = json_get_bool(rung, "weak", false);
	bool unchecked = str_equal(state, "not_checked");
	AUTO(str_t) label = str_format("%-13s  ", name ? name : "?");
	AUTO(str_t) word = str_format("%-11s  ", unchecked ? "not checked" : state ? state : "?");
	AUTO(str_t)
	text = str_format("%s%s%s%s", evidence ? evidence : "", detail ? " (" : "",
			  detail ? detail : "", detail ? ")" : "");

	(void)buf_str(out, "  ");
	print_toned(out, s, rung_tone(state, weak), mark_of(state, weak, first));
	(void)buf_char(out, ' ');
	print_text(out, label);
	print_toned(out, s, rung_tone(state, weak), word);
	print_wrapped(out, s, 32, text);
}

static void print_cure(const struct json *result, const struct style *s, struct buf *out)
{
	const char *cure = json_get_string(result, "cure");
	const char *command = json_get_string(result, "command");

	if (!cure && !command)
		return;
	(void)buf_str(out, "    -> ");
	if (!command) {
		print_wrapped(out, s, 7, cure);
		return;
	}
	AUTO(str_t) text = str_format("%s%s%s", cure ? cure : "", cure ? ": " : "", command);
	print_wrapped(out, s, 7, text);
}

void print_health(const struct json *result, const struct style *s, struct buf *out)
{
	const char *state = json_get_string(result, "state");
	const char *broken = json_get_string(result, "broken");
	const char *unasked = json_get_string(result, "unasked");

	print_text(out, json_get_string(result, "host"));
	(void)buf_str(out, ": ");
	print_toned(out, s, state_tone(state), state ? state : "?");
	(void)buf_char(out, '\n');
	JSON_EACH (rung, json_get(result, "rungs")) {
		bool first = broken && str_equal(broken, json_get_string(rung, "rung"));
		print_rung(rung, first, s, out);
		if (first)
			print_cure(result, s, out);
	}
	if (unasked) {
		(void)buf_str(out, "Cloudflare's word is not of now: ");
		print_wrapped(out, s, 0, unasked);
	}
}
