/*
 * One table of types and their fields, and three ways through it: from a person's words, from
 * Cloudflare's object, and to it. Each field has one form, whichever way it came.
 */
#include "model/record_data.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/record_loc.h"

enum { FIELDS_MAX = 6, U8 = 255, U16 = 65535 };

enum kind {
	KIND_END,
	KIND_NUMBER, /* 0 to max */
	KIND_WORD,   /* letters and digits, any case */
	KIND_TEXT,   /* in quotation marks, or one word */
	KIND_NAME,   /* a host name, or "." */
	KIND_HEX,    /* the last: may be written in pieces */
	KIND_BASE64, /* the last: may be written in pieces */
	KIND_PARAMS, /* the last: key=value ..., in any order, or nothing */
};

struct part {
	const char *key;
	enum kind kind;
	int64_t max;
	bool beside; /* not in data: a member of the record itself */
};

struct shape {
	const char *type, *example;
	bool plain; /* Cloudflare takes it as content */
	struct part parts[FIELDS_MAX + 1];
};

#define NUMBER(key, max)                                                                           \
	{                                                                                          \
		key, KIND_NUMBER, max, false                                                       \
	}
#define PART(key, kind)                                                                            \
	{                                                                                          \
		key, kind, 0, false                                                                \
	}
#define PARTS_CERTIFICATE                                                                          \
	{                                                                                          \
		NUMBER("usage", U8), NUMBER("selector", U8), NUMBER("matching_type", U8),          \
			PART("certificate", KIND_HEX)                                              \
	}
#define PARTS_SERVICE                                                                              \
	{                                                                                          \
		NUMBER("priority", U16), PART("target", KIND_NAME), PART("value", KIND_PARAMS)     \
	}

static const struct shape shapes[] = {
	{"CAA",
	 "0 issue \"letsencrypt.org\"",
	 false,
	 {NUMBER("flags", U8), PART("tag", KIND_WORD), PART("value", KIND_TEXT)}},
	{"CERT",
	 "1 12345 8 aGVsbG8=",
	 false,
	 {NUMBER("type", U16), NUMBER("key_tag", U16), NUMBER("algorithm", U8),
	  PART("certificate", KIND_BASE64)}},
	{"DNSKEY",
	 "257 3 13 aGVsbG8=",
	 false,
	 {NUMBER("flags", U16), NUMBER("protocol", U8), NUMBER("algorithm", U8),
	  PART("public_key", KIND_BASE64)}},
	{"DS",
	 "12345 13 2 c0ffee00",
	 false,
	 {NUMBER("key_tag", U16), NUMBER("algorithm", U8), NUMBER("digest_type", U8),
	  PART("digest", KIND_HEX)}},
	{"HTTPS", "1 . alpn=\"h3,h2\"", false, PARTS_SERVICE},
	{"NAPTR",
	 "100 10 \"S\" \"SIP+D2U\" \"\" _sip._udp.example.com",
	 false,
	 {NUMBER("order", U16), NUMBER("preference", U16), PART("flags", KIND_TEXT),
	  PART("service", KIND_TEXT), PART("regex", KIND_TEXT), PART("replacement", KIND_NAME)}},
	{"OPENPGPKEY", "mDMEZhello==", true, {PART("key", KIND_BASE64)}},
	{"SMIMEA", "3 1 1 c0ffee00", false, PARTS_CERTIFICATE},
	{"SRV",
	 "10 5 443 sip.example.com",
	 false,
	 {NUMBER("priority", U16), NUMBER("weight", U16), NUMBER("port", U16),
	  PART("target", KIND_NAME)}},
	{"SSHFP",
	 "4 2 c0ffee00",
	 false,
	 {NUMBER("algorithm", U8), NUMBER("type", U8), PART("fingerprint", KIND_HEX)}},
	{"SVCB", "1 svc.example.com alpn=\"h2\"", false, PARTS_SERVICE},
	{"TLSA", "3 1 1 c0ffee00", false, PARTS_CERTIFICATE},
	{"URI",
	 "10 1 \"https://www.example.com/\"",
	 false,
	 {{"priority", KIND_NUMBER, U16, true}, NUMBER("weight", U16), PART("target", KIND_TEXT)}},
};

static const struct shape *shape_of(const char *type)
{
	/* They have two letters at least, which tell most of the others. */
	for (size_t i = 0; type && type[0] && i < ARRAY_LEN(shapes); i++)
		if (shapes[i].type[0] == type[0] && shapes[i].type[1] == type[1] &&
		    str_equal(shapes[i].type, type))
			return &shapes[i];
	return NULL;
}

/* Its fields are no list of words with a kind each. */
static bool is_loc(const char *type)
{
	return str_equal(type, "LOC");
}

bool record_type_has_fields(const char *type)
{
	return is_loc(type) || shape_of(type) != NULL;
}

bool record_type_has_data(const char *type)
{
	const struct shape *s = shape_of(type);

	return is_loc(type) || (s && !s->plain);
}

/* The values of a record's parts, each in its form, without quotation marks. */
struct values {
	char *of[FIELDS_MAX];
};
typedef struct values values_t;

static void values_t_cleanup(values_t *v)
{
	for (size_t i = 0; i < FIELDS_MAX; i++)
		free(v->of[i]);
}

/* ---- the form of one value; NULL when it is none ---- */

static char *form_number(const char *text, int64_t max)
{
	size_t n = strspn(text, "0123456789");
	long long value = n > 0 && n <= 10 && !text[n] ? strtoll(text, NULL, 10) : -1;

	return value < 0 || value > max ? NULL : str_format("%lld", value);
}

static char *form_word(const char *text)
{
	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p))
			return NULL;
	return *text ? str_lower(text) : NULL;
}

/* Some answers have the marks within the value. */
static char *form_text(const char *text)
{
	size_t n = strlen(text);

	return n > 1 && text[0] == '"' && text[n - 1] == '"' ? str_ndup(text + 1, n - 2)
							     : str_dup(text);
}

/* What others made is not judged here: only its case and its last dot do not count. */
static char *form_name(const char *text, bool strict)
{
	char *name = NULL;
	size_t n = strlen(text);
	struct err e;

	if (str_equal(text, "."))
		return str_dup(text);
	if (strict)
		return hostname_normalise(text, &name, &e) < 0 ? NULL : name;
	name = str_lower(text);
	if (n > 1 && name[n - 1] == '.')
		name[n - 1] = '\0';
	return name;
}

static char *without_blanks(const char *text)
{
	AUTO(buf_t) out = {0};

	for (const char *p = text; *p; p++)
		if (*p != ' ' && *p != '\t')
			(void)buf_char(&out, *p);
	return buf_steal(&out);
}

static char *form_hex(const char *text)
{
	AUTO(str_t) digits = without_blanks(text);
	size_t n = strlen(digits);

	return n > 0 && n % 2 == 0 && strspn(digits, "0123456789abcdefABCDEF") == n
		       ? str_lower(digits)
		       : NULL;
}

static char *form_base64(const char *text)
{
	AUTO(str_t) digits = without_blanks(text);
	size_t n = 0;
	AUTO(str_t) bytes = base64_decode(digits, &n);

	return bytes && n > 0 ? steal(&digits) : NULL;
}

/* ---- words ---- */

static const char *past_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

/* Past the word that begins at p; NULL when a quotation mark is not closed. */
static const char *past_word(const char *p)
{
	bool inside = false;

	for (; *p && (inside || (*p != ' ' && *p != '\t')); p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '"')
			inside = !inside;
	}
	return inside ? NULL : p;
}

/* A word without its marks; in them a backslash guards a mark or another backslash. */
static char *word_text(const char *p, const char *end)
{
	AUTO(buf_t) out = {0};

	if (end - p < 2 || *p != '"' || end[-1] != '"')
		return str_ndup(p, (size_t)(end - p));
	for (p++; p < end - 1; p++) {
		if (*p == '\\' && (p[1] == '"' || p[1] == '\\') && p + 1 < end - 1)
			p++;
		(void)buf_char(&out, *p);
	}
	return buf_steal(&out);
}

/* key="value", whether the mark was there or not. */
static char *param_form(const char *p, const char *end)
{
	const char *equals = memchr(p, '=', (size_t)(end - p));
	AUTO(str_t) raw = equals ? str_ndup(equals + 1, (size_t)(end - equals - 1)) : NULL;
	AUTO(str_t) value = raw ? form_text(raw) : NULL;
	AUTO(str_t) key = str_ndup(p, (size_t)((equals ? equals : end) - p));
	AUTO(str_t) small = str_lower(key);

	if (!*small || strchr(small, '"') || (value && strchr(value, '"')))
		return NULL;
	return value ? str_format("%s=\"%s\"", small, value) : steal(&small);
}

static int compare_words(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static char *words_joined(struct strlist *words)
{
	AUTO(buf_t) out = {0};

	if (words->n > 1)
		qsort(words->items, words->n, sizeof(*words->items), compare_words);
	for (size_t i = 0; i < words->n; i++)
		(void)buf_printf(&out, "%s%s", i ? " " : "", words->items[i]);
	return buf_steal(&out);
}

static char *form_params(const char *text)
{
	AUTO(strlist_t) words = {0};

	for (const char *p = past_blanks(text), *end; *p; p = past_blanks(end)) {
		end = past_word(p);
		AUTO(str_t) word = end ? param_form(p, end) : NULL;
		if (!word)
			return NULL;
		strlist_add(&words, word);
	}
	return words_joined(&words);
}

static char *part_form(const struct part *f, const char *text, bool strict)
{
	switch (f->kind) {
	case KIND_NUMBER:
		return form_number(text, f->max);
	case KIND_WORD:
		return form_word(text);
	case KIND_TEXT:
		return form_text(text);
	case KIND_NAME:
		return form_name(text, strict);
	case KIND_HEX:
		return form_hex(text);
	case KIND_BASE64:
		return form_base64(text);
	case KIND_PARAMS:
		return form_params(text);
	case KIND_END:
		break;
	}
	return NULL;
}

/* ---- from words ---- */

static const char *kind_wanted(enum kind kind)
{
	static const char *const wanted[] = {
		[KIND_WORD] = "is no word of letters and digits",
		[KIND_NAME] = "is no host name",
		[KIND_HEX] = "is not made of pairs of hexadecimal digits",
		[KIND_BASE64] = "is no base64",
		[KIND_PARAMS] = "is no list of key=value",
		[KIND_TEXT] = "is no text",
	};

	return wanted[kind];
}

static int hint_shape(const struct shape *s, struct err *e)
{
	AUTO(buf_t) keys = {0};

	for (const struct part *f = s->parts; f->kind; f++)
		(void)buf_printf(&keys, " %s", f->key);
	return err_hint(e, "The content of %s records is:%s, as in %s", s->type, buf_text(&keys),
			s->example);
}

static int refuse_part(const struct shape *s, const struct part *f, const char *text, struct err *e)
{
	if (f->kind == KIND_NUMBER)
		(void)err_set(e, ERR_INVALID, "content: %s \"%.40s\" is no number from 0 to %lld",
			      f->key, text, (long long)f->max);
	else
		(void)err_set(e, ERR_INVALID, "content: %s \"%.40s\" %s", f->key, text,
			      kind_wanted(f->kind));
	return hint_shape(s, e);
}

static int refuse_words(const struct shape *s, const char *what, const char *key, struct err *e)
{
	(void)err_set(e, ERR_INVALID, "content: %s%s", key, what);
	return hint_shape(s, e);
}

static bool takes_rest(enum kind kind)
{
	return kind == KIND_HEX || kind == KIND_BASE64 || kind == KIND_PARAMS;
}

/* The text of the part that begins at *p, which moves behind it. */
static int part_text(const struct shape *s, const struct part *f, const char **p, char **out,
		     struct err *e)
{
	const char *end = takes_rest(f->kind) ? *p + strlen(*p) : past_word(*p);

	if (!**p && f->kind != KIND_PARAMS)
		return refuse_words(s, " is missing", f->key, e);
	if (!end)
		return refuse_words(s, ": a quotation mark is not closed", f->key, e);
	*out = takes_rest(f->kind) ? str_dup(*p) : word_text(*p, end);
	*p = past_blanks(end);
	return 0;
}

static int parse(const struct shape *s, const char *content, bool strict, struct values *v,
		 struct err *e)
{
	const char *p = past_blanks(content);

	for (size_t i = 0; s->parts[i].kind; i++) {
		AUTO(str_t) text = NULL;
		if (part_text(s, &s->parts[i], &p, &text, e) < 0)
			return -1;
		v->of[i] = part_form(&s->parts[i], text, strict);
		if (!v->of[i] || (strict && s->parts[i].kind == KIND_NAME && v->of[i][0] == '*'))
			return refuse_part(s, &s->parts[i], text, e);
	}
	return *p ? refuse_words(s, "there is more than its fields", "", e) : 0;
}

/* ---- to words ---- */

static void put_text(const char *text, struct buf *out)
{
	(void)buf_char(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			(void)buf_char(out, '\\');
		(void)buf_char(out, *text);
	}
	(void)buf_char(out, '"');
}

static char *compose(const struct shape *s, const struct values *v)
{
	AUTO(buf_t) out = {0};

	for (size_t i = 0; s->parts[i].kind; i++) {
		if (i > 0 && (v->of[i][0] || s->parts[i].kind == KIND_TEXT))
			(void)buf_char(&out, ' ');
		if (s->parts[i].kind == KIND_TEXT)
			put_text(v->of[i], &out);
		else
			(void)buf_str(&out, v->of[i]);
	}
	return buf_steal(&out);
}

static int check_characters(const char *content, struct err *e)
{
	for (const char *p = content; *p; p++)
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return err_set(e, ERR_INVALID,
				       "content: line breaks and control characters are not "
				       "allowed");
	return 0;
}

int record_data_read(const char *type, const char *content, char **form, struct err *e)
{
	const struct shape *s = shape_of(type);
	AUTO(values_t) v = {{NULL}};

	if (is_loc(type))
		return check_characters(content, e) < 0 ? -1 : loc_read(content, true, form, e);
	if (!s)
		return err_set(e, ERR_INTERNAL, "content: %s records have no fields", type);
	if (check_characters(content, e) < 0 || parse(s, content, true, &v, e) < 0)
		return -1;
	*form = compose(s, &v);
	return 0;
}

/* As somebody else wrote it; NULL when it has not the fields of its type. s NULL = LOC. */
static char *lenient_form(const struct shape *s, const char *content)
{
	AUTO(values_t) v = {{NULL}};
	char *form = NULL;
	struct err e;

	if (!s)
		return loc_read(content, false, &form, &e) < 0 ? NULL : form;
	return parse(s, content, false, &v, &e) < 0 ? NULL : compose(s, &v);
}

bool record_data_same(const char *type, const char *a, const char *b)
{
	const struct shape *s = shape_of(type);
	bool known = record_type_has_fields(type);
	AUTO(str_t) x = known ? lenient_form(s, a) : NULL;
	AUTO(str_t) y = known ? lenient_form(s, b) : NULL;

	return x && str_equal(x, y);
}

/* ---- Cloudflare's object ---- */

static void put_part(const struct part *f, const char *text, struct json_writer *w)
{
	if (f->kind == KIND_NUMBER)
		json_put_int(w, f->key, strtoll(text, NULL, 10));
	else
		json_put_string(w, f->key, text);
}

static void put_parts(const struct shape *s, const struct values *v, bool beside,
		      struct json_writer *w)
{
	for (size_t i = 0; s->parts[i].kind; i++)
		if (s->parts[i].beside == beside)
			put_part(&s->parts[i], v->of[i], w);
}

void record_data_put(const char *type, const char *form, struct json_writer *w)
{
	const struct shape *s = shape_of(type);
	AUTO(values_t) v = {{NULL}};
	struct err e;

	if (is_loc(type)) {
		loc_put(form, w);
		return;
	}
	if (!s || parse(s, form, false, &v, &e) < 0) {
		json_put_string(w, "content", form);
		return;
	}
	put_parts(s, &v, true, w);
	json_write_key(w, "data");
	json_object_begin(w);
	put_parts(s, &v, false, w);
	json_object_end(w);
}

/* A number may come as its digits in a string; NULL when it is absent or no value of the part. */
static char *shown_form(const struct part *f, const struct json *member)
{
	AUTO(str_t) digits = NULL;
	int64_t number;
	const char *text = json_string(member);

	if (f->kind == KIND_NUMBER && json_int(member, &number))
		text = digits = str_format("%lld", (long long)number);
	return text ? part_form(f, text, false) : NULL;
}

/* Only the type counts: one strange value of somebody else's must not make a zone unreadable. */
static bool type_fits(const struct part *f, const struct json *member)
{
	return json_is_null(member) || json_string(member) ||
	       (f->kind == KIND_NUMBER && json_type(member) == JSON_NUMBER);
}

bool record_data_valid(const char *type, const struct json *data)
{
	const struct shape *s = shape_of(type);

	if (!record_type_has_data(type) || json_is_null(data))
		return true;
	if (json_type(data) != JSON_OBJECT)
		return false;
	if (is_loc(type))
		return loc_valid(data);
	for (const struct part *f = s->parts; f->kind; f++)
		if (!f->beside && !type_fits(f, json_get(data, f->key)))
			return false;
	return true;
}

static char *data_form(const struct shape *s, const struct json *data, int64_t priority)
{
	AUTO(values_t) v = {{NULL}};

	for (size_t i = 0; s->parts[i].kind; i++) {
		const struct part *f = &s->parts[i];
		const struct json *member = json_get(data, f->key);
		v.of[i] =
			f->beside ? str_format("%lld", (long long)priority) : shown_form(f, member);
		if (!v.of[i] && f->kind == KIND_PARAMS && json_is_null(member))
			v.of[i] = str_dup("");
		if (!v.of[i])
			return NULL;
	}
	return compose(s, &v);
}

static char *content_form(const struct shape *s, int64_t priority, const char *content)
{
	AUTO(str_t) whole = str_format("%lld %s", (long long)priority, content);
	char *form = lenient_form(s, content);

	/* SRV and URI: only these weigh, and only their content may lack the priority. */
	if (!form && s && str_equal(s->parts[1].key, "weight"))
		form = lenient_form(s, whole);
	return form;
}

char *record_data_form(const char *type, const struct json *data, int64_t priority,
		       const char *content)
{
	const struct shape *s = shape_of(type);

	/* Most are of these, in listings of thousands. */
	if (!s && !is_loc(type))
		return str_dup(content);
	bool object = (!s || !s->plain) && json_type(data) == JSON_OBJECT;
	char *form = !object ? NULL : s ? data_form(s, data, priority) : loc_form(data);
	if (!form)
		form = content_form(s, priority, content);
	return form ? form : str_dup(content);
}
