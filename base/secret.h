/*
 * Secrets and hashes. A secret is wiped when freed and has no way into a log, an answer or an
 * error: nothing prints or serialises it. Hashes and random numbers are libcrypto's.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/err.h"

struct secret {
	char *data; /* NUL-terminated; NULL = none */
	size_t len;
};

void secret_set(struct secret *s, const char *data, size_t len); /* copies; wipes the old one */
void secret_free(struct secret *s);
typedef struct secret secret_t;
void secret_t_cleanup(secret_t *s);
bool secret_present(const struct secret *s);
bool secret_equal(const struct secret *a, const struct secret *b); /* constant time */
/* Read a file by directory descriptor (AT_FDCWD allowed) with O_NOFOLLOW; refused unless it is a
 * regular file, owned by us or root, with no permission for group and others. White space at both
 * ends is dropped; empty is refused; at most 64 KiB. */
MUST_USE int secret_read_file(int dirfd, const char *path, struct secret *out, struct err *e);

#define SHA256_HEX_SIZE 65
void sha256_hex(const void *data, size_t len, char out[SHA256_HEX_SIZE]);
/* Several parts hashed with their lengths, so that ("a","bc") differs from ("ab","c"). */
struct sha256_part {
	const void *data;
	size_t len;
};
void sha256_parts(const struct sha256_part *parts, size_t n, char out[SHA256_HEX_SIZE]);
/* The same with a key: a mark that only who has the key can make. */
void hmac_sha256_parts(const void *key, size_t key_len, const struct sha256_part *parts, size_t n,
		       char out[SHA256_HEX_SIZE]);
void random_bytes(void *out, size_t len);
void random_hex(char *out, size_t digits); /* digits + NUL are written */
uint64_t random_u64(void);
/* An id that no other call gives, in this run and most likely in any: it can be guessed from
 * another, and costs nothing. 12 digits + NUL. */
#define UNIQUE_HEX_SIZE 13
void unique_hex(char out[UNIQUE_HEX_SIZE]);
bool const_time_equal(const void *a, const void *b, size_t len);

#endif
