/*
 * cloudflared as a child that outlives us: a process group of its own, its log a file, its identity
 * in the folder. A process of an earlier life is found by pid, start time and boot; if that file
 * was not written any more, by its command line, which names its configuration and nothing else
 * does.
 */
#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "supervise/folders.h"
#include "supervise/launch_folder.h"

#define CMDLINE_LIMIT ((size_t)16 << 10)
#define SCAN_FRESH_MS 1000 /* one look at all processes serves a whole start of ours */

struct launched {
	struct child child;
	struct launch_child *launcher;
	struct binary_id binary;
	int64_t stopping_ms; /* as in struct launch_found */
	int port;
	char id[LAUNCH_ID_SIZE]; /* the key in running, too */
};

struct launch_child {
	struct launcher base;
	struct loop *loop;
	int state_dirfd;
	char *state_dir;
	struct launcher_events events;
	struct map running;     /* id -> struct launched */
	struct strlist unnoted; /* ids of those that were started in this turn of the loop */
	struct folders folders;
	struct deferred turn;
	struct map seen;    /* path of config.yml -> struct found, by the last scan */
	int64_t scanned_ms; /* 0 = never */
	char boot_id[40];
};

struct found {
	pid_t pid;
};

static struct launch_child *self(struct launcher *x)
{
	return (struct launch_child *)(void *)x;
}

static void launched_free(struct launched *p)
{
	child_forget(&p->child);
	free(p);
}

static void process_ended(struct child *c, void *owner)
{
	struct launched *p = owner;
	struct launch_child *x = p->launcher;
	char id[LAUNCH_ID_SIZE];
	int code = c->exit_code, signo = c->exit_signal;

	memcpy(id, p->id, sizeof(id));
	map_remove(&x->running, id);
	launched_free(p);
	x->events.ended(id, code, signo, x->events.owner);
}

static struct launched *launched_new(struct launch_child *x, const char *id)
{
	struct launched *p = mem_alloc(sizeof(*p));
	bool fits = str_copy(p->id, sizeof(p->id), id);

	assert(fits);
	(void)fits;
	p->launcher = x;
	return p;
}

static void keep(struct launch_child *x, struct launched *p)
{
	void *old = map_set(&x->running, p->id, p);

	assert(!old); /* never two processes for one connector */
	(void)old;
}

/* Until the loop turns. */
static int folder_get(struct launch_child *x, const char *id, bool create, int *fd, struct err *e)
{
	deferred_start(&x->turn);
	return folders_get(&x->folders, id, create, fd, e);
}

/* ---- notes ---- */

/* A connector that could not be noted is found by its command line. */
static void note_process(const struct launch_child *x, int fd, struct launched *p)
{
	struct folder_process fact = {.pid = p->child.pid,
				      .start_ticks = child_start_ticks(&p->child),
				      .port = p->port,
				      .stopping_ms = p->stopping_ms,
				      .binary = p->binary};
	struct err e;

	memcpy(fact.boot_id, x->boot_id, sizeof(fact.boot_id));
	if (folder_write_process(fd, &fact, &e))
		log_warning("connector %s: %s", p->id, e.message);
}

static void note_started(struct launch_child *x, const char *id)
{
	struct launched *p = map_get(&x->running, id);
	struct err e;
	int fd;

	if (!p)
		return;
	if (folders_get(&x->folders, id, false, &fd, &e))
		log_warning("connector %s: %s", id, e.message);
	else
		note_process(x, fd, p);
}

/* Not with each start: the next one would wait for it. What is killed in between finds its
 * connectors as one finds those that could not be noted. */
static void note_all(struct launch_child *x)
{
	deferred_stop(&x->turn);
	for (size_t i = 0; i < x->unnoted.n; i++)
		note_started(x, x->unnoted.items[i]);
	strlist_free(&x->unnoted);
	folders_close(&x->folders);
}

static void loop_turned(struct deferred *d, void *owner)
{
	(void)d;
	note_all(owner);
}

/* ---- start ---- */

static int child_prepare(struct launcher *l, const struct launch_spec *spec,
			 const struct secret *token, struct err *e)
{
	struct launch_child *x = self(l);
	AUTO(secret_t) theirs = {0};
	int fd;

	if (!token && spec->token_from) {
		if (folder_get(x, spec->token_from, false, &fd, e) ||
		    secret_read_file(fd, "token", &theirs, e))
			return -1;
		token = &theirs;
	}
	if (folder_get(x, spec->id, true, &fd, e))
		return -1;
	return folder_prepare(fd, x->state_dir, spec, token, e);
}

static int child_start(struct launcher *l, const struct launch_spec *spec, struct err *e)
{
	struct launch_child *x = self(l);
	AUTO(str_t) config = folder_config_path(x->state_dir, spec->id);
	const char *const argv[] = {spec->cloudflared, "tunnel", "--config", config,
				    "--output",        "json",   "run",      NULL};
	AUTO(fd_t) log = -1;
	struct launched *p;
	int fd;

	if (map_get(&x->running, spec->id))
		return err_set(e, ERR_CONFLICT, "its process runs already");
	if (folder_get(x, spec->id, false, &fd, e))
		return -1;
	log = folder_open_log(fd, e);
	if (log < 0)
		return -1;
	p = launched_new(x, spec->id);
	p->port = spec->metrics_port;
	/* Before it is run: replaced in between, it looks older than it is, and is looked at again.
	 */
	binary_stat(spec->cloudflared, &p->binary);
	if (child_spawn(&p->child, x->loop, &(struct child_spec){.argv = argv, .stderr_fd = log},
			process_ended, p, e)) {
		launched_free(p);
		return -1;
	}
	keep(x, p);
	strlist_add(&x->unnoted, spec->id);
	return 0;
}

/* ---- find again ---- */

static void seen_drop(struct launch_child *x)
{
	const struct map_entry *entry;

	for (size_t i = 0; (entry = map_next(&x->seen, &i)) != NULL;)
		free(entry->value);
	map_free(&x->seen);
	x->seen = (struct map){0};
}

/* The path behind --config when a command line ends exactly as those that we start, else NULL.
 * What stands before may be an interpreter and its script. */
static const char *config_of(const struct buf *cmdline)
{
	static const char *const shape[] = {"tunnel", "--config", NULL, "--output", "json", "run"};
	const char *args[ARRAY_LEN(shape)] = {0};
	const char *p = buf_text(cmdline), *end = p + cmdline->len;
	size_t n = 0;

	for (; p < end; p += strlen(p) + 1) {
		memmove(args, args + 1, sizeof(args) - sizeof(args[0]));
		args[ARRAY_LEN(args) - 1] = p;
		n++;
	}
	if (n <= ARRAY_LEN(shape))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(shape); i++)
		if (shape[i] && strcmp(shape[i], args[i]) != 0)
			return NULL;
	return args[2];
}

static void scan_one(struct launch_child *x, pid_t pid)
{
	AUTO(buf_t) cmdline = {0};
	const char *path;
	struct found *f;

	if (process_cmdline(pid, &cmdline, CMDLINE_LIMIT))
		return;
	path = config_of(&cmdline);
	if (!path || !str_starts(path, x->state_dir) || map_get(&x->seen, path))
		return;
	f = mem_alloc(sizeof(*f));
	f->pid = pid;
	map_set(&x->seen, path, f);
}

static int scan(struct launch_child *x, struct err *e)
{
	int64_t now = clock_mono_ms();
	pid_t *pids = NULL;
	size_t n = 0;

	if (x->scanned_ms && now - x->scanned_ms < SCAN_FRESH_MS)
		return 0;
	if (process_list(&pids, &n, e))
		return -1;
	seen_drop(x);
	x->scanned_ms = now;
	for (size_t i = 0; i < n; i++)
		scan_one(x, pids[i]);
	free(pids);
	return 0;
}

static int adopt(struct launch_child *x, const char *id, const struct folder_process *fact,
		 struct err *e)
{
	struct launched *p = launched_new(x, id);

	p->binary = fact->binary;
	p->stopping_ms = fact->stopping_ms;
	p->port = fact->port;
	if (child_adopt(&p->child, x->loop, fact->pid, fact->start_ticks, process_ended, p, e)) {
		launched_free(p);
		return -1;
	}
	keep(x, p);
	return 0;
}

static int find_noted(struct launch_child *x, const char *id, int fd, struct err *e)
{
	struct folder_process fact;

	folder_read_process(fd, &fact);
	if (fact.pid <= 0 || strcmp(fact.boot_id, x->boot_id) != 0)
		return err_set(e, ERR_NOT_FOUND, "connector %s has no process", id);
	return adopt(x, id, &fact, e);
}

static int find_seen(struct launch_child *x, const char *id, struct err *e)
{
	AUTO(str_t) path = folder_config_path(x->state_dir, id);
	struct folder_process fact = {0};
	const struct found *f;

	if (scan(x, e))
		return -1;
	f = map_get(&x->seen, path);
	if (!f)
		return err_set(e, ERR_NOT_FOUND, "connector %s has no process", id);
	fact.pid = f->pid;
	fact.start_ticks = process_start_ticks(f->pid);
	return adopt(x, id, &fact, e);
}

/* When it was started, from the kernel's own account. */
static int64_t started_wall(int64_t start_ticks)
{
	struct timespec up;
	int64_t since_boot = start_ticks * 1000 / sysconf(_SC_CLK_TCK), age;

	clock_gettime(CLOCK_BOOTTIME, &up);
	age = (int64_t)up.tv_sec * 1000 + up.tv_nsec / 1000000 - since_boot;
	return clock_wall_ms() - (age > 0 ? age : 0);
}

static void recall_port(struct launched *p, int fd)
{
	struct launch_memory m = {0};
	struct err unread;

	if (folder_recall(fd, &m, &unread))
		log_debug("connector %s: %s", p->id, unread.message);
	p->port = m.metrics_port;
}

/* What runs from an earlier life, by its folder. */
static int find_again(struct launch_child *x, const char *id, struct err *e)
{
	struct launched *p;
	bool noted;
	int fd;

	if (folder_get(x, id, false, &fd, e))
		return -1;
	noted = find_noted(x, id, fd, e) == 0;
	if (!noted && find_seen(x, id, e))
		return -1;
	p = map_get(&x->running, id);
	recall_port(p, fd);
	if (!noted)
		note_process(x, fd, p);
	return 0;
}

static int child_find(struct launcher *l, const char *id, struct launch_found *out, struct err *e)
{
	struct launch_child *x = self(l);
	const struct launched *p;

	/* One that we watch already is known without its folder. */
	if (!map_get(&x->running, id) && find_again(x, id, e))
		return -1;
	p = map_get(&x->running, id);
	*out = (struct launch_found){
		.pid = p->child.pid,
		.metrics_port = p->port,
		/* One that is not noted yet was started a moment ago. */
		.started_ms =
			p->child.start_ticks ? started_wall(p->child.start_ticks) : clock_wall_ms(),
		.stopping_ms = p->stopping_ms,
		.binary = &p->binary,
	};
	return 0;
}

/* ---- the rest ---- */

static void note_stopping(struct launch_child *x, struct launched *p)
{
	struct err e;
	int fd;

	p->stopping_ms = clock_wall_ms();
	if (folder_get(x, p->id, false, &fd, &e) == 0)
		note_process(x, fd, p);
}

static int child_stop(struct launcher *l, const char *id, bool kill)
{
	struct launched *p = map_get(&self(l)->running, id);

	if (p && !kill)
		note_stopping(self(l), p);
	return p ? child_signal(&p->child, kill ? SIGKILL : SIGTERM) : -1;
}

static int child_recall(struct launcher *l, const char *id, struct launch_memory *m,
			struct launch_kept *kept, struct err *e)
{
	int fd;

	if (folder_get(self(l), id, false, &fd, e))
		return -1;
	if (folder_recall(fd, m, e))
		return -1;
	folder_recall_kept(fd, kept);
	return 0;
}

static int child_keep(struct launcher *l, const char *id, const struct launch_kept *k, bool lasting,
		      struct err *e)
{
	int fd;

	if (folder_get(self(l), id, false, &fd, e) || folder_keep(fd, k, lasting, e))
		return e->kind == ERR_NOT_FOUND ? 0 : -1;
	return 0;
}

static bool child_current(struct launcher *l, const struct launch_spec *spec)
{
	struct launch_child *x = self(l);
	struct err ignored;
	int fd;

	return folder_get(x, spec->id, false, &fd, &ignored) == 0 &&
	       folder_current(fd, x->state_dir, spec);
}

static int child_folder(struct launcher *l, const char *id)
{
	struct err ignored;
	int fd;

	if (folder_get(self(l), id, false, &fd, &ignored))
		return -1;
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static int child_remove(struct launcher *l, const char *id, struct err *e)
{
	struct launch_child *x = self(l);

	if (map_get(&x->running, id))
		return err_set(e, ERR_CONFLICT, "its process still runs");
	folders_close(&x->folders);
	return folder_remove(x->state_dirfd, id, e);
}

static int child_list(struct launcher *l, struct strlist *ids, struct err *e)
{
	return folder_list(self(l)->state_dirfd, ids, e);
}

static void child_free(struct launcher *l)
{
	struct launch_child *x = self(l);
	const struct map_entry *entry;

	note_all(x);
	for (size_t i = 0; (entry = map_next(&x->running, &i)) != NULL;)
		launched_free(entry->value);
	map_free(&x->running);
	seen_drop(x);
	free(x->state_dir);
	free(x);
}

struct launcher *launch_child_new(struct loop *l, int state_dirfd, const char *state_dir,
				  const struct launcher_events *events)
{
	static const struct launcher_ops ops = {
		.prepare = child_prepare,
		.start = child_start,
		.find = child_find,
		.stop = child_stop,
		.recall = child_recall,
		.keep = child_keep,
		.current = child_current,
		.folder = child_folder,
		.remove = child_remove,
		.list = child_list,
		.free = child_free,
	};
	struct launch_child *x = mem_alloc(sizeof(*x));

	x->base.ops = &ops;
	x->loop = l;
	x->state_dirfd = state_dirfd;
	folders_init(&x->folders, state_dirfd);
	deferred_init(&x->turn, l, loop_turned, x);
	x->state_dir = str_dup(state_dir);
	x->running.borrows = true;
	x->events = *events;
	process_boot_id(x->boot_id);
	return &x->base;
}
