#include "mcp/ask_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct spent {
	struct list node;
	int64_t until_ms;
	char nonce[33];
};

static void mark(const unsigned char key[ASK_KEY], const char *text, size_t len,
		 const struct ask_bond *b, char out[SHA256_HEX_SIZE])
{
	static const char what[] = "question";
	const struct sha256_part parts[] = {
		{what, sizeof(what)},
		{b->principal, strlen(b->principal)},
		{b->tool, strlen(b->tool)},
		{b->arguments, strlen(b->arguments)},
		{text, len},
	};
	hmac_sha256_parts(key, ASK_KEY, parts, ARRAY_LEN(parts), out);
}

/* plan-hash-expiry-nonce-mark */
void ask_state_write(const unsigned char key[ASK_KEY], struct ask_state *s,
		     const struct ask_bond *bond, int64_t now_ms, char out[ASK_STATE_SIZE])
{
	char sum[SHA256_HEX_SIZE];
	random_hex(s->nonce, sizeof(s->nonce) - 1);
	int n = snprintf(out, ASK_STATE_SIZE, "%s-%s-%" PRId64 "-%s", s->plan, s->hash,
			 now_ms + ASK_MS, s->nonce);
	mark(key, out, (size_t)n, bond, sum);
	(void)snprintf(out + n, ASK_STATE_SIZE - (size_t)n, "-%s", sum);
}

/* The next part, up to a dash. */
static bool part(const char **at, char *out, size_t size)
{
	size_t len = strcspn(*at, "-");
	if (len >= size)
		return false;
	memcpy(out, *at, len);
	out[len] = '\0';
	*at += len + ((*at)[len] == '-');
	return true;
}

bool ask_state_read(const unsigned char key[ASK_KEY], const char *text, const struct ask_bond *bond,
		    int64_t now_ms, struct ask_state *s)
{
	char sum[SHA256_HEX_SIZE], until[24];
	const char *dash = strrchr(text, '-');
	if (!dash || strlen(text) >= ASK_STATE_SIZE || strlen(dash + 1) != SHA256_HEX_SIZE - 1)
		return false;
	mark(key, text, (size_t)(dash - text), bond, sum);
	if (!const_time_equal(sum, dash + 1, SHA256_HEX_SIZE - 1))
		return false;
	return part(&text, s->plan, sizeof(s->plan)) && part(&text, s->hash, sizeof(s->hash)) &&
	       part(&text, until, sizeof(until)) && part(&text, s->nonce, sizeof(s->nonce)) &&
	       strtoll(until, NULL, 10) >= now_ms;
}

/* ---- each is good once ---- */

void ask_spent_init(struct ask_spent *a)
{
	list_init(&a->list);
	a->n = 0;
}

static void spent_drop(struct ask_spent *a, struct spent *x)
{
	list_remove(&x->node);
	free(x);
	a->n--;
}

bool ask_spend(struct ask_spent *a, const char *nonce, int64_t now_ms)
{
	LIST_EACH (it, &a->list) {
		struct spent *x = LIST_OF(it, struct spent, node);
		if (x->until_ms < now_ms)
			spent_drop(a, x);
		else if (str_equal(x->nonce, nonce))
			return false;
	}
	if (a->n >= ASK_SPENT_MAX)
		return false;
	struct spent *x = mem_alloc(sizeof(*x));
	x->until_ms = now_ms + ASK_MS;
	(void)str_copy(x->nonce, sizeof(x->nonce), nonce);
	list_append(&a->list, &x->node);
	a->n++;
	return true;
}

void ask_spent_free(struct ask_spent *a)
{
	LIST_EACH (it, &a->list)
		spent_drop(a, LIST_OF(it, struct spent, node));
}
