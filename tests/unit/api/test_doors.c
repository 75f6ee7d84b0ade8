/* Who is let in before a byte of his request is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/private.h"

/* What comes out of a tunnel is a connector's, and it ends at our door. */
static void a_connector_is_not_let_in(void **state)
{
	struct world *w = world_new();
	struct ops ops = {.world = w};
	struct api a = {.ops = &ops};
	struct connector *c = connector_new("tweb", 1);
	(void)state;
	c->pid = 4711;
	world_add_connector(w, c);
	const struct {
		struct peer peer;
		bool in;
	} rows[] = {
		{{.valid = true, .pid = 4711}, false},
		{{.valid = true, .pid = 4712}, true},
		/* A connector that does not run has no process that could be meant. */
		{{.valid = true, .pid = 0}, true},
		/* Over TCP its socket tells, where the kernel does; on the Unix socket such a one
		 * is refused with a sentence. */
		{{.valid = false, .pid = 4711}, true},
		{{.valid = false, .socket = 1}, true},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(door_accepts(&rows[i].peer, DOOR_UNIX, 0, &a), rows[i].in);
	c->pid = 0;
	assert_true(door_accepts(&rows[0].peer, DOOR_UNIX, 0, &a));
	assert_true(door_accepts(&rows[2].peer, DOOR_UNIX, 0, &a));
	world_free(w);
}

/* The number of a socket of ours, as /proc has it. */
static uint64_t socket_number(int fd)
{
	char path[64], text[64] = "";
	unsigned long long number = 0;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_true(readlink(path, text, sizeof(text) - 1) > 0);
	assert_int_equal(sscanf(text, "socket:[%llu]", &number), 1);
	return number;
}

static void over_tcp_its_socket_tells(void **state)
{
	struct world *w = world_new();
	struct ops ops = {.world = w};
	struct api a = {.ops = &ops};
	struct connector *c = connector_new("tweb", 1);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)state;
	struct peer peer = {.socket = socket_number(fd)};
	world_add_connector(w, c);
	c->pid = 1;
	assert_true(door_accepts(&peer, DOOR_TCP, 1, &a));
	c->pid = getpid();
	assert_false(door_accepts(&peer, DOOR_TCP, 1, &a));
	peer.socket++;
	assert_true(door_accepts(&peer, DOOR_TCP, 1, &a));
	peer.socket = 0;
	assert_true(door_accepts(&peer, DOOR_TCP, 1, &a));
	close(fd);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connector_is_not_let_in),
		cmocka_unit_test(over_tcp_its_socket_tells),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
