/*
 * What the answers say about our access as a whole, written to world->system: whether the token is
 * good, whether Cloudflare can be reached, how much of the budget is left. Who switched writes off
 * for another reason keeps them off: only our own sentence is taken back here.
 */
#ifndef CLOUDFLARE_ACCESS_H
#define CLOUDFLARE_ACCESS_H

#include "cloudflare/budget.h"

/* A call succeeded. */
void access_worked(struct world *w);
/* An answer of Cloudflare's came, and it was not about the token. */
void access_reached(struct world *w);
/* The token as such was refused: writes are off. */
void access_refused(struct world *w, const struct err *why);
/* No answer came. What the token is worth stays as it was. */
void access_lost(struct world *w, const struct err *why);
/* There is another token: nothing is known of it. */
void access_forget(struct world *w);
/* Figures for status; watchers hear of noticeable changes only. told: the figure that they heard of
 * last, -1 at first. */
void access_figures(struct world *w, const struct budget *b, int64_t *told);

#endif
