/*
 * Faults to order: rules that say which request goes wrong and how. Pure: finding the rule for a
 * request counts it; carrying it out is api.c's and front.c's.
 */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "base/json.h"
#include "base/list.h"

enum fault_kind {
	FAULT_ERROR, /* an envelope with status and code; nothing is done */
	FAULT_RAW,   /* any status, type and body; nothing is done */
	FAULT_LIMIT, /* 429 with retry-after; nothing is done */
	FAULT_WRONG, /* done, but the answer is this body */
	FAULT_LOSE,  /* done, then the connection is closed without an answer */
	FAULT_DROP,  /* closed without an answer; nothing is done */
	FAULT_HANG,  /* never answered; nothing is done */
	FAULT_LATE,  /* done after a while; the answer is lost at once, or never comes */
	FAULT_DELAY, /* done at once, answered after a while */
	FAULT_SLOW,  /* the answer's body trickles */
	FAULT_CUT    /* the answer ends in the middle of its body */
};

struct fault {
	struct list node;
	char *name;                      /* the action as it was written, for the log */
	char *method, *path, *body_part; /* NULL = any; path is a shell pattern without base path */
	int64_t nth, count; /* from the nth match on, so many times; count 0 = always */
	int64_t seen, done;
	enum fault_kind kind;
	int status;
	int64_t code, ms, bytes;
	char *message, *body, *content_type;
	struct strlist headers;
	bool hold;  /* LATE: keep the caller waiting instead of closing */
	bool reset; /* LOSE, DROP: by RST instead of FIN */
};

struct faults {
	struct list rules;
};

void faults_init(struct faults *f);
void faults_clear(struct faults *f);
/* One rule or a list of them (docs/SIM.md); all or none are taken. */
MUST_USE int faults_add(struct faults *f, const struct json *rules, struct err *e);
/* The rule that strikes this request, or NULL. */
const struct fault *faults_strike(struct faults *f, const char *method, const char *path,
				  const char *body);
void faults_write(const struct faults *f, struct buf *out);

#endif
