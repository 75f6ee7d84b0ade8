/*
 * One action, one request: what the planner asked for is sent, and what came back is written into
 * store and world, or is the problem of the object. A call that changes something at Cloudflare has
 * its intent in the ledger before it leaves, and its result after.
 */
#ifndef RECONCILE_ACT_H
#define RECONCILE_ACT_H

#include "cloudflare/page.h"
#include "cloudflare/tunnels.h"
#include "reconcile/merge.h"
#include "reconcile/planner.h"
#include "store/store.h"

struct act_context {
	struct loop *loop;
	struct world *world;
	struct store *store;
	struct cf *cf;
};

struct act {
	struct task task; /* first. err: why it failed; the object may be gone by then */
	const struct act_context *x;
	struct action action;
	struct list node; /* of the owner */
	struct cf_call call;
	struct cf_page page;
	bool calling, paging;
	bool joined;        /* it goes in a batch, which counts for all of its members */
	uint64_t dice;      /* for the delay after a failure; the same for all of a batch */
	int64_t generation; /* of the object when the request left */
	void *extra;        /* of the kind; freed by drop_extra */
	void (*drop_extra)(struct act *a);
};

void act_start(const struct act_context *x, struct act *a, const struct action *action,
	       task_done_fn *done, void *owner);
/* The same without sending anything: a batch does that, or hands it to act_record_starter. */
void act_join(const struct act_context *x, struct act *a, const struct action *action,
	      task_done_fn *done, void *owner);
void act_cancel(struct act *a);
void act_fini(struct act *a);

/* At the start: what an earlier life left on its way. */
void act_recall(const struct act_context *x);

/* ---- for act_tunnel.c, act_config.c, act_record.c, act_release.c, act_rename.c,
 * act_rotate.c, act_search.c and act_overwrite.c ---- */

typedef void act_fn(struct act *a); /* sends, or ends by act_end */
/* Each file's kinds; NULL where a kind is another file's. */
act_fn *act_tunnel_starter(enum action_kind k);
act_fn *act_config_starter(enum action_kind k);
/* At the start: what an earlier life sent without an answer may still land. */
void act_config_recall(const struct act_context *x);
act_fn *act_search_starter(enum action_kind k);
act_fn *act_record_starter(enum action_kind k);
act_fn *act_release_starter(enum action_kind k);
act_fn *act_rename_starter(enum action_kind k);
/* At the start: new names that were on their way. */
void act_rename_recall(const struct act_context *x);

/* A PUT that is about to leave: what it was merged from says what is lost by it. */
struct act_loss {
	const struct merge_result *merged; /* its document, and what it drops */
	const struct merge_fate *fates;
	size_t n_fates;
	int64_t read_version;
};
void act_tell_overwritten(struct act *a, const struct tunnel *t, const struct act_loss *x);

act_fn *act_rotate_starter(enum action_kind k);
/* At the start: new secrets that were on their way. */
void act_rotate_recall(const struct act_context *x);

/* A token of this very tunnel; the caller frees parts. */
MUST_USE int act_read_token(struct act *a, const struct tunnel *t, const char *text,
			    struct cf_token *parts, struct err *e);
/* Does it carry the secret that was stored before the POST left? ERR_UPSTREAM when it is none. */
MUST_USE int act_token_is_ours(struct act *a, const char *token, bool *ours, struct err *e);
/* The one of its name is not ours: of all the others, is one? Ends. */
void act_search(struct act *a);
/* None is, and none becomes ours when our POST can no longer land; ends. */
void act_disown(struct act *a, struct tunnel *t);
/* The tunnel at Cloudflare is ours; ends. */
void act_claim(struct act *a, struct tunnel *t, const char *remote_id);

void act_end(struct act *a); /* as task.err stands */
void act_fail(struct act *a, const struct err *e);
/* The call failed: takes its error and ends. false = it succeeded. */
bool act_failed(struct act *a);
/* A call that was to change something failed with e (or its answer told nothing): that is its
 * result in the ledger, and the end. */
void act_fail_change(struct act *a, const char *operation, const char *object, const struct err *e);
/* In the caller's transaction or its own: ledger rows of a call to Cloudflare. */
MUST_USE int act_ledger(struct act *a, enum ledger_phase phase, const char *operation,
			const char *object, const struct err *outcome, struct err *e);
/* save() inside one transaction with a ledger row; all or nothing. */
MUST_USE int act_save_tunnel(struct act *a, enum ledger_phase phase, const char *operation,
			     const struct tunnel *t, const struct err *outcome, struct err *e);
MUST_USE int act_save_record(struct act *a, enum ledger_phase phase, const char *operation,
			     const struct record *r, const struct err *outcome, struct err *e);
/* Something happened that people want to see; a failure to write it is only logged. */
void act_event(struct act *a, enum object_type type, const char *id, const char *name,
	       const char *kind, const char *fmt, ...) PRINTF(6, 7);

#endif
