/* Who is connected to a tunnel: asked, and what is believed of the answer. */
#ifndef CLOUDFLARE_CONNECTIONS_H
#define CLOUDFLARE_CONNECTIONS_H

#include "cloudflare/client.h"
#include "model/tunnel_connections.h"

/* The whole list; a part of it is none. Waits for other calls on the tunnel, whoever asks. */
void cf_connections_ask(struct cf *cf, struct cf_call *c, enum cf_share share,
			const char *tunnel_id, task_done_fn *done, void *owner);
/* ERR_UPSTREAM when anything in it is malformed: a list that is only half understood would make a
 * connector look lost. The caller frees *out. */
MUST_USE int cf_connections_read(const struct cf_call *c, struct tunnel_connections *out,
				 struct err *e);

#endif
