/*
 * One running request, whatever it came by. What came in one piece (a body, a line) is a parcel:
 * one message or, in 2025-03-26, an array of them; each request in it is an exchange, which is
 * answered once, now or later, or dropped. How an answer leaves is the carrier's business; what a
 * request means is the method's.
 */
#ifndef MCP_EXCHANGE_H
#define MCP_EXCHANGE_H

#include "loop/loop.h"
#include "mcp/era.h"
#include "mcp/session.h"
#include "ops/principal.h"

struct mcp;
struct parcel;
struct exchange;

struct carrier {
	/* All is answered, in one piece; empty = nothing was asked. May take the text's memory, and
	 * free the parcel. */
	void (*answer)(struct parcel *p, int status, struct buf *text);
	/* A message ahead of that. A carrier that needs a stream for it begins one (p->streaming),
	 * and is then given the answers by it too. */
	void (*message)(struct parcel *p, const struct buf *text);
	/* The stream is at its end. May free the parcel. */
	void (*finish)(struct parcel *p);
	/* initialize has settled on that. */
	void (*agreed)(struct parcel *p, const struct session *s);
	/* NULL: there are no headers. */
	const char *(*header)(const struct parcel *p, const char *name);
	/* Can a message be sent ahead of the answer? */
	bool (*streams)(const struct parcel *p);
	/* Says nothing, so that whoever stands between sees that the stream is alive. NULL: nobody
	 * does. */
	void (*alive)(struct parcel *p);
};

struct parcel {
	struct list node; /* in mcp.parcels */
	struct mcp *mcp;
	const struct carrier *carrier;
	void *owner; /* of the carrier */
	struct principal who;
	struct session session; /* version NULL = none was agreed on */
	char *session_id;       /* owned; NULL = it came with none */
	struct json_doc *doc;
	struct list exchanges;
	size_t open; /* exchanges, and whoever still reads it */
	bool array, streaming;
	int status;
	struct buf answers;
};

struct method {
	const char *name;
	unsigned eras; /* ERA_* */
	/* The capability or extension that it belongs to, as it is declared; NULL = none is needed.
	 */
	const char *capability;
	/* Answers now or later. */
	void (*run)(struct exchange *x);
};

/* Tells the client now and then that its call goes on (progress.c). */
struct progress {
	const struct json *token; /* NULL = the client does not want to know */
	int64_t told;
	struct buf message;
	struct timer timer;
};

struct exchange {
	struct list node; /* in parcel.exchanges */
	struct parcel *parcel;
	struct rpc_message msg;
	enum era era;
	const char *version;
	const struct method *method;
	struct progress progress;
	struct buf out; /* the answer, while it is written */
	struct json_writer w;

	enum asked asked;     /* about what it calls */
	bool unfinished;      /* its result asks the client for more */
	bool subscription;    /* its result ends one */
	struct json_doc *own; /* what a method made to read from; freed with it */

	/* The method's own. dropped: the exchange ends unanswered; frees state. */
	void *state;
	char question[48]; /* id of the request that the client has to answer; "" = none */
	void (*answered)(struct exchange *x, const struct json *result);
	void (*dropped)(struct exchange *x);
};

/* ---- for carriers ---- */

struct parcel *parcel_new(struct mcp *m, const struct carrier *carrier, void *owner,
			  const struct principal *who);
/* Read it and run what it asks for. The parcel may be gone afterwards, if the carrier frees it. */
void parcel_take(struct parcel *p, const char *text, size_t len);
/* An error that is told of the parcel as a whole. */
void parcel_refuse(struct parcel *p, int status, int code, const char *message);
/* Drops what is open. */
void parcel_free(struct parcel *p);
/* Drop the request of that id among those that came the same way. */
void parcel_cancel(const struct parcel *p, const struct json *id);
/* Did both come the same way: by one connection, or in one session of one caller? */
bool parcels_alike(const struct parcel *a, const struct parcel *b);

/* ---- for methods ---- */

/* A writer inside the result object. exchange_done ends and sends it; x is gone then. */
struct json_writer *exchange_result(struct exchange *x);
/* How long a complete result may be kept, and that it is this caller's alone. Only the modern era
 * says so; before exchange_done. */
void exchange_keep(struct exchange *x, int64_t ttl_ms, bool private);
void exchange_done(struct exchange *x);
/* Answer by an error; x is gone then. data: JSON text, or NULL. */
void exchange_fail(struct exchange *x, int code, int status, const char *message, const char *data);
/* A notification ahead of the answer, by the same way. params: an object's text. */
void exchange_notify(struct exchange *x, const char *method, const struct buf *params);
/* The same with a request to the client (legacy era alone). answered: with its result, or NULL for
 * an error; once at the most, and never after the exchange has ended. */
void exchange_ask(struct exchange *x, const char *method, const struct buf *params,
		  void (*answered)(struct exchange *x, const struct json *result));
/* Nobody waits for that any more. */
void exchange_unask(struct exchange *x);
/* A member of params; NULL when absent. */
const struct json *exchange_param(const struct exchange *x, const char *name);
/* The capabilities that the client declared for this very request; NULL in the legacy era, where it
 * declares them once. */
const struct json *exchange_declared(const struct exchange *x);
/* Do these say that a form can be shown to a person? */
bool client_elicits(const struct json *capabilities);
/* Can the person at the client be asked now, about this request? */
bool exchange_elicits(const struct exchange *x);
/* Who asks, with what the client says of itself and of this call, for the ledger. */
void exchange_principal(const struct exchange *x, struct principal *out);
/* The request's answer takes a while: from now on the client is told that it goes on. */
void exchange_lasts(struct exchange *x);
/* It goes on in a parcel of its own, by that carrier, and the request is answered already: with a
 * result of that type and what put writes into it. Modern era alone; nothing may have been sent
 * ahead. */
struct parcel *exchange_detach(struct exchange *x, const struct carrier *carrier, void *owner,
			       const char *type,
			       void (*put)(struct json_writer *w, const void *owner));
/* What it waits for at the moment. */
void exchange_waits_for(struct exchange *x, const char *message);

/* progress.c */
void progress_begin(struct exchange *x);
void progress_end(struct exchange *x);

/* The method of that name in that era, or NULL. */
const struct method *method_find(const char *name, enum era era);
const struct method *method_at(size_t i); /* NULL past the last */

#endif
