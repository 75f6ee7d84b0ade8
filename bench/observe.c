/*
 * CPU of taking complete listings into the world: strict check, parse, identities, comparison. The
 * pages are files as the API sent them; what is wanted is made of them, with one record in a
 * hundred wanted otherwise. A first look knows nothing; a later one knows the look before it, in
 * which one row in a hundred was another. Prints one line a round: microseconds of CPU for records
 * (first, later) and tunnels (likewise), and the drift found, so that nobody can be fast by finding
 * nothing.
 *
 * bench-observe ROUNDS TUNNELS.json RECORDS.json...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "cloudflare/tunnels.h"
#include "reconcile/seen.h"

#define PAGES_MAX 200

static const char zone[] = "0123456789abcdef0123456789abcdef";

static int64_t cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

_Noreturn static void give_up(const char *what)
{
	fprintf(stderr, "bench-observe: %s\n", what);
	exit(1);
}

static struct buf file_text(const char *path)
{
	struct buf text = {0};
	char piece[65536];
	FILE *f = fopen(path, "re");

	if (!f)
		give_up(path);
	for (size_t n; (n = fread(piece, 1, sizeof(piece), f)) > 0;)
		buf_add(&text, piece, n);
	fclose(f);
	return text;
}

/* ---- what is wanted, as of an earlier look ---- */

static int want_record(const struct json *row, void *owner)
{
	struct world *w = owner;
	struct cf_record found;
	struct err e;

	if (cf_record_read(row, &found, &e) < 0)
		give_up(e.message);
	struct record *r = record_new(found.name, found.type);
	memcpy(r->remote_id, found.id, sizeof(r->remote_id));
	memcpy(r->zone_id, zone, sizeof(r->zone_id));
	r->content = str_dup(w->records.n % 100 == 0 ? "192.0.2.254" : found.content);
	r->proxied = found.proxied;
	seen_record(w, r, &found);
	r->observed.looked_ms = 0;
	world_add_record(w, r);
	return 0;
}

static int want_tunnel(const struct json *row, void *owner)
{
	struct world *w = owner;
	struct cf_tunnel found;
	struct err e;

	if (cf_tunnel_read(row, &found, &e) < 0)
		give_up(e.message);
	struct tunnel *t = tunnel_new(found.name);
	memcpy(t->remote_id, found.id, sizeof(t->remote_id));
	world_add_tunnel(w, t);
	return 0;
}

/* ---- a look ---- */

struct listing {
	struct buf texts[2][PAGES_MAX]; /* as they come in turns */
	size_t n;
	const struct cf_family *family;
};

/* The value of that member in every hundredth row begins with another byte. */
static void rows_change(struct buf *text, const char *key)
{
	size_t n = 0;

	for (char *p = text->data; (p = strstr(p, key)) != NULL; p += strlen(key))
		if (n++ % 100 == 0)
			p[strlen(key)] = 'x';
}

static void listing_add(struct listing *l, const char *path, const char *key)
{
	l->texts[0][l->n] = file_text(path);
	l->texts[1][l->n] = file_text(path);
	rows_change(&l->texts[1][l->n++], key);
}

static void listing_free(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++) {
		buf_free(&l->texts[0][i]);
		buf_free(&l->texts[1][i]);
	}
}

/* The texts as they are when they have come; taking them takes them away. */
static void texts_copy(const struct listing *l, size_t turn, struct buf *out)
{
	for (size_t i = 0; i < l->n; i++) {
		out[i] = (struct buf){0};
		buf_add(&out[i], l->texts[turn][i].data, l->texts[turn][i].len);
	}
}

/* As the listing does while its pages come. */
static void pages_read(struct cf_page *p, const struct listing *l, struct buf *texts,
		       struct cf_rows *before)
{
	struct err e;

	p->rows = cf_rows_new(l->family, before);
	for (size_t i = 0; i < l->n; i++) {
		AUTO(json_doc_t) doc = NULL;

		if (cf_rows_read(p->rows, &texts[i], NULL, &doc, &e) < 0)
			give_up(e.message);
		p->count += cf_rows_came(p->rows);
		if (!cf_rows_take(p->rows, &texts[i]))
			give_up("a row came twice");
	}
	cf_rows_complete(p->rows);
}

static void pages_drop(struct cf_page *p)
{
	cf_rows_rest(p->rows);
	cf_rows_unref(p->rows);
	*p = (struct cf_page){0};
}

static size_t drifted(const struct world *w)
{
	size_t n = 0;

	TABLE_EACH (i, struct record, r, &w->records)
		n += !seen_record_as_wanted(w, r);
	return n;
}

struct bench {
	struct world *w;
	struct zone_rows rows;
	struct listing records, tunnels;
	int64_t since;
	size_t drift;
};

static void take(struct bench *b, const struct listing *l, const struct cf_page *p)
{
	struct seen_listing seen = {0};

	if (l == &b->records) {
		seen_zone_records(b->w, &b->rows, zone, p, b->since, &seen);
		b->drift = drifted(b->w);
	} else {
		/* as if all were older */
		seen_tunnels(b->w, p, b->since + (int64_t)86400 * 1000 * 365 * 50, &seen);
	}
	seen_listing_free(&seen);
}

/* The CPU of it; kept is the look before it (or NULL), and then this one. */
static int64_t look(struct bench *b, const struct listing *l, size_t turn, struct cf_rows **kept)
{
	struct buf texts[PAGES_MAX];
	struct cf_page p = {0};

	texts_copy(l, turn, texts);
	int64_t at = cpu_us();
	pages_read(&p, l, texts, *kept);
	take(b, l, &p);
	cf_rows_unref(*kept);
	*kept = cf_rows_ref(p.rows);
	pages_drop(&p);
	b->since++;
	return cpu_us() - at;
}

static void round_do(struct bench *b, const struct listing *l, int64_t us[2])
{
	struct cf_rows *kept = NULL;

	us[0] = look(b, l, 0, &kept);
	us[1] = look(b, l, 1, &kept);
	cf_rows_unref(kept);
}

static void want(struct bench *b, const struct listing *l,
		 int (*row)(const struct json *row, void *owner))
{
	struct buf texts[PAGES_MAX];
	struct cf_page p = {0};

	texts_copy(l, 0, texts);
	pages_read(&p, l, texts, NULL);
	(void)cf_page_each(&p, row, b->w);
	pages_drop(&p);
}

int main(int argc, char **argv)
{
	static struct bench b = {.since = 1};

	if (argc < 4 || argc > PAGES_MAX)
		give_up("wants ROUNDS TUNNELS.json RECORDS.json...");
	b.records.family = cf_record_family();
	b.tunnels.family = cf_tunnel_family();
	b.w = world_new();
	str_set(&b.w->system.owner, "bench");
	listing_add(&b.tunnels, argv[2], "\"name\":\"");
	for (int i = 3; i < argc; i++)
		listing_add(&b.records, argv[i], "\"content\":\"");
	want(&b, &b.tunnels, want_tunnel);
	want(&b, &b.records, want_record);
	for (int round = 0; round < (int)strtol(argv[1], NULL, 10); round++) {
		int64_t records[2], tunnels[2];

		round_do(&b, &b.records, records);
		round_do(&b, &b.tunnels, tunnels);
		printf("%lld %lld %lld %lld %zu\n", (long long)records[0], (long long)records[1],
		       (long long)tunnels[0], (long long)tunnels[1], b.drift);
	}
	listing_free(&b.records);
	listing_free(&b.tunnels);
	zone_rows_t_cleanup(&b.rows);
	world_free(b.w);
	return 0;
}
