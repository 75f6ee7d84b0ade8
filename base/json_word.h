/*
 * Text of JSON strings, eight bytes at a time: nearly all of it stands for itself. Inside of the
 * JSON files only.
 */
#ifndef BASE_JSON_WORD_H
#define BASE_JSON_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EACH_BYTE(v) (0x0101010101010101u * (v))

/* ASCII, but no control character, quote or backslash. */
static inline bool byte_is_plain(unsigned char ch)
{
	return ch >= 0x20 && ch < 0x80 && ch != '"' && ch != '\\';
}

/* High bits where one of eight bytes is not plain. Most text is in strings, so that eight at a time
 * make the check a third faster. A borrow comes only from a byte that is marked itself: the lowest
 * mark is always right, those above it may not be. */
static inline uint64_t word_special(uint64_t word)
{
	uint64_t quote = word ^ EACH_BYTE('"'), slash = word ^ EACH_BYTE('\\');
	uint64_t below = (word - EACH_BYTE(0x20)) | (quote - EACH_BYTE(1)) | (slash - EACH_BYTE(1));
	return (below | word) & EACH_BYTE(0x80);
}

static inline uint64_t word_load8(const char *p)
{
	uint64_t word;
	memcpy(&word, p, sizeof(word));
	return word;
}

static inline uint64_t word_load4(const char *p)
{
	uint32_t half;
	memcpy(&half, p, sizeof(half));
	return half;
}

static inline uint64_t word_copy8(char *to, const char *p)
{
	uint64_t word = word_load8(p);
	memcpy(to, &word, sizeof(word));
	return word_special(word);
}

/* Copies n bytes, of which the caller makes nothing when they are not all plain: then it is
 * false. What is left behind whole words goes by copies that overlap. */
static inline bool word_copy_plain(char *to, const char *p, size_t n)
{
	uint64_t marks = 0;
	if (n >= 8) {
		for (size_t i = 0; i < n - 8; i += 8)
			marks |= word_copy8(to + i, p + i);
		return !(marks | word_copy8(to + n - 8, p + n - 8));
	}
	if (n >= 4) {
		memcpy(to, p, 4);
		memcpy(to + n - 4, p + n - 4, 4);
		return !word_special(word_load4(p) | word_load4(p + n - 4) << 32);
	}
	for (size_t i = 0; i < n; i++) {
		if (!byte_is_plain((unsigned char)p[i]))
			return false;
		to[i] = p[i];
	}
	return true;
}

#endif
