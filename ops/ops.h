/*
 * Operations at run time: what a handler may use, and one running call. A call is a task: it is
 * answered once, later than started, and can be cancelled. Who may, the ledger and the decoding of
 * arguments are here; handlers (run_*.c) hold what an operation does.
 */
#ifndef OPS_OPS_H
#define OPS_OPS_H

#include "cloudflare/reads.h"
#include "model/plan.h"
#include "model/settings.h"
#include "model/world.h"
#include "ops/decl/decl.h"
#include "ops/principal.h"
#include "reconcile/guard.h"
#include "reconcile/reconciler.h"
#include "store/store.h"
#include "supervise/edge_probe.h"
#include "supervise/origin_probe.h"
#include "supervise/supervisor.h"

struct call;

/* A plan that somebody rejected while the disk took no writes: not in the store yet. */
struct rejection {
	int64_t plan, at_ms;
	char *by;
};

/* Everything borrowed; store, cf, supervisor may be NULL when they could not be opened (fail-static
 * boot): operations that need them answer with the reason. */
struct ops {
	struct loop *loop;
	struct world *world;
	struct store *store;
	struct cf *cf;
	struct cf_reads *security; /* what is read for people */
	struct supervisor *supervisor;
	struct origin_probes *origins; /* NULL = not there */
	struct edge_probes *edges;     /* NULL = not there */
	const char *probe_socket;      /* their listener; NULL = there can be none */
	struct reconciler *reconciler;
	const struct settings *settings;
	int state_dirfd;            /* the connectors' folders are below it */
	char *const *store_trouble; /* *it: why store is NULL */
	char *const *store_cure;    /* *it: and what to do */
	const char *pkcheck;        /* polkit's program that asks people; NULL = there is none */
	int64_t consent_ms;         /* how long that may take; 0 = CONSENT_MS */
	struct problem *const *config_problem; /* *it: the files are wrong, older settings run */
	struct list calls;                     /* running ones */
	int running;
	struct refusals {
		int64_t second; /* in which these were kept */
		uint64_t keys[32];
		size_t n;
	} refusals;
	struct list asking; /* people who are asked to authenticate now (consent.c) */
	int askings;
	struct rejection *rejections; /* owned */
	size_t n_rejections;
	struct grants *grants;   /* owned; made by ops_init */
	struct sights *sights;   /* owned: parts of the world, as grants see them (sight.c) */
	struct read_rows *reads; /* owned; made by ops_init (ledger.h) */
};

#define OPS_MAX_RUNNING 256

/* A person's word that is waited for (consent.c). */
struct asking;
struct consent {
	struct task task; /* first */
	struct asking *asking;
};
/* refused: NULL, or why there is no such word. */
typedef void consented_fn(struct call *c, const struct err *refused);

/* What is called for. */
struct call_said {
	const char *request_id; /* NULL = it is given one */
	const char *body;       /* the arguments as a JSON object ("" = none) */
	size_t len;
	const struct json *arguments; /* the same, read already; NULL = body holds them */
	/* Without what says nothing, and members of these names, as json_trim leaves it. */
	bool terse;
	const char *const *drop;
};

struct call {
	struct task task; /* first. err: why it failed */
	struct ops *ops;
	const struct op *op;
	struct principal who;
	char id[13];       /* request id, on all log lines of the call */
	void *args;        /* op->args_size bytes, decoded */
	struct buf result; /* one JSON object when task.err.kind is ERR_NONE */
	/* Told what it waits for, as that changes; never after done(). Set after call_start by
	 * whoever wants to know; NULL = nobody does. owner is the task's. */
	void (*progressed)(struct call *c, const char *message, void *owner);

	/* private */
	struct list node;
	bool terse; /* as it was called for */
	const char *const *drop;
	int64_t ledger_seq; /* of its "asked" row; 0 = none */
	bool answered;
	bool wide;            /* it has looked at more than its caller sees */
	bool admitted;        /* he may, and the arguments were understood */
	const char *decision; /* on its plan (ledger_decided); NULL = none */
	enum policy policy;   /* what decided so, or refused; sight sets it too */
	char plan[24], plan_hash[SHA256_HEX_SIZE];
	struct plan *looked; /* Cloudflare was asked for it, before it was planned anew */
	size_t looked_changes, looked_warnings; /* of it, before Cloudflare was asked */
	int replans;
	struct timer deadline;
	struct watcher watcher;
	struct deferred look;
	struct consent consent;
	consented_fn *consented;
	void *state; /* of the handler; freed by drop_state */
	void (*drop_state)(struct call *c);
};

void ops_init(struct ops *o);
/* Cancel all running calls. */
void ops_fini(struct ops *o);

/* The store was opened after ops_init: whatever is read from it once is read. */
void ops_store_came(struct ops *o);
/* Now and then, while there is a store: does its disk take writes, and what could not be written?
 */
void ops_store_look(struct ops *o);

/* body: the arguments as a JSON object ("" = none). Refusals too are told in done(). */
void call_start(struct ops *o, struct call *c, const struct op *op, const struct principal *who,
		const char *request_id, const char *body, size_t len, task_done_fn *done,
		void *owner);
/* The same of all that can be said. */
void call_start_said(struct ops *o, struct call *c, const struct op *op,
		     const struct principal *who, const struct call_said *said, task_done_fn *done,
		     void *owner);
/* The call of that operation that an earlier run of aditd was asked for, and which had stored that
 * plan ("p7"): answered as it would have been, after that long at the latest. Nothing of it is done
 * again, nor written down. */
void call_resume(struct ops *o, struct call *c, const struct op *op, const struct principal *who,
		 const char *plan, int64_t timeout_ms, task_done_fn *done, void *owner);
void call_cancel(struct call *c);
/* Running calls of a grant that has ended fail; what they had committed stays. */
void calls_of_grant_end(struct ops *o, int64_t grant);
/* Free what a finished or cancelled call holds. */
void call_fini(struct call *c);

/* ---- for handlers ---- */

/* The handler of an operation: answers now or later. Bound in dispatch.c from ops.def. */
#define OP(id) void run_##id(struct call *c);
#include "ops/decl/ops.def"
#undef OP

/* The result is written; answer. */
void call_answer(struct call *c);
/* Fail with task.err as it stands (a handler fills it first). */
void call_fail(struct call *c);
/* Run the handler from its beginning, with the world as it is now. */
void call_again(struct call *c);
/* Tell what is waited for, if anybody wants to know. */
void call_progress(struct call *c, const char *message);
/* A person's word for this call, of root at once, of others by polkit: then() goes on in either
 * case. what: "Approving a plan", a literal. */
void call_consent(struct call *c, const char *what, consented_fn *then);
/* store must be there: else fills c->task.err and is false. */
bool call_needs_store(struct call *c);
/* A writer on the result, with the object begun: all that a result holds is written by one. */
void call_writer(const struct call *c, struct json_writer *w, struct buf *out);
void call_object(struct call *c, struct json_writer *w);

/* ---- lists ---- */

/* Rows are offered in order; those inside cursor and limit are written, the rest counted. */
struct list_answer {
	struct call *call;
	struct json_writer w;
	const struct list_args *args;
	int64_t start, seen, written;
	bool rows_ended;
};
MUST_USE int list_begin(struct call *c, const struct list_args *args, struct list_answer *l);
/* true = write this row now: json_object_begin .. end on list_row_writer */
bool list_wants(struct list_answer *l);
void list_row(struct list_answer *l,
	      void (*render)(const void *row, struct json_writer *w, const void *owner),
	      const void *row, const void *owner);
/* There are no more rows: what an answer has besides them can be put on the writer now. */
void list_rows_end(struct list_answer *l);
void list_end(struct list_answer *l, const char *source, int64_t as_of_ms);
/* The same of what was asked of Cloudflare by a client whose figures stand in that world. */
void list_end_asked(struct list_answer *l, int64_t as_of_ms, const struct world *budget);

#endif
