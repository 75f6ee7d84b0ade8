/*
 * Which socket of this host is at the other end of a loopback connection, and whether a process
 * holds it. The kernel is asked for exactly that one (sock_diag). Where it does not answer, nothing
 * is known, and whoever asks decides without it.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/server_private.h"

/* More descriptors of one process are not looked through. */
#define DESCRIPTORS_MAX 65536

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct question {
	struct nlmsghdr head;
	struct inet_diag_req_v2 body;
};

/* Both ends as the peer's socket has them: its own is our peer's address. */
static bool question_make(int fd, struct question *q)
{
	union address own = {.v6 = {0}}, peer = {.v6 = {0}};
	socklen_t own_len = sizeof(own), peer_len = sizeof(peer);
	struct inet_diag_sockid *id = &q->body.id;

	if (getsockname(fd, &own.any, &own_len) < 0 || getpeername(fd, &peer.any, &peer_len) < 0)
		return false;
	*q = (struct question){
		.head = {.nlmsg_len = sizeof(*q),
			 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			 .nlmsg_flags = NLM_F_REQUEST},
		.body = {.sdiag_family = (uint8_t)own.any.sa_family,
			 .sdiag_protocol = IPPROTO_TCP,
			 .idiag_states = UINT32_MAX},
	};
	id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	if (own.any.sa_family == AF_INET) {
		id->idiag_sport = peer.v4.sin_port;
		id->idiag_dport = own.v4.sin_port;
		id->idiag_src[0] = peer.v4.sin_addr.s_addr;
		id->idiag_dst[0] = own.v4.sin_addr.s_addr;
		return true;
	}
	id->idiag_sport = peer.v6.sin6_port;
	id->idiag_dport = own.v6.sin6_port;
	memcpy(id->idiag_src, &peer.v6.sin6_addr, sizeof(peer.v6.sin6_addr));
	memcpy(id->idiag_dst, &own.v6.sin6_addr, sizeof(own.v6.sin6_addr));
	return own.any.sa_family == AF_INET6;
}

uint64_t peer_socket(int fd)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct question q;
	union {
		struct nlmsghdr head;
		char room[1024];
	} answer = {.room = {0}};
	AUTO(fd_t)
	ask = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);

	if (ask < 0 || !question_make(fd, &q) ||
	    sendto(ask, &q, sizeof(q), 0, (const struct sockaddr *)(const void *)&kernel,
		   sizeof(kernel)) < 0)
		return 0;

	ssize_t n = recv(ask, &answer, sizeof(answer), 0);
	struct inet_diag_msg found;

	if (n < (ssize_t)(NLMSG_HDRLEN + sizeof(found)) ||
	    answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return 0;
	memcpy(&found, answer.room + NLMSG_HDRLEN, sizeof(found));
	return found.idiag_inode;
}

bool process_holds_socket(pid_t pid, uint64_t socket)
{
	char path[64], wanted[64], target[64];
	bool holds = false;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	(void)snprintf(wanted, sizeof(wanted), "socket:[%llu]", (unsigned long long)socket);

	DIR *folder = socket ? opendir(path) : NULL;
	const struct dirent *entry = NULL;

	for (int i = 0; folder && !holds && i < DESCRIPTORS_MAX && (entry = readdir(folder)); i++) {
		ssize_t n = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);

		target[n > 0 ? n : 0] = '\0';
		holds = str_equal(target, wanted);
	}
	if (folder)
		(void)closedir(folder);
	return holds;
}
