/*
 * Memory and small language helpers. Out of memory is fatal (one line, abort): sizes that come
 * from outside are limited before they are allocated, so running out is not an input error.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MUST_USE     __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
/* A function whose large variables, which are zeroed at its beginning, must not become the
 * caller's.
 */
#define SELDOM       __attribute__((cold, noinline))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* AUTO(str_t) s = ...; is freed when it leaves scope. A type T needs a T##_cleanup(T *). */
#define AUTO(T) __attribute__((cleanup(T##_cleanup), unused)) T

/* Take a value out of an AUTO variable (or a struct): the variable is NULL afterwards. */
#define steal(p)                                                                                   \
	__extension__({                                                                            \
		__typeof__(*(p)) stolen_ = *(p);                                                   \
		*(p) = NULL;                                                                       \
		stolen_;                                                                           \
	})

typedef char *str_t;
void str_t_cleanup(str_t *s);

typedef int fd_t;
void fd_t_cleanup(fd_t *fd); /* closes once; -1 is ignored */

/* Never return NULL. mem_alloc zeroes. */
void *mem_alloc(size_t size);
void *mem_array(size_t n, size_t size); /* zeroed; the product is checked */
void *mem_grow(void *p, size_t n, size_t size);
/* Room for one item more than n, when each one came in this way. */
void *mem_room(void *items, size_t n, size_t size);
char *str_dup(const char *s); /* NULL gives NULL */
char *str_ndup(const char *s, size_t n);
char *str_lower(const char *s); /* a copy, its ASCII letters small */
char *str_format(const char *fmt, ...) PRINTF(1, 2);
char *str_vformat(const char *fmt, va_list ap) PRINTF(1, 0);

/* Replace *slot (owned) by a copy of s; s may be NULL. */
void str_set(char **slot, const char *s);
/* Equal, with NULL equal to NULL only. */
static inline bool str_equal(const char *a, const char *b)
{
	return a && b ? *a == *b && strcmp(a, b) == 0 : a == b;
}
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
/* Copy into a fixed array; false (and an empty dst) when it does not fit. */
bool str_copy(char *dst, size_t size, const char *src);
/* Put texts (NULL-terminated) one behind the other into a fixed array, cut to what fits: what is
 * done with each request takes a tenth of what snprintf does. */
void str_join(char *dst, size_t size, const char *const *texts);

/* A growing list of owned strings; zeroed = empty. */
struct strlist {
	char **items;
	size_t n;
};

void strlist_add(struct strlist *l, const char *s);
bool strlist_has(const struct strlist *l, const char *s);
void strlist_free(struct strlist *l);
typedef struct strlist strlist_t;
void strlist_t_cleanup(strlist_t *l);

#endif
