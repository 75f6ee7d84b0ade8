/* Files named on the command line. */
#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"

enum { LONGEST_NAME = 255, DEFAULT_LIMIT = 16 * 1024 * 1024 };

static bool is_stdin(const char *path)
{
	return strcmp(path, "-") == 0;
}

const char *input_name(const char *path)
{
	if (is_stdin(path))
		return "standard input";
	if (strlen(path) <= LONGEST_NAME)
		return path;
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	size_t len = strlen(base);
	return len <= LONGEST_NAME ? base : base + len - LONGEST_NAME;
}

static int read_all(int fd, const char *path, struct buf *out, struct err *e)
{
	char piece[65536];

	for (;;) {
		ssize_t n = read(fd, piece, sizeof(piece));
		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "%.200s cannot be read", path);
		if (buf_add(out, piece, (size_t)n) < 0)
			return err_set(e, ERR_INVALID, "%.200s is larger than %zu bytes, the most",
				       path, out->limit);
	}
}

static int check_text(const struct buf *text, const char *path, struct err *e)
{
	uint32_t code;

	for (size_t at = 0; at < text->len;) {
		size_t n = utf8_decode(text->data + at, text->len - at, &code);
		if (n == 0 || code == 0)
			return err_set(e, ERR_INVALID, "%.200s is not text: byte %zu is not UTF-8",
				       path, at);
		at += n;
	}
	return 0;
}

int input_read(const char *path, size_t limit, struct buf *out, struct err *e)
{
	AUTO(fd_t) opened = -1;
	AUTO(buf_t) text = {.limit = limit ? limit : DEFAULT_LIMIT};

	if (!is_stdin(path)) {
		opened = open(path, O_RDONLY | O_CLOEXEC);
		if (opened < 0)
			return err_errno(e, "%.200s cannot be opened", path);
	}
	if (read_all(is_stdin(path) ? STDIN_FILENO : opened, path, &text, e) < 0 ||
	    check_text(&text, path, e) < 0)
		return -1;
	return buf_add(out, buf_text(&text), text.len);
}
