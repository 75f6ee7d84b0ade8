/*
 * The supervisor's inside: one slot per connector, with its own process and, while it is replaced,
 * the other one. Objects of the world are looked up by id each time. Slots are freed in the
 * deferred pass alone, so every other function may keep its slot until it returns.
 */
#ifndef SUPERVISE_SLOT_H
#define SUPERVISE_SLOT_H

#include "supervise/budget.h"
#include "supervise/notes.h"
#include "supervise/ports.h"
#include "supervise/process.h"
#include "supervise/replace.h"
#include "supervise/step.h"
#include "supervise/supervisor.h"

#define EDGE_WANTED 4 /* cloudflared's own default */

struct supervisor {
	struct loop *loop;
	struct world *world;
	struct store *store; /* NULL: the folders alone say what is wanted */
	struct asker *asker;
	struct probe_terms terms;          /* by the options */
	struct tail_terms logs;            /* of what processes say */
	struct edge_probes *edges;         /* NULL = there are none */
	struct supervisor_options options; /* strings are owned */
	struct launcher *launcher;
	struct map slots;   /* connector id -> struct slot */
	struct map rowless; /* ids of connectors that folders alone tell of */
	struct ports ports; /* that processes remember */
	struct watcher watcher;
	struct deferred pass;
	struct timer leaving;      /* may what stays for names that leave its tunnel go? */
	struct notes notes;        /* what is told of connectors, until it is written */
	int muted;                 /* we change the world ourselves */
	struct disk disk;          /* which cloudflared lies there */
	char rolling[ID_SIZE + 4]; /* whose turn it is with what concerns all; "" = nobody's */
};

/* Of what is to outlast us that which is not kept in the slot otherwise. */
struct slot_kept {
	int64_t turn, stopped_until_ms;
	bool stopped, restart, upgrade, restart_again, upgrade_again;
};

/* What most connectors never have: made when it is first written. */
struct slot_trouble {
	struct protocol_state protocol;
	struct heal_kept heal;
	int64_t replace_again_ms; /* monotonic: not before */
	int64_t left_again_ms;    /* monotonic: then once more; 0 = nothing is left of it */
	int tries;                /* replacements in vain, in a row */
	int left_tries;           /* to remove the second folder, in vain, in a row */
};

struct slot {
	struct supervisor *s;
	char id[ID_SIZE + 4];
	char tunnel_id[ID_SIZE];
	uint8_t number;    /* of its tunnel's: 1 to TUNNEL_SLOTS_MAX */
	bool tunnel_known; /* its tunnel was seen in the world: when that is gone, so is its cause
			    */
	bool forget;       /* the pass is to drop it */
	bool keep_due;     /* what is to outlast us is to be written: not before a start */
	bool turn;         /* its turn to be replaced has come */
	bool serving_told;
	enum reason problem_reason : 8; /* what the connector's problem was last told of */
	enum reason replace_why : 8;    /* of the one that comes up */
	enum reason heal_cause : 8;     /* why it is to have another process; REASON_NONE */
	enum reason heal_told : 8;      /* what is told to be wrong with it; REASON_NONE */

	struct process *own;   /* the connector's process; never NULL */
	struct process *other; /* comes up to replace it, or was replaced and drains; or NULL */
	struct timer wake;

	struct budget budget;
	struct slot_kept kept;        /* as the folder of its own process has it */
	char *start_err;              /* why the last start failed, a sentence; NULL = it did not */
	struct slot_trouble *trouble; /* see slot_trouble */
	int64_t token_seen;           /* generation when it was last looked at */
	struct uuid remote_seen;      /* the same: its id at Cloudflare */
};

/* ---- slot.c ---- */
/* recalled: what its folder kept. Not in the slot: what is freed so soon leaves a hole between
 * those that stay. */
struct slot *slot_new(struct supervisor *s, const struct connector *c,
		      struct launch_kept *recalled);
void slot_free(struct slot *x);
/* Take over what runs already, and what its folders remember: that when it was made, later NULL. */
void slot_find(struct slot *x, struct launch_kept *recalled);
/* Nothing of it is left but the object: folders, row and slot go. false: try again later. */
bool slot_forget(struct slot *x);
/* Zeroes while it had none. */
const struct slot_trouble *slot_trouble(const struct slot *x);
struct slot_trouble *slot_trouble_make(struct slot *x);
/* Write what is to outlast us, if it changed. */
void slot_keep(struct slot *x, bool lasting);

/* ---- slot_look.c ---- */
/* Facts, tables, actions: until nothing is left to do now. */
void slot_look(struct slot *x);
/* The earlier of two times; 0 = never. */
int64_t slot_earlier(int64_t a_ms, int64_t b_ms);
/* Tell its processes which configuration is the newest, so that they are asked until they have it.
 */
void slot_want_version(struct slot *x);
/* One of its processes came to its end. */
void slot_ended(struct slot *x, struct process *p, int code, int signo);

/* ---- slot_replace.c ---- */
/* The one next action of the replacement; true: look again, facts have changed. */
bool slot_replace(struct slot *x, struct connector *c, int64_t *wake_ms);
/* Nothing was tried in vain. */
void slot_tries_forget(struct slot *x);
/* Of tries in vain, when there is nothing to try for any more. */
void slot_replace_forget(struct slot *x, struct connector *c);
/* The other process came to its end. */
void slot_other_ended(struct slot *x, struct connector *c, int code, int signo);
/* The cloudflared on the disk is another one than its own process was started from. */
bool slot_outruns(const struct slot *x);
/* Why it is to have another process; REASON_NONE = it is not. */
enum reason slot_cause(const struct slot *x, const struct connector *c);

/* ---- slot_heal.c ---- */
/* What speaks against the own process, and what follows: told, and a cause for another one. */
void slot_heal(struct slot *x, struct connector *c, int64_t *wake_ms);
/* Another process comes up for that. */
void slot_heal_begins(struct slot *x, enum reason cause);
/* It is on quic and of no use; else *until_ms says when it will be (0 = not by time). */
bool slot_quic_useless(const struct slot *x, const struct process *p, int64_t *until_ms);
void slot_protocol_ended(struct slot *x, const struct connector *c, const struct process *p,
			 enum reason r);
/* Perhaps it had none to connect to that can be reached from here. */
void slot_addresses_ended(struct slot *x, const struct connector *c, const struct process *p,
			  enum reason r);
/* The one that came up did not: true when that only says that quic does not work yet. */
bool slot_protocol_in_vain(struct slot *x, const struct connector *c, enum reason r);
bool slot_show_health(const struct slot *x, struct connector *c);

/* ---- slot_facts.c ---- */
struct connector *slot_connector(const struct slot *x); /* never NULL inside a slot's function */
void slot_facts(const struct slot *x, const struct connector *c, struct facts *f);
void slot_replace_facts(const struct slot *x, const struct connector *c, struct replace_facts *f);

/* ---- slot_tell.c ---- */
/* The only place that changes a connector's state. */
void slot_enter(struct slot *x, struct connector *c, const struct verdict *v);
/* Copy what is known of the process into the connector; tells the world when that is news. */
void slot_show(struct slot *x, struct connector *c);
/* Which tunnel it runs for, where no row tells it. */
void slot_show_remote(const struct slot *x, struct connector *c);
void slot_problem(struct slot *x, struct connector *c, enum reason r);
/* A replacement was in vain. */
void slot_problem_replacing(struct slot *x, struct connector *c, enum reason r,
			    const char *sentence);
PRINTF(5, 6)
void slot_event(const struct slot *x, const struct connector *c, const char *kind,
		const char *detail, const char *fmt, ...);
/* Its row is written when the loop turns. */
void slot_save(const struct slot *x);
void slot_changed(const struct slot *x);

/* ---- turn.c ---- */
/* One after the other: may it be replaced now? Gives it the turn if it may. */
void slot_turn(struct slot *x);
/* Something changed that may make it work now: turns and waiting times are forgotten. */
void slot_turn_again(struct slot *x);

#endif
