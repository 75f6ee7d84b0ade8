/*
 * Search the connectors' logs, the newest line first, over several files at once. Files are read
 * backwards in slices, so many bytes a turn; how far it came is a place that can be given back
 * later, whatever was added to the files or taken out of them meanwhile. Reads only.
 */
#ifndef SUPERVISE_LOGSEARCH_H
#define SUPERVISE_LOGSEARCH_H

#include "base/buf.h"
#include "supervise/outlog.h"

#define LOGSEARCH_FILES 50                 /* connectors of a tunnel, with both their sides */
#define LOGSEARCH_TURN  ((size_t)64 << 10) /* bytes a turn that hold up nobody */

enum log_rank { RANK_ALL, RANK_DEBUG, RANK_INFO, RANK_WARN, RANK_ERROR, RANK_FATAL };

struct logsearch_query {
	const char *text;           /* part of the shown text, whatever its case; NULL = any */
	enum log_rank level;        /* at least; a line without a level counts as an error */
	enum reason reason;         /* REASON_NONE = any */
	int64_t since_ms, until_ms; /* wall; 0 = open */
	int64_t limit;
	/* Places, as logsearch_place and logsearch_newest write them: only what is older than the
	 * one, newer than the other; NULL = no bound. */
	const char *before, *after;
	size_t budget; /* bytes to read at the most, then it ends early; 0 = no bound */
	/* May whoever asks see this line? One that he may not counts as if it were not there. NULL
	 * = he may see all. */
	bool (*shown)(const char *text, void *owner);
	void *owner;
};

struct log_hit {
	char source[32]; /* launch id of the connector: "t0123456789-1", "t0123456789-1.b" */
	int64_t at_ms;   /* wall; 0 = the line does not say */
	char level[8];
	enum reason reason;
	char *text;
};

struct logsearch;

/* Pure: at_ms stands for the line's own time where it has none. */
bool logsearch_matches(const struct logsearch_query *q, const struct outlog_entry *x,
		       int64_t at_ms);
/* "debug" ... "fatal"; RANK_ALL for anything else. */
enum log_rank log_rank_by_name(const char *name);

/* The log of a launch id below state_dirfd; -1 when there is none. */
MUST_USE int logsearch_open(int state_dirfd, const char *launch_id, struct err *e);

/* The strings are copied. -1: before or after is no place. */
MUST_USE int logsearch_new(const struct logsearch_query *q, struct logsearch **out, struct err *e);
/* Takes the descriptor; false when there are too many. */
bool logsearch_add(struct logsearch *s, const char *source, int fd);
/* Read about so many bytes more; false when it is over. */
bool logsearch_step(struct logsearch *s, size_t bytes);
size_t logsearch_count(const struct logsearch *s);
const struct log_hit *logsearch_hit(const struct logsearch *s, size_t i);
/* There may be older ones, behind the place. */
bool logsearch_more(const struct logsearch *s);
void logsearch_place(const struct logsearch *s, struct buf *out);
/* The place of the newest lines when it began. */
void logsearch_newest(const struct logsearch *s, struct buf *out);
/* A line that a place named is there no more: something between may be missing. */
bool logsearch_gap(const struct logsearch *s);
void logsearch_free(struct logsearch *s);

#endif
