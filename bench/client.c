/*
 * One client on a Unix socket that asks the same again and again on one connection, and prints the
 * round trips: one line a request, in nanoseconds. Before that it tries to connect for ten seconds,
 * each 0.1 ms, and prints when the first answer was there (CLOCK_MONOTONIC, ns).
 *
 * bench-client SOCKET COUNT PATH
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ROOM ((size_t)1 << 20)

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int reach(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	long long end = now() + 10000000000LL;
	int fd = -1;

	if (strlen(path) >= sizeof(at.sun_path))
		return -1;
	memcpy(at.sun_path, path, strlen(path) + 1);
	while (now() < end) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
			return fd;
		close(fd);
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	}
	return -1;
}

/* A whole answer with a Content-Length; 0 when it is a 200. */
static int take(int fd)
{
	static char text[ROOM];
	size_t have = 0, want = ROOM - 1;

	while (have < want) {
		ssize_t n = read(fd, text + have, ROOM - 1 - have);

		if (n <= 0)
			return -1;
		have += (size_t)n;
		text[have] = '\0';
		const char *body = strstr(text, "\r\n\r\n");
		const char *length = strcasestr(text, "\r\nContent-Length:");
		if (body && length && length < body)
			want = (size_t)(body + 4 - text) + strtoul(length + 17, NULL, 10);
	}
	return strncmp(text, "HTTP/1.1 200", 12);
}

int main(int argc, char **argv)
{
	char request[512];

	if (argc != 4)
		return 64;
	int count = (int)strtol(argv[2], NULL, 10);
	int len = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
			   argv[3]);
	int fd = reach(argv[1]);
	if (fd < 0 || len >= (int)sizeof(request))
		return 1;
	if (write(fd, request, (size_t)len) != len || take(fd))
		return 1;
	printf("first %lld\n", now());
	for (int i = 0; i < count; i++) {
		long long at = now();

		if (write(fd, request, (size_t)len) != len || take(fd))
			return 1;
		printf("%lld\n", now() - at);
	}
	return 0;
}
