/* Tunnels of the account (cloudflare-api: cfd_tunnel) and their tokens; who is connected to them is
 * in connections.h. */
#ifndef CLOUDFLARE_TUNNELS_H
#define CLOUDFLARE_TUNNELS_H

#include "cloudflare/page.h"

struct cf_tunnel {
	char id[UUID_SIZE];
	char name[128];
	char status[16];
	bool deleted;        /* deleted_at is set: such a tunnel still answers by id */
	bool remote;         /* config_src is cloudflare */
	int64_t created_ms;  /* wall; 0 = not told */
	int64_t connections; /* -1 = not told */
};

/* POST with config_src cloudflare and our own secret (base64 of 32 bytes or more). object is the
 * local id. result: cf_tunnel_read. */
void cf_tunnel_create(struct cf *cf, struct cf_call *c, const char *object, const char *name,
		      const struct secret *secret, task_done_fn *done, void *owner);
/* GET the list by exact name, is_deleted=false; result is an array (0 or 1). */
void cf_tunnel_find(struct cf *cf, struct cf_call *c, const char *object, const char *name,
		    task_done_fn *done, void *owner);
void cf_tunnel_get(struct cf *cf, struct cf_call *c, const char *id, task_done_fn *done,
		   void *owner);
/* One tunnel by its id (result: it, deleted or not) or by its exact name (result: an array of live
 * ones, as cf_tunnel_find has). */
void cf_tunnel_ask(struct cf *cf, struct cf_call *c, enum cf_share share, const char *name_or_id,
		   task_done_fn *done, void *owner);
/* PATCH of its name, nothing else. result: cf_tunnel_read. */
void cf_tunnel_rename(struct cf *cf, struct cf_call *c, const char *id, const char *name,
		      task_done_fn *done, void *owner);
/* PATCH of its secret (as with cf_tunnel_create), nothing else. result: cf_tunnel_read. */
void cf_tunnel_rotate(struct cf *cf, struct cf_call *c, const char *id, const struct secret *secret,
		      task_done_fn *done, void *owner);
/* result is the token (a string). */
void cf_tunnel_token(struct cf *cf, struct cf_call *c, const char *id, task_done_fn *done,
		     void *owner);
void cf_tunnel_delete(struct cf *cf, struct cf_call *c, const char *id, task_done_fn *done,
		      void *owner);
void cf_connections_delete(struct cf *cf, struct cf_call *c, const char *id, task_done_fn *done,
			   void *owner);
/* All live tunnels of the account. */
void cf_tunnel_list(struct cf *cf, struct cf_page *p, enum cf_share share, task_done_fn *done,
		    void *owner);

/* Nothing from outside is trusted: ERR_UPSTREAM when id or name are missing or malformed. */
MUST_USE int cf_tunnel_read(const struct json *v, struct cf_tunnel *out, struct err *e);
/* How rows of listings are kept. */
const struct cf_family *cf_tunnel_family(void);
/* The row with that id of a listing. */
MUST_USE int cf_tunnel_row(const struct cf_page *p, struct cf_row *row, struct cf_tunnel *out,
			   struct err *e);
/* Split a token: account (32 hex), tunnel (UUID), secret (base64). ERR_UPSTREAM when malformed. */
struct cf_token {
	char account[CF_ID_SIZE];
	char tunnel[UUID_SIZE];
	struct secret secret;
};
MUST_USE int cf_token_read(const char *token, struct cf_token *out, struct err *e);
void cf_token_free(struct cf_token *t);

#endif
