/* The grammar is RFC 8941's list of items with parameters, as far as these headers use it: bare
 * items are strings or tokens, and parameters of all kinds are read but only integers are kept. */
#include "cloudflare/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloudflare/budget.h"

#define HEADER_MAX     2048
#define INTEGER_DIGITS 15
#define RETRY_MAX_S    86400

static void skip_blank(const char **p)
{
	*p += strspn(*p, " \t");
}

static int read_string(const char **p, char *out, size_t size)
{
	size_t n = 0;

	for ((*p)++; **p && **p != '"'; (*p)++) {
		if (**p == '\\' && *++*p != '"' && **p != '\\')
			return -1;
		if ((unsigned char)**p < 0x20 || (unsigned char)**p > 0x7e)
			return -1;
		if (n + 1 < size)
			out[n++] = **p;
	}
	if (**p != '"')
		return -1;
	(*p)++;
	out[n] = '\0';
	return 0;
}

static int read_token(const char **p, char *out, size_t size)
{
	size_t len = strspn(*p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				"!#$%&'*+-.^_`|~:/?");

	if (len == 0)
		return -1;
	size_t kept = len < size ? len : size - 1;
	memcpy(out, *p, kept);
	out[kept] = '\0';
	*p += len;
	return 0;
}

static int read_bare(const char **p, char *out, size_t size)
{
	return **p == '"' ? read_string(p, out, size) : read_token(p, out, size);
}

/* A non-negative integer; anything else is not for us. */
static int64_t to_count(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > INTEGER_DIGITS || text[digits])
		return -1;
	return strtoll(text, NULL, 10);
}

static int read_parameter(const char **p, char count, char seconds, struct limit_item *item)
{
	char value[32] = "";

	(*p)++;
	skip_blank(p);
	size_t len = strspn(*p, "abcdefghijklmnopqrstuvwxyz0123456789_-.*");
	char key = len == 1 ? **p : '\0';
	if (len == 0)
		return -1;
	*p += len;
	if (**p != '=')
		return 0;
	bool quoted = *++*p == '"';
	if (read_bare(p, value, sizeof(value)) < 0)
		return -1;
	if (key != count && key != seconds)
		return 0;
	int64_t number = quoted ? -1 : to_count(value);
	*(key == count ? &item->count : &item->seconds) = number;
	return number < 0 ? -1 : 0;
}

static int read_item(const char **p, char count, char seconds, struct limit_item *item)
{
	*item = (struct limit_item){.count = -1, .seconds = -1};
	if (read_bare(p, item->name, sizeof(item->name)) < 0)
		return -1;
	while (**p == ';')
		if (read_parameter(p, count, seconds, item) < 0)
			return -1;
	skip_blank(p);
	return 0;
}

int limits_parse(const char *header, char count, char seconds, struct limit_item out[LIMIT_ITEMS])
{
	struct limit_item item;
	int n = 0;

	if (!header || strnlen(header, HEADER_MAX + 1) > HEADER_MAX)
		return 0;
	skip_blank(&header);
	while (*header) {
		if (read_item(&header, count, seconds, &item) < 0)
			return 0;
		if (item.count >= 0 && n < LIMIT_ITEMS)
			out[n++] = item;
		if (*header == '\0')
			break;
		if (*header++ != ',')
			return 0;
		skip_blank(&header);
		if (*header == '\0')
			return 0;
	}
	return n;
}

static bool tighter(const struct limit_item *a, const struct limit_item *b)
{
	return a->count < b->count || (a->count == b->count && a->seconds > b->seconds);
}

const struct limit_item *limits_least(const struct limit_item *items, int n)
{
	const struct limit_item *least = NULL;

	for (int i = 0; i < n; i++)
		if (items[i].seconds >= 0 && (!least || tighter(&items[i], least)))
			least = &items[i];
	return least;
}

const struct limit_item *limits_named(const struct limit_item *items, int n,
				      const struct limit_item *like)
{
	const struct limit_item *least = NULL;

	for (int i = 0; i < n; i++) {
		if (like && strcmp(items[i].name, like->name) == 0)
			return &items[i];
		if (!least || items[i].count < least->count)
			least = &items[i];
	}
	return least;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", without the locale's names of days and months. */
static bool date_parse(const char *text, int64_t *wall_ms)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char month[4] = "", zone[4] = "";
	struct tm tm = {0};
	int end = 0;

	if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d %3[GMT]%n", &tm.tm_mday,
		   month, &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, zone, &end) != 7)
		return false;
	const char *at = strlen(month) == 3 ? strstr(months, month) : NULL;
	if (!at || (at - months) % 3 || strcmp(zone, "GMT") != 0 || text[end] || tm.tm_year < 1970)
		return false;
	tm.tm_mon = (int)(at - months) / 3;
	tm.tm_year -= 1900;
	*wall_ms = (int64_t)timegm(&tm) * 1000;
	return true;
}

int64_t retry_after_parse(const char *text, int64_t wall_ms)
{
	int64_t ms, seconds;

	if (!text)
		return 0;
	skip_blank(&text);
	seconds = to_count(text);
	if (seconds < 0) {
		if (!date_parse(text, &ms) || ms <= wall_ms)
			return 0;
		seconds = (ms - wall_ms + 999) / 1000;
	}
	if (seconds == 0)
		seconds = 1; /* "at once" would be the next refusal */
	return (seconds > RETRY_MAX_S ? RETRY_MAX_S : seconds) * 1000;
}
