/*
 * The ways to fail. Read at start from "<path of the executable>.mode", lines of "key value" with
 * an optional third word, a tunnel id to which the line is limited; and set at run time by the
 * edge. docs/SIM.md lists the keys.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "sim/stub/stub.h"

void mode_init(struct mode *m)
{
	*m = (struct mode){
		.backoff_percent = 100, .step_ms = 1000, .stop_ms = 1000, .exit_code = -1};
}

static bool set_flag(struct mode *m, const char *key, bool on)
{
	const struct {
		const char *key;
		bool *flag;
	} flags[] = {{"never_ready", &m->never_ready},
		     {"dead", &m->dead},
		     {"ready_hang", &m->ready_hang},
		     {"ignore_term", &m->ignore_term},
		     {"stale", &m->stale},
		     {"quic_blocked", &m->quic_blocked},
		     {"ipv6_broken", &m->ipv6_broken}};

	for (size_t i = 0; i < COUNT(flags); i++) {
		if (!strcmp(key, flags[i].key)) {
			*flags[i].flag = on;
			return true;
		}
	}
	return false;
}

/* Exits are counted from when they are set. */
static bool set_exit(struct mode *m, const char *key, int64_t number)
{
	if (!strcmp(key, "exit_code"))
		m->exit_code = (int)number;
	else if (!strcmp(key, "exit_signal"))
		m->exit_signal = (int)number;
	else if (!strcmp(key, "exit_after_ms"))
		m->exit_after_ms = number;
	else
		return false;
	if (m->exit_code >= 0 || m->exit_signal)
		m->exit_at = now_ms() + m->exit_after_ms;
	return true;
}

static bool set_number(struct mode *m, const char *key, int64_t number)
{
	if (!strcmp(key, "ready_after_ms")) {
		m->ready_after_ms = number;
	} else if (!strcmp(key, "backoff_percent")) {
		m->backoff_percent = (int)number;
	} else if (!strcmp(key, "step_ms")) {
		m->step_ms = number;
	} else if (!strcmp(key, "stop_ms")) {
		m->stop_ms = number;
	} else if (!strcmp(key, "bind_after_ms")) {
		m->bind_after_ms = number;
	} else if (!strcmp(key, "quic_flap_ms")) {
		m->quic_flap_ms = number;
	} else {
		return set_exit(m, key, number);
	}
	return true;
}

/* Touched, so that it counts. */
static void hold_memory(struct stub *s, int64_t mib)
{
	size_t size = (size_t)mib << 20;

	free(s->held);
	s->held = NULL;
	s->mode.held_mib = mib;
	if (!size)
		return;
	s->held = must_alloc(size);
	memset(s->held, 1, size);
}

/* They are never given back. */
static void hold_files(int64_t n)
{
	while (n-- > 0 && open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
		;
}

/* What happens once, now. */
static bool act(struct stub *s, const char *key, int64_t number)
{
	if (!strcmp(key, "lose_all_s"))
		links_lose(s, LINKS, number * 1000);
	else if (!strcmp(key, "lose"))
		links_lose(s, (int)number, -1);
	else if (!strcmp(key, "log_torn"))
		log_odd(s, "torn", 0);
	else if (!strcmp(key, "log_plain"))
		log_odd(s, "plain", 0);
	else if (!strcmp(key, "rss_mib") && number >= 0 && number <= 4096)
		hold_memory(s, number);
	else if (!strcmp(key, "open_fds") && number <= 100000)
		hold_files(number);
	else if (!strcmp(key, "log_burst") && number > 0 && number <= 16 << 20)
		log_odd(s, "burst", number);
	else
		return false;
	return true;
}

bool mode_set(struct stub *s, const char *key, const char *value)
{
	int64_t number = strtoll(value, NULL, 10);

	if (!strcmp(key, "exit_words")) {
		snprintf(s->mode.exit_words, sizeof(s->mode.exit_words), "%s", value);
		return true;
	}
	if (!strcmp(key, "report_version")) {
		s->mode.report = true;
		s->mode.report_version = number;
		links_running(s);
		return true;
	}
	return set_flag(&s->mode, key, number != 0) || set_number(&s->mode, key, number) ||
	       act(s, key, number);
}

static void load_line(struct stub *s, char *line)
{
	char *key = line, *value, *only;

	line[strcspn(line, "\r\n")] = '\0';
	value = strchr(line, ' ');
	if (line[0] == '#' || !value)
		return;
	*value++ = '\0';
	only = strrchr(value, ' ');
	if (only && strlen(only + 1) == 36 && only[9] == '-') {
		*only++ = '\0';
		if (strcmp(only, s->token.tunnel))
			return;
	}
	if (!mode_set(s, key, value))
		log_text(&s->log, LEVEL_WARN, "adit-sim: unknown mode %s", key);
}

/* A link to the program may have a mode file of its own, so the path as executed comes first. */
static FILE *mode_open(void)
{
	const char *executed = (const char *)getauxval(AT_EXECFN);
	char path[4096];
	FILE *f = NULL;
	ssize_t n;

	if (executed && snprintf(path, sizeof(path), "%s.mode", executed) < (int)sizeof(path))
		f = fopen(path, "re");
	n = f ? 0 : readlink("/proc/self/exe", path, sizeof(path) - 6);
	if (n > 0) {
		memcpy(path + n, ".mode", 6);
		f = fopen(path, "re");
	}
	return f;
}

void mode_load(struct stub *s)
{
	FILE *f = mode_open();
	char line[1024];

	if (!f)
		return;
	while (fgets(line, sizeof(line), f))
		load_line(s, line);
	fclose(f);
}
