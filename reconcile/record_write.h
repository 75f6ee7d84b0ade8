/*
 * One write of a record, in the parts that a request of its own and a batch share: prepare, intent,
 * steps, result. The ...rows functions write inside the caller's transaction; what the world is
 * told follows when the disk has it.
 */
#ifndef RECONCILE_RECORD_WRITE_H
#define RECONCILE_RECORD_WRITE_H

#include "cloudflare/records.h"
#include "reconcile/act.h"

/* Is it a write of a record, of which several may go in one request? */
bool write_kind(enum action_kind k);
/* From the world as it is now; nothing is written yet. */
MUST_USE int write_prepare(struct act *a, struct err *e);
size_t write_count(const struct act *a); /* of its steps */
/* Its steps, the strings borrowed from the act. */
void write_steps(const struct act *a, struct cf_step *out);
MUST_USE int write_intent_rows(struct act *a, struct err *e);
void write_intended(struct act *a);
/* By itself, after its intent. */
void write_send(struct act *a);

/* What Cloudflare made: row is its answer for the last step. false = it does not say that this was
 * done, which is as good as no answer. */
bool write_answered(struct act *a, const struct json *row, struct err *e);
MUST_USE int write_result_rows(struct act *a, struct err *e);
/* The world follows, and the act ends. */
void write_resulted(struct act *a);
/* It was refused, or (unknown) nobody knows; the act ends. */
void write_failed(struct act *a, const struct err *why, bool unknown);
/* The result is known and could not be stored; the act ends. */
void write_unstored(struct act *a, const struct err *why);

#endif
