/*
 * What the simulated edge and the stub cloudflared say to each other, over plain TCP on loopback;
 * the stub dials, four connections for each process. It stands for QUIC or HTTP/2 with RPC and
 * resembles neither. Both programs include this header and nothing else of each other.
 *
 * A frame is 4 bytes of length (big endian: of all that follows), 1 byte of type, 4 bytes of
 * request id (0 where there is none) and the payload. A longer frame than WIRE_MAX, an unknown
 * type or a frame at the wrong time ends the connection.
 */
#ifndef SIM_STUB_WIRE_H
#define SIM_STUB_WIRE_H

#include <stddef.h>
#include <stdint.h>

enum wire_type {
	/* From the stub, first: account, tunnel, secret, connector id, index, version; a line each.
	 */
	WIRE_HELLO = 1,
	/* From the edge: the location's name; the connection is registered. */
	WIRE_OK,
	/* From the edge: "permanent\n" or "retry\n", then the words. The edge closes. */
	WIRE_REFUSED,
	/* From the edge: version and length of the digest, a line each; the digest; the JSON text.
	 * The digest is "hostname\tpath\tservice\tHost header for the origin\n" for each rule. */
	WIRE_CONFIG,
	/* From the stub: the version it runs now. */
	WIRE_RUNNING,
	/* From the edge: an HTTP/1.1 request head with its empty line, hop-by-hop headers removed.
	 * The body follows decoded; "Transfer-Encoding: chunked" says that its length is unknown.
	 */
	WIRE_REQUEST,
	WIRE_REQUEST_PART,
	WIRE_REQUEST_END,
	/* From the stub: an HTTP/1.1 response head, as above; then the body, decoded. */
	WIRE_RESPONSE,
	WIRE_RESPONSE_PART,
	WIRE_RESPONSE_END,
	/* From either: this request ends here, unfinished. */
	WIRE_CANCEL,
	/* From the stub: no new requests. The edge closes when it has none open. */
	WIRE_UNREGISTER,
	/* From the edge: "key value", as in the stub's mode file. */
	WIRE_MODE,
	/* From the stub where it plays QUIC, which notices silence. */
	WIRE_PING,
	WIRE_PONG
};

enum {
	WIRE_HEAD = 9,        /* bytes before the payload */
	WIRE_MAX = 9 << 20,   /* largest frame */
	WIRE_PIECE = 64 << 10 /* bodies travel in pieces of at most this */
};

static inline void wire_head(unsigned char out[WIRE_HEAD], enum wire_type type, uint32_t id,
			     size_t payload)
{
	uint32_t words[2] = {(uint32_t)(payload + WIRE_HEAD - 4), id};

	for (int i = 0; i < 4; i++) {
		out[i] = (unsigned char)(words[0] >> (24 - 8 * i));
		out[5 + i] = (unsigned char)(words[1] >> (24 - 8 * i));
	}
	out[4] = (unsigned char)type;
}

struct wire_frame {
	int type; /* enum wire_type, unless the peer is broken */
	uint32_t id;
	const char *payload; /* inside the reader's buffer */
	size_t len;
	size_t size; /* of the whole frame: what to take off the buffer */
};

static inline uint32_t wire_word(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

/* 1 = a whole frame, 0 = more bytes are needed, -1 = no frame of ours. */
static inline int wire_read(const char *data, size_t len, struct wire_frame *out)
{
	uint32_t rest;

	if (len < WIRE_HEAD)
		return 0;
	rest = wire_word(data);
	if (rest < WIRE_HEAD - 4 || rest > WIRE_MAX)
		return -1;
	if (len < (size_t)rest + 4)
		return 0;
	out->type = (unsigned char)data[4];
	out->id = wire_word(data + 5);
	out->payload = data + WIRE_HEAD;
	out->len = rest + 4 - WIRE_HEAD;
	out->size = (size_t)rest + 4;
	return 1;
}

#endif
