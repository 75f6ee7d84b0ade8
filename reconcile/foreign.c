#include "reconcile/foreign.h"

#include <string.h>
#include <strings.h>

#include "base/untrusted.h"

#define CONTENT_SHOWN 80

static bool leads_to_tunnel(const char *content)
{
	size_t len = strlen(content), n = strlen(TUNNEL_DOMAIN);
	return len > n && strcasecmp(content + len - n, TUNNEL_DOMAIN) == 0;
}

static const struct tunnel *tunnel_behind(const struct world *w, const char *content)
{
	TABLE_EACH (i, struct tunnel, t, &w->tunnels)
		if (content_leads_to(content, t->remote_id))
			return t;
	return NULL;
}

enum foreign foreign_kind(const struct world *w, const struct cf_record *found)
{
	const struct system_facts *s = &w->system;
	if (found->locked)
		return FOREIGN_LOCKED;
	if (mark_is(found->comment, s->owner, s->install))
		return FOREIGN_MARKED;
	if (mark_text(found->comment))
		return FOREIGN_ADIT;
	if (leads_to_tunnel(found->content) && !tunnel_behind(w, found->content))
		return FOREIGN_TUNNEL;
	return FOREIGN_PLAIN;
}

bool foreign_takeable(enum foreign kind)
{
	return kind == FOREIGN_PLAIN || kind == FOREIGN_TUNNEL || kind == FOREIGN_MARKED;
}

char *foreign_words(const struct world *w, const struct cf_record *found)
{
	AUTO(str_t) owner = mark_owner(found->comment);
	AUTO(buf_t) out = {0};
	(void)buf_str(&out, found->type);
	if (text_is_plain(found->content))
		(void)buf_printf(&out, " %.*s", CONTENT_SHOWN, found->content);
	switch (foreign_kind(w, found)) {
	case FOREIGN_PLAIN:
		break;
	case FOREIGN_TUNNEL:
		(void)buf_str(&out, ", which leads to another tunnel");
		break;
	case FOREIGN_MARKED:
		(void)buf_str(&out, ", which bears adit's mark, but adit does not know it");
		break;
	case FOREIGN_ADIT:
		(void)buf_printf(&out, ", which belongs to another adit (%s)", owner);
		break;
	case FOREIGN_LOCKED:
		(void)buf_str(&out, ", which Cloudflare keeps for itself (read-only)");
		break;
	}
	return buf_steal(&out);
}

void foreign_seen_hash(const struct cf_record *found, char out[SHA256_HEX_SIZE])
{
	AUTO(str_t) content = cf_record_content(found);
	record_seen_hash(found->type, content, found->comment, found->proxied, found->ttl,
			 found->priority, out);
}

const struct record *foreign_row(const struct world *w, const struct cf_record *found)
{
	TABLE_EACH (i, struct record, r, &w->records)
		if (str_equal(r->remote_id, found->id))
			return r;
	return NULL;
}
