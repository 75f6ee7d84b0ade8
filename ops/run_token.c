/* Handler: what the API tokens are worth. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/untrusted.h"
#include "cloudflare/token_look.h"
#include "ops/gather.h"
#include "ops/needs.h"

#define DAY_MS    (24 * 3600 * 1000LL)
#define SOON_DAYS 14

enum { MANAGES, READS, TOKENS };

struct check {
	struct cf_token_look looks[TOKENS];
	struct cf *clients[TOKENS]; /* of READS NULL: one token does all */
	int waiting;
};

static void check_drop(struct call *c)
{
	struct check *x = c->state;

	for (int i = 0; i < TOKENS; i++) {
		cf_token_look_cancel(&x->looks[i]);
		cf_token_look_reset(&x->looks[i]);
	}
	free(x);
	c->state = NULL;
}

/* ---- operations ---- */

enum verdict { CAN, PARTLY, CANNOT, NOT_KNOWN };

struct lack {
	unsigned missing, unknown;
	bool part; /* of the zones */
	enum verdict verdict;
};

static int serves(const struct check *x, const struct op_needs *n)
{
	return n->reads && x->clients[READS] ? READS : MANAGES;
}

static struct lack lack_of(const struct check *x, const struct op_needs *n)
{
	const struct cf_token_look *look = &x->looks[serves(x, n)];
	struct lack l = {.verdict = cf_token_look_usable(look) ? CAN : CANNOT};

	if (l.verdict == CANNOT)
		return l;
	for (int p = 0; p < CF_PERMISSIONS; p++) {
		if (!((n->all | n->parts) & NEED(p)))
			continue;
		if (look->may[p] == CF_MAY_NOT)
			l.missing |= NEED(p);
		else if (look->may[p] == CF_MAY_UNKNOWN)
			l.unknown |= NEED(p);
		l.part |= look->may[p] == CF_MAY_PARTLY;
	}
	if (l.missing & n->all || (!n->all && l.missing == n->parts))
		l.verdict = CANNOT;
	else if (l.unknown & n->all)
		l.verdict = NOT_KNOWN;
	else if (l.missing || l.unknown || l.part)
		l.verdict = l.missing || l.part ? PARTLY : NOT_KNOWN;
	return l;
}

static void put_names(struct json_writer *w, const char *key, unsigned set)
{
	json_write_key(w, key);
	json_array_begin(w);
	for (int p = 0; p < CF_PERMISSIONS; p++)
		if (set & NEED(p))
			json_write_string(w, cf_permission_name((enum cf_permission)p));
	json_array_end(w);
}

/* What a token lacks for the operations that it serves. */
static unsigned missing_of(const struct check *x, int token)
{
	const struct op_needs *n;
	unsigned missing = 0;

	for (size_t i = 0; (n = op_needs_at(i)) != NULL; i++)
		if (serves(x, n) == token)
			missing |= lack_of(x, n).missing;
	return missing;
}

static void put_operations(struct json_writer *w, const struct check *x, const char *key,
			   enum verdict verdict)
{
	const struct op_needs *n;

	json_write_key(w, key);
	json_array_begin(w);
	for (size_t i = 0; (n = op_needs_at(i)) != NULL; i++) {
		struct lack l = lack_of(x, n);
		if (l.verdict != verdict)
			continue;
		if (verdict == CAN) {
			json_write_string(w, n->op);
			continue;
		}
		json_object_begin(w);
		json_put_string(w, "operation", n->op);
		put_names(w, "missing", l.missing);
		put_names(w, "unknown", l.unknown);
		json_object_end(w);
	}
	json_array_end(w);
}

/* ---- one token ---- */

static const char *status_word(const struct cf_token_look *l)
{
	if (l->token)
		return cf_token_status_name(l->token->status);
	if (l->task.err.kind == ERR_NONE)
		return "active"; /* it may not ask, which only a good one is told */
	if (l->task.err.kind != ERR_DENIED)
		return "unchecked";
	return l->task.err.cloudflare.status ? "refused" : "missing";
}

/* What it may, by how much of it. */
static void put_permissions(struct json_writer *w, const struct cf_token_look *l)
{
	static const struct {
		const char *name;
		enum cf_may may;
	} lists[] = {
		{"may", CF_MAY},
		{"may_partly", CF_MAY_PARTLY},
		{"may_not", CF_MAY_NOT},
		{"not_known", CF_MAY_UNKNOWN},
	};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		unsigned set = 0;
		for (int p = 0; p < CF_PERMISSIONS; p++)
			if (l->may[p] == lists[i].may)
				set |= NEED(p);
		put_names(w, lists[i].name, set);
	}
}

static void put_verified(struct json_writer *w, const struct cf_token_look *l)
{
	static const char *const owners[] = {"unknown", "user", "account"};

	json_put_string(w, "owner", owners[l->owner]);
	if (l->token)
		json_put_string(w, "id", l->token->id);
	json_put_untrusted(w, "untrusted_name", l->name);
	if (l->token && l->token->expires_ms)
		json_put_time(w, "expires_on", l->token->expires_ms);
	if (l->token && l->token->not_before_ms)
		json_put_time(w, "not_before", l->token->not_before_ms);
	json_put_string(w, "known_by", l->by_policies ? "policies" : "reads");
	put_permissions(w, l);
}

static void put_token(struct json_writer *w, const struct check *x, int i)
{
	const struct cf_token_look *l = &x->looks[i];
	const char *serves = i == READS ? "reading security data" : "managing";

	json_object_begin(w);
	json_put_string(w, "setting", cf_token_key(x->clients[i]));
	json_put_string(w, "serves", x->clients[READS] ? serves : "all operations");
	json_put_string(w, "status", status_word(l));
	if (l->task.err.kind == ERR_NONE) {
		put_verified(w, l);
		put_names(w, "missing", missing_of(x, i));
	} else {
		json_put_string(w, "message", l->task.err.message);
		json_put_string(w, "hint", l->task.err.hint);
	}
	json_object_end(w);
}

static void put_tokens(struct json_writer *w, const struct check *x)
{
	json_write_key(w, "tokens");
	json_array_begin(w);
	for (int i = 0; i < TOKENS; i++)
		if (x->clients[i])
			put_token(w, x, i);
	json_array_end(w);
}

/* ---- warnings ---- */

static void warn(struct json_writer *w, const char *setting, const char *what)
{
	AUTO(str_t) text = str_format("The token of %s %s.", setting, what);

	json_write_string(w, text);
}

static void warn_of(struct json_writer *w, const struct cf_token_look *l, const char *setting,
		    int64_t now)
{
	char left[TEXT_TIME_SIZE];
	const struct cf_token_row *t = l->token;

	if (l->task.err.kind == ERR_DENIED) {
		warn(w, setting, l->task.err.cloudflare.status ? "is refused" : "is missing");
		return;
	}
	if (!t)
		return;
	if (t->status == CF_TOKEN_EXPIRED || (t->expires_ms && t->expires_ms <= now))
		warn(w, setting, "has expired: make another one");
	else if (t->status == CF_TOKEN_DISABLED)
		warn(w, setting, "is disabled in the Cloudflare dashboard");
	else if (t->not_before_ms > now)
		warn(w, setting, "is not valid yet");
	else if (t->expires_ms && t->expires_ms - now < SOON_DAYS * DAY_MS) {
		duration_human(t->expires_ms - now, left);
		AUTO(str_t) what = str_format("expires in %s: make another one before", left);
		warn(w, setting, what);
	}
}

static void put_warnings(struct json_writer *w, const struct check *x)
{
	json_write_key(w, "warnings");
	json_array_begin(w);
	for (int i = 0; i < TOKENS; i++)
		if (x->clients[i])
			warn_of(w, &x->looks[i], cf_token_key(x->clients[i]), clock_wall_ms());
	json_array_end(w);
}

/* ---- the whole ---- */

static void check_answer(struct call *c, struct check *x)
{
	struct json_writer w;

	call_object(c, &w);
	put_warnings(&w, x);
	put_tokens(&w, x);
	put_operations(&w, x, "can", CAN);
	put_operations(&w, x, "partly", PARTLY);
	put_operations(&w, x, "cannot", CANNOT);
	put_operations(&w, x, "unknown", NOT_KNOWN);
	json_put_time(&w, "as_of", clock_wall_ms());
	gather_put_rate(c, &w);
	json_object_end(&w);
	call_answer(c);
}

static void looked(struct task *t, void *owner)
{
	struct call *c = owner;
	struct check *x = c->state;

	(void)t;
	if (--x->waiting == 0)
		check_answer(c, x);
}

/* What is allowed by zones is tried on one of the account's. */
static const char *any_zone(const struct world *w)
{
	TABLE_EACH (i, struct zone, z, &w->zones)
		return z->id;
	return "";
}

void run_token_check(struct call *c)
{
	if (!gather_whole_account(c))
		return;
	struct cf *reading = cf_reads_client(c->ops->security);
	struct check *x = mem_alloc(sizeof(*x));
	x->clients[MANAGES] = c->ops->cf;
	x->clients[READS] = reading == c->ops->cf ? NULL : reading;
	c->state = x;
	c->drop_state = check_drop;
	for (int i = 0; i < TOKENS; i++) {
		if (!x->clients[i])
			continue;
		x->waiting++;
		cf_token_look_start(x->clients[i], &x->looks[i], any_zone(c->ops->world), looked,
				    c);
	}
}
