#include "supervise/disk.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"

#define PATIENCE_MS 10000
#define JITTER      6 /* intervals */
#define WORDS_SIZE  4096

/* ---- the version ---- */

static void take_words(struct disk *d)
{
	char words[WORDS_SIZE];
	ssize_t n = d->out_fd >= 0 ? pread(d->out_fd, words, sizeof(words) - 1, 0) : -1;

	words[n > 0 ? n : 0] = '\0';
	if (!binary_same(&d->asked, &d->id) ||
	    !binary_read_version(words, d->version, sizeof(d->version)))
		d->version[0] = '\0';
}

static void close_out(struct disk *d)
{
	if (d->out_fd >= 0)
		close(d->out_fd);
	d->out_fd = -1;
	timer_stop(&d->patience);
}

static void asked_ended(struct child *c, void *owner)
{
	struct disk *d = owner;

	(void)c;
	take_words(d);
	close_out(d);
	d->moved(d, false, d->owner);
}

static void patience_over(struct timer *t, void *owner)
{
	struct disk *d = owner;

	(void)t;
	child_signal(&d->child, SIGKILL);
}

static void ask_version(struct disk *d)
{
	const char *const argv[] = {d->path, "--version", NULL};
	struct err e;

	if (d->child.pid || binary_same(&d->asked, &d->id))
		return;
	d->asked = d->id;
	d->version[0] = '\0';
	d->out_fd = openat(d->state_dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (d->out_fd < 0)
		return;
	if (child_spawn(&d->child, d->loop,
			&(struct child_spec){.argv = argv, .stderr_fd = d->out_fd}, asked_ended, d,
			&e)) {
		log_warning("the version of the cloudflared on the disk is not known: %s",
			    e.message);
		close_out(d);
		return;
	}
	timer_start(&d->patience, PATIENCE_MS);
}

/* ---- which file ---- */

static void look(struct disk *d)
{
	struct binary_id id;

	d->looked_ms = clock_mono_ms();
	binary_stat(d->path, &id);
	if (!binary_same(&id, &d->id)) {
		d->id = id;
		d->settled = false;
		return;
	}
	if (!d->settled && binary_known(&d->id)) {
		d->settled = true;
		d->roll_told = false;
		d->roll_ms = d->looked_ms +
			     (int64_t)(random_u64() % (uint64_t)(JITTER * d->interval_ms + 1));
		ask_version(d);
		d->moved(d, true, d->owner);
	} else if (!d->roll_told && disk_roll_due(d)) {
		d->roll_told = true;
		d->moved(d, false, d->owner);
	}
}

void disk_look(struct disk *d)
{
	if (clock_mono_ms() - d->looked_ms >= d->interval_ms)
		look(d);
}

void disk_look_now(struct disk *d)
{
	look(d);
	if (!d->settled)
		look(d);
}

bool disk_roll_due(const struct disk *d)
{
	return d->settled && clock_mono_ms() >= d->roll_ms;
}

const char *disk_version(const struct disk *d)
{
	return *d->version && binary_same(&d->asked, &d->id) ? d->version : NULL;
}

/* ---- made and freed ---- */

void disk_init(struct disk *d, struct loop *l, int state_dirfd, disk_moved_fn *moved, void *owner)
{
	*d = (struct disk){.loop = l,
			   .state_dirfd = state_dirfd,
			   .out_fd = -1,
			   .moved = moved,
			   .owner = owner};
	timer_init(&d->patience, l, patience_over, d);
}

/* What lies there at first is no news, and nobody is asked for its version. */
void disk_watch(struct disk *d, const char *path, int64_t interval_ms)
{
	d->interval_ms = interval_ms;
	if (str_equal(d->path, path))
		return;
	str_set(&d->path, path);
	binary_stat(path, &d->id);
	d->settled = d->roll_told = true;
	d->roll_ms = d->looked_ms = clock_mono_ms();
}

void disk_stop(struct disk *d)
{
	if (d->child.pid) {
		child_signal(&d->child, SIGKILL);
		child_forget(&d->child);
	}
	close_out(d);
	free(d->path);
	d->path = NULL;
}
