/* A tunnel's configuration document: read and replaced whole, as raw text, since members that are
 * not ours must come back byte for byte. */
#ifndef CLOUDFLARE_CONFIGS_H
#define CLOUDFLARE_CONFIGS_H

#include "cloudflare/client.h"

struct cf_config {
	int64_t version; /* 0 = never configured */
	bool local;      /* source is "local": the tunnel is configured by a file */
	struct json_span
		config; /* the "config" member, in the call's text; len 0 = null or absent */
};

/* Calls about one tunnel wait for each other, whoever asks. */
void cf_config_get(struct cf *cf, struct cf_call *c, const char *tunnel_id, task_done_fn *done,
		   void *owner);
/* The same for a person who asks. */
void cf_config_ask(struct cf *cf, struct cf_call *c, const char *tunnel_id, task_done_fn *done,
		   void *owner);
/* document is the text of the "config" member. */
void cf_config_put(struct cf *cf, struct cf_call *c, const char *tunnel_id, const char *document,
		   task_done_fn *done, void *owner);
MUST_USE int cf_config_read(const struct cf_call *c, struct cf_config *out, struct err *e);

#endif
