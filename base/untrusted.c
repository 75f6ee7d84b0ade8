#include "base/untrusted.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"

static void put_cut(struct json_writer *w, const char *key, const char *text, size_t max)
{
	static const char more[] = " [cut]";

	assert(str_starts(key, "untrusted_"));
	if (!text || !*text)
		return;
	size_t len = strlen(text);
	AUTO(str_t) shown = str_ndup(text, len > max ? utf8_whole(text, max) : len);
	text_printable(shown);
	AUTO(str_t) whole = len > max ? str_format("%s%s", shown, more) : steal(&shown);
	json_put_string(w, key, whole);
}

void json_put_untrusted(struct json_writer *w, const char *key, const char *text)
{
	put_cut(w, key, text, UNTRUSTED_MAX);
}

void json_put_untrusted_document(struct json_writer *w, const char *key, const char *text)
{
	put_cut(w, key, text, UNTRUSTED_DOCUMENT);
}

void json_put_untrusted_lines(struct json_writer *w, const char *key, const char *text)
{
	AUTO(buf_t) out = {0};

	assert(str_starts(key, "untrusted_"));
	if (!text || !*text)
		return;
	size_t most = strlen(text) > UNTRUSTED_MAX ? utf8_whole(text, UNTRUSTED_MAX) : strlen(text);
	for (const char *at = text, *end = text + most; at <= end;) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		AUTO(str_t) line = str_ndup(at, (size_t)((stop ? stop : end) - at));
		text_printable(line);
		(void)buf_printf(&out, "%s%s", at > text ? "\n" : "", line);
		at = (stop ? stop : end) + 1;
	}
	json_put_string(w, key, buf_text(&out));
}

bool text_is_plain(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_:/*+^$?()|[]{}\\~%=,@";
	size_t len = strlen(text);

	return len <= HOSTNAME_MAX && strspn(text, allowed) == len && !strstr(text, "](");
}
