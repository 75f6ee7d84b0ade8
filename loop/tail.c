/*
 * Follow a growing file. Reading goes in bounded pieces, so that a connector that shouts cannot
 * hold up the loop; after the last piece what was read is taken out of the file if it has grown too
 * large.
 */
#include "loop/tail.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/tail_watch.h"

#define MAX_LINE ((size_t)16 << 10)
#define PIECE    ((size_t)16 << 10)
#define PER_TURN 4 /* pieces */
#define BLOCK    4096
#define BEHIND   16 /* ceilings that may wait to be read; beyond that it is a flood */

/* ---- lines ---- */

/* false when the tail was stopped by the callback: it must not be touched any more. */
static bool line_give(struct tail *t, const char *text, size_t len)
{
	bool stopped = false;

	t->stopped = &stopped;
	t->terms->line(t, text, len, t->owner);
	if (!stopped)
		t->stopped = NULL;
	return !stopped;
}

static void part_add(struct tail *t, const char *data, size_t len)
{
	t->part = mem_grow(t->part, t->part_len + len + 1, 1);
	memcpy(t->part + t->part_len, data, len);
	t->part_len += (uint32_t)len;
	t->part[t->part_len] = '\0';
}

static void part_drop(struct tail *t)
{
	free(steal(&t->part));
	t->part_len = 0;
}

/* It is not the tail's while others look at it. */
static bool part_give(struct tail *t)
{
	AUTO(str_t) text = steal(&t->part);
	size_t len = t->part_len;

	t->part_len = 0;
	return line_give(t, text, len);
}

/* A piece of one line, behind which is room for a NUL; the first max_line bytes of a line count.
 * One that lies whole in what was read is given from there. */
static bool line_take(struct tail *t, char *data, size_t len, bool ended)
{
	size_t most = t->terms->max_line ? t->terms->max_line : MAX_LINE;
	size_t room = most - t->part_len, n = len < room ? len : room;

	if (t->cutting) {
		t->cutting = !ended;
		return true;
	}
	t->cutting = !ended && len > room;
	if (!ended && !t->cutting) {
		part_add(t, data, n);
		return true;
	}
	if (t->part) {
		part_add(t, data, n);
		return part_give(t);
	}
	data[n] = '\0';
	return line_give(t, data, n);
}

static bool lines_split(struct tail *t, char *data, size_t len)
{
	char *end = data + len;

	while (data < end) {
		char *newline = memchr(data, '\n', (size_t)(end - data));
		char *stop = newline ? newline : end;

		if (!line_take(t, data, (size_t)(stop - data), newline != NULL))
			return false;
		data = newline ? newline + 1 : end;
	}
	return true;
}

/* ---- the file ---- */

enum tail_read { READ_MORE, READ_END, READ_STOPPED };

static void place_set(struct tail *t, int64_t offset, bool inside_line)
{
	t->offset = offset;
	t->cutting = inside_line;
	part_drop(t);
}

/* Somebody else has emptied the file: its old text is gone, the new one begins at 0. Or more was
 * written than can be read: the file would grow for ever, so most of it is skipped. */
static void size_notice(struct tail *t)
{
	struct stat st;

	if (fstat(t->fd, &st) < 0)
		return;
	if (st.st_size < t->offset)
		place_set(t, 0, false);
	else if (t->terms->ceiling > 0 && (st.st_size - t->offset) / BEHIND > t->terms->ceiling)
		place_set(t, st.st_size - t->terms->ceiling, true);
}

static enum tail_read piece_read(struct tail *t)
{
	char data[PIECE];
	ssize_t n = pread(t->fd, data, sizeof(data), t->offset);

	if (n <= 0)
		return n < 0 && errno == EINTR ? READ_MORE : READ_END;
	t->offset += n;
	return lines_split(t, data, (size_t)n) ? READ_MORE : READ_STOPPED;
}

/* Take whole blocks that were read out of the file's beginning, but for half a ceiling that people
 * may want to look at: nothing is lost, whatever a writer does meanwhile. Only some file systems
 * can (ext4, XFS). */
static bool beginning_drop(struct tail *t)
{
	int64_t len = (t->offset - t->terms->ceiling / 2) / BLOCK * BLOCK;

	if (len <= 0 || fallocate(t->fd, FALLOC_FL_COLLAPSE_RANGE, 0, len) < 0)
		return false;
	t->offset -= len;
	return true;
}

/* Where the beginning cannot be dropped, the file is emptied right after its end was seen: what a
 * writer adds between the last two calls here is lost, one line in a great many. */
static void ceiling_keep(struct tail *t, bool at_end)
{
	struct stat st;

	if (t->terms->ceiling <= 0 || t->offset <= t->terms->ceiling || beginning_drop(t) ||
	    !at_end)
		return;
	if (fstat(t->fd, &st) == 0 && st.st_size == t->offset && ftruncate(t->fd, 0) == 0)
		t->offset = 0;
}

static enum tail_read pieces_read(struct tail *t, int pieces)
{
	enum tail_read how = READ_MORE;

	size_notice(t);
	while (how == READ_MORE && pieces-- > 0)
		how = piece_read(t);
	if (how != READ_STOPPED)
		ceiling_keep(t, how == READ_END);
	return how;
}

void tail_look(struct tail *t)
{
	if (pieces_read(t, PER_TURN) == READ_MORE)
		tail_due(t);
}

static int file_open(int dirfd, const char *name, int64_t *size, struct err *e)
{
	int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	struct stat st;
	AUTO(fd_t) fd = openat(dirfd, name, flags, 0600);

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, "cannot open %s", name);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, "%s is no regular file", name);
	*size = st.st_size;

	int opened = fd;
	fd = -1;
	return opened;
}

int tail_start(struct tail *t, const struct tail_terms *terms, int dirfd, const char *name,
	       int64_t offset, void *owner, struct err *e)
{
	int64_t size = 0;
	AUTO(fd_t) fd = file_open(dirfd, name, &size, e);

	if (fd < 0)
		return -1;
	if (tail_watch_start(t, terms, e) < 0)
		return err_wrap(e, "%s", name);
	t->fd = fd;
	fd = -1;
	t->offset = offset < 0 ? size : offset;
	t->part = NULL;
	t->part_len = 0;
	t->cutting = false;
	t->stopped = NULL;
	t->owner = owner;
	t->running = true;
	return 0;
}

void tail_flush(struct tail *t)
{
	struct stat st;

	assert(!t->stopped);
	if (!t->running)
		return;
	/* A bound on the turns: a writer that is still there must not keep us here. */
	int64_t size = fstat(t->fd, &st) == 0 ? st.st_size : 0;
	if (pieces_read(t, (int)(size / (int64_t)PIECE) + 2) == READ_STOPPED)
		return;
	if (t->part)
		part_give(t);
}

void tail_stop(struct tail *t)
{
	if (!t->running)
		return;
	t->running = false;
	if (t->stopped)
		*t->stopped = true;
	t->stopped = NULL;
	tail_watch_stop(t);
	close(t->fd);
	part_drop(t);
}
