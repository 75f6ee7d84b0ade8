/*
 * The stub cloudflared: looks to a supervisor like the real one (command line, config file, log
 * lines, /ready, signals, exit codes) and talks to the simulated edge. libc alone, one thread, one
 * poll loop. It exists to be tested against, so each way to fail is a mode that can be set.
 */
#ifndef SIM_STUB_STUB_H
#define SIM_STUB_STUB_H

#include <poll.h>
#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sim/stub/http1.h"
#include "sim/stub/wire.h"

#define STUB_VERSION "2026.8.2"
#define COUNT(a)     (sizeof(a) / sizeof((a)[0]))

enum { LINKS = 4, MAX_STREAMS = 4096, MAX_CLIENTS = 32, MAX_RULES = 1024 };

/* For "%.*s". */
static inline int at_most(size_t n, int most)
{
	return n < (size_t)most ? (int)n : most;
}

/* ---- bytes.c: a growing buffer that is read from the front ---- */
struct bytes {
	char *data; /* a NUL stands behind the last byte */
	size_t start, len, cap;
};
void bytes_add(struct bytes *b, const void *data, size_t len);
void bytes_printf(struct bytes *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void bytes_json(struct bytes *b, const char *text); /* a quoted JSON string */
void bytes_take(struct bytes *b, size_t n);
void bytes_free(struct bytes *b);
const char *bytes_at(const struct bytes *b); /* never NULL */
/* Read what a descriptor has, at most once. 1 = some, 0 = end, -1 = nothing now, -2 = broken. */
int bytes_fill(struct bytes *b, int fd);
/* Write what can be written; -2 = broken, else 0. */
int bytes_drain(struct bytes *b, int fd);
void *must_alloc(size_t size);
char *must_dup(const char *s);
bool base64_plain(const char *text, struct bytes *out); /* standard, padded; false = it is not */

/* ---- args.c: flags ---- */
enum flag_type { FLAG_BOOL, FLAG_STRING, FLAG_INT, FLAG_DURATION };
enum { BEFORE_RUN = 1, AFTER_RUN = 2 };

struct flag {
	const char *name;
	enum flag_type type;
	int where;
	const char *env; /* NULL = none */
};
enum { MAX_FLAGS = 96 };

struct settings {
	char *values[MAX_FLAGS]; /* by the flag's place in the table */
	int rank[MAX_FLAGS];     /* 0 unset, 1 file, 2 environment, 3 command line */
	char *tunnel_id;         /* the argument behind run */
};
const struct flag *flag_at(size_t i);                            /* NULL past the end */
int flag_find(const char *name);                                 /* -1 = unknown */
const char *setting(const struct settings *s, const char *name); /* NULL = unset */
void setting_put(struct settings *s, int flag, const char *value, int rank);
bool duration_read(const char *text, int64_t *ms);
/* Never returns when the line is wrong or only asks for words. */
void args_read(struct settings *s, int argc, char **argv);

/* ---- config.c: the file and the token ---- */
struct token {
	char *account, *tunnel, *secret, *edge; /* edge NULL = none */
};
void config_read(struct settings *s, const char *path);       /* exits 1 with words */
void token_load(const struct settings *s, struct token *out); /* exits 255 with words */

/* ---- mode.c ---- */
struct mode {
	int64_t ready_after_ms;
	bool never_ready, dead, ready_hang, ignore_term, stale, quic_blocked, ipv6_broken;
	int64_t bind_after_ms; /* names are looked up so long: no metrics port until then */
	int64_t quic_flap_ms;  /* quic loses all connections so often; 0 = it does not */
	int64_t held_mib;      /* memory that is held for nothing */
	bool report;           /* /config and the edge hear report_version */
	int64_t report_version;
	int backoff_percent; /* of the real waiting times */
	int64_t step_ms;     /* between the later connections */
	int64_t stop_ms;     /* what an idle stop takes */
	int exit_code;       /* -1 = none */
	int exit_signal;     /* 0 = none */
	int64_t exit_after_ms, exit_at;
	char exit_words[256];
};

/* ---- log.c ---- */
enum level { LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARN, LEVEL_ERROR, LEVEL_FATAL };
struct kv {
	const char *key;  /* NULL ends */
	const char *text; /* NULL = the number */
	int64_t number;
};
struct log {
	bool json;
	enum level level;
};

struct stub;
struct stream;

/* ---- rules.c ---- */
struct rule {
	char *host, *path, *service, *host_header;
	regex_t regex;
	bool has_regex;
};
struct rules {
	struct rule *items;
	size_t n;
	int64_t version; /* -1 = none pushed yet */
	char *json;
};
/* A pushed configuration: replaces the rules when it is newer and valid. */
void rules_push(struct stub *s, const char *payload, size_t len);
/* The first rule for host and path; NULL when no rule exists at all. *index is its place. */
const struct rule *rules_match(const struct rules *r, const char *host, const char *path,
			       int *index);

/* ---- link.c: the four connections to the edge ---- */
enum link_state { LINK_IDLE, LINK_CONNECTING, LINK_HELLO, LINK_UP };
struct link {
	enum link_state state;
	int fd, index;
	int attempts; /* failures since it was last up */
	int64_t at;   /* when to try next, or when this try began; INT64_MAX = not yet */
	int64_t heard, pinged;
	bool closing; /* UNREGISTER was sent */
	struct bytes in, out;
};
void links_init(struct stub *s);
void links_start(struct stub *s);
void links_prepare(struct stub *s);
void links_tick(struct stub *s);
int links_up(const struct stub *s);
/* Is one not answered yet? The real one gives such a registration its whole grace period. */
bool links_wait(const struct stub *s);
void link_send(struct stub *s, int index, enum wire_type type, uint32_t id, const void *payload,
	       size_t len);
/* Lose n connections (the last ones first); back after that many ms, or by the usual backoff: -1.
 */
void links_lose(struct stub *s, int n, int64_t back_ms);
/* Lose all that quic has, when its time has come. */
void links_flap(struct stub *s);
void links_unregister(struct stub *s);
void links_running(struct stub *s);
bool links_closed(const struct stub *s);

/* ---- origin.c: requests on their way to an origin ---- */
struct stream {
	int fd; /* -1 while the slot is free */
	bool used, connecting, chunked_up, answered;
	int link, rule;
	uint32_t id;
	int64_t started;
	char method[16], service[256], ray[64];
	struct bytes in, out;
	struct http1_body body;
};
void origin_request(struct stub *s, int link, uint32_t id, const char *head, size_t len);
void origin_part(struct stub *s, int link, uint32_t id, const char *data, size_t len);
void origin_end(struct stub *s, int link, uint32_t id);
void origin_cancel(struct stub *s, int link, uint32_t id); /* id 0: all of that link */
void origins_prepare(struct stub *s);
void origins_tick(struct stub *s);
int origins_open(const struct stub *s);

/* ---- metrics.c ---- */
struct client {
	int fd;
	struct bytes in, out;
	bool answered;
};
void metrics_bind(struct stub *s); /* a busy port ends the program, with the real words */
void metrics_prepare(struct stub *s);

/* ---- main.c: the loop ---- */
typedef void ready_fn(struct stub *s, void *item, int fd, short events);
struct watched {
	ready_fn *ready;
	void *item;
};
enum { MAX_FDS = 4 + LINKS + MAX_STREAMS + MAX_CLIENTS };

struct stub {
	struct settings settings;
	struct token token;
	struct mode mode;
	struct log log;
	struct rules rules;
	struct link links[LINKS];
	struct stream streams[MAX_STREAMS];
	size_t n_streams; /* that were ever used: the rest is untouched memory */
	struct client clients[MAX_CLIENTS];
	struct pollfd fds[MAX_FDS];
	struct watched watched[MAX_FDS];
	size_t n_fds;
	int64_t wake_at;
	char connector_id[37];
	const char *protocol; /* "quic" or "http2" */
	int retries;
	int64_t grace_ms, stopping_at; /* stopping_at 0 = not stopping */
	int64_t flapped_at;
	char *held;
	int metrics_fd, signal_fd;
	uint64_t requests, request_errors, registered, refused;
	uint64_t codes[600];
	bool was_ready;
};
int64_t now_ms(void);
uint64_t random_number(void);
void watch(struct stub *s, int fd, short events, ready_fn *ready, void *item);
void wake_by(struct stub *s, int64_t at); /* the poll ends at that time at the latest */
void stub_registered(struct stub *s);     /* a connection came up: READY=1, pidfile */
_Noreturn void die(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void line_out(const char *data, size_t len); /* to stderr; a closed reader kills, as in real life */

void log_say(const struct log *l, enum level level, const char *message, const struct kv *kv);
void log_text(const struct log *l, enum level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void log_odd(const struct stub *s, const char *what, int64_t size); /* torn, plain, burst */
void mode_init(struct mode *m);
void mode_load(struct stub *s);
/* false = unknown key. */
bool mode_set(struct stub *s, const char *key, const char *value);

#endif
