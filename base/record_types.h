/* The types of DNS records that adit keeps, for tables of accepted values in model and
 * declarations. */
#ifndef BASE_RECORD_TYPES_H
#define BASE_RECORD_TYPES_H

#define RECORD_TYPES                                                                               \
	"A", "AAAA", "CAA", "CERT", "CNAME", "DNSKEY", "DS", "HTTPS", "LOC", "MX", "NAPTR", "NS",  \
		"OPENPGPKEY", "PTR", "SMIMEA", "SRV", "SSHFP", "SVCB", "TLSA", "TXT", "URI"

#endif
