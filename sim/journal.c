/* The log of requests, and what is counted. */
#include "sim/journal.h"

#include <stdlib.h>
#include <string.h>

static bool is_write(const struct cloud_request *q)
{
	return !str_equal(q->method, "GET") && !str_equal(q->method, "HEAD");
}

static void count_family(struct journal *j, const char *method, const char *family)
{
	AUTO(str_t) key = str_format("%s %s", method, family);
	int64_t *n = map_get(&j->counters, key);

	if (!n) {
		n = mem_alloc(sizeof *n);
		map_set(&j->counters, key, n);
	}
	(*n)++;
}

static void write_query(struct json_writer *w, const struct cloud_request *q)
{
	json_write_key(w, "query");
	json_array_begin(w);
	for (size_t i = 0; i < q->n_query; i++) {
		AUTO(str_t)
		text = str_format("%s=%s", q->query[i].name,
				  q->query[i].value ? q->query[i].value : "");
		json_write_string(w, text);
	}
	json_array_end(w);
}

static void write_body(struct json_writer *w, const struct cloud_request *q)
{
	struct err e = {0};

	json_write_key(w, "body");
	if (q->body_len == 0)
		json_write_null(w);
	else if (json_check(q->body, q->body_len, NULL, &e) == 0)
		json_write_raw(w, q->body, q->body_len);
	else
		json_write_stringn(w, q->body, q->body_len);
}

static char *render(int64_t seq, const struct cloud_request *q, const struct cloud_response *r,
		    const char *fault)
{
	struct buf text = {0};
	struct json_writer w;

	json_write_init(&w, &text);
	json_object_begin(&w);
	json_put_int(&w, "seq", seq);
	json_put_time(&w, "time", q->now_ms);
	json_put_string(&w, "method", q->method);
	json_put_string(&w, "path", q->path);
	json_put_string(&w, "family", r->family);
	write_query(&w, q);
	write_body(&w, q);
	json_put_int(&w, "status", r->status);
	json_put_string(&w, "ray", r->ray);
	json_put_string(&w, "token_id", r->token_id[0] ? r->token_id : NULL);
	json_put_string(&w, "object", r->object[0] ? r->object : NULL);
	json_put_bool(&w, "foreign", r->foreign);
	json_put_string(&w, "fault", fault);
	json_object_end(&w);
	return buf_steal(&text);
}

/* Half of the rows at once, so that dropping is rare. */
static void make_room(struct journal *j)
{
	size_t drop = j->n / 2;

	if (j->n < JOURNAL_ROWS)
		return;
	for (size_t i = 0; i < drop; i++)
		free(j->rows[i]);
	memmove(j->rows, j->rows + drop, (j->n - drop) * sizeof *j->rows);
	j->n -= drop;
	j->first += (int64_t)drop;
}

void journal_effect(struct journal *j, const struct cloud_request *q,
		    const struct cloud_response *r)
{
	bool done = r->status >= 200 && r->status < 300;

	j->writes += done && is_write(q);
	j->foreign_writes += done && r->foreign;
}

void journal_add(struct journal *j, const struct cloud_request *q, const struct cloud_response *r,
		 const char *fault)
{
	make_room(j);
	if ((j->n & (j->n - 1)) == 0)
		j->rows = mem_grow(j->rows, j->n ? j->n * 2 : 1, sizeof *j->rows);
	j->rows[j->n] = render(j->first + (int64_t)j->n, q, r, fault);
	j->n++;
	j->requests++;
	count_family(j, q->method, r->family ? r->family : "unknown");
	journal_effect(j, q, r);
}

void journal_clear(struct journal *j)
{
	const struct map_entry *entry;

	for (size_t i = 0; i < j->n; i++)
		free(j->rows[i]);
	free(j->rows);
	for (size_t i = 0; (entry = map_next(&j->counters, &i)) != NULL;)
		free(entry->value);
	map_free(&j->counters);
	*j = (struct journal){.first = j->first + (int64_t)j->n};
}

void journal_write(const struct journal *j, int64_t from, struct buf *out)
{
	struct json_writer w;

	json_write_init(&w, out);
	json_object_begin(&w);
	json_write_key(&w, "rows");
	json_array_begin(&w);
	for (size_t i = 0; i < j->n; i++)
		if (j->first + (int64_t)i >= from)
			json_write_raw(&w, j->rows[i], strlen(j->rows[i]));
	json_array_end(&w);
	json_put_int(&w, "next", j->first + (int64_t)j->n);
	json_object_end(&w);
}

void journal_write_counters(const struct journal *j, struct buf *out)
{
	const struct map_entry *entry;
	struct json_writer w;

	json_write_init(&w, out);
	json_object_begin(&w);
	json_put_int(&w, "requests", j->requests);
	json_put_int(&w, "writes", j->writes);
	json_put_int(&w, "foreign_writes", j->foreign_writes);
	json_write_key(&w, "by_route");
	json_object_begin(&w);
	for (size_t i = 0; (entry = map_next(&j->counters, &i)) != NULL;)
		json_put_int(&w, entry->key, *(const int64_t *)entry->value);
	json_object_end(&w);
	json_object_end(&w);
}
