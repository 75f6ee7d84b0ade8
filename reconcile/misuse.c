/* What is kept: {"mark", "since", "noticed", "count", "message", "told": [ids]}. */
#include "reconcile/misuse.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define KEY_TOLD  "token_misuse"
#define TOLD_MOST 64 /* of one problem, events and ids; the rest is counted */
/* A write may wait for its turn, and clocks differ. */
#define BEFORE_MS (10 * 60 * 1000LL)
#define AFTER_MS  (60 * 1000LL)

/* ---- what is kept ---- */

static int put_all(struct store *s, const char *key, const char *value, const struct event *ev,
		   struct err *e)
{
	if (store_begin(s, e) < 0)
		return -1;
	if (store_set_meta(s, key, value, e) == 0 && (!ev || store_add_event(s, ev, e) == 0) &&
	    store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

static void keep_token(const struct misuse *m)
{
	AUTO(str_t)
	text = str_format("%s %lld %s", m->mark, (long long)m->token_since_ms, m->token_id);
	struct err e;
	if (put_all(m->store, MISUSE_TOKEN, text, NULL, &e) < 0)
		log_debug("which token is ours is not kept: %s", e.message);
}

static char *told_text(const struct misuse *m, int64_t since_ms, const char *message)
{
	AUTO(buf_t) out = {0};
	struct json_writer w;
	json_write_init(&w, &out);
	json_object_begin(&w);
	json_put_string(&w, "mark", m->mark);
	json_put_int(&w, "since", since_ms);
	json_put_int(&w, "noticed", m->noticed_ms);
	json_put_int(&w, "count", m->count);
	json_put_string(&w, "message", message);
	json_put_strlist(&w, "told", &m->told);
	json_object_end(&w);
	return buf_steal(&out);
}

/* ---- the problem ---- */

static void forget(struct misuse *m)
{
	m->noticed_ms = m->count = 0;
	strlist_free(&m->told);
}

static void show(struct misuse *m, int64_t since_ms, const char *message)
{
	struct err e;
	(void)err_set(&e, ERR_DENIED, "%s", message);
	if (m->fleet_size > 1)
		(void)err_hint(&e,
			       "%lld hosts share the token (fleet_size) and cannot be told apart: "
			       "was it none of them, roll it at Cloudflare, give the new one to "
			       "all and reload (SIGHUP). This ends then, or after 3 days.",
			       (long long)m->fleet_size);
	else
		(void)err_hint(&e,
			       "If no other host or program of yours has it, it has leaked: roll "
			       "it at Cloudflare, put the new one into its file, reload (SIGHUP). "
			       "This ends then, or after 3 days.");
	world_notice(m->world, MISUSE_NOTICE, &e, since_ms);
}

static void end(struct misuse *m, const char *why)
{
	struct err e;
	if (!m->noticed_ms)
		return;
	forget(m);
	world_notice(m->world, MISUSE_NOTICE, NULL, 0);
	log_info("that the API token was used by somebody else is shown no more: %s", why);
	if (put_all(m->store, KEY_TOLD, "", NULL, &e) < 0)
		log_debug("the end of the alarm about the API token is not kept: %s", e.message);
}

static void recall(struct misuse *m)
{
	AUTO(json_doc_t) doc = NULL;
	AUTO(str_t) text = store_get_meta(m->store, KEY_TOLD);
	struct err ignored;
	if (!text || !*text || json_parse(text, strlen(text), NULL, &doc, &ignored) < 0)
		return;
	const struct json *v = json_root(doc);
	const char *message = json_get_string(v, "message");
	if (!message || (m->mark[0] && !str_equal(json_get_string(v, "mark"), m->mark)))
		return;
	m->noticed_ms = json_get_int(v, "noticed", 0);
	m->count = json_get_int(v, "count", 0);
	JSON_EACH (id, json_get(v, "told"))
		strlist_add(&m->told, json_string(id));
	show(m, json_get_int(v, "since", m->noticed_ms), message);
}

/* ---- which token is ours ---- */

/* Another token than before: of which nothing is known, and nothing is believed of earlier. */
static void token_came(struct misuse *m, const char *mark)
{
	AUTO(str_t) text = store_get_meta(m->store, MISUSE_TOKEN);
	char *rest = text ? strchr(text, ' ') : NULL;
	size_t len = rest ? (size_t)(rest - text) : 0;
	(void)str_copy(m->mark, sizeof(m->mark), mark);
	m->token_id[0] = '\0';
	m->token_since_ms = text ? clock_wall_ms() : 0;
	if (rest && strlen(mark) == len && strncmp(text, mark, len) == 0) {
		m->token_since_ms = strtoll(rest, &rest, 10);
		if (*rest == ' ' && hex_valid(rest + 1, CF_ID_SIZE - 1))
			(void)str_copy(m->token_id, sizeof(m->token_id), rest + 1);
		return;
	}
	keep_token(m);
	end(m, "there is another token");
}

bool misuse_is_ours(struct store *s, const char *token_id)
{
	AUTO(str_t) text = s && token_id ? store_get_meta(s, MISUSE_TOKEN) : NULL;
	const char *id = text ? strrchr(text, ' ') : NULL;
	return id && id[1] && str_equal(id + 1, token_id);
}

static void learn(struct misuse *m, const struct cf_audit_entry *x)
{
	if (!x->token_id || !hex_valid(x->token_id, CF_ID_SIZE - 1) || !m->mark[0] ||
	    x->time_ms < m->token_since_ms || str_equal(x->token_id, m->token_id))
		return;
	(void)str_copy(m->token_id, sizeof(m->token_id), x->token_id);
	keep_token(m);
}

bool misuse_own(struct misuse *m, const struct cf_audit_entry *x)
{
	bool own = cf_audit_ours(m->cf, x);
	int64_t seq;
	struct err e;
	if (!m->store || !x->ray)
		return own;
	if (!own) {
		AUTO(str_t) plan = NULL;
		if (store_ledger_ray(m->store, x->ray, &own, &seq, &plan, &e) < 0)
			return false;
	}
	if (own)
		learn(m, x);
	return own;
}

/* ---- life ---- */

static void token_look(struct misuse *m)
{
	char mark[SHA256_HEX_SIZE];
	cf_token_mark(m->cf, m->world->system.install, mark);
	if (mark[0] && !str_equal(mark, m->mark))
		token_came(m, mark);
}

void misuse_init(struct misuse *m, struct world *w, struct store *s, struct cf *cf)
{
	struct err ignored;
	*m = (struct misuse){.world = w, .store = s, .cf = cf, .fleet_size = 1};
	if (s && (store_ledger_began(s, &m->began_ms, &ignored) < 0 || !m->began_ms))
		m->began_ms = clock_wall_ms();
}

void misuse_fini(struct misuse *m)
{
	strlist_free(&m->told);
}

void misuse_begin(struct misuse *m)
{
	if (!m->store)
		return;
	token_look(m);
	if (!m->recalled)
		recall(m);
	m->recalled = true;
	if (m->noticed_ms && clock_wall_ms() - m->noticed_ms > MISUSE_SHOWN_MS)
		end(m, "nothing more was seen for 3 days");
}

/* ---- an entry ---- */

static bool by_our_token(const struct misuse *m, const struct cf_audit_entry *x)
{
	return m->token_id[0] && str_equal(x->token_id, m->token_id) && x->time_ms >= m->began_ms &&
	       x->time_ms > m->token_since_ms;
}

/* Did a write of ours go out whose answer was lost? Then it may be this one. */
static bool may_be_lost(const struct misuse *m, const struct cf_audit_entry *x,
			enum object_type type, const char *name)
{
	bool open = false;
	struct err e;
	return store_ledger_open(m->store, type == OBJECT_ZONE ? NULL : name,
				 x->time_ms - BEFORE_MS, x->time_ms + AFTER_MS, &open, &e) < 0 ||
	       open;
}

/* An address has a form that says nothing else. */
static const char *address_of(const struct cf_audit_entry *x)
{
	unsigned char ip[16];
	bool is_one = x->address && (inet_pton(AF_INET, x->address, ip) == 1 ||
				     inet_pton(AF_INET6, x->address, ip) == 1);
	return is_one ? x->address : NULL;
}

static char *sentence(const struct misuse *m, const struct cf_audit_entry *x, const char *what)
{
	const char *address = address_of(x);
	char at[TEXT_TIME_SIZE];
	AUTO(str_t)
	times = m->count == 1 ? str_dup("once") : str_format("%lld times", (long long)m->count);
	time_format(x->time_ms, at);
	return str_format("The API token of adit was used %s to change what is adit's, by none of "
			  "the calls in adit's ledger; the last: %s of %.200s at %s%s%s",
			  times, cf_audit_action_name(x->action), what, at,
			  address ? ", from " : "", address ? address : "");
}

static char *detail_of(const struct cf_audit_entry *x)
{
	AUTO(str_t) actor = cf_audit_actor(x);
	return str_format("%s; %s; entry %s, ray %s", actor ? actor : "",
			  x->agent ? x->agent : "no user agent", x->id, x->ray ? x->ray : "none");
}

static void note_told(struct misuse *m, const char *id)
{
	struct strlist rest = {0};
	if (m->told.n == TOLD_MOST) {
		for (size_t i = 1; i < m->told.n; i++)
			strlist_add(&rest, m->told.items[i]);
		strlist_free(&m->told);
		m->told = rest;
	}
	strlist_add(&m->told, id);
}

void misuse_take(struct misuse *m, const struct cf_audit_entry *x, enum object_type type,
		 const char *id, const char *name)
{
	const struct notice *shown = notices_find(&m->world->system.notices, MISUSE_NOTICE);
	struct err e;
	if (!m->store || !by_our_token(m, x) || strlist_has(&m->told, x->id) ||
	    may_be_lost(m, x, type, name))
		return;
	int64_t now = clock_wall_ms(), since = shown ? shown->problem.since_ms : now;
	AUTO(str_t)
	what = str_format("%s %s", type == OBJECT_ZONE ? "records of" : object_type_name(type),
			  name);
	m->noticed_ms = now;
	m->count++;
	note_told(m, x->id);
	AUTO(str_t) message = sentence(m, x, what);
	AUTO(str_t) value = told_text(m, since, message);
	AUTO(str_t) detail = detail_of(x);
	AUTO(str_t) object_id = str_dup(id);
	AUTO(str_t) object_name = str_dup(name);
	struct event ev = {.at_ms = now,
			   .object_type = type,
			   .object_id = object_id,
			   .object_name = object_name,
			   .kind = (char[]){MISUSE_EVENT},
			   .message = message,
			   .untrusted_detail = detail};
	show(m, since, message);
	if (m->count <= TOLD_MOST)
		log_warning("%s", message);
	if (put_all(m->store, KEY_TOLD, value, m->count <= TOLD_MOST ? &ev : NULL, &e) < 0)
		log_warning(
			"the alarm that somebody else uses the API token is not kept, so that a "
			"new start of aditd forgets it: %s",
			e.message);
}
