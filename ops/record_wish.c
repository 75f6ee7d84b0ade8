/*
 * What Cloudflare would refuse, or give back in another form, is refused or put into its form here,
 * so that the same wish again is known to be the same.
 */
#include "ops/record_wish.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "model/record_data.h"
#include "ops/find.h"

#define TTL_LEAST 60

void record_wish_t_cleanup(record_wish_t *x)
{
	free(x->name);
	free(x->content);
}

/* ---- what is accepted ---- */

static int read_name(const char *text, const char *what, char **out, struct err *e)
{
	return hostname_normalise(text, out, e) < 0 ? err_wrap(e, "%s", what) : 0;
}

static int read_address(const char *text, int family, char **out, struct err *e)
{
	unsigned char bytes[16];
	char form[INET6_ADDRSTRLEN];
	if (inet_pton(family, text, bytes) != 1)
		return err_set(e, ERR_INVALID, "content: \"%.60s\" is no IPv%d address, as in %s",
			       text, family == AF_INET ? 4 : 6,
			       family == AF_INET ? "192.0.2.1" : "2001:db8::1");
	*out = str_dup(inet_ntop(family, bytes, form, sizeof(form)));
	return 0;
}

static int read_target(const char *text, char **out, struct err *e)
{
	AUTO(str_t) target = NULL;
	if (read_name(text, "content", &target, e) < 0)
		return -1;
	if (target[0] == '*')
		return err_set(e, ERR_INVALID, "content: a record cannot lead to a wildcard");
	if (hostname_within(target, "cfargotunnel.com")) {
		(void)err_set(e, ERR_INVALID,
			      "content: a record that leads to a tunnel belongs to a route");
		return err_hint(e, "Use route_set (adit route set NAME SERVICE).");
	}
	*out = steal(&target);
	return 0;
}

static int check_line(const char *text, const char *what, struct err *e)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return err_set(e, ERR_INVALID,
				       "%s: line breaks and control characters are not allowed",
				       what);
	return 0;
}

static int read_content(const struct record_ask *a, char **out, struct err *e)
{
	if (record_type_has_fields(a->type))
		return record_data_read(a->type, a->content, out, e);
	if (check_line(a->content, "content", e) < 0)
		return -1;
	if (str_equal(a->type, "A"))
		return read_address(a->content, AF_INET, out, e);
	if (str_equal(a->type, "AAAA"))
		return read_address(a->content, AF_INET6, out, e);
	if (!str_equal(a->type, "TXT"))
		return read_target(a->content, out, e);
	*out = str_dup(a->content);
	return 0;
}

static int check_edge(const struct record_ask *a, struct err *e)
{
	if (a->proxied && !record_type_proxiable(a->type))
		return err_set(e, ERR_INVALID,
			       "proxied: a record of type %s cannot be proxied; A, AAAA and CNAME "
			       "can",
			       a->type);
	if (a->proxied && a->ttl != 1)
		return err_set(e, ERR_INVALID,
			       "ttl: Cloudflare chooses it for a proxied record; leave it out");
	if (a->ttl != 1 && a->ttl < TTL_LEAST)
		return err_set(e, ERR_INVALID,
			       "ttl: %lld is too short, accepted are 60 to 86400 seconds, or 1 for "
			       "automatic",
			       (long long)a->ttl);
	return 0;
}

int record_comment_check(const struct world *w, const char *comment, struct err *e)
{
	AUTO(str_t) whole = NULL;
	if (!comment)
		return 0;
	if (check_line(comment, "comment", e) < 0)
		return -1;
	if (mark_write(w->system.owner, w->system.install, comment, &whole, e) == 0)
		return 0;
	return str_starts(e->message, "comment") ? -1 : err_wrap(e, "comment");
}

static int check_zone(const struct world *w, const char *zone, const char *name, struct err *e)
{
	const struct zone *z = zone ? world_find_zone(w, zone) : NULL;
	const struct zone *holds = world_zone_of(w, name);
	if (!zone || (z && z == holds))
		return 0;
	if (!w->system.zones_listed_ms)
		return err_set(e, ERR_BUSY, "The zones have not been listed yet");
	if (z) {
		(void)err_set(e, ERR_INVALID, "%s does not lie in the zone %s", name, z->name);
		return holds ? err_hint(e, "It lies in %s.", holds->name) : -1;
	}
	return zone_unknown(zone, e);
}

int record_name_read(const struct world *w, const char *name, const char *zone, char **out,
		     struct err *e)
{
	AUTO(str_t) read = NULL;
	if (read_name(name, "name", &read, e) < 0 || check_zone(w, zone, read, e) < 0)
		return -1;
	*out = steal(&read);
	return 0;
}

int record_wish_read(const struct world *w, const struct record_ask *a, struct record_wish *x,
		     struct err *e)
{
	x->type = a->type;
	x->comment = a->comment && a->comment[0] ? a->comment : NULL;
	x->proxied = a->proxied;
	x->ttl = a->ttl;
	x->priority = str_equal(a->type, "MX") ? a->priority : 0;
	if (read_name(a->name, "name", &x->name, e) < 0 || read_content(a, &x->content, e) < 0)
		return -1;
	if (str_equal(x->name, x->content))
		return err_set(e, ERR_INVALID, "content: the record would lead to itself");
	if (check_edge(a, e) < 0 || record_comment_check(w, x->comment, e) < 0)
		return -1;
	return check_zone(w, a->zone, x->name, e);
}

bool record_wish_same(const struct record *r, const struct record_wish *x)
{
	return r->want == WANT_PRESENT && str_equal(r->type, x->type) && r->proxied == x->proxied &&
	       r->ttl == x->ttl && r->priority == x->priority &&
	       str_equal(r->comment, x->comment) &&
	       record_content_same(x->type, r->content, x->content);
}

void record_wish_tell(const struct record_wish *x, struct buf *out)
{
	(void)buf_printf(out, "%s %s", x->type, x->content ? x->content : "");
	if (str_equal(x->type, "MX"))
		(void)buf_printf(out, ", priority %lld", (long long)x->priority);
	if (x->proxied)
		(void)buf_str(out, ", proxied");
	else if (x->ttl != 1)
		(void)buf_printf(out, ", ttl %lld", (long long)x->ttl);
	if (x->comment)
		(void)buf_printf(out, ", comment \"%s\"", x->comment);
}

void record_tell(const struct record *r, struct buf *out)
{
	const struct record_wish is = {.type = r->type,
				       .content = r->content,
				       .proxied = r->proxied,
				       .ttl = r->ttl,
				       .priority = r->priority,
				       .comment = r->comment};
	record_wish_tell(&is, out);
}

void record_wish_put(struct edit *d, const struct record *r, const struct record_wish *x)
{
	str_set(&d->name, x->name);
	str_set(&d->type, x->type);
	if (!r || !str_equal(r->type, x->type) ||
	    !record_content_same(x->type, r->content, x->content))
		str_set(&d->content, x->content);
	str_set(&d->comment, x->comment);
	d->proxied = x->proxied;
	d->ttl = x->ttl;
	d->priority = x->priority;
}

bool record_is_unmarked(const struct record *r)
{
	return r->remote_id[0] && r->observed.looked_ms && r->observed.found && !r->observed.marked;
}

bool record_is_ours(const struct record *r)
{
	return r->remote_id[0] && !record_is_unmarked(r) && !r->takes;
}

void record_name_takes(struct edit *d, const struct strlist *ids)
{
	str_set(&d->takes, NULL);
	for (size_t i = 0; i < ids->n; i++)
		record_takes_add(&d->takes, ids->items[i], NULL, ids->items[i]);
}

void record_warn_takes(struct plan *p, const struct record *r, const struct strlist *ids)
{
	if (!ids->n)
		return;
	AUTO(str_t)
	text = str_format("overwrite has no effect: the %s record of %s is adit's already.",
			  r->type, r->name);
	strlist_add(&p->warnings, text);
}
