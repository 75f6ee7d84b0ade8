/*
 * One call to Cloudflare's API: base URL, token, envelope, error kinds (HTTP status first, code
 * second), ray ids, budget, and at most one request per object in flight. A 429 is waited out here,
 * since it is known to have had no effect; nothing else is repeated: who asked decides, after
 * reading back what the lost answer may have done. The token stands in no error and no log.
 */
#ifndef CLOUDFLARE_CLIENT_H
#define CLOUDFLARE_CLIENT_H

#include "base/json.h"
#include "base/secret.h"
#include "cloudflare/rows.h"
#include "loop/http.h"
#include "model/world.h"

struct cf;

struct cf_options {
	const char *base_url; /* "https://api.cloudflare.com/client/v4"; http:// only to loopback */
	const char *account_id;
	int64_t budget_calls, budget_window_ms; /* of this host: settings divided by fleet_size */
	const char *token_key; /* the setting that names the token's file, a literal; NULL =
				  cloudflare.api_token_file */
};

/* Budget figures and access state are written to world->system. http and world are borrowed. A call
 * is zeroed by its owner before its first use. */
MUST_USE int cf_new(struct loop *l, struct http *http, struct world *w,
		    const struct cf_options *options, struct cf **cf, struct err *e);
/* Cancels all calls, without done(). */
void cf_free(struct cf *cf);
/* Copies; an absent secret means that calls fail with ERR_DENIED and a hint. */
void cf_set_token(struct cf *cf, const struct secret *token);
/* Which token it is, as a hash that tells nothing else; "" without one. salt: of this store alone.
 */
void cf_token_mark(const struct cf *cf, const char *salt, char out[SHA256_HEX_SIZE]);
/* "" = not known. Calls that were started keep the one that they have. */
void cf_set_account(struct cf *cf, const char *account_id);
void cf_set_budget(struct cf *cf, int64_t calls, int64_t window_ms);

/* Cloudflare said to an earlier life of ours to wait, and it is so long from now. */
void cf_pause(struct cf *cf, int64_t ms);

/* Whose share of the budget a call spends (budget.h). */
enum cf_share { CF_SHARE_PEOPLE, CF_SHARE_RECONCILE, CF_SHARE_READS, CF_SHARES };

struct cf_call {
	struct task task; /* first. err: kind, sentence with Cloudflare's words and code, hint,
			     missing_permission, status, code and ray */
	/* out, until cf_call_reset */
	int status;
	char ray[ERR_RAY_SIZE];
	const struct json
		*result;         /* of the envelope; NULL when absent or null, or after a failure */
	const struct json *info; /* result_info; NULL likewise */
	const struct json *errors; /* array or NULL */
	struct json_doc *doc;      /* owns the three above; NULL when the answer was no JSON */
	const struct buf *text;    /* the answer's bytes, for raw spans */
	bool unknown;              /* it failed, and whether it took effect is not known */
	bool absent;               /* the object does not exist (404, 81044, 1003, 1015 ...) */

	struct cf_rows *rows; /* borrowed: the result's rows go there, result is an empty list;
				 set behind the start, NULL = they stay in result */

	/* private */
	struct cf *cf; /* NULL = not started, or over */
	struct http_req req;
	struct list node; /* among those in the same state */
	char *method, *path, *body, *object;
	const char *permission;
	enum cf_share share;
	enum { CF_CALL_QUEUED, CF_CALL_READY, CF_CALL_FLYING, CF_CALL_ENDED } state;
	int refusals;             /* how often it met a 429 */
	int64_t refused_ms;       /* monotonic: the first of them */
	int64_t token_generation; /* which token it was sent with */
	int flags;
	task_done_fn *done;
	void *owner;
};

enum {
	CF_CALL_WHOLE = 1,  /* the result is a list that must be complete in this one answer */
	CF_CALL_BESIDE = 4, /* that it fails tells nothing of Cloudflare as a whole */
	CF_CALL_TRYING = 2, /* says nothing about the token: the caller judges, or asks elsewhere */
};

/* For the families in this room. path is below the base URL ("/accounts/..."); object names what
 * must not have two requests in flight ("tunnel t0123", NULL for plain reads), a second one waits.
 * permission is what Cloudflare calls it ("Cloudflare Tunnel: Edit"), for the 403 sentence. body is
 * JSON text or NULL. All are copied but permission, which is a literal. */
void cf_call_start(struct cf *cf, struct cf_call *c, enum cf_share share, const char *method,
		   const char *path, const char *body, const char *object, const char *permission,
		   task_done_fn *done, void *owner);
/* The same with flags (CF_CALL_...) or'ed. */
void cf_call_start_with(struct cf *cf, struct cf_call *c, enum cf_share share, const char *method,
			const char *path, const char *body, const char *object,
			const char *permission, int flags, task_done_fn *done, void *owner);
/* For families: the call ends with this error, nothing is sent. */
void cf_call_refuse(struct cf *cf, struct cf_call *c, const struct err *why, task_done_fn *done,
		    void *owner);
/* The account's id; ERR_DENIED with a hint when none is configured. */
MUST_USE int cf_account(const struct cf *cf, const char **account_id, struct err *e);
struct loop *cf_loop(const struct cf *cf);
/* The setting that names its token's file. */
const char *cf_token_key(const struct cf *cf);
/* Where what its answers say of access and budget is written. */
const struct world *cf_world(const struct cf *cf);
/* The last listings, for those that come. */
struct cf_shelf *cf_listings(struct cf *cf);
/* Does the answer hold a list, which may be empty? */
bool cf_call_listed(const struct cf_call *c);

/* Idempotent; fine on a zeroed call. A write in flight may have taken effect all the same. */
void cf_call_cancel(struct cf_call *c);
/* Free what a finished or cancelled call holds; it can be started again. */
void cf_call_reset(struct cf_call *c);

/* Does this error say that the token is good for nothing, rather than not for this? */
bool cf_about_token(const struct err *e);
/* Is that the ray of one of our latest writes (rays.h)? */
bool cf_ray_ours(const struct cf *cf, const char *ray);
/* Letters, digits and hyphens only, so that it may stand in any text. */
bool cf_ray_valid(const char *ray);
/* Pure, for tests: what an answer means. token_key: the setting that names the token it was asked
 * with. Fills e (kind ERR_NONE = success), *absent. */
void cf_classify(int status, const struct json *root, const char *ray, const char *permission,
		 const char *retry_after, const char *token_key, struct err *e, bool *absent);

#endif
