/* Secrets from files that must be refused, and hashes against known answers. */
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

#include "base/file.h"
#include "base/secret.h"

static char folder[64];
static int dir = -1;

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/adit-secret-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0;
}

static int remove_folder(void **state)
{
	static const char *const names[] = {"token", "link", "pipe"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlinkat(dir, names[i], 0);
	unlinkat(dir, "sub", AT_REMOVEDIR);
	close(dir);
	return rmdir(folder);
}

static void put(const char *text, size_t len, mode_t mode)
{
	struct err e;

	assert_int_equal(file_write(dir, "token", text, len, mode, &e), 0);
}

static void reads_and_trims(void **state)
{
	AUTO(secret_t) s = {0};
	struct err e;

	(void)state;
	put(" \r\n\ts3cret with space \n\n", 24, 0600);
	assert_int_equal(secret_read_file(dir, "token", &s, &e), 0);
	assert_string_equal(s.data, "s3cret with space");
	assert_int_equal(s.len, 17);
	put("next", 4, 0400);
	assert_int_equal(secret_read_file(dir, "token", &s, &e), 0);
	assert_string_equal(s.data, "next");
}

static void refuse(const char *name, enum err_kind kind, const char *word)
{
	AUTO(secret_t) s = {0};
	struct err e = {0};

	secret_set(&s, "kept", 4);
	assert_int_equal(secret_read_file(dir, name, &s, &e), -1);
	assert_int_equal(e.kind, kind);
	assert_non_null(strstr(e.message, word));
	assert_null(strstr(e.message, "hunter2"));
	assert_string_equal(s.data, "kept");
}

static void refuses_bad_files(void **state)
{
	char *big = mem_alloc(65538);

	(void)state;
	memset(big, 'a', 65537);
	put("hunter2", 7, 0640);
	refuse("token", ERR_DENIED, "0640");
	put("hunter2", 7, 0601);
	refuse("token", ERR_DENIED, "0601");
	put("", 0, 0600);
	refuse("token", ERR_INVALID, "empty");
	put(" \n\n ", 4, 0600);
	refuse("token", ERR_INVALID, "empty");
	put("hunter2\nhunter2", 15, 0600);
	refuse("token", ERR_INVALID, "more than one line");
	put("hunter2\0x", 9, 0600);
	refuse("token", ERR_INVALID, "control character");
	put(big, 65537, 0600);
	refuse("token", ERR_INVALID, "64 KiB");
	put(big, 65536, 0600);
	free(big);
	assert_int_equal(symlinkat("token", dir, "link"), 0);
	refuse("link", ERR_DENIED, "symbolic link");
	assert_int_equal(mkfifoat(dir, "pipe", 0600), 0);
	refuse("pipe", ERR_DENIED, "regular file");
	assert_int_equal(mkdirat(dir, "sub", 0700), 0);
	refuse("sub", ERR_DENIED, "regular file");
	refuse("absent", ERR_NOT_FOUND, "absent");
	if (geteuid() == 0) {
		put("hunter2", 7, 0600);
		assert_int_equal(fchownat(dir, "token", 12345, (gid_t)-1, 0), 0);
		refuse("token", ERR_DENIED, "12345");
	}
}

static void compares_and_replaces(void **state)
{
	AUTO(secret_t) a = {0};
	AUTO(secret_t) b = {0};

	(void)state;
	assert_false(secret_present(&a));
	assert_false(secret_equal(&a, &b));
	secret_set(&a, "abc", 3);
	assert_true(secret_present(&a));
	secret_set(&b, "abd", 3);
	assert_false(secret_equal(&a, &b));
	secret_set(&b, a.data, a.len);
	assert_true(secret_equal(&a, &b));
	secret_set(&b, b.data + 1, 2);
	assert_string_equal(b.data, "bc");
	assert_false(secret_equal(&a, &b));
	assert_true(const_time_equal("xy", "xz", 1));
	assert_false(const_time_equal("xy", "xz", 2));
}

static void hashes(void **state)
{
	static const struct sha256_part split1[] = {{"a", 1}, {"bc", 2}};
	static const struct sha256_part split2[] = {{"ab", 2}, {"c", 1}};
	static const struct sha256_part empty[] = {{"abc", 3}, {NULL, 0}};
	char h[4][SHA256_HEX_SIZE];

	(void)state;
	sha256_hex("abc", 3, h[0]);
	assert_string_equal(h[0],
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256_hex(NULL, 0, h[0]);
	assert_string_equal(h[0],
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha256_parts(split1, 2, h[0]);
	sha256_parts(split2, 2, h[1]);
	sha256_parts(empty, 2, h[2]);
	sha256_parts(empty, 1, h[3]);
	for (int i = 0; i < 4; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(h[i], h[j]);
	sha256_parts(split1, 2, h[1]);
	assert_string_equal(h[0], h[1]);
}

static void random_differs(void **state)
{
	char a[66], b[66];

	(void)state;
	memset(a, 'Z', sizeof(a));
	random_hex(a, 64);
	random_hex(b, 64);
	assert_int_equal(strlen(a), 64);
	assert_int_equal(strspn(a, "0123456789abcdef"), 64);
	assert_int_equal(a[65], 'Z');
	assert_string_not_equal(a, b);
	random_hex(a, 7);
	assert_int_equal(strlen(a), 7);
	random_hex(a, 0);
	assert_string_equal(a, "");
	assert_true(random_u64() != random_u64());
}

/* Key and parts all count, and how the parts are divided. */
static void ids_are_unique(void **state)
{
	char ids[200][UNIQUE_HEX_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		unique_hex(ids[i]);
		assert_int_equal(strspn(ids[i], "0123456789abcdef"), UNIQUE_HEX_SIZE - 1);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(ids[i], ids[j]);
	}
}

static void test_keyed_hashes(void **state)
{
	static const struct {
		const char *key, *a, *b;
	} rows[] = {{"k", "a", "bc"},
		    {"k", "ab", "c"},
		    {"k", "abc", ""},
		    {"l", "a", "bc"},
		    {"", "a", "bc"}};
	char sums[ARRAY_LEN(rows)][SHA256_HEX_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct sha256_part parts[] = {{rows[i].a, strlen(rows[i].a)},
						    {rows[i].b, strlen(rows[i].b)}};
		hmac_sha256_parts(rows[i].key, strlen(rows[i].key), parts, 2, sums[i]);
		assert_int_equal(strlen(sums[i]), 64);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(sums[i], sums[j]);
	}
	const struct sha256_part again[] = {{"a", 1}, {"bc", 2}};
	char sum[SHA256_HEX_SIZE];
	hmac_sha256_parts("k", 1, again, 2, sum);
	assert_string_equal(sum, sums[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keyed_hashes),
		cmocka_unit_test_setup_teardown(reads_and_trims, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(refuses_bad_files, make_folder, remove_folder),
		cmocka_unit_test(compares_and_replaces),
		cmocka_unit_test(hashes),
		cmocka_unit_test(random_differs),
		cmocka_unit_test(ids_are_unique),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
