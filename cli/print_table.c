/* Aligned columns. */
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/text.h"
#include "base/utf8.h"
#include "cli/print.h"

enum { GAP = 2, LEAST_COLUMN = 6 };

void table_t_cleanup(table_t *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i].text);
	free(t->cells);
}

void table_cell(struct table *t, enum tone tone, const char *text)
{
	/* Grown by doubling: whenever the number of cells is a power of two. */
	if ((t->n & (t->n - 1)) == 0)
		t->cells = mem_grow(t->cells, t->n ? 2 * t->n : 1, sizeof(*t->cells));
	struct cell *c = &t->cells[t->n++];
	c->text = str_dup(text && *text ? text : "-");
	c->tone = tone;
	text_printable(c->text);
}

static size_t code_columns(uint32_t code)
{
	int columns = wcwidth((wchar_t)code);

	return columns < 0 ? 1 : (size_t)columns;
}

size_t text_columns(const char *text)
{
	size_t len = strlen(text), columns = 0;
	uint32_t code;

	for (size_t at = 0; at < len;) {
		size_t n = utf8_decode(text + at, len - at, &code);
		columns += n ? code_columns(code) : 1;
		at += n ? n : 1;
	}
	return columns;
}

/* How many bytes of text fit into so many columns. */
static size_t bytes_within(const char *text, size_t columns)
{
	size_t len = strlen(text), at = 0, used = 0;
	uint32_t code;

	while (at < len) {
		size_t n = utf8_decode(text + at, len - at, &code);
		used += n ? code_columns(code) : 1;
		if (used > columns)
			break;
		at += n ? n : 1;
	}
	return at;
}

static void fit(size_t *widths, size_t n, size_t room)
{
	size_t total = n ? GAP * (n - 1) : 0;

	for (size_t i = 0; i < n; i++) {
		if (widths[i] > room)
			widths[i] = room;
		total += widths[i];
	}
	while (total > room) {
		size_t widest = 0;
		for (size_t i = 1; i < n; i++)
			if (widths[i] > widths[widest])
				widest = i;
		if (widths[widest] <= LEAST_COLUMN)
			return;
		widths[widest]--;
		total--;
	}
}

static void measure(const struct table *t, const struct style *s, size_t indent, size_t *widths)
{
	for (size_t i = 0; i < t->n; i++) {
		size_t columns = text_columns(t->cells[i].text);
		if (columns > widths[i % t->columns])
			widths[i % t->columns] = columns;
	}
	if (s->width > (int)indent)
		fit(widths, t->columns, (size_t)s->width - indent);
}

static void print_cell(const struct cell *c, const struct style *s, size_t width, bool last,
		       struct buf *out)
{
	size_t columns = text_columns(c->text);

	if (columns > width) {
		size_t n = bytes_within(c->text, width > 0 ? width - 1 : 0);
		AUTO(str_t) cut = str_format("%.*s\u2026", (int)n, c->text);
		print_toned(out, s, c->tone, cut);
		columns = text_columns(cut);
	} else {
		print_toned(out, s, c->tone, c->text);
	}
	if (!last)
		(void)buf_printf(out, "%*s", (int)(width - columns + GAP), "");
}

void table_print(const struct table *t, const struct style *s, size_t indent, struct buf *out)
{
	if (t->n == 0)
		return;
	size_t *widths = mem_array(t->columns, sizeof(*widths));

	measure(t, s, indent, widths);
	for (size_t i = 0; i < t->n; i++) {
		size_t column = i % t->columns;
		bool last = column + 1 == t->columns;
		if (column == 0)
			(void)buf_printf(out, "%*s", (int)indent, "");
		print_cell(&t->cells[i], s, widths[column], last, out);
		if (last)
			(void)buf_char(out, '\n');
	}
	free(widths);
}
