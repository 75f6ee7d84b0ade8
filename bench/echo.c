/*
 * The least that loop/server can do: answer every request on a Unix socket with the same BYTES
 * bytes. What status_get takes longer than this is its own work: who asks, the ledger's rules,
 * decoding, rendering. With a TOKEN it listens on an address, "127.0.0.1:7438", and answers its
 * bearer alone.
 *
 * bench-echo SOCKET BYTES | bench-echo ADDRESS BYTES TOKEN
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "loop/server.h"

struct echo {
	struct buf body;
	char known[SHA256_HEX_SIZE]; /* of "Bearer TOKEN"; "" = nobody is asked */
};

static bool may(const struct echo *x, const struct server_req *r)
{
	const char *said = server_req_header(r, "Authorization");
	char hash[SHA256_HEX_SIZE];

	if (!x->known[0])
		return true;
	if (!said)
		return false;
	sha256_hex(said, strlen(said), hash);
	return const_time_equal(hash, x->known, sizeof(hash));
}

static void answer(struct server_req *r, void *owner)
{
	const struct echo *x = owner;

	if (may(x, r))
		server_reply(r, 200, "application/json", x->body.data, x->body.len, NULL);
	else
		server_reply(r, 401, "text/plain", "", 0, NULL);
}

static void over(struct server_req *r, void *owner)
{
	(void)r;
	(void)owner;
}

static void know(struct echo *x, const char *token)
{
	char *bearer = str_format("Bearer %s", token);

	sha256_hex(bearer, strlen(bearer), x->known);
	free(bearer);
}

int main(int argc, char **argv)
{
	struct echo x = {0};
	struct err e = {0};
	int fd = -1;

	if (argc != 3 && argc != 4)
		return 64;
	if (argc == 4)
		know(&x, argv[3]);
	for (int i = 0; i < (int)strtol(argv[2], NULL, 10); i++)
		buf_char(&x.body, 'x');
	struct server_handler handler = {.request = answer, .gone = over, .owner = &x};
	struct loop *loop = loop_new();
	struct server *server = server_new(loop, &(struct server_limits){0}, &handler);
	int made = argc == 4 ? server_socket_tcp(argv[1], &fd, &e)
			     : server_socket_unix(argv[1], 0600, (gid_t)-1, &fd, &e);
	if (made < 0 || server_listen(server, fd, 0, &e) < 0) {
		fprintf(stderr, "bench-echo: %s\n", e.message);
		return 1;
	}
	loop_run(loop);
	return 0;
}
