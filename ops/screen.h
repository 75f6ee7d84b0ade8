/*
 * Sentences that name something outside of what a caller may see. Objects and rows are left out
 * where they are looked up (ops/sight.h); what remains are words: problems, warnings, reasons for
 * approval and text from outside, which may be about one thing that he sees and another that he
 * does not. They are looked through in one place, when a call is answered.
 */
#ifndef OPS_SCREEN_H
#define OPS_SCREEN_H

#include "model/plan.h"
#include "ops/ops.h"

/* Does the text name nothing outside? NULL does not. */
bool screen_allows(struct ops *o, const struct principal *p, const char *text);

/* A copy of a plan, as he is shown it: what names something outside is left out, and one sentence
 * says so. */
void screen_plan(struct ops *o, const struct principal *p, struct plan *plan);

/* The answer of a call, before it leaves. */
void screen_result(struct call *c);
/* The error of a call that has looked at more than its caller sees. */
void screen_error(struct ops *o, const struct principal *p, struct err *e);

#endif
