/*
 * The escapes of JSON strings: what the check and the decoding must agree on stands here once.
 */
#include "base/json_text.h"

#include "base/json_word.h"

#include <endian.h>
#include <string.h>

/* What is left of n bytes behind whole words, by loads that overlap: keys are mostly this short. */
static bool rest_is_plain(const char *p, size_t n, size_t i)
{
	if (i == n)
		return true;
	if (n >= 8)
		return !word_special(word_load8(p + n - 8));
	return n >= 4 && !word_special(word_load4(p) | word_load4(p + n - 4) << 32);
}

size_t json_plain_length(const char *p, size_t n)
{
	size_t i = 0;
	for (uint64_t marks; n - i >= 8; i += 8) {
		marks = word_special(le64toh(word_load8(p + i)));
		if (marks)
			return i + (size_t)__builtin_ctzll(marks) / 8;
	}
	if (rest_is_plain(p, n, i))
		return n;
	while (i < n && byte_is_plain((unsigned char)p[i]))
		i++;
	return i;
}

const char *json_string_end(const char *p, const char *end)
{
	for (p++; p < end; p++) {
		p += json_plain_length(p, (size_t)(end - p));
		if (p < end && *p == '"')
			return p + 1;
		if (p < end && *p == '\\')
			p++;
	}
	return end;
}

static int hex_value(int ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	int lower = ch | 0x20;
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

int json_hex4(const char *p, size_t n)
{
	if (n < 4)
		return -1;
	int value = 0;
	for (int i = 0; i < 4; i++) {
		int digit = hex_value((unsigned char)p[i]);
		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

bool json_high_surrogate(int unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

bool json_low_surrogate(int unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

static void add_utf8(uint32_t code, struct buf *out)
{
	static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	char bytes[4];
	for (size_t i = n - 1; i > 0; i--) {
		bytes[i] = (char)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	bytes[0] = (char)(marks[n] | code);
	buf_add(out, bytes, n);
}

static char plain_escape(char ch)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *at = strchr(from, ch);
	return at ? to[at - from] : ch;
}

/* At "\u": append the character, return its length in the text. */
static size_t unescape_unicode(const char *p, size_t len, struct buf *out)
{
	int unit = json_hex4(p + 2, len - 2);
	if (json_high_surrogate(unit) && len >= 12) {
		int low = json_hex4(p + 8, len - 8);
		add_utf8(0x10000u + ((uint32_t)(unit - 0xd800) << 10) + (uint32_t)(low - 0xdc00),
			 out);
		return 12;
	}
	add_utf8(unit > 0 ? (uint32_t)unit : 0xfffdu, out);
	return 6;
}

void json_unescape(const char *p, size_t len, struct buf *out)
{
	while (len > 0) {
		const char *slash = memchr(p, '\\', len);
		size_t plain = slash ? (size_t)(slash - p) : len;
		buf_add(out, p, plain);
		p += plain;
		len -= plain;
		if (len < 2)
			return;
		size_t step = 2;
		if (p[1] == 'u' && len >= 6)
			step = unescape_unicode(p, len, out);
		else
			buf_char(out, plain_escape(p[1]));
		p += step;
		len -= step;
	}
}
