/*
 * Who follows which file: notes carry a watch descriptor, and a table finds the tails behind it.
 * The kernel gives one file one descriptor however often it is asked, so several tails may share
 * one, and the last of them gives it back. A note only says "look": tails read in their own turn.
 * In the first one the file begins to be watched, just before it is read: what was started together
 * with its tail need not wait for that.
 */
#include "loop/tail_watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/log.h"
#include "loop/loop_private.h"

#define SLOTS     256 /* descriptors count up: they spread by themselves */
#define READS     16  /* a turn; the rest waits for the next one */
#define NAME_SIZE 40
#define NOT_YET   (-1) /* watched */
#define NEVER     (-2)

struct tail_watches {
	struct io io;         /* on the inotify descriptor */
	struct list due;      /* tails that are to be read, */
	struct deferred turn; /* and when: after what the loop does just now */
	size_t tails;
	struct list slots[SLOTS];
};

static struct list *slot_of(struct tail_watches *w, int watch)
{
	return &w->slots[(unsigned)watch % SLOTS];
}

static void slot_wake(struct list *slot, int watch, bool all)
{
	LIST_EACH (node, slot) {
		struct tail *t = LIST_OF(node, struct tail, watched);

		if (all || t->watch == watch)
			tail_due(t);
	}
}

/* The kernel's queue was full: any file may have changed. */
static void all_wake(struct tail_watches *w)
{
	for (size_t i = 0; i < SLOTS; i++)
		slot_wake(&w->slots[i], 0, true);
}

static void notes_came(struct io *io, int events, void *owner)
{
	_Alignas(struct inotify_event) char notes[4096];
	struct tail_watches *w = owner;
	const struct inotify_event *note;
	ssize_t n = 0;

	(void)events;
	for (int i = 0; i < READS && (n = read(io->fd, notes, sizeof(notes))) > 0; i++) {
		for (const char *at = notes; at < notes + n; at += sizeof(*note) + note->len) {
			note = (const struct inotify_event *)(const void *)at;
			if (note->mask & IN_Q_OVERFLOW)
				all_wake(w);
			else
				slot_wake(slot_of(w, note->wd), note->wd, false);
		}
	}
}

/* ---- reading ---- */

void tail_due(struct tail *t)
{
	struct tail_watches *w = *loop_tail_watches(t->terms->loop);

	if (!list_empty(&t->due))
		return;
	list_append(&w->due, &t->due);
	deferred_start(&w->turn);
}

/* At path its name can be looked up. */
static void watch_refused(struct tail *t, const char *path)
{
	char name[PATH_MAX];
	const char *cure = errno == ENOSPC ? "; raise fs.inotify.max_user_watches" : "";
	struct err e;

	err_errno(&e, "it cannot be watched");
	ssize_t n = readlink(path, name, sizeof(name));
	log_warning("%.*s is read when its writer ends, not before: %s%s", n > 0 ? (int)n : 5,
		    n > 0 ? name : "a log", e.message, cure);
	t->watch = NEVER;
}

/* By descriptor, so that it is the file that was opened, whatever its name is now. */
static void watch_begin(struct tail_watches *w, struct tail *t)
{
	char path[NAME_SIZE];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", t->fd);
	t->watch = inotify_add_watch(w->io.fd, path, IN_MODIFY);
	if (t->watch >= 0)
		list_append(slot_of(w, t->watch), &t->watched);
	else
		watch_refused(t, path);
}

/* A long backlog is read in pieces, other work in between. Nothing is left of the table when the
 * last tail was stopped by its own line: by then no other one waits either. */
static void turn_came(struct deferred *d, void *owner)
{
	struct tail_watches *w = owner;
	struct list now;

	(void)d;
	list_init(&now);
	LIST_EACH (node, &w->due) {
		list_remove(node);
		list_append(&now, node);
	}
	while (!list_empty(&now)) {
		struct tail *t = LIST_OF(now.next, struct tail, due);

		list_remove(&t->due);
		if (t->watch == NOT_YET)
			watch_begin(w, t);
		tail_look(t);
	}
}

/* ---- the one instance ---- */

static int watches_get(struct loop *l, struct tail_watches **out, struct err *e)
{
	struct tail_watches **kept = loop_tail_watches(l);

	if (!*kept) {
		int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

		if (fd < 0)
			return err_errno(e, "cannot watch files");
		*kept = mem_alloc(sizeof(**kept));
		list_init(&(*kept)->due);
		deferred_init(&(*kept)->turn, l, turn_came, *kept);
		for (size_t i = 0; i < SLOTS; i++)
			list_init(&(*kept)->slots[i]);
		io_init(&(*kept)->io, l, fd, notes_came, *kept);
		io_start(&(*kept)->io, IO_READ);
	}
	*out = *kept;
	return 0;
}

static void watches_put(struct loop *l)
{
	struct tail_watches **kept = loop_tail_watches(l);

	if ((*kept)->tails > 0)
		return;
	deferred_stop(&(*kept)->turn);
	io_stop(&(*kept)->io);
	close((*kept)->io.fd);
	free(*kept);
	*kept = NULL;
}

int tail_watch_start(struct tail *t, const struct tail_terms *terms, struct err *e)
{
	struct tail_watches *w;

	if (watches_get(terms->loop, &w, e) < 0)
		return -1;
	t->terms = terms;
	t->watch = NOT_YET;
	list_init(&t->due);
	list_init(&t->watched);
	w->tails++;
	tail_due(t);
	return 0;
}

static bool watch_is_shared(struct tail_watches *w, int watch)
{
	LIST_EACH (node, slot_of(w, watch)) {
		if (LIST_OF(node, struct tail, watched)->watch == watch)
			return true;
	}
	return false;
}

void tail_watch_stop(struct tail *t)
{
	struct tail_watches *w = *loop_tail_watches(t->terms->loop);

	list_remove(&t->watched);
	list_remove(&t->due);
	w->tails--;
	if (t->watch >= 0 && !watch_is_shared(w, t->watch))
		inotify_rm_watch(w->io.fd, t->watch);
	watches_put(t->terms->loop);
}
