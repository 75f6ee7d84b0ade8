/* What the files of the daemon share. */
#ifndef DAEMON_PRIVATE_H
#define DAEMON_PRIVATE_H

#include "daemon/services.h"

/* ---- services_store.c ---- */

/* Opens the store and puts what it holds into the world. A store that cannot be used leaves the
 * daemon without one: 0, and store_trouble says why. -1: another aditd has the folder. */
MUST_USE int daemon_open_store(struct daemon *d, struct err *e);
/* From now on: is there a store to be had, does its disk take writes again? */
void daemon_watch_store(struct daemon *d);
void daemon_unwatch_store(struct daemon *d);
/* Somebody asked: not at the next turn but now. */
void daemon_hurry_store(struct daemon *d);

/* ---- services_doors.c ---- */

MUST_USE int daemon_open_doors(struct daemon *d, struct err *e);
/* Settings were read anew. */
void daemon_reload_doors(struct daemon *d);
void daemon_close_doors(struct daemon *d);

/* ---- services_cloudflare.c ---- */

MUST_USE int daemon_open_cloudflare(struct daemon *d, struct err *e);
void daemon_close_cloudflare(struct daemon *d);
/* Settings were read anew: tokens and budgets. */
void daemon_reload_cloudflare(struct daemon *d);
/* The account is known now. */
void daemon_account_came(struct daemon *d);
/* This host's part of the budget. */
void daemon_budget(const struct settings *s, int64_t *calls, int64_t *window_ms);

/* ---- services.c ---- */

/* The store was opened while everything else ran already: who needs it gets it. */
void daemon_store_came(struct daemon *d);

#endif
