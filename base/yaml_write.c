/* libyaml's emitter, told for each scalar in which style it may stand. */
#include "base/yaml_write.h"

#include <string.h>
#include <strings.h>
#include <yaml.h>

#define DEEPEST 64

struct writing {
	yaml_emitter_t emitter;
	struct buf *out;
};

static int piece_written(void *data, unsigned char *bytes, size_t n)
{
	struct writing *x = data;

	return buf_add(x->out, bytes, n) == 0;
}

/* The emitter owns the event from here on, also when it fails. */
static bool emit(struct writing *x, yaml_event_t *event, int made)
{
	return made && yaml_emitter_emit(&x->emitter, event);
}

/* ---- scalars ---- */

/* Words that YAML, of one version or another, reads as null or as truth values. */
static bool is_word(const char *s)
{
	static const char *const words[] = {"null", "true", "false", "yes", "no",
					    "on",   "off",  "y",     "n"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(s, words[i]) == 0)
			return true;
	return false;
}

static yaml_scalar_style_t style_of(const char *s)
{
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
			return YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	/* Numbers, times and dates begin so; = and << mean something of their own. */
	if (!*s || strchr("0123456789+-.~=<", *s) || is_word(s))
		return YAML_SINGLE_QUOTED_SCALAR_STYLE;
	return YAML_PLAIN_SCALAR_STYLE;
}

static bool write_scalar(struct writing *x, const char *s, size_t len, yaml_scalar_style_t style)
{
	yaml_event_t event;
	AUTO(str_t) text = str_ndup(s, len);

	return emit(x, &event,
		    yaml_scalar_event_initialize(&event, NULL, NULL, (yaml_char_t *)text, (int)len,
						 1, 1, style));
}

static bool write_string(struct writing *x, const char *s)
{
	return write_scalar(x, s, strlen(s), style_of(s));
}

static bool write_literal(struct writing *x, const struct json *v)
{
	AUTO(buf_t) text = {0};

	json_print(v, &text);
	return write_scalar(x, buf_text(&text), text.len, YAML_PLAIN_SCALAR_STYLE);
}

/* ---- containers ---- */

static bool write_value(struct writing *x, const struct json *v, int depth);

static bool write_array(struct writing *x, const struct json *v, int depth)
{
	yaml_event_t event;
	bool good = emit(x, &event,
			 yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
							      YAML_BLOCK_SEQUENCE_STYLE));

	JSON_EACH (item, v)
		good = good && write_value(x, item, depth);
	return good && emit(x, &event, yaml_sequence_end_event_initialize(&event));
}

static bool write_object(struct writing *x, const struct json *v, int depth)
{
	yaml_event_t event;
	bool good = emit(x, &event,
			 yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
							     YAML_BLOCK_MAPPING_STYLE));

	JSON_EACH (member, v)
		good = good && write_string(x, json_key(member)) && write_value(x, member, depth);
	return good && emit(x, &event, yaml_mapping_end_event_initialize(&event));
}

static bool write_value(struct writing *x, const struct json *v, int depth)
{
	switch (json_type(v)) {
	case JSON_ARRAY:
		return depth < DEEPEST && write_array(x, v, depth + 1);
	case JSON_OBJECT:
		return depth < DEEPEST && write_object(x, v, depth + 1);
	case JSON_STRING:
		return write_string(x, json_string(v));
	case JSON_NULL:
	case JSON_BOOL:
	case JSON_NUMBER:
		break;
	}
	return write_literal(x, v);
}

static bool write_document(struct writing *x, const struct json *v)
{
	yaml_event_t event;

	return emit(x, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING)) &&
	       emit(x, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1)) &&
	       write_value(x, v, 0) &&
	       emit(x, &event, yaml_document_end_event_initialize(&event, 1)) &&
	       emit(x, &event, yaml_stream_end_event_initialize(&event)) &&
	       yaml_emitter_flush(&x->emitter);
}

int yaml_write(const struct json *v, struct buf *out, struct err *e)
{
	struct writing x = {.out = out};
	bool good;

	if (!yaml_emitter_initialize(&x.emitter))
		return err_set(e, ERR_INTERNAL, "YAML cannot be written: out of memory");
	yaml_emitter_set_output(&x.emitter, piece_written, &x);
	yaml_emitter_set_unicode(&x.emitter, 1);
	yaml_emitter_set_width(&x.emitter, -1);
	good = write_document(&x, v);
	if (!good)
		(void)err_set(e, ERR_INTERNAL, "YAML cannot be written: %s",
			      x.emitter.problem ? x.emitter.problem : "too large or too deep");
	yaml_emitter_delete(&x.emitter);
	return good ? 0 : -1;
}
