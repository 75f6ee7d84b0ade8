/*
 * The least that notices a process which hangs: start PROGRAM PORT, ask its /ready once an interval
 * on a new connection, and after so many failures in a row kill it and start it again. A failure is
 * no answer within the interval.
 *
 * bench-watcher INTERVAL_MS FAILURES PROGRAM PORT
 */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char request[] = "GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

static pid_t start(char *program, char *port)
{
	char *argv[] = {program, port, NULL}, *envp[] = {NULL};
	pid_t pid;

	if (posix_spawn(&pid, program, NULL, NULL, argv, envp) != 0)
		exit(1);
	return pid;
}

static bool answers(long port, int limit_ms)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char answer[4096];
	bool fine = fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
		    send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0 &&
		    poll(&p, 1, limit_ms) == 1 && read(fd, answer, sizeof(answer)) > 0;

	close(fd);
	return fine;
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	int interval = argc == 5 ? (int)strtol(argv[1], NULL, 10) : 0, failures = 0;
	pid_t pid;

	if (interval < 1)
		return 64;
	pid = start(argv[3], argv[4]);
	for (long long at = now_ms();; at += interval) {
		long long rest = at + interval - now_ms();

		if (rest > 0)
			nanosleep(&(struct timespec){rest / 1000, rest % 1000 * 1000000}, NULL);
		failures = answers(strtol(argv[4], NULL, 10), interval) ? 0 : failures + 1;
		if (failures < strtol(argv[2], NULL, 10))
			continue;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		pid = start(argv[3], argv[4]);
		failures = 0;
	}
}
