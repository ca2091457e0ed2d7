/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_CERTIFICATE_H
#define PKI_CERTIFICATE_H

#include "base/instant.h"
#include "pki/digest.h"
#include "pki/key.h"

/*
 * X.509 v3 certificates (RFC 5280): planned, signed, linted, read.
 *
 * What is signed is what the plan says, in one fixed shape: version 3, critical
 * basicConstraints, critical keyUsage, extKeyUsage when there are purposes,
 * subjectKeyIdentifier, authorityKeyIdentifier when the plan has one (its
 * keyIdentifier only), subjectAltName when there are names, critical
 * nameConstraints when something is permitted.  Names are copied
 * byte for byte: Go compares issuer and subject as raw DER.
 */
#define SERIAL_MAX 20 /* octets (RFC 5280, 4.1.2.2) */
#define SERIAL_MINUTES 4
#define KEY_ID_LEN 20

enum key_usage { /* RFC 5280, 4.2.1.3; bit 0 is the first named bit */
	USAGE_DIGITAL_SIGNATURE = 1 << 0,
	USAGE_KEY_ENCIPHERMENT = 1 << 2,
	USAGE_KEY_CERT_SIGN = 1 << 5,
	USAGE_CRL_SIGN = 1 << 6,
};

enum purpose { /* RFC 5280, 4.2.1.12 */
	PURPOSE_SERVER = 1 << 0,
	PURPOSE_CLIENT = 1 << 1,
	PURPOSE_OTHER = 1 << 2, /* read, never planned */
};
/* anyExtendedKeyUsage reads as all of them. */

enum alt_name_kind { ALT_NAME_DNS, ALT_NAME_IP, ALT_NAME_OTHER };

/* The text of an IP is as inet_ntop writes it; of what else there may be:
 * "email:…", "URI:…", or "directoryName", "otherName" … (read, never
 * planned). */
struct alt_name {
	enum alt_name_kind kind;
	const char *text;
};

struct certificate_plan {
	struct der issuer, subject; /* Name */
	struct der public_key;      /* SubjectPublicKeyInfo */
	unsigned char serial[SERIAL_MAX];
	size_t serial_len;
	struct instant not_before, not_after;
	bool is_ca;
	int path_len; /* of a CA; -1: no limit */
	unsigned key_usage;
	unsigned purposes; /* 0: no extKeyUsage */
	const struct alt_name *alt_names;
	size_t n_alt_names;
	/* of a CA: pki/constraints.h; none: anything */
	const struct alt_name *permitted;
	size_t n_permitted;
	/* of a CA that goes on under its old one; len 0: made of the key */
	struct der subject_key_id;
	/* the issuer's subjectKeyIdentifier, of whatever length; len 0: none,
	 * as in what is self-signed */
	struct der authority_key_id;
};

/* Name of each O and of CN, in this order, an RDN each.  ERROR_INPUT for what
 * is empty, not UTF-8, or has control or invisible characters. */
MUST_CHECK bool certificate_name(const char *const *organizations,
	size_t n_organizations, const char *common_name, struct buffer *der,
	struct error *err);

/* The minutes since 1970 in four octets, then 16 random octets from the CSPRNG.
 * Random bits make a serial unique and unpredictable; time before them keeps
 * the ledger's index of a million serials from being written all over.  The
 * first bit is zero until the year 6053. */
MUST_CHECK bool certificate_serial(unsigned char serial[static SERIAL_MAX],
	size_t *ret_len, struct error *err);

/* The subjectKeyIdentifier of a key: the leftmost 160 bits of SHA-256 over the
 * BIT STRING's value (RFC 7093, 2, method 1). */
MUST_CHECK bool certificate_key_id(struct der public_key,
	unsigned char ret_id[static KEY_ID_LEN], struct error *err);

/* The one that the plan says, or that its key makes, in ret_octets. */
MUST_CHECK bool certificate_plan_key_id(const struct certificate_plan *plan,
	unsigned char ret_octets[static KEY_ID_LEN], struct der *ret_id,
	struct error *err);

/* Appends the certificate.  A plan that contradicts itself or says what no
 * certificate can say is ERROR_INPUT. */
MUST_CHECK bool certificate_sign(const struct certificate_plan *plan,
	const struct key *signer, struct buffer *der, struct error *err);

/* Reads every field back with the independent cursor and holds it to the
 * plan; nothing more and nothing less may be there.  ERROR_FAILED naming the
 * field. */
MUST_CHECK bool certificate_lint(struct der der,
	const struct certificate_plan *plan, const struct key *signer,
	struct error *err);

/*
 * A certificate that was read.  All views are into `whole`, which it owns.
 */
struct certificate {
	struct der whole;
	struct der tbs, signature_algorithm, signature;
	struct der serial; /* without sign octet */
	struct der issuer, subject, public_key;
	struct instant not_before, not_after;
	unsigned version; /* 1 … 3 */
	bool has_basic_constraints, is_ca;
	int path_len; /* -1: none */
	bool has_key_usage;
	unsigned key_usage; /* bits above and any other by its number */
	bool has_purposes;
	unsigned purposes;
	bool has_key_ids; /* either, or an authority's issuer and serial */
	struct der subject_key_id, authority_key_id; /* len 0: none */
	struct alt_name *alt_names;
	size_t n_alt_names;
	bool alt_names_critical;
	/* nameConstraints, as pki/constraints.h says */
	struct alt_name *permitted, *excluded;
	size_t n_permitted, n_excluded;
	char *other_extension; /* dotted, the first that is none of these, or
	                          NULL */
	char *subject_text; /* RFC 4514, "CN=…,O=…"; escapes as it says */
	char *common_name;  /* the last CN, or NULL */
	struct sha256 fingerprint; /* of whole */
	struct sha256 pin;         /* of public_key */
};

/* Strict DER, exact length.  ERROR_INPUT with what is wrong: version, negative
 * or zero serial, duplicate or unknown critical extension, malformed name …
 * The signature is not looked at. */
MUST_CHECK bool certificate_read(struct der der,
	struct certificate **ret_certificate, struct error *err);

/* One CERTIFICATE block. */
MUST_CHECK bool certificate_read_pem(const char *text, size_t len, bool strict,
	struct certificate **ret_certificate, struct error *err);

/* Signed by this key?  ERROR_INPUT when not.  The second form reads no more
 * than it needs. */
MUST_CHECK bool certificate_verify(const struct certificate *certificate,
	struct der issuer_public_key, struct error *err);
MUST_CHECK bool certificate_verify_der(struct der der,
	struct der issuer_public_key, struct error *err);

void certificate_free(struct certificate *certificate);
DEFINE_AUTO_FREE(certificate)

#endif
