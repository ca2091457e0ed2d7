/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_OID_H
#define PKI_OID_H

#include "pki/der.h"

/*
 * Object identifiers: the content octets of those that certificates and keys
 * need, each with its dotted form behind it.
 */

/* Bytes of a string literal, without its NUL, as a view. */
#define DER_LITERAL(text)                                                      \
	{                                                                      \
		(const unsigned char *)(text), sizeof(text) - 1                \
	}
#define OID(text) ((struct der)DER_LITERAL(text))

#define OID_COMMON_NAME OID("\x55\x04\x03")  /* 2.5.4.3 */
#define OID_ORGANIZATION OID("\x55\x04\x0a") /* 2.5.4.10 */

#define OID_SUBJECT_KEY_ID OID("\x55\x1d\x0e")    /* 2.5.29.14 */
#define OID_KEY_USAGE OID("\x55\x1d\x0f")         /* 2.5.29.15 */
#define OID_NAME_CONSTRAINTS OID("\x55\x1d\x1e")  /* 2.5.29.30 */
#define OID_SUBJECT_ALT_NAME OID("\x55\x1d\x11")  /* 2.5.29.17 */
#define OID_CRL_NUMBER OID("\x55\x1d\x14")       /* 2.5.29.20 */
#define OID_REASON_CODE OID("\x55\x1d\x15")      /* 2.5.29.21 */
#define OID_BASIC_CONSTRAINTS OID("\x55\x1d\x13") /* 2.5.29.19 */
#define OID_AUTHORITY_KEY_ID OID("\x55\x1d\x23")  /* 2.5.29.35 */
#define OID_EXT_KEY_USAGE OID("\x55\x1d\x25")     /* 2.5.29.37 */

#define OID_ANY_PURPOSE OID("\x55\x1d\x25\x00") /* 2.5.29.37.0 */
#define OID_SERVER_AUTH                                                        \
	OID("\x2b\x06\x01\x05\x05\x07\x03\x01") /* 1.3.6.1.5.5.7.3.1 */
#define OID_CLIENT_AUTH                                                        \
	OID("\x2b\x06\x01\x05\x05\x07\x03\x02") /* 1.3.6.1.5.5.7.3.2 */

#define OID_RSA_ENCRYPTION                                                     \
	OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01") /* 1.2.840.113549.1.1.1 */
#define OID_EC_PUBLIC_KEY                                                      \
	OID("\x2a\x86\x48\xce\x3d\x02\x01") /* 1.2.840.10045.2.1 */

/* AlgorithmIdentifiers of signatures, whole (RFC 4055, RFC 5758, RFC 8410). */
#define SHA256_WITH_RSA                                                        \
	DER_LITERAL("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00")
#define SHA384_WITH_RSA                                                        \
	DER_LITERAL("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c\x05\x00")
#define SHA512_WITH_RSA                                                        \
	DER_LITERAL("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d\x05\x00")
/* … without their NULL, as RFC 4055, 5 wants them to be read. */
#define BARE_SHA256_WITH_RSA                                                   \
	DER_LITERAL("\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b")
#define BARE_SHA384_WITH_RSA                                                   \
	DER_LITERAL("\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c")
#define BARE_SHA512_WITH_RSA                                                   \
	DER_LITERAL("\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d")
/* RSA-PSS with a hash, MGF1 of it, and a salt as long as it is (RFC 4055, 3.1):
 * the last octets of the hash's identifier, and of the salt's length. */
#define RSA_PSS(hash, salt)                                                    \
	DER_LITERAL("\x30\x41\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x30" \
		"\x34\xa0\x0f\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04"     \
		"\x02"                                                         \
		hash                                                           \
		"\x05\x00\xa1\x1c\x30\x1a\x06\x09\x2a\x86\x48\x86\xf7\x0d"     \
		"\x01\x01\x08\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04"     \
		"\x02"                                                         \
		hash                                                           \
		"\x05\x00\xa2\x03\x02\x01"                                     \
		salt)
#define PSS_SHA256 RSA_PSS("\x01", "\x20")
#define PSS_SHA384 RSA_PSS("\x02", "\x30")
#define PSS_SHA512 RSA_PSS("\x03", "\x40")
#define ECDSA_WITH_SHA256                                                      \
	DER_LITERAL("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02")
#define ECDSA_WITH_SHA384                                                      \
	DER_LITERAL("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03")
#define ECDSA_WITH_SHA512                                                      \
	DER_LITERAL("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x04")
#define ED25519_ITSELF DER_LITERAL("\x30\x05\x06\x03\x2b\x65\x70")

/* "2.5.4.3", for the caller to free(); "?" when the octets are not those of an
 * object identifier. */
char *oid_format(struct der oid);

/* One or more base-128 numbers, each minimal and at most 63 bits. */
bool oid_is_valid(struct der oid);

#endif
