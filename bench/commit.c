/*
 * What it costs to keep a promise: the transactions of a changed route on a real file system,
 * beside the least that a disk can be asked for (4 KiB in place and fdatasync). In turns, so that a
 * noisy disk meets all of them. Prints "floor row route group" in nanoseconds, a line a round;
 * group is for one row of 100 in one transaction.
 *
 * bench-commit FOLDER ROUNDS            measure in an empty folder
 * bench-commit FOLDER fill ROUTES       make a store with that many routes, for others to open; it
 *                                       prints the mark's last part
 * bench-commit FOLDER adopt             add what exists: lines "t NAME REMOTE_ID", and for records
 *                                       of the tunnel before them "d NAME REMOTE_ID ZONE_ID";
 *                                       each record has a route to port 8080
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/store.h"

#define ACCOUNT "023e105f4ecef8ad9ca31a8372d0c353"
#define GROUP   100
#define SERVICE "http://127.0.0.1:8080"

struct bench {
	struct store *s;
	struct err e;
	int floor;
	struct tunnel *tunnel;
	struct route *route;
	struct record *record;
	int64_t revision;
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void must(const struct bench *b, int rc)
{
	if (rc == 0)
		return;
	fprintf(stderr, "bench-commit: %s\n", b->e.message);
	exit(1);
}

static void make_route(struct bench *b, int i)
{
	AUTO(str_t) name = str_format("app%d.example.com", i);

	route_free(b->route);
	record_free(b->record);
	b->route = route_new();
	b->record = record_new(name, "CNAME");
	memcpy(b->route->tunnel_id, b->tunnel->id, sizeof(b->route->tunnel_id));
	memcpy(b->record->tunnel_id, b->tunnel->id, sizeof(b->record->tunnel_id));
	str_set(&b->route->hostname, name);
	str_set(&b->route->service, "http://127.0.0.1:8080");
}

static void save_route(struct bench *b)
{
	must(b, store_save_tunnel(b->s, b->tunnel, &b->e));
	must(b, store_save_route(b->s, b->route, &b->e));
	must(b, store_save_record(b->s, b->record, &b->e));
}

static struct ledger_row row_of(enum ledger_phase phase)
{
	static char who[] = "uid 0 (root)", what[] = "route_set", call[] = "0123456789ab";
	static char args[] =
		"{\"hostname\":\"app1.example.com\",\"service\":\"http://127.0.0.1:80\"}";

	return (struct ledger_row){.phase = phase,
				   .principal = who,
				   .operation = what,
				   .object = call,
				   .arguments = args};
}

/* ---- what is measured ---- */

static int64_t floor_write(struct bench *b)
{
	static const char block[4096] = {1};
	int64_t at = now_ns();

	if (pwrite(b->floor, block, sizeof(block), 0) != sizeof(block) || fdatasync(b->floor))
		exit(1);
	return now_ns() - at;
}

static int64_t one_row(struct bench *b)
{
	struct ledger_row row = row_of(LEDGER_ASKED);
	int64_t at = now_ns();

	must(b, store_add_ledger(b->s, &row, NULL, &b->e));
	return now_ns() - at;
}

static int64_t group(struct bench *b)
{
	struct ledger_row row = row_of(LEDGER_ASKED);
	int64_t at = now_ns();

	must(b, store_begin(b->s, &b->e));
	for (int i = 0; i < GROUP; i++)
		must(b, store_add_ledger(b->s, &row, NULL, &b->e));
	must(b, store_commit(b->s, &b->e));
	return (now_ns() - at) / GROUP;
}

/* As ops/write commits a changed route: plan, rows, revision, intent. */
static int64_t change_route(struct bench *b)
{
	struct ledger_row row = row_of(LEDGER_INTENT);
	AUTO(plan_t) p = plan_new("route_set", "uid 0 (root)", NULL);
	struct edit *ed = plan_edit(p, EDIT_ROUTE_PUT, b->route->id);

	memcpy(ed->tunnel_id, b->tunnel->id, sizeof(ed->tunnel_id));
	str_set(&ed->name, b->route->hostname);
	str_set(&ed->service, b->route->service);
	plan_change(p, '~', "route", b->route->hostname, "%s", b->route->service);
	plan_touch(p, b->route->id, b->route->generation);
	plan_seal(p);
	p->state = PLAN_APPLIED;
	p->revision = ++b->revision;
	b->tunnel->generation++;
	b->route->generation++;
	int64_t at = now_ns();

	must(b, store_begin(b->s, &b->e));
	must(b, store_add_plan(b->s, p, &b->e));
	save_route(b);
	must(b, store_add_revision(b->s, p->revision, p, &b->e));
	must(b, store_add_ledger(b->s, &row, NULL, &b->e));
	must(b, store_commit(b->s, &b->e));
	return now_ns() - at;
}

static void measure(struct bench *b, int rounds)
{
	make_route(b, 1);
	for (int i = 0; i < rounds; i++) {
		long long least = floor_write(b), row = one_row(b);
		long long route = change_route(b), each = group(b);

		printf("%lld %lld %lld %lld\n", least, row, route, each);
	}
}

static void fill(struct bench *b, int routes)
{
	must(b, store_begin(b->s, &b->e));
	b->tunnel->replicas = 0;
	for (int i = 0; i < routes; i++) {
		make_route(b, i);
		save_route(b);
	}
	must(b, store_commit(b->s, &b->e));
}

/* What the tunnel's configuration holds, as it was put there. */
static void save_rules(struct bench *b, struct buf *rules)
{
	if (!rules->len)
		return;
	AUTO(str_t) text = str_format("[%s]", buf_text(rules));

	must(b, store_save_rules(b->s, b->tunnel->id, text, &b->e));
	buf_free(rules);
}

static void adopt_tunnel(struct bench *b, const char *name, const char *remote)
{
	AUTO(secret_t) token = {0};

	tunnel_free(b->tunnel);
	b->tunnel = tunnel_new(name);
	b->tunnel->replicas = 0;
	b->tunnel->applied_generation = b->tunnel->generation;
	b->tunnel->config_version = 1;
	b->tunnel->token_generation = 1;
	(void)str_copy(b->tunnel->remote_id, UUID_SIZE, remote);
	must(b, store_save_tunnel(b->s, b->tunnel, &b->e));
	secret_set(&token, remote, strlen(remote)); /* never used */
	must(b, store_save_token(b->s, b->tunnel->id, &token, &b->e));
}

/* A record, and the route that it is for. */
static void adopt_record(struct bench *b, const char *name, const char *remote, const char *zone)
{
	record_free(b->record);
	b->record = record_new(name, "CNAME");
	b->record->proxied = true;
	b->record->applied_generation = b->record->generation;
	memcpy(b->record->tunnel_id, b->tunnel->id, ID_SIZE);
	(void)str_copy(b->record->remote_id, CF_ID_SIZE, remote);
	(void)str_copy(b->record->zone_id, CF_ID_SIZE, zone);
	must(b, store_save_record(b->s, b->record, &b->e));
	route_free(b->route);
	b->route = route_new();
	b->route->applied_generation = b->route->generation;
	memcpy(b->route->tunnel_id, b->tunnel->id, ID_SIZE);
	str_set(&b->route->hostname, name);
	str_set(&b->route->service, SERVICE);
	must(b, store_save_route(b->s, b->route, &b->e));
}

/* Records are of tunnels that stood before them. */
static void adopt(struct bench *b)
{
	struct buf rules = {0};
	char kind[2], name[128], remote[UUID_SIZE], zone[CF_ID_SIZE], line[512];

	must(b, store_begin(b->s, &b->e));
	while (fgets(line, sizeof(line), stdin)) {
		int n = sscanf(line, "%1s %127s %36s %32s", kind, name, remote, zone);

		if (n == 3) {
			save_rules(b, &rules);
			adopt_tunnel(b, name, remote);
		} else if (n == 4) {
			adopt_record(b, name, remote, zone);
			(void)buf_printf(&rules,
					 "%s{\"hostname\":\"%s\",\"service\":\"" SERVICE "\"}",
					 rules.len ? "," : "", name);
		}
	}
	save_rules(b, &rules);
	must(b, store_commit(b->s, &b->e));
}

int main(int argc, char **argv)
{
	struct bench b = {.tunnel = tunnel_new("bench")};
	bool filling = argc == 4 && strcmp(argv[2], "fill") == 0;
	bool adopting = argc == 3 && strcmp(argv[2], "adopt") == 0;
	int dirfd = argc > 2 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	struct store_options options = {.dirfd = dirfd, .owner = "bench", .account_id = ACCOUNT};

	if (dirfd < 0 || (argc != 3 && !filling))
		return 64;
	must(&b, store_open(&options, &b.s, &b.e));
	b.floor = openat(dirfd, "floor", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (b.floor < 0)
		return 1;
	if (filling) {
		printf("%s\n", store_install(b.s));
		fill(&b, (int)strtol(argv[3], NULL, 10));
	} else if (adopting)
		adopt(&b);
	else
		measure(&b, (int)strtol(argv[2], NULL, 10));
	store_close(b.s);
	close(b.floor);
	unlinkat(dirfd, "floor", 0);
	tunnel_free(b.tunnel);
	route_free(b.route);
	record_free(b.record);
	return 0;
}
