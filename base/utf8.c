/*
 * Strict UTF-8, and what of it may be shown: text from outside must neither move a terminal's
 * cursor nor reorder what stands around it.
 */
#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

static size_t sequence_len(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

size_t utf8_decode(const char *s, size_t len, uint32_t *code)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)s;
	size_t n = len ? sequence_len(p[0]) : 0;
	uint32_t c;

	if (n == 0 || n > len)
		return 0;
	c = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*code = c;
	return n;
}

size_t utf8_whole(const char *s, size_t len)
{
	size_t back = 1;

	while (back <= 3 && back < len && ((unsigned char)s[len - back] & 0xc0) == 0x80)
		back++;
	if (len >= back && sequence_len((unsigned char)s[len - back]) > back)
		return len - back;
	return len;
}

/* C0, DEL and C1 controls; line separators; bidi marks, embeddings and isolates; zero-width
 * characters; fillers, which look like nothing; variation selectors and tags, which carry whole
 * texts unseen; non-characters and the byte order mark. */
static bool hidden(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0x0000, 0x001f},   {0x007f, 0x009f},   {0x00ad, 0x00ad}, {0x034f, 0x034f},
		{0x061c, 0x061c},   {0x115f, 0x1160},   {0x17b4, 0x17b5}, {0x180b, 0x180f},
		{0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f}, {0x2800, 0x2800},
		{0x3164, 0x3164},   {0xfdd0, 0xfdef},   {0xfe00, 0xfe0f}, {0xfeff, 0xfeff},
		{0xffa0, 0xffa0},   {0xfff0, 0xfffb},   {0xfffe, 0xffff}, {0x1bca0, 0x1bca3},
		{0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
	};

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return (c & 0xfffe) == 0xfffe;
}

void text_printable(char *s)
{
	while (*s >= 0x20 && *s < 0x7f)
		s++; /* most text is this alone */
	size_t left = strlen(s);
	char *to = s;

	while (left > 0) {
		uint32_t c;
		size_t n = utf8_decode(s, left, &c), step = n ? n : 1;

		if (n == 0 || hidden(c)) {
			*to++ = '?';
		} else {
			memmove(to, s, n);
			to += n;
		}
		s += step;
		left -= step;
	}
	*to = '\0';
}
