/*
 * When Cloudflare has said to wait (429 and its Retry-After, or a budget that is used up), a
 * restart does not forget it: until when, said when, and to which token, is kept in the store and
 * obeyed by the next life, never for longer than was said.
 */
#ifndef RECONCILE_PAUSE_H
#define RECONCILE_PAUSE_H

#include "cloudflare/client.h"
#include "store/store.h"

/* A client that called too much is shut out for the next five minutes. */
#define PAUSE_MOST_MS (5 * 60 * 1000)

struct pause;

/* All borrowed. To be made before the first call: what is kept holds from then on. */
struct pause *pause_new(struct loop *l, struct world *w, struct store *s, struct cf *cf);
void pause_free(struct pause *p);

/* Pure: what is left now of a pause, whatever the clock did meanwhile; 0 = nothing. */
int64_t pause_left(int64_t said_ms, int64_t until_ms, int64_t wall_ms);

#endif
