/*
 * Who follows which file: notes carry a watch descriptor, and a table finds the tails behind it.
 * The kernel gives one file one descriptor however often it is asked, so several tails may share
 * one, and the last of them gives it back. A note only says "look": tails read in their own turn.
 */
#include "loop/tail_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "loop/loop_private.h"

#define SLOTS     256 /* descriptors count up: they spread by themselves */
#define READS     16  /* a turn; the rest waits for the next one */
#define NAME_SIZE 40

struct tail_watches {
	struct io io; /* on the inotify descriptor */
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
			deferred_start(&t->again);
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

/* ---- the one instance ---- */

static int watches_get(struct loop *l, struct tail_watches **out, struct err *e)
{
	struct tail_watches **kept = loop_tail_watches(l);

	if (!*kept) {
		int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

		if (fd < 0)
			return err_errno(e, "cannot watch files");
		*kept = mem_alloc(sizeof(**kept));
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
	io_stop(&(*kept)->io);
	close((*kept)->io.fd);
	free(*kept);
	*kept = NULL;
}

int tail_watch_start(struct tail *t, struct loop *l, int fd, struct err *e)
{
	struct tail_watches *w;
	char path[NAME_SIZE];

	if (watches_get(l, &w, e) < 0)
		return -1;
	/* By descriptor, so that it is the file that was opened, whatever its name is now. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int watch = inotify_add_watch(w->io.fd, path, IN_MODIFY);
	if (watch < 0) {
		err_errno(e, "cannot watch the file");
		watches_put(l);
		return -1;
	}
	t->loop = l;
	t->watch = watch;
	list_append(slot_of(w, watch), &t->watched);
	w->tails++;
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
	struct tail_watches *w = *loop_tail_watches(t->loop);

	list_remove(&t->watched);
	w->tails--;
	if (!watch_is_shared(w, t->watch))
		inotify_rm_watch(w->io.fd, t->watch);
	watches_put(t->loop);
}
