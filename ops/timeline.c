#include "ops/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "base/untrusted.h"
#include "base/utf8.h"

#define TEXTS      7
#define WHAT_MAX   220
#define THEIRS_MAX 160

static void texts_of(struct moment *m, const char **texts[TEXTS])
{
	const char **all[TEXTS] = {&m->kind,   &m->name,      &m->id,       &m->what,
				   &m->theirs, &m->operation, &m->arguments};

	memcpy(texts, all, sizeof(all));
}

void timeline_add(struct timeline *t, const struct moment *m)
{
	struct timeline_row row = {.m = *m, .first_ms = m->at_ms, .times = 1};
	const char **texts[TEXTS];

	texts_of(&row.m, texts);
	for (size_t i = 0; i < TEXTS; i++)
		*texts[i] = str_dup(*texts[i]);
	t->rows = mem_grow(t->rows, t->n + 1, sizeof(*t->rows));
	t->rows[t->n++] = row;
}

static void row_free(struct timeline_row *row)
{
	const char **texts[TEXTS];

	texts_of(&row->m, texts);
	for (size_t i = 0; i < TEXTS; i++)
		free((void *)(uintptr_t)*texts[i]);
}

void timeline_fini(struct timeline *t)
{
	for (size_t i = 0; i < t->n; i++)
		row_free(&t->rows[i]);
	free(t->rows);
	*t = (struct timeline){.n = 0};
}

static int newer_first(const void *a, const void *b)
{
	const struct timeline_row *x = a, *y = b;

	return x->m.at_ms < y->m.at_ms ? 1 : x->m.at_ms > y->m.at_ms ? -1 : 0;
}

static bool repeats(const struct timeline_row *newer, const struct timeline_row *x)
{
	return str_equal(newer->m.kind, x->m.kind) && str_equal(newer->m.name, x->m.name) &&
	       str_equal(newer->m.theirs, x->m.theirs);
}

void timeline_order(struct timeline *t)
{
	size_t n = 0;

	if (t->n > 1)
		qsort(t->rows, t->n, sizeof(*t->rows), newer_first);
	for (size_t i = 0; i < t->n; i++) {
		struct timeline_row *x = &t->rows[i];
		if (n && repeats(&t->rows[n - 1], x)) {
			t->rows[n - 1].first_ms = x->first_ms;
			t->rows[n - 1].times += x->times;
			row_free(x);
		} else {
			t->rows[n++] = *x;
		}
	}
	t->n = n;
}

static char *cut(const char *text, size_t most)
{
	return text ? str_ndup(text, strlen(text) > most ? utf8_whole(text, most) : strlen(text))
		    : NULL;
}

static void put_row(const struct timeline_row *row, struct json_writer *w)
{
	const struct moment *m = &row->m;
	AUTO(str_t) what = cut(m->what, WHAT_MAX);
	AUTO(str_t) theirs = cut(m->theirs, THEIRS_MAX);

	json_object_begin(w);
	json_put_time(w, "at", m->at_ms);
	json_put_string(w, "kind", m->kind);
	json_put_string(w, "id", m->id);
	json_put_string(w, "what", what);
	json_put_untrusted(w, "untrusted_detail", theirs);
	if (row->times > 1) {
		json_put_int(w, "times", row->times);
		json_put_time(w, "first", row->first_ms);
	}
	json_put_string(w, "operation", m->operation);
	json_put_string(w, "arguments", m->arguments);
	json_object_end(w);
}

void timeline_write(const struct timeline *t, size_t n, struct json_writer *w)
{
	json_array_begin(w);
	for (size_t i = 0; i < t->n && i < n; i++)
		put_row(&t->rows[i], w);
	json_array_end(w);
}
