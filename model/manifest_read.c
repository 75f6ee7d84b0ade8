/* YAML to a manifest: one field table for each kind of object, as for settings and arguments. */
#include <stdlib.h>
#include <string.h>

#include "base/drift_words.h"
#include "base/probe_words.h"
#include "base/record_types.h"
#include "base/text.h"
#include "model/manifest_private.h"
#include "model/origin_form.h"

struct head {
	char *manifest;
	struct raw_json tunnels, records;
};

static const char *const policies[] = {DRIFT_WORDS, NULL};
static const char *const probings[] = {PROBE_WORDS, NULL};
static const char *const types[] = {RECORD_TYPES, NULL};

static int check_service(const char *value, struct err *e)
{
	struct service s;

	return service_parse(value, &s, e);
}

static int check_pattern(const char *value, struct err *e)
{
	return *value ? pattern_check(value, e) : 0;
}

static const struct field head_fields[] = {
	FIELD(struct head, manifest, .min = 1, .max = MANIFEST_NAME_MAX,
	      .check = manifest_name_check, .doc = "its name"),
	FIELD(struct head, tunnels, .doc = "tunnels, each with its routes"),
	FIELD(struct head, records, .doc = "DNS records that lead to no tunnel"),
	FIELDS_END,
};

static const struct field tunnel_fields[] = {
	FIELD(struct manifest_tunnel, name, .flags = FIELD_REQUIRED, .min = 1, .max = 64,
	      .check = tunnel_name_check, .doc = "its name"),
	FIELD(struct manifest_tunnel, replicas, .fallback = "1", .max = 25,
	      .doc = "connectors on this host"),
	FIELD(struct manifest_tunnel, drift, .values = policies,
	      .doc = "what is done about changes made elsewhere"),
	FIELD(struct manifest_tunnel, routes, .doc = "its routes"),
	FIELDS_END,
};

static const struct field route_fields[] = {
	FIELD(struct manifest_route, hostname, .flags = FIELD_REQUIRED, .min = 3, .max = 253,
	      .doc = "full public name"),
	FIELD(struct manifest_route, path, .max = 512, .check = check_pattern,
	      .doc = "only paths that match this pattern"),
	FIELD(struct manifest_route, service, .flags = FIELD_REQUIRED, .min = 3, .max = 300,
	      .check = check_service, .doc = "origin"),
	FIELD(struct manifest_route, origin, .doc = "options towards the origin"),
	FIELD(struct manifest_route, drift, .values = policies,
	      .doc = "what is done about changes made elsewhere"),
	FIELD(struct manifest_route, probe, .values = probings,
	      .doc = "how adit asks whether the origin is there"),
	FIELD(struct manifest_route, dns, .fallback = "true", .doc = "keep its DNS record as well"),
	FIELD(struct manifest_route, comment, .max = 400, .doc = "text in that record's comment"),
	FIELDS_END,
};

static const struct field record_fields[] = {
	FIELD(struct manifest_record, name, .flags = FIELD_REQUIRED, .min = 3, .max = 253,
	      .doc = "full name"),
	FIELD(struct manifest_record, type, .flags = FIELD_REQUIRED, .values = types,
	      .doc = "its type"),
	FIELD(struct manifest_record, content, .flags = FIELD_REQUIRED, .min = 1, .max = 2048,
	      .doc = "address, name, text or fields as in zone files"),
	FIELD(struct manifest_record, proxied, .doc = "answered by Cloudflare's edge"),
	FIELD(struct manifest_record, ttl, .fallback = "1", .min = 1, .max = 86400,
	      .doc = "seconds; 1 = automatic"),
	FIELD(struct manifest_record, priority, .fallback = "10", .max = 65535,
	      .doc = "of an MX record"),
	FIELD(struct manifest_record, comment, .max = 400, .doc = "text in its comment"),
	FIELD(struct manifest_record, drift, .values = policies,
	      .doc = "what is done about changes made elsewhere"),
	FIELDS_END,
};

bool manifest_takes_type(const char *type)
{
	for (size_t i = 0; types[i]; i++)
		if (str_equal(types[i], type))
			return true;
	return false;
}

/* ---- freeing ---- */

void manifest_tunnel_clear(struct manifest_tunnel *t)
{
	fields_free(tunnel_fields, t);
	free(steal(&t->place));
}

void manifest_route_clear(struct manifest_route *r)
{
	fields_free(route_fields, r);
	free(steal(&r->place));
}

void manifest_record_clear(struct manifest_record *r)
{
	fields_free(record_fields, r);
	free(steal(&r->place));
}

/* ---- reading ---- */

/* A list, or nothing. The tables know arrays and objects as one. */
static int need_list(const struct manifest *m, const char *place, const struct json *object,
		     const char *key, struct err *e)
{
	const struct json *v = json_get(object, key);

	if (json_is_null(v) || json_type(v) == JSON_ARRAY)
		return 0;
	(void)err_set(e, ERR_INVALID, "%s: is %s, accepted is a list", key,
		      json_type_name(json_type(v)));
	return manifest_wrap(m, place, key, e);
}

static int need_object(const struct manifest *m, const char *place, const struct json *v,
		       struct err *e)
{
	if (json_type(v) == JSON_OBJECT)
		return 0;
	(void)err_set(e, ERR_INVALID, "is %s, accepted are lines of the form key: value",
		      json_type_name(json_type(v)));
	return manifest_wrap(m, place, "", e);
}

static int read_fields(const struct manifest *m, const struct field *table, const char *place,
		       const struct json *v, void *out, struct err *e)
{
	char path[FIELD_PATH_SIZE] = "";

	if (need_object(m, place, v, e) < 0)
		return -1;
	return fields_decode(table, v, out, path, e) < 0 ? manifest_wrap(m, place, path, e) : 0;
}

static int read_name(const struct manifest *m, const char *place, const char *key, char **name,
		     struct err *e)
{
	AUTO(str_t) form = NULL;

	if (hostname_normalise(*name, &form, e) < 0) {
		(void)err_wrap(e, "%s", key);
		return manifest_wrap(m, place, key, e);
	}
	str_set(name, form);
	return 0;
}

/* "" is as good as absent. */
static void drop_empty(char **text)
{
	if (*text && !**text)
		str_set(text, NULL);
}

static int read_origin(const struct manifest *m, struct manifest_route *r, const struct json *v,
		       struct err *e)
{
	AUTO(buf_t) form = {0};
	char option[FIELD_PATH_SIZE];

	if (origin_form(json_get(v, "origin"), ORIGIN_OF_API, &form, option, e) < 0) {
		AUTO(str_t) below = str_format("origin%s%s", *option ? "." : "", option);
		AUTO(str_t) sentence = str_format("origin%s%s", *option ? "." : ": ", e->message);
		(void)err_set(e, ERR_INVALID, "%s", sentence);
		return manifest_wrap(m, r->place, below, e);
	}
	str_set(&r->origin.text, form.len ? buf_text(&form) : NULL);
	return 0;
}

static int fill_route(const struct manifest *m, struct manifest_route *r, const struct json *v,
		      struct err *e)
{
	if (read_fields(m, route_fields, r->place, v, r, e) < 0)
		return -1;
	drop_empty(&r->path);
	drop_empty(&r->comment);
	if (read_name(m, r->place, "hostname", &r->hostname, e) < 0)
		return -1;
	return read_origin(m, r, v, e);
}

static int read_route(struct manifest *m, const struct json *v, size_t tunnel, size_t index,
		      struct err *e)
{
	struct manifest_route r = {
		.tunnel = tunnel,
		.place = str_format("%s.routes[%zu]", m->tunnels[tunnel].place, index),
	};

	if (fill_route(m, &r, v, e) < 0) {
		manifest_route_clear(&r);
		return -1;
	}
	return manifest_add_route(m, &r, e);
}

static int fill_tunnel(const struct manifest *m, struct manifest_tunnel *t, const struct json *v,
		       struct err *e)
{
	if (need_object(m, t->place, v, e) < 0 || need_list(m, t->place, v, "routes", e) < 0)
		return -1;
	return read_fields(m, tunnel_fields, t->place, v, t, e);
}

static int read_tunnel(struct manifest *m, const struct json *v, size_t index, struct err *e)
{
	struct manifest_tunnel t = {.place = str_format("tunnels[%zu]", index)};
	size_t tunnel = m->n_tunnels, route = 0;

	if (fill_tunnel(m, &t, v, e) < 0) {
		manifest_tunnel_clear(&t);
		return -1;
	}
	if (manifest_add_tunnel(m, &t, e) < 0)
		return -1;
	JSON_EACH (r, json_get(v, "routes"))
		if (read_route(m, r, tunnel, route++, e) < 0)
			return -1;
	return 0;
}

static int fill_record(const struct manifest *m, struct manifest_record *r, const struct json *v,
		       struct err *e)
{
	if (read_fields(m, record_fields, r->place, v, r, e) < 0)
		return -1;
	drop_empty(&r->comment);
	return read_name(m, r->place, "name", &r->name, e);
}

static int read_record(struct manifest *m, const struct json *v, size_t index, struct err *e)
{
	struct manifest_record r = {.place = str_format("records[%zu]", index)};

	if (fill_record(m, &r, v, e) < 0) {
		manifest_record_clear(&r);
		return -1;
	}
	return manifest_add_record(m, &r, e);
}

static int read_document(struct manifest *m, const struct json *root, struct err *e)
{
	struct head head = {NULL, {NULL}, {NULL}};
	size_t tunnel = 0, record = 0;

	if (need_object(m, "", root, e) < 0 || need_list(m, "", root, "tunnels", e) < 0 ||
	    need_list(m, "", root, "records", e) < 0 ||
	    read_fields(m, head_fields, "", root, &head, e) < 0)
		return -1;
	m->name = steal(&head.manifest);
	fields_free(head_fields, &head);
	JSON_EACH (t, json_get(root, "tunnels"))
		if (read_tunnel(m, t, tunnel++, e) < 0)
			return -1;
	JSON_EACH (r, json_get(root, "records"))
		if (read_record(m, r, record++, e) < 0)
			return -1;
	return 0;
}

int manifest_parse(const char *file, const char *text, size_t len, struct manifest **out,
		   struct err *e)
{
	AUTO(manifest_t) m = mem_alloc(sizeof(*m));

	if (yaml_parse(file, text, len, &m->doc, e) < 0 ||
	    read_document(m, yaml_root(m->doc), e) < 0)
		return -1;
	*out = steal(&m);
	return 0;
}
