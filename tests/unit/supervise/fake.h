/*
 * A scratch state_dir with a stand-in for cloudflared: a script that serves /ready and /config as
 * its mode file says, so that each way to fail can be ordered for one start or while it runs. Lines
 * of the mode file: "edge N", "version N", "exit CODE words", "say words", "hang", "ignore_term",
 * "slow MS" (before its port opens), "first_edge N" (this process, for ever), "drain MS" (what an
 * end takes that was asked for). Of each signal to end it there is a line in the file "terms".
 */
#ifndef TESTS_UNIT_SUPERVISE_FAKE_H
#define TESTS_UNIT_SUPERVISE_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "loop/child.h"

static const char fake_script[] =
	"#!/usr/bin/python3 -SEI\n"
	"import sys, os, socket, signal, time\n"
	"here = os.path.dirname(os.path.abspath(sys.argv[0]))\n"
	"def mode():\n"
	"    m = {}\n"
	"    try:\n"
	"        for l in open(here + '/mode'):\n"
	"            k, _, v = l.strip().partition(' ')\n"
	"            m[k] = v\n"
	"    except FileNotFoundError: pass\n"
	"    return m\n"
	"def say(t): os.write(2, (t + '\\n').encode())\n"
	"a = sys.argv\n"
	"if a[1:] == ['--version']: print('cloudflared version 2027.1.0 (built x)'); sys.exit(0)\n"
	"if len(a) != 7 or a[1] != 'tunnel' or a[2] != '--config' or a[4:] != "
	"['--output', 'json', 'run']:\n"
	"    print('usage'); sys.exit(0)\n"
	"open(here + '/starts', 'a').write('%d\\n' % os.getpid())\n"
	"c = dict(l.rstrip('\\n').split(': ', 1) for l in open(a[3]) if ': ' in l)\n"
	"port = int(c['metrics'].rsplit(':', 1)[1])\n"
	"m = mode()\n"
	"draining = False\n"
	"def end(*x):\n"
	"    say('{\"level\":\"info\",\"message\":\"Tunnel server stopped\"}'); os._exit(0)\n"
	"def stop(*x):\n"
	"    global draining\n"
	"    open(here + '/terms', 'a').write('%d\\n' % os.getpid())\n"
	"    if 'ignore_term' in mode(): say('ignored'); return\n"
	"    if draining: os._exit(99)\n"
	"    draining = True\n"
	"    signal.signal(signal.SIGALRM, end)\n"
	"    signal.setitimer(signal.ITIMER_REAL, int(mode().get('drain', '0')) / 1000 + 0.001)\n"
	"signal.signal(signal.SIGTERM, stop)\n"
	"say('{\"level\":\"info\",\"message\":\"Version 2026.8.2 (Checksum 00)\"}')\n"
	"id = '00000000-0000-4000-8000-%012d' % os.getpid()\n"
	"say('{\"level\":\"info\",\"message\":\"Generated Connector ID: %s\"}' % id)\n"
	"if 'say' in m:\n"
	"    for i in range(3): say(m['say'])\n"
	"if 'exit' in m:\n"
	"    code, _, words = m['exit'].partition(' ')\n"
	"    if words: say(words)\n"
	"    os._exit(int(code))\n"
	"first = m.get('first_edge')\n"
	"if 'slow' in m: time.sleep(int(m['slow']) / 1000)\n"
	"s = socket.socket()\n"
	"s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
	"try: s.bind(('127.0.0.1', port))\n"
	"except OSError:\n"
	"    say('Error opening metrics server listener: address already in use'); os._exit(1)\n"
	"s.listen(16)\n"
	"kept = []\n"
	"while True:\n"
	"    k, _ = s.accept()\n"
	"    m = mode()\n"
	"    if 'hang' in m: kept.append(k); continue\n"
	"    q = k.recv(4096).decode('latin1')\n"
	"    edge = 0 if draining else int(first or m.get('edge', '4'))\n"
	"    st = 200 if edge else 503\n"
	"    b = '{\"status\":%d,\"readyConnections\":%d,\"connectorId\":\"%s\"}' % (st, edge, "
	"id)\n"
	"    if q.startswith('GET /config'):\n"
	"        st, b = 200, '{\"version\":%s,\"config\":{}}' % m.get('version', '-1')\n"
	"    k.sendall(('HTTP/1.1 %d X\\r\\nContent-Length: %d\\r\\nConnection: "
	"close\\r\\n\\r\\n%s' %"
	" (st, len(b), b)).encode())\n"
	"    k.close()\n";

struct fake {
	char dir[64];
	int dirfd;
	char program[96];
	struct err e;
};

static inline void fake_write(const struct fake *f, const char *name, const char *text, mode_t mode)
{
	int fd = openat(f->dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* Replaced in one step: the script may be reading it. */
static inline void fake_mode(const struct fake *f, const char *text)
{
	fake_write(f, "mode.new", text, 0600);
	assert_int_equal(renameat(f->dirfd, "mode.new", f->dirfd, "mode"), 0);
}

/* Another program lies there now. */
static inline void fake_program(const struct fake *f, const char *text)
{
	fake_write(f, "cloudflared.new", text, 0700);
	assert_int_equal(fchmodat(f->dirfd, "cloudflared.new", 0700, 0), 0);
	assert_int_equal(renameat(f->dirfd, "cloudflared.new", f->dirfd, "cloudflared"), 0);
}

static inline void fake_open(struct fake *f)
{
	snprintf(f->dir, sizeof(f->dir), "/tmp/adit-supervise-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->dirfd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->dirfd >= 0);
	fake_program(f, fake_script);
	snprintf(f->program, sizeof(f->program), "%s/cloudflared", f->dir);
}

static inline size_t fake_pids(const struct fake *f, const char *name, pid_t *pids, size_t most)
{
	int fd = openat(f->dirfd, name, O_RDONLY | O_CLOEXEC);
	FILE *in = fd >= 0 ? fdopen(fd, "r") : NULL;
	size_t n = 0;
	int pid;

	while (in && n < most && fscanf(in, "%d", &pid) == 1)
		pids[n++] = pid;
	if (in)
		fclose(in);
	return n;
}

/* Every process that the script ever noted, in order of their starts. */
static inline size_t fake_starts(const struct fake *f, pid_t *pids, size_t most)
{
	return fake_pids(f, "starts", pids, most);
}

static inline void fake_remove(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	while (d && (entry = readdir(d))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (unlinkat(fd, entry->d_name, 0) && (errno == EISDIR || errno == EPERM))
			fake_remove(fd, entry->d_name);
	}
	if (d)
		closedir(d);
	unlinkat(at, name, AT_REMOVEDIR);
}

/* Ours by the start noted and by their command line: a number alone may belong to another now. */
static inline bool fake_is_ours(const struct fake *f, pid_t pid)
{
	AUTO(buf_t) cmdline = {0};

	if (process_cmdline(pid, &cmdline, 4096))
		return false;
	return cmdline.len > 0 && memmem(cmdline.data, cmdline.len, f->dir, strlen(f->dir));
}

static inline void fake_close(struct fake *f)
{
	pid_t pids[256];
	size_t n = fake_starts(f, pids, ARRAY_LEN(pids));

	for (size_t i = 0; i < n; i++)
		if (fake_is_ours(f, pids[i]))
			kill(pids[i], SIGKILL);
	for (size_t i = 0; i < n; i++)
		waitpid(pids[i], NULL, 0);
	close(f->dirfd);
	fake_remove(AT_FDCWD, f->dir);
}

#endif
