/*
 * The document of a merge as text. The bytes around the rules, foreign rules and what is not ours
 * in our own stay as they came, white space, escapes and the spelling of numbers included.
 */
#include <string.h>

#include "reconcile/merge_private.h"

#define CATCH_ALL "{\"service\":\"http_status:404\"}"

static void write_span(struct json_writer *w, struct json_span s)
{
	json_write_raw(w, s.p, s.len);
}

static bool has_origin(const struct wish *x)
{
	return !json_is_null(wish_origin(x));
}

static void write_origin(struct json_writer *w, const struct wish *x)
{
	write_span(w, json_raw(wish_origin(x)));
}

/* hostname, path?, service, originRequest? */
static void write_fresh(struct json_writer *w, const struct wish *x)
{
	json_object_begin(w);
	json_put_string(w, "hostname", x->route->hostname);
	if (x->key.path)
		json_put_string(w, "path", x->key.path);
	json_put_string(w, "service", x->route->service);
	if (has_origin(x)) {
		json_write_key(w, "originRequest");
		write_origin(w, x);
	}
	json_object_end(w);
}

/* Our two members in their places, all others as they came, key and colon included; an
 * originRequest that is no longer wanted goes. */
static void write_member(struct json_writer *w, const struct wish *x, struct json_span key,
			 struct json_span value)
{
	AUTO(str_t) name = json_span_string(key);
	if (str_equal(name, "service")) {
		json_put_string(w, name, x->route->service);
	} else if (!str_equal(name, "originRequest")) {
		json_write_raw(w, key.p, (size_t)(value.p + value.len - key.p));
	} else if (has_origin(x)) {
		json_write_key(w, name);
		write_origin(w, x);
	}
}

static void write_rewritten(struct json_writer *w, const struct wish *x)
{
	struct json_span raw = json_raw(x->found->value), key, value;
	struct json_cursor c;
	json_object_begin(w);
	(void)json_cursor_init(&c, raw);
	while (json_cursor_next(&c, &key, &value))
		write_member(w, x, key, value);
	if (!json_get(x->found->value, "service"))
		json_put_string(w, "service", x->route->service);
	if (has_origin(x) && !json_get(x->found->value, "originRequest")) {
		json_write_key(w, "originRequest");
		write_origin(w, x);
	}
	json_object_end(w);
}

static void write_wish(struct json_writer *w, const struct wish *x)
{
	if (x->rewrite && !x->out)
		write_rewritten(w, x);
	else if (x->found)
		write_span(w, json_raw(x->found->value));
	else if (!x->out)
		write_fresh(w, x);
}

static void write_ingress(const struct merging *m, struct json_writer *w)
{
	json_array_begin(w);
	for (size_t slot = 0; slot <= m->n_foreign; slot++) {
		for (size_t i = 0; i < m->n; i++)
			if (m->places[i].slot == slot)
				write_wish(w, &m->wishes[i]);
		if (slot < m->n_foreign)
			write_span(w, json_raw(m->foreign[slot]->value));
	}
	if (m->remote.n)
		write_span(w, json_raw(m->remote.items[m->remote.n - 1].value));
	else
		json_write_raw(w, CATCH_ALL, strlen(CATCH_ALL));
	json_array_end(w);
}

/* The document around the rules stays as it came, white space and all. */
char *merge_write_document(const struct merging *m)
{
	static const char empty[] = "{}", member[] = "\"ingress\":";
	struct json_span root = m->remote.root ? json_raw(m->remote.root)
					       : (struct json_span){.p = empty, .len = 2};
	struct json_span old = json_span_member(root, "ingress");
	AUTO(buf_t) text = {0};
	struct json_writer w;
	const char *rest = old.len ? old.p + old.len : root.p + 1;
	(void)buf_add(&text, root.p, old.len ? (size_t)(old.p - root.p) : 1);
	if (!old.len)
		(void)buf_str(&text, member);
	json_write_init(&w, &text);
	write_ingress(m, &w);
	if (!old.len && m->remote.root && json_count(m->remote.root))
		(void)buf_char(&text, ',');
	(void)buf_add(&text, rest, (size_t)(root.p + root.len - rest));
	return buf_steal(&text);
}

/* What is left out was put otherwise before, or sent: that is still ours, and still what an edit
 * of it is told from. */
static void write_base(const struct merging *m, struct json_writer *w, const struct wish *x)
{
	if (!x->out)
		write_fresh(w, x);
	else if (x->found && !x->adopted && wish_sent(m, x->found))
		write_span(w, json_raw(x->found->value));
	else if (x->base)
		write_span(w, json_raw(x->base->value));
}

char *merge_write_rules(const struct merging *m)
{
	AUTO(buf_t) text = {0};
	struct json_writer w;
	json_write_init(&w, &text);
	json_array_begin(&w);
	for (size_t slot = 0; slot <= m->n_foreign; slot++)
		for (size_t i = 0; i < m->n; i++)
			if (m->places[i].slot == slot)
				write_base(m, &w, &m->wishes[i]);
	json_array_end(&w);
	return buf_steal(&text);
}

static bool is_sent(const struct merging *m, const struct wish *x)
{
	const struct rule *const *first;
	size_t n = rule_index_find(&m->sent_keys, &x->key, &first);
	for (size_t i = 0; i < n; i++)
		if (wish_as(x, first[i]))
			return true;
	return false;
}

/* The key of what is left out goes along: its rule is still ours when this is answered. */
static void write_once(const struct merging *m, struct json_writer *w, const struct wish *x)
{
	if (!x->out && !is_sent(m, x))
		write_fresh(w, x);
	else if (x->out && x->base && !wish_sent(m, x->base))
		write_span(w, json_raw(x->base->value));
}

/* What was sent before, and this once more: each rule once, so that failures do not add up. */
char *merge_write_sent(const struct merging *m)
{
	AUTO(buf_t) text = {0};
	struct json_writer w;
	json_write_init(&w, &text);
	json_array_begin(&w);
	for (size_t i = 0; i < m->sent.n; i++)
		write_span(&w, json_raw(m->sent.items[i].value));
	for (size_t i = 0; i < m->n; i++)
		write_once(m, &w, &m->wishes[i]);
	json_array_end(&w);
	return buf_steal(&text);
}
