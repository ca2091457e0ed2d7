/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/affix.h"
#include "verify/examination.h"

#include <stdio.h>
#include <string.h>

#include "pki/oid.h"
#include "pki/public_key.h"
#include "verify/rule_groups.h"

#define SOON (30 * SPAN_DAY)

/* -- validity -- */

static bool has_times(const struct artifact *artifact)
{
	return !flaws_find(&artifact->flaws, FLAW_VALIDITY) &&
	       !flaws_find(&artifact->flaws, FLAW_VALIDITY_ORDER);
}

static void expired(struct examination *x, const struct artifact *artifact)
{
	struct instant end = artifact->certificate->not_after;
	char text[INSTANT_TEXT];

	if (has_times(artifact) && end.seconds < x->settings->at.seconds)
		finding(x, "expired on %s", instant_format(end, text));
}

static void not_yet_valid(
	struct examination *x, const struct artifact *artifact)
{
	struct instant start = artifact->certificate->not_before;
	char text[INSTANT_TEXT];

	if (has_times(artifact) && start.seconds > x->settings->at.seconds)
		finding(x, "not valid before %s", instant_format(start, text));
}

static void expires_soon(struct examination *x, const struct artifact *artifact)
{
	struct instant end = artifact->certificate->not_after;
	struct instant at = x->settings->at;
	char text[INSTANT_TEXT];

	if (has_times(artifact) && end.seconds >= at.seconds &&
		end.seconds < instant_add(at, SOON).seconds)
		finding(x, "expires on %s, within 30 days",
			instant_format(end, text));
}

/* -- flaws of form -- */

static void report(struct examination *x, const struct artifact *artifact,
	enum flaw_kind kind)
{
	const struct flaw *flaw = flaws_find(&artifact->flaws, kind);

	if (flaw)
		finding(x, "%s", flaw->text);
}

/* Rules that do no more than name a flaw. */
#define FLAW_RULE(function, kind)                                              \
	static void function(                                                  \
		struct examination *x, const struct artifact *artifact)        \
	{                                                                      \
		report(x, artifact, kind);                                     \
	}

FLAW_RULE(time_malformed, FLAW_VALIDITY)
FLAW_RULE(ends_before_begin, FLAW_VALIDITY_ORDER)
FLAW_RULE(serial_zero, FLAW_SERIAL_ZERO)
FLAW_RULE(serial_long, FLAW_SERIAL_LONG)
FLAW_RULE(serial_padded, FLAW_SERIAL_ENCODING)
FLAW_RULE(version_wrong, FLAW_VERSION)
FLAW_RULE(trailing_data, FLAW_TRAILING)
FLAW_RULE(extension_twice, FLAW_EXTENSION_TWICE)
FLAW_RULE(extension_unknown, FLAW_EXTENSION_UNKNOWN)
FLAW_RULE(extension_unread, FLAW_EXTENSION_UNREAD)
FLAW_RULE(extension_malformed, FLAW_EXTENSION)
FLAW_RULE(false_written, FLAW_FALSE_WRITTEN)
FLAW_RULE(alt_name_malformed, FLAW_ALT_NAME)
FLAW_RULE(name_malformed, FLAW_NAME)
FLAW_RULE(subject_empty, FLAW_SUBJECT_EMPTY)
FLAW_RULE(algorithms_differ, FLAW_ALGORITHMS)
FLAW_RULE(key_malformed, FLAW_PUBLIC_KEY)

static void serial_negative(
	struct examination *x, const struct artifact *artifact)
{
	if (flaws_find(&artifact->flaws, FLAW_SERIAL_NEGATIVE))
		finding_at_most(x,
			is_since(x, 32) ? SEVERITY_ERROR : SEVERITY_WARNING,
			"serial number is negative");
}

static void serial_again(struct examination *x, const struct artifact *artifact)
{
	const struct certificate *certificate = artifact->certificate;
	AUTO_RELEASE(buffer) both = BUFFER_INIT;
	const char *where;

	if (!x->seen || artifact->embedded_kind)
		return;
	buffer_add(&both, certificate->issuer.bytes, certificate->issuer.len);
	buffer_add(&both, certificate->serial.bytes, certificate->serial.len);
	where = seen_before(x->seen, SEEN_SERIAL, der_of(&both),
		certificate->whole,
		*x->unit->path ? x->unit->path : artifact->file->path);
	if (where)
		finding(x,
			"its issuer has given this serial number to another "
			"certificate, in %s",
			where);
}

static void version_1(struct examination *x, const struct artifact *artifact)
{
	unsigned version = artifact->certificate->version;

	if (version < 3 && !flaws_find(&artifact->flaws, FLAW_VERSION))
		finding(x, "is version %u: it says nothing of what it is for",
			version);
}

static void unreadable(struct examination *x, const struct artifact *artifact)
{
	if (text_begins(artifact->problem, "certificate: "))
		finding(x, "%s", artifact->problem);
}

static void der_file(struct examination *x, const struct artifact *artifact)
{
	if (artifact->is_der)
		finding(x, "is DER, not PEM");
}

/* -- algorithms -- */

enum signature_class { SIGNATURE_GOOD, SIGNATURE_OLD, SIGNATURE_UNKNOWN };

static const struct {
	struct der oid;
	enum signature_class class;
	const char *name;
} signatures[] = {
	{DER_LITERAL("\x2a\x86\x48\xce\x3d\x04\x03\x02"), SIGNATURE_GOOD, ""},
	{DER_LITERAL("\x2a\x86\x48\xce\x3d\x04\x03\x03"), SIGNATURE_GOOD, ""},
	{DER_LITERAL("\x2a\x86\x48\xce\x3d\x04\x03\x04"), SIGNATURE_GOOD, ""},
	{DER_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"), SIGNATURE_GOOD,
		""},
	{DER_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c"), SIGNATURE_GOOD,
		""},
	{DER_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d"), SIGNATURE_GOOD,
		""},
	{DER_LITERAL("\x2b\x65\x70"), SIGNATURE_GOOD, ""},
	{DER_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x02"), SIGNATURE_OLD,
		"MD2 with RSA"},
	{DER_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04"), SIGNATURE_OLD,
		"MD5 with RSA"},
	{DER_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"), SIGNATURE_OLD,
		"SHA-1 with RSA"},
	{DER_LITERAL("\x2a\x86\x48\xce\x3d\x04\x01"), SIGNATURE_OLD,
		"SHA-1 with ECDSA"},
	{DER_LITERAL("\x2a\x86\x48\xce\x38\x04\x03"), SIGNATURE_OLD,
		"SHA-1 with DSA"},
};

static enum signature_class classify(
	const struct certificate *certificate, char name[static 64])
{
	struct der at = certificate->signature_algorithm, inside, oid;
	AUTO_TEXT dotted = NULL;

	name[0] = '\0';
	if (!der_take(&at, DER_SEQUENCE, &inside, NULL) ||
		!der_take(&inside, DER_OID, &oid, NULL))
		return SIGNATURE_UNKNOWN;
	dotted = oid_format(oid);
	snprintf(name, 64, "%s", dotted);
	for (size_t i = 0; i < ARRAY_SIZE(signatures); i++)
		if (der_equal(signatures[i].oid, oid)) {
			snprintf(name, 64, "%s", signatures[i].name);
			return signatures[i].class;
		}
	return SIGNATURE_UNKNOWN;
}

/* Nobody looks at the signature of a root that is trusted itself. */
static bool is_root(const struct artifact *artifact)
{
	const struct certificate *certificate = artifact->certificate;

	return certificate->is_ca &&
	       der_equal(certificate->issuer, certificate->subject);
}

static void signature_old(
	struct examination *x, const struct artifact *artifact)
{
	char name[64];

	if (classify(artifact->certificate, name) != SIGNATURE_OLD)
		return;
	finding_at_most(x,
		is_root(artifact) || (!is_since(x, 24) && name[0] == 'S')
			? SEVERITY_WARNING
			: SEVERITY_ERROR,
		"is signed by %s", name);
}

static void signature_unknown(
	struct examination *x, const struct artifact *artifact)
{
	char name[64];
	enum signature_class class = classify(artifact->certificate, name);

	if (class == SIGNATURE_OLD ||
		key_verifies_foreign(artifact->certificate->signature_algorithm))
		return;
	if (class == SIGNATURE_GOOD)
		finding_at_most(x, SEVERITY_WARNING,
			"is signed by an algorithm with odd parameters, which "
			"Go takes, and which is not checked here");
	else
		finding_at_most(x,
			is_root(artifact) ? SEVERITY_INFO : SEVERITY_ERROR,
			"is signed by %s, which is none of ECDSA and RSA (PKCS "
			"#1 v1.5, or PSS with a salt as long as the hash) with "
			"SHA-256, SHA-384 or SHA-512, and Ed25519",
			name);
}

static bool read_key(
	const struct artifact *artifact, struct public_key *ret_key)
{
	AUTO_RELEASE(error) passed_over = ERROR_INIT;

	return public_key_read(
		artifact->certificate->public_key, ret_key, &passed_over);
}

static void rsa_refused(struct examination *x, const struct artifact *artifact)
{
	struct public_key key;

	if (!read_key(artifact, &key) || !key.is_rsa)
		return;
	if (key.bits < 1024 || key.bits > 8192)
		finding(x, "has an RSA key of %u bits", key.bits);
}

static void rsa_weak(struct examination *x, const struct artifact *artifact)
{
	struct public_key key;

	if (read_key(artifact, &key) && key.is_rsa && key.bits >= 1024 &&
		key.bits < 2048)
		finding(x, "has an RSA key of %u bits", key.bits);
}

static void key_refused(struct examination *x, const struct artifact *artifact)
{
	struct public_key key;

	if (!read_key(artifact, &key) || key.is_rsa ||
		text_begins(key.name, "ecdsa-") || key.type == KEY_ED25519)
		return;
	finding(x, "has a key of %s, which Kubernetes does not take", key.name);
}

static void key_bad_numbers(
	struct examination *x, const struct artifact *artifact)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct public_key key;

	if (!flaws_find(&artifact->flaws, FLAW_PUBLIC_KEY) &&
		!public_key_read(artifact->certificate->public_key, &key, &err))
		finding(x, "%s", err.message);
}

static void encipherment(struct examination *x, const struct artifact *artifact)
{
	struct public_key key;

	if (artifact->certificate->key_usage & USAGE_KEY_ENCIPHERMENT &&
		read_key(artifact, &key) && !key.is_rsa)
		finding(x, "keyEncipherment with a key of %s", key.name);
}

#define X509_PARSER "Go: crypto/x509/parser.go"

const struct rule certificate_rules[] = {
	{
		.id = "KPKI-C001",
		.severity = SEVERITY_ERROR,
		.title = "the certificate has expired",
		.meaning = "nobody accepts it; see --timeline for what stops",
		.message = "x509: certificate has expired or is not yet valid",
		.mend = "issue it again",
		.source = "RFC 5280, 4.1.2.5",
		.kinds = KIND(CERTIFICATE),
		.check = expired,
	},
	{
		.id = "KPKI-C002",
		.severity = SEVERITY_ERROR,
		.title = "the certificate is not valid yet",
		.meaning = "nobody accepts it until then",
		.message = "x509: certificate has expired or is not yet valid",
		.mend = "set the clock of whoever signed, and issue it again",
		.source = "RFC 5280, 4.1.2.5",
		.kinds = KIND(CERTIFICATE),
		.check = not_yet_valid,
	},
	{
		.id = "KPKI-C003",
		.severity = SEVERITY_WARNING,
		.title = "the certificate expires within 30 days",
		.meaning = "nobody accepts it after that",
		.mend = "issue it again before",
		.source = "RFC 5280, 4.1.2.5",
		.kinds = KIND(CERTIFICATE),
		.check = expires_soon,
	},
	{
		.id = "KPKI-C004",
		.severity = SEVERITY_ERROR,
		.title = "a time of the certificate is malformed",
		.meaning = "no component reads the certificate",
		.message = "x509: malformed validity",
		.mend = "issue it again",
		.source = "RFC 5280, 4.1.2.5; " X509_PARSER,
		.kinds = KIND(CERTIFICATE),
		.check = time_malformed,
	},
	{
		.id = "KPKI-C005",
		.severity = SEVERITY_ERROR,
		.title = "the certificate ends before it begins",
		.meaning = "it is never valid",
		.message = "x509: certificate has expired or is not yet valid",
		.mend = "issue it again",
		.source = "RFC 5280, 4.1.2.5",
		.kinds = KIND(CERTIFICATE),
		.check = ends_before_begin,
	},
	{
		.id = "KPKI-C006",
		.severity = SEVERITY_INFO,
		.title = "the serial number is zero",
		.meaning = "it works; kubeadm before 1.25 makes CAs so",
		.mend = "nothing needs to be done",
		.source = "RFC 5280, 4.1.2.2",
		.kinds = KIND(CERTIFICATE),
		.check = serial_zero,
	},
	{
		.id = "KPKI-C007",
		.severity = SEVERITY_ERROR,
		.title = "the serial number is negative",
		.meaning = "Kubernetes from 1.32 on does not read it",
		.message = "x509: negative serial number",
		.mend = "issue it again",
		.source = "RFC 5280, 4.1.2.2; " X509_PARSER,
		.kinds = KIND(CERTIFICATE),
		.check = serial_negative,
	},
	{
		.id = "KPKI-C008",
		.severity = SEVERITY_WARNING,
		.title = "the serial number is longer than 20 octets",
		.meaning = "Kubernetes reads it; other programs need not",
		.mend = "issue it again",
		.source = "RFC 5280, 4.1.2.2",
		.kinds = KIND(CERTIFICATE),
		.check = serial_long,
	},
	{
		.id = "KPKI-C009",
		.severity = SEVERITY_ERROR,
		.title = "the serial number has superfluous octets",
		.meaning = "no component reads the certificate",
		.message = "x509: malformed serial number",
		.mend = "issue it again",
		.source = "X.690, 8.3.2; " X509_PARSER,
		.kinds = KIND(CERTIFICATE),
		.check = serial_padded,
	},
	{
		.id = "KPKI-C010",
		.severity = SEVERITY_ERROR,
		.title = "two certificates of one issuer have one serial "
			 "number",
		.meaning = "a revocation by serial number, as etcd has it, "
			   "hits both, and some clients refuse the second",
		.mend = "issue one of them again",
		.source = "RFC 5280, 4.1.2.2",
		.kinds = KIND(CERTIFICATE),
		.check = serial_again,
	},
	{
		.id = "KPKI-C011",
		.severity = SEVERITY_WARNING,
		.title = "the certificate is of version 1 or 2",
		.meaning = "Go takes it for a client or a root; it has no "
			   "names, purposes or limits, and cannot be an "
			   "intermediate",
		.mend = "issue it again, as version 3",
		.source = "RFC 5280, 4.1.2.1",
		.kinds = KIND(CERTIFICATE),
		.check = version_1,
	},
	{
		.id = "KPKI-C012",
		.severity = SEVERITY_ERROR,
		.title = "the version contradicts the rest of the certificate",
		.meaning = "no component reads the certificate",
		.message = "x509: malformed certificate",
		.mend = "issue it again",
		.source = "RFC 5280, 4.1.2.1 and 4.1.2.9",
		.kinds = KIND(CERTIFICATE),
		.check = version_wrong,
	},
	{
		.id = "KPKI-C013",
		.severity = SEVERITY_ERROR,
		.title = "something follows the certificate",
		.meaning = "no component reads the certificate",
		.message = "x509: trailing data",
		.mend = "cut it off, or fetch the certificate again",
		.source = X509_PARSER,
		.kinds = KIND(CERTIFICATE),
		.check = trailing_data,
	},
	{
		.id = "KPKI-C014",
		.severity = SEVERITY_ERROR,
		.title = "the certificate cannot be read",
		.meaning = "no component reads it: it is not DER, is cut off, "
			   "or stands in a PEM block of another kind",
		.message = "x509: malformed certificate",
		.mend = "fetch it again, or issue it again",
		.source = "RFC 5280, 4.1; " X509_PARSER,
		.kinds = KIND(UNREADABLE),
		.check = unreadable,
	},
	{
		.id = "KPKI-C015",
		.severity = SEVERITY_ERROR,
		.title = "the file is DER",
		.meaning = "Kubernetes reads PEM and nothing else",
		.message = "tls: failed to find any PEM data in certificate "
			   "input",
		.mend = "openssl x509 -inform DER -in FILE",
		.source = "Go: crypto/tls/tls.go",
		.kinds = KIND(CERTIFICATE) | KIND(REQUEST) | KIND(UNREADABLE),
		.check = der_file,
	},
	{
		.id = "KPKI-C016",
		.severity = SEVERITY_ERROR,
		.title = "an extension is there twice",
		.meaning = "no component reads the certificate",
		.message = "x509: certificate contains duplicate extensions",
		.mend = "issue it again",
		.source = "RFC 5280, 4.2; " X509_PARSER,
		.kinds = KIND(CERTIFICATE),
		.check = extension_twice,
	},
	{
		.id = "KPKI-C017",
		.severity = SEVERITY_ERROR,
		.title = "a critical extension is not known",
		.meaning = "no component accepts the certificate",
		.message = "x509: unhandled critical extension",
		.mend = "issue it again without",
		.source = "RFC 5280, 4.2; Go: crypto/x509/verify.go",
		.kinds = KIND(CERTIFICATE),
		.check = extension_unknown,
	},
	{
		.id = "KPKI-C018",
		.severity = SEVERITY_INFO,
		.title = "policies, or odd name constraints, are not looked at",
		.meaning = "Kubernetes holds what the CA signed to them; this "
			   "program does not",
		.mend = "nothing needs to be done",
		.source = "RFC 5280, 4.2.1.4 and 4.2.1.10",
		.kinds = KIND(CERTIFICATE),
		.check = extension_unread,
	},
	{
		.id = "KPKI-C019",
		.severity = SEVERITY_ERROR,
		.title = "an extension is malformed",
		.meaning = "no component reads the certificate",
		.message = "x509: invalid extension",
		.mend = "issue it again",
		.source = "RFC 5280, 4.2.1; " X509_PARSER,
		.kinds = KIND(CERTIFICATE),
		.check = extension_malformed,
	},
	{
		.id = "KPKI-C020",
		.severity = SEVERITY_INFO,
		.title = "FALSE is written where it goes without saying",
		.meaning = "it works: Go takes it, though it is not DER",
		.mend = "nothing needs to be done",
		.source = "X.690, 11.5",
		.kinds = KIND(CERTIFICATE),
		.check = false_written,
	},
	{
		.id = "KPKI-C021",
		.severity = SEVERITY_ERROR,
		.title = "subjectAltName is malformed",
		.meaning = "no component reads the certificate: an address "
			   "that is text, an IPv4 address written as IPv6, a "
			   "name that is none",
		.message = "x509: cannot parse IP address of length 9",
		.mend = "issue it again",
		.source = "RFC 5280, 4.2.1.6; " X509_PARSER,
		.kinds = KIND(CERTIFICATE),
		.check = alt_name_malformed,
	},
	{
		.id = "KPKI-C022",
		.severity = SEVERITY_ERROR,
		.title = "issuer or subject is malformed",
		.meaning = "no component reads the certificate",
		.message = "x509: invalid RDNSequence: invalid attribute "
			   "value: invalid PrintableString",
		.mend = "issue it again, with the name as UTF8String",
		.source = "RFC 5280, 4.1.2.4; " X509_PARSER,
		.kinds = KIND(CERTIFICATE),
		.check = name_malformed,
	},
	{
		.id = "KPKI-C023",
		.severity = SEVERITY_WARNING,
		.title = "the subject is empty",
		.meaning = "who logs in with it has no name; a CA without a "
			   "name is no issuer",
		.message = "Unauthorized",
		.mend = "issue it again with a subject",
		.source = "RFC 5280, 4.1.2.6",
		.kinds = KIND(CERTIFICATE),
		.check = subject_empty,
	},
	{
		.id = "KPKI-C024",
		.severity = SEVERITY_ERROR,
		.title = "inner and outer signature algorithm differ",
		.meaning = "no component reads the certificate",
		.message = "x509: inner and outer signature algorithm "
			   "identifiers don't match",
		.mend = "issue it again",
		.source = "RFC 5280, 4.1.1.2; " X509_PARSER,
		.kinds = KIND(CERTIFICATE),
		.check = algorithms_differ,
	},
	{
		.id = "KPKI-C025",
		.severity = SEVERITY_ERROR,
		.title = "the signature is by SHA-1 or older",
		.meaning = "Kubernetes from 1.24 on refuses it; that of a root "
			   "is not looked at",
		.message = "x509: cannot verify signature: insecure algorithm "
			   "SHA1-RSA",
		.mend = "issue it again with SHA-256",
		.source = "Go: crypto/x509/x509.go (1.18)",
		.kinds = KIND(CERTIFICATE),
		.check = signature_old,
	},
	{
		.id = "KPKI-C026",
		.severity = SEVERITY_ERROR,
		.title = "the signature is by an algorithm that Go does not "
			 "know",
		.meaning = "nobody accepts the certificate; that of a root is "
			   "not looked at",
		.message = "x509: cannot verify signature: algorithm "
			   "unimplemented",
		.mend = "issue it again with a common algorithm",
		.source = "Go: crypto/x509/x509.go",
		.kinds = KIND(CERTIFICATE),
		.check = signature_unknown,
	},
	{
		.id = "KPKI-C027",
		.severity = SEVERITY_ERROR,
		.title = "the RSA key is shorter than 1024 or longer than 8192 "
			 "bits",
		.meaning = "no handshake with it succeeds",
		.message = "tls: certificate RSA key size too small for "
			   "supported signature algorithms",
		.mend = "make a key of 2048 to 4096 bits, and issue it again",
		.source = "Go: crypto/tls, crypto/rsa",
		.kinds = KIND(CERTIFICATE),
		.check = rsa_refused,
	},
	{
		.id = "KPKI-C028",
		.severity = SEVERITY_WARNING,
		.title = "the RSA key is shorter than 2048 bits",
		.meaning = "Kubernetes takes it; it can be broken",
		.mend = "make a longer key, and issue it again",
		.source = "NIST SP 800-57, part 1",
		.kinds = KIND(CERTIFICATE),
		.check = rsa_weak,
	},
	{
		.id = "KPKI-C029",
		.severity = SEVERITY_ERROR,
		.title = "the key is of a kind that Kubernetes does not take",
		.meaning = "no handshake with it succeeds",
		.message = "tls: unsupported certificate curve (P-224)",
		.mend = "make a key of RSA, ECDSA (P-256, P-384, P-521) or "
			"Ed25519, and issue it again",
		.source = "Go: crypto/tls/auth.go, " X509_PARSER,
		.kinds = KIND(CERTIFICATE),
		.check = key_refused,
	},
	{
		.id = "KPKI-C030",
		.severity = SEVERITY_ERROR,
		.title = "the public key is malformed",
		.meaning = "no component reads the certificate",
		.message = "x509: RSA key missing NULL parameters",
		.mend = "issue it again",
		.source = "RFC 3279, 2.3; RFC 5480, 2; " X509_PARSER,
		.kinds = KIND(CERTIFICATE),
		.check = key_malformed,
	},
	{
		.id = "KPKI-C031",
		.severity = SEVERITY_ERROR,
		.title = "the numbers of the public key are bad",
		.meaning = "no component takes the key",
		.message = "x509: invalid RSA public exponent",
		.mend = "make another key, and issue it again",
		.source = "RFC 8017, 3.1; RFC 5480, 2.2",
		.kinds = KIND(CERTIFICATE),
		.check = key_bad_numbers,
	},
	{
		.id = "KPKI-C032",
		.severity = SEVERITY_INFO,
		.title = "keyEncipherment with a key that is not RSA",
		.meaning = "it works; kubeadm makes ECDSA certificates so",
		.mend = "nothing needs to be done",
		.source = "RFC 8813, 3",
		.kinds = KIND(CERTIFICATE),
		.check = encipherment,
	},
	{.id = NULL},
};
