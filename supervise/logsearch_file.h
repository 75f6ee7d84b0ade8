/* One log file, line by line from its end. What is said of logsearch.h's places is done here. */
#ifndef SUPERVISE_LOGSEARCH_FILE_H
#define SUPERVISE_LOGSEARCH_FILE_H

#include "base/buf.h"

/* A line that is found again: by its offset, less whole blocks that were taken out of the file's
 * beginning since, and by what it holds. */
struct log_spot {
	int64_t offset;
	uint64_t hash;
};

struct logfile {
	int fd; /* owned */
	int64_t size, mtime_ms;
	int64_t floor;    /* nothing before this is looked at */
	int64_t pos;      /* offset of buf's first byte */
	struct buf buf;   /* of the lines that were not given yet, the last bytes that were read */
	bool vanished;    /* the file was cut while it was read */
	const char *line; /* the line that logfile_prev gave, and its place */
	size_t len;
	struct log_spot spot;
};

/* Takes the descriptor. A last line whose end has not come yet is left out. */
void logfile_init(struct logfile *f, int fd);
void logfile_close(struct logfile *f);
/* The offset that the line is at now; -1 when it is there no more. */
int64_t logfile_find(const struct logfile *f, const struct log_spot *spot);
/* Go on before, or stop behind, the line at this offset. */
void logfile_before(struct logfile *f, int64_t offset);
void logfile_after(struct logfile *f, int64_t offset);
/* 1 = a line is in line, len, spot; 0 = no more; -1 = read on (*room bytes are used up). */
int logfile_prev(struct logfile *f, size_t *room);

#endif
