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
#define OUTLOG_WIDTH   400  /* bytes of a kept line */
#define OUTLOG_REFUSED 3    /* refusals in a row that count */
#define OUTLOG_SHOWN   2000 /* bytes of a line that is shown by itself */

struct outlog {
	char **lines;        /* a ring: message, and its error; NULL before the first */
	size_t count;        /* lines ever kept */
	enum reason telling; /* of the last telling line since it was connected */
	enum reason refusal; /* what Cloudflare refuses, and how often in a row */
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

/* The last lines, oldest first, each on a line of its own, as many as fit into so many bytes; NULL
 * when there are none. The caller frees it. */
char *outlog_last(const struct outlog *o, size_t lines, size_t bytes);
/* As many as an event keeps. */
char *outlog_told(const struct outlog *o);

/* One line as searches show it. */
struct outlog_entry {
	char *text;         /* owned: message, error, then the other members; secrets struck out */
	char level[8];      /* "" = it is no JSON, as last words are */
	int64_t time_ms;    /* wall; 0 = it does not say */
	enum reason reason; /* that it speaks of */
};
void outlog_read(const char *line, size_t len, struct outlog_entry *out);
void outlog_entry_free(struct outlog_entry *x);

/* Pure: the reason that a text (a message, or message and error) speaks of. plain: it was no JSON,
 * as the last words of a start that fails are. */
enum reason outlog_classify(const char *text, bool plain);
/* Replace secrets in place by asterisks: the given one, base64 of JSON objects ("eyJ..."), long
 * base64 that ends with '='. */
void outlog_strike(char *text, const char *secret);

#endif
