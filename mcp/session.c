#include "mcp/session.h"

#include "mcp/era.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NONCE_DIGITS 32

static void mark(const unsigned char key[SESSION_KEY], const char *text, size_t len,
		 const char *principal, char out[SHA256_HEX_SIZE])
{
	static const char what[] = "legacy session";
	const struct sha256_part parts[] = {
		{what, sizeof(what)}, {principal, strlen(principal)}, {text, len}};
	hmac_sha256_parts(key, SESSION_KEY, parts, ARRAY_LEN(parts), out);
}

/* version-elicits-expiry-nonce-mark */
void session_write(const unsigned char key[SESSION_KEY], const struct session *s,
		   const char *principal, int64_t now_ms, char out[SESSION_ID_SIZE])
{
	char nonce[NONCE_DIGITS + 1], sum[SHA256_HEX_SIZE];
	random_hex(nonce, NONCE_DIGITS);
	int n = snprintf(out, SESSION_ID_SIZE, "%d-%d-%" PRId64 "-%s",
			 era_version_index(s->version), s->elicits, now_ms + SESSION_MS, nonce);
	mark(key, out, (size_t)n, principal, sum);
	(void)snprintf(out + n, SESSION_ID_SIZE - (size_t)n, "-%s", sum);
}

bool session_read(const unsigned char key[SESSION_KEY], const char *id, const char *principal,
		  int64_t now_ms, struct session *s)
{
	char sum[SHA256_HEX_SIZE];
	const char *dash = strrchr(id, '-');
	if (!dash || strlen(id) >= SESSION_ID_SIZE || strlen(dash + 1) != SHA256_HEX_SIZE - 1)
		return false;
	mark(key, id, (size_t)(dash - id), principal, sum);
	if (!const_time_equal(sum, dash + 1, SHA256_HEX_SIZE - 1))
		return false;
	char *at = NULL; /* from here on it is text of ours */
	const char *version = era_version_at((int)strtol(id, &at, 10));
	long elicits = strtol(at + 1, &at, 10);
	if (!version || strtoll(at + 1, NULL, 10) < now_ms)
		return false;
	*s = (struct session){.version = version, .elicits = elicits == 1};
	return true;
}
