/* cloudflared takes an option in any case and lets what it does not know go by; here each has one
 * spelling and one type, so that nothing is silently without effect. */
#include "model/origin_form.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

enum form { FORM_SECONDS, FORM_COUNT, FORM_FLAG, FORM_TEXT, FORM_OBJECT, FORM_LIST };

static const struct option {
	const char *name;
	enum form form;
} options[] = {
	{"access", FORM_OBJECT},
	{"bastionMode", FORM_FLAG},
	{"caPool", FORM_TEXT},
	{"connectTimeout", FORM_SECONDS},
	{"disableChunkedEncoding", FORM_FLAG},
	{"http2Origin", FORM_FLAG},
	{"httpHostHeader", FORM_TEXT},
	{"ipRules", FORM_LIST},
	{"keepAliveConnections", FORM_COUNT},
	{"keepAliveTimeout", FORM_SECONDS},
	{"matchSNItoHost", FORM_FLAG},
	{"noHappyEyeballs", FORM_FLAG},
	{"noTLSVerify", FORM_FLAG},
	{"originServerName", FORM_TEXT},
	{"proxyAddress", FORM_TEXT},
	{"proxyPort", FORM_COUNT},
	{"proxyType", FORM_TEXT},
	{"tcpKeepAlive", FORM_SECONDS},
	{"tlsTimeout", FORM_SECONDS},
};

static const char *const accepted[] = {
	[FORM_SECONDS] = "a time in whole seconds, as in \"30s\"",
	[FORM_COUNT] = "a whole number",
	[FORM_FLAG] = "true or false",
	[FORM_TEXT] = "a string",
	[FORM_OBJECT] = "an object",
	[FORM_LIST] = "a list",
};

static const enum json_type types[] = {
	[FORM_SECONDS] = JSON_NUMBER, [FORM_COUNT] = JSON_NUMBER,  [FORM_FLAG] = JSON_BOOL,
	[FORM_TEXT] = JSON_STRING,    [FORM_OBJECT] = JSON_OBJECT, [FORM_LIST] = JSON_ARRAY,
};

static const struct option *find_option(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (strcasecmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

bool origin_form_knows(const char *name, const char **near)
{
	const char *names[ARRAY_LEN(options) + 1] = {NULL};

	if (find_option(name))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		names[i] = options[i].name;
	*near = fields_nearest(names, name);
	return false;
}

static int refuse_unknown(const char *name, const char *near, struct err *e)
{
	if (near)
		return err_set(e, ERR_INVALID, "%.64s: unknown option; did you mean \"%s\"?", name,
			       near);
	return err_set(e, ERR_INVALID,
		       "%.64s: unknown option; accepted are those of cloudflared's originRequest",
		       name);
}

static int refuse(const struct option *o, const struct json *v, struct err *e)
{
	return err_set(e, ERR_INVALID, "%s: is %s, accepted is %s", o->name,
		       json_type_name(json_type(v)), accepted[o->form]);
}

static int write_time(const struct option *o, const struct json *v, struct json_writer *w,
		      struct err *e)
{
	const char *text = json_string(v);
	int64_t ms;

	if (!text)
		return refuse(o, v, e);
	if (duration_parse(text, &ms, NULL) < 0 || ms % 1000 != 0)
		return err_set(e, ERR_INVALID, "%s: \"%.40s\" is not accepted, accepted is %s",
			       o->name, text, accepted[o->form]);
	json_put_int(w, o->name, ms / 1000);
	return 0;
}

static int write_known(const struct option *o, const struct json *v, enum origin_source from,
		       struct json_writer *w, struct err *e)
{
	int64_t n = 0;
	bool time = o->form == FORM_SECONDS;

	if (time && (from == ORIGIN_OF_FILE || json_type(v) == JSON_STRING))
		return write_time(o, v, w, e);
	if (json_type(v) != types[o->form])
		return refuse(o, v, e);
	if (json_type(v) == JSON_NUMBER && (!json_int(v, &n) || n < 0))
		return err_set(e, ERR_INVALID, "%s: is out of range, accepted is %s", o->name,
			       accepted[o->form]);
	json_write_key(w, o->name);
	json_write_value(w, v);
	return 0;
}

static int write_option(const struct json *v, enum origin_source from, struct json_writer *w,
			struct err *e)
{
	const char *name = json_key(v);
	const struct option *o = find_option(name);
	const char *near = NULL;

	if (o && !str_equal(o->name, name))
		return err_set(e, ERR_INVALID, "%.64s: is spelled %s", name, o->name);
	if (o)
		return write_known(o, v, from, w, e);
	if (from == ORIGIN_OF_FILE && !origin_form_knows(name, &near))
		return refuse_unknown(name, near, e);
	json_write_key(w, name);
	json_write_value(w, v);
	return 0;
}

int origin_form(const struct json *origin, enum origin_source from, struct buf *out,
		char path[FIELD_PATH_SIZE], struct err *e)
{
	AUTO(buf_t) text = {0};
	struct json_writer w;
	size_t n = 0;

	path[0] = '\0';
	if (!json_is_null(origin) && json_type(origin) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "is %s, accepted is an object",
			       json_type_name(json_type(origin)));
	json_write_init(&w, &text);
	json_object_begin(&w);
	JSON_EACH (v, origin) {
		if (json_is_null(v))
			continue;
		if (write_option(v, from, &w, e) < 0) {
			(void)str_copy(path, FIELD_PATH_SIZE, json_key(v));
			return -1;
		}
		n++;
	}
	json_object_end(&w);
	if (n)
		(void)buf_add(out, buf_text(&text), text.len);
	return 0;
}
