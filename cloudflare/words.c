#include "cloudflare/words.h"

#include <string.h>

#include "base/text.h"

#define WORD_MAX 64

const char *cf_word_of(const struct json *v)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	const char *text = json_string(v);
	size_t len = text ? strlen(text) : 0;

	return len > 0 && len <= WORD_MAX && strspn(text, allowed) == len ? text : NULL;
}

const char *cf_word(const struct json *object, const char *key)
{
	return cf_word_of(json_get(object, key));
}

const char *cf_text(const struct json *object, const char *key)
{
	const char *text = json_get_string(object, key);

	return text && *text ? text : NULL;
}

int64_t cf_time(const struct json *object, const char *key)
{
	const char *text = json_get_string(object, key);
	int64_t ms;
	struct err e;

	/* What is said relative to now is no time of Cloudflare's. */
	if (!text || !strchr(text, 'T') || time_parse(text, 0, &ms, &e) < 0 || ms < 0)
		return 0;
	return ms;
}
