/*
 * The least that loop/server can do: answer every request on a Unix socket with the same BYTES
 * bytes. What status_get takes longer than this is its own work: who asks, the ledger's rules,
 * decoding, rendering.
 *
 * bench-echo SOCKET BYTES
 */
#include <stdio.h>
#include <stdlib.h>

#include "loop/server.h"

static void answer(struct server_req *r, void *owner)
{
	const struct buf *body = owner;

	server_reply(r, 200, "application/json", body->data, body->len, NULL);
}

static void over(struct server_req *r, void *owner)
{
	(void)r;
	(void)owner;
}

int main(int argc, char **argv)
{
	struct buf body = {0};
	struct err e = {0};
	int fd = -1;

	if (argc != 3)
		return 64;
	for (int i = 0; i < (int)strtol(argv[2], NULL, 10); i++)
		buf_char(&body, 'x');
	struct server_handler handler = {.request = answer, .gone = over, .owner = &body};
	struct loop *loop = loop_new();
	struct server *server = server_new(loop, &(struct server_limits){0}, &handler);
	if (server_socket_unix(argv[1], 0600, (gid_t)-1, &fd, &e) < 0 ||
	    server_listen(server, fd, 0, &e) < 0) {
		fprintf(stderr, "bench-echo: %s\n", e.message);
		return 1;
	}
	loop_run(loop);
	return 0;
}
