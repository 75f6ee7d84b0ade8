/* Searching logs: what fits, several files as one, and places that hold though the files change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "supervise/logsearch.h"

#define T0 1767225600000 /* 2026-01-01 */

struct file {
	char path[32];
	int fd;
};

static int file_begin(void **state)
{
	struct file *f = mem_alloc(2 * sizeof(*f));
	for (int i = 0; i < 2; i++) {
		(void)str_copy(f[i].path, sizeof(f[i].path), "/tmp/logsearch.XXXXXX");
		f[i].fd = mkstemp(f[i].path);
		assert_true(f[i].fd >= 0);
	}
	*state = f;
	return 0;
}

static int file_end(void **state)
{
	struct file *f = *state;
	for (int i = 0; i < 2; i++) {
		(void)close(f[i].fd);
		(void)unlink(f[i].path);
	}
	free(f);
	return 0;
}

static void add(struct file *f, const char *text)
{
	assert_int_equal(lseek(f->fd, 0, SEEK_END) >= 0, 1);
	assert_int_equal(write(f->fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void add_line(struct file *f, int64_t at_ms, const char *level, const char *message)
{
	char time[TEXT_TIME_SIZE];
	time_format(at_ms / 1000 * 1000, time);
	AUTO(str_t)
	line = str_format("{\"connIndex\":0,\"level\":\"%s\",\"message\":\"%s\",\"time\":\"%s\"}\n",
			  level, message, time);
	add(f, line);
}

/* ---- one search ---- */

static struct logsearch *search(struct file *f, size_t files, const struct logsearch_query *q,
				size_t step)
{
	static const char *const names[] = {"t1-1", "t1-1.b"};
	struct logsearch *s = NULL;
	struct logsearch_query own = *q;
	struct err e;
	own.limit = q->limit ? q->limit : 1000;
	if (logsearch_new(&own, &s, &e) < 0)
		fail_msg("%s", e.message);
	for (size_t i = 0; i < files; i++)
		assert_true(logsearch_add(s, names[i], dup(f[i].fd)));
	for (int turns = 0; logsearch_step(s, step); turns++)
		assert_true(turns < 100000);
	return s;
}

/* The texts, newest first, one a line. */
static char *texts(const struct logsearch *s)
{
	struct buf out = {0};
	for (size_t i = 0; i < logsearch_count(s); i++)
		(void)buf_printf(&out, "%s\n", logsearch_hit(s, i)->text);
	return buf_steal(&out);
}

static void finds(struct file *f, const struct logsearch_query *q, const char *want)
{
	struct logsearch *s = search(f, 1, q, 4096);
	AUTO(str_t) got = texts(s);
	assert_string_equal(got, want);
	logsearch_free(s);
}

/* ---- tests ---- */

static void what_fits_is_found(void **state)
{
	struct file *f = *state;
	add_line(f, T0, "info", "Registered tunnel connection");
	add_line(f, T0 + 60000, "warn", "Something slow");
	add_line(f, T0 + 120000, "error", "Unauthorized: Failed to get tunnel");
	add(f, "last plain WORDS\n");
	finds(f, &(struct logsearch_query){.limit = 2},
	      "last plain WORDS\nUnauthorized: Failed to get tunnel connIndex=0\n");
	finds(f, &(struct logsearch_query){.text = "words"}, "last plain WORDS\n");
	finds(f, &(struct logsearch_query){.text = "CONNINDEX", .level = RANK_WARN, .limit = 1},
	      "Unauthorized: Failed to get tunnel connIndex=0\n");
	finds(f, &(struct logsearch_query){.reason = REASON_TUNNEL_GONE},
	      "Unauthorized: Failed to get tunnel connIndex=0\n");
	finds(f, &(struct logsearch_query){.since_ms = T0 + 30000, .until_ms = T0 + 90000},
	      "Something slow connIndex=0\n");
	finds(f, &(struct logsearch_query){.until_ms = T0 + 1000},
	      "Registered tunnel connection connIndex=0\n");
	finds(f, &(struct logsearch_query){.text = "nowhere"}, "");
}

static void levels_and_reasons_have_names(void **state)
{
	(void)state;
	assert_int_equal(log_rank_by_name("warn"), RANK_WARN);
	assert_int_equal(log_rank_by_name("loud"), RANK_ALL);
	assert_int_equal(log_rank_by_name(NULL), RANK_ALL);
	assert_int_equal(reason_by_name("bad_token"), REASON_BAD_TOKEN);
	assert_int_equal(reason_by_name("none"), REASON_NONE);
	assert_int_equal(reason_by_name("x"), REASON_NONE);
}

static void torn_lines_bursts_and_secrets(void **state)
{
	struct file *f = *state;
	AUTO(str_t) burst = mem_alloc(200001);
	memset(burst, 'x', 200000);
	add(f, "first\n{\"level\":\"in{\"level\":\"warn\",\"message\":\"the later one\"}\n");
	add(f, burst);
	add(f, "\n\n{\"message\":\"token eyJhIjoiMDEyMyIsInQiOiJ4eHh4IiwicyI6Inh4In0= here\"}\n");
	struct logsearch *s = search(f, 1, &(struct logsearch_query){.limit = 10}, 1);
	AUTO(str_t) got = texts(s);
	assert_int_equal(logsearch_count(s), 5);
	assert_non_null(strstr(logsearch_hit(s, 0)->text, "token ****"));
	assert_null(strstr(got, "eyJ"));
	assert_string_equal(logsearch_hit(s, 1)->text, "");
	assert_int_equal(strlen(logsearch_hit(s, 2)->text), OUTLOG_SHOWN);
	assert_string_equal(logsearch_hit(s, 3)->text, "the later one");
	assert_string_equal(logsearch_hit(s, 3)->level, "warn");
	assert_string_equal(logsearch_hit(s, 4)->text, "first");
	assert_false(logsearch_more(s));
	logsearch_free(s);
}

/* Two files, in any steps and pages: each line once, by its time. */
static void pages_of_two_files_are_one_list(void **state)
{
	struct file *f = *state;
	for (int i = 0; i < 300; i++) {
		char message[16];
		(void)snprintf(message, sizeof(message), "n%d", i);
		add_line(&f[i % 7 == 0], T0 + i * 2000, "info", message);
	}
	AUTO(buf_t) place = {0};
	int want = 299;
	for (int page = 0; page < 100; page++) {
		struct logsearch *s =
			search(f, 2,
			       &(struct logsearch_query){
				       .limit = 13, .before = place.len ? buf_text(&place) : NULL},
			       page % 2 ? 1 : 100000);
		for (size_t i = 0; i < logsearch_count(s); i++) {
			char message[32];
			(void)snprintf(message, sizeof(message), "n%d connIndex=0", want);
			assert_string_equal(logsearch_hit(s, i)->text, message);
			assert_string_equal(logsearch_hit(s, i)->source,
					    want % 7 ? "t1-1" : "t1-1.b");
			want--;
		}
		buf_reset(&place);
		logsearch_place(s, &place);
		bool more = logsearch_more(s);
		assert_false(logsearch_gap(s));
		logsearch_free(s);
		add_line(f, T0 + 900000, "info", "meanwhile");
		if (!more)
			break;
	}
	assert_int_equal(want, -1);
}

/* As loop/tail does: whole blocks at the beginning go. */
static void blocks_drop(struct file *f, size_t blocks)
{
	struct stat st;
	assert_int_equal(fstat(f->fd, &st), 0);
	size_t cut = blocks * 4096, left = (size_t)st.st_size - cut;
	AUTO(str_t) rest = mem_alloc(left + 1);
	assert_int_equal(pread(f->fd, rest, left, (off_t)cut), (ssize_t)left);
	assert_int_equal(ftruncate(f->fd, 0), 0);
	assert_int_equal(pwrite(f->fd, rest, left, 0), (ssize_t)left);
}

static void what_was_added_is_found_though_the_beginning_went(void **state)
{
	struct file *f = *state;
	AUTO(buf_t) newest = {0};
	for (int i = 0; i < 500; i++)
		add_line(f, T0 + i * 1000, "info", "the same");
	struct logsearch *s = search(f, 1, &(struct logsearch_query){.limit = 1}, 4096);
	logsearch_newest(s, &newest);
	logsearch_free(s);
	const struct logsearch_query q = {.after = buf_text(&newest)};
	finds(f, &q, "");
	add_line(f, T0 + 600000, "info", "new");
	add_line(f, T0 + 600000, "info", "newer");
	finds(f, &q, "newer connIndex=0\nnew connIndex=0\n");
	blocks_drop(f, 3);
	finds(f, &q, "newer connIndex=0\nnew connIndex=0\n");
	blocks_drop(f, 1);
	add_line(f, T0 + 600000, "info", "newest");
	finds(f, &q, "newest connIndex=0\nnewer connIndex=0\nnew connIndex=0\n");

	assert_int_equal(ftruncate(f->fd, 0), 0);
	add_line(f, T0 + 700000, "info", "all anew");
	s = search(f, 1, &q, 4096);
	assert_true(logsearch_gap(s));
	assert_int_equal(logsearch_count(s), 1);
	logsearch_free(s);
}

static void a_line_that_is_being_written_waits(void **state)
{
	struct file *f = *state;
	add(f, "whole\nhalf a li");
	finds(f, &(struct logsearch_query){.limit = 5}, "whole\n");
	struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	assert_int_equal(futimens(f->fd, old), 0);
	finds(f, &(struct logsearch_query){.limit = 5}, "half a li\nwhole\n");
}

static void a_file_that_shrinks_while_it_is_read_is_no_harm(void **state)
{
	struct file *f = *state;
	struct logsearch *s = NULL;
	struct err e;
	for (int i = 0; i < 5000; i++)
		add_line(f, T0 + i * 1000, "info", "x");
	const struct logsearch_query q = {.limit = 10000};
	assert_int_equal(logsearch_new(&q, &s, &e), 0);
	assert_true(logsearch_add(s, "t1-1", dup(f->fd)));
	assert_true(logsearch_step(s, 4096));
	assert_int_equal(ftruncate(f->fd, 100), 0);
	assert_false(logsearch_step(s, 1 << 20));
	assert_true(logsearch_gap(s));
	logsearch_free(s);
}

static void reading_is_bounded_in_a_turn_and_in_all(void **state)
{
	struct file *f = *state;
	struct logsearch *s = NULL;
	struct err e;
	int turns = 1;
	for (int i = 0; i < 20000; i++)
		add_line(f, T0 + i, "info", "x");
	struct logsearch_query q = {.limit = 10, .text = "nowhere", .budget = 256 << 10};
	assert_int_equal(logsearch_new(&q, &s, &e), 0);
	assert_true(logsearch_add(s, "t1-1", dup(f->fd)));
	while (logsearch_step(s, 32 << 10))
		turns++;
	assert_int_equal(turns, 8);
	assert_true(logsearch_more(s));
	logsearch_free(s);
}

static void strange_places_are_refused(void **state)
{
	static const char *const wrong[] = {"",
					    "x",
					    "5;",
					    "5;a",
					    "5;a=",
					    "5;a=1",
					    "5;a=1.",
					    "5;a=x.1",
					    "5;a=1.g",
					    "-5",
					    "5,a=1.1",
					    "5;a=-1.5",
					    "5;0123456789012345678901234567890123=1.1"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct logsearch *s = NULL;
		struct err e;
		if (logsearch_new(&(struct logsearch_query){.limit = 1, .before = wrong[i]}, &s,
				  &e) == 0)
			fail_msg("\"%s\" was taken", wrong[i]);
		assert_int_equal(e.kind, ERR_INVALID);
	}
}

static void no_file_no_lines(void **state)
{
	struct err e;
	(void)state;
	struct logsearch *s = search(NULL, 0, &(struct logsearch_query){.limit = 1}, 1);
	assert_int_equal(logsearch_count(s), 0);
	assert_false(logsearch_more(s));
	logsearch_free(s);
	assert_int_equal(logsearch_open(-1, "../etc", &e), -1);
}

#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, file_begin, file_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(what_fits_is_found),
		FILE_TEST(torn_lines_bursts_and_secrets),
		FILE_TEST(pages_of_two_files_are_one_list),
		FILE_TEST(what_was_added_is_found_though_the_beginning_went),
		FILE_TEST(a_line_that_is_being_written_waits),
		FILE_TEST(a_file_that_shrinks_while_it_is_read_is_no_harm),
		FILE_TEST(reading_is_bounded_in_a_turn_and_in_all),
		cmocka_unit_test(levels_and_reasons_have_names),
		cmocka_unit_test(strange_places_are_refused),
		cmocka_unit_test(no_file_no_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
