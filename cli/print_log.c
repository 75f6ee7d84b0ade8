/* `adit log`: a log is read downwards, so the newest line comes last. */
#include <stdlib.h>

#include "cli/print.h"
#include "cli/view.h"

static enum tone level_tone(const char *level)
{
	if (!level || str_equal(level, "error") || str_equal(level, "fatal"))
		return TONE_BAD;
	return str_equal(level, "warn") ? TONE_WARN : TONE_DIM;
}

static void print_log_line(const struct json *line, const struct style *s, struct buf *out)
{
	const char *at = json_get_string(line, "at");
	const char *connector = json_get_string(line, "connector");
	const char *level = json_get_string(line, "level");
	const char *text = json_get_string(line, "untrusted_text");
	AUTO(str_t) padded = str_format("%-5s", level ? level : "-");

	if (at)
		view_clock(at, out);
	else
		(void)buf_printf(out, "%20s", "");
	(void)buf_char(out, ' ');
	print_text(out, connector ? connector : "?");
	(void)buf_char(out, ' ');
	print_toned(out, s, level_tone(level), padded);
	(void)buf_char(out, ' ');
	print_text(out, text ? text : "");
	(void)buf_char(out, '\n');
}

void print_log(const struct json *result, const struct style *s, struct buf *out)
{
	const struct json *items = json_get(result, "items");
	size_t n = json_count(items), i = 0;
	const struct json **lines = mem_array(n + 1, sizeof(*lines));

	JSON_EACH (line, items)
		lines[i++] = line;
	if (json_get_bool(result, "gap", false))
		(void)buf_str(out, "... lines between are in the log no more\n");
	while (i-- > 0)
		print_log_line(lines[i], s, out);
	free(lines);
}
