/*
 * One client of a program that speaks MCP on its standard streams: starts it, sends the same line
 * again and again, each after the answer to the last, and prints the round trips in nanoseconds;
 * before them, the time from before exec to the first answer.
 *
 * bench-lines COUNT LINE PROGRAM [ARGUMENT...]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROOM ((size_t)1 << 20)

struct program {
	pid_t pid;
	int in, out;
};

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int start(struct program *p, char **argv)
{
	int in[2], out[2];

	if (pipe(in) < 0 || pipe(out) < 0)
		return -1;
	p->pid = fork();
	if (p->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		execv(argv[0], argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	p->in = in[1];
	p->out = out[0];
	return p->pid < 0 ? -1 : 0;
}

static int ask(const struct program *p, char *line)
{
	static char text[ROOM];
	struct iovec parts[] = {{line, strlen(line)}, {(char[]){'\n'}, 1}};
	size_t have = 0;

	if (writev(p->in, parts, 2) < 0)
		return -1;
	while (!have || text[have - 1] != '\n') {
		ssize_t n = read(p->out, text + have, ROOM - have);

		if (n <= 0)
			return -1;
		have += (size_t)n;
	}
	return memmem(text, have, "\"result\"", 8) ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct program p;

	if (argc < 4)
		return 64;
	long long at = now();
	if (start(&p, argv + 3) < 0)
		return 1;
	for (long i = 0; i <= strtol(argv[1], NULL, 10); i++) {
		if (ask(&p, argv[2]) < 0)
			return 1;
		printf("%lld\n", now() - at);
		at = now();
	}
	close(p.in);
	return waitpid(p.pid, NULL, 0) == p.pid ? 0 : 1;
}
