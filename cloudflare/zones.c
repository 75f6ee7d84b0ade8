/* Zones and the token's own state. */
#include "cloudflare/zones.h"

#include <string.h>

#include "cloudflare/paths.h"

#define PAGE_ROWS 50 /* the most that the API gives */
#define ZONES_MAX 5000

void cf_zone_list(struct cf *cf, struct cf_page *p, enum cf_share share, task_done_fn *done,
		  void *owner)
{
	AUTO(str_t) path = NULL;
	const char *account;
	struct err e;

	if (cf_account(cf, &account, &e) < 0) {
		cf_page_refuse(cf, p, &e, done, owner);
		return;
	}
	path = str_format("/zones?account.id=%s", account);
	cf_page_start(cf, p, share, path, PAGE_ROWS, ZONES_MAX, PERMISSION_ZONE_READ, done, owner);
}

static struct zone *zone_refuse(const char *what, struct err *e)
{
	(void)err_set(e, ERR_UPSTREAM, "Cloudflare's answer is no zone: %s", what);
	return NULL;
}

/* One word, as names of states and plans are, but for the " Website" that plans may end with; NULL
 * where there is none. What is more than that is no such name. */
static char *word_of(const struct json *v, const char *key)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_-";
	const char *text = json_get_string(v, key);
	size_t len = text ? strspn(text, allowed) : 0;

	if (len == 0 || len > 32 || (text[len] && !str_equal(text + len, " Website")))
		return NULL;
	return str_dup(text);
}

struct zone *cf_zone_read(const struct json *v, struct err *e)
{
	const char *id = json_get_string(v, "id");
	const char *name = json_get_string(v, "name");
	const char *account = json_get_string(json_get(v, "account"), "id");
	const struct json *plan = json_get(v, "plan");
	AUTO(str_t) normal = NULL;
	struct err why;

	if (json_type(v) != JSON_OBJECT)
		return zone_refuse(json_type_name(json_type(v)), e);
	if (!id || !hex_valid(id, CF_ID_SIZE - 1))
		return zone_refuse("its id is missing or malformed", e);
	if (!name || hostname_normalise(name, &normal, &why) < 0)
		return zone_refuse("its name is missing or no host name", e);
	if (account && !hex_valid(account, CF_ID_SIZE - 1))
		return zone_refuse("the id of its account is malformed", e);

	struct zone *z = zone_new(id, normal);
	z->status = word_of(v, "status");
	if (!z->status)
		z->status = str_dup("unknown");
	z->plan = word_of(plan, "legacy_id");
	if (!z->plan)
		z->plan = word_of(plan, "name");
	z->paused = json_get_bool(v, "paused", false);
	(void)str_copy(z->account_id, sizeof(z->account_id), account ? account : "");
	return z;
}

void cf_token_verify(struct cf *cf, struct cf_call *c, bool account, task_done_fn *done,
		     void *owner)
{
	AUTO(str_t) path = NULL;
	struct err e;

	/* An account's token is unknown to the one endpoint, a user's to the other, and an expired
	 * one is told with a success: what the token is worth is seen by what it is used for. */
	if (!account) {
		cf_call_start_with(cf, c, CF_SHARE_PEOPLE, "GET", "/user/tokens/verify", NULL, NULL,
				   NULL, CF_CALL_TRYING, done, owner);
		return;
	}
	if (path_account(cf, "/tokens/verify", &path, &e) < 0)
		cf_call_refuse(cf, c, &e, done, owner);
	else
		cf_call_start_with(cf, c, CF_SHARE_PEOPLE, "GET", path, NULL, NULL, NULL,
				   CF_CALL_TRYING, done, owner);
}
