/*
 * What a question leaves with the client until it is answered (requestState): which plan it was
 * about, until when it holds, and our mark over that, the principal and the very call. Whoever
 * brings it back proves nothing but that we asked; it is good once.
 */
#ifndef MCP_ASK_STATE_H
#define MCP_ASK_STATE_H

#include "base/list.h"
#include "base/secret.h"

#define ASK_KEY        32
#define ASK_MS         (INT64_C(5) * 60 * 1000)
#define ASK_STATE_SIZE 256
#define ASK_SPENT_MAX  1000

struct ask_state {
	char plan[24];  /* "p7"; "" = the call makes none */
	char hash[17];  /* the first digits of the plan's */
	char nonce[33]; /* hex */
};

/* What it holds for: the same caller, tool and arguments. */
struct ask_bond {
	const char *principal, *tool, *arguments; /* JSON text */
};

/* Fills the nonce. */
void ask_state_write(const unsigned char key[ASK_KEY], struct ask_state *s,
		     const struct ask_bond *bond, int64_t now_ms, char out[ASK_STATE_SIZE]);
/* false: made up, of another call or caller, or too old. */
bool ask_state_read(const unsigned char key[ASK_KEY], const char *text, const struct ask_bond *bond,
		    int64_t now_ms, struct ask_state *s);

/* Answers that were taken, for as long as their question would hold. Zeroed and list_init'ed. */
struct ask_spent {
	struct list list;
	size_t n;
};
void ask_spent_init(struct ask_spent *a);
/* false: it was taken before, or too many are. */
bool ask_spend(struct ask_spent *a, const char *nonce, int64_t now_ms);
void ask_spent_free(struct ask_spent *a);

#endif
