/* Tunnels: requests, and what is believed of the answers. */
#include "cloudflare/tunnels.h"

#include <stdlib.h>
#include <string.h>

#include "cloudflare/paths.h"

#define PAGE_ROWS    1000 /* the most that the API gives */
#define TUNNELS_MAX  20000
#define SECRET_BYTES 32 /* the least that Cloudflare takes */
#define TOKEN_MAX    4096

/* ---- requests ---- */

/* All calls on one tunnel by id have the same shape, and wait for each other, whoever asks. */
struct tunnel_call {
	const char *method, *rest, *permission;
	enum cf_share share;
};

static void tunnel_call(struct cf *cf, struct cf_call *c, const char *id,
			const struct tunnel_call *how, task_done_fn *done, void *owner)
{
	AUTO(str_t) path = NULL;
	struct err e;

	if (path_tunnel(cf, id, how->rest, &path, &e) < 0)
		cf_call_refuse(cf, c, &e, done, owner);
	else
		cf_call_start(cf, c, how->share, how->method, path, NULL, id, how->permission, done,
			      owner);
}

static int secret_check(const struct secret *secret, struct err *e)
{
	size_t len = 0;
	char *bytes = secret_present(secret) ? base64_decode(secret->data, &len) : NULL;
	if (bytes)
		explicit_bzero(bytes, len);
	free(bytes);
	if (!bytes || len < SECRET_BYTES)
		return err_set(e, ERR_INTERNAL,
			       "the tunnel's secret is not base64 of %d bytes or more",
			       SECRET_BYTES);
	return 0;
}

void cf_tunnel_create(struct cf *cf, struct cf_call *c, const char *object, const char *name,
		      const struct secret *secret, task_done_fn *done, void *owner)
{
	struct buf body = {.secret = true};
	AUTO(str_t) path = NULL;
	struct json_writer w;
	struct err e;

	if (tunnel_name_check(name, &e) < 0 || secret_check(secret, &e) < 0 ||
	    path_account(cf, "/cfd_tunnel", &path, &e) < 0) {
		cf_call_refuse(cf, c, &e, done, owner);
		return;
	}
	json_write_init(&w, &body);
	json_object_begin(&w);
	json_put_string(&w, "name", name);
	json_put_string(&w, "config_src", "cloudflare");
	json_put_string(&w, "tunnel_secret", secret->data);
	json_object_end(&w);
	cf_call_start(cf, c, CF_SHARE_RECONCILE, "POST", path, buf_text(&body), object,
		      PERMISSION_TUNNEL_EDIT, done, owner);
	buf_wipe(&body);
}

static void tunnel_find(struct cf *cf, struct cf_call *c, enum cf_share share, const char *object,
			const char *name, task_done_fn *done, void *owner)
{
	AUTO(str_t) encoded = percent_encode(name);
	AUTO(str_t)
	rest = str_format("/cfd_tunnel?name=%s&is_deleted=false&per_page=%d", encoded, PAGE_ROWS);
	AUTO(str_t) path = NULL;
	struct err e;

	if (path_account(cf, rest, &path, &e) < 0)
		cf_call_refuse(cf, c, &e, done, owner);
	else
		cf_call_start_with(cf, c, share, "GET", path, NULL, object, PERMISSION_TUNNEL_READ,
				   CF_CALL_WHOLE, done, owner);
}

void cf_tunnel_find(struct cf *cf, struct cf_call *c, const char *object, const char *name,
		    task_done_fn *done, void *owner)
{
	tunnel_find(cf, c, CF_SHARE_RECONCILE, object, name, done, owner);
}

void cf_tunnel_ask(struct cf *cf, struct cf_call *c, enum cf_share share, const char *name_or_id,
		   task_done_fn *done, void *owner)
{
	const struct tunnel_call how = {"GET", "", PERMISSION_TUNNEL_READ, share};

	if (uuid_valid(name_or_id))
		tunnel_call(cf, c, name_or_id, &how, done, owner);
	else
		tunnel_find(cf, c, share, NULL, name_or_id, done, owner);
}

void cf_tunnel_rename(struct cf *cf, struct cf_call *c, const char *id, const char *name,
		      task_done_fn *done, void *owner)
{
	AUTO(buf_t) body = {0};
	AUTO(str_t) path = NULL;
	struct json_writer w;
	struct err e;

	if (tunnel_name_check(name, &e) < 0 || path_tunnel(cf, id, "", &path, &e) < 0) {
		cf_call_refuse(cf, c, &e, done, owner);
		return;
	}
	json_write_init(&w, &body);
	json_object_begin(&w);
	json_put_string(&w, "name", name);
	json_object_end(&w);
	cf_call_start(cf, c, CF_SHARE_RECONCILE, "PATCH", path, buf_text(&body), id,
		      PERMISSION_TUNNEL_EDIT, done, owner);
}

void cf_tunnel_rotate(struct cf *cf, struct cf_call *c, const char *id, const struct secret *secret,
		      task_done_fn *done, void *owner)
{
	struct buf body = {.secret = true};
	AUTO(str_t) path = NULL;
	struct json_writer w;
	struct err e;

	if (secret_check(secret, &e) < 0 || path_tunnel(cf, id, "", &path, &e) < 0) {
		cf_call_refuse(cf, c, &e, done, owner);
		return;
	}
	json_write_init(&w, &body);
	json_object_begin(&w);
	json_put_string(&w, "tunnel_secret", secret->data);
	json_object_end(&w);
	cf_call_start(cf, c, CF_SHARE_RECONCILE, "PATCH", path, buf_text(&body), id,
		      PERMISSION_TUNNEL_EDIT, done, owner);
	buf_wipe(&body);
}

void cf_tunnel_get(struct cf *cf, struct cf_call *c, const char *id, task_done_fn *done,
		   void *owner)
{
	static const struct tunnel_call how = {"GET", "", PERMISSION_TUNNEL_READ,
					       CF_SHARE_RECONCILE};

	tunnel_call(cf, c, id, &how, done, owner);
}

void cf_tunnel_token(struct cf *cf, struct cf_call *c, const char *id, task_done_fn *done,
		     void *owner)
{
	/* Reading a token takes the right to write. */
	static const struct tunnel_call how = {"GET", "/token", PERMISSION_TUNNEL_EDIT,
					       CF_SHARE_RECONCILE};

	tunnel_call(cf, c, id, &how, done, owner);
}

void cf_tunnel_delete(struct cf *cf, struct cf_call *c, const char *id, task_done_fn *done,
		      void *owner)
{
	static const struct tunnel_call how = {"DELETE", "", PERMISSION_TUNNEL_EDIT,
					       CF_SHARE_RECONCILE};

	tunnel_call(cf, c, id, &how, done, owner);
}

void cf_connections_delete(struct cf *cf, struct cf_call *c, const char *id, task_done_fn *done,
			   void *owner)
{
	static const struct tunnel_call how = {"DELETE", "/connections", PERMISSION_TUNNEL_EDIT,
					       CF_SHARE_RECONCILE};

	tunnel_call(cf, c, id, &how, done, owner);
}

void cf_tunnel_list(struct cf *cf, struct cf_page *p, enum cf_share share, task_done_fn *done,
		    void *owner)
{
	AUTO(str_t) path = NULL;
	struct err e;

	if (path_account(cf, "/cfd_tunnel?is_deleted=false", &path, &e) < 0)
		cf_page_refuse(cf, p, &e, done, owner);
	else
		cf_page_start(cf, p, share, path, PAGE_ROWS, TUNNELS_MAX, PERMISSION_TUNNEL_READ,
			      done, owner);
	if (p->task.err.kind == ERR_NONE)
		cf_page_decoded(p, cf_tunnel_family());
}

/* ---- answers ---- */

static int tunnel_refuse(const char *what, struct err *e)
{
	return err_set(e, ERR_UPSTREAM, "Cloudflare's answer is no tunnel: %s", what);
}

enum member {
	TUNNEL_ID, /* first: a row is known by it */
	TUNNEL_NAME,
	TUNNEL_STATUS,
	TUNNEL_CREATED,
	TUNNEL_DELETED,
	TUNNEL_CONNECTIONS,
	TUNNEL_SOURCE,
	TUNNEL_REMOTE,
	TUNNEL_MEMBERS
};

static const char *const member_names[TUNNEL_MEMBERS] = {
	[TUNNEL_ID] = "id",
	[TUNNEL_NAME] = "name",
	[TUNNEL_STATUS] = "status",
	[TUNNEL_CREATED] = "created_at",
	[TUNNEL_DELETED] = "deleted_at",
	[TUNNEL_CONNECTIONS] = "connections",
	[TUNNEL_SOURCE] = "config_src",
	[TUNNEL_REMOTE] = "remote_config",
};

static bool is_remote(const struct json *const *m)
{
	const char *source = json_string(m[TUNNEL_SOURCE]);

	return source ? str_equal(source, "cloudflare") : json_bool(m[TUNNEL_REMOTE], false);
}

/* A word that we do not know is not passed on. */
static bool is_status(const char *word)
{
	static const char *const words[] = {"inactive", "degraded", "healthy", "down"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_equal(words[i], word))
			return true;
	return false;
}

static int tunnel_of(const struct json *const *m, struct cf_tunnel *out, struct err *e)
{
	const struct json *deleted = m[TUNNEL_DELETED], *connections = m[TUNNEL_CONNECTIONS];
	const char *id = json_string(m[TUNNEL_ID]), *name = json_string(m[TUNNEL_NAME]);
	const char *status = json_string(m[TUNNEL_STATUS]);
	const char *created = json_string(m[TUNNEL_CREATED]);
	struct err ignored;
	struct cf_tunnel t = {.connections = -1};

	if (!id || !uuid_valid(id) || !str_copy(t.id, sizeof(t.id), id))
		return tunnel_refuse("its id is missing or malformed", e);
	if (!name || !*name || !str_copy(t.name, sizeof(t.name), name))
		return tunnel_refuse("its name is missing or too long", e);
	if (!json_is_null(deleted) && !json_string(deleted))
		return tunnel_refuse("it does not say whether it is deleted", e);
	t.deleted = !json_is_null(deleted);
	t.remote = is_remote(m);
	if (is_status(status))
		(void)str_copy(t.status, sizeof(t.status), status);
	text_printable(t.name);
	if (!created || time_parse(created, 0, &t.created_ms, &ignored) < 0)
		t.created_ms = 0;
	if (json_type(connections) == JSON_ARRAY)
		t.connections = (int64_t)json_count(connections);
	*out = t;
	return 0;
}

int cf_tunnel_read(const struct json *v, struct cf_tunnel *out, struct err *e)
{
	const struct json *members[TUNNEL_MEMBERS];

	if (json_type(v) != JSON_OBJECT)
		return tunnel_refuse(json_type_name(json_type(v)), e);
	json_get_each(v, member_names, TUNNEL_MEMBERS, members);
	return tunnel_of(members, out, e);
}

struct tunnel_decoded {
	struct cf_decoded head; /* first */
	struct cf_tunnel tunnel;
};

static struct cf_decoded *tunnel_decode(const struct json *const *members)
{
	struct cf_tunnel t;
	struct err e;

	if (tunnel_of(members, &t, &e) < 0)
		return NULL;
	struct tunnel_decoded *d = mem_alloc(sizeof(*d));
	d->head.id = d->tunnel.id;
	d->tunnel = t;
	return &d->head;
}

const struct cf_family *cf_tunnel_family(void)
{
	static const struct cf_family family = {
		.members = member_names, .n_members = TUNNEL_MEMBERS, .decode = tunnel_decode};

	return &family;
}

int cf_tunnel_row(const struct cf_page *p, struct cf_row *row, struct cf_tunnel *out, struct err *e)
{
	if (!row->decoded || p->rows->family != cf_tunnel_family())
		return cf_tunnel_read(cf_row_json(row), out, e);
	*out = ((const struct tunnel_decoded *)(const void *)row->decoded)->tunnel;
	return 0;
}

static int token_refuse(struct err *e)
{
	return err_set(e, ERR_UPSTREAM, "the tunnel's token is malformed");
}

static bool secret_is_base64(const char *text)
{
	size_t len = 0;
	char *bytes = base64_decode(text, &len);

	if (bytes)
		explicit_bzero(bytes, len);
	free(bytes);
	return bytes && len > 0;
}

/* The members are taken as spans of the decoded text: a parsed document would keep copies that
 * nobody wipes. */
static int token_split(struct json_span object, struct cf_token *out, struct err *e)
{
	AUTO(str_t) account = json_span_string(json_span_member(object, "a"));
	AUTO(str_t) tunnel = json_span_string(json_span_member(object, "t"));
	char *secret = json_span_string(json_span_member(object, "s"));
	int rc = -1;

	if (account && tunnel && secret && hex_valid(account, CF_ID_SIZE - 1) &&
	    uuid_valid(tunnel) && secret_is_base64(secret) &&
	    str_copy(out->account, sizeof(out->account), account) &&
	    str_copy(out->tunnel, sizeof(out->tunnel), tunnel)) {
		secret_set(&out->secret, secret, strlen(secret));
		rc = 0;
	}
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
	return rc == 0 ? 0 : token_refuse(e);
}

int cf_token_read(const char *token, struct cf_token *out, struct err *e)
{
	struct cf_token t = {0};
	struct err why; /* it might quote */
	size_t len = 0;
	int rc = -1;

	if (!token || strnlen(token, TOKEN_MAX + 1) > TOKEN_MAX)
		return token_refuse(e);
	char *text = base64_decode(token, &len);
	if (!text)
		return token_refuse(e);
	if (json_check(text, len, NULL, &why) < 0)
		(void)token_refuse(e);
	else
		rc = token_split(json_span_of(text, len), &t, e);
	explicit_bzero(text, len);
	free(text);
	if (rc == 0)
		*out = t;
	return rc;
}

void cf_token_free(struct cf_token *t)
{
	secret_free(&t->secret);
	memset(t, 0, sizeof(*t));
}
