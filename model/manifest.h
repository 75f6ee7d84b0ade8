/*
 * A manifest: a named document of desired state. Plain data, read from YAML with a place for every
 * mistake ("file:line:column: key.path: what is wrong, what is accepted"). What only the world can
 * tell (who made an object, does a comment fit) is not judged here.
 */
#ifndef MODEL_MANIFEST_H
#define MODEL_MANIFEST_H

#include "base/fields.h"
#include "base/map.h"
#include "base/yaml.h"

#define MANIFEST_MOST     10000 /* objects in one document */
#define MANIFEST_NAME_MAX 64

struct manifest_tunnel {
	char *name;
	int64_t replicas;
	char *drift; /* a policy's name; NULL = as the settings say */
	struct raw_json routes;
	char *place; /* "tunnels[0]" */
};

struct manifest_route {
	char *hostname; /* normalised */
	char *path;     /* NULL = all paths */
	char *service;
	struct raw_json origin; /* in the API's form; text NULL = none */
	char *drift;
	char *probe;   /* NULL = tcp */
	bool dns;      /* its record is made and kept with it */
	char *comment; /* of that record; NULL = none */
	size_t tunnel; /* index in tunnels */
	char *place;
};

struct manifest_record {
	char *name; /* normalised */
	char *type, *content, *comment, *drift;
	bool proxied;
	int64_t ttl, priority;
	char *place;
};

/* All routes of one host name: they share tunnel and record. */
struct manifest_host {
	const char *hostname; /* borrowed from its first route */
	size_t route;         /* index of that */
	size_t tunnel;
	bool dns;
	const char *comment; /* borrowed; NULL = none */
	unsigned drifts;     /* policies of its routes, as bits: its record has one of them */
};

struct manifest {
	char *name;   /* NULL = the document does not say */
	bool partial; /* says nothing of replicas, drift and comments: they stay as they are */
	struct manifest_tunnel *tunnels;
	struct manifest_route *routes;
	struct manifest_record *records;
	struct manifest_host *hosts;
	size_t n_tunnels, n_routes, n_records, n_hosts;
	struct yaml_doc *doc; /* owned; for places */

	/* private: index + 1 by key */
	struct map tunnel_keys, route_keys, record_keys, host_keys;
};

/* The caller frees *out. */
MUST_USE int manifest_parse(const char *file, const char *text, size_t len, struct manifest **out,
			    struct err *e);
void manifest_free(struct manifest *m);
typedef struct manifest *manifest_t;
void manifest_t_cleanup(manifest_t *m);
MUST_USE int manifest_name_check(const char *name, struct err *e);

/* Can a record of this type stand in a document by itself? */
bool manifest_takes_type(const char *type);

/* ---- look-ups; NULL when the document does not name it ---- */
const struct manifest_tunnel *manifest_tunnel(const struct manifest *m, const char *name);
const struct manifest_route *manifest_route(const struct manifest *m, const char *hostname,
					    const char *path);
const struct manifest_record *manifest_record(const struct manifest *m, const char *name,
					      const char *type);
const struct manifest_host *manifest_host(const struct manifest *m, const char *hostname);

/* ---- putting one together ---- */

/* Free what they hold, leaving zeroes. */
void manifest_tunnel_clear(struct manifest_tunnel *t);
void manifest_route_clear(struct manifest_route *r);
/* Takes what *t and *r hold, also when it is refused: standing twice, split over tunnels. */
MUST_USE int manifest_add_tunnel(struct manifest *m, struct manifest_tunnel *t, struct err *e);
MUST_USE int manifest_add_route(struct manifest *m, struct manifest_route *r, struct err *e);

/* Put "file:line:column: place.key: " before the sentence; always -1. below: what the sentence
 * itself begins with, or "". */
int manifest_wrap(const struct manifest *m, const char *place, const char *below, struct err *e);

#endif
