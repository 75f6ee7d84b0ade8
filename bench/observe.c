/*
 * CPU of taking complete listings into the world: strict check, parse, identities, comparison. The
 * pages are files as the API sent them; what is wanted is made of them, with one record in a
 * hundred wanted otherwise. Prints one line a round: microseconds of CPU for records and tunnels,
 * and the drift found, so that nobody can be fast by finding nothing.
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

/* As the listing does while its pages come: parse, and no row twice. */
static void pages_read(struct cf_page *p, const struct buf *texts, size_t n)
{
	struct err e;

	p->docs = mem_array(n, sizeof(struct json_doc *));
	for (; p->n_docs < n; p->n_docs++) {
		const struct buf *text = &texts[p->n_docs];

		if (json_parse(text->data, text->len, NULL, &p->docs[p->n_docs], &e) < 0)
			give_up(e.message);
		JSON_EACH (row, json_get(json_root(p->docs[p->n_docs]), "result")) {
			if (map_set(&p->rows, json_get_string(row, "id"), (void *)(uintptr_t)row))
				give_up("a row came twice");
			p->count++;
		}
	}
}

static void pages_drop(struct cf_page *p)
{
	for (size_t i = 0; i < p->n_docs; i++)
		json_doc_free(p->docs[i]);
	free(p->docs);
	map_free(&p->rows);
	*p = (struct cf_page){0};
}

static size_t drifted(const struct world *w)
{
	size_t n = 0;

	TABLE_EACH (i, struct record, r, &w->records)
		n += !seen_record_as_wanted(w, r);
	return n;
}

static void look(struct world *w, const struct buf *texts, size_t n, int64_t since)
{
	struct cf_page p = {0};
	int64_t at = cpu_us();

	pages_read(&p, texts + 1, n - 1);
	struct seen_listing l = {0};
	seen_zone_records(w, zone, &p, since, &l);
	size_t drift = drifted(w);
	pages_drop(&p);
	int64_t records = cpu_us() - at;

	at = cpu_us();
	pages_read(&p, texts, 1);
	/* as if all were older */
	seen_tunnels(w, &p, since + (int64_t)86400 * 1000 * 365 * 50, &l);
	seen_listing_free(&l);
	pages_drop(&p);
	printf("%lld %lld %zu\n", (long long)records, (long long)(cpu_us() - at), drift);
}

int main(int argc, char **argv)
{
	struct world *w = world_new();
	struct buf texts[PAGES_MAX] = {{0}};
	struct cf_page p = {0};
	size_t n = argc > 2 ? (size_t)argc - 2 : 0;

	if (n < 2 || n > PAGES_MAX)
		give_up("wants ROUNDS TUNNELS.json RECORDS.json...");
	for (size_t i = 0; i < n; i++)
		texts[i] = file_text(argv[i + 2]);
	str_set(&w->system.owner, "bench");
	pages_read(&p, texts, 1);
	(void)cf_page_each(&p, want_tunnel, w);
	pages_drop(&p);
	pages_read(&p, texts + 1, n - 1);
	(void)cf_page_each(&p, want_record, w);
	pages_drop(&p);
	for (int round = 0; round < (int)strtol(argv[1], NULL, 10); round++)
		look(w, texts, n, round + 1);
	for (size_t i = 0; i < n; i++)
		buf_free(&texts[i]);
	world_free(w);
	return 0;
}
