/* Files written whole or not at all; links, pipes and folders in their place. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

static char folder[64];
static int dir = -1;

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/adit-file-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0;
}

static int remove_folder(void **state)
{
	static const char *const names[] = {"f", "link", "pipe", "sub/f"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlinkat(dir, names[i], 0);
	unlinkat(dir, "sub", AT_REMOVEDIR);
	close(dir);
	return rmdir(folder);
}

static void write_read_replace_remove(void **state)
{
	AUTO(buf_t) b = {0};
	struct stat st;
	struct err e;
	mode_t mask = umask(077);

	(void)state;
	assert_false(file_exists(dir, "f"));
	assert_int_equal(file_write(dir, "f", "one\0two", 7, 0644, &e), 0);
	assert_int_equal(fstatat(dir, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_true(file_exists(dir, "f"));
	assert_int_equal(file_read(dir, "f", 100, &b, &e), 0);
	assert_int_equal(b.len, 7);
	assert_memory_equal(b.data, "one\0two", 7);
	assert_int_equal(file_write(dir, "f", "", 0, 0600, &e), 0);
	buf_reset(&b);
	assert_int_equal(file_read(dir, "f", 100, &b, &e), 0);
	assert_int_equal(b.len, 0);
	assert_int_equal(faccessat(dir, "f.tmp", F_OK, 0), -1);
	umask(mask);
}

static void read_has_a_limit(void **state)
{
	AUTO(buf_t) b = {0};
	struct err e;

	(void)state;
	buf_str(&b, "kept");
	assert_int_equal(file_write(dir, "f", "12345", 5, 0600, &e), 0);
	assert_int_equal(file_read(dir, "f", 4, &b, &e), -1);
	assert_int_equal(e.kind, ERR_INVALID);
	assert_string_equal(b.data, "kept");
	assert_int_equal(file_read(dir, "f", 5, &b, &e), 0);
	assert_string_equal(b.data, "kept12345");
	assert_int_equal(file_read(dir, "absent", 5, &b, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

static void what_is_no_file_is_refused(void **state)
{
	AUTO(buf_t) b = {0};
	struct err e;
	int fd = -5;

	(void)state;
	assert_int_equal(symlinkat("/etc/passwd", dir, "link"), 0);
	assert_int_equal(file_read(dir, "link", 0, &b, &e), -1);
	assert_false(file_exists(dir, "link"));
	assert_int_equal(mkfifoat(dir, "pipe", 0600), 0);
	assert_int_equal(file_read(dir, "pipe", 0, &b, &e), -1);
	assert_int_equal(e.kind, ERR_INVALID);
	assert_int_equal(file_read(dir, ".", 0, &b, &e), -1);
	assert_int_equal(b.len, 0);
	assert_int_equal(unlinkat(dir, "link", 0), 0);
	assert_int_equal(symlinkat("/tmp", dir, "link"), 0);
	assert_int_equal(dir_open(dir, "link", true, &fd, &e), -1);
	assert_int_equal(fd, -5);
}

/* A link in the place of the target is replaced; one in the place of the temporary file is not
 * followed. */
static void write_follows_no_link(void **state)
{
	AUTO(buf_t) b = {0};
	struct stat st;
	struct err e;

	(void)state;
	assert_int_equal(file_write(dir, "f", "victim", 6, 0600, &e), 0);
	assert_int_equal(symlinkat("f", dir, "link"), 0);
	assert_int_equal(symlinkat("f", dir, "link.tmp"), 0);
	assert_int_equal(file_write(dir, "link", "new", 3, 0600, &e), 0);
	assert_int_equal(fstatat(dir, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(file_read(dir, "f", 0, &b, &e), 0);
	assert_string_equal(b.data, "victim");
}

static void folders(void **state)
{
	AUTO(fd_t) sub = -1;
	struct stat st;
	struct err e;

	(void)state;
	assert_int_equal(dir_open(dir, "sub", false, &sub, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_int_equal(sub, -1);
	assert_int_equal(dir_open(dir, "sub", true, &sub, &e), 0);
	assert_int_equal(fstat(sub, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(fcntl(sub, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	fd_t_cleanup(&sub);
	assert_int_equal(dir_open(dir, "sub", true, &sub, &e), 0);
	assert_int_equal(file_write(dir, "sub/f", "x", 1, 0600, &e), 0);
	assert_true(file_exists(sub, "f"));
	assert_int_equal(file_write(dir, "gone/f", "x", 1, 0600, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_int_equal(file_write(dir, "sub", "x", 1, 0600, &e), -1);
	assert_false(file_exists(dir, "sub.tmp"));
}

/* A full disk, played by the file size limit: the old content stays, no rest is left. */
static void failed_write_keeps_the_old_file(void **state)
{
	static const char big[8192] = {0};
	struct rlimit old, small;
	AUTO(buf_t) b = {0};
	struct err e;
	int rc;

	(void)state;
	assert_int_equal(file_write(dir, "f", "old", 3, 0600, &e), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){4096, old.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	rc = file_write(dir, "f", big, sizeof(big), 0600, &e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(rc, -1);
	assert_int_equal(e.kind, ERR_INTERNAL);
	assert_false(file_exists(dir, "f.tmp"));
	assert_int_equal(file_read(dir, "f", 0, &b, &e), 0);
	assert_string_equal(b.data, "old");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(write_read_replace_remove),
		IN_FOLDER(read_has_a_limit),
		IN_FOLDER(what_is_no_file_is_refused),
		IN_FOLDER(write_follows_no_link),
		IN_FOLDER(folders),
		IN_FOLDER(failed_write_keeps_the_old_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
