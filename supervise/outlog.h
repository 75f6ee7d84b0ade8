/*
 * What a connector's log says: lines that are JSON, torn JSON or plain text are read alike, secrets
 * are struck out, the last few are kept for people, and the telling ones become a reason. What a
 * line says alone never changes a state; it explains one.
 */
#ifndef SUPERVISE_OUTLOG_H
#define SUPERVISE_OUTLOG_H

#include "base/text.h"
#include "supervise/reason.h"

#define OUTLOG_LINES   20
#define OUTLOG_WIDTH   400 /* bytes of a kept line */
#define OUTLOG_REFUSED 3   /* refusals in a row that count */

struct outlog {
	char *lines[OUTLOG_LINES]; /* a ring: message, and its error */
	size_t count;              /* lines ever kept */
	enum reason telling;       /* of the last telling line since it was connected */
	enum reason refusal;       /* what Cloudflare refuses, and how often in a row */
	int refusals;
	char connector_id[UUID_SIZE]; /* "" = not said yet */
	char version[32];             /* "" = not said yet */
	bool registered;              /* a connection stood since the last outlog_begin */
};

/* A new process writes from here on: what the old one said is kept as lines only. */
void outlog_begin(struct outlog *o);
void outlog_free(struct outlog *o);
/* secret: the token, to be struck out wherever it stands; may be NULL. */
void outlog_add(struct outlog *o, const char *line, size_t len, const char *secret);
/* The last line, or one further back; NULL when there are not so many. */
const char *outlog_line(const struct outlog *o, size_t back);
/* What Cloudflare has refused often enough to be believed; REASON_NONE = nothing. */
enum reason outlog_refused(const struct outlog *o);

/* Pure: the reason that a text (a message, or message and error) speaks of. plain: it was no JSON,
 * as the last words of a start that fails are. */
enum reason outlog_classify(const char *text, bool plain);
/* Replace secrets in place by asterisks: the given one, base64 of JSON objects ("eyJ..."), long
 * base64 that ends with '='. */
void outlog_strike(char *text, const char *secret);

#endif
