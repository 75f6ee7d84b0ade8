/*
 * Secrets, hashes and random numbers. Every copy of a secret made here is wiped here. A libcrypto
 * that cannot hash or draw is no state to go on in: the program ends.
 */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

enum { FILE_MAX = 65536, SHA256_SIZE = 32 };

_Noreturn static void crypto_failed(void)
{
	static const char line[] = "libcrypto failed\n";
	ssize_t n = write(STDERR_FILENO, line, sizeof(line) - 1);

	(void)n;
	abort();
}

void secret_set(struct secret *s, const char *data, size_t len)
{
	char *copy = mem_alloc(len + 1); /* before the wipe: data may be the old value */

	if (len)
		memcpy(copy, data, len);
	secret_free(s);
	s->data = copy;
	s->len = len;
}

void secret_free(struct secret *s)
{
	if (s->data)
		explicit_bzero(s->data, s->len);
	free(s->data);
	s->data = NULL;
	s->len = 0;
}

void secret_t_cleanup(secret_t *s)
{
	secret_free(s);
}

bool secret_present(const struct secret *s)
{
	return s->data && s->len > 0;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
	if (!a->data || !b->data || a->len != b->len)
		return false;
	return const_time_equal(a->data, b->data, a->len);
}

bool const_time_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

static int check_file(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_errno(e, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_DENIED, "%s is not a regular file", path);
	if (st.st_uid != geteuid() && st.st_uid != 0) {
		err_set(e, ERR_DENIED, "%s belongs to another user (uid %u)", path,
			(unsigned)st.st_uid);
		return err_hint(e, "chown it to root or to the user that reads it");
	}
	if (st.st_mode & 077) {
		err_set(e, ERR_DENIED, "%s may be read by others (mode %04o)", path,
			(unsigned)st.st_mode & 07777u);
		return err_hint(e, "chmod 0600 %s; if others could read it, replace the secret",
				path);
	}
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Into out without the white space around it. A control character inside could end a header. */
static int keep_text(const struct buf *b, const char *path, struct secret *out, struct err *e)
{
	size_t first = 0, end = b->len;

	while (end > 0 && is_blank(b->data[end - 1]))
		end--;
	while (first < end && is_blank(b->data[first]))
		first++;
	if (first == end)
		return err_set(e, ERR_INVALID, "%s is empty", path);
	for (size_t i = first; i < end; i++)
		if ((unsigned char)b->data[i] < ' ' || b->data[i] == 0x7f)
			return err_set(e, ERR_INVALID,
				       "%s holds a control character or more than one line", path);
	secret_set(out, b->data + first, end - first);
	return 0;
}

static int read_all(int fd, const char *path, struct buf *b, struct err *e)
{
	char piece[4096];
	ssize_t n;
	int result = 0;

	do {
		n = read(fd, piece, sizeof(piece));
		if (n > 0)
			result = buf_add(b, piece, (size_t)n);
	} while (result == 0 && (n > 0 || (n < 0 && errno == EINTR)));
	explicit_bzero(piece, sizeof(piece));
	if (result)
		return err_set(e, ERR_INVALID, "%s is longer than 64 KiB", path);
	return n < 0 ? err_errno(e, "%s", path) : 0;
}

int secret_read_file(int dirfd, const char *path, struct secret *out, struct err *e)
{
	AUTO(fd_t)
	fd = openat(dirfd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	AUTO(buf_t) b = {.limit = FILE_MAX, .secret = true};

	if (fd < 0 && errno == ELOOP)
		return err_set(e, ERR_DENIED, "%s is a symbolic link", path);
	if (fd < 0)
		return err_errno(e, "%s", path);
	if (check_file(fd, path, e) || read_all(fd, path, &b, e))
		return -1;
	return keep_text(&b, path, out, e);
}

static void hex_of(const unsigned char *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[data[i] >> 4];
		*out++ = digits[data[i] & 15];
	}
	*out = '\0';
}

/* Looked up once: it takes as long as hashing a token does. */
static const EVP_MD *sha256(void)
{
	static EVP_MD *found;

	if (!found)
		found = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!found)
		crypto_failed();
	return found;
}

void sha256_hex(const void *data, size_t len, char out[SHA256_HEX_SIZE])
{
	unsigned char digest[SHA256_SIZE];

	if (EVP_Digest(len ? data : "", len, digest, NULL, sha256(), NULL) != 1)
		crypto_failed();
	hex_of(digest, sizeof(digest), out);
}

static bool add_part(EVP_MD_CTX *ctx, const struct sha256_part *part)
{
	unsigned char length[8];

	for (int i = 0; i < 8; i++)
		length[i] = (unsigned char)((uint64_t)part->len >> (56 - 8 * i));
	return EVP_DigestUpdate(ctx, length, sizeof(length)) == 1 &&
	       (part->len == 0 || EVP_DigestUpdate(ctx, part->data, part->len) == 1);
}

void sha256_parts(const struct sha256_part *parts, size_t n, char out[SHA256_HEX_SIZE])
{
	unsigned char digest[SHA256_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!ctx || EVP_DigestInit_ex(ctx, sha256(), NULL) != 1)
		crypto_failed();
	for (size_t i = 0; i < n; i++)
		if (!add_part(ctx, &parts[i]))
			crypto_failed();
	if (EVP_DigestFinal_ex(ctx, digest, NULL) != 1)
		crypto_failed();
	EVP_MD_CTX_free(ctx);
	hex_of(digest, sizeof(digest), out);
}

/* HMAC over the parts' own hash: of one length whatever they are, and no two lists share it. */
void hmac_sha256_parts(const void *key, size_t key_len, const struct sha256_part *parts, size_t n,
		       char out[SHA256_HEX_SIZE])
{
	unsigned char digest[SHA256_SIZE];
	char inner[SHA256_HEX_SIZE];

	sha256_parts(parts, n, inner);
	if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, key_len,
		      (const unsigned char *)inner, sizeof(inner) - 1, digest, sizeof(digest),
		      NULL) == NULL)
		crypto_failed();
	hex_of(digest, sizeof(digest), out);
}

void random_bytes(void *out, size_t len)
{
	unsigned char *p = out;

	while (len > 0) {
		int n = len < 65536 ? (int)len : 65536;

		if (RAND_bytes(p, n) != 1)
			crypto_failed();
		p += n;
		len -= (size_t)n;
	}
}

void random_hex(char *out, size_t digits)
{
	unsigned char bytes[32];
	char text[2 * sizeof(bytes) + 1];

	for (size_t done = 0; done < digits; done += sizeof(text) - 1) {
		size_t n = digits - done < sizeof(text) - 1 ? digits - done : sizeof(text) - 1;
		random_bytes(bytes, (n + 1) / 2);
		hex_of(bytes, (n + 1) / 2, text);
		memcpy(out + done, text, n);
	}
	out[digits] = '\0';
	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(text, sizeof(text));
}

void unique_hex(char out[UNIQUE_HEX_SIZE])
{
	/* An odd step of 48 bits passes through all numbers, and neighbours do not look alike. */
	const uint64_t step = 0x9e3779b97f4b;
	static uint64_t last;
	unsigned char bytes[(UNIQUE_HEX_SIZE - 1) / 2];

	last = last ? last + step : random_u64();
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(last >> 8 * i);
	hex_of(bytes, sizeof(bytes), out);
}

uint64_t random_u64(void)
{
	uint64_t n;

	random_bytes(&n, sizeof(n));
	return n;
}
