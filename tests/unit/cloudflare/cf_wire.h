/* A client of its own against a peer on raw sockets that breaks the protocol on demand. */
#ifndef TESTS_UNIT_CLOUDFLARE_CF_WIRE_H
#define TESTS_UNIT_CLOUDFLARE_CF_WIRE_H

#include "tests/unit/cloudflare/cf_bench.h"
#include "tests/unit/loop/raw_peer.h"

struct wire {
	struct raw_peer peer;
	struct cf *cf;
};

CFB void wire_open(struct cfb *b, struct wire *w, bool listening)
{
	struct cf_options o = {NULL, ACCOUNT, 1000, 1000};
	struct secret token = {0};
	struct err e;

	peer_open(&w->peer, b->loop, NULL);
	AUTO(str_t) url = str_format("http://127.0.0.1:%d", w->peer.port);
	o.base_url = url;
	assert_int_equal(cf_new(b->loop, b->http, b->world, &o, &w->cf, &e), 0);
	secret_set(&token, TOKEN, strlen(TOKEN));
	cf_set_token(w->cf, &token);
	secret_free(&token);
	if (!listening) {
		io_stop(&w->peer.accept);
		close(w->peer.accept.fd);
	}
}

CFB void wire_call(struct cfb *b, struct wire *w, struct cf_call *c, const char *method,
		   const char *path)
{
	b->done = 0;
	cf_call_start(w->cf, c, CF_SHARE_PEOPLE, method, path, NULL, "o", NULL, cfb_done, b);
	cfb_wait(b, 1);
}

#endif
