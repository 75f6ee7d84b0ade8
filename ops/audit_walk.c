/* A cursor is "<log>.<since>.<before>.<horizon>.<rows of the page that were taken>.<Cloudflare's
 * cursor, in hex>". The horizon moves with the time: pages of the log of before are counted from
 * it, and a walk keeps the one that it began with. */
#include "ops/audit_walk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cloudflare/auditold.h"

#define PAGE_ROWS 1000 /* the most that both logs give */
#define YEARS_MS  (50LL * 365 * 24 * 3600 * 1000)
/* What stands before Cloudflare's, and a NUL. */
#define NUMBERS_SIZE 96

/* ---- cursors ---- */

/* Text from outside stands in no member that is not called untrusted: it leaves as digits. */
char *audit_walk_cursor(const struct audit_walk *k)
{
	AUTO(buf_t) out = {0};

	(void)buf_printf(&out, "%d.%" PRId64 ".%" PRId64 ".%" PRId64 ".%" PRId64 ".",
			 k->old ? 1 : 2, k->ask.since_ms, k->ask.before_ms, k->horizon_ms, k->skip);
	for (const char *at = k->cursor; at && *at; at++)
		(void)buf_printf(&out, "%02x", (unsigned)(unsigned char)*at);
	return buf_steal(&out);
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* *text is NULL for no digits at all. */
static bool read_hex(const char *hex, char **text)
{
	size_t len = strlen(hex) / 2;
	AUTO(str_t) out = mem_alloc(len + 1);

	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
		if (high < 0 || low < 0 || high + low == 0)
			return false;
		out[i] = (char)(high * 16 + low);
	}
	if (hex[2 * len])
		return false;
	*text = len ? steal(&out) : NULL;
	return true;
}

static bool read_number(const char **at, int64_t most, int64_t *out)
{
	char *end = NULL;

	if (**at < '0' || **at > '9')
		return false;
	*out = strtoll(*at, &end, 10);
	if (*end != '.' || *out > most)
		return false;
	*at = end + 1;
	return true;
}

static int read_cursor(struct audit_walk *k, const char *cursor, struct err *e)
{
	int64_t log = 0, since = 0, before = 0, horizon = 0, skip = 0;
	AUTO(str_t) rest = NULL;
	const char *at = cursor;

	if (!read_number(&at, 2, &log) || log == 0 || !read_number(&at, YEARS_MS * 2, &since) ||
	    !read_number(&at, YEARS_MS * 2, &before) || !read_number(&at, YEARS_MS * 2, &horizon) ||
	    !read_number(&at, PAGE_ROWS, &skip) || !read_hex(at, &rest) || since > before)
		return err_set(e, ERR_INVALID,
			       "cursor: \"%.40s\" is none; give back next_cursor of an answer",
			       cursor);
	k->old = log == 1;
	k->ask.since_ms = since;
	k->ask.before_ms = before;
	k->horizon_ms = horizon;
	k->skip = skip;
	str_set(&k->cursor, rest);
	return 0;
}

/* ---- life ---- */

/* What the log of before cannot be asked for must not look as if it held nothing of that. */
static int check_old(const struct audit_walk *k, struct err *e)
{
	const char *not_old = audit_ask_not_old(&k->ask);
	char from[TEXT_TIME_SIZE];

	if (!not_old)
		return 0;
	time_format(k->horizon_ms, from);
	(void)err_set(e, ERR_INVALID, "%s", not_old);
	return err_hint(e,
			"Ask it by e-mail or IP address, zone, type or resource, or ask for a time "
			"since %.10s alone.",
			from);
}

int audit_walk_begin(struct audit_walk *k, const char *cursor, struct err *e)
{
	k->horizon_ms = cf_audit_horizon(clock_wall_ms());
	if (cursor && read_cursor(k, cursor, e) < 0)
		return -1;
	if (audit_ask_check(k->ask.since_ms, k->ask.before_ms, e) < 0)
		return -1;
	if (!cursor)
		k->old = k->ask.before_ms <= k->horizon_ms;
	return k->old ? check_old(k, e) : 0;
}

void audit_walk_fini(struct audit_walk *k)
{
	str_set(&k->cursor, NULL);
}

struct audit_ask audit_walk_part(const struct audit_walk *k)
{
	struct audit_ask a = k->ask;

	if (!k->old && a.since_ms < k->horizon_ms)
		a.since_ms = k->horizon_ms;
	if (k->old && a.before_ms > k->horizon_ms)
		a.before_ms = k->horizon_ms - 1;
	return a;
}

/* ---- asking ---- */

void audit_walk_ask(struct gather *g, struct audit_walk *k)
{
	struct audit_ask a = audit_walk_part(k);
	AUTO(str_t) query = audit_ask_query(&a, k->old);

	k->pages++;
	k->read = gather_read(g, k->old ? CF_SOURCE_AUDIT_OLD : CF_SOURCE_AUDIT,
			      &(struct cf_target){.account = k->account,
						  .query = query,
						  .rows = PAGE_ROWS,
						  .cursor = k->cursor});
}

/* The other log is at its end. */
static bool goes_older(struct audit_walk *k)
{
	if (k->old || k->ask.since_ms >= k->horizon_ms || check_old(k, &k->old_error) < 0)
		return false;
	k->old = true;
	k->skip = 0;
	str_set(&k->cursor, NULL);
	return true;
}

/* ---- a page ---- */

struct taking {
	struct audit_walk *k;
	struct audit_ask part;
};

static int take_row(const struct json *row, void *owner)
{
	struct taking *t = owner;
	struct audit_walk *k = t->k;
	struct cf_audit_entry x;
	struct err ignored;

	if (k->at++ < k->skip)
		return 0;
	if ((k->old ? cf_audit_old_read : cf_audit_read)(row, &x, &ignored) < 0 ||
	    audit_ask_unknown(&t->part, &x)) {
		k->unreadable++;
		return 0;
	}
	if (audit_ask_fits(&t->part, &x) && !k->take(&x, k->owner)) {
		k->skip = k->at - 1;
		return 1;
	}
	k->looked_ms = x.time_ms;
	return 0;
}

int audit_walk_came(struct gather *g, struct audit_walk *k, struct err *why)
{
	const struct cf_listing *l = gather_listing(g, k->read);
	struct taking t = {k, audit_walk_part(k)};

	if (!l && !k->old) {
		*why = *gather_error(g, k->read);
		return -1;
	}
	if (!l) {
		k->old_error = *gather_error(g, k->read);
		return 0;
	}
	k->at = 0;
	k->more = cf_listing_each(l, take_row, &t) != 0;
	if (k->more)
		return 0;
	const char *next = cf_listing_next(l);
	if (next && strlen(next) > (AUDIT_CURSOR_MAX - NUMBERS_SIZE) / 2)
		return err_set(why, ERR_UPSTREAM,
			       "Cloudflare's cursor in its audit log is longer than adit takes");
	if (!next && !goes_older(k))
		return 0;
	if (next) {
		k->skip = 0;
		str_set(&k->cursor, next);
	}
	k->more = k->pages >= k->pages_most;
	if (k->more)
		return 0;
	audit_walk_ask(g, k);
	return 1;
}
