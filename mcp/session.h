/*
 * A session of the legacy era that nothing is kept of: its id says what initialize agreed on, and
 * carries our mark over that and the principal, so that nobody can make one up, nor use another's.
 * It proves no identity: the bearer does that with every request.
 */
#ifndef MCP_SESSION_H
#define MCP_SESSION_H

#include "base/secret.h"

#define SESSION_ID_SIZE 160
#define SESSION_KEY     32
#define SESSION_MS      (INT64_C(7) * 24 * 3600 * 1000)

struct session {
	const char *version; /* that was agreed on; lives for ever */
	bool elicits;        /* the client can be asked (elicitation, form mode) */
};

void session_write(const unsigned char key[SESSION_KEY], const struct session *s,
		   const char *principal, int64_t now_ms, char out[SESSION_ID_SIZE]);
/* false: made up, of another principal, or expired. */
bool session_read(const unsigned char key[SESSION_KEY], const char *id, const char *principal,
		  int64_t now_ms, struct session *s);

#endif
