/* Keeping the audit log's entries: each is one block of text, with the places of its fields. */
#include <stdlib.h>
#include <string.h>

#include "sim/audit.h"

#define DROPPED 1000 /* of the oldest, when there are too many */

struct sim_audit_row {
	int64_t at_ms, number;
	char *text;
	uint32_t at[AUDIT_FIELDS]; /* 0 = not said; text begins with a NUL */
};

static const char *const results[] = {"success", "failure", NULL};
static const char *const types[] = {"create", "delete", "view", "update", NULL};
static const char *const contexts[] = {"api",   "api_key",       "api_token", "dash",
				       "oauth", "origin_ca_key", NULL};
static const char *const actors[] = {
	"account", "cloudflare_admin", "delegated_service", "system", "user", NULL};
static const char *const scopes[] = {"user", "accounts", "zones", "memberships", NULL};

static const struct audit_place places[AUDIT_FIELDS] = {
	[AUDIT_ID] = {NULL, "id", "id", NULL, AUDIT_TEXT},
	[AUDIT_ACCOUNT_ID] = {"account", "id", NULL, NULL, AUDIT_TEXT},
	[AUDIT_ACCOUNT_NAME] = {"account", "name", "account_name", NULL, AUDIT_TEXT},
	[AUDIT_ACTION_DESCRIPTION] = {"action", "description", NULL, NULL, AUDIT_TEXT},
	[AUDIT_ACTION_RESULT] = {"action", "result", "action_result", results, AUDIT_TEXT},
	[AUDIT_ACTION_TYPE] = {"action", "type", "action_type", types, AUDIT_TEXT},
	[AUDIT_ACTOR_ID] = {"actor", "id", "actor_id", NULL, AUDIT_TEXT},
	[AUDIT_ACTOR_TYPE] = {"actor", "type", "actor_type", actors, AUDIT_TEXT},
	[AUDIT_ACTOR_EMAIL] = {"actor", "email", "actor_email", NULL, AUDIT_TEXT},
	[AUDIT_ACTOR_IP] = {"actor", "ip_address", "actor_ip_address", NULL, AUDIT_TEXT},
	[AUDIT_ACTOR_CONTEXT] = {"actor", "context", "actor_context", contexts, AUDIT_TEXT},
	[AUDIT_ACTOR_TOKEN_ID] = {"actor", "token_id", "actor_token_id", NULL, AUDIT_TEXT},
	[AUDIT_ACTOR_TOKEN_NAME] = {"actor", "token_name", "actor_token_name", NULL, AUDIT_TEXT},
	[AUDIT_RAW_RAY] = {"raw", "cf_ray_id", "raw_cf_ray_id", NULL, AUDIT_TEXT},
	[AUDIT_RAW_METHOD] = {"raw", "method", "raw_method", NULL, AUDIT_TEXT},
	[AUDIT_RAW_STATUS] = {"raw", "status_code", "raw_status_code", NULL, AUDIT_NUMBER},
	[AUDIT_RAW_URI] = {"raw", "uri", "raw_uri", NULL, AUDIT_TEXT},
	[AUDIT_RAW_AGENT] = {"raw", "user_agent", NULL, NULL, AUDIT_TEXT},
	[AUDIT_RESOURCE_ID] = {"resource", "id", "resource_id", NULL, AUDIT_TEXT},
	[AUDIT_RESOURCE_PRODUCT] = {"resource", "product", "resource_product", NULL, AUDIT_TEXT},
	[AUDIT_RESOURCE_TYPE] = {"resource", "type", "resource_type", NULL, AUDIT_TEXT},
	[AUDIT_RESOURCE_SCOPE] = {"resource", "scope", "resource_scope", scopes, AUDIT_TEXT},
	[AUDIT_RESOURCE_REQUEST] = {"resource", "request", NULL, NULL, AUDIT_JSON},
	[AUDIT_RESOURCE_RESPONSE] = {"resource", "response", NULL, NULL, AUDIT_JSON},
	[AUDIT_ZONE_ID] = {"zone", "id", "zone_id", NULL, AUDIT_TEXT},
	[AUDIT_ZONE_NAME] = {"zone", "name", "zone_name", NULL, AUDIT_TEXT},
	[AUDIT_CATEGORY] = {NULL, NULL, "product_category", NULL, AUDIT_TEXT},
};

const struct audit_place *audit_place(enum audit_field f)
{
	return &places[f];
}

static void row_free(struct sim_audit_row *x)
{
	free(x->text);
	free(x);
}

void sim_audit_clear(struct sim_audit *a)
{
	for (size_t i = 0; i < a->n; i++)
		row_free(a->rows[i]);
	free(a->rows);
	*a = (struct sim_audit){.rows = NULL};
}

static int by_time(const void *a, const void *b)
{
	const struct sim_audit_row *const *x = a, *const *y = b;

	if ((*x)->at_ms != (*y)->at_ms)
		return (*x)->at_ms < (*y)->at_ms ? -1 : 1;
	return ((*x)->number > (*y)->number) - ((*x)->number < (*y)->number);
}

static void sort(struct sim_audit *a)
{
	if (a->unsorted)
		qsort(a->rows, a->n, sizeof(struct sim_audit_row *), by_time);
	a->unsorted = false;
}

static void drop_oldest(struct sim_audit *a)
{
	sort(a);
	for (size_t i = 0; i < DROPPED; i++)
		row_free(a->rows[i]);
	a->n -= DROPPED;
	memmove(a->rows, a->rows + DROPPED, a->n * sizeof(struct sim_audit_row *));
}

void audit_add(struct sim_audit *a, const struct audit_draft *d)
{
	struct sim_audit_row *x = mem_alloc(sizeof *x);
	struct buf text = {0};

	if (a->n == SIM_AUDIT_MAX)
		drop_oldest(a);
	if (a->n == a->cap) {
		a->cap = a->cap ? a->cap * 2 : 256;
		a->rows = mem_grow(a->rows, a->cap, sizeof(struct sim_audit_row *));
	}
	buf_char(&text, '\0');
	for (size_t i = 0; i < AUDIT_FIELDS; i++) {
		if (!d->fields[i])
			continue;
		x->at[i] = (uint32_t)text.len;
		buf_add(&text, d->fields[i], strlen(d->fields[i]) + 1);
	}
	x->text = buf_steal(&text);
	x->at_ms = d->at_ms;
	x->number = ++a->made;
	a->unsorted |= a->n > 0 && a->rows[a->n - 1]->at_ms > d->at_ms;
	a->rows[a->n++] = x;
}

struct sim_audit_row *audit_row(struct sim_audit *a, size_t i)
{
	sort(a);
	return a->rows[i];
}

const char *audit_text(const struct sim_audit_row *x, enum audit_field f)
{
	return x->text + x->at[f];
}

int64_t audit_time(const struct sim_audit_row *x)
{
	return x->at_ms;
}

int64_t audit_number(const struct sim_audit_row *x)
{
	return x->number;
}
