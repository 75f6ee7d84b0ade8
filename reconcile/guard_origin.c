/*
 * Reading originRequest. cloudflared decodes it without regard to case, so "NOTLSVERIFY" works
 * there; here every option has one spelling, and nothing that matters goes by unseen.
 */
#include "reconcile/guard_origin.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void origin_safety_free(struct origin_safety *o)
{
	free(steal(&o->access));
}

void origin_safety_t_cleanup(origin_safety_t *o)
{
	origin_safety_free(o);
}

static int check_spelling(const struct json *object, const char *const *names, struct err *e)
{
	JSON_EACH (v, object)
		for (const char *const *name = names; *name; name++)
			if (strcasecmp(json_key(v), *name) == 0 && !str_equal(json_key(v), *name))
				return err_set(e, ERR_INVALID,
					       "originRequest: %s is spelled in another case",
					       *name);
	return 0;
}

static int read_flag(const struct json *object, const char *name, bool *out, struct err *e)
{
	const struct json *v = json_get(object, name);
	if (!json_is_null(v) && json_type(v) != JSON_BOOL)
		return err_set(e, ERR_INVALID, "originRequest: %s is %s, accepted is true or false",
			       name, json_type_name(json_type(v)));
	*out = json_bool(v, false);
	return 0;
}

static int read_access(const struct json *access, struct origin_safety *o, struct err *e)
{
	static const char *const names[] = {"required", "teamName", "audTag", "environment", NULL};
	AUTO(buf_t) text = {0};
	if (json_is_null(access))
		return 0;
	if (json_type(access) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "originRequest: access is %s, not an object",
			       json_type_name(json_type(access)));
	if (check_spelling(access, names, e) < 0 ||
	    read_flag(access, "required", &o->access_required, e) < 0)
		return -1;
	json_print(access, &text);
	o->access = buf_steal(&text);
	return 0;
}

static int read_proxy_type(const struct json *v, struct origin_safety *o, struct err *e)
{
	if (!json_is_null(v) && !json_string(v))
		return err_set(e, ERR_INVALID, "originRequest: proxyType is %s, not a string",
			       json_type_name(json_type(v)));
	o->socks = json_string(v) && *json_string(v);
	return 0;
}

static int read_members(const struct json *root, struct origin_safety *o, struct err *e)
{
	static const char *const names[] = {"noTLSVerify", "access", "bastionMode", "proxyType",
					    NULL};
	if (json_is_null(root))
		return 0;
	if (json_type(root) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "originRequest is %s, not an object",
			       json_type_name(json_type(root)));
	if (check_spelling(root, names, e) < 0 ||
	    read_flag(root, "noTLSVerify", &o->no_tls_verify, e) < 0 ||
	    read_flag(root, "bastionMode", &o->bastion, e) < 0 ||
	    read_proxy_type(json_get(root, "proxyType"), o, e) < 0)
		return -1;
	return read_access(json_get(root, "access"), o, e);
}

int origin_read(const char *origin, struct origin_safety *out, struct err *e)
{
	AUTO(json_doc_t) doc = NULL;
	AUTO(origin_safety_t) o = {0};
	if (origin && json_parse(origin, strlen(origin), NULL, &doc, e) < 0)
		return err_wrap(e, "originRequest");
	if (doc && read_members(json_root(doc), &o, e) < 0)
		return -1;
	*out = o;
	o = (struct origin_safety){0};
	return 0;
}
