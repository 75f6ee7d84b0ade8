#include "supervise/logsearch_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define SLICE         ((size_t)16 << 10)
#define LINE_MAX_KEPT ((size_t)16 << 10)
#define HASHED        4096 /* bytes of a line: what is kept of any line holds as many */
#define BLOCK         4096 /* as loop/tail takes out of a file's beginning */
#define SETTLED_MS    2000

static uint64_t line_hash(const char *line, size_t len)
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */

	for (size_t i = 0; i < len && i < HASHED; i++)
		hash = (hash ^ (unsigned char)line[i]) * 1099511628211u;
	return hash;
}

static size_t read_at(int fd, char *to, size_t len, int64_t offset)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = pread(fd, to + got, len - got, offset + (int64_t)got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	return got;
}

/* Where the last whole line ends. Last words without an end are whole when nobody adds to them. */
static int64_t whole_end(const struct logfile *f)
{
	char data[4096];
	int64_t at = f->size;

	if (clock_wall_ms() - f->mtime_ms > SETTLED_MS)
		return f->size;
	while (at > 0) {
		size_t len = at < (int64_t)sizeof(data) ? (size_t)at : sizeof(data);
		size_t got = read_at(f->fd, data, len, at - (int64_t)len);
		const char *newline = got == len ? memrchr(data, '\n', len) : NULL;

		if (newline)
			return at - (int64_t)len + (newline - data) + 1;
		if (f->size - at > (int64_t)LINE_MAX_KEPT)
			break;
		at -= (int64_t)len;
	}
	return 0;
}

void logfile_init(struct logfile *f, int fd)
{
	struct stat st = {0};

	*f = (struct logfile){.fd = fd};
	if (fstat(fd, &st) < 0)
		return;
	f->size = st.st_size;
	f->mtime_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	f->pos = whole_end(f);
}

void logfile_close(struct logfile *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
	buf_free(&f->buf);
}

/* ---- places ---- */

static bool stands_at(const struct logfile *f, const struct log_spot *spot, int64_t offset)
{
	char data[HASHED + 1];
	size_t before = offset > 0, got;

	got = read_at(f->fd, data, sizeof(data), offset - (int64_t)before);
	if (got <= before || (before && data[0] != '\n'))
		return false;
	const char *line = data + before;
	const char *newline = memchr(line, '\n', got - before);
	size_t len = newline ? (size_t)(newline - line) : got - before;

	return line_hash(line, len < HASHED ? len : HASHED) == spot->hash;
}

int64_t logfile_find(const struct logfile *f, const struct log_spot *spot)
{
	for (int64_t at = spot->offset; at >= 0; at -= BLOCK)
		if (at < f->size && stands_at(f, spot, at))
			return at;
	return -1;
}

void logfile_before(struct logfile *f, int64_t offset)
{
	f->pos = offset;
	buf_reset(&f->buf);
}

void logfile_after(struct logfile *f, int64_t offset)
{
	char data[4096];
	size_t got;

	do {
		got = read_at(f->fd, data, sizeof(data), offset);
		const char *newline = memchr(data, '\n', got);

		if (newline) {
			f->floor = offset + (newline - data) + 1;
			return;
		}
		offset += (int64_t)got;
	} while (got == sizeof(data));
	f->floor = f->size;
}

/* ---- lines ---- */

static bool was_cut(struct logfile *f)
{
	struct stat st;

	if (fstat(f->fd, &st) == 0 && st.st_size >= f->size)
		return false;
	f->vanished = true;
	return true;
}

/* The slice before what is there; of a line that is too long the end is forgotten. */
static bool slice_read(struct logfile *f, size_t *room)
{
	int64_t left = f->pos - f->floor;
	size_t len = left < (int64_t)SLICE ? (size_t)left : SLICE;
	struct buf joined = {0};
	char data[SLICE];

	if (was_cut(f) || read_at(f->fd, data, len, f->pos - (int64_t)len) != len)
		return false;
	(void)buf_add(&joined, data, len);
	(void)buf_add(&joined, buf_text(&f->buf), f->buf.len);
	buf_free(&f->buf);
	f->buf = joined;
	f->pos -= (int64_t)len;
	*room = *room > len ? *room - len : 0;
	return true;
}

/* Give the line that begins at this byte of the buffer; what is before it stays. */
static void line_cut(struct logfile *f, size_t start)
{
	size_t len = f->buf.len - start;

	f->line = f->buf.data + start;
	if (len && f->line[len - 1] == '\n')
		len--;
	f->len = len < LINE_MAX_KEPT ? len : LINE_MAX_KEPT;
	f->spot.offset = f->pos + (int64_t)start;
	f->spot.hash = line_hash(f->line, f->len);
	f->buf.len = start;
}

/* The place behind the last newline that is not the line's own; SIZE_MAX = it is not read yet. */
static size_t line_start(const struct logfile *f)
{
	const struct buf *b = &f->buf;
	const char *newline = b->len > 1 ? memrchr(b->data, '\n', b->len - 1) : NULL;

	if (newline)
		return (size_t)(newline - b->data) + 1;
	return f->pos <= f->floor && b->len ? 0 : SIZE_MAX;
}

int logfile_prev(struct logfile *f, size_t *room)
{
	for (;;) {
		size_t start = line_start(f);

		if (start != SIZE_MAX) {
			line_cut(f, start);
			return 1;
		}
		if (f->pos <= f->floor)
			return 0;
		if (f->buf.len > 2 * LINE_MAX_KEPT)
			f->buf.len = LINE_MAX_KEPT;
		if (*room == 0)
			return -1;
		if (!slice_read(f, room))
			return 0;
	}
}
