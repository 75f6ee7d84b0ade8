/*
 * Log lines as the real program writes them: JSON with sorted keys and times of one second's
 * resolution, or console text; and, on command, lines that no parser likes.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "sim/stub/stub.h"

enum { MAX_KV = 16 };

void line_out(const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(STDERR_FILENO, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EPIPE) {
			/* The Go runtime dies of SIGPIPE on descriptors 1 and 2 only. */
			signal(SIGPIPE, SIG_DFL);
			raise(SIGPIPE);
		}
		if (n <= 0)
			return;
		data += n;
		len -= (size_t)n;
	}
}

static int by_key(const void *a, const void *b)
{
	const struct kv *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static void time_now(char *out, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
}

static void json_line(struct bytes *out, const char *level, const char *message,
		      const struct kv *kv)
{
	struct kv all[MAX_KV + 3];
	char when[32];
	size_t n = 0;

	time_now(when, sizeof(when));
	for (; kv && kv->key && n < MAX_KV; kv++)
		all[n++] = *kv;
	all[n++] = (struct kv){.key = "level", .text = level};
	all[n++] = (struct kv){.key = "time", .text = when};
	if (message)
		all[n++] = (struct kv){.key = "message", .text = message};
	qsort(all, n, sizeof(all[0]), by_key);
	for (size_t i = 0; i < n; i++) {
		bytes_printf(out, "%s\"%s\":", i ? "," : "{", all[i].key);
		if (all[i].text)
			bytes_json(out, all[i].text);
		else
			bytes_printf(out, "%lld", (long long)all[i].number);
	}
	bytes_add(out, "}\n", 2);
}

static void console_line(struct bytes *out, const char *level, const char *message,
			 const struct kv *kv)
{
	char when[32];

	time_now(when, sizeof(when));
	bytes_printf(out, "%s %s %s", when, level, message ? message : "");
	for (; kv && kv->key; kv++) {
		if (!kv->text)
			bytes_printf(out, " %s=%lld", kv->key, (long long)kv->number);
		else if (strpbrk(kv->text, " \"="))
			bytes_printf(out, " %s=\"%s\"", kv->key, kv->text);
		else
			bytes_printf(out, " %s=%s", kv->key, kv->text);
	}
	bytes_add(out, "\n", 1);
}

void log_say(const struct log *l, enum level level, const char *message, const struct kv *kv)
{
	static const char *const names[] = {"debug", "info", "warn", "error", "fatal"};
	static const char *const shorts[] = {"DBG", "INF", "WRN", "ERR", "FTL"};
	struct bytes out = {0};

	if (level < l->level)
		return;
	if (l->json)
		json_line(&out, names[level], message, kv);
	else
		console_line(&out, shorts[level], message, kv);
	line_out(bytes_at(&out), out.len);
	bytes_free(&out);
}

void log_text(const struct log *l, enum level level, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_say(l, level, text, NULL);
}

void log_odd(const struct stub *s, const char *what, int64_t size)
{
	static const char torn[] = "{\"connIndex\":1,\"event\":0,\"ip\":\"198.41.1";
	static const char plain[] = "2024/03/01 21:38:31 failed to sufficiently increase receive "
				    "buffer size (was: 208 kiB, wanted: 7168 kiB, got: 416 kiB).\n";
	char *burst;

	if (!strcmp(what, "torn")) {
		line_out(torn, sizeof(torn) - 1);
		log_text(&s->log, LEVEL_INFO, "Tunnel server stopped");
	} else if (!strcmp(what, "plain")) {
		line_out(plain, sizeof(plain) - 1);
	} else {
		burst = must_alloc((size_t)size + 1);
		memset(burst, 'x', (size_t)size);
		log_say(&s->log, LEVEL_WARN, burst, NULL);
		free(burst);
	}
}
