#include "cli/mcp_refused.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"

/* A client that is refused may begin once more in the older way; then it gives up. */
enum { ANSWERS_MAX = 8, QUIET_MS = 3000, INPUT_MAX = 1 << 20 };
enum { INTERNAL_ERROR = -32603 }; /* of JSON-RPC */

static bool write_all(const struct buf *text)
{
	size_t done = 0;

	while (done < text->len) {
		ssize_t n = write(STDOUT_FILENO, text->data + done, text->len - done);
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static void put_error(const struct json *id, const struct err *e, struct buf *out)
{
	AUTO(str_t)
	text = str_format("%s%s%s", e->message, e->hint[0] ? ". " : "", e->hint);
	struct json_writer w;

	json_write_init(&w, out);
	json_object_begin(&w);
	json_put_string(&w, "jsonrpc", "2.0");
	json_write_key(&w, "id");
	json_write_value(&w, id);
	json_write_key(&w, "error");
	json_object_begin(&w);
	json_put_int(&w, "code", INTERNAL_ERROR);
	json_put_string(&w, "message", text);
	json_object_end(&w);
	json_object_end(&w);
	(void)buf_char(out, '\n');
}

/* Was it a request, and is it answered? What is none is passed over. */
static bool answer_line(const char *line, size_t len, const struct err *e)
{
	AUTO(json_doc_t) doc = NULL;
	AUTO(buf_t) out = {0};
	struct err ignored;

	if (json_parse(line, len, NULL, &doc, &ignored) < 0)
		return false;
	const struct json *id = json_get(json_root(doc), "id");
	bool asks = json_get_string(json_root(doc), "method") &&
		    (json_type(id) == JSON_STRING || json_type(id) == JSON_NUMBER);
	if (!asks)
		return false;
	put_error(id, e, &out);
	return write_all(&out);
}

/* false: nothing more comes. */
static bool read_more(struct buf *in)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
	char piece[4096];

	if (poll(&p, 1, QUIET_MS) <= 0)
		return false;
	ssize_t n = read(STDIN_FILENO, piece, sizeof(piece));
	return n > 0 && buf_add(in, piece, (size_t)n) == 0;
}

void mcp_answer_refused(const struct err *e)
{
	AUTO(buf_t) in = {.limit = INPUT_MAX};
	size_t at = 0;
	int answers = 0;

	if (isatty(STDIN_FILENO))
		return;
	while (answers < ANSWERS_MAX && read_more(&in)) {
		const char *end;
		while ((end = memchr(in.data + at, '\n', in.len - at))) {
			const char *line = in.data + at;
			answers += answer_line(line, (size_t)(end - line), e);
			at = (size_t)(end - in.data) + 1;
		}
	}
}
