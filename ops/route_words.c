#include "ops/route_words.h"

#include <string.h>

#include "base/untrusted.h"
#include "model/leaving.h"
#include "model/origin_form.h"
#include "reconcile/rules.h"

void words_add(struct buf *words, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO(str_t) text = str_vformat(fmt, ap);
	va_end(ap);
	(void)buf_printf(words, "%s%s", words->len ? ", " : "", text);
}

const char *tunnel_called(const struct world *w, const char *tunnel_id)
{
	const struct tunnel *t = world_tunnel(w, tunnel_id);
	return t ? t->name : "another";
}

bool origin_texts_same(const char *a, const char *b)
{
	AUTO(json_doc_t) x = NULL;
	AUTO(json_doc_t) y = NULL;
	struct err e;
	if (str_equal(a, b))
		return true;
	if ((a && json_parse(a, strlen(a), NULL, &x, &e) < 0) ||
	    (b && json_parse(b, strlen(b), NULL, &y, &e) < 0))
		return false;
	return origin_same(x ? json_root(x) : NULL, y ? json_root(y) : NULL);
}

void words_add_leaving(const struct world *w, const char *from_id, const char *to_id,
		       struct buf *words)
{
	const struct tunnel *t = world_tunnel(w, from_id);
	if (t && t->remote_id[0] && !str_equal(from_id, to_id))
		words_add(words, "the old rule stays %d s more", LEAVING_MS / 1000);
}

void route_differ(const struct world *w, const struct route *r, const struct route_goal *goal,
		  struct buf *words)
{
	if (!str_equal(r->service, goal->service))
		words_add(words, "%s to %s", r->service, goal->service);
	if (!str_equal(r->tunnel_id, goal->tunnel_id))
		words_add(words, "from tunnel %s to %s", tunnel_called(w, r->tunnel_id),
			  goal->tunnel_name);
	words_add_leaving(w, r->tunnel_id, goal->tunnel_id, words);
	if (!origin_texts_same(r->origin, goal->origin))
		words_add(words, "options %s to %s", r->origin ? r->origin : "none",
			  goal->origin ? goal->origin : "none");
}

void warn_options(struct plan *p, const char *hostname, const char *origin)
{
	AUTO(json_doc_t) doc = NULL;
	struct err e;
	if (!origin || json_parse(origin, strlen(origin), NULL, &doc, &e) < 0)
		return;
	JSON_EACH (v, json_root(doc)) {
		const char *near = NULL;
		if (origin_form_knows(json_key(v), &near))
			continue;
		AUTO(str_t)
		named = text_is_plain(json_key(v)) ? str_format(" \"%.64s\"", json_key(v))
						   : str_dup(" of that name");
		AUTO(str_t)
		text = str_format("%s: adit knows no option%s%s%s%s; what cloudflared does not "
				  "know either is without effect.",
				  hostname, named, near ? " (did you mean \"" : "",
				  near ? near : "", near ? "\"?)" : "");
		if (!strlist_has(&p->warnings, text))
			strlist_add(&p->warnings, text);
	}
}
