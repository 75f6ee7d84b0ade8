/*
 * A connector's folder, state_dir/connectors/<id>/ (0700): config.yml and token for cloudflared,
 * log, options (what starts it without store and API), kept (what is to outlast us) and process
 * (what finds it again). Everything goes through folder descriptors; symbolic links are never
 * followed.
 */
#ifndef SUPERVISE_LAUNCH_FOLDER_H
#define SUPERVISE_LAUNCH_FOLDER_H

#include "supervise/launcher.h"

/* What names a process for ever: a pid alone may be given to a stranger. */
struct folder_process {
	pid_t pid;
	int64_t start_ticks;
	char boot_id[40];
	int port;
	int64_t stopping_ms; /* as in struct launch_found */
	struct binary_id binary;
};

/* The caller closes *fd. An id that is no plain file name is refused. */
MUST_USE int folder_open(int state_dirfd, const char *id, bool create, int *fd, struct err *e);
/* In two steps: the folder of all of them, and one in it. */
MUST_USE int folder_open_all(int state_dirfd, bool create, int *all, struct err *e);
MUST_USE int folder_open_in(int all, const char *id, bool create, int *fd, struct err *e);
/* The absolute path of config.yml, which is also how a process is recognised. */
char *folder_config_path(const char *state_dir, const char *id);
/* The text of config.yml. */
void folder_config(const char *state_dir, const struct launch_spec *spec, struct buf *out);
/* Token first, then the options that name its generation: a crash between leaves the older number,
 * and the token is written once more. */
MUST_USE int folder_prepare(int fd, const char *state_dir, const struct launch_spec *spec,
			    const struct secret *token, struct err *e);
/* config.yml and options are what folder_prepare would write. */
bool folder_current(int fd, const char *state_dir, const struct launch_spec *spec);
MUST_USE int folder_recall(int fd, struct launch_memory *m, struct err *e);
/* Untouched when there is none that could be read. */
void folder_recall_kept(int fd, struct launch_kept *k);
MUST_USE int folder_keep(int fd, const struct launch_kept *k, bool lasting, struct err *e);
/* Not synced: it is worth nothing after a power cut. */
MUST_USE int folder_write_process(int fd, const struct folder_process *p, struct err *e);
/* pid 0 when there is none that could be read. */
void folder_read_process(int fd, struct folder_process *p);
MUST_USE int folder_open_log(int fd, struct err *e); /* O_APPEND; the caller closes it */
MUST_USE int folder_remove(int state_dirfd, const char *id, struct err *e);
MUST_USE int folder_list(int state_dirfd, struct strlist *ids, struct err *e);

#endif
