/* The files of one connector: written whole, read with limits, believed only as far as they go. */
#include "supervise/launch_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "supervise/budget.h"

#define FOLDER     "connectors"
#define SMALL_FILE ((size_t)64 << 10)
#define NS_PER_S   1000000000LL
/* Of the files written with each start: a sector, the least that a disk writes at once. */
#define RECORD_SIZE 512

typedef DIR *dir_t;

static void dir_t_cleanup(dir_t *d)
{
	if (*d)
		closedir(*d);
}

static bool id_plain(const char *id)
{
	return *id && *id != '.' && !strchr(id, '/');
}

static int id_refused(struct err *e)
{
	return err_set(e, ERR_INVALID, "a connector cannot be called that");
}

int folder_open_all(int state_dirfd, bool create, int *all, struct err *e)
{
	return dir_open(state_dirfd, FOLDER, create, all, e);
}

int folder_open_in(int all, const char *id, bool create, int *fd, struct err *e)
{
	return id_plain(id) ? dir_open(all, id, create, fd, e) : id_refused(e);
}

int folder_open(int state_dirfd, const char *id, bool create, int *fd, struct err *e)
{
	AUTO(fd_t) all = -1;

	if (folder_open_all(state_dirfd, create, &all, e))
		return -1;
	return folder_open_in(all, id, create, fd, e);
}

char *folder_config_path(const char *state_dir, const char *id)
{
	return str_format("%s/" FOLDER "/%s/config.yml", state_dir, id);
}

/* ---- config.yml ---- */

/* A JSON string is a YAML string, whatever it holds. */
static void put_quoted(struct buf *out, const char *key, const char *value)
{
	struct json_writer w;

	buf_printf(out, "%s: ", key);
	json_write_init(&w, out);
	json_write_string(&w, value);
	buf_char(out, '\n');
}

void folder_config(const char *state_dir, const struct launch_spec *spec, struct buf *out)
{
	AUTO(str_t) token = str_format("%s/" FOLDER "/%s/token", state_dir, spec->id);
	char grace[TEXT_TIME_SIZE];

	duration_format(spec->grace_ms, grace);
	buf_str(out, "# Written by aditd before each start; changes are lost.\n"
		     "no-autoupdate: true\n"
		     "no-prechecks: true\n");
	buf_printf(out, "metrics: 127.0.0.1:%d\n", spec->metrics_port);
	buf_printf(out, "protocol: %s\n", spec->protocol);
	if (spec->ip4_only)
		buf_str(out, "edge-ip-version: \"4\"\n");
	put_quoted(out, "token-file", token);
	buf_printf(out, "grace-period: %s\n", grace);
	buf_str(out, "retries: 2\n"); /* caps its backoff at 40 s; beyond that we restart it */
	if (spec->label && *spec->label)
		put_quoted(out, "label", spec->label);
	buf_str(out, "loglevel: info\n");
}

/* ---- options ---- */

static void write_options(const struct launch_spec *spec, struct buf *out)
{
	struct json_writer w;

	json_write_init(&w, out);
	json_object_begin(&w);
	json_put_string(&w, "tunnel_id", spec->tunnel_id);
	json_put_string(&w, "cloudflared", spec->cloudflared);
	json_put_string(&w, "label", spec->label);
	json_put_string(&w, "protocol", spec->protocol);
	json_put_int(&w, "grace_ms", spec->grace_ms);
	json_put_int(&w, "metrics_port", spec->metrics_port);
	json_put_int(&w, "token_generation", spec->token_generation);
	if (spec->ip4_only)
		json_put_bool(&w, "ip4_only", true);
	json_object_end(&w);
	buf_char(out, '\n');
}

static bool holds(int fd, const char *name, const struct buf *text)
{
	AUTO(buf_t) there = {0};
	struct err ignored;

	return file_read(fd, name, SMALL_FILE, &there, &ignored) == 0 && there.len == text->len &&
	       memcmp(buf_text(&there), buf_text(text), text->len) == 0;
}

static int write_changed(int fd, const char *name, const struct buf *text, struct err *e)
{
	if (holds(fd, name, text))
		return 0;
	return file_write(fd, name, buf_text(text), text->len, 0600, e);
}

int folder_prepare(int fd, const char *state_dir, const struct launch_spec *spec,
		   const struct secret *token, struct err *e)
{
	AUTO(buf_t) config = {0};
	AUTO(buf_t) options = {0};

	folder_config(state_dir, spec, &config);
	write_options(spec, &options);
	if (token && file_write(fd, "token", token->data, token->len, 0600, e))
		return -1;
	if (write_changed(fd, "config.yml", &config, e))
		return -1;
	return write_changed(fd, "options", &options, e);
}

bool folder_current(int fd, const char *state_dir, const struct launch_spec *spec)
{
	AUTO(buf_t) config = {0};
	AUTO(buf_t) options = {0};

	folder_config(state_dir, spec, &config);
	write_options(spec, &options);
	return holds(fd, "config.yml", &config) && holds(fd, "options", &options);
}

static int read_json(int fd, const char *name, struct json_doc **doc, struct err *e)
{
	AUTO(buf_t) text = {0};

	if (file_read(fd, name, SMALL_FILE, &text, e))
		return -1;
	if (json_parse(buf_text(&text), text.len, NULL, doc, e))
		return err_wrap(e, "%s", name);
	return 0;
}

static int count_of(const struct json *root, const char *name)
{
	int64_t n = json_get_int(root, name, 0);

	return n < 0 ? 0 : n > BUDGET_COUNT_MOST ? BUDGET_COUNT_MOST : (int)n;
}

void folder_recall_kept(int fd, struct launch_kept *k)
{
	AUTO(json_doc_t) doc = NULL;
	const struct json *root;
	struct err ignored;

	if (read_json(fd, "kept", &doc, &ignored))
		return;
	root = json_root(doc);
	*k = (struct launch_kept){
		.turn = json_get_int(root, "turn", 0),
		.stopped = json_get_bool(root, "stopped", false),
		.stopped_until_ms = json_get_int(root, "stopped_until_ms", 0),
		.restart = json_get_bool(root, "restart", false),
		.upgrade = json_get_bool(root, "upgrade", false),
		.restart_again = json_get_bool(root, "restart_again", false),
		.upgrade_again = json_get_bool(root, "upgrade_again", false),
		.exits = count_of(root, "exits"),
		.blocks = count_of(root, "blocks"),
		.last = reason_by_name(json_get_string(root, "last")),
		.next_start_ms = json_get_int(root, "next_start_ms", 0),
		.protocol = {.fallen = json_get_bool(root, "fallen", false),
			     .why = reason_by_name(json_get_string(root, "fallen_why")),
			     .tries = count_of(root, "quic_tries"),
			     .again_ms = json_get_int(root, "quic_again_ms", 0),
			     .rose_ms = json_get_int(root, "quic_rose_ms", 0),
			     .ip4_ms = json_get_int(root, "ip4_ms", 0),
			     .ip4_vain_ms = json_get_int(root, "ip4_vain_ms", 0)},
		.heal = {.heals = count_of(root, "heals"),
			 .healed_ms = json_get_int(root, "healed_ms", 0),
			 .again_ms = json_get_int(root, "heal_again_ms", 0),
			 .stale_version = json_get_int(root, "stale_version", 0)},
	};
}

int folder_recall(int fd, struct launch_memory *m, struct err *e)
{
	AUTO(json_doc_t) doc = NULL;
	const struct json *root;
	const char *protocol;
	int64_t port;

	if (read_json(fd, "options", &doc, e))
		return -1;
	root = json_root(doc);
	protocol = json_get_string(root, "protocol");
	port = json_get_int(root, "metrics_port", 0);
	*m = (struct launch_memory){
		.metrics_port = port > 0 && port < 65536 ? (uint16_t)port : 0,
		.token_generation = json_get_int(root, "token_generation", 0),
		.tunnel_id = uuid_read(json_get_string(root, "tunnel_id")),
		.has_token = file_exists(fd, "token"),
		.ip4_only = json_get_bool(root, "ip4_only", false),
	};
	if (protocol)
		str_copy(m->protocol, sizeof(m->protocol), protocol);
	return 0;
}

/* ---- records: what is written with each start ---- */

/* Padded to one size, so that the next one takes exactly its place. */
static void record_end(struct buf *text)
{
	while (text->len + 1 < RECORD_SIZE)
		buf_char(text, ' ');
	buf_char(text, '\n');
}

static int replace_quickly(int fd, const char *name, const struct buf *text, struct err *e)
{
	AUTO(str_t) fresh = str_format("%s.tmp", name);
	AUTO(fd_t) out = -1;

	if (unlinkat(fd, fresh, 0) && errno != ENOENT)
		return err_errno(e, "cannot write %s", name);
	out = openat(fd, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0 || write(out, buf_text(text), text->len) != (ssize_t)text->len ||
	    renameat(fd, fresh, fd, name))
		return err_errno(e, "cannot write %s", name);
	return 0;
}

/* Whole or not at all, without waiting for the disk: the kernel takes a record in one piece, and
 * the disk writes one sector or none. Another file put in its place each time would take longer
 * than the start of a process. */
static int write_quickly(int fd, const char *name, const struct buf *text, struct err *e)
{
	int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	AUTO(fd_t) out = openat(fd, name, flags, 0600);
	struct stat st;

	/* Not ours, or of another size: it is replaced. */
	if (out < 0 || fstat(out, &st) || !S_ISREG(st.st_mode) || st.st_size > RECORD_SIZE ||
	    text->len != RECORD_SIZE)
		return replace_quickly(fd, name, text, e);
	if (pwrite(out, buf_text(text), text->len, 0) != (ssize_t)text->len)
		return err_errno(e, "cannot write %s", name);
	return 0;
}

/* ---- kept ---- */

static void write_protocol(const struct protocol_state *p, struct json_writer *w)
{
	json_put_bool(w, "fallen", p->fallen);
	json_put_string(w, "fallen_why", reason_info(p->why)->name);
	json_put_int(w, "quic_tries", p->tries);
	json_put_int(w, "quic_again_ms", p->again_ms);
	json_put_int(w, "quic_rose_ms", p->rose_ms);
	json_put_int(w, "ip4_ms", p->ip4_ms);
	json_put_int(w, "ip4_vain_ms", p->ip4_vain_ms);
}

static void write_heal(const struct heal_kept *h, struct json_writer *w)
{
	json_put_int(w, "heals", h->heals);
	json_put_int(w, "healed_ms", h->healed_ms);
	json_put_int(w, "heal_again_ms", h->again_ms);
	json_put_int(w, "stale_version", h->stale_version);
}

static void write_kept(const struct launch_kept *k, struct buf *out)
{
	struct json_writer w;

	json_write_init(&w, out);
	json_object_begin(&w);
	json_put_int(&w, "turn", k->turn);
	json_put_bool(&w, "stopped", k->stopped);
	json_put_int(&w, "stopped_until_ms", k->stopped_until_ms);
	json_put_bool(&w, "restart", k->restart);
	json_put_bool(&w, "upgrade", k->upgrade);
	json_put_bool(&w, "restart_again", k->restart_again);
	json_put_bool(&w, "upgrade_again", k->upgrade_again);
	json_put_int(&w, "exits", k->exits);
	json_put_int(&w, "blocks", k->blocks);
	json_put_string(&w, "last", reason_info(k->last)->name);
	json_put_int(&w, "next_start_ms", k->next_start_ms);
	write_protocol(&k->protocol, &w);
	write_heal(&k->heal, &w);
	json_object_end(&w);
	record_end(out);
}

int folder_keep(int fd, const struct launch_kept *k, bool lasting, struct err *e)
{
	AUTO(buf_t) text = {0};

	write_kept(k, &text);
	if (holds(fd, "kept", &text))
		return 0;
	return lasting ? file_write(fd, "kept", buf_text(&text), text.len, 0600, e)
		       : write_quickly(fd, "kept", &text, e);
}

/* ---- process ---- */

static void put_binary(const struct binary_id *id, struct json_writer *w)
{
	json_put_int(w, "dev", id->dev);
	json_put_int(w, "ino", id->ino);
	/* In two: one number of nanoseconds would not come back as it was. */
	json_put_int(w, "mtime_s", id->mtime_ns / NS_PER_S);
	json_put_int(w, "mtime_ns", id->mtime_ns % NS_PER_S);
	json_put_int(w, "size", id->size);
}

int folder_write_process(int fd, const struct folder_process *p, struct err *e)
{
	AUTO(buf_t) text = {0};
	struct json_writer w;

	json_write_init(&w, &text);
	json_object_begin(&w);
	json_put_int(&w, "pid", p->pid);
	json_put_int(&w, "start_ticks", p->start_ticks);
	json_put_string(&w, "boot_id", p->boot_id);
	json_put_int(&w, "metrics_port", p->port);
	json_put_int(&w, "stopping_ms", p->stopping_ms);
	put_binary(&p->binary, &w);
	json_object_end(&w);
	record_end(&text);
	return write_quickly(fd, "process", &text, e);
}

void folder_read_process(int fd, struct folder_process *p)
{
	AUTO(json_doc_t) doc = NULL;
	const struct json *root;
	const char *boot;
	struct err ignored;

	*p = (struct folder_process){0};
	if (read_json(fd, "process", &doc, &ignored))
		return;
	root = json_root(doc);
	boot = json_get_string(root, "boot_id");
	if (!boot || !str_copy(p->boot_id, sizeof(p->boot_id), boot))
		return;
	p->start_ticks = json_get_int(root, "start_ticks", 0);
	p->stopping_ms = json_get_int(root, "stopping_ms", 0);
	p->binary = (struct binary_id){
		.dev = json_get_int(root, "dev", 0),
		.ino = json_get_int(root, "ino", 0),
		.mtime_ns = json_get_int(root, "mtime_s", 0) * NS_PER_S +
			    json_get_int(root, "mtime_ns", 0),
		.size = json_get_int(root, "size", 0),
	};
	p->pid = (pid_t)json_get_int(root, "pid", 0);
}

/* ---- log and folder ---- */

int folder_open_log(int fd, struct err *e)
{
	int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	AUTO(fd_t) log = openat(fd, "log", flags, 0600);
	struct stat st;
	int opened;

	if (log < 0 || fstat(log, &st))
		return err_errno(e, "cannot open its log");
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, "its log is no regular file");
	opened = log;
	log = -1;
	return opened;
}

/* Only files of ours lie there; a folder inside is a stranger's, and rmdir then says so. */
static int remove_files(int fd, struct err *e)
{
	AUTO(dir_t) d = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 0));
	const struct dirent *entry;

	if (!d)
		return err_errno(e, "cannot read its folder");
	while ((entry = readdir(d))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (unlinkat(fd, entry->d_name, 0) && errno != ENOENT && errno != EISDIR)
			return err_errno(e, "cannot remove %s", entry->d_name);
	}
	return 0;
}

int folder_remove(int state_dirfd, const char *id, struct err *e)
{
	AUTO(fd_t) all = -1;
	AUTO(fd_t) fd = -1;

	if (!id_plain(id))
		return id_refused(e);
	if (dir_open(state_dirfd, FOLDER, false, &all, e))
		return e->kind == ERR_NOT_FOUND ? 0 : -1;
	if (folder_open(state_dirfd, id, false, &fd, e))
		return e->kind == ERR_NOT_FOUND ? 0 : -1;
	if (remove_files(fd, e))
		return -1;
	if (unlinkat(all, id, AT_REMOVEDIR) && errno != ENOENT)
		return err_errno(e, "cannot remove folder %s", id);
	return fsync(all) ? err_errno(e, "cannot sync " FOLDER) : 0;
}

int folder_list(int state_dirfd, struct strlist *ids, struct err *e)
{
	AUTO(fd_t) all = -1;
	AUTO(dir_t) d = NULL;
	const struct dirent *entry;

	if (dir_open(state_dirfd, FOLDER, false, &all, e))
		return e->kind == ERR_NOT_FOUND ? 0 : -1;
	d = fdopendir(all);
	if (!d)
		return err_errno(e, "cannot read " FOLDER);
	all = -1;
	while ((entry = readdir(d)))
		if (*entry->d_name != '.')
			strlist_add(ids, entry->d_name);
	return 0;
}
