/*
 * Durations, times, rates, ids and encodings. Pure: what a text means depends on nothing but the
 * text (and on now_ms, where it is given). Every sum is checked for overflow.
 */
#include "base/text.h"

#include <ctype.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"

enum { MS_SECOND = 1000, MS_MINUTE = 60000, MS_HOUR = 3600000, MS_DAY = 86400000 };

/* Longest first, which is also the order in which they may be written. */
static const struct {
	const char *name;
	int64_t ms;
} units[] = {{"d", MS_DAY}, {"h", MS_HOUR}, {"m", MS_MINUTE}, {"s", MS_SECOND}, {"ms", 1}};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return isxdigit((unsigned char)c) != 0;
}

static bool is_unreserved(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("-._~", c));
}

/* Read digits at *p; false without a digit or past the range. */
static bool take_number(const char **p, int64_t *out)
{
	const char *s = *p;
	int64_t n = 0;

	if (!is_digit(*s))
		return false;
	for (; is_digit(*s); s++)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *s - '0', &n))
			return false;
	*p = s;
	*out = n;
	return true;
}

/* The unit at *p that is shorter than the one before it; -1 when there is none. */
static int take_unit(const char **p, int before)
{
	size_t len = strspn(*p, "dhms");

	for (int i = before + 1; i < (int)ARRAY_LEN(units); i++) {
		if (strlen(units[i].name) == len && strncmp(*p, units[i].name, len) == 0) {
			*p += len;
			return i;
		}
	}
	return -1;
}

static bool duration_read(const char *text, int64_t *ms)
{
	int64_t total = 0, n;
	int unit = -1;

	do {
		if (!take_number(&text, &n))
			return false;
		unit = take_unit(&text, unit);
		if (unit < 0 || __builtin_mul_overflow(n, units[unit].ms, &n) ||
		    __builtin_add_overflow(total, n, &total))
			return false;
	} while (*text);
	*ms = total;
	return true;
}

int duration_parse(const char *text, int64_t *ms, struct err *e)
{
	if (duration_read(text, ms))
		return 0;
	return err_set(e, ERR_INVALID,
		       "\"%.60s\" is no duration: whole numbers with d, h, m, s or ms, longest "
		       "first, as in 30s, 1h30m or 100ms",
		       text);
}

void duration_format(int64_t ms, char out[TEXT_TIME_SIZE])
{
	uint64_t left = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
	size_t at = 0;

	if (ms < 0)
		out[at++] = '-';
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		uint64_t n = left / (uint64_t)units[i].ms;

		left %= (uint64_t)units[i].ms;
		if (n)
			at += (size_t)snprintf(out + at, TEXT_TIME_SIZE - at, "%llu%s",
					       (unsigned long long)n, units[i].name);
	}
	if (ms == 0)
		str_copy(out, TEXT_TIME_SIZE, "0s");
}

void duration_human(int64_t ms, char out[TEXT_TIME_SIZE])
{
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (ms >= units[i].ms) {
			snprintf(out, TEXT_TIME_SIZE, "%lld%s", (long long)(ms / units[i].ms),
				 units[i].name);
			return;
		}
	}
	str_copy(out, TEXT_TIME_SIZE, "0s");
}

/* Gives where they begin. */
const char *int_format(int64_t v, char out[TEXT_INT_SIZE])
{
	char *from = out + TEXT_INT_SIZE - 1;
	uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	*from = '\0';
	do
		*--from = (char)('0' + rest % 10);
	while (rest /= 10);
	if (v < 0)
		*--from = '-';
	return from;
}

/* Two digits and the character after them. By hand, since every answer holds several times, and
 * printf takes ten times as long. */
static char *put_two(char *to, int n, char after)
{
	to[0] = (char)('0' + n / 10 % 10);
	to[1] = (char)('0' + n % 10);
	to[2] = after;
	return to + 3;
}

/* Four digits where it has no more. */
static char *put_year(char *to, int year)
{
	if (year < 0 || year > 9999)
		return to + snprintf(to, TEXT_TIME_SIZE, "%04d-", year);
	put_two(to, year / 100, '\0');
	return put_two(to + 2, year % 100, '-');
}

/* The day, counted from 1970-01-01. Years are counted from March, so that a leap day is the last of
 * its year, and the same 146,097 days come again every 400 years. */
static char *put_date(char *to, int64_t day)
{
	enum { TO_MARCH_0000 = 719468, ERA = 146097, CENTURY = 36524, LEAP = 1461 };
	int64_t since = day + TO_MARCH_0000;
	int64_t era = since / ERA - (since % ERA < 0);
	int at = (int)(since - era * ERA);
	int year = (at - at / (LEAP - 1) + at / CENTURY - at / (ERA - 1)) / 365;
	int of_year = at - (365 * year + year / 4 - year / 100);
	int month = (5 * of_year + 2) / 153; /* five months have 153 days: 31, 30, 31, 30, 31 */

	to = put_year(to, (int)(era * 400) + year + (month >= 10));
	to = put_two(to, month < 10 ? month + 3 : month - 9, '-');
	return put_two(to, of_year - (153 * month + 2) / 5 + 1, 'T');
}

/* Without gmtime_r, which looks after time zones each time. */
void time_format(int64_t wall_ms, char out[TEXT_TIME_SIZE])
{
	int ms = (int)(wall_ms % MS_DAY);

	out = put_date(out, wall_ms / MS_DAY - (ms < 0));
	ms += ms < 0 ? MS_DAY : 0;
	out = put_two(out, ms / MS_HOUR, ':');
	out = put_two(out, ms / MS_MINUTE % 60, ':');
	ms %= MS_MINUTE;
	out = put_two(out, ms / MS_SECOND, '.');
	ms %= MS_SECOND;
	*out++ = (char)('0' + ms / 100);
	*put_two(out, ms % 100, 'Z') = '\0';
}

/* Exactly `digits` digits, a number from low to high, then (unless NUL) the character after. */
static bool take_field(const char **p, int digits, int low, int high, char after, int *out)
{
	int n = 0;

	for (int i = 0; i < digits; i++, (*p)++) {
		if (!is_digit(**p))
			return false;
		n = n * 10 + (**p - '0');
	}
	if (n < low || n > high || (after && toupper((unsigned char)**p) != after))
		return false;
	*p += after ? 1 : 0;
	*out = n;
	return true;
}

static bool take_date(const char **p, struct tm *tm)
{
	static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year, month, day;
	bool leap;

	if (!take_field(p, 4, 0, 9999, '-', &year) || !take_field(p, 2, 1, 12, '-', &month) ||
	    !take_field(p, 2, 1, 31, 'T', &day))
		return false;
	leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	if (day > month_days[month - 1] + (leap && month == 2))
		return false;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	tm->tm_mday = day;
	return true;
}

/* ".123456" to 123; no point is 0. Digits past the third are dropped. */
static bool take_fraction(const char **p, int *ms)
{
	int weight = 100;

	*ms = 0;
	if (**p != '.')
		return true;
	(*p)++;
	if (!is_digit(**p))
		return false;
	for (; is_digit(**p); (*p)++, weight /= 10)
		*ms += (**p - '0') * weight;
	return true;
}

static bool take_offset(const char **p, int *minutes)
{
	char sign = **p;
	int h, m;

	*minutes = 0;
	if (sign != '\0')
		(*p)++;
	if (sign == 'Z' || sign == 'z')
		return true;
	if ((sign != '+' && sign != '-') || !take_field(p, 2, 0, 23, ':', &h) ||
	    !take_field(p, 2, 0, 59, '\0', &m))
		return false;
	*minutes = (h * 60 + m) * (sign == '-' ? -1 : 1);
	return true;
}

static bool time_read(const char *p, int64_t *wall_ms)
{
	struct tm tm = {0};
	int ms, offset;
	int64_t seconds;
	bool leap_second;

	if (!take_date(&p, &tm) || !take_field(&p, 2, 0, 23, ':', &tm.tm_hour) ||
	    !take_field(&p, 2, 0, 59, ':', &tm.tm_min) ||
	    !take_field(&p, 2, 0, 60, '\0', &tm.tm_sec) || !take_fraction(&p, &ms) ||
	    !take_offset(&p, &offset) || *p)
		return false;
	leap_second = tm.tm_sec == 60;
	seconds = (int64_t)timegm(&tm) - offset * 60;
	/* A leap second can only be the last one of a UTC day; it counts as the next day's first.
	 */
	if (leap_second && seconds % (MS_DAY / 1000) != 0)
		return false;
	*wall_ms = seconds * 1000 + ms;
	return true;
}

/* "48h" or "48h ago". */
static bool ago_read(const char *text, int64_t now_ms, int64_t *wall_ms)
{
	char word[TEXT_TIME_SIZE + 4];
	int64_t back;

	if (!str_copy(word, sizeof(word), text))
		return false;
	if (str_ends(word, " ago"))
		word[strlen(word) - 4] = '\0';
	return duration_read(word, &back) && !__builtin_sub_overflow(now_ms, back, wall_ms);
}

int time_parse(const char *text, int64_t now_ms, int64_t *wall_ms, struct err *e)
{
	int64_t t;

	if (!time_read(text, &t) && !ago_read(text, now_ms, &t))
		return err_set(e, ERR_INVALID,
			       "\"%.60s\" is no time: RFC 3339 as in 2026-11-21T14:00:00Z, or a "
			       "duration back from now as in 48h",
			       text);
	*wall_ms = t;
	return 0;
}

int rate_parse(const char *text, int64_t *count, int64_t *window_ms, struct err *e)
{
	const char *p = text;
	int64_t n, window;

	if (!take_number(&p, &n) || *p != '/' || !duration_read(p + 1, &window) || n < 1 ||
	    window < 1)
		return err_set(e, ERR_INVALID,
			       "\"%.60s\" is no rate: a number of calls and a duration, as in "
			       "600/5m",
			       text);
	*count = n;
	*window_ms = window;
	return 0;
}

bool uuid_valid(const char *s)
{
	if (!s || strlen(s) != UUID_SIZE - 1)
		return false;
	for (int i = 0; i < UUID_SIZE - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !is_hex(s[i]))
			return false;
	}
	return true;
}

static unsigned hex_value(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a') + 10;
}

struct uuid uuid_read(const char *text)
{
	struct uuid u = {0};

	if (!uuid_valid(text))
		return u;
	for (size_t i = 0; i < sizeof(u.bytes); i++, text += 2) {
		text += *text == '-';
		u.bytes[i] = (unsigned char)(hex_value(text[0]) << 4 | hex_value(text[1]));
	}
	return u;
}

bool uuid_known(const struct uuid *u)
{
	static const struct uuid none;

	return !uuid_same(u, &none);
}

bool uuid_same(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

const char *uuid_format(const struct uuid *u, char out[UUID_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	char *p = out;

	for (size_t i = 0; i < sizeof(u->bytes) && uuid_known(u); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = digits[u->bytes[i] >> 4];
		*p++ = digits[u->bytes[i] & 15];
	}
	*p = '\0';
	return out;
}

bool hex_valid(const char *s, size_t len)
{
	if (!s || strlen(s) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_hex(s[i]))
			return false;
	return true;
}

/* libcrypto counts in int, so long data goes in steps; a multiple of 3 (of 4) needs no padding. */
enum { BASE64_STEP = 16384 };

char *base64_encode(const void *data, size_t len)
{
	const unsigned char *from = data;
	char *text = mem_alloc(len / 3 * 4 + 5);
	unsigned char *to = (unsigned char *)text;

	while (len > 0) {
		size_t n = len < 3 * BASE64_STEP ? len : 3 * BASE64_STEP;

		to += EVP_EncodeBlock(to, from, (int)n);
		from += n;
		len -= n;
	}
	return text;
}

/* The number of '=' at the end, or -1 when this is no base64. */
static int base64_padding(const char *text, size_t len)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789+/";
	size_t body = strspn(text, alphabet), padding = len - body;

	if (len % 4 != 0 || padding > 2 || strspn(text + body, "=") != padding)
		return -1;
	return (int)padding;
}

char *base64_decode(const char *text, size_t *len)
{
	size_t left = strlen(text), total = 0;
	int padding = base64_padding(text, left);
	unsigned char *data;
	AUTO(str_t) again = NULL;

	if (padding < 0)
		return NULL;
	data = mem_alloc(left / 4 * 3 + 1);
	for (const unsigned char *p = (const unsigned char *)text; left > 0;) {
		size_t n = left < 4 * BASE64_STEP ? left : 4 * BASE64_STEP;

		total += (size_t)EVP_DecodeBlock(data + total, p, (int)n);
		p += n;
		left -= n;
	}
	total -= (size_t)padding;
	data[total] = '\0';
	/* Bits behind the last byte must be zero: one text, one meaning. */
	again = base64_encode(data, total);
	if (!str_equal(again, text)) {
		free(data);
		return NULL;
	}
	explicit_bzero(again, strlen(again));
	if (len)
		*len = total;
	return (char *)data;
}

char *percent_encode(const char *s)
{
	AUTO(buf_t) out = {0};

	for (; *s; s++) {
		if (is_unreserved(*s))
			buf_char(&out, *s);
		else
			buf_printf(&out, "%%%02X", (unsigned)(unsigned char)*s);
	}
	return buf_steal(&out);
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

char *percent_decode(const char *s)
{
	AUTO(buf_t) out = {0};

	for (; *s; s++) {
		int high = *s == '%' ? hex_digit(s[1]) : 0;
		int low = *s == '%' && high >= 0 ? hex_digit(s[2]) : 0;

		if (high < 0 || low < 0 || (*s == '%' && high + low == 0))
			return NULL;
		buf_char(&out, *s == '%' ? (char)(high * 16 + low) : *s);
		s += *s == '%' ? 2 : 0;
	}
	return buf_steal(&out);
}
