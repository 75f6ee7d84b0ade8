/*
 * Watches the cloudflared on the disk, without a timer of its own: whoever has cause to wake looks,
 * at most once in an interval, by one stat. Another file counts when it was the same twice. Its
 * version is asked once, of the file itself, in an empty environment.
 */
#ifndef SUPERVISE_DISK_H
#define SUPERVISE_DISK_H

#include "loop/child.h"
#include "supervise/binary.h"

struct disk;
/* another: the file is another one than before; else its version came, or its turn. */
typedef void disk_moved_fn(struct disk *d, bool another, void *owner);

struct disk {
	struct loop *loop;
	int state_dirfd;
	char *path;
	int64_t interval_ms, looked_ms;
	struct binary_id id;
	bool settled;    /* it was the same twice */
	int64_t roll_ms; /* monotonic: not rolled out before; hosts of a fleet differ */
	bool roll_told;
	struct binary_id asked; /* whose version was asked */
	char version[32];       /* "" = not known */
	struct child child;     /* that is asked */
	int out_fd;             /* what it prints */
	struct timer patience;
	disk_moved_fn *moved;
	void *owner;
};

void disk_init(struct disk *d, struct loop *l, int state_dirfd, disk_moved_fn *moved, void *owner);
/* The file at path, looked at now; the same path again changes the interval only. */
void disk_watch(struct disk *d, const char *path, int64_t interval_ms);
void disk_stop(struct disk *d);
/* Is it time to look? Then it is done. */
void disk_look(struct disk *d);
/* A person asks: what lies there now counts. */
void disk_look_now(struct disk *d);
bool disk_roll_due(const struct disk *d);
const char *disk_version(const struct disk *d); /* NULL = not known */

#endif
