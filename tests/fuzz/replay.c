/*
 * Runs one fuzz target over the files of the folders named on the command line, without a fuzzer:
 * so that every build replays the corpus. With --mutate N each file is also tried N times with
 * random damage, from a fixed seed.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* An exact copy, so that a read behind the end is seen. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	if (!copy)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

/* Replace, drop or double a few bytes; returns the new size. */
static size_t damage(uint8_t *data, size_t size)
{
	static const uint8_t liked[] = "{}[]\",:\\u0e-+.\n #&*!|>'%~\x80\xff\xed\xc0";
	for (uint64_t n = next_random() % 4 + 1; n > 0 && size > 1; n--) {
		size_t at = next_random() % size;
		switch (next_random() % 4) {
		case 0:
			data[at] = (uint8_t)next_random();
			break;
		case 1:
			data[at] = liked[next_random() % (sizeof(liked) - 1)];
			break;
		case 2:
			memmove(data + at, data + at + 1, size - at - 1);
			size--;
			break;
		default:
			memmove(data + at + 1, data + at, size - at);
			size++;
			break;
		}
	}
	return size;
}

static void mutate(const uint8_t *data, size_t size, long rounds)
{
	uint8_t *work = malloc(size + 8);
	if (!work)
		abort();
	for (long i = 0; i < rounds; i++) {
		memcpy(work, data, size);
		run(work, damage(work, size));
	}
	free(work);
}

static bool replay_file(const char *path, long rounds)
{
	uint8_t *data = malloc(MAX_FILE);
	FILE *file = fopen(path, "rbe");
	bool opened = file && data;
	if (opened) {
		size_t size = fread(data, 1, MAX_FILE, file);
		run(data, size);
		mutate(data, size, rounds);
	}
	if (file)
		fclose(file);
	free(data);
	return opened;
}

static long replay_folder(const char *folder, long rounds)
{
	char path[4096];
	long n = 0;
	DIR *dir = opendir(folder);
	if (!dir)
		return -1;
	for (const struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		int len = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (len > 0 && (size_t)len < sizeof(path) && replay_file(path, rounds))
			n++;
	}
	closedir(dir);
	return n;
}

int main(int argc, char **argv)
{
	long rounds = 0;
	int first = 1;
	if (argc > 2 && strcmp(argv[1], "--mutate") == 0) {
		rounds = strtol(argv[2], NULL, 10);
		first = 3;
	}
	if (first >= argc) {
		fprintf(stderr, "usage: %s [--mutate N] FOLDER...\n", argv[0]);
		return 64;
	}
	for (int i = first; i < argc; i++) {
		long n = replay_folder(argv[i], rounds);
		printf("%s: %ld files\n", argv[i], n);
		if (n < 1)
			return 1;
	}
	return 0;
}
