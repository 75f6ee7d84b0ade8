/* The log as it leaves the process: stderr is a file here. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"

static char path[64];
static int saved = -1;

static int catch_stderr(void **state)
{
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/adit-log-XXXXXX");
	fd = mkstemp(path);
	saved = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
	unsetenv("JOURNAL_STREAM");
	clock_freeze(1, 1795269600123);
	return 0;
}

static int release_stderr(void **state)
{
	(void)state;
	dup2(saved, STDERR_FILENO);
	close(saved);
	clock_freeze(0, 0);
	return unlink(path);
}

/* What was written since the last call. */
static void take(struct buf *b)
{
	struct err e;

	buf_reset(b);
	assert_int_equal(file_read(AT_FDCWD, path, 0, b, &e), 0);
	assert_int_equal(ftruncate(STDERR_FILENO, 0), 0);
	lseek(STDERR_FILENO, 0, SEEK_SET);
}

static size_t count_lines(const struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->len; i++)
		n += b->data[i] == '\n';
	return n;
}

static void json_lines(void **state)
{
	AUTO(buf_t) b = {0};

	(void)state;
	log_init("aditd", LOG_LEVEL_INFO);
	log_write(LOG_LEVEL_WARNING, LOG_FIELDS({"tunnel", "web"}, {"text", "a\"b\\\n\x1b\xff"}),
		  "line\none %d", 5);
	take(&b);
	assert_string_equal(b.data, "{\"time\":\"2026-11-21T14:00:00.123Z\",\"level\":\"warning\","
				    "\"program\":\"aditd\",\"message\":\"line?one 5\","
				    "\"tunnel\":\"web\",\"text\":\"a\\\"b\\\\???\"}\n");
}

static void long_lines_are_cut_and_stay_json(void **state)
{
	AUTO(buf_t) b = {0};
	AUTO(json_doc_t) doc = NULL;
	AUTO(str_t) text = mem_alloc(9001);
	struct err e;

	(void)state;
	for (size_t i = 0; i < 9000; i += 3)
		memcpy(text + i, "\xe2\x82\xac", 3);
	log_init("aditd", LOG_LEVEL_INFO);
	log_write(LOG_LEVEL_INFO, LOG_FIELDS({"value", text}, {"none", NULL}), "%s", text);
	take(&b);
	assert_int_equal(count_lines(&b), 1);
	assert_int_equal(json_parse(b.data, b.len, NULL, &doc, &e), 0);
	assert_int_equal(strlen(json_get_string(json_root(doc), "message")) % 3, 0);
	assert_int_equal(strlen(json_get_string(json_root(doc), "value")) % 3, 0);
	assert_null(strchr(b.data, '?'));
	assert_string_equal(json_get_string(json_root(doc), "none"), "");
}

static void level_holds_back_and_recorder_keeps(void **state)
{
	AUTO(buf_t) b = {0};

	(void)state;
	log_init("aditd", LOG_LEVEL_INFO);
	log_debug("quiet %d", 1);
	log_write(LOG_LEVEL_DEBUG, LOG_FIELDS({"key", "two words"}), "quiet 2");
	take(&b);
	assert_int_equal(b.len, 0);
	log_dump();
	take(&b);
	assert_int_equal(count_lines(&b), 2);
	assert_true(strstr(b.data, "quiet 1") < strstr(b.data, "quiet 2"));
	assert_non_null(strstr(b.data, "key=\\\"two words\\\""));
	assert_non_null(strstr(b.data, "\"recorded\":\"true\""));
	log_dump();
	take(&b);
	assert_int_equal(b.len, 0);
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("loud");
	log_dump();
	take(&b);
	assert_int_equal(count_lines(&b), 1);
}

static void recorder_is_bounded(void **state)
{
	AUTO(buf_t) b = {0};

	(void)state;
	log_init("aditd", LOG_LEVEL_ERROR);
	for (int i = 0; i < 1500; i++)
		log_info("line %d.", i);
	log_dump();
	take(&b);
	assert_int_equal(count_lines(&b), 512);
	assert_null(strstr(b.data, "line 987."));
	assert_true(strstr(b.data, "line 988.") < strstr(b.data, "line 1499."));
}

/* The variable is inherited by children whose stderr is something else: then it does not count. */
static void journal_only_when_stderr_is_it(void **state)
{
	AUTO(buf_t) b = {0};
	struct stat st;
	char stream[64];

	(void)state;
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino + 1);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init("aditd", LOG_LEVEL_INFO);
	log_info("to the file");
	take(&b);
	assert_int_equal(count_lines(&b), 1);
	setenv("JOURNAL_STREAM", "8:", 1);
	log_init("aditd", LOG_LEVEL_INFO);
	log_info("to the file");
	take(&b);
	assert_int_equal(count_lines(&b), 1);
	/* Without a journal's socket sd-journal drops the line; in no case is it in the file. */
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init("adit-test", LOG_LEVEL_INFO);
	log_write(LOG_LEVEL_INFO, LOG_FIELDS({"odd key", "v"}), "unit test of the journal");
	take(&b);
	assert_int_equal(b.len, 0);
	unsetenv("JOURNAL_STREAM");
}

static void text_to_a_terminal(void **state)
{
	AUTO(fd_t) master = posix_openpt(O_RDWR | O_NOCTTY);
	AUTO(fd_t) slave = -1;
	char line[256] = "";

	(void)state;
	if (master < 0 || grantpt(master) || unlockpt(master))
		skip();
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	dup2(slave, STDERR_FILENO);
	log_init("aditd", LOG_LEVEL_INFO);
	log_write(LOG_LEVEL_ERROR, LOG_FIELDS({"a", "b"}, {"c", "d e"}, {"f", ""}), "it\x1b[2J");
	assert_true(read(master, line, sizeof(line) - 1) > 0);
	assert_string_equal(line,
			    "2026-11-21T14:00:00.123Z error   it?[2J a=b c=\"d e\" f=\"\"\r\n");
}

static void names(void **state)
{
	(void)state;
	assert_int_equal(log_level_by_name("error"), LOG_LEVEL_ERROR);
	assert_int_equal(log_level_by_name("debug"), LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_by_name("loud"), -1);
	assert_int_equal(log_level_by_name(NULL), -1);
}

#define CAUGHT(test) cmocka_unit_test_setup_teardown(test, catch_stderr, release_stderr)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CAUGHT(json_lines),
		CAUGHT(long_lines_are_cut_and_stay_json),
		CAUGHT(level_holds_back_and_recorder_keeps),
		CAUGHT(recorder_is_bounded),
		CAUGHT(journal_only_when_stderr_is_it),
		CAUGHT(text_to_a_terminal),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
