/*
 * The least that a program can do between exec and its first answer: a Unix socket, accept, read,
 * one fixed answer for each request. Static. Also the floor for a round trip.
 *
 * bench-listener SOCKET BYTES
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ROOM 65536

int main(int argc, char **argv)
{
	static char request[ROOM], answer[ROOM];
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int bytes = argc == 3 ? (int)strtol(argv[2], NULL, 10) : -1;

	if (bytes < 0 || bytes > ROOM - 200 || strlen(argv[1]) >= sizeof(at.sun_path))
		return 64;
	memcpy(at.sun_path, argv[1], strlen(argv[1]) + 1);
	int len = snprintf(answer, sizeof(answer),
			   "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
			   "Content-Length: %d\r\n\r\n",
			   bytes);
	memset(answer + len, 'x', (size_t)bytes);
	len += bytes;
	int door = socket(AF_UNIX, SOCK_STREAM, 0);
	if (door < 0 || bind(door, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(door, 16) < 0)
		return 1;
	for (;;) {
		int peer = accept(door, NULL, NULL);

		while (read(peer, request, sizeof(request)) > 0)
			if (write(peer, answer, (size_t)len) != len)
				break;
		close(peer);
	}
}
