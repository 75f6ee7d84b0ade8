/*
 * adit-sim-cloudflared: start, loop, signals, end. What is said and in which order follows the
 * real program, since a supervisor is tested against it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "sim/stub/stub.h"

int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t random_number(void)
{
	uint64_t n = 0;

	if (getrandom(&n, sizeof(n), 0) != sizeof(n))
		abort();
	return n;
}

void die(int code, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text) - 1, fmt, ap);
	va_end(ap);
	n = at_most((size_t)(n > 0 ? n : 0), (int)sizeof(text) - 2);
	text[n++] = '\n';
	line_out(text, (size_t)n);
	_exit(code);
}

void watch(struct stub *s, int fd, short events, ready_fn *ready, void *item)
{
	if (fd < 0 || !events || s->n_fds >= MAX_FDS)
		return;
	s->fds[s->n_fds] = (struct pollfd){.fd = fd, .events = events};
	s->watched[s->n_fds++] = (struct watched){ready, item};
}

void wake_by(struct stub *s, int64_t at)
{
	if (at < s->wake_at)
		s->wake_at = at;
}

static void new_connector_id(struct stub *s)
{
	uint64_t a = random_number(), b = random_number();

	snprintf(s->connector_id, sizeof(s->connector_id), "%08x-%04x-4%03x-%04x-%012llx",
		 (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
		 (unsigned)(0x8000 | (b >> 48 & 0x3fff)),
		 (unsigned long long)(b & 0xffffffffffffULL));
}

/* ---- start ---- */

static void log_init(struct stub *s)
{
	static const char *const names[] = {"debug", "info", "warn", "error", "fatal"};
	const char *wanted = setting(&s->settings, "loglevel");
	const char *output = setting(&s->settings, "output");

	s->log = (struct log){.json = output && !strcmp(output, "json"), .level = LEVEL_INFO};
	for (size_t i = 0; wanted && i < COUNT(names); i++) {
		if (!strcmp(names[i], wanted)) {
			s->log.level = (enum level)i;
			return;
		}
	}
	if (wanted && *wanted)
		log_text(&s->log, LEVEL_ERROR, "Failed to parse log level %s, using info", wanted);
}

static void log_settings(const struct stub *s)
{
	struct bytes text = {0};
	const char *const secrets[] = {"token", "credentials-contents"};

	bytes_printf(&text, "Settings: map[");
	for (size_t i = 0; flag_at(i); i++) {
		const char *value = s->settings.values[i];

		for (size_t k = 0; value && k < COUNT(secrets); k++)
			if (!strcmp(flag_at(i)->name, secrets[k]))
				value = "*****";
		if (value)
			bytes_printf(&text, " %s:%s", flag_at(i)->name, value);
	}
	bytes_printf(&text, "]");
	log_text(&s->log, LEVEL_INFO, "%.1000s", bytes_at(&text));
	bytes_free(&text);
}

static void check_settings(struct stub *s)
{
	const char *protocol = setting(&s->settings, "protocol");
	const char *ip = setting(&s->settings, "edge-ip-version");
	const char *grace = setting(&s->settings, "grace-period");
	const char *retries = setting(&s->settings, "retries");
	const char *token = setting(&s->settings, "token");

	s->grace_ms = 30000;
	if (grace && !duration_read(grace, &s->grace_ms))
		die(1, "time: invalid duration \"%s\"", grace);
	if (s->grace_ms > 180000)
		die(1, "grace-period must be equal or less than 3m0s");
	if (ip && strcmp(ip, "4") && strcmp(ip, "6") && strcmp(ip, "auto"))
		die(1, "invalid value for edge-ip-version: %s", ip);
	/* auto without a token in sight obeys DNS, which a stub has not: http2. */
	s->protocol = token && *token ? "quic" : "http2";
	if (protocol && (!strcmp(protocol, "quic") || !strcmp(protocol, "http2")))
		s->protocol = protocol;
	else if (protocol && strcmp(protocol, "auto"))
		die(1,
		    "unknown protocol %s, Available protocols: auto - automatically select the "
		    "transport protocol, quic, http2",
		    protocol);
	s->retries = retries ? (int)strtol(retries, NULL, 10) : 5;
}

static void log_start(struct stub *s)
{
	const struct kv kv[] = {{"tunnelID", s->token.tunnel, 0}, {0}};

	log_say(&s->log, LEVEL_INFO, "Starting tunnel", kv);
	log_text(&s->log, LEVEL_INFO, "Version " STUB_VERSION " (Checksum stub)");
	log_settings(s);
	log_text(&s->log, LEVEL_INFO, "Generated Connector ID: %s", s->connector_id);
	log_text(&s->log, LEVEL_INFO, "Initial protocol %s", s->protocol);
	if (!setting(&s->settings, "token"))
		log_text(&s->log, LEVEL_WARN,
			 "No ingress rules were defined in provided config (if any) nor from the "
			 "cli, cloudflared will return 503 for all incoming HTTP requests");
}

static void signals_init(struct stub *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
}

static void notify_ready(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t n = path ? strlen(path) : 0;
	int fd;

	if (!n || n >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, n);
	if (*path == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (struct sockaddr *)&to,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	close(fd);
}

void stub_registered(struct stub *s)
{
	const char *pidfile = setting(&s->settings, "pidfile");
	FILE *f;

	if (s->was_ready)
		return;
	s->was_ready = true;
	notify_ready();
	f = pidfile ? fopen(pidfile, "we") : NULL;
	if (pidfile && !f)
		log_text(&s->log, LEVEL_ERROR, "Unable to write pid to %s", pidfile);
	if (f) {
		fprintf(f, "%d", getpid());
		fclose(f);
	}
}

/* ---- end ---- */

static _Noreturn void leave(struct stub *s)
{
	log_text(&s->log, LEVEL_INFO, "Tunnel server stopped");
	log_text(&s->log, LEVEL_INFO, "Metrics server stopped");
	_exit(0);
}

static void stop_begin(struct stub *s, const char *name)
{
	sigset_t set;

	/* The next one kills. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	log_text(&s->log, LEVEL_INFO, "Initiating graceful shutdown due to signal %s ...", name);
	if (s->mode.ignore_term)
		return;
	if (!links_up(s) && !(s->was_ready && links_wait(s)))
		leave(s);
	s->stopping_at = now_ms();
	links_unregister(s);
}

static void signal_ready(struct stub *s, void *item, int fd, short events)
{
	struct signalfd_siginfo info;

	(void)item;
	(void)events;
	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGQUIT)
		die(2, "SIGQUIT: quit");
	stop_begin(s, info.ssi_signo == SIGINT ? "interrupt" : "terminated");
}

static void stop_tick(struct stub *s, int64_t now)
{
	int64_t least = s->stopping_at + s->mode.stop_ms;
	int64_t most =
		s->stopping_at + (s->grace_ms > s->mode.stop_ms ? s->grace_ms : s->mode.stop_ms);

	if (now >= most || (now >= least && links_closed(s) && !origins_open(s)))
		leave(s);
	wake_by(s, now < least ? least : most);
}

/* An exit that was asked for by mode. */
static void exit_tick(struct stub *s, int64_t now)
{
	if (s->mode.exit_code < 0 && !s->mode.exit_signal)
		return;
	wake_by(s, s->mode.exit_at);
	if (now < s->mode.exit_at)
		return;
	if (s->mode.exit_signal) {
		sigset_t all;

		sigfillset(&all);
		signal(s->mode.exit_signal, SIG_DFL);
		sigprocmask(SIG_UNBLOCK, &all, NULL);
		raise(s->mode.exit_signal);
	}
	if (s->mode.exit_words[0])
		die(s->mode.exit_code, "%s", s->mode.exit_words);
	_exit(s->mode.exit_code);
}

/* ---- the loop ---- */

static void turn(struct stub *s)
{
	int64_t now = now_ms(), wait;

	s->n_fds = 0;
	s->wake_at = now + 60000;
	exit_tick(s, now);
	links_flap(s);
	links_tick(s);
	origins_tick(s);
	if (s->stopping_at)
		stop_tick(s, now);
	watch(s, s->signal_fd, POLLIN, signal_ready, NULL);
	metrics_prepare(s);
	links_prepare(s);
	origins_prepare(s);
	wait = s->wake_at - now_ms();
	if (poll(s->fds, s->n_fds, wait > 0 ? (int)wait : 0) <= 0)
		return;
	/* A handler may end what a later one stands for: each compares its descriptor first. */
	for (size_t i = 0; i < s->n_fds; i++)
		if (s->fds[i].revents)
			s->watched[i].ready(s, s->watched[i].item, s->fds[i].fd, s->fds[i].revents);
}

static void stub_init(struct stub *s)
{
	for (size_t i = 0; i < MAX_CLIENTS; i++)
		s->clients[i].fd = -1;
	links_init(s);
	s->rules.version = -1;
	mode_init(&s->mode);
	new_connector_id(s);
}

/* Asked for names, nobody answers: nothing listens, only signals are heard. */
static void names_wait(struct stub *s)
{
	int64_t until = now_ms() + s->mode.bind_after_ms;

	for (int64_t now; (now = now_ms()) < until;) {
		s->n_fds = 0;
		s->wake_at = until;
		exit_tick(s, now);
		watch(s, s->signal_fd, POLLIN, signal_ready, NULL);
		if (poll(s->fds, s->n_fds, (int)(s->wake_at - now)) > 0)
			signal_ready(s, NULL, s->signal_fd, POLLIN);
	}
}

/* Half of the edge's names lead to addresses that cannot be reached from here. */
static void addresses_choose(const struct stub *s)
{
	const char *ip = setting(&s->settings, "edge-ip-version");

	if (!s->mode.ipv6_broken || (ip && !strcmp(ip, "4")))
		return;
	log_text(&s->log, LEVEL_ERROR, "Initiating shutdown");
	die(1, "there are no free edge addresses left to resolve to");
}

static void files_many(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	struct stub *s = must_alloc(sizeof(*s));
	const char *config;

	signals_init(s);
	files_many();
	stub_init(s);
	args_read(&s->settings, argc, argv);
	config = setting(&s->settings, "config");
	if (config)
		config_read(&s->settings, config);
	log_init(s);
	token_load(&s->settings, &s->token);
	check_settings(s);
	log_start(s);
	mode_load(s);
	exit_tick(s, now_ms());
	names_wait(s);
	metrics_bind(s);
	addresses_choose(s);
	links_start(s);
	for (;;)
		turn(s);
}
