/* Members as they are answered, and the simulator's own tokens as rows of the tokens' lists. */
#ifndef SIM_PEOPLE_H
#define SIM_PEOPLE_H

#include "sim/shelf.h"

#define SIM_USER       "7c5dae5552338874e5053f2534d2767a"
#define SIM_USER_EMAIL "owner@example.com"

void write_member(struct call *k, const struct json *row);
/* Puts the tokens that this simulator answers to into the list of their owner. */
void tokens_to_shelf(struct cloud *c, const char *owner);

/* ---- permissions.c: the scopes of tokens by Cloudflare's names ---- */

/* scope has alternatives: "zone-waf:read|waf:read". */
bool scopes_allow(const struct strlist *scopes, const char *scope);
/* The policies of a token's row: an array. */
void write_token_policies(struct json_writer *w, const struct sim_token *t);

#endif
