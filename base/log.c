/*
 * The log. Each line leaves in one write (or one journal datagram) and nothing here can fail in a
 * way that its caller would notice. What a level holds back stays in the flight recorder, a ring
 * of fixed size.
 */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include "base/log.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"

enum { MESSAGE_SIZE = 2048, VALUE_SIZE = 1024, FIELDS_MAX = 16, RING_LINES = 512, RING_TEXT = 240 };

enum log_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_JOURNAL };

struct recorded {
	int64_t wall_ms;
	enum log_level level;
	char text[RING_TEXT];
};

/* The one logger of the process: where lines go is a property of stderr, of which there is one. */
static struct {
	char program[32];
	enum log_level level;
	enum log_format format;
	struct recorded *ring; /* RING_LINES of them, made at the first line */
	size_t written;        /* lines ever put into the ring since it was emptied */
} logger = {.program = "adit", .level = LOG_LEVEL_INFO};

static const struct {
	const char *name;
	char priority; /* of syslog */
} levels[] = {{"error", '3'}, {"warning", '4'}, {"info", '6'}, {"debug", '7'}};

static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, inode;
	struct stat st;
	char end;

	return stream && sscanf(stream, "%llu:%llu%c", &dev, &inode, &end) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == inode;
}

void log_init(const char *program, enum log_level level)
{
	snprintf(logger.program, sizeof(logger.program), "%s", program);
	logger.level = level;
	if (stderr_is_journal())
		logger.format = FORMAT_JOURNAL;
	else
		logger.format = isatty(STDERR_FILENO) ? FORMAT_TEXT : FORMAT_JSON;
}

void log_set_level(enum log_level level)
{
	logger.level = level;
}

int log_level_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		if (str_equal(levels[i].name, name))
			return (int)i;
	return -1;
}

/* Cut between characters, without anything that moves a cursor. */
static void copy_clean(char *dst, size_t size, const char *src)
{
	size_t len = strnlen(src, size);

	if (len == size)
		len = utf8_whole(src, size - 1);
	memcpy(dst, src, len);
	dst[len] = '\0';
	text_printable(dst);
}

static void write_line(struct buf *line)
{
	ssize_t n;

	buf_char(line, '\n');
	n = write(STDERR_FILENO, line->data, line->len);
	(void)n; /* there is no other place to complain to */
}

static bool needs_no_quotes(const char *value)
{
	return *value && !value[strcspn(value, " \"=")];
}

static void add_text_fields(struct buf *line, const struct log_field *fields)
{
	char value[VALUE_SIZE];

	for (int i = 0; fields && fields[i].key && i < FIELDS_MAX; i++) {
		copy_clean(value, sizeof(value), fields[i].value ? fields[i].value : "");
		const char *quote = needs_no_quotes(value) ? "" : "\"";
		buf_char(line, ' ');
		buf_str(line, fields[i].key);
		buf_char(line, '=');
		buf_str(line, quote);
		buf_str(line, value);
		buf_str(line, quote);
	}
}

static void emit_text(enum log_level level, int64_t wall_ms, const struct log_field *fields,
		      const char *message)
{
	AUTO(buf_t) line = {0};
	char when[TEXT_TIME_SIZE];

	time_format(wall_ms, when);
	buf_printf(&line, "%s %-7s %s", when, levels[level].name, message);
	add_text_fields(&line, fields);
	write_line(&line);
}

static void emit_json(enum log_level level, int64_t wall_ms, const struct log_field *fields,
		      const char *message)
{
	AUTO(buf_t) line = {0};
	struct json_writer w;
	char when[TEXT_TIME_SIZE], value[VALUE_SIZE];

	time_format(wall_ms, when);
	json_write_init(&w, &line);
	json_object_begin(&w);
	json_put_string(&w, "time", when);
	json_put_string(&w, "level", levels[level].name);
	json_put_string(&w, "program", logger.program);
	json_put_string(&w, "message", message);
	for (int i = 0; fields && fields[i].key && i < FIELDS_MAX; i++) {
		copy_clean(value, sizeof(value), fields[i].value ? fields[i].value : "");
		json_put_string(&w, fields[i].key, value);
	}
	json_object_end(&w);
	write_line(&line);
}

/* "ADIT_KEY=value" */
static char *journal_field(const struct log_field *field)
{
	char value[VALUE_SIZE];
	char *text;

	copy_clean(value, sizeof(value), field->value ? field->value : "");
	text = str_format("ADIT_%s=%s", field->key, value);
	for (char *p = text; *p != '='; p++)
		*p = isalnum((unsigned char)*p) ? (char)toupper((unsigned char)*p) : '_';
	return text;
}

static void emit_journal(enum log_level level, int64_t wall_ms, const struct log_field *fields,
			 const char *message)
{
	AUTO(strlist_t) texts = {0};
	struct iovec parts[FIELDS_MAX + 4];
	char when[TEXT_TIME_SIZE];

	time_format(wall_ms, when);
	texts.items = mem_array(ARRAY_LEN(parts), sizeof(*texts.items));
	texts.items[texts.n++] = str_format("MESSAGE=%s", message);
	texts.items[texts.n++] = str_format("PRIORITY=%c", levels[level].priority);
	texts.items[texts.n++] = str_format("SYSLOG_IDENTIFIER=%s", logger.program);
	texts.items[texts.n++] = str_format("ADIT_TIME=%s", when);
	for (int i = 0; fields && fields[i].key && i < FIELDS_MAX; i++)
		texts.items[texts.n++] = journal_field(&fields[i]);
	for (size_t i = 0; i < texts.n; i++)
		parts[i] = (struct iovec){texts.items[i], strlen(texts.items[i])};
	if (sd_journal_sendv(parts, (int)texts.n) < 0)
		emit_text(level, wall_ms, fields, message);
}

static void emit(enum log_level level, int64_t wall_ms, const struct log_field *fields,
		 const char *message)
{
	switch (logger.format) {
	case FORMAT_TEXT:
		emit_text(level, wall_ms, fields, message);
		break;
	case FORMAT_JSON:
		emit_json(level, wall_ms, fields, message);
		break;
	case FORMAT_JOURNAL:
		emit_journal(level, wall_ms, fields, message);
		break;
	}
}

static void slot_add(struct recorded *slot, size_t *len, const char *s)
{
	size_t n = strnlen(s, sizeof(slot->text) - 1 - *len);

	memcpy(slot->text + *len, s, n);
	*len += n;
	slot->text[*len] = '\0';
}

static void slot_add_fields(struct recorded *slot, size_t *len, const struct log_field *fields)
{
	for (int i = 0; fields && fields[i].key && i < FIELDS_MAX; i++) {
		const char *value = fields[i].value ? fields[i].value : "";
		const char *quote = needs_no_quotes(value) ? "" : "\"";

		slot_add(slot, len, " ");
		slot_add(slot, len, fields[i].key);
		slot_add(slot, len, "=");
		slot_add(slot, len, quote);
		slot_add(slot, len, value);
		slot_add(slot, len, quote);
	}
}

/* In the place where it is kept: nearly all that is logged ends here and is never read. */
static PRINTF(3, 0) void record(enum log_level level, const struct log_field *fields,
				const char *fmt, va_list ap)
{
	struct recorded *slot;
	size_t len;

	if (!logger.ring)
		logger.ring = mem_array(RING_LINES, sizeof(*logger.ring));
	slot = &logger.ring[logger.written++ % RING_LINES];
	slot->wall_ms = clock_wall_ms();
	slot->level = level;
	if (vsnprintf(slot->text, sizeof(slot->text), fmt, ap) < 0)
		slot->text[0] = '\0';
	len = strlen(slot->text);
	slot_add_fields(slot, &len, fields);
	slot->text[utf8_whole(slot->text, len)] = '\0';
	text_printable(slot->text);
}

SELDOM static PRINTF(3, 0) void tell(enum log_level level, const struct log_field *fields,
				     const char *fmt, va_list ap)
{
	char raw[MESSAGE_SIZE], message[MESSAGE_SIZE];

	vsnprintf(raw, sizeof(raw), fmt, ap);
	raw[utf8_whole(raw, strlen(raw))] = '\0';
	copy_clean(message, sizeof(message), raw);
	emit(level, clock_wall_ms(), fields, message);
}

void log_write(enum log_level level, const struct log_field *fields, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (level <= logger.level)
		tell(level, fields, fmt, ap);
	else
		record(level, fields, fmt, ap);
	va_end(ap);
}

void log_dump(void)
{
	size_t end = logger.written, i = end > RING_LINES ? end - RING_LINES : 0;

	for (; i < end; i++) {
		const struct recorded *line = &logger.ring[i % RING_LINES];

		emit(line->level, line->wall_ms, LOG_FIELDS({"recorded", "true"}), line->text);
	}
	logger.written = 0;
}
