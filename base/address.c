/*
 * What an address is. A route's target is judged by the address it stands for, not by how it is
 * spelled: the decimal, hexadecimal, octal and short forms of IPv4 count, and IPv4 inside IPv6.
 */
#include "base/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

struct address {
	bool v4, v6;
	uint32_t ip4; /* host byte order */
	unsigned char ip6[16];
	char name[HOSTNAME_MAX + 2]; /* when it is neither */
};

static uint32_t load32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* ::ffff:a.b.c.d is the IPv4 address itself to the kernel. */
static bool is_mapped(const unsigned char ip6[16])
{
	static const unsigned char prefix[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(ip6, prefix, sizeof(prefix)) == 0;
}

/* Without brackets, zone and the root's dot; false when it cannot be a host at all. */
static bool bare_host(const char *host, char *out, size_t size)
{
	size_t len = strlen(host);

	if (host[0] == '[' && len > 1 && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	len = strnlen(host, len);
	if (memchr(host, '%', len))
		len = strcspn(host, "%");
	if (len > 0 && host[len - 1] == '.')
		len--;
	if (len == 0 || len >= size)
		return false;
	memcpy(out, host, len);
	out[len] = '\0';
	return true;
}

static struct address read_address(const char *host)
{
	struct address a = {0};
	struct in_addr in;

	if (!host || !bare_host(host, a.name, sizeof(a.name)))
		return a;
	/* inet_aton reads up to the first space, so the letters are checked before. */
	if (a.name[strspn(a.name, "0123456789abcdefABCDEFxX.")] == '\0' && inet_aton(a.name, &in)) {
		a.v4 = true;
		a.ip4 = ntohl(in.s_addr);
	} else if (inet_pton(AF_INET6, a.name, a.ip6) == 1) {
		a.v6 = !is_mapped(a.ip6);
		a.v4 = !a.v6;
		a.ip4 = load32(a.ip6 + 12);
	}
	return a;
}

static bool is_one_of(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (strcasecmp(name, *list) == 0)
			return true;
	return false;
}

bool address_is_loopback(const char *host)
{
	struct address a = read_address(host);

	if (a.v4)
		return a.ip4 >> 24 == 127;
	if (a.v6)
		return memcmp(a.ip6, &in6addr_loopback, sizeof(a.ip6)) == 0;
	return strcasecmp(a.name, "localhost") == 0;
}

bool address_is_unspecified(const char *host)
{
	struct address a = read_address(host);

	if (a.v4)
		return a.ip4 == 0;
	return a.v6 && memcmp(a.ip6, &in6addr_any, sizeof(a.ip6)) == 0;
}

/* 169.254/16, and where Alibaba, Oracle and Azure answer questions about the machine. */
static bool is_metadata4(uint32_t ip4)
{
	return ip4 >> 16 == 0xa9fe || ip4 == 0x646464c8 || ip4 == 0xc00000c0 || ip4 == 0xa83f8110;
}

/* fe80::/10, and the metadata addresses of EC2 and of Google. */
static bool is_metadata6(const unsigned char ip6[16])
{
	static const unsigned char ec2[16] = {0xfd, 0, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54};
	static const unsigned char gce[16] = {0xfd, 0x20, 0, 0xce, [14] = 0x02, [15] = 0x54};

	return (ip6[0] == 0xfe && (ip6[1] & 0xc0) == 0x80) || memcmp(ip6, ec2, 16) == 0 ||
	       memcmp(ip6, gce, 16) == 0;
}

/* IPv4 that a gateway would take out of IPv6: compatible (::/96), NAT64 (64:ff9b::/96 and
 * 64:ff9b:1::/48) and 6to4 (2002::/16). */
static bool embeds_metadata4(const unsigned char ip6[16])
{
	static const unsigned char zero[12] = {0}, nat64[4] = {0, 0x64, 0xff, 0x9b};

	if (memcmp(ip6, zero, 12) == 0 || memcmp(ip6, nat64, 4) == 0)
		return is_metadata4(load32(ip6 + 12));
	return ip6[0] == 0x20 && ip6[1] == 0x02 && is_metadata4(load32(ip6 + 2));
}

bool address_is_link_local(const char *host)
{
	static const char *const names[] = {"metadata.google.internal",
					    "metadata.goog",
					    "metadata",
					    "instance-data",
					    "instance-data.ec2.internal",
					    NULL};
	struct address a = read_address(host);

	if (a.v4)
		return is_metadata4(a.ip4);
	if (a.v6)
		return is_metadata6(a.ip6) || embeds_metadata4(a.ip6);
	return is_one_of(a.name, names);
}
