/*
 * Pure: which protocol a connector speaks with Cloudflare's edge. The settings say quic or http2;
 * http2 is never left. quic is given up for a time when it does not come up, or loses its
 * connections again and again: cloudflared by itself would try for minutes, or for ever, and never
 * go back. It is tried again at growing intervals beside the process that serves.
 */
#ifndef SUPERVISE_PROTOCOL_H
#define SUPERVISE_PROTOCOL_H

#include "supervise/reason.h"

#define PROTOCOL_SIZE      8
#define QUIC_PATIENCE_MS   (30 * 1000)
#define QUIC_LOSSES_MOST   30 /* connections lost within an hour */
#define QUIC_AGAIN_MOST_MS (24 * 3600 * 1000LL)

/* What outlasts us: of the tunnel, kept with each of its connectors. */
struct protocol_state {
	bool fallen;      /* http2 stands in for quic */
	enum reason why;  /* REASON_NO_QUIC or REASON_LOSSES */
	int tries;        /* of quic in vain, in a row */
	int64_t again_ms; /* wall: quic is not tried before */
	int64_t rose_ms;  /* wall: it was taken up again then; 0 = never */
	/* Of the edge's addresses those of IPv4 alone are used since, for a day; 0 = all are. */
	int64_t ip4_ms;      /* wall */
	int64_t ip4_vain_ms; /* wall: that did not help either; 0 = it was not in vain */
};

enum protocol_move {
	PROTOCOL_STAY,
	PROTOCOL_GIVE_UP, /* the process on quic is of no use: http2 is next */
	PROTOCOL_RETRY    /* let one on quic come up beside the one that serves */
};

struct protocol_facts {
	int64_t now_ms, wall_ms;
	bool quic_wanted; /* by the settings */
	const struct protocol_state *state;
	bool running, on_quic, serves, ever_ready;
	int edge;                 /* as in struct facts */
	int64_t unready_since_ms; /* as there */
	enum reason telling;      /* of its log since it was last connected */
	int losses;               /* of connections, within an hour */
};

struct protocol_verdict {
	enum protocol_move move;
	enum reason reason;
	int64_t wake_ms; /* monotonic; 0 = when a fact changes */
};

struct protocol_verdict protocol_judge(const struct protocol_facts *f);
/* The table as rows of text, for docs and tests: NULL past the last. */
const char *protocol_describe(size_t row);

/* The one that a new process is to speak. */
const char *protocol_name(const struct protocol_state *s, const char *wanted);
void protocol_fell(struct protocol_state *s, enum reason why, int64_t wall_ms, uint64_t random);
/* quic was tried beside it, in vain. */
void protocol_in_vain(struct protocol_state *s, int64_t wall_ms, uint64_t random);
/* quic serves again. */
void protocol_rose(struct protocol_state *s, int64_t wall_ms);
/* http2 did not come up either: neither is to blame, and quic is next. */
void protocol_forget(struct protocol_state *s);
bool protocol_is_new(const struct protocol_state *s); /* nothing was ever written to it */
/* Read again after a restart of ours: a clock that was put back must not make it wait for ever. */
void protocol_recall(struct protocol_state *s, int64_t wall_ms);

/* Is what starts now to use the edge's addresses of IPv4 alone? */
bool protocol_ip4_only(const struct protocol_state *s, int64_t wall_ms);
/* A process ended that had found no address to connect to: true when the next one is to use others
 * than it did. IPv4 alone is tried once; when it does not help, no sooner than an hour later. */
bool protocol_no_addresses(struct protocol_state *s, bool had_ip4_only, int64_t wall_ms);

/* Losses within an hour, in twelfths of it. */
#define LOSSES_PARTS 12
struct losses {
	int64_t part; /* number of the present twelfth */
	uint16_t n[LOSSES_PARTS];
};
void losses_add(struct losses *l, int n, int64_t now_ms);
int losses_count(const struct losses *l, int64_t now_ms);

#endif
