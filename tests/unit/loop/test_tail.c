/* Following a file: lines in pieces, long lines cut, the ceiling with a writer that goes on, a
 * restart at a kept position, stopping from inside, and hundreds of files on one instance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "loop/tail.h"

struct bench {
	struct loop *loop;
	struct timer wake;
	struct tail_terms terms;
	struct tail tail;
	char folder[64];
	int dirfd, writer;
	struct buf seen; /* each line, then '|' */
	size_t lines, longest;
	bool stop_at_first;
};

static void wake_fired(struct timer *t, void *owner)
{
	(void)owner;
	timer_start(t, 1);
}

static tail_line_fn line_came;

static int bench_open(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));

	b->loop = loop_new();
	b->terms = (struct tail_terms){.loop = b->loop, .line = line_came};
	timer_init(&b->wake, b->loop, wake_fired, NULL);
	timer_start(&b->wake, 1);
	str_copy(b->folder, sizeof(b->folder), "/tmp/adit-test-tail-XXXXXX");
	assert_non_null(mkdtemp(b->folder));
	b->dirfd = open(b->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	b->writer = openat(b->dirfd, "log", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	assert_true(b->writer >= 0);
	*state = b;
	return 0;
}

static int bench_close(void **state)
{
	struct bench *b = *state;

	tail_stop(&b->tail);
	timer_stop(&b->wake);
	loop_free(b->loop);
	close(b->writer);
	unlinkat(b->dirfd, "log", 0);
	unlinkat(b->dirfd, "link", 0);
	unlinkat(b->dirfd, "fresh", 0);
	unlinkat(b->dirfd, "new", 0);
	close(b->dirfd);
	rmdir(b->folder);
	buf_free(&b->seen);
	free(b);
	return 0;
}

static void line_came(struct tail *t, const char *line, size_t len, void *owner)
{
	struct bench *b = owner;

	assert_int_equal(line[len], 0);
	b->lines++;
	b->longest = len > b->longest ? len : b->longest;
	if (b->stop_at_first)
		tail_stop(t);
	buf_add(&b->seen, line, len);
	buf_char(&b->seen, '|');
}

static void start(struct bench *b, int64_t offset, int64_t ceiling)
{
	struct err e = {0};

	b->terms.ceiling = ceiling;
	assert_int_equal(tail_start(&b->tail, &b->terms, b->dirfd, "log", offset, b, &e), 0);
}

static void say(struct bench *b, const char *text)
{
	assert_int_equal(write(b->writer, text, strlen(text)), strlen(text));
}

static void turns(struct bench *b, int n)
{
	for (int i = 0; i < n; i++)
		loop_turn(b->loop);
}

static off_t file_size(struct bench *b)
{
	struct stat st;

	assert_int_equal(fstat(b->writer, &st), 0);
	return st.st_size;
}

static void test_lines(void **state)
{
	struct bench *b = *state;

	say(b, "one\ntw");
	start(b, 0, 0);
	assert_int_equal(b->lines, 0); /* from the loop only */
	turns(b, 5);
	assert_string_equal(buf_text(&b->seen), "one|");
	say(b, "o");
	turns(b, 5);
	say(b, "\n\nthree\nfo");
	turns(b, 5);
	assert_string_equal(buf_text(&b->seen), "one|two||three|");
	say(b, "ur");
	tail_flush(&b->tail);
	assert_string_equal(buf_text(&b->seen), "one|two||three|four|");
	tail_flush(&b->tail);
	assert_string_equal(buf_text(&b->seen), "one|two||three|four|");
}

static void test_offsets(void **state)
{
	struct bench *b = *state;

	say(b, "old\nnew\n");
	start(b, -1, 0);
	turns(b, 5);
	assert_int_equal(b->lines, 0);
	say(b, "later\n");
	turns(b, 5);
	assert_string_equal(buf_text(&b->seen), "later|");
	tail_stop(&b->tail);
	tail_stop(&b->tail);
	start(b, 4, 0);
	turns(b, 5);
	assert_string_equal(buf_text(&b->seen), "later|new|later|");
	tail_stop(&b->tail);
	start(b, 4000, 0); /* the file is a new, shorter one */
	turns(b, 5);
	assert_string_equal(buf_text(&b->seen), "later|new|later|old|new|later|");
}

static void test_long_lines_are_cut(void **state)
{
	struct bench *b = *state;

	b->terms.max_line = 8;
	start(b, 0, 0);
	say(b, "12345678\n123456789\n1234567890123");
	turns(b, 5);
	say(b, "45\nshort\n");
	turns(b, 5);
	assert_string_equal(buf_text(&b->seen), "12345678|12345678|12345678|short|");
	say(b, "abcdefghijkl");
	tail_flush(&b->tail); /* given cut already, nothing is left to give */
	assert_string_equal(buf_text(&b->seen), "12345678|12345678|12345678|short|abcdefgh|");
}

static void test_ceiling(void **state)
{
	struct bench *b = *state;
	size_t said = 0;

	start(b, 0, 1000);
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 20; i++, said++)
			say(b, "a line of text\n");
		turns(b, 6);
		assert_true(file_size(b) <= 1000);
	}
	assert_int_equal(b->lines, said);
	assert_int_equal(b->longest, 14);
}

static bool drops_beginnings(struct bench *b)
{
	char block[8192];

	memset(block, '\n', sizeof(block));
	assert_int_equal(write(b->writer, block, sizeof(block)), sizeof(block));
	bool can = fallocate(b->writer, FALLOC_FL_COLLAPSE_RANGE, 0, 4096) == 0;
	assert_int_equal(ftruncate(b->writer, 0), 0);
	return can;
}

static void test_ceiling_keeps_the_later_half(void **state)
{
	struct bench *b = *state;

	if (!drops_beginnings(b))
		skip();
	start(b, 0, 65536);
	for (int i = 0; i < 20000; i++)
		say(b, "a line of text\n");
	turns(b, 12);
	assert_int_equal(b->lines, 20000);
	assert_in_range(file_size(b), 32768, 32768 + 4096);
	for (int i = 0; i < 1000; i++)
		say(b, "a line of text\n");
	turns(b, 12);
	assert_int_equal(b->lines, 21000);
	assert_int_equal(b->longest, 14);
}

/* A writer that is faster than we are must not fill the disk. */
static void test_flood_is_skipped(void **state)
{
	struct bench *b = *state;

	start(b, 0, 1000);
	for (int i = 0; i < 1200; i++)
		say(b, "a line of text\n");
	turns(b, 6);
	assert_in_range(b->lines, 1, 1000 / 15);
	assert_int_equal(b->longest, 14);
	assert_true(file_size(b) <= 1000 + 4096);
	size_t seen = b->lines;
	say(b, "more\n");
	turns(b, 6);
	assert_int_equal(b->lines, seen + 1);
}

/* The piece before the cut and the piece after it are one line. */
static void test_ceiling_inside_line(void **state)
{
	struct bench *b = *state;
	char text[1200];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	start(b, 0, 1000);
	say(b, text);
	turns(b, 6);
	assert_int_equal(file_size(b), 0);
	say(b, "yz\n");
	turns(b, 6);
	assert_int_equal(b->lines, 1);
	assert_int_equal(b->longest, sizeof(text) - 1 + 2);
}

static void test_emptied_by_another(void **state)
{
	struct bench *b = *state;

	start(b, 0, 0);
	say(b, "before\npart of");
	turns(b, 5);
	assert_int_equal(ftruncate(b->writer, 0), 0);
	say(b, "after\n");
	turns(b, 5);
	assert_string_equal(buf_text(&b->seen), "before|after|");
}

/* A long backlog comes in pieces: other work has its turn in between. */
static void test_backlog_in_pieces(void **state)
{
	struct bench *b = *state;
	char line[101];
	size_t after_one;

	memset(line, 'l', 99);
	line[99] = '\n';
	line[100] = '\0';
	for (int i = 0; i < 4000; i++)
		say(b, line);
	start(b, 0, 0);
	turns(b, 1);
	after_one = b->lines;
	assert_in_range(after_one, 1, 1000);
	turns(b, 30);
	assert_int_equal(b->lines, 4000);
	assert_int_equal(b->longest, 99);
}

static void test_stopped_inside(void **state)
{
	struct bench *b = *state;

	b->stop_at_first = true;
	say(b, "one\ntwo\nthree\n");
	start(b, 0, 0);
	turns(b, 5);
	assert_string_equal(buf_text(&b->seen), "one|");
	b->stop_at_first = false;
	start(b, 0, 0);
	b->stop_at_first = true;
	tail_flush(&b->tail);
	assert_string_equal(buf_text(&b->seen), "one|one|");
}

/* Nothing is polled: with a silent writer the loop sleeps until the timer. */
static void test_silent_writer(void **state)
{
	struct bench *b = *state;
	int64_t begun;

	start(b, 0, 0);
	turns(b, 5);
	timer_stop(&b->wake);
	timer_start(&b->wake, 100);
	begun = clock_mono_ms();
	loop_turn(b->loop);
	assert_in_range(clock_mono_ms() - begun, 95, 1000);
}

static void test_refused(void **state)
{
	struct bench *b = *state;
	struct err e = {0};
	struct stat st;

	assert_int_equal(symlinkat("log", b->dirfd, "link"), 0);
	assert_int_equal(tail_start(&b->tail, &b->terms, b->dirfd, "link", 0, b, &e), -1);
	assert_non_null(strstr(e.message, "link"));
	assert_int_equal(tail_start(&b->tail, &b->terms, AT_FDCWD, "/dev/null", 0, b, &e), -1);
	assert_int_equal(e.kind, ERR_INVALID);
	assert_int_equal(tail_start(&b->tail, &b->terms, b->dirfd, "fresh", 0, b, &e), 0);
	assert_int_equal(fstatat(b->dirfd, "fresh", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

/* ---- many tails of one loop ---- */

#define MANY 300

struct many {
	struct bench *b;
	struct tail tails[MANY];
	int writers[MANY];
	int lines[MANY];
	struct tail *stop; /* at the next line of whichever */
};

static int instances(void)
{
	DIR *dir = opendir("/proc/self/fd");
	char name[64] = "";
	int n = 0;

	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, name, sizeof(name) - 1);

		name[len > 0 ? len : 0] = '\0';
		n += strcmp(name, "anon_inode:inotify") == 0;
	}
	closedir(dir);
	return n;
}

static void one_of_many(struct tail *t, const char *line, size_t len, void *owner)
{
	struct many *m = owner;

	m->lines[t - m->tails]++;
	if (m->stop)
		tail_stop(m->stop);
	assert_int_equal(line[len], 0);
}

static struct many *many_open(struct bench *b, int n)
{
	struct many *m = mem_alloc(sizeof(*m));
	struct err e = {0};
	char name[32];

	m->b = b;
	b->terms.line = one_of_many;
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "many-%d", i);
		m->writers[i] =
			openat(b->dirfd, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
		assert_true(m->writers[i] >= 0);
		assert_int_equal(tail_start(&m->tails[i], &b->terms, b->dirfd, name, 0, m, &e), 0);
	}
	turns(b, 3);
	return m;
}

static void many_close(struct many *m)
{
	char name[32];

	for (int i = 0; i < MANY && m->tails[i].terms; i++) {
		tail_stop(&m->tails[i]);
		close(m->writers[i]);
		snprintf(name, sizeof(name), "many-%d", i);
		unlinkat(m->b->dirfd, name, 0);
	}
	free(m);
}

static void test_many(void **state)
{
	struct bench *b = *state;
	struct many *m = many_open(b, MANY);

	assert_int_equal(instances(), 1);
	for (int round = 0; round < 3; round++) {
		for (int i = round; i < MANY; i++)
			assert_int_equal(write(m->writers[i], "line\n", 5), 5);
		turns(b, 8);
	}
	for (int i = 0; i < MANY; i++)
		assert_int_equal(m->lines[i], i < 2 ? i + 1 : 3);
	for (int i = 0; i < MANY; i += 2)
		tail_stop(&m->tails[i]);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(write(m->writers[i], "line\n", 5), 5);
	turns(b, 8);
	for (int i = 2; i < MANY; i++)
		assert_int_equal(m->lines[i], 3 + i % 2);
	many_close(m);
	assert_int_equal(instances(), 0);
}

/* A line of one ends another that has something to read; and the last one ends itself. */
static void test_stopped_by_another(void **state)
{
	struct bench *b = *state;
	struct many *m = many_open(b, 2);

	m->stop = &m->tails[1];
	assert_int_equal(write(m->writers[0], "line\n", 5), 5);
	assert_int_equal(write(m->writers[1], "line\n", 5), 5);
	turns(b, 5);
	assert_int_equal(m->lines[0], 1);
	assert_int_equal(m->lines[1], 0);
	m->stop = &m->tails[0];
	assert_int_equal(write(m->writers[0], "line\nline\n", 10), 10);
	turns(b, 5);
	assert_int_equal(m->lines[0], 2);
	assert_int_equal(instances(), 0);
	many_close(m);
}

/* The kernel knows one watch for both; the end of one must not end the other. */
static void test_two_of_one_file(void **state)
{
	struct bench *b = *state;
	struct tail other = {0};
	struct err e = {0};

	start(b, 0, 0);
	assert_int_equal(tail_start(&other, &b->terms, b->dirfd, "log", 0, b, &e), 0);
	turns(b, 3);
	say(b, "one\n");
	turns(b, 5);
	assert_string_equal(buf_text(&b->seen), "one|one|");
	tail_stop(&other);
	say(b, "two\n");
	turns(b, 5);
	assert_string_equal(buf_text(&b->seen), "one|one|two|");
}

/* The file that was opened is followed, whatever its name leads to now. */
static void test_replaced(void **state)
{
	struct bench *b = *state;
	int writer = openat(b->dirfd, "new", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	assert_true(writer >= 0);
	start(b, 0, 0);
	turns(b, 3);
	assert_int_equal(renameat(b->dirfd, "new", b->dirfd, "log"), 0);
	assert_int_equal(write(writer, "new\n", 4), 4);
	say(b, "old\n");
	turns(b, 5);
	assert_string_equal(buf_text(&b->seen), "old|");
	tail_stop(&b->tail);
	start(b, 0, 0);
	turns(b, 5);
	assert_int_equal(write(writer, "newer\n", 6), 6);
	turns(b, 5);
	assert_string_equal(buf_text(&b->seen), "old|new|newer|");
	close(writer);
}

/* ---- the ceiling under a writer that never waits ---- */

#define SHOUTS 60000

static void *shout(void *owner)
{
	struct bench *b = owner;
	char line[32];

	for (int i = 0; i < SHOUTS; i++) {
		int len = snprintf(line, sizeof(line), "line %d\n", i);

		if (write(b->writer, line, (size_t)len) != len)
			return NULL;
	}
	return b;
}

static void shout_came(struct tail *t, const char *line, size_t len, void *owner)
{
	struct bench *b = owner;
	char expected[32];

	(void)t;
	(void)len;
	snprintf(expected, sizeof(expected), "line %zu", b->lines++);
	assert_string_equal(line, expected);
}

static void test_nothing_lost_at_ceiling(void **state)
{
	struct bench *b = *state;
	pthread_t writer;
	void *done = NULL;
	char block[8192];

	memset(block, 'x', sizeof(block));
	assert_int_equal(write(b->writer, block, sizeof(block)), sizeof(block));
	if (fallocate(b->writer, FALLOC_FL_COLLAPSE_RANGE, 0, 4096) < 0)
		skip(); /* not on this file system */
	assert_int_equal(ftruncate(b->writer, 0), 0);
	b->terms.line = shout_came;
	start(b, 0, 20000);
	assert_int_equal(pthread_create(&writer, NULL, shout, b), 0);
	for (int i = 0; i < 100000 && b->lines < SHOUTS; i++)
		loop_turn(b->loop);
	pthread_join(writer, &done);
	assert_non_null(done);
	assert_int_equal(b->lines, SHOUTS);
	turns(b, 3);
	assert_true(file_size(b) <= 20000);
}

/* In its first turn there is no such descriptor. */
static void test_read_at_its_end_where_it_cannot_be_watched(void **state)
{
	struct bench *b = *state;

	start(b, 0, 0);
	int fd = b->tail.fd;
	b->tail.fd = 1 << 20;
	turns(b, 3);
	b->tail.fd = fd;
	say(b, "one\ntwo");
	turns(b, 3);
	assert_int_equal(b->lines, 0);
	tail_flush(&b->tail);
	assert_string_equal(buf_text(&b->seen), "one|two|");
	tail_stop(&b->tail);
	start(b, 0, 0);
	turns(b, 3);
	assert_string_equal(buf_text(&b->seen), "one|two|one|");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_open, bench_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lines),
		TEST(test_offsets),
		TEST(test_long_lines_are_cut),
		TEST(test_ceiling),
		TEST(test_ceiling_inside_line),
		TEST(test_ceiling_keeps_the_later_half),
		TEST(test_flood_is_skipped),
		TEST(test_emptied_by_another),
		TEST(test_backlog_in_pieces),
		TEST(test_stopped_inside),
		TEST(test_silent_writer),
		TEST(test_refused),
		TEST(test_many),
		TEST(test_stopped_by_another),
		TEST(test_two_of_one_file),
		TEST(test_replaced),
		TEST(test_nothing_lost_at_ceiling),
		TEST(test_read_at_its_end_where_it_cannot_be_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
