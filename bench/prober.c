/*
 * The least that asking connectors for their health can cost: GET /ready of each port in turn, once
 * an interval, on connections that are kept where the other end keeps them. It draws no
 * conclusions.
 *
 * bench-prober INTERVAL_MS PORT...
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST 1000

static const char request[] = "GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

static int reach(int port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int ask(int fd)
{
	char answer[4096];
	ssize_t len = sizeof(request) - 1;

	if (fd < 0 || send(fd, request, (size_t)len, MSG_NOSIGNAL) != len ||
	    read(fd, answer, sizeof(answer)) <= 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int main(int argc, char **argv)
{
	static int fds[MOST];
	int n = argc - 2, interval = argc > 2 ? (int)strtol(argv[1], NULL, 10) : 0;
	struct timespec pause = {interval / 1000, interval % 1000 * 1000000L};

	if (interval < 1 || n > MOST)
		return 64;
	memset(fds, -1, sizeof(fds));
	for (;;) {
		for (int i = 0; i < n; i++) {
			fds[i] = ask(fds[i]);
			if (fds[i] < 0)
				fds[i] = ask(reach((int)strtol(argv[i + 2], NULL, 10)));
		}
		nanosleep(&pause, NULL);
	}
}
