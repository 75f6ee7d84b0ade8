/*
 * A host name is outside when it is known here (it lies in a zone of the account, or a route, a
 * record or a rule has it) and the grant does not cover it; a tunnel when it has a name of a tunnel
 * that the caller does not see. Members that hold names as such are not looked at: their rows were
 * asked for one by one.
 */
#include "ops/screen.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ops/inside.h"
#include "ops/sight.h"

static const char left_out[] = "More of it is outside of what this grant may see.";

/* So many names are looked for one by one before all that are known here are put into a map. */
#define FEW 8

typedef struct known {
	struct map names; /* of routes, records and rules */
	size_t asked;
} known_t;

struct screen {
	struct inside in;
	const struct world *view;
	struct ops *ops;
	const struct principal *who;
	struct known *known;
};

static void known_t_cleanup(known_t *k)
{
	map_free(&k->names);
}

static struct screen screen_of(struct ops *o, const struct principal *p, struct known *known)
{
	return (struct screen){inside_of(o->world, p), sight_world(o, p), o, p, known};
}

/* ---- host names ---- */

static bool is_host_char(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.' || c == '*';
}

static char *in_small_letters(const char *from, size_t n)
{
	char *word = str_ndup(from, n);
	for (char *c = word; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return word;
}

static bool is_quoted_in(const char *text, const char *name)
{
	AUTO(str_t) quoted = str_format("\"%s\"", name);
	return text && strcasestr(text, quoted);
}

/* What stands between two quotes, if it may be a host name; in small letters. */
static void note_quoted(struct known *k, const char *text)
{
	const char *at = text ? strchr(text, '"') : NULL;
	while (at) {
		const char *from = at + 1;
		at = strchr(from, '"');
		size_t n = 0;
		while (is_host_char(from[n]))
			n++;
		if (n == 0 || from + n != at)
			continue;
		AUTO(str_t) name = in_small_letters(from, n);
		(void)map_set(&k->names, name, k);
	}
}

static void note_all(struct known *k, const struct world *w)
{
	TABLE_EACH (i, struct route, r, &w->routes)
		(void)map_set(&k->names, r->hostname, k);
	TABLE_EACH (j, struct record, r, &w->records)
		(void)map_set(&k->names, r->name, k);
	TABLE_EACH (n, struct tunnel, t, &w->tunnels)
		note_quoted(k, t->observed.config);
}

static bool is_found(const struct world *w, const char *name)
{
	TABLE_EACH (i, struct route, r, &w->routes)
		if (str_equal(r->hostname, name))
			return true;
	TABLE_EACH (j, struct record, r, &w->records)
		if (str_equal(r->name, name))
			return true;
	TABLE_EACH (k, struct tunnel, t, &w->tunnels)
		if (is_quoted_in(t->observed.config, name))
			return true;
	return false;
}

static bool is_known(const struct world *w, struct known *k, const char *name)
{
	if (world_zone_of(w, name))
		return true;
	if (k->asked++ == FEW)
		note_all(k, w);
	return k->asked > FEW ? map_get(&k->names, name) != NULL : is_found(w, name);
}

static bool host_allowed(const struct screen *x, const char *name)
{
	if (!strchr(name, '.') || inside_host(&x->in, name) || world_find_zone(x->view, name))
		return true;
	return !is_known(x->in.world, x->known, name);
}

/* The next word that may be a host name, in small letters; NULL at the end. */
static char *next_host(const char **at)
{
	while (**at && !is_host_char(**at))
		++*at;
	size_t n = 0;
	while (is_host_char((*at)[n]))
		n++;
	if (n == 0)
		return NULL;
	size_t end = n;
	while (end > 0 && strchr(".-", (*at)[end - 1]))
		end--;
	char *word = in_small_letters(*at, end);
	*at += n;
	return word;
}

static bool hosts_allowed(const struct screen *x, const char *text)
{
	for (const char *at = text;;) {
		AUTO(str_t) word = next_host(&at);
		if (!word)
			return true;
		if (!host_allowed(x, word))
			return false;
	}
}

/* ---- tunnels ---- */

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* As a word of its own, not as a part of another one. */
static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);
	for (const char *at = strstr(text, word); at && n; at = strstr(at + 1, word))
		if ((at == text || !is_name_char(at[-1])) && !is_name_char(at[n]))
			return true;
	return false;
}

static bool names_tunnel(const struct tunnel *t, const char *text)
{
	return has_word(text, t->name) || has_word(text, t->id) ||
	       (t->observed.name && has_word(text, t->observed.name)) ||
	       (t->remote_id[0] && strstr(text, t->remote_id));
}

static bool tunnels_allowed(const struct screen *x, const char *text)
{
	TABLE_EACH (i, struct tunnel, t, &x->in.world->tunnels)
		if (!world_tunnel(x->view, t->id) && names_tunnel(t, text))
			return false;
	return true;
}

static bool allows(const struct screen *x, const char *text)
{
	return !text || (hosts_allowed(x, text) && tunnels_allowed(x, text));
}

bool screen_allows(struct ops *o, const struct principal *p, const char *text)
{
	if (!sight_is_limited(p) || !text)
		return true;
	AUTO(known_t) known = {0};
	struct screen x = screen_of(o, p, &known);
	return allows(&x, text);
}

void screen_error(struct ops *o, const struct principal *p, struct err *e)
{
	if (!sight_is_limited(p))
		return;
	AUTO(known_t) known = {0};
	struct screen x = screen_of(o, p, &known);
	if (!allows(&x, e->message)) {
		(void)str_copy(e->message, sizeof(e->message),
			       "What is outside of this grant stands in the way");
		e->hint[0] = '\0';
	}
	if (!allows(&x, e->hint))
		e->hint[0] = '\0';
}

/* ---- plans ---- */

static void screen_sentences(const struct screen *x, struct strlist *l)
{
	struct strlist kept = {0};
	bool more = false;
	for (size_t i = 0; i < l->n; i++) {
		if (allows(x, l->items[i]))
			strlist_add(&kept, l->items[i]);
		else
			more = true;
	}
	if (more && !strlist_has(&kept, left_out))
		strlist_add(&kept, left_out);
	strlist_free(l);
	*l = kept;
}

static void change_drop(struct change *c)
{
	free(c->object);
	free(c->name);
	free(c->detail);
	free(c->in);
	free(c->theirs);
}

void screen_plan(struct ops *o, const struct principal *p, struct plan *plan)
{
	if (!sight_is_limited(p))
		return;
	AUTO(known_t) known = {0};
	struct screen x = screen_of(o, p, &known);
	size_t n = 0;
	for (size_t i = 0; i < plan->n_changes; i++) {
		struct change *c = &plan->changes[i];
		if (c->sign == '=' && !sight_change(o, p, c)) {
			change_drop(c);
			strlist_add(&plan->warnings, left_out);
			continue;
		}
		if (!allows(&x, c->detail))
			str_set(&c->detail, NULL);
		if (c->in && !allows(&x, c->in))
			str_set(&c->in, NULL);
		if (c->theirs && !allows(&x, c->theirs))
			str_set(&c->theirs, NULL);
		plan->changes[n++] = *c;
	}
	plan->n_changes = n;
	screen_sentences(&x, &plan->approvals);
	screen_sentences(&x, &plan->warnings);
}

/* ---- answers ---- */

/* Members that hold sentences, or text that came from outside. */
static bool is_told(const char *key)
{
	static const char *const keys[] = {
		"message",     "hint",    "detail",  "reason",       "warnings",  "approvals",
		"evidence",    "cure",    "command", "why",          "why_not",   "waiting_for",
		"result",      "differs", "unasked", "protocol_why", "replacing", "last_exit",
		"stopped_why", "writes",  "wanted"};
	for (size_t i = 0; key && i < ARRAY_LEN(keys); i++)
		if (str_equal(key, keys[i]))
			return true;
	return key && str_starts(key, "untrusted_");
}

static void copy_screened(const struct screen *x, const struct json *v, const char *key,
			  struct json_writer *w);

/* A sentence that is left out of a list leaves one that says so; a member goes. */
static void copy_list(const struct screen *x, const struct json *v, const char *key,
		      struct json_writer *w)
{
	bool more = false;
	json_array_begin(w);
	JSON_EACH (item, v) {
		const char *text = json_string(item);
		if (text && is_told(key) && !allows(x, text))
			more = true;
		else if (!text || !str_equal(text, left_out))
			copy_screened(x, item, key, w);
		else
			more = true;
	}
	if (more)
		json_write_string(w, left_out);
	json_array_end(w);
}

/* A row of a plan that tells what it leaves alone may be of anybody's. */
static bool row_allowed(const struct screen *x, const struct json *row, const char *key)
{
	struct change c = {.sign = '='};
	if (!str_equal(key, "changes") || !str_equal(json_get_string(row, "sign"), "="))
		return true;
	c.object = str_dup(json_get_string(row, "object"));
	c.name = str_dup(json_get_string(row, "name"));
	c.in = str_dup(json_get_string(row, "in"));
	bool seen = c.object && c.name && sight_change(x->ops, x->who, &c);
	change_drop(&c);
	return seen;
}

static void copy_members(const struct screen *x, const struct json *v, struct json_writer *w)
{
	json_object_begin(w);
	JSON_EACH (member, v) {
		const char *key = json_key(member), *text = json_string(member);
		json_write_key(w, key);
		if (text && is_told(key) && !allows(x, text))
			json_write_string(w, left_out);
		else
			copy_screened(x, member, key, w);
	}
	json_object_end(w);
}

static void copy_screened(const struct screen *x, const struct json *v, const char *key,
			  struct json_writer *w)
{
	if (json_type(v) == JSON_OBJECT) {
		copy_members(x, v, w);
		return;
	}
	if (json_type(v) != JSON_ARRAY) {
		json_write_value(w, v);
		return;
	}
	if (!json_first(v) || json_type(json_first(v)) != JSON_OBJECT) {
		copy_list(x, v, key, w);
		return;
	}
	json_array_begin(w);
	JSON_EACH (row, v)
		if (row_allowed(x, row, key))
			copy_screened(x, row, key, w);
	json_array_end(w);
}

void screen_result(struct call *c)
{
	AUTO(json_doc_t) doc = NULL;
	struct buf text = {.limit = c->result.limit};
	struct json_writer w;
	struct err e;
	if (!sight_is_limited(&c->who) || !c->result.len)
		return;
	if (json_parse(buf_text(&c->result), c->result.len, NULL, &doc, &e) < 0) {
		buf_reset(&c->result);
		return;
	}
	AUTO(known_t) known = {0};
	struct screen x = screen_of(c->ops, &c->who, &known);
	call_writer(c, &w, &text);
	copy_screened(&x, json_root(doc), NULL, &w);
	buf_free(&c->result);
	c->result = text;
}
