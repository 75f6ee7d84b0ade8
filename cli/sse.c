#include "cli/sse.h"

#include <string.h>

void sse_init(struct sse *s, sse_fn *told, void *owner)
{
	*s = (struct sse){.told = told, .owner = owner};
	s->line.limit = SSE_MOST;
	s->data.limit = SSE_MOST;
}

void sse_free(struct sse *s)
{
	buf_free(&s->line);
	buf_free(&s->data);
}

void sse_restart(struct sse *s)
{
	buf_free(&s->line);
	buf_free(&s->data);
	s->type[0] = '\0';
	s->dropped = s->stop = false;
}

static void event_tell(struct sse *s)
{
	struct sse_event ev = {
		.id = s->id, .type = s->type, .data = buf_text(&s->data), .len = s->data.len};

	if (ev.len && !s->dropped)
		s->told(&ev, s->owner);
	buf_free(&s->data);
	s->type[0] = '\0';
	s->dropped = false;
}

static void field_take(struct sse *s, const char *name, const char *value)
{
	if (strcmp(name, "data") == 0) {
		if (s->data.len)
			(void)buf_char(&s->data, '\n');
		if (buf_str(&s->data, value) < 0)
			s->dropped = true;
	} else if (strcmp(name, "event") == 0) {
		(void)str_copy(s->type, sizeof(s->type), value);
	} else if (strcmp(name, "id") == 0) {
		(void)str_copy(s->id, sizeof(s->id), value);
	}
}

static void line_take(struct sse *s)
{
	struct buf whole = s->line;

	s->line = (struct buf){.limit = SSE_MOST};
	if (whole.truncated)
		s->dropped = true;
	if (whole.len && whole.data[whole.len - 1] == '\r')
		whole.data[--whole.len] = '\0';
	char *text = whole.len ? whole.data : NULL;
	char *colon = text ? strchr(text, ':') : NULL;
	if (!text) {
		event_tell(s);
	} else if (colon && colon != text) {
		*colon = '\0';
		field_take(s, text, colon + 1 + (colon[1] == ' '));
	}
	buf_free(&whole);
}

void sse_add(struct sse *s, const char *bytes, size_t len)
{
	const char *end = bytes + len;

	while (bytes < end && !s->stop) {
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		const char *stop = newline ? newline : end;

		(void)buf_add(&s->line, bytes, (size_t)(stop - bytes));
		if (newline)
			line_take(s);
		bytes = newline ? newline + 1 : end;
	}
}
