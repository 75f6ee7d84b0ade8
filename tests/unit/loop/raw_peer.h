/*
 * A scripted HTTP peer on raw sockets, on the loop of the test: it reads a request and then says or
 * does exactly what the path asks for, wrong things above all. It keeps what it was sent.
 */
#ifndef TESTS_UNIT_LOOP_RAW_PEER_H
#define TESTS_UNIT_LOOP_RAW_PEER_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "loop/loop.h"

#define PEER_CONNS 16

struct raw_conn {
	struct io io;
	struct timer late;
	struct raw_peer *peer;
	struct buf got;
	int requests;
	int dripped; /* bytes of a slow answer */
	bool open;
};

struct raw_peer {
	struct loop *loop;
	struct io accept;
	int port;
	char path[108]; /* of a Unix socket */
	struct raw_conn conns[PEER_CONNS];
	int accepted, requests, waiting, most_waiting;
	struct buf last; /* the last request, whole */
};

static void peer_close(struct raw_conn *c)
{
	if (!c->open)
		return;
	c->open = false;
	timer_stop(&c->late);
	io_stop(&c->io);
	close(c->io.fd);
	buf_free(&c->got);
}

static void peer_say(struct raw_conn *c, const char *text)
{
	size_t len = strlen(text);

	if (send(c->io.fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
		peer_close(c);
}

static void peer_say_big(struct raw_conn *c, bool told)
{
	char piece[1000];

	memset(piece, 'x', sizeof(piece) - 1);
	piece[sizeof(piece) - 1] = '\0';
	peer_say(c, told ? "HTTP/1.1 200 OK\r\nContent-Length: 9990\r\n\r\n"
			 : "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
	for (int i = 0; i < 10 && c->open; i++)
		peer_say(c, piece);
	if (!told)
		peer_close(c);
}

static void peer_say_header(struct raw_conn *c, int lines)
{
	struct buf text = {0};

	buf_str(&text, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n");
	for (int i = 0; i < lines; i++)
		buf_printf(&text, "X-Line-%d: %0900d\r\n", i, i);
	buf_str(&text, "\r\nok");
	peer_say(c, buf_text(&text));
	buf_free(&text);
}

/* A byte at a time, for ever. */
static void peer_drip(struct raw_conn *c)
{
	static const char slow[] = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
	char one[2] = "x";

	if (c->dripped < (int)sizeof(slow) - 1)
		one[0] = slow[c->dripped];
	c->dripped++;
	peer_say(c, one);
	if (c->open)
		timer_start(&c->late, 5);
}

#define FLOOD ((size_t)40 << 10) /* fits into the socket: this thread is also who reads it */

/* The same again and again, more than anybody should read. */
static void peer_flood(struct raw_conn *c, const char *first, const char *then)
{
	struct buf text = {0};

	buf_str(&text, first);
	while (text.len < FLOOD)
		buf_str(&text, then);
	peer_say(c, buf_text(&text));
	buf_free(&text);
}

static void peer_late(struct timer *t, void *owner)
{
	struct raw_conn *c = owner;

	(void)t;
	if (c->dripped) {
		peer_drip(c);
		return;
	}
	c->peer->waiting--;
	peer_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
}

static void peer_wait(struct raw_conn *c, int64_t ms)
{
	struct raw_peer *p = c->peer;

	p->waiting++;
	p->most_waiting = p->waiting > p->most_waiting ? p->waiting : p->most_waiting;
	timer_start(&c->late, ms);
}

struct peer_script {
	const char *path, *answer;
	bool close; /* after it */
};

static const struct peer_script peer_scripts[] = {
	{"/ok", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Odd-CASE:  Some Value \r\n\r\nhello",
	 false},
	{"/404", "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone", false},
	{"/204", "HTTP/1.1 204 No Content\r\n\r\n", false},
	{"/head", "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n", false},
	{"/chunked",
	 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n"
	 "X-Trailer: no\r\n\r\n",
	 false},
	{"/interim",
	 "HTTP/1.1 103 Early Hints\r\nX-Early: yes\r\n\r\n"
	 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Final: yes\r\n\r\nok",
	 false},
	{"/redirect", "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n", false},
	{"/cut", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this", true},
	{"/cutchunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly", true},
	{"/lost", "", true},
	{"/garbage", "220 mail.example.com ESMTP\r\n", true},
	{"/half", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", false}, /* and no more */
	{"/never", "", false},
	{"/old", "HTTP/1.0 200 OK\r\n\r\nup to the end", true},
	{"/oldlength", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false},
	{"/toend", "HTTP/1.1 200 OK\r\n\r\nup to the end", true},
	{"/close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", false},
	{"/bye", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true},
	{"/twice",
	 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	 "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno",
	 false},
	{"/switch",
	 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nxxxx",
	 false},
	{"/badlength", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", false},
	{"/hugelength", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
	 false},
	{"/bothlengths",
	 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
	 "0\r\n\r\n",
	 false},
	{"/badchunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false},
	{"/headcut", "HTTP/1.1 200 OK\r\nContent-Le", true},
	{"/noend", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", false},
	{"/interimcut", "HTTP/1.1 103 Early Hints\r\n\r\n", true},
};

static void peer_answer(struct raw_conn *c, const char *path)
{
	if (strcmp(path, "/slow") == 0) {
		peer_wait(c, 300);
	} else if (strcmp(path, "/big") == 0 || strcmp(path, "/bigraw") == 0) {
		peer_say_big(c, strcmp(path, "/big") == 0);
	} else if (strcmp(path, "/headers") == 0) {
		peer_say_header(c, 60);
	} else if (strcmp(path, "/hugeheader") == 0) {
		peer_say_header(c, 90);
	} else if (strcmp(path, "/drip") == 0) {
		peer_drip(c);
	} else if (strcmp(path, "/interims") == 0) {
		peer_flood(c, "", "HTTP/1.1 103 Early Hints\r\nX-Early: again\r\n\r\n");
	} else if (strcmp(path, "/extension") == 0) {
		peer_flood(c,
			   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=", "xxxxxxxx");
	} else if (strcmp(path, "/trailers") == 0) {
		peer_flood(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
			   "X-Trailer: again\r\n");
	} else if (strcmp(path, "/once") == 0 && c->requests > 1) {
		peer_close(c); /* a kept connection dies just as it is used again */
	} else if (strcmp(path, "/once") == 0) {
		peer_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	}
	for (size_t i = 0; i < ARRAY_LEN(peer_scripts) && c->open; i++) {
		if (strcmp(path, peer_scripts[i].path) != 0)
			continue;
		peer_say(c, peer_scripts[i].answer);
		if (peer_scripts[i].close)
			peer_close(c);
	}
}

static void peer_read(struct io *io, int events, void *owner)
{
	struct raw_conn *c = owner;
	char data[4096], path[64];
	ssize_t n = recv(io->fd, data, sizeof(data), 0);

	(void)events;
	if (n <= 0) {
		peer_close(c);
		return;
	}
	buf_add(&c->got, data, (size_t)n);
	const char *end = strstr(buf_text(&c->got), "\r\n\r\n");
	const char *length = strcasestr(buf_text(&c->got), "content-length:");
	size_t body = length ? strtoul(length + 15, NULL, 10) : 0;
	if (!end || c->got.len < (size_t)(end + 4 - c->got.data) + body)
		return;
	buf_reset(&c->peer->last);
	buf_add(&c->peer->last, c->got.data, c->got.len);
	buf_reset(&c->got);
	c->requests++;
	c->peer->requests++;
	if (sscanf(buf_text(&c->peer->last), "%*15s %63[^ ?]", path) == 1)
		peer_answer(c, path);
}

static void peer_accept(struct io *io, int events, void *owner)
{
	struct raw_peer *p = owner;
	int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC);

	(void)events;
	for (int i = 0; i < PEER_CONNS; i++) {
		struct raw_conn *c = &p->conns[i];

		if (c->open)
			continue;
		*c = (struct raw_conn){.peer = p, .open = true};
		timer_init(&c->late, p->loop, peer_late, c);
		io_init(&c->io, p->loop, fd, peer_read, c);
		io_start(&c->io, IO_READ);
		p->accepted++;
		return;
	}
	close(fd);
}

static void peer_listen(struct raw_peer *p, int fd)
{
	if (listen(fd, 64) != 0)
		abort();
	io_init(&p->accept, p->loop, fd, peer_accept, p);
	io_start(&p->accept, IO_READ);
}

/* path NULL = loopback TCP. */
static void peer_open(struct raw_peer *p, struct loop *l, const char *path)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(in);
	int fd = socket(path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*p = (struct raw_peer){.loop = l};
	if (path) {
		str_copy(un.sun_path, sizeof(un.sun_path), path);
		str_copy(p->path, sizeof(p->path), path);
		if (bind(fd, (struct sockaddr *)&un, sizeof(un)) != 0)
			abort();
	} else {
		if (bind(fd, (struct sockaddr *)&in, sizeof(in)) != 0 ||
		    getsockname(fd, (struct sockaddr *)&in, &len) != 0)
			abort();
		p->port = ntohs(in.sin_port);
	}
	peer_listen(p, fd);
}

static void peer_shut(struct raw_peer *p)
{
	for (int i = 0; i < PEER_CONNS; i++)
		peer_close(&p->conns[i]);
	io_stop(&p->accept);
	close(p->accept.fd);
	if (p->path[0])
		unlink(p->path);
	buf_free(&p->last);
}

#endif
