/* UTF-8, one character at a time: strict (no overlong forms, no surrogates, nothing past U+10FFFF),
 * so that what passes here passes everywhere. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The length of the character at s, 1 to 4, or 0 when the bytes are no valid character. */
size_t utf8_decode(const char *s, size_t len, uint32_t *code);
/* How many of len bytes remain when a character that was cut off at the end is dropped. */
size_t utf8_whole(const char *s, size_t len);

#endif
