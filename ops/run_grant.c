/* Handlers: grants are made, listed, revoked and frozen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "ops/disk.h"
#include "ops/grant_paste.h"
#include "ops/grant_render.h"

#define DAY_MS     (24 * 3600 * 1000LL)
#define LIFE_MAX   (366 * DAY_MS)
#define TOKEN_SIZE 64

/* ---- tokens ---- */

/* 256 random bits: "adit_" and base64url. */
static void make_token(char token[TOKEN_SIZE], char hash[SHA256_HEX_SIZE])
{
	unsigned char bytes[32];
	random_bytes(bytes, sizeof(bytes));
	char *text = base64_encode(bytes, sizeof(bytes));
	for (char *p = text; *p; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p == '=' ? '\0' : *p;
	(void)snprintf(token, TOKEN_SIZE, "adit_%s", text);
	sha256_hex(token, strlen(token), hash);
	explicit_bzero(text, strlen(text));
	explicit_bzero(bytes, sizeof(bytes));
	free(text);
}

/* ---- what is asked for ---- */

static int check_tags(const struct strlist *tags, struct err *e)
{
	for (size_t i = 0; i < tags->n; i++)
		if (!op_tag_known(tags->items[i]))
			return err_set(e, ERR_INVALID, "tags: no operation has the tag \"%.40s\"",
				       tags->items[i]);
	return 0;
}

static int normalise(const char *what, struct strlist *names, struct err *e)
{
	for (size_t i = 0; i < names->n; i++) {
		char *plain = NULL;
		if (hostname_normalise(names->items[i], &plain, e) < 0)
			return err_wrap(e, "%s", what);
		free(names->items[i]);
		names->items[i] = plain;
	}
	return 0;
}

static int check_origins(const struct strlist *origins, struct err *e)
{
	struct service s;
	for (size_t i = 0; i < origins->n; i++)
		if (service_parse(origins->items[i], &s, e) < 0)
			return err_wrap(e, "origins");
	return 0;
}

static int check_role(const struct principal *who, const char *role, struct err *e)
{
	if (role_holds(who->role, (enum role)role_by_name(role)))
		return 0;
	return err_set(e, ERR_DENIED, "%s is %s and cannot give the role %s", who->name,
		       role_name(who->role), role);
}

static int parse_expiry(const char *said, int64_t now, int64_t *at_ms, struct err *e)
{
	int64_t ms;
	if (duration_parse(said, &ms, NULL) == 0)
		*at_ms = now + (ms < LIFE_MAX ? ms : 2 * LIFE_MAX);
	else if (time_parse(said, now, at_ms, e) < 0)
		return err_wrap(e, "expires_at");
	if (*at_ms <= now)
		return err_set(e, ERR_INVALID, "expires_at: %.40s has passed", said);
	if (*at_ms > now + LIFE_MAX)
		return err_set(e, ERR_INVALID, "expires_at: %.40s is more than a year from now",
			       said);
	return 0;
}

static int check_wish(struct call *c, struct grant_create_args *a, int64_t now, int64_t *expires,
		      struct err *e)
{
	struct grant *const *all;
	if (grants_any(c->ops->grants, a->name)) {
		(void)err_set(e, ERR_CONFLICT, "There is a grant %s already", a->name);
		return err_hint(e, "Its token is not kept: adit grant revoke %s, and make it anew.",
				a->name);
	}
	if (grants_all(c->ops->grants, &all) >= GRANTS_MAX)
		return err_set(e, ERR_CONFLICT, "There are %d grants, the most that can be",
			       GRANTS_MAX);
	if (grant_name_check(a->name, e) < 0 || check_role(&c->who, a->role, e) < 0 ||
	    check_tags(&a->tags, e) < 0 || normalise("zones", &a->zones, e) < 0 ||
	    normalise("hosts", &a->hosts, e) < 0 || check_origins(&a->origins, e) < 0)
		return -1;
	return parse_expiry(a->expires_at, now, expires, e);
}

/* ---- making one ---- */

static int store_row(struct store *s, struct grant_row *row, struct err *e)
{
	if (store_begin(s, e) < 0)
		return -1;
	if (store_add_grant(s, row, e) == 0 && store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

static bool host_is_known(const struct world *w, const char *pattern)
{
	const char *name = str_starts(pattern, "*.") ? pattern + 2 : pattern;
	TABLE_EACH (i, struct zone, z, &w->zones)
		if (hostname_within(name, z->name) || hostname_within(z->name, name))
			return true;
	return w->zones.n == 0;
}

static void warn_hosts(const struct world *w, const struct strlist *hosts, struct strlist *out)
{
	for (size_t i = 0; i < hosts->n; i++) {
		AUTO(str_t)
		text = str_format("%s lies in no zone of the account.", hosts->items[i]);
		if (!host_is_known(w, hosts->items[i]))
			strlist_add(out, text);
	}
}

static void put_warnings(const struct call *c, const struct grant *g, struct json_writer *w)
{
	AUTO(strlist_t) warnings = {0};
	if (g->role >= ROLE_OPERATOR && !grant_is_scoped(g))
		strlist_add(&warnings, "It is narrowed to no zone, host name or tunnel: it may "
				       "change all that adit keeps.");
	if (g->has_second && !c->ops->settings->mcp.listen)
		strlist_add(&warnings, "The second token is asked for over HTTP alone, and "
				       "mcp.listen is not set.");
	if (grants_frozen(c->ops->grants))
		strlist_add(&warnings, "All grants are read-only now: see adit status.");
	warn_hosts(c->ops->world, &g->hosts, &warnings);
	json_put_strlist(w, "warnings", &warnings);
}

struct tokens {
	char first[TOKEN_SIZE], second[TOKEN_SIZE];
};

static void answer_made(struct call *c, const struct grant *g, const struct tokens *t)
{
	struct json_writer w;
	call_object(c, &w);
	grant_put(g, &w);
	if (t->first[0])
		json_put_string(&w, "token", t->first);
	if (t->second[0])
		json_put_string(&w, "second_token", t->second);
	if (t->first[0])
		grant_put_paste(g->name, c->ops->settings->mcp.listen, g->has_second, &w);
	put_warnings(c, g, &w);
	json_object_end(&w);
	call_answer(c);
}

static char *spec_text(const struct grant_create_args *a)
{
	struct buf text = {0};
	struct json_writer w;
	json_write_init(&w, &text);
	fields_write(grant_spec_fields(), a, &w); /* GRANT_SPEC is what it begins with */
	return text.data;
}

static int make(struct call *c, const struct grant_create_args *a, int64_t now, int64_t expires,
		struct tokens *t, struct err *e)
{
	char first[SHA256_HEX_SIZE], second[SHA256_HEX_SIZE];
	AUTO(str_t) spec = spec_text(a);
	struct grant_row row = {.name = a->name,
				.token_sha256 = first,
				.second_sha256 = a->second_token ? second : NULL,
				.spec = spec,
				.created_by = c->who.name,
				.created_ms = now,
				.expires_at_ms = expires};
	make_token(t->first, first);
	if (a->second_token)
		make_token(t->second, second);
	if (store_row(c->ops->store, &row, e) < 0)
		return -1;
	grants_add(c->ops->grants, &row);
	log_info("grant %s (%s) was made by %s", a->name, a->role, c->who.name);
	return 0;
}

static int set_second(struct store *s, int64_t id, const char *hash, struct err *e)
{
	if (store_begin(s, e) < 0)
		return -1;
	if (store_set_grant_second(s, id, hash, e) == 0 && store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

/* The grant of that name gets another second token. */
static int make_second(struct call *c, const char *name, struct tokens *t, struct err *e)
{
	char hash[SHA256_HEX_SIZE];
	struct grant *g = grants_any(c->ops->grants, name);
	if (!g || g->damage)
		return grant_unknown(c->ops->grants, name, e);
	make_token(t->second, hash);
	if (set_second(c->ops->store, g->id, hash, e) < 0)
		return -1;
	grants_set_second(g, hash);
	return 0;
}

void run_grant_create(struct call *c)
{
	struct grant_create_args *a = c->args;
	struct tokens t = {.first = ""};
	int64_t now = clock_wall_ms(), expires = 0;
	struct err e;
	int rc;
	if (!call_needs_store(c))
		return;
	if (a->second_only)
		rc = make_second(c, a->name, &t, &e);
	else
		rc = check_wish(c, a, now, &expires, &e) < 0 ? -1
							     : make(c, a, now, expires, &t, &e);
	if (rc == 0) {
		answer_made(c, grants_any(c->ops->grants, a->name), &t);
	} else {
		c->task.err = e;
		call_fail(c);
	}
	explicit_bzero(&t, sizeof(t));
}

/* ---- revoking ---- */

static void warn_unsaved(struct strlist *warnings, const struct err *e)
{
	AUTO(str_t)
	text = str_format("It could not be stored (%s): it holds until aditd is restarted, and "
			  "for good once the disk can be written again.",
			  e->message);
	strlist_add(warnings, text);
}

static void answer_revoked(struct call *c, const char *state, int64_t plans,
			   const struct strlist *warnings)
{
	const struct grant_revoke_args *a = c->args;
	struct json_writer w;
	call_object(c, &w);
	json_put_string(&w, "name", a->name);
	json_put_string(&w, "state", state);
	json_put_int(&w, "plans_rejected", plans);
	json_put_strlist(&w, "warnings", warnings);
	json_object_end(&w);
	call_answer(c);
}

static void revoke_second(struct call *c, struct grant *g)
{
	AUTO(strlist_t) warnings = {0};
	struct store *s = c->ops->store;
	struct err e;
	grants_set_second(g, "");
	(void)err_set(&e, ERR_INTERNAL, "%s", disk_no_store(c->ops));
	bool stored = s && (set_second(s, g->id, "", &e) == 0 ||
			    (disk_makes_room(c) && set_second(s, g->id, "", &e) == 0));
	g->second_unsaved = !stored;
	if (!stored)
		warn_unsaved(&warnings, &e);
	answer_revoked(c, "second_token_revoked", 0, &warnings);
}

void run_grant_revoke(struct call *c)
{
	const struct grant_revoke_args *a = c->args;
	struct grant *g = grants_any(c->ops->grants, a->name);
	AUTO(strlist_t) warnings = {0};
	struct err e;
	if (!g) {
		(void)grant_unknown(c->ops->grants, a->name, &c->task.err);
		call_fail(c);
	} else if (a->second_only) {
		revoke_second(c, g);
	} else {
		int64_t plans = 0;
		if (!grants_end(c->ops->grants, g, GRANT_REVOKED, c, &plans, &e))
			warn_unsaved(&warnings, &e);
		answer_revoked(c, "revoked", plans, &warnings);
	}
}

/* ---- the read-only switch ---- */

static void answer_frozen(struct call *c, bool changed, const struct strlist *warnings)
{
	const struct freeze *f = grants_freeze(c->ops->grants);
	struct json_writer w;
	call_object(c, &w);
	json_put_string(&w, "state", f->on ? "on" : "off");
	json_put_bool(&w, "changed", changed);
	if (f->on) {
		json_put_string(&w, "by", f->by);
		if (f->why)
			json_put_string(&w, "reason", f->why);
		json_put_time(&w, "since", f->at_ms);
	}
	json_put_int(&w, "grants", (int64_t)grants_count(c->ops->grants));
	json_put_strlist(&w, "warnings", warnings);
	json_object_end(&w);
	call_answer(c);
}

void run_grant_freeze(struct call *c)
{
	const struct grant_freeze_args *a = c->args;
	bool on = str_equal(a->state, "on");
	AUTO(strlist_t) warnings = {0};
	struct err e;
	if (grants_frozen(c->ops->grants) == on) {
		answer_frozen(c, false, &warnings);
		return;
	}
	bool stored = grants_set_freeze(c->ops->grants, on, a->reason, c, &e);
	if (!stored && !on) {
		(void)err_wrap(&e, "Grants stay read-only, since the store cannot be written");
		c->task.err = e;
		call_fail(c);
		return;
	}
	if (!stored)
		warn_unsaved(&warnings, &e);
	answer_frozen(c, true, &warnings);
}
