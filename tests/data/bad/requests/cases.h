/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bad requests, in the notation of generate.c.  A row is a file: its name,
 * the profile it is held to, what is expected, and the parts of a good request
 * that others stand in for.
 */
enum { CLIENT, SERVING };
enum { FORM = 3, REFUSED = 4 };

struct request_part {
	const char *name, *text;
};

#define CASE_PARTS_MAX 4

struct request_bad {
	const char *name;
	int profile, status;
	const char *message;
	struct request_part instead[CASE_PARTS_MAX];
};

static const struct request_part parts[] = {
	{"text", "$begin base64{ $request } $end"},
	{"begin", "'-----BEGIN ' $label '-----' 0a"},
	{"end", "'-----END ' $label '-----' 0a"},
	{"label", "'CERTIFICATE REQUEST'"},
	{"request", "seq{ $info $algorithm $signature }"},
	{"algorithm", "seq{ $Ed25519 }"},
	{"signature", "bits{ 00 ed25519{ $info } }"},
	{"info", "seq{ $version $subject $key $attributes }"},
	{"version", "int{ 00 }"},
	{"subject", "seq{ $rdns }"},
	{"rdns", "$o $cn"},
	{"o", "set{ seq{ $O printable{ 'system:nodes' } } }"},
	{"cn", "set{ seq{ $CN printable{ $name } } }"},
	{"name", "'system:node:w1'"},
	{"key", "$ed25519"},
	{"attributes", "a0{ $attribute }"},
	{"attribute", "seq{ $extensionRequest set{ seq{ $extensions } } }"},
	{"extensions", "$purpose $more"},
	{"purpose", "seq{ $extKeyUsage octets{ seq{ $purposes } } }"},
	{"purposes", "$clientAuth"},
	{"more", ""},
	{"san", "seq{ $subjectAltName octets{ seq{ $names } } }"},
	{"names", "$own"},
	{"own", "82{ 'w1' } 87{ 0a000001 }"},
	{"masters", "set{ seq{ $O utf8{ 'system:masters' } } }"},
	/* object identifiers */
	{"CN", "oid{ 550403 }"},
	{"O", "oid{ 55040a }"},
	{"OU", "oid{ 55040b }"},
	{"C", "oid{ 550406 }"},
	{"serialNumber", "oid{ 550405 }"},
	{"email", "oid{ 2a864886f70d010901 }"},
	{"UID", "oid{ 0992268993f22c640101 }"},
	{"DC", "oid{ 0992268993f22c640119 }"},
	{"unknown", "oid{ 2a030405 }"},
	{"extensionRequest", "oid{ 2a864886f70d01090e }"},
	{"challengePassword", "oid{ 2a864886f70d010907 }"},
	{"unstructuredName", "oid{ 2a864886f70d010902 }"},
	{"extKeyUsage", "oid{ 551d25 }"},
	{"keyUsage", "oid{ 551d0f }"},
	{"subjectAltName", "oid{ 551d11 }"},
	{"basicConstraints", "oid{ 551d13 }"},
	{"nameConstraints", "oid{ 551d1e }"},
	{"serverAuth", "oid{ 2b06010505070301 }"},
	{"clientAuth", "oid{ 2b06010505070302 }"},
	{"codeSigning", "oid{ 2b06010505070303 }"},
	{"anyExtendedKeyUsage", "oid{ 551d2500 }"},
	{"true", "0101ff"},
	{"null", "0500"},
	{"Ed25519", "oid{ 2b6570 }"},
	{"rsaEncryption", "oid{ 2a864886f70d010101 }"},
	{"sha256WithRSA", "seq{ oid{ 2a864886f70d01010b } $null }"},
	{"ecdsaWithSHA256", "seq{ oid{ 2a8648ce3d040302 } }"},
	{"ecPublicKey", "oid{ 2a8648ce3d0201 }"},
	{"P256", "oid{ 2a8648ce3d030107 }"},
	/* numbers of keys; those of $ed25519 and $rsa2048 first */
	{"octets", "4ecd270080732a2f090ca8a645b255ad"
		   "36f977d70fc04da10813e0d5ab1c3e42"},
	{"modulus",
		"00b52a323728069f22ce795faa0a54dd75e501e9a4cf6b159dc72a163e2f0e"
		"73cc39ede8992078c8df0d338d9e3e8bb0b14a3ddbadc1d2cca570e2be4c3e"
		"fddcab0fef24d0e7d80e4f5a5c7e1fc5fc069c094abeba84f1c69d21bd4b17"
		"7acc24d21d29e24ce4935de2e3e77335cb7051c54686a810ed9162d0499f90"
		"aa6bdf7014e3c7a98b544422c9a1aefa9449f02c723a0d1ed3e8250f36fa4b"
		"4cd2acc5535b90c1e3f90babd5bc935ccb18958a5834c31b375db31c4440a9"
		"d5fc8ab67053a7f2cfbd8c641560949504adf0c6ef64a95d769e8664c542be"
		"aa4946e792174de7ab18cedac6f273dfb043f7168c131e9f42ad588f332852"
		"eb854da060f9934caf"},
	{"exponent", "010001"},
	{"rsa", "seq{ int{ $modulus } int{ $exponent } }"},
	{"rsa_key", "seq{ seq{ $rsaEncryption $null } bits{ 00 $rsa } }"},
	/* the generator of P-256 */
	{"x", "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c29"
	      "6"},
	{"y", "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f"
	      "5"},
	{"point", "04 $x $y"},
	{"curve", "$P256"},
	{"ec_key", "seq{ seq{ $ecPublicKey $curve } bits{ 00 $point } }"},
	/* of nobody */
	{"ecdsa_signature", "bits{ 00 seq{ int{ $x } int{ $y } } }"},
};

static const struct request_part serving_parts[] = {
	{"extensions", "$purpose $san $more"},
	{"purposes", "$serverAuth"},
};

/* One part instead of another. */
#define ONE(name, text)                                                        \
	{                                                                      \
		{                                                              \
			name, text                                             \
		}                                                              \
	}

/* An extension, beside those of a good request. */
#define MORE(text) ONE("more", text)
/* In the place of the basicConstraints that nobody has. */
#define BASIC(text) MORE("seq{ $basicConstraints octets{ " text " } }")
#define USAGE(text) MORE("seq{ $keyUsage octets{ " text " } }")
#define PURPOSES(text) ONE("purposes", text)
#define NAMES(text) ONE("names", text)
#define RDNS(text) ONE("rdns", text)
/* What follows "O=", or "CN=", as a UTF8String. */
#define ORGANIZATION(text) ONE("o", "set{ seq{ $O utf8{ " text " } } }")
#define COMMON_NAME(text) ONE("cn", "set{ seq{ $CN utf8{ " text " } } }")
#define KEY(text)                                                              \
	{                                                                      \
		{"key", text}, {"algorithm", "$sha256WithRSA"},                \
			{"signature", "bits{ 00 256*{ 5a } }"},                \
	}
/* Signed by the key itself. */
#define RSA(key)                                                               \
	{                                                                      \
		{"key", "$" key}, {"algorithm", "$sha256WithRSA"},             \
			{"signature", "bits{ 00 " key "{ $info } }"},          \
	}
#define EC(text)                                                               \
	{                                                                      \
		{"key", text}, {"algorithm", "$ecdsaWithSHA256"},              \
			{"signature", "$ecdsa_signature"},                     \
	}
#define EC_CURVE(oid, point)                                                   \
	EC("seq{ seq{ $ecPublicKey oid{ " oid " } } bits{ 00 " point " } }")
#define ALGORITHM(text) ONE("algorithm", "seq{ " text " }")
#define SIGNATURE(text) ONE("signature", text)
#define ATTRIBUTES(text) ONE("attributes", "a0{ " text " }")
#define INFO(text) ONE("info", text)
#define REQUEST(text) ONE("request", text)
#define TEXT(text) ONE("text", text)

static const struct request_bad bad_requests[] = {

	/* -- a CA -- */
	{"ca-true", CLIENT, REFUSED, "basicConstraints: asks for CA:TRUE",
		BASIC("seq{ $true }")},
	{"ca-true-critical", CLIENT, REFUSED,
		"basicConstraints: asks for CA:TRUE",
		MORE("seq{ $basicConstraints $true octets{ seq{ $true } } }")},
	{"ca-true-serving", SERVING, REFUSED,
		"basicConstraints: asks for CA:TRUE", BASIC("seq{ $true }")},
	{"ca-true-path-length-0", CLIENT, REFUSED,
		"basicConstraints: asks for CA:TRUE",
		BASIC("seq{ $true int{ 00 } }")},
	{"ca-true-path-length-128", CLIENT, REFUSED,
		"basicConstraints: asks for CA:TRUE",
		BASIC("seq{ $true int{ 0080 } }")},
	{"ca-true-path-length-65536", CLIENT, FORM,
		"basicConstraints: pathLenConstraint is above 65535",
		BASIC("seq{ $true int{ 010000 } }")},
	{"ca-true-path-length-negative", CLIENT, FORM,
		"basicConstraints: pathLenConstraint is not a number "
		"from 0 up (RFC 5280, 4.2.1.9)",
		BASIC("seq{ $true int{ ff } }")},
	{"ca-boolean-01", CLIENT, FORM,
		"basicConstraints: cA is there, and not TRUE (X.690, "
		"11.1 and 11.5)",
		BASIC("seq{ 010101 }")},
	{"ca-boolean-00", CLIENT, FORM,
		"basicConstraints: cA is there, and not TRUE (X.690, "
		"11.1 and 11.5)",
		BASIC("seq{ 010100 }")},
	{"ca-boolean-long", CLIENT, FORM,
		"basicConstraints: cA is there, and not TRUE (X.690, "
		"11.1 and 11.5)",
		BASIC("seq{ 0102ffff }")},
	{"ca-integer", CLIENT, FORM,
		"basicConstraints: pathLenConstraint is not a number "
		"from 0 up (RFC 5280, 4.2.1.9)",
		BASIC("seq{ int{ 01 } int{ 01 } }")},
	{"ca-path-length-alone", CLIENT, FORM,
		"basicConstraints: pathLenConstraint without cA (RFC "
		"5280, 4.2.1.9)",
		BASIC("seq{ int{ 00 } }")},
	{"ca-set", CLIENT, FORM,
		"basicConstraints: malformed (RFC 5280, 4.2.1.9)",
		BASIC("set{ $true }")},
	{"ca-twice", CLIENT, FORM,
		"basicConstraints: pathLenConstraint is not a number "
		"from 0 up (RFC 5280, 4.2.1.9)",
		BASIC("seq{ $true $true }")},
	{"ca-true-then-more", CLIENT, FORM,
		"basicConstraints: malformed (RFC 5280, 4.2.1.9)",
		BASIC("seq{ $true } $null")},
	{"ca-nothing", CLIENT, FORM,
		"basicConstraints: malformed (RFC 5280, 4.2.1.9)", BASIC("")},
	{"ca-extension-twice", CLIENT, FORM,
		"extension: there twice (RFC 5280, 4.2)",
		MORE("2*{ seq{ $basicConstraints octets{ seq{ } } } }")},

	/* -- alternative names -- */
	{"san-of-a-client", CLIENT, REFUSED,
		"subjectAltName \"w1\": a certificate of kubelet-client "
		"has none",
		MORE("$san")},
	{"san-other-name", SERVING, REFUSED,
		"subjectAltName \"otherName\": neither a DNS name nor an "
		"IP address",
		NAMES("$own a0{ oid{ 2a03 } a0{ utf8{ 'w1' } } }")},
	{"san-email", SERVING, REFUSED,
		"subjectAltName \"email:root@w1\": neither a DNS name "
		"nor an IP address",
		NAMES("$own 81{ 'root@w1' }")},
	{"san-dns-of-nobody", SERVING, REFUSED,
		"subjectAltName \"api.example.internal\": the inventory "
		"does not give it to node \"w1\"",
		NAMES("$own 82{ 'api.example.internal' }")},
	{"san-x400-address", SERVING, REFUSED,
		"subjectAltName \"x400Address\": neither a DNS name nor "
		"an IP address",
		NAMES("$own a3{ 3000 }")},
	{"san-directory-name", SERVING, REFUSED,
		"subjectAltName \"directoryName:CN=system:node:w1\": "
		"neither a DNS name nor an IP address",
		NAMES("$own a4{ seq{ $cn } }")},
	{"san-directory-name-broken", SERVING, FORM,
		"subjectAltName: directoryName: not a Name in DER (RFC "
		"5280, 4.1.2.4)",
		NAMES("$own a4{ $cn }")},
	{"san-edi-party-name", SERVING, REFUSED,
		"subjectAltName \"ediPartyName\": neither a DNS name nor "
		"an IP address",
		NAMES("$own a5{ a1{ utf8{ 'w1' } } }")},
	{"san-uri", SERVING, REFUSED,
		"subjectAltName "
		"\"URI:spiffe://cluster.local/ns/kube-system\": neither "
		"a DNS name nor an IP address",
		NAMES("$own 86{ 'spiffe://cluster.local/ns/kube-system' }")},
	{"san-ip-of-nobody", SERVING, REFUSED,
		"subjectAltName \"10.0.0.42\": the inventory does not "
		"give it to node \"w1\"",
		NAMES("$own 87{ 0a00002a }")},
	{"san-registered-id", SERVING, REFUSED,
		"subjectAltName \"registeredID:1.2.3.4.5\": neither a "
		"DNS name nor an IP address",
		NAMES("$own 88{ 2a030405 }")},
	{"san-registered-id-broken", SERVING, FORM,
		"subjectAltName: registeredID: malformed",
		NAMES("$own 88{ 2a80 }")},
	{"san-unknown-kind", SERVING, FORM,
		"subjectAltName: not a GeneralName (RFC 5280, 4.2.1.6)",
		NAMES("$own 89{ 'w1' }")},
	{"san-universal-string", SERVING, FORM,
		"subjectAltName: not a GeneralName (RFC 5280, 4.2.1.6)",
		NAMES("$own ia5{ 'w1' }")},
	{"san-constructed-dns", SERVING, FORM,
		"subjectAltName: not a GeneralName (RFC 5280, 4.2.1.6)",
		NAMES("$own a2{ ia5{ 'w1' } }")},
	{"san-of-another-node", SERVING, REFUSED,
		"subjectAltName \"w2\": the inventory does not give it "
		"to node \"w1\"",
		NAMES("$own 82{ 'w2' }")},
	{"san-address-of-another-node", SERVING, REFUSED,
		"subjectAltName \"10.0.0.2\": the inventory does not "
		"give it to node \"w1\"",
		NAMES("$own 87{ 0a000002 }")},
	{"san-kubernetes", SERVING, REFUSED,
		"subjectAltName \"kubernetes\": the inventory does not "
		"give it to node \"w1\"",
		NAMES("$own 82{ 'kubernetes' }")},
	{"san-kubernetes-default-svc", SERVING, REFUSED,
		"subjectAltName \"kubernetes.default.svc\": the "
		"inventory does not give it to node \"w1\"",
		NAMES("82{ 'kubernetes.default.svc' }")},
	{"san-kubernetes-cluster-local", SERVING, REFUSED,
		"subjectAltName "
		"\"kubernetes.default.svc.cluster.local\": the inventory "
		"does not give it to node \"w1\"",
		NAMES("$own 82{ 'kubernetes.default.svc.cluster.local' }")},
	{"san-service-address", SERVING, REFUSED,
		"subjectAltName \"10.96.0.1\": the inventory does not "
		"give it to node \"w1\"",
		NAMES("$own 87{ 0a600001 }")},
	{"san-localhost", SERVING, REFUSED,
		"subjectAltName \"localhost\": the inventory does not "
		"give it to node \"w1\"",
		NAMES("$own 82{ 'localhost' }")},
	{"san-loopback", SERVING, REFUSED,
		"subjectAltName \"127.0.0.1\": the inventory does not "
		"give it to node \"w1\"",
		NAMES("$own 87{ 7f000001 }")},
	{"san-unspecified", SERVING, REFUSED,
		"subjectAltName \"0.0.0.0\": the inventory does not give "
		"it to node \"w1\"",
		NAMES("$own 87{ 00000000 }")},
	{"san-wildcard", SERVING, REFUSED,
		"subjectAltName \"*.example\": the inventory does not "
		"give it to node \"w1\"",
		NAMES("$own 82{ '*.example' }")},
	{"san-wildcard-alone", SERVING, FORM,
		"subjectAltName: dNSName \"*\": not a DNS name (RFC "
		"5280, 4.2.1.6)",
		NAMES("$own 82{ '*' }")},
	{"san-wildcard-inside", SERVING, FORM,
		"subjectAltName: dNSName \"w*.example\": not a DNS name "
		"(RFC 5280, 4.2.1.6)",
		NAMES("$own 82{ 'w*.example' }")},
	{"san-wildcard-of-own", SERVING, REFUSED,
		"subjectAltName \"*.w1.example\": the inventory does not "
		"give it to node \"w1\"",
		NAMES("$own 82{ '*.w1.example' }")},
	{"san-none", SERVING, FORM,
		"subjectAltName: malformed or empty (RFC 5280, 4.2.1.6)",
		NAMES("")},
	{"san-not-there", SERVING, REFUSED,
		"subjectAltName: no DNS name and no IP address", {{"san", ""}}},
	{"san-ip-of-0-octets", SERVING, FORM,
		"subjectAltName: iPAddress of 0 octets: neither 4 nor 16 "
		"(RFC 5280, 4.2.1.6)",
		NAMES("$own 87{ }")},
	{"san-ip-of-3-octets", SERVING, FORM,
		"subjectAltName: iPAddress of 3 octets: neither 4 nor 16 "
		"(RFC 5280, 4.2.1.6)",
		NAMES("$own 87{ 3*{ 0a } }")},
	{"san-ip-of-5-octets", SERVING, FORM,
		"subjectAltName: iPAddress of 5 octets: neither 4 nor 16 "
		"(RFC 5280, 4.2.1.6)",
		NAMES("$own 87{ 5*{ 0a } }")},
	{"san-ip-of-8-octets", SERVING, FORM,
		"subjectAltName: iPAddress of 8 octets: neither 4 nor 16 "
		"(RFC 5280, 4.2.1.6)",
		NAMES("$own 87{ 8*{ 0a } }")},
	{"san-ip-of-15-octets", SERVING, FORM,
		"subjectAltName: iPAddress of 15 octets: neither 4 nor "
		"16 (RFC 5280, 4.2.1.6)",
		NAMES("$own 87{ 15*{ 0a } }")},
	{"san-ip-of-17-octets", SERVING, FORM,
		"subjectAltName: iPAddress of 17 octets: neither 4 nor "
		"16 (RFC 5280, 4.2.1.6)",
		NAMES("$own 87{ 17*{ 0a } }")},
	{"san-ip-of-32-octets", SERVING, FORM,
		"subjectAltName: iPAddress of 32 octets: neither 4 nor "
		"16 (RFC 5280, 4.2.1.6)",
		NAMES("$own 87{ 32*{ 0a } }")},
	{"san-ip-v4-mapped", SERVING, FORM,
		"subjectAltName: iPAddress: an IPv4 address written as "
		"IPv6",
		NAMES("$own 87{ 10*{ 00 } ffff 0a000001 }")},
	{"san-ip-v4-compatible", SERVING, REFUSED,
		"subjectAltName \"::10.0.0.1\": the inventory does not "
		"give it to node \"w1\"",
		NAMES("$own 87{ 12*{ 00 } 0a000001 }")},
	{"san-ip-v6-of-nobody", SERVING, REFUSED,
		"subjectAltName \"2001:db8::1\": the inventory does not "
		"give it to node \"w1\"",
		NAMES("$own 87{ 20010db8 11*{ 00 } 01 }")},
	{"san-ip-as-dns", SERVING, REFUSED,
		"subjectAltName \"10.0.0.1\": an IP address as a dNSName "
		"(RFC 5280, 4.2.1.6)",
		NAMES("82{ '10.0.0.1' }")},
	{"san-ip-as-dns-text", SERVING, FORM,
		"subjectAltName: iPAddress of 8 octets: neither 4 nor 16 "
		"(RFC 5280, 4.2.1.6)",
		NAMES("87{ '10.0.0.1' }")},
	{"san-dns-nul", SERVING, FORM,
		"subjectAltName: dNSName: a NUL character in it",
		NAMES("$own 82{ 'w1' 00 '.evil' }")},
	{"san-dns-nul-behind", SERVING, FORM,
		"subjectAltName: dNSName: a NUL character in it",
		NAMES("82{ 'w1' 00 }")},
	{"san-dns-blank", SERVING, FORM,
		"subjectAltName: dNSName \" \": not a DNS name (RFC "
		"5280, 4.2.1.6)",
		NAMES("$own 82{ ' ' }")},
	{"san-dns-blank-behind", SERVING, FORM,
		"subjectAltName: dNSName \"w1 \": not a DNS name (RFC "
		"5280, 4.2.1.6)",
		NAMES("82{ 'w1 ' }")},
	{"san-dns-empty", SERVING, FORM,
		"subjectAltName: dNSName \"\": not a DNS name (RFC 5280, "
		"4.2.1.6)",
		NAMES("$own 82{ }")},
	{"san-dns-upper-case", SERVING, REFUSED,
		"subjectAltName \"W1\": the inventory does not give it "
		"to node \"w1\"",
		NAMES("82{ 'W1' }")},
	{"san-dns-trailing-dot", SERVING, FORM,
		"subjectAltName: dNSName \"w1.\": not a DNS name (RFC "
		"5280, 4.2.1.6)",
		NAMES("82{ 'w1.' }")},
	{"san-dns-leading-dot", SERVING, FORM,
		"subjectAltName: dNSName \".w1\": not a DNS name (RFC "
		"5280, 4.2.1.6)",
		NAMES("82{ '.w1' }")},
	{"san-dns-two-dots", SERVING, FORM,
		"subjectAltName: dNSName \"w1..example\": not a DNS name "
		"(RFC 5280, 4.2.1.6)",
		NAMES("82{ 'w1..example' }")},
	{"san-dns-non-ascii", SERVING, FORM,
		"not a DNS name (RFC 5280, 4.2.1.6)", NAMES("82{ 'w' c2b9 }")},
	{"san-dns-newline", SERVING, FORM,
		"subjectAltName: dNSName \"w1\\x0a\": not a DNS name "
		"(RFC 5280, 4.2.1.6)",
		NAMES("82{ 'w1' 0a }")},
	{"san-dns-escape", SERVING, FORM,
		"subjectAltName: dNSName \"\\x1b[2Jw1\": not a DNS name "
		"(RFC 5280, 4.2.1.6)",
		NAMES("82{ 1b '[2Jw1' }")},
	{"san-dns-300-characters", SERVING, FORM,
		"not a DNS name (RFC 5280, 4.2.1.6)",
		NAMES("82{ 60*{ 'aaaa.' } 'a' }")},
	{"san-dns-label-of-64", SERVING, FORM,
		"not a DNS name (RFC 5280, 4.2.1.6)",
		NAMES("82{ 64*{ 'a' } }")},
	{"san-dns-dash-first", SERVING, FORM,
		"subjectAltName: dNSName \"-w1\": not a DNS name (RFC "
		"5280, 4.2.1.6)",
		NAMES("82{ '-w1' }")},
	{"san-dns-underscore", SERVING, REFUSED,
		"subjectAltName \"w_1\": the inventory does not give it "
		"to node \"w1\"",
		NAMES("82{ 'w_1' }")},
	{"san-dns-comma", SERVING, FORM,
		"subjectAltName: dNSName \"w1,DNS:w2\": not a DNS name "
		"(RFC 5280, 4.2.1.6)",
		NAMES("82{ 'w1,DNS:w2' }")},
	{"san-dns-slash", SERVING, FORM,
		"subjectAltName: dNSName \"w1/x\": not a DNS name (RFC "
		"5280, 4.2.1.6)",
		NAMES("82{ 'w1/x' }")},
	{"san-uri-empty", SERVING, FORM,
		"subjectAltName: URI name: empty, or not visible ASCII "
		"(RFC 5280, 4.2.1.6)",
		NAMES("$own 86{ }")},
	{"san-email-newline", SERVING, FORM,
		"subjectAltName: email name: empty, or not visible ASCII "
		"(RFC 5280, 4.2.1.6)",
		NAMES("$own 81{ 'a@b' 0a 'c' }")},
	{"san-own-twice", SERVING, REFUSED,
		"subjectAltName \"w1\": there twice", NAMES("$own 82{ 'w1' }")},
	{"san-2000", SERVING, REFUSED, "subjectAltName \"w1\": there twice",
		NAMES("2000*{ 82{ 'w1' } }")},
	{"san-2000-of-nobody", SERVING, REFUSED,
		"subjectAltName \"node.example\": the inventory does not "
		"give it to node \"w1\"",
		NAMES("2000*{ 82{ 'node.example' } }")},
	{"san-null-behind", SERVING, FORM,
		"subjectAltName: not a GeneralName (RFC 5280, 4.2.1.6)",
		NAMES("$own $null")},
	{"san-extension-twice", SERVING, FORM,
		"extension: there twice (RFC 5280, 4.2)", MORE("$san")},
	{"san-as-set", SERVING, FORM,
		"subjectAltName: malformed or empty (RFC 5280, 4.2.1.6)",
		{{"san", "seq{ $subjectAltName octets{ set{ $own } } }"}}},
	{"san-without-sequence", SERVING, FORM,
		"subjectAltName: malformed or empty (RFC 5280, 4.2.1.6)",
		{{"san", "seq{ $subjectAltName octets{ $own } }"}}},
	{"san-two-sequences", SERVING, FORM,
		"subjectAltName: malformed or empty (RFC 5280, 4.2.1.6)",
		{{"san",
			"seq{ $subjectAltName octets{ 2*{ seq{ $own } } } }"}}},
	{"san-issuer-alt-name", SERVING, REFUSED,
		"extension 2.5.29.18: no profile has it",
		MORE("seq{ oid{ 551d12 } octets{ seq{ $own } } }")},

	/* -- the group that may do anything -- */
	{"masters-before", CLIENT, REFUSED,
		"organization \"system:masters\": not \"system:nodes\"",
		RDNS("$masters $o $cn")},
	{"masters-between", CLIENT, REFUSED,
		"organization \"system:masters\": not \"system:nodes\"",
		RDNS("$o $masters $cn")},
	{"masters-after", CLIENT, REFUSED,
		"organization \"system:masters\": not \"system:nodes\"",
		RDNS("$o $cn $masters")},
	{"masters-instead", CLIENT, REFUSED,
		"organization \"system:masters\": not \"system:nodes\"",
		RDNS("$masters $cn")},
	{"masters-beside-cn", CLIENT, REFUSED,
		"subject "
		"\"CN=system:node:w1+O=system:masters,O=system:nodes\": "
		"two attributes in one RDN",
		RDNS("$o set{ seq{ $CN printable{ $name } } seq{ $O utf8{ "
		     "'system:masters' } } }")},
	{"masters-beside-o", CLIENT, REFUSED,
		"subject "
		"\"CN=system:node:w1,O=system:nodes+O=system:masters\": "
		"two attributes in one RDN",
		RDNS("set{ seq{ $O printable{ 'system:nodes' } } seq{ $O "
		     "utf8{ 'system:masters' } } } $cn")},
	{"masters-beside-o-unsorted", CLIENT, FORM,
		"subject: not a Name in DER (RFC 5280, 4.1.2.4)",
		RDNS("set{ seq{ $O utf8{ 'system:masters' } } seq{ $O "
		     "printable{ 'system:nodes' } } } $cn")},
	{"masters-as-cn", CLIENT, REFUSED,
		"common name \"system:masters\": does not begin with "
		"\"system:node:\"",
		RDNS("$o set{ seq{ $CN utf8{ 'system:masters' } } }")},
	{"masters-in-one-string", CLIENT, REFUSED,
		"organization \"system:nodes,O=system:masters\": not "
		"\"system:nodes\"",
		RDNS("set{ seq{ $O utf8{ 'system:nodes,O=system:masters' } } "
		     "} $cn")},
	{"masters-in-one-string-escaped", CLIENT, REFUSED,
		"organization \"system:nodes+O=system:masters\": not "
		"\"system:nodes\"",
		RDNS("set{ seq{ $O utf8{ 'system:nodes+O=system:masters' } } "
		     "} $cn")},
	{"masters-printable-string", CLIENT, REFUSED,
		"organization \"system:masters\": not \"system:nodes\"",
		RDNS("$o set{ seq{ $O printable{ 'system:masters' } } } $cn")},
	{"masters-utf8-string", CLIENT, REFUSED,
		"organization \"system:masters\": not \"system:nodes\"",
		RDNS("$o set{ seq{ $O utf8{ 'system:masters' } } } $cn")},
	{"masters-t61-string", CLIENT, REFUSED,
		"is neither PrintableString nor UTF8String",
		RDNS("$o set{ seq{ $O t61{ 'system:masters' } } } $cn")},
	{"masters-ia5-string", CLIENT, REFUSED,
		"\"O=system:masters\" is neither PrintableString nor "
		"UTF8String",
		RDNS("$o set{ seq{ $O ia5{ 'system:masters' } } } $cn")},
	{"masters-numeric-string", CLIENT, FORM,
		"subject: a character that does not belong in its "
		"NumericString (RFC 5280, 4.1.2.4)",
		RDNS("$o set{ seq{ $O numeric{ 'system:masters' } } } $cn")},
	{"masters-visible-string", CLIENT, REFUSED,
		"is neither PrintableString nor UTF8String",
		RDNS("$o set{ seq{ $O 1a{ 'system:masters' } } } $cn")},
	{"masters-general-string", CLIENT, REFUSED,
		"is neither PrintableString nor UTF8String",
		RDNS("$o set{ seq{ $O 1b{ 'system:masters' } } } $cn")},
	{"masters-octets-string", CLIENT, REFUSED,
		"is neither PrintableString nor UTF8String",
		RDNS("$o set{ seq{ $O octets{ 'system:masters' } } } $cn")},
	{"masters-bmp-string", CLIENT, REFUSED,
		"is neither PrintableString nor UTF8String",
		RDNS("$o set{ seq{ $O bmp{ "
		     "00730079007300740065006d003a006d006100730074006500720073"
		     " } } } $cn")},
	{"masters-universal-string", CLIENT, REFUSED,
		"is neither PrintableString nor UTF8String",
		RDNS("$o set{ seq{ $O universal{ "
		     "00000073000000790000007300000074000000650000006d0000003a"
		     "0000006d000000610000007300000074000000650000007200000073"
		     " } } } $cn")},
	{"masters-as-unit", CLIENT, REFUSED,
		"\"OU=system:masters\" is neither O nor CN",
		RDNS("$o set{ seq{ $OU utf8{ 'system:masters' } } } $cn")},

	/* -- the group, and what looks like it -- */
	{"nodes-t61-string", CLIENT, REFUSED,
		"is neither PrintableString nor UTF8String",
		RDNS("set{ seq{ $O t61{ 'system:nodes' } } } $cn")},
	{"nodes-ia5-string", CLIENT, REFUSED,
		"\"O=system:nodes\" is neither PrintableString nor "
		"UTF8String",
		RDNS("set{ seq{ $O ia5{ 'system:nodes' } } } $cn")},
	{"nodes-visible-string", CLIENT, REFUSED,
		"is neither PrintableString nor UTF8String",
		RDNS("set{ seq{ $O 1a{ 'system:nodes' } } } $cn")},
	{"nodes-bmp-string", CLIENT, REFUSED,
		"is neither PrintableString nor UTF8String",
		RDNS("set{ seq{ $O bmp{ "
		     "00730079007300740065006d003a006e006f006400650073 } } } "
		     "$cn")},
	{"nodes-cyrillic", CLIENT, REFUSED,
		"ystem:nodes\": not \"system:nodes\"",
		ORGANIZATION("d195 'ystem:nodes'")},
	{"nodes-zero-width", CLIENT, REFUSED,
		"system:\\xe2\\x80\\x8bnodes\": not \"system:nodes\"",
		ORGANIZATION("'system:' e2808b 'nodes'")},
	{"nodes-full-width", CLIENT, REFUSED, "nodes\": not \"system:nodes\"",
		ORGANIZATION("'system' efbc9a 'nodes'")},
	{"nodes-blank-behind", CLIENT, REFUSED,
		"organization \"system:nodes \": not \"system:nodes\"",
		ORGANIZATION("'system:nodes '")},
	{"nodes-blank-before", CLIENT, REFUSED,
		"organization \" system:nodes\": not \"system:nodes\"",
		ORGANIZATION("' system:nodes'")},
	{"nodes-newline", CLIENT, REFUSED,
		"organization \"system:nodes\\x0a\": not \"system:nodes\"",
		ORGANIZATION("'system:nodes' 0a")},
	{"nodes-nul", CLIENT, FORM, "subject: a NUL character in a name",
		ORGANIZATION("'system:nodes' 00")},
	{"nodes-nul-inside", CLIENT, FORM, "subject: a NUL character in a name",
		ORGANIZATION("'system:nodes' 00 'x'")},
	{"nodes-escape", CLIENT, REFUSED,
		"organization \"\\x1b[31msystem:nodes\": not "
		"\"system:nodes\"",
		ORGANIZATION("1b '[31msystem:nodes'")},
	{"nodes-delete", CLIENT, REFUSED,
		"organization \"system:nodes\\x7f\": not \"system:nodes\"",
		ORGANIZATION("'system:nodes' 7f")},
	{"nodes-c1-control", CLIENT, REFUSED,
		"organization \"system:nodes\\xc2\\x85\": not "
		"\"system:nodes\"",
		ORGANIZATION("'system:nodes' c285")},
	{"nodes-right-to-left", CLIENT, REFUSED,
		"organization \"\\xe2\\x80\\xaesystem:nodes\": not "
		"\"system:nodes\"",
		ORGANIZATION("e280ae 'system:nodes'")},
	{"nodes-byte-order-mark", CLIENT, REFUSED,
		"system:nodes\": not \"system:nodes\"",
		ORGANIZATION("efbbbf 'system:nodes'")},
	{"nodes-combining", CLIENT, REFUSED, "not \"system:nodes\"",
		ORGANIZATION("'system:nodes' cc81")},
	{"nodes-overlong", CLIENT, FORM,
		"subject: a character that does not belong in its "
		"UTF8String (RFC 5280, 4.1.2.4)",
		ORGANIZATION("'system:n' c1af 'des'")},
	{"nodes-surrogate", CLIENT, FORM,
		"subject: a character that does not belong in its "
		"UTF8String (RFC 5280, 4.1.2.4)",
		ORGANIZATION("'system:nodes' eda080")},
	{"nodes-beyond-unicode", CLIENT, FORM,
		"subject: a character that does not belong in its "
		"UTF8String (RFC 5280, 4.1.2.4)",
		ORGANIZATION("'system:nodes' f4908080")},
	{"nodes-half-a-character", CLIENT, FORM,
		"subject: a character that does not belong in its "
		"UTF8String (RFC 5280, 4.1.2.4)",
		ORGANIZATION("'system:nodes' c3")},
	{"nodes-upper-case", CLIENT, REFUSED,
		"organization \"system:Nodes\": not \"system:nodes\"",
		ORGANIZATION("'system:Nodes'")},
	{"nodes-empty", CLIENT, REFUSED,
		"organization \"\": not \"system:nodes\"", ORGANIZATION("")},
	{"nodes-plural", CLIENT, REFUSED,
		"organization \"system:nodess\": not \"system:nodes\"",
		ORGANIZATION("'system:nodess'")},
	{"nodes-authenticated", CLIENT, REFUSED,
		"organization \"system:authenticated\": not "
		"\"system:nodes\"",
		ORGANIZATION("'system:authenticated'")},
	{"nodes-printable-star", CLIENT, REFUSED,
		"organization \"system:nodes*\": not \"system:nodes\"",
		{{"o", "set{ seq{ $O printable{ 'system:nodes*' } } }"}}},
	{"nodes-printable-at", CLIENT, FORM,
		"subject: a character that does not belong in its "
		"PrintableString (RFC 5280, 4.1.2.4)",
		{{"o", "set{ seq{ $O printable{ 'system@nodes' } } }"}}},
	{"nodes-missing", CLIENT, REFUSED,
		"subject \"CN=system:node:w1\": not in group "
		"\"system:nodes\"",
		RDNS("$cn")},
	{"nodes-twice", CLIENT, REFUSED,
		"organization \"system:nodes\": there twice",
		RDNS("$o $o $cn")},
	{"nodes-twice-types", CLIENT, REFUSED,
		"subject "
		"\"CN=system:node:w1,O=system:nodes,O=system:nodes\": "
		"not in group \"system:nodes\"",
		RDNS("$o set{ seq{ $O utf8{ 'system:nodes' } } } $cn")},

	/* -- common names -- */
	{"cn-two-own-first", CLIENT, REFUSED,
		"subject "
		"\"CN=system:node:w2,CN=system:node:w1,O=system:nodes\": "
		"not exactly one common name",
		RDNS("$o $cn set{ seq{ $CN printable{ 'system:node:w2' } } }")},
	{"cn-two-own-last", CLIENT, REFUSED,
		"subject "
		"\"CN=system:node:w1,CN=system:node:w2,O=system:nodes\": "
		"not exactly one common name",
		RDNS("$o set{ seq{ $CN printable{ 'system:node:w2' } } } $cn")},
	{"cn-two-in-one-rdn", CLIENT, REFUSED,
		"subject "
		"\"CN=system:node:w1+CN=system:node:w1,O=system:nodes\": "
		"two attributes in one RDN",
		RDNS("$o set{ 2*{ seq{ $CN printable{ $name } } } }")},
	{"cn-two-the-same", CLIENT, REFUSED,
		"subject "
		"\"CN=system:node:w1,CN=system:node:w1,O=system:nodes\": "
		"not exactly one common name",
		RDNS("$o $cn $cn")},
	{"cn-missing", CLIENT, REFUSED,
		"subject \"O=system:nodes\": not exactly one common name",
		RDNS("$o")},
	{"cn-as-unit", CLIENT, REFUSED,
		"subject \"OU=system:node:w1,O=system:nodes\": "
		"\"OU=system:node:w1\" is neither O nor CN",
		RDNS("$o set{ seq{ $OU printable{ $name } } }")},
	{"cn-empty", CLIENT, FORM,
		"subject: common name: empty (RFC 5280, appendix A.1)",
		{{"name", ""}}},
	{"cn-prefix-only", CLIENT, REFUSED,
		"common name: node \"\": is empty (Kubernetes: "
		"IsDNS1123Subdomain)",
		COMMON_NAME("'system:node:'")},
	{"cn-no-prefix", CLIENT, REFUSED,
		"common name \"w1\": does not begin with \"system:node:\"",
		COMMON_NAME("'w1'")},
	{"cn-wrong-prefix", CLIENT, REFUSED,
		"common name \"system:nodes:w1\": does not begin with "
		"\"system:node:\"",
		COMMON_NAME("'system:nodes:w1'")},
	{"cn-prefix-twice", CLIENT, REFUSED,
		"common name: node \"system:node:w1\": has a colon; a "
		"name comes without port or scheme (RFC 1123, 2.1)",
		COMMON_NAME("'system:node:system:node:w1'")},
	{"cn-upper-case-prefix", CLIENT, REFUSED,
		"common name \"System:Node:w1\": does not begin with "
		"\"system:node:\"",
		COMMON_NAME("'System:Node:w1'")},
	{"cn-upper-case", CLIENT, REFUSED,
		"common name: node \"W1\": has upper case (Kubernetes: "
		"IsDNS1123Subdomain)",
		COMMON_NAME("'system:node:W1'")},
	{"cn-of-another", CLIENT, REFUSED, "node \"w9\": not in the inventory",
		COMMON_NAME("'system:node:w9'")},
	{"cn-slash", CLIENT, REFUSED,
		"common name: node \"w1/x\": has a slash; neither a path "
		"nor a network is a name (RFC 1123, 2.1)",
		COMMON_NAME("'system:node:w1/x'")},
	{"cn-dots", CLIENT, REFUSED,
		"common name: node \"..\": begins with a dot "
		"(Kubernetes: IsDNS1123Subdomain)",
		COMMON_NAME("'system:node:..'")},
	{"cn-path", CLIENT, REFUSED,
		"common name: node \"../w1\": has a slash; neither a "
		"path nor a network is a name (RFC 1123, 2.1)",
		COMMON_NAME("'system:node:../w1'")},
	{"cn-trailing-dot", CLIENT, REFUSED,
		"finds such a name in a certificate (Kubernetes: "
		"IsDNS1123Subdomain)",
		COMMON_NAME("'system:node:w1.'")},
	{"cn-dash-first", CLIENT, REFUSED,
		"common name: node \"-w1\": has a label that begins with "
		"a dash (RFC 1123, 2.1)",
		COMMON_NAME("'system:node:-w1'")},
	{"cn-too-long", CLIENT, REFUSED,
		"..\": is longer than 253 characters (Kubernetes: "
		"IsDNS1123Subdomain)",
		COMMON_NAME("'system:node:' 254*{ 'a' }")},
	{"cn-admin", CLIENT, REFUSED,
		"common name \"kubernetes-admin\": does not begin with "
		"\"system:node:\"",
		COMMON_NAME("'kubernetes-admin'")},
	{"cn-scheduler", CLIENT, REFUSED,
		"common name \"system:kube-scheduler\": does not begin "
		"with \"system:node:\"",
		COMMON_NAME("'system:kube-scheduler'")},
	{"cn-service-account", CLIENT, REFUSED,
		"common name "
		"\"system:serviceaccount:kube-system:default\": does not "
		"begin with \"system:node:\"",
		COMMON_NAME("'system:serviceaccount:kube-system:default'")},
	{"cn-comma", CLIENT, REFUSED,
		"other than a-z, 0-9, \"-\" and \".\" (Kubernetes: "
		"IsDNS1123Subdomain)",
		COMMON_NAME("'system:node:w1,O=system:masters'")},
	{"cn-plus", CLIENT, REFUSED,
		"other than a-z, 0-9, \"-\" and \".\" (Kubernetes: "
		"IsDNS1123Subdomain)",
		COMMON_NAME("'system:node:w1+O=system:masters'")},
	{"cn-blank-behind", CLIENT, REFUSED,
		"common name: node \"w1 \": has white space (RFC 1123, "
		"2.1)",
		COMMON_NAME("'system:node:w1 '")},
	{"cn-blank-before", CLIENT, REFUSED,
		"common name \" system:node:w1\": does not begin with "
		"\"system:node:\"",
		COMMON_NAME("' system:node:w1'")},
	{"cn-newline", CLIENT, REFUSED,
		"common name: node \"w1\\x0a\": has a control character "
		"(RFC 1123, 2.1)",
		COMMON_NAME("'system:node:w1' 0a")},
	{"cn-nul-behind", CLIENT, FORM, "subject: a NUL character in a name",
		COMMON_NAME("'system:node:w1' 00")},
	{"cn-nul-inside", CLIENT, FORM, "subject: a NUL character in a name",
		COMMON_NAME("'system:node:w1' 00 'x'")},
	{"cn-escape", CLIENT, REFUSED,
		"common name: node \"w1\\x1b[2J\": has a control "
		"character (RFC 1123, 2.1)",
		COMMON_NAME("'system:node:w1' 1b '[2J'")},
	{"cn-cyrillic", CLIENT, REFUSED,
		"1\": is not ASCII; an internationalized name is written "
		"as xn--... (RFC 5890, 2.3.2.1)",
		COMMON_NAME("'system:node:' d1a1 '1'")},
	{"cn-zero-width", CLIENT, REFUSED,
		"is not ASCII; an internationalized name is written as "
		"xn--... (RFC 5890, 2.3.2.1)",
		COMMON_NAME("'system:node:w1' e2808b")},
	{"cn-full-width", CLIENT, REFUSED,
		"is not ASCII; an internationalized name is written as "
		"xn--... (RFC 5890, 2.3.2.1)",
		COMMON_NAME("'system:node:w' efbc91")},
	{"cn-superscript", CLIENT, REFUSED,
		"is not ASCII; an internationalized name is written as "
		"xn--... (RFC 5890, 2.3.2.1)",
		COMMON_NAME("'system:node:w' c2b9")},
	{"cn-percent", CLIENT, REFUSED,
		"other than a-z, 0-9, \"-\" and \".\" (Kubernetes: "
		"IsDNS1123Subdomain)",
		COMMON_NAME("'system:node:w1%00'")},
	{"cn-wildcard", CLIENT, REFUSED,
		"common name: node \"*\": is a wildcard; a node answers "
		"for names of its own (RFC 6125, 7.2)",
		COMMON_NAME("'system:node:*'")},
	{"cn-latin-1", CLIENT, FORM,
		"subject: a character that does not belong in its "
		"UTF8String (RFC 5280, 4.1.2.4)",
		COMMON_NAME("'system:node:w1' e9")},
	{"cn-t61-string", CLIENT, FORM,
		"subject: common name: neither PrintableString nor "
		"UTF8String (RFC 5280, 4.1.2.4)",
		RDNS("$o set{ seq{ $CN t61{ $name } } }")},
	{"cn-ia5-string", CLIENT, REFUSED,
		"\"CN=system:node:w1\" is neither PrintableString nor "
		"UTF8String",
		RDNS("$o set{ seq{ $CN ia5{ $name } } }")},
	{"cn-visible-string", CLIENT, FORM,
		"subject: common name: neither PrintableString nor "
		"UTF8String (RFC 5280, 4.1.2.4)",
		RDNS("$o set{ seq{ $CN 1a{ $name } } }")},
	{"cn-bmp-string", CLIENT, FORM,
		"subject: common name: neither PrintableString nor "
		"UTF8String (RFC 5280, 4.1.2.4)",
		RDNS("$o set{ seq{ $CN bmp{ "
		     "00730079007300740065006d003a006e006f00640065003a00770031"
		     " } } }")},
	{"cn-integer", CLIENT, FORM,
		"subject: common name: neither PrintableString nor "
		"UTF8String (RFC 5280, 4.1.2.4)",
		RDNS("$o set{ seq{ $CN int{ 01 } } }")},
	{"cn-sequence", CLIENT, FORM,
		"subject: common name: neither PrintableString nor "
		"UTF8String (RFC 5280, 4.1.2.4)",
		RDNS("$o set{ seq{ $CN seq{ printable{ $name } } } }")},

	/* -- other things in a subject -- */
	{"subject-empty", CLIENT, REFUSED,
		"subject \"\": not exactly one common name", RDNS("")},
	{"subject-unit", CLIENT, REFUSED,
		"subject \"CN=system:node:w1,OU=x,O=system:nodes\": "
		"\"OU=x\" is neither O nor CN",
		RDNS("$o set{ seq{ $OU printable{ 'x' } } } $cn")},
	{"subject-email", CLIENT, REFUSED,
		"\"1.2.840.113549.1.9.1=#1603614062\" is neither O nor CN",
		RDNS("$o $cn set{ seq{ $email ia5{ 'a@b' } } }")},
	{"subject-user-id", CLIENT, REFUSED,
		"subject \"UID=admin,CN=system:node:w1,O=system:nodes\": "
		"\"UID=admin\" is neither O nor CN",
		RDNS("$o $cn set{ seq{ $UID utf8{ 'admin' } } }")},
	{"subject-domain-component", CLIENT, REFUSED,
		"subject \"CN=system:node:w1,O=system:nodes,DC=w1\": "
		"\"DC=w1\" is neither O nor CN",
		RDNS("set{ seq{ $DC ia5{ 'w1' } } } $o $cn")},
	{"subject-serial-number", CLIENT, REFUSED,
		"subject "
		"\"2.5.4.5=#130131,CN=system:node:w1,O=system:nodes\": "
		"\"2.5.4.5=#130131\" is neither O nor CN",
		RDNS("$o $cn set{ seq{ $serialNumber printable{ '1' } } }")},
	{"subject-country", CLIENT, REFUSED,
		"subject \"CN=system:node:w1,O=system:nodes,C=DE\": "
		"\"C=DE\" is neither O nor CN",
		RDNS("set{ seq{ $C printable{ 'DE' } } } $o $cn")},
	{"subject-unknown-type", CLIENT, REFUSED,
		"\"1.2.3.4.5=#0c0178\" is neither O nor CN",
		RDNS("$o $cn set{ seq{ $unknown utf8{ 'x' } } }")},
	{"subject-100-rdns", CLIENT, FORM,
		"subject: a name of more than 64 attributes",
		RDNS("$o $cn 100*{ set{ seq{ $OU utf8{ 'x' } } } }")},
	{"subject-70000-octets", CLIENT, FORM, "longer than 65536 bytes",
		RDNS("$o $cn set{ seq{ $OU utf8{ 70000*{ 'x' } } } }")},
	{"subject-unsorted-rdn", CLIENT, FORM,
		"subject: not a Name in DER (RFC 5280, 4.1.2.4)",
		RDNS("set{ seq{ $CN printable{ $name } } seq{ $O printable{ "
		     "'system:nodes' } } }")},
	{"subject-joined-rdn", CLIENT, REFUSED,
		"subject \"O=system:nodes+CN=system:node:w1\": two "
		"attributes in one RDN",
		RDNS("set{ seq{ $O printable{ 'system:nodes' } } seq{ $CN "
		     "printable{ $name } } }")},
	{"subject-empty-rdn", CLIENT, FORM,
		"subject: not a Name in DER (RFC 5280, 4.1.2.4)",
		RDNS("set{ } $o $cn")},
	{"subject-rdn-as-sequence", CLIENT, FORM,
		"subject: not a Name in DER (RFC 5280, 4.1.2.4)",
		RDNS("seq{ seq{ $O printable{ 'system:nodes' } } } $cn")},
	{"subject-attribute-as-set", CLIENT, FORM,
		"subject: not a Name in DER (RFC 5280, 4.1.2.4)",
		RDNS("set{ set{ $O printable{ 'system:nodes' } } } $cn")},
	{"subject-value-missing", CLIENT, FORM,
		"subject: not a Name in DER (RFC 5280, 4.1.2.4)",
		RDNS("$o $cn set{ seq{ $OU } }")},
	{"subject-two-values", CLIENT, FORM,
		"subject: not a Name in DER (RFC 5280, 4.1.2.4)",
		RDNS("$o set{ seq{ $CN printable{ $name } printable{ 'x' } } "
		     "}")},
	{"subject-type-missing", CLIENT, FORM,
		"subject: not a Name in DER (RFC 5280, 4.1.2.4)",
		RDNS("$o $cn set{ seq{ printable{ 'x' } } }")},
	{"subject-as-set", CLIENT, FORM,
		"subject: not a Name in DER (RFC 5280, 4.1.2.4)",
		{{"subject", "set{ $rdns }"}}},
	{"subject-missing", CLIENT, FORM,
		"public key: not a SubjectPublicKeyInfo (RFC 5280, "
		"4.1.2.7)",
		{{"subject", ""}}},
	{"subject-null", CLIENT, FORM,
		"subject: not a Name in DER (RFC 5280, 4.1.2.4)",
		{{"subject", "$null"}}},
	{"subject-bare-rdns", CLIENT, FORM,
		"subject: not a Name in DER (RFC 5280, 4.1.2.4)",
		{{"subject", "$rdns"}}},

	/* -- BER that is not DER -- */
	{"ber-indefinite-request", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		REQUEST("seq/i{ $info $algorithm $signature }")},
	{"ber-indefinite-info", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		INFO("seq/i{ $version $subject $key $attributes }")},
	{"ber-indefinite-subject", CLIENT, FORM,
		"subject: not a Name in DER (RFC 5280, 4.1.2.4)",
		{{"subject", "seq/i{ $rdns }"}}},
	{"ber-indefinite-attributes", CLIENT, FORM,
		"attributes: malformed or not there (RFC 2986, 4.1)",
		{{"attributes", "a0/i{ $attribute }"}}},
	{"ber-indefinite-extensions", CLIENT, FORM,
		"extensionRequest: not one list of extensions (RFC 2985, "
		"5.4.2)",
		ATTRIBUTES("seq{ $extensionRequest set{ seq/i{ $extensions } } "
			   "}")},
	{"ber-long-request", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		REQUEST("seq/3{ $info $algorithm $signature }")},
	{"ber-long-info", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		INFO("seq/4{ $version $subject $key $attributes }")},
	{"ber-long-version", CLIENT, FORM, "version: not 0 (RFC 2986, 4.1)",
		{{"version", "int/1{ 00 }"}}},
	{"ber-long-subject", CLIENT, FORM,
		"subject: not a Name in DER (RFC 5280, 4.1.2.4)",
		{{"subject", "seq/1{ $rdns }"}}},
	{"ber-long-name", CLIENT, FORM,
		"subject: not a Name in DER (RFC 5280, 4.1.2.4)",
		{{"cn", "set{ seq{ $CN printable/2{ $name } } }"}}},
	{"ber-long-attributes", CLIENT, FORM,
		"attributes: malformed or not there (RFC 2986, 4.1)",
		{{"attributes", "a0/2{ $attribute }"}}},
	{"ber-long-extension", CLIENT, FORM,
		"extension: malformed (RFC 5280, 4.1)",
		MORE("seq/1{ $keyUsage octets{ bits{ 0780 } } }")},
	{"ber-long-signature", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		SIGNATURE("bits/2{ 00 ed25519{ $info } }")},
	{"ber-long-key", CLIENT, FORM,
		"public key: not a SubjectPublicKeyInfo (RFC 5280, "
		"4.1.2.7)",
		{{"key", "seq{ seq/1{ $Ed25519 } bits{ 00 32*{ 5a } } }"}}},
	{"ber-constructed-name", CLIENT, FORM,
		"subject: common name: neither PrintableString nor "
		"UTF8String (RFC 5280, 4.1.2.4)",
		RDNS("$o set{ seq{ $CN 33{ printable{ 'system:node:' } "
		     "printable{ 'w1' } } } }")},
	{"ber-constructed-octets", CLIENT, FORM,
		"extension: malformed (RFC 5280, 4.1)",
		MORE("seq{ $keyUsage 24{ octets{ bits{ 0780 } } } }")},
	{"ber-constructed-signature", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		SIGNATURE("23{ bits{ 00 ed25519{ $info } } }")},
	{"ber-constructed-version", CLIENT, FORM,
		"version: not 0 (RFC 2986, 4.1)", {{"version", "22{ 00 }"}}},
	{"ber-primitive-sequence", CLIENT, FORM,
		"subject: not a Name in DER (RFC 5280, 4.1.2.4)",
		{{"subject", "10{ $rdns }"}}},
	{"ber-long-integer", CLIENT, FORM, "version: not 0 (RFC 2986, 4.1)",
		{{"version", "int{ 0000 }"}}},
	{"ber-empty-integer", CLIENT, FORM, "version: not 0 (RFC 2986, 4.1)",
		{{"version", "int{ }"}}},
	{"ber-high-tag", CLIENT, FORM, "version: not 0 (RFC 2986, 4.1)",
		{{"version", "1f 02 01 00"}}},
	{"ber-unsorted-attributes", CLIENT, FORM,
		"not strict DER (X.690, 10 and 11)",
		ATTRIBUTES("seq{ $unstructuredName set{ utf8{ 'a name' } } } "
			   "$attribute seq{ $unknown set{ $null } }")},
	{"ber-unsorted-values", CLIENT, FORM,
		"not strict DER (X.690, 10 and 11)",
		ATTRIBUTES("seq{ $unknown set{ int{ 02 } int{ 01 } } }")},
	{"ber-unused-bits-of-signature", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		SIGNATURE("bits{ 01 ed25519{ $info } }")},
	{"ber-unused-bits-of-key", CLIENT, FORM,
		"public key: not a SubjectPublicKeyInfo (RFC 5280, "
		"4.1.2.7)",
		{{"key", "seq{ seq{ $Ed25519 } bits{ 01 32*{ 5a } } }"}}},
	{"ber-unused-bits-9", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		SIGNATURE("bits{ 09 ed25519{ $info } }")},
	{"ber-critical-false", CLIENT, FORM,
		"extension: critical is there, and not TRUE (X.690, 11.1 "
		"and 11.5)",
		MORE("seq{ $keyUsage 010100 octets{ bits{ 0780 } } }")},
	{"ber-critical-01", CLIENT, FORM,
		"extension: critical is there, and not TRUE (X.690, 11.1 "
		"and 11.5)",
		MORE("seq{ $keyUsage 010101 octets{ bits{ 0780 } } }")},
	{"ber-null-with-octet", CLIENT, REFUSED,
		"attribute 1.2.3.4.5: only extensionRequest may be in a "
		"request",
		ATTRIBUTES("seq{ $unknown set{ 050100 } }")},
	{"ber-padded-oid", CLIENT, FORM, "extension: malformed (RFC 5280, 4.1)",
		MORE("seq{ oid{ 55801d0f } octets{ bits{ 0780 } } }")},
	{"ber-unfinished-oid", CLIENT, FORM,
		"extension: malformed (RFC 5280, 4.1)",
		MORE("seq{ oid{ 551d8f } octets{ bits{ 0780 } } }")},
	{"ber-empty-oid", CLIENT, FORM, "extension: malformed (RFC 5280, 4.1)",
		MORE("seq{ oid{ } octets{ bits{ 0780 } } }")},
	{"ber-oid-of-70-bits", CLIENT, FORM,
		"extension: malformed (RFC 5280, 4.1)",
		MORE("seq{ oid{ 55 9*{ ff } 7f } octets{ 00 } }")},
	{"ber-endless-nesting", CLIENT, FORM,
		"not strict DER (X.690, 10 and 11)",
		ATTRIBUTES(
			"seq{ $unknown set{ 2000*{ 3080 } 2000*{ 0000 } } }")},

	/* -- something behind -- */
	{"behind-request", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		TEXT("$begin base64{ $request 00 } $end")},
	{"behind-request-another", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		TEXT("$begin base64{ $request $request } $end")},
	{"behind-signature", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		REQUEST("seq{ $info $algorithm $signature $null }")},
	{"behind-info-attributes", CLIENT, FORM,
		"something behind the attributes (RFC 2986, 4.1)",
		INFO("seq{ $version $subject $key $attributes $null }")},
	{"behind-info-second-attributes", CLIENT, FORM,
		"something behind the attributes (RFC 2986, 4.1)",
		INFO("seq{ $version $subject $key $attributes $attributes }")},
	{"behind-algorithm", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		ALGORITHM("$Ed25519 $null $null")},
	{"behind-key", CLIENT, FORM,
		"public key: not a SubjectPublicKeyInfo (RFC 5280, "
		"4.1.2.7)",
		{{"key", "seq{ seq{ $Ed25519 } bits{ 00 32*{ 5a } } $null }"}}},
	{"behind-rsa-numbers", CLIENT, FORM,
		"RSA public key: malformed (RFC 3279, 2.3.1)",
		KEY("seq{ seq{ $rsaEncryption $null } bits{ 00 seq{ int{ "
		    "$modulus } int{ $exponent } $null } } }")},
	{"behind-rsa-key", CLIENT, FORM,
		"RSA public key: malformed (RFC 3279, 2.3.1)",
		KEY("seq{ seq{ $rsaEncryption $null } bits{ 00 $rsa 00 } }")},
	{"behind-attribute", CLIENT, FORM,
		"attribute: malformed (RFC 2986, 4.1)",
		ATTRIBUTES("seq{ $extensionRequest set{ seq{ $extensions } } "
			   "$null }")},
	{"behind-attributes", CLIENT, FORM,
		"attribute: malformed (RFC 2986, 4.1)",
		ATTRIBUTES("$attribute 00")},
	{"behind-extensions", CLIENT, FORM,
		"extension: malformed (RFC 5280, 4.1)", MORE("$null")},
	{"behind-extension", CLIENT, FORM,
		"extension: malformed (RFC 5280, 4.1)",
		MORE("seq{ $keyUsage octets{ bits{ 0780 } } $null }")},
	{"behind-extension-value", CLIENT, FORM,
		"keyUsage: malformed (RFC 5280, 4.2.1.3)",
		MORE("seq{ $keyUsage octets{ bits{ 0780 } 00 } }")},
	{"behind-purposes", CLIENT, FORM,
		"extKeyUsage: malformed (RFC 5280, 4.2.1.12)",
		PURPOSES("$clientAuth $null")},
	{"behind-rdns", CLIENT, FORM,
		"subject: not a Name in DER (RFC 5280, 4.1.2.4)",
		RDNS("$o $cn $null")},

	/* -- too short -- */
	{"cut-by-one", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		TEXT("$begin base64{ cut{ $request } } $end")},
	{"cut-to-half", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		TEXT("$begin base64{ half{ $request } } $end")},
	{"cut-to-quarter", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		TEXT("$begin base64{ half{ half{ $request } } } $end")},
	{"cut-to-tag", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		TEXT("$begin base64{ 30 } $end")},
	{"cut-to-header", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		TEXT("$begin base64{ 3082 } $end")},
	{"cut-empty-sequence", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		REQUEST("seq{ }")},
	{"cut-info-only", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		REQUEST("$info")},
	{"cut-without-signature", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		REQUEST("seq{ $info $algorithm }")},
	{"cut-without-algorithm", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		REQUEST("seq{ $info $signature }")},
	{"cut-without-key", CLIENT, FORM,
		"public key: not a SubjectPublicKeyInfo (RFC 5280, "
		"4.1.2.7)",
		INFO("seq{ $version $subject $attributes }")},
	{"cut-inside-info", CLIENT, FORM,
		"attributes: malformed or not there (RFC 2986, 4.1)",
		INFO("seq{ cut{ $version $subject $key $attributes } }")},
	{"cut-inside-extension", CLIENT, FORM,
		"keyUsage: malformed (RFC 5280, 4.2.1.3)",
		MORE("seq{ $keyUsage octets{ cut{ bits{ 0780 } } } }")},

	/* -- the version -- */
	{"version-1", CLIENT, FORM, "version: not 0 (RFC 2986, 4.1)",
		{{"version", "int{ 01 }"}}},
	{"version-2", CLIENT, FORM, "version: not 0 (RFC 2986, 4.1)",
		{{"version", "int{ 02 }"}}},
	{"version-minus-1", CLIENT, FORM, "version: not 0 (RFC 2986, 4.1)",
		{{"version", "int{ ff }"}}},
	{"version-of-20-octets", CLIENT, FORM, "version: not 0 (RFC 2986, 4.1)",
		{{"version", "int{ 7f 19*{ ff } }"}}},
	{"version-of-2000-octets", CLIENT, FORM,
		"version: not 0 (RFC 2986, 4.1)",
		{{"version", "int{ 2000*{ 7f } }"}}},
	{"version-missing", CLIENT, FORM, "version: not 0 (RFC 2986, 4.1)",
		{{"version", ""}}},
	{"version-boolean", CLIENT, FORM, "version: not 0 (RFC 2986, 4.1)",
		{{"version", "010100"}}},
	{"version-null", CLIENT, FORM, "version: not 0 (RFC 2986, 4.1)",
		{{"version", "$null"}}},
	{"version-tagged", CLIENT, FORM, "version: not 0 (RFC 2986, 4.1)",
		{{"version", "a0{ int{ 00 } }"}}},

	/* -- lengths -- */
	{"length-4g-request", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		REQUEST("3084ffffffff $info $algorithm $signature")},
	{"length-8-octets", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		REQUEST("3088ffffffffffffffff $info $algorithm $signature")},
	{"length-9-octets", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		REQUEST("3089 01 8*{ 00 } $info $algorithm $signature")},
	{"length-127-octets", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		REQUEST("30ff 127*{ ff } $info")},
	{"length-4g-info", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		INFO("3084ffffffff $version $subject $key $attributes")},
	{"length-4g-subject", CLIENT, FORM,
		"subject: not a Name in DER (RFC 5280, 4.1.2.4)",
		{{"subject", "3084ffffffff $rdns"}}},
	{"length-4g-name", CLIENT, FORM,
		"subject: not a Name in DER (RFC 5280, 4.1.2.4)",
		{{"cn", "set{ seq{ $CN 1384ffffffff $name } }"}}},
	{"length-4g-key", CLIENT, FORM,
		"public key: not a SubjectPublicKeyInfo (RFC 5280, "
		"4.1.2.7)",
		{{"key", "3084ffffffff seq{ $Ed25519 }"}}},
	{"length-4g-extensions", CLIENT, FORM,
		"extensionRequest: not one list of extensions (RFC 2985, "
		"5.4.2)",
		ATTRIBUTES("seq{ $extensionRequest set{ 3084ffffffff "
			   "$extensions } }")},
	{"length-4g-signature", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		SIGNATURE("0384ffffffff 00 ed25519{ $info }")},
	{"length-2g-request", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		REQUEST("30847fffffff $info $algorithm $signature")},
	{"length-one-too-many", CLIENT, FORM, "version: not 0 (RFC 2986, 4.1)",
		{{"version", "0202 00"}}},

	/* -- signatures -- */
	{"signature-of-something-else", CLIENT, FORM,
		"signature: not made by the key it is held to",
		SIGNATURE("bits{ 00 ed25519{ 'something else' } }")},
	{"signature-by-another-key", CLIENT, FORM,
		"signature: not made by the key it is held to",
		SIGNATURE("bits{ 00 another{ $info } }")},
	{"signature-of-info-contents", CLIENT, FORM,
		"signature: not made by the key it is held to",
		SIGNATURE("bits{ 00 ed25519{ $version $subject $key "
			  "$attributes } }")},
	{"signature-of-another-subject", CLIENT, FORM,
		"signature: not made by the key it is held to",
		SIGNATURE("bits{ 00 ed25519{ seq{ $version seq{ $cn } $key "
			  "$attributes } } }")},
	{"signature-empty", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		SIGNATURE("bits{ 00 }")},
	{"signature-no-octet", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		SIGNATURE("bits{ }")},
	{"signature-short", CLIENT, FORM,
		"signature: not made by the key it is held to",
		SIGNATURE("bits{ 00 cut{ ed25519{ $info } } }")},
	{"signature-long", CLIENT, FORM,
		"signature: not made by the key it is held to",
		SIGNATURE("bits{ 00 ed25519{ $info } 00 }")},
	{"signature-zero", CLIENT, FORM,
		"signature: not made by the key it is held to",
		SIGNATURE("bits{ 00 64*{ 00 } }")},
	{"signature-octets", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		SIGNATURE("octets{ ed25519{ $info } }")},
	{"signature-rsa-for-ed25519", CLIENT, FORM,
		"signature: not made by the key it is held to",
		{{"algorithm", "$sha256WithRSA"}}},
	{"signature-ecdsa-for-ed25519", CLIENT, FORM,
		"signature: not made by the key it is held to",
		{{"algorithm", "$ecdsaWithSHA256"}}},
	{"signature-ed25519-for-rsa", CLIENT, FORM,
		"signature: not made by the key it is held to",
		{{"key", "$rsa2048"}}},
	{"signature-ecdsa-for-rsa", CLIENT, FORM,
		"signature: not made by the key it is held to",
		{{"key", "$rsa2048"}, {"algorithm", "$ecdsaWithSHA256"},
			{"signature", "$ecdsa_signature"}}},
	{"signature-md2", CLIENT, FORM,
		"none of ECDSA and RSA with SHA-256, SHA-384 or SHA-512, "
		"and Ed25519",
		{{"key", "$rsa2048"},
			{"algorithm", "seq{ oid{ 2a864886f70d010102 } $null }"},
			{"signature", "bits{ 00 rsa2048{ $info } }"}}},
	{"signature-md5", CLIENT, FORM,
		"none of ECDSA and RSA with SHA-256, SHA-384 or SHA-512, "
		"and Ed25519",
		{{"key", "$rsa2048"},
			{"algorithm", "seq{ oid{ 2a864886f70d010104 } $null }"},
			{"signature", "bits{ 00 rsa2048{ $info } }"}}},
	{"signature-sha1-rsa", CLIENT, FORM,
		"none of ECDSA and RSA with SHA-256, SHA-384 or SHA-512, "
		"and Ed25519",
		{{"key", "$rsa2048"},
			{"algorithm", "seq{ oid{ 2a864886f70d010105 } $null }"},
			{"signature", "bits{ 00 rsa2048{ $info } }"}}},
	{"signature-sha1-rsa-old", CLIENT, FORM,
		"none of ECDSA and RSA with SHA-256, SHA-384 or SHA-512, "
		"and Ed25519",
		{{"key", "$rsa2048"},
			{"algorithm", "seq{ oid{ 2b0e03021d } $null }"},
			{"signature", "bits{ 00 rsa2048{ $info } }"}}},
	{"signature-sha224-rsa", CLIENT, FORM,
		"none of ECDSA and RSA with SHA-256, SHA-384 or SHA-512, "
		"and Ed25519",
		{{"key", "$rsa2048"},
			{"algorithm", "seq{ oid{ 2a864886f70d01010e } $null }"},
			{"signature", "bits{ 00 rsa2048{ $info } }"}}},
	{"signature-sha384-is-sha256", CLIENT, FORM,
		"signature: not made by the key it is held to",
		{{"key", "$rsa2048"},
			{"algorithm", "seq{ oid{ 2a864886f70d01010c } $null }"},
			{"signature", "bits{ 00 rsa2048{ $info } }"}}},
	{"signature-sha512-is-sha256", CLIENT, FORM,
		"signature: not made by the key it is held to",
		{{"key", "$rsa2048"},
			{"algorithm", "seq{ oid{ 2a864886f70d01010d } $null }"},
			{"signature", "bits{ 00 rsa2048{ $info } }"}}},
	{"signature-rsa-pss", CLIENT, FORM,
		"none of ECDSA and RSA with SHA-256, SHA-384 or SHA-512, "
		"and Ed25519",
		{{"key", "$rsa2048"},
			{"algorithm",
				"seq{ oid{ 2a864886f70d01010a } seq{ } }"},
			{"signature", "bits{ 00 rsa2048{ $info } }"}}},
	{"signature-rsa-encryption", CLIENT, FORM,
		"none of ECDSA and RSA with SHA-256, SHA-384 or SHA-512, "
		"and Ed25519",
		{{"key", "$rsa2048"},
			{"algorithm", "seq{ oid{ 2a864886f70d010101 } $null }"},
			{"signature", "bits{ 00 rsa2048{ $info } }"}}},
	{"signature-rsa-parameters", CLIENT, FORM,
		"none of ECDSA and RSA with SHA-256, SHA-384 or SHA-512, "
		"and Ed25519",
		{{"key", "$rsa2048"},
			{"algorithm",
				"seq{ oid{ 2a864886f70d01010b } seq{ } }"},
			{"signature", "bits{ 00 rsa2048{ $info } }"}}},
	{"signature-rsa-two-nulls", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		{{"key", "$rsa2048"},
			{"algorithm",
				"seq{ oid{ 2a864886f70d01010b } $null $null }"},
			{"signature", "bits{ 00 rsa2048{ $info } }"}}},
	{"signature-rsa-by-another-size", CLIENT, FORM,
		"signature: not made by the key it is held to",
		{{"key", "$rsa2048"}, {"algorithm", "$sha256WithRSA"},
			{"signature", "bits{ 00 rsa1024{ $info } }"}}},
	{"signature-sha1-ecdsa", CLIENT, FORM,
		"none of ECDSA and RSA with SHA-256, SHA-384 or SHA-512, "
		"and Ed25519",
		ALGORITHM("oid{ 2a8648ce3d0401 }")},
	{"signature-sha224-ecdsa", CLIENT, FORM,
		"none of ECDSA and RSA with SHA-256, SHA-384 or SHA-512, "
		"and Ed25519",
		ALGORITHM("oid{ 2a8648ce3d040301 }")},
	{"signature-sha1-dsa", CLIENT, FORM,
		"none of ECDSA and RSA with SHA-256, SHA-384 or SHA-512, "
		"and Ed25519",
		ALGORITHM("oid{ 2a8648ce380403 }")},
	{"signature-ed448", CLIENT, FORM,
		"none of ECDSA and RSA with SHA-256, SHA-384 or SHA-512, "
		"and Ed25519",
		ALGORITHM("oid{ 2b6571 }")},
	{"signature-ed25519-null", CLIENT, FORM,
		"none of ECDSA and RSA with SHA-256, SHA-384 or SHA-512, "
		"and Ed25519",
		ALGORITHM("$Ed25519 $null")},
	{"signature-unknown", CLIENT, FORM,
		"signature algorithm \"1.2.3.4.5\": none of ECDSA and "
		"RSA with SHA-256, SHA-384 or SHA-512, and Ed25519",
		ALGORITHM("$unknown")},
	{"signature-algorithm-empty", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		ALGORITHM("")},
	{"signature-oid-empty", CLIENT, FORM,
		"not a certification request in DER, or something behind "
		"it (RFC 2986, 4.2)",
		ALGORITHM("oid{ }")},
	{"signature-ecdsa-null", CLIENT, FORM,
		"none of ECDSA and RSA with SHA-256, SHA-384 or SHA-512, "
		"and Ed25519",
		{{"key", "$ec_key"},
			{"algorithm", "seq{ oid{ 2a8648ce3d040302 } $null }"},
			{"signature", "$ecdsa_signature"}}},
	{"signature-ecdsa-zero", CLIENT, FORM,
		"signature: not made by the key it is held to",
		{{"key", "$ec_key"}, {"algorithm", "$ecdsaWithSHA256"},
			{"signature",
				"bits{ 00 seq{ int{ 00 } int{ 00 } } }"}}},
	{"signature-ecdsa-of-nobody", CLIENT, FORM,
		"signature: not made by the key it is held to", EC("$ec_key")},

	/* -- public keys -- */
	{"key-rsa-512", CLIENT, REFUSED,
		"public key \"rsa-512\": not of 2048 to 8192 bits",
		RSA("rsa512")},
	{"key-rsa-1024", CLIENT, REFUSED,
		"public key \"rsa-1024\": not of 2048 to 8192 bits",
		RSA("rsa1024")},
	{"key-rsa-2047", CLIENT, REFUSED,
		"public key \"rsa-2047\": not of 2048 to 8192 bits",
		RSA("rsa2047")},
	{"key-rsa-exponent-33-bits", CLIENT, REFUSED,
		"public key: an RSA exponent of more than 31 bits (Go: "
		"crypto/rsa)",
		RSA("rsa33bit")},
	{"key-rsa-exponent-1", CLIENT, FORM,
		"signature: not made by the key it is held to",
		{{"exponent", "01"}, {"key", "$rsa_key"},
			{"algorithm", "$sha256WithRSA"},
			{"signature", "bits{ 00 256*{ 5a } }"}}},
	{"key-rsa-exponent-2", CLIENT, FORM,
		"signature: not made by the key it is held to",
		{{"exponent", "02"}, {"key", "$rsa_key"},
			{"algorithm", "$sha256WithRSA"},
			{"signature", "bits{ 00 256*{ 5a } }"}}},
	{"key-rsa-exponent-even", CLIENT, FORM,
		"signature: not made by the key it is held to",
		{{"exponent", "010000"}, {"key", "$rsa_key"},
			{"algorithm", "$sha256WithRSA"},
			{"signature", "bits{ 00 256*{ 5a } }"}}},
	{"key-rsa-exponent-0", CLIENT, FORM,
		"RSA public key: malformed (RFC 3279, 2.3.1)",
		{{"exponent", "00"}, {"key", "$rsa_key"},
			{"algorithm", "$sha256WithRSA"},
			{"signature", "bits{ 00 256*{ 5a } }"}}},
	{"key-rsa-exponent-negative", CLIENT, FORM,
		"RSA public key: malformed (RFC 3279, 2.3.1)",
		{{"exponent", "ff"}, {"key", "$rsa_key"},
			{"algorithm", "$sha256WithRSA"},
			{"signature", "bits{ 00 256*{ 5a } }"}}},
	{"key-rsa-exponent-65-bits", CLIENT, FORM,
		"signature: not made by the key it is held to",
		{{"exponent", "01 8*{ 00 } 01"}, {"key", "$rsa_key"},
			{"algorithm", "$sha256WithRSA"},
			{"signature", "bits{ 00 256*{ 5a } }"}}},
	{"key-rsa-modulus-even", CLIENT, FORM,
		"signature: not made by the key it is held to",
		{{"modulus", "00 255*{ b5 } b4"}, {"key", "$rsa_key"},
			{"algorithm", "$sha256WithRSA"},
			{"signature", "bits{ 00 256*{ 5a } }"}}},
	{"key-rsa-modulus-0", CLIENT, FORM,
		"RSA public key: malformed (RFC 3279, 2.3.1)",
		{{"modulus", "00"}, {"key", "$rsa_key"},
			{"algorithm", "$sha256WithRSA"},
			{"signature", "bits{ 00 256*{ 5a } }"}}},
	{"key-rsa-modulus-negative", CLIENT, FORM,
		"RSA public key: malformed (RFC 3279, 2.3.1)",
		{{"modulus", "256*{ b5 }"}, {"key", "$rsa_key"},
			{"algorithm", "$sha256WithRSA"},
			{"signature", "bits{ 00 256*{ 5a } }"}}},
	{"key-rsa-modulus-padded", CLIENT, FORM,
		"RSA public key: malformed (RFC 3279, 2.3.1)",
		{{"modulus", "0000 256*{ b5 }"}, {"key", "$rsa_key"},
			{"algorithm", "$sha256WithRSA"},
			{"signature", "bits{ 00 256*{ 5a } }"}}},
	{"key-rsa-of-one-number", CLIENT, FORM,
		"RSA public key: malformed (RFC 3279, 2.3.1)",
		{{"rsa", "seq{ int{ $exponent } }"}, {"key", "$rsa_key"},
			{"algorithm", "$sha256WithRSA"},
			{"signature", "bits{ 00 256*{ 5a } }"}}},
	{"key-rsa-numbers-missing", CLIENT, FORM,
		"RSA public key: malformed (RFC 3279, 2.3.1)",
		{{"rsa", "seq{ }"}, {"key", "$rsa_key"},
			{"algorithm", "$sha256WithRSA"},
			{"signature", "bits{ 00 256*{ 5a } }"}}},
	{"key-rsa-without-null", CLIENT, FORM,
		"RSA public key: without NULL parameters (RFC 3279, "
		"2.3.1)",
		KEY("seq{ seq{ $rsaEncryption } bits{ 00 $rsa } }")},
	{"key-rsa-pss", CLIENT, FORM,
		"signature: not made by the key it is held to",
		{{"key", "seq{ seq{ oid{ 2a864886f70d01010a } } bits{ 00 $rsa "
			 "} }"},
			{"algorithm", "$sha256WithRSA"},
			{"signature", "bits{ 00 rsa2048{ $info } }"}}},
	{"key-rsa-16398", CLIENT, REFUSED,
		"public key \"rsa-16398\": not of 2048 to 8192 bits",
		{{"modulus", "34e3574d27644a15f2ddcde1fd1e49a555029a7cece83f29b"
			     "05b8022"
			     "38023ab6b08b8d8ea9d0d0234d6679aeb212d7fedb41b06c6"
			     "417c6e7"
			     "842539b6988e401cc187ead2e8619e77e2aac143e1bfbcc88"
			     "1861ba1"
			     "25a6371ad70b59abe14ed34a66713262d2d3aaa306a1b1553"
			     "8044667"
			     "30a1213a07527289397bd0c112e254d9f14313e97e4076668"
			     "93dcc75"
			     "e1dba6c6ca528f238c6643678c86dad3ec1552c76fc489bb7"
			     "84e12b2"
			     "401ef8580dede494d191f459e286b2449f868592a73709e91"
			     "d2ecbfa"
			     "fb182aca4d02b4e32ab2fb4db53e8f7f0944362e43ad35ec4"
			     "f1494b5"
			     "5149137c33fae969a78f4bb269401ca784084dd4a043df698"
			     "ce17b93"
			     "6b9ba155158d6a967d1e0e7fa058ff4054a9e8e8774b0394a"
			     "7d557be"
			     "0edcb546466cbaa19a9a51a4f831bcf49c35f22971c23bbc1"
			     "8a126b6"
			     "00ef71f5b8d747f4cba241f0643f41534bc99f586d42c040d"
			     "9228c0f"
			     "fca1104fe5513f0abb35b3659feb5d528c426b0b32934e931"
			     "13a8f99"
			     "4208637525aedac90144ba5ebbf57677971040283c3de42b7"
			     "a661a2a"
			     "27f23aadd486dcff4a6a3567ec4ebc97b5592b98e0898da86"
			     "6c77b67"
			     "5780b766024af3b6b69200d82a9a17ac50a1683d6db8ad486"
			     "5aa14d1"
			     "f231c2633c9f66ea6a420664bb647df7edb74c9dc0812e84b"
			     "0005895"
			     "f935185ed5ea1283fad4194b0b0c56b30e27c8a2070968fe8"
			     "bf17f39"
			     "74424b0633dfc04b96bc6ae8b08d21ff38df8240596a86a3a"
			     "1a83fee"
			     "0d1dc4843308b0f6ea355cc6a0282dcb919c5f2f9ce646330"
			     "dd13119"
			     "8fb70e7c8c0bfcb325ec789156fafe8e9265c16f8f6b486c2"
			     "4349812"
			     "29295c092668f1d4bba2f382ad7269951b370ee588b4870b1"
			     "bbe54d0"
			     "511ba9fdd702d42b61cc35efb9385b220a5f21070ab6a4ebd"
			     "0db130d"
			     "0081da385421a1aacba6973eff4b6ea6ba87a87dba86a1859"
			     "f55f563"
			     "98dca8e8c31528fa14778c4e68e6cf3777afa4025e4d6489f"
			     "c923094"
			     "80d87ef9e8592bb7142e4436dfebe9ec88ad94d845f71ea5e"
			     "fea8227"
			     "d78e096f5e646f26de1dab63783880bb39d1e526e3ae3272b"
			     "88cce0d"
			     "3dfcf0da90c15ae05552ba543bf4a22c27986503a34a0f205"
			     "01f392d"
			     "4480f06c56e0098cd55addb51fe7148339ef93c524d095ffa"
			     "2dc1c5c"
			     "22f7b3975cb61ab4f933d749eed72f2b252327de84a0ab011"
			     "0481363"
			     "258c2a6cdec8010e5a85b5e201fa7c29cc55e4adf7b954324"
			     "1271f74"
			     "5b13bb9868cc28e590ca0ad3c15bd34eb0355670c1f02bbbb"
			     "dae3272"
			     "07f16ab7b2a662b3df2d8fd4f014e54f1637409253cd53fe0"
			     "3272ce5"
			     "b13f747f4c044736e0c383e5b6a14a035377da7bfb22bb5cb"
			     "4df6021"
			     "1cabd88c1be28b527ec9fa1fab37c878a2e2946662e0d9a71"
			     "d25181a"
			     "df9dc8039642fa5e02bc2f44a83d81889efcaa961bb4a7104"
			     "a646ff2"
			     "52f8b03be8cef4a189cd586834432e9ba6b74b8382deb9e1f"
			     "f3e5841"
			     "3c9d3ea007c5b6a6567c500c29c4f73da94d2746481674954"
			     "f58cf37"
			     "9f5057014ad5248f0d773935391d5515d53f9789d086e5570"
			     "c224ac5"
			     "9507b910bc79524f25b6218b10059986f1d22d8130e4eb50d"
			     "218260f"
			     "602258fb2b920572e3e6672d55b7448d520d27d4cae9c65c4"
			     "de2b066"
			     "9bcd70ff493b3f1134c66c490d4d9b25acf7ce611e75779e2"
			     "62c2de4"
			     "27f995d4b1e3663c72bc7a12860cc581c3ecc06eecda457dc"
			     "b5384fd"
			     "af594e4deb07470cf9619d8fb2ad039ed23a233b617679dd8"
			     "f885f64"
			     "0deb62e27091eaa1558c7b3e897a4ff862dc9df2c0bdcbb65"
			     "7d6696b"
			     "bd42622d8f67288b4161a693879a884bb174f83530a91b16e"
			     "e5c2d00"
			     "2644c093c7fe7320e787c51c847dfd91bbe526f4a63d55983"
			     "c3fa34b"
			     "6a857f2083436ed9bf944865af0bd7d2230fe80336b463dcb"
			     "34c7e0f"
			     "642f4fd7963796ec7ca29b3924c849a1f037d9cb19adb76e0"
			     "ceca8c5"
			     "61b005a187e08eaa6918dc9df9217866b971bdf268239f528"
			     "405f4a2"
			     "c5842a8497f790db2be4628622220c71f11f378620b51c240"
			     "e14edaa"
			     "481a7860c69d6b9eacf3a3fc7f9a37b82e9d092fce2f3fec5"
			     "e85890c"
			     "d3eae16031b8704346a9fbe5c26b8733834c61700a2b2dcee"
			     "14003a5"
			     "02560679a1abb18acaee11e8ae33009dcabbf3ff09916d4ab"
			     "1f8ce4b"
			     "5007cb261dba2f0520ac68d0363275135cd9bb0b5ef07be9f"
			     "a9103d9"
			     "c9e09ceb284528bfb8317dba0bcf3f6b63e59132c81f8468a"
			     "40c7c8f"
			     "7bde3781b09974ff08d93549eacbbb94a5c59f85e31732baf"
			     "4dc58fa"
			     "9919f881b9296fc8ac1fe7d5c1956211fa49241a375e4375b"
			     "56271ba"
			     "f01f113317569408038b406396b9a2be1f1b5b1f5ea455d05"
			     "da7368b"
			     "aa464f3df46f42d1c5c849fc58be1892f2daf4412626c5d1a"
			     "bdddab1"
			     "5bf5f493ec25c2fc11d336d82790d999098429431755a2b28"
			     "7fb71c0"
			     "e50d164ac42ab82c023f57c4891ba2411f5b5d06d598a825e"
			     "5905d05"
			     "690f5dc04a7acff079e8f9850c30b963827de1a8db6709830"
			     "22ade06"
			     "16834e0939c41c5388a6013eee053aabae306aa46dfe3351b"
			     "a3ed35f"
			     "a59f41bf54a0460e374acd1c78e80257e7aa1fee6b787ab47"
			     "5073cdd"
			     "82b8f7f88d5d27598af53ef7c08b5c7b1117d5fdc8403b9aa"
			     "3a29a5c"
			     "d0c4b41c779d1400f748e0d9e900bbb91ddca6b06e812c4e4"
			     "fca03ba"
			     "d9c1027393ce135afe78da1481b9ccaab5b53ba8130cbfac0"
			     "d99332f"
			     "e63c1e2c6ed702b2b5687fffd0a2d78d024374f587d42cdd6"
			     "ffea2a0"
			     "8ec8a79e6aaebb41dfc8d1a239c93529ce6a14fcf2f8da38c"
			     "65f62d3"
			     "90e8c4d33913bb00610c60e23f07885f112120259e8229798"
			     "b085464"
			     "5a5920aee53978e3c2a9dc2f9e9cdf1c57cb542b0ec979a1e"
			     "49da301"
			     "8b59cb03ae871b05b8e2f40e478d4a036d8243dff6bc075e3"
			     "d13702c"
			     "0c7e9f4af923"},
			{"key", "$rsa_key"}, {"algorithm", "$sha256WithRSA"},
			{"signature", "bits{ 00 "
				      "2db833ec760ed104f5e70b41c573ab556001e02d"
				      "d55cdca5515fad7d"
				      "739a099515cfef8da72635c7dd5d586c1349fea5"
				      "d2ebad8f7d5a7a7f"
				      "d84fc08a2916862ddff72407c212847431194743"
				      "6ffaaef392557598"
				      "262e2ac7975722cd66586a5858eb5c851dc182af"
				      "30f076ea5b6e5327"
				      "74deae6d7bb0d3023f9687025ef6512db21a4911"
				      "6a20a6eaa51f4da9"
				      "98f4c9b9a8f3c4dcdc338f5df5d40a354bd26c4a"
				      "9408029b71500af2"
				      "2027b91493491ec36dd3f6cce875ec503b5e7b4c"
				      "1d3ef9c4bac837b8"
				      "07c5023ae28c7f50a26d3e59262c0165cbb8534c"
				      "a1d24673d1bd60d4"
				      "d3c2847750c565811d63359863b591a82d6ab3e9"
				      "26457170a0599ac4"
				      "c0b15dedf4e55c07d2f1145e92f8093a92a1394c"
				      "c5e5369b274d9971"
				      "0d4f55156a5f3a672df9cb91c399bf679508c998"
				      "d86089108303bff9"
				      "c5d81089582564831e9fce78c905b3782298b0e0"
				      "9a8f6499f69e8552"
				      "d00dd40617dcfd58cb43121ef8beb9e44965aceb"
				      "237e2d63b5a6f06c"
				      "e1227a35aef661d285ccadc3a29f5cf784cd73b6"
				      "3ef0c87ce0e14625"
				      "b65a1656a9fa00122862cfc61925ad4c585eecf1"
				      "dbe4822c827be804"
				      "7bd9cc17042ed308e3ebbb5446658323c76fe17c"
				      "0dd44d3bef3f90a9"
				      "973ebf15c9d06db651a6b38332c5d9a2a4aee4fe"
				      "5466821f916b980d"
				      "b2316c0de311dfae2e24e5d2a6bd77116d2b73af"
				      "56114dffe50c6e2d"
				      "f09982a632b1541cab76191f5488805ecefe0cca"
				      "48b753e7532d69d5"
				      "8c84e2b5e2a8f6b1edbfeb6d61c827f71bec8346"
				      "6b67cfbdff5d71b0"
				      "a299ebf4ce8d7b0cd221ba08c8a58bbf888a3e45"
				      "8e332c8bff730015"
				      "36cf2107b1320275c22c15ee85c882fd2ecbbee0"
				      "c1a0a799dd34838d"
				      "a5c14b3e48812f3f6c0e43bf844d6017096db169"
				      "3da66d0a6da2e0e1"
				      "417da670fed3183b7bb66d9f52b517d8c47825e8"
				      "991a8e215066e9fe"
				      "f145db7fe4ea314e230a3a621ec26ca79cf17412"
				      "4402f7b2a5d9f7aa"
				      "fc627235eabf54cf2eb8981ac2e926ffb0bacd9a"
				      "797ebda1c485b106"
				      "b5bbfee700175cb9b9474eb98dbb87718e02facb"
				      "009a332b4c795514"
				      "1a10ad97d6d378bec15daa1520606ca28578e351"
				      "960bc5e9ba8f042e"
				      "6d41458d75f7caeb7ae9c8462fc4dad299b00427"
				      "1e382316700f1771"
				      "072d7c94dfa1fb4757975e419909defbe2da82ce"
				      "2976bd3780776d3e"
				      "6655f0b80c0a9ed3c2dd6c17ba73c0766b05c681"
				      "2ac6229be52dae7f"
				      "57084cb4a1f63f49844733cdfa30c98607846da7"
				      "6545fa900ce0f04d"
				      "b6c51923a99f36438e310bb3fd8549026df4144f"
				      "7c7d93a5fb708c7e"
				      "faa47bac322c81f9afd68445adfaeecc57535db6"
				      "a69ee2931407e3d6"
				      "1e3d1190b4b2e1f1b2af5272041ef3a23948f61a"
				      "9fc493fd8726bb47"
				      "1a5720add6dce02c97eac96347d06ef814070f06"
				      "aeecf607318d2298"
				      "7e60b9dc5f8fb5958f0f8251d86f3709db3cf402"
				      "f426f1b369826a10"
				      "4c6628313cdef06616eaec2d65173b7b40ee46e3"
				      "a0ceda53cdbcfd94"
				      "207bac90ea8ec2c31b5e2dded4a8c4fe3843b8e4"
				      "27d5c9579b9d0b86"
				      "800cdebf2145dfb62f74c4a94c6c32489e7bb5ed"
				      "e7a7f1cd0b5e2521"
				      "328ca2e17f747a235692fea1e63c8a47ba427f9c"
				      "935dd12f08d7860c"
				      "0c48106be0cd90f088ded699f495e753ca61b791"
				      "d042fc93eae1ab0e"
				      "eb54b1cd04814e2ba65af17526d884536c2252c8"
				      "f21cbeb811f200a3"
				      "74c88bfe0544060ea12b25bba6b355d63143162c"
				      "230910b2851b360e"
				      "2739f3e5412da4c5eb101403fc7370c07381dae2"
				      "83e276c4fa52fc35"
				      "e2d22847a1889b012c0e99aec8f10023a8fa2f4b"
				      "bb2c70eb72b2e89f"
				      "6dc0c0af7e17ae274e29af6fbbed49f1c8c02994"
				      "22358b1d5bc30046"
				      "a808045bd5be4ed06f9e0d29ea99c7e6a462285d"
				      "d558b2874d204a62"
				      "f22786a7ab9f308119441c88c4c49e5127c85c07"
				      "efd898adfc5c6eee"
				      "d67f3d6d2f586c7f1d61e83678509afdcec5a571"
				      "15bfddeca6c04176"
				      "e10c351a913fc2ed181512eee49d127008ba1b10"
				      "49fd81f9a2877d54"
				      "156beaebc88c5c8c1a4a5c203b59f9694a5d9f6a"
				      "4f7bdac981d70e5c"
				      "ab164d07a10dde46cb9cec10bf90fffcddf8a5f2"
				      "727ca0c4ebcb6c24"
				      "83bca02066fcdefa90ebfcdfde124b5e9f71599e"
				      "f4dc33531c64b807"
				      "5f5e6ee1058ba026484673f4ba8d36ccf35ff243"
				      "e1d3421af74ff68c"
				      "2bccdbc90b4380c7b4bb364e912b60f9e1e8c65a"
				      "0cfc3d1cc4248516"
				      "207b90854a798c24f9783458416b506b82350c6e"
				      "4d059c329124d92e"
				      "133ecffc804fc159e7dcf80d90216faf1ace2fbc"
				      "d99372326b009c9b"
				      "821c1f1e579a8731a8a78d3e92116e7695d9b99f"
				      "c278c96cabb17ea6"
				      "a6b3698ff101da786a9fa45da263f4b675aaffce"
				      "e8dd642c5cdb4e8b"
				      "9bc9bdf9820d60dd29b80c9d21f4195096cbf41f"
				      "e22871d92701751c"
				      "05c6ebea54ea83f5ee324b5bf630cad10382ea3b"
				      "705e9e922bfd6756"
				      "4722a6fa18ff09544519c5aeaf5eeb2d45318088"
				      "4813abe0222b8885"
				      "76ea747789ce1f365ad8abbac36c60527a535fd3"
				      "11af7b6486aac0ab"
				      "f4a690d9d997b8c3527e87ca619b39d6ee456895"
				      "681e5a95d52857a2"
				      "0408c20066d621ec7ffb1f0c1ccebac3efea3542"
				      "bc0eaa4ec0e08259"
				      "d164899e63e259f1b67f15c7b876ccb37bf399c4"
				      "e565438b12281c9f"
				      "df9bb567de80a90fd1619003e656b20546a2c59a"
				      "bc258ce487b137d9"
				      "8881381212b038835729d149b4f20e4cae26572f"
				      "1b747e02aa2f94dc"
				      "8a4e287839e03f65676da433d9121496faeab791"
				      "581df7c7c3be43af"
				      "98a59dadd447cb1f4e38550b94b5f5b9968998ff"
				      "697cbdca0f06ed04"
				      "cfa3bb5a5cf6a1fe35d74fad8f61944c998edbca"
				      "4e9386b22034dacb"
				      "926876cf4422085ea5ac4ce16c64fafab0eac878"
				      "db9de35cb683663e"
				      "2f16088ecd80 }"}}},
	{"key-p192", CLIENT, REFUSED,
		"public key \"curve 1.2.840.10045.3.1.1\": none of RSA, "
		"P-256, P-384, P-521 and Ed25519",
		{{"key", "seq{ seq{ $ecPublicKey oid{ 2a8648ce3d030101 } } "
			 "bits{ "
			 "00 "
			 "04e87fabb0cb0113b181e67f2bd5f3f043fa32d339f302d9aaca4"
			 "30e"
			 "242af6d007986be4589a215f8571785a901ac9e628 } }"},
			{"algorithm", "$ecdsaWithSHA256"},
			{"signature", "bits{ 00 "
				      "3034021818cc7363d2b6899a32d8deff1072e93f"
				      "211b85bfd8139f80"
				      "02183084a8098868cb51fe858aadfee704e83589"
				      "9961a61cdc28 }"}}},
	{"key-p224", CLIENT, REFUSED,
		"public key \"curve 1.3.132.0.33\": none of RSA, P-256, "
		"P-384, P-521 and Ed25519",
		{{"key", "seq{ seq{ $ecPublicKey oid{ 2b81040021 } } bits{ 00 "
			 "04ef747067c42f8377e03166f53493fbd5f5c4c17aec48e9ec928"
			 "9b2"
			 "da3ac97c8cddbb7849c3cfe1a1d501a20d6f55babbe393fb3f3d1"
			 "407"
			 "f3 } }"},
			{"algorithm", "$ecdsaWithSHA256"},
			{"signature", "bits{ 00 "
				      "303d021c53e6e04519ac1324c19aee15f8c97383"
				      "1f0b72a8e92fc99b"
				      "be482a49021d00a673c2543881d559892152e750"
				      "7ace536c48b45b05"
				      "3a1559c0c93b3b }"}}},
	{"key-secp256k1", CLIENT, FORM,
		"public key: malformed, or of no kind that is known",
		EC_CURVE("2b8104000a", "0480d5d466a28452b2f00eb6ec9249e35f42cff"
				       "a2075067b77583428"
				       "79fee0fd696a5136157bec78a27b2226bdcdedc"
				       "49be6eedf4b2aa8de"
				       "d4cdb1da568094226c")},
	{"key-brainpool", CLIENT, FORM,
		"public key: malformed, or of no kind that is known",
		EC_CURVE("2b2403030208010107", "$point")},
	{"key-unknown-curve", CLIENT, FORM,
		"public key: malformed, or of no kind that is known",
		EC_CURVE("2a030405", "$point")},
	{"key-p256-compressed", CLIENT, FORM,
		"public key: malformed, or of no kind that is known",
		{{"point", "03 $x"}, {"key", "$ec_key"},
			{"algorithm", "$ecdsaWithSHA256"},
			{"signature", "$ecdsa_signature"}}},
	{"key-p256-short", CLIENT, FORM,
		"public key: malformed, or of no kind that is known",
		{{"point", "04 $x cut{ $y }"}, {"key", "$ec_key"},
			{"algorithm", "$ecdsaWithSHA256"},
			{"signature", "$ecdsa_signature"}}},
	{"key-p256-long", CLIENT, FORM,
		"public key: malformed, or of no kind that is known",
		{{"point", "04 $x $y 00"}, {"key", "$ec_key"},
			{"algorithm", "$ecdsaWithSHA256"},
			{"signature", "$ecdsa_signature"}}},
	{"key-p256-infinity", CLIENT, FORM,
		"public key: malformed, or of no kind that is known",
		{{"point", "00"}, {"key", "$ec_key"},
			{"algorithm", "$ecdsaWithSHA256"},
			{"signature", "$ecdsa_signature"}}},
	{"key-p256-hybrid", CLIENT, FORM,
		"public key: malformed, or of no kind that is known",
		{{"point", "07 $x $y"}, {"key", "$ec_key"},
			{"algorithm", "$ecdsaWithSHA256"},
			{"signature", "$ecdsa_signature"}}},
	{"key-p256-off-curve", CLIENT, FORM,
		"signature: not made by the key it is held to",
		{{"point", "04 $x $x"}, {"key", "$ec_key"},
			{"algorithm", "$ecdsaWithSHA256"},
			{"signature", "$ecdsa_signature"}}},
	{"key-p256-empty", CLIENT, FORM,
		"public key: not a SubjectPublicKeyInfo (RFC 5280, "
		"4.1.2.7)",
		{{"point", ""}, {"key", "$ec_key"},
			{"algorithm", "$ecdsaWithSHA256"},
			{"signature", "$ecdsa_signature"}}},
	{"key-p256-beyond-field", CLIENT, FORM,
		"signature: not made by the key it is held to",
		{{"point", "04 64*{ ff }"}, {"key", "$ec_key"},
			{"algorithm", "$ecdsaWithSHA256"},
			{"signature", "$ecdsa_signature"}}},
	{"key-p256-null-curve", CLIENT, FORM,
		"EC public key: its curve has no name (RFC 5480, 2.1.1)",
		EC("seq{ seq{ $ecPublicKey $null } bits{ 00 $point } }")},
	{"key-p256-no-curve", CLIENT, FORM,
		"EC public key: its curve has no name (RFC 5480, 2.1.1)",
		EC("seq{ seq{ $ecPublicKey  } bits{ 00 $point } }")},
	{"key-p256-explicit-curve", CLIENT, FORM,
		"EC public key: its curve has no name (RFC 5480, 2.1.1)",
		EC("seq{ seq{ $ecPublicKey seq{ int{ 01 } } } bits{ 00 "
		   "$point } }")},
	{"key-p256-on-p384", CLIENT, FORM,
		"signature: not made by the key it is held to",
		EC("seq{ seq{ $ecPublicKey oid{ 2b81040022 } } bits{ 00 "
		   "$point } }")},
	{"key-ed25519-31", CLIENT, FORM,
		"public key: malformed, or of no kind that is known",
		{{"key", "seq{ seq{ $Ed25519 } bits{ 00 31*{ 5a } } }"}}},
	{"key-ed25519-33", CLIENT, FORM,
		"public key: malformed, or of no kind that is known",
		{{"key", "seq{ seq{ $Ed25519 } bits{ 00 33*{ 5a } } }"}}},
	{"key-ed25519-zero", CLIENT, FORM,
		"signature: not made by the key it is held to",
		{{"key", "seq{ seq{ $Ed25519 } bits{ 00 32*{ 00 } } }"}}},
	{"key-ed25519-null", CLIENT, REFUSED,
		"public key \"1.3.101.112\": none of RSA, P-256, P-384, "
		"P-521 and Ed25519",
		{{"key", "seq{ seq{ $Ed25519 $null } bits{ 00 $octets } }"}}},
	{"key-x25519", CLIENT, FORM,
		"signature: not made by the key it is held to",
		{{"key", "seq{ seq{ oid{ 2b656e } } bits{ 00 $octets } }"}}},
	{"key-ed448", CLIENT, FORM,
		"signature: not made by the key it is held to",
		{{"key", "seq{ seq{ oid{ 2b6571 } } bits{ 00 57*{ 5a } } }"}}},
	{"key-dsa", CLIENT, FORM,
		"public key: malformed, or of no kind that is known",
		{{"key", "seq{ seq{ oid{ 2a8648ce380401 } } bits{ 00 int{ 7f } "
			 "} }"}}},
	{"key-unknown", CLIENT, FORM,
		"public key: malformed, or of no kind that is known",
		{{"key", "seq{ seq{ $unknown } bits{ 00 32*{ 5a } } }"}}},
	{"key-empty", CLIENT, FORM,
		"public key: not a SubjectPublicKeyInfo (RFC 5280, "
		"4.1.2.7)",
		{{"key", "seq{ seq{ $Ed25519 } bits{ 00 } }"}}},
	{"key-octets", CLIENT, FORM,
		"public key: not a SubjectPublicKeyInfo (RFC 5280, "
		"4.1.2.7)",
		{{"key", "seq{ seq{ $Ed25519 } octets{ 32*{ 5a } } }"}}},
	{"key-without-algorithm", CLIENT, FORM,
		"public key: not a SubjectPublicKeyInfo (RFC 5280, "
		"4.1.2.7)",
		{{"key", "seq{ bits{ 00 32*{ 5a } } }"}}},
	{"key-null", CLIENT, FORM,
		"public key: not a SubjectPublicKeyInfo (RFC 5280, "
		"4.1.2.7)",
		{{"key", "$null"}}},
	{"key-of-another", CLIENT, FORM,
		"signature: not made by the key it is held to",
		{{"key", "$another"}}},

	/* -- extensions -- */
	{"extension-purposes-twice", CLIENT, FORM,
		"extension: there twice (RFC 5280, 4.2)", MORE("$purpose")},
	{"extension-unknown", CLIENT, REFUSED,
		"extension 1.2.3.4.5: no profile has it",
		MORE("seq{ $unknown octets{ $null } }")},
	{"extension-unknown-critical", CLIENT, FORM,
		"extension 1.2.3.4.5: critical and not understood (RFC "
		"5280, 4.2)",
		MORE("seq{ $unknown $true octets{ $null } }")},
	{"extension-unknown-twice", CLIENT, FORM,
		"extension: there twice (RFC 5280, 4.2)",
		MORE("2*{ seq{ $unknown octets{ $null } } }")},
	{"extension-subject-key-id", CLIENT, REFUSED,
		"key identifier: the signer's to compute",
		MORE("seq{ oid{ 551d0e } octets{ octets{ 20*{ 5a } } } }")},
	{"extension-authority-key-id", CLIENT, REFUSED,
		"key identifier: the signer's to compute",
		MORE("seq{ oid{ 551d23 } octets{ seq{ 80{ 20*{ 5a } } } } }")},
	{"extension-subject-key-id-critical", CLIENT, FORM,
		"subjectKeyIdentifier: critical (RFC 5280, 4.2.1.2)",
		MORE("seq{ oid{ 551d0e } $true octets{ octets{ 5a } } }")},
	{"extension-subject-key-id-empty", CLIENT, FORM,
		"subjectKeyIdentifier: malformed or empty (RFC 5280, "
		"4.2.1.2)",
		MORE("seq{ oid{ 551d0e } octets{ octets{ } } }")},
	{"extension-authority-key-id-broken", CLIENT, FORM,
		"authorityKeyIdentifier: malformed (RFC 5280, 4.2.1.1)",
		MORE("seq{ oid{ 551d23 } octets{ seq{ 82{ 01 } } } }")},
	{"extension-name-constraints", CLIENT, REFUSED,
		"extension 2.5.29.30: no profile has it",
		MORE("seq{ $nameConstraints octets{ seq{ a0{ seq{ 82{ 'w1' } "
		     "} } } } }")},
	{"extension-name-constraints-critical", CLIENT, REFUSED,
		"extension 2.5.29.30: no profile has it",
		MORE("seq{ $nameConstraints $true octets{ seq{ a0{ seq{ 82{ "
		     "'w1' } } } } } }")},
	{"extension-policies", CLIENT, REFUSED,
		"extension 2.5.29.32: no profile has it",
		MORE("seq{ oid{ 551d20 } octets{ seq{ seq{ oid{ 551d2000 } } "
		     "} } }")},
	{"extension-crl-points", CLIENT, REFUSED,
		"extension 2.5.29.31: no profile has it",
		MORE("seq{ oid{ 551d1f } octets{ seq{ } } }")},
	{"extension-authority-information", CLIENT, REFUSED,
		"extension 1.3.6.1.5.5.7.1.1: no profile has it",
		MORE("seq{ oid{ 2b06010505070101 } octets{ seq{ } } }")},
	{"extension-must-staple", CLIENT, REFUSED,
		"extension 1.3.6.1.5.5.7.1.24: no profile has it",
		MORE("seq{ oid{ 2b06010505070118 } octets{ seq{ int{ 05 } } } "
		     "}")},
	{"extension-netscape-type", CLIENT, REFUSED,
		"extension 2.16.840.1.113730.1.1: no profile has it",
		MORE("seq{ oid{ 6086480186f8420101 } octets{ bits{ 0007 } } "
		     "}")},
	{"extension-as-set", CLIENT, FORM,
		"extension: malformed (RFC 5280, 4.1)",
		MORE("set{ $keyUsage octets{ bits{ 0780 } } }")},
	{"extension-value-missing", CLIENT, FORM,
		"extension: malformed (RFC 5280, 4.1)",
		MORE("seq{ $keyUsage }")},
	{"extension-value-bits", CLIENT, FORM,
		"extension: malformed (RFC 5280, 4.1)",
		MORE("seq{ $keyUsage bits{ 0780 } }")},
	{"extension-oid-missing", CLIENT, FORM,
		"extension: malformed (RFC 5280, 4.1)",
		MORE("seq{ octets{ bits{ 0780 } } }")},
	{"extension-empty", CLIENT, FORM,
		"extension: malformed (RFC 5280, 4.1)", MORE("seq{ }")},
	{"extension-70-kinds", CLIENT, FORM,
		"extension: there twice (RFC 5280, 4.2)",
		MORE("70*{ seq{ $unknown octets{ $null } } }")},
	{"extension-none-in-list", CLIENT, FORM,
		"extensions: none in the list (RFC 5280, 4.1.2.9)",
		ATTRIBUTES("seq{ $extensionRequest set{ seq{ } } }")},

	/* -- keyUsage -- */
	{"key-usage-cert-sign", CLIENT, REFUSED,
		"keyUsage: more than digitalSignature and keyEncipherment",
		USAGE("bits{ 0204 }")},
	{"key-usage-crl-sign", CLIENT, REFUSED,
		"keyUsage: more than digitalSignature and keyEncipherment",
		USAGE("bits{ 0102 }")},
	{"key-usage-non-repudiation", CLIENT, REFUSED,
		"keyUsage: more than digitalSignature and keyEncipherment",
		USAGE("bits{ 06c0 }")},
	{"key-usage-data-encipherment", CLIENT, REFUSED,
		"keyUsage: more than digitalSignature and keyEncipherment",
		USAGE("bits{ 0490 }")},
	{"key-usage-key-agreement", CLIENT, REFUSED,
		"keyUsage: more than digitalSignature and keyEncipherment",
		USAGE("bits{ 0388 }")},
	{"key-usage-encipher-only", CLIENT, REFUSED,
		"keyUsage: more than digitalSignature and keyEncipherment",
		USAGE("bits{ 0081 }")},
	{"key-usage-decipher-only", CLIENT, REFUSED,
		"keyUsage: more than digitalSignature and keyEncipherment",
		USAGE("bits{ 078080 }")},
	{"key-usage-all", CLIENT, REFUSED,
		"keyUsage: more than digitalSignature and keyEncipherment",
		USAGE("bits{ 07ff80 }")},
	{"key-usage-empty", CLIENT, FORM,
		"keyUsage: not 1 to 9 bits (RFC 5280, 4.2.1.3)",
		USAGE("bits{ 00 }")},
	{"key-usage-no-octet", CLIENT, FORM,
		"keyUsage: not 1 to 9 bits (RFC 5280, 4.2.1.3)",
		USAGE("bits{ }")},
	{"key-usage-zero", CLIENT, FORM,
		"keyUsage: bits not minimal (X.690, 11.2)",
		USAGE("bits{ 0000 }")},
	{"key-usage-not-minimal", CLIENT, FORM,
		"keyUsage: bits not minimal (X.690, 11.2)",
		USAGE("bits{ 0080 }")},
	{"key-usage-10-bits", CLIENT, FORM,
		"keyUsage: not 1 to 9 bits (RFC 5280, 4.2.1.3)",
		USAGE("bits{ 068040 }")},
	{"key-usage-octets", CLIENT, FORM,
		"keyUsage: malformed (RFC 5280, 4.2.1.3)",
		USAGE("octets{ 80 }")},
	{"key-usage-integer", CLIENT, FORM,
		"keyUsage: malformed (RFC 5280, 4.2.1.3)", USAGE("int{ 01 }")},
	{"key-usage-twice", CLIENT, FORM,
		"extension: there twice (RFC 5280, 4.2)",
		MORE("2*{ seq{ $keyUsage octets{ bits{ 0780 } } } }")},

	/* -- extKeyUsage -- */
	{"purpose-any", CLIENT, REFUSED,
		"extKeyUsage: something else than clientAuth",
		PURPOSES("$anyExtendedKeyUsage")},
	{"purpose-any-beside-client", CLIENT, REFUSED,
		"extKeyUsage: something else than clientAuth",
		PURPOSES("$clientAuth $anyExtendedKeyUsage")},
	{"purpose-code-signing", CLIENT, REFUSED,
		"extKeyUsage: something else than clientAuth",
		PURPOSES("$codeSigning")},
	{"purpose-code-signing-beside-client", CLIENT, REFUSED,
		"extKeyUsage: something else than clientAuth",
		PURPOSES("$clientAuth $codeSigning")},
	{"purpose-server-of-a-client", CLIENT, REFUSED,
		"extKeyUsage: something else than clientAuth",
		PURPOSES("$serverAuth")},
	{"purpose-client-of-a-server", SERVING, REFUSED,
		"extKeyUsage: something else than serverAuth",
		PURPOSES("$clientAuth")},
	{"purpose-both", CLIENT, REFUSED,
		"extKeyUsage: something else than clientAuth",
		PURPOSES("$serverAuth $clientAuth")},
	{"purpose-both-of-a-server", SERVING, REFUSED,
		"extKeyUsage: something else than serverAuth",
		PURPOSES("$serverAuth $clientAuth")},
	{"purpose-client-twice", CLIENT, FORM,
		"extKeyUsage: a purpose that is there twice",
		PURPOSES("2*{ $clientAuth }")},
	{"purpose-69-kinds", CLIENT, FORM, "extKeyUsage: more than 64 purposes",
		PURPOSES("oid{ 2a0301 } oid{ 2a0302 } oid{ 2a0303 } oid{ "
			 "2a0304 } "
			 "oid{ 2a0305 } oid{ 2a0306 } oid{ 2a0307 } oid{ "
			 "2a0308 } "
			 "oid{ 2a0309 } oid{ 2a030a } oid{ 2a030b } oid{ "
			 "2a030c } "
			 "oid{ 2a030d } oid{ 2a030e } oid{ 2a030f } oid{ "
			 "2a0310 } "
			 "oid{ 2a0311 } oid{ 2a0312 } oid{ 2a0313 } oid{ "
			 "2a0314 } "
			 "oid{ 2a0315 } oid{ 2a0316 } oid{ 2a0317 } oid{ "
			 "2a0318 } "
			 "oid{ 2a0319 } oid{ 2a031a } oid{ 2a031b } oid{ "
			 "2a031c } "
			 "oid{ 2a031d } oid{ 2a031e } oid{ 2a031f } oid{ "
			 "2a0320 } "
			 "oid{ 2a0321 } oid{ 2a0322 } oid{ 2a0323 } oid{ "
			 "2a0324 } "
			 "oid{ 2a0325 } oid{ 2a0326 } oid{ 2a0327 } oid{ "
			 "2a0328 } "
			 "oid{ 2a0329 } oid{ 2a032a } oid{ 2a032b } oid{ "
			 "2a032c } "
			 "oid{ 2a032d } oid{ 2a032e } oid{ 2a032f } oid{ "
			 "2a0330 } "
			 "oid{ 2a0331 } oid{ 2a0332 } oid{ 2a0333 } oid{ "
			 "2a0334 } "
			 "oid{ 2a0335 } oid{ 2a0336 } oid{ 2a0337 } oid{ "
			 "2a0338 } "
			 "oid{ 2a0339 } oid{ 2a033a } oid{ 2a033b } oid{ "
			 "2a033c } "
			 "oid{ 2a033d } oid{ 2a033e } oid{ 2a033f } oid{ "
			 "2a0340 } "
			 "oid{ 2a0341 } oid{ 2a0342 } oid{ 2a0343 } oid{ "
			 "2a0344 } "
			 "oid{ 2a0345 }")},
	{"purpose-empty", CLIENT, FORM,
		"extKeyUsage: malformed or empty (RFC 5280, 4.2.1.12)",
		PURPOSES("")},
	{"purpose-unknown", CLIENT, REFUSED,
		"extKeyUsage: something else than clientAuth",
		PURPOSES("$unknown")},
	{"purpose-broken", CLIENT, FORM,
		"extKeyUsage: malformed (RFC 5280, 4.2.1.12)",
		PURPOSES("oid{ 80 }")},
	{"purpose-smart-card-logon", CLIENT, REFUSED,
		"extKeyUsage: something else than clientAuth",
		PURPOSES("$clientAuth oid{ 2b060104018237140202 }")},
	{"purpose-text", CLIENT, FORM,
		"extKeyUsage: malformed (RFC 5280, 4.2.1.12)",
		PURPOSES("utf8{ 'clientAuth' }")},

	/* -- attributes -- */
	{"attribute-challenge-password", CLIENT, REFUSED,
		"attribute 1.2.840.113549.1.9.7: only extensionRequest "
		"may be in a request",
		ATTRIBUTES("seq{ $challengePassword set{ utf8{ 'secret' } } } "
			   "$attribute")},
	{"attribute-unstructured-name", CLIENT, REFUSED,
		"attribute 1.2.840.113549.1.9.2: only extensionRequest "
		"may be in a request",
		ATTRIBUTES("seq{ $unstructuredName set{ utf8{ 'w1' } } } "
			   "$attribute")},
	{"attribute-unknown", CLIENT, REFUSED,
		"attribute 1.2.3.4.5: only extensionRequest may be in a "
		"request",
		ATTRIBUTES("seq{ $unknown set{ $null } } $attribute")},
	{"attribute-microsoft-extensions", CLIENT, REFUSED,
		"attribute 1.3.6.1.4.1.311.2.1.14: only extensionRequest "
		"may be in a request",
		ATTRIBUTES("seq{ oid{ 2b060104018237 02010e } set{ seq{ "
			   "$extensions "
			   "} } }")},
	{"attribute-friendly-name", CLIENT, REFUSED,
		"attribute 1.2.840.113549.1.9.20: only extensionRequest "
		"may be in a request",
		ATTRIBUTES(
			"seq{ oid{ 2a864886f70d010914 } set{ bmp{ 0077 } } } "
			"$attribute")},
	{"attribute-extension-request-twice", CLIENT, FORM,
		"attribute: there twice (RFC 2986, 4.1)",
		ATTRIBUTES("2*{ $attribute }")},
	{"attribute-extension-request-twice-other", CLIENT, FORM,
		"attribute: there twice (RFC 2986, 4.1)",
		ATTRIBUTES(
			"seq{ $extensionRequest set{ seq{ $purpose } } } seq{ "
			"$extensionRequest set{ seq{ $san $purpose } } }")},
	{"attribute-without-values", CLIENT, FORM,
		"attribute: malformed (RFC 2986, 4.1)",
		ATTRIBUTES("seq{ $extensionRequest set{ } }")},
	{"attribute-two-values", CLIENT, FORM,
		"extensionRequest: not one list of extensions (RFC 2985, "
		"5.4.2)",
		ATTRIBUTES("seq{ $extensionRequest set{ 2*{ seq{ $extensions } "
			   "} } }")},
	{"attribute-values-missing", CLIENT, FORM,
		"attribute: malformed (RFC 2986, 4.1)",
		ATTRIBUTES("seq{ $extensionRequest }")},
	{"attribute-values-as-sequence", CLIENT, FORM,
		"attribute: malformed (RFC 2986, 4.1)",
		ATTRIBUTES(
			"seq{ $extensionRequest seq{ seq{ $extensions } } }")},
	{"attribute-value-null", CLIENT, FORM,
		"extensionRequest: not one list of extensions (RFC 2985, "
		"5.4.2)",
		ATTRIBUTES("seq{ $extensionRequest set{ $null } }")},
	{"attribute-value-octets", CLIENT, FORM,
		"extensionRequest: not one list of extensions (RFC 2985, "
		"5.4.2)",
		ATTRIBUTES("seq{ $extensionRequest set{ octets{ seq{ "
			   "$extensions } "
			   "} } }")},
	{"attribute-unknown-without-values", CLIENT, FORM,
		"attribute: malformed (RFC 2986, 4.1)",
		ATTRIBUTES("seq{ $unknown set{ } }")},
	{"attribute-type-missing", CLIENT, FORM,
		"attribute: malformed (RFC 2986, 4.1)",
		ATTRIBUTES("seq{ set{ $null } }")},
	{"attribute-as-set", CLIENT, FORM,
		"attribute: malformed (RFC 2986, 4.1)",
		ATTRIBUTES(
			"set{ $extensionRequest set{ seq{ $extensions } } }")},
	{"attribute-nested", CLIENT, FORM,
		"attribute: malformed (RFC 2986, 4.1)",
		ATTRIBUTES("a0{ $attribute }")},
	{"attribute-40", CLIENT, FORM, "attribute: there twice (RFC 2986, 4.1)",
		ATTRIBUTES("40*{ seq{ $unknown set{ $null } } }")},
	{"attribute-empty", CLIENT, FORM,
		"attribute: malformed (RFC 2986, 4.1)", ATTRIBUTES("seq{ }")},
	{"attribute-20-kinds", CLIENT, FORM, "attributes: more than 16",
		ATTRIBUTES(
			"seq{ oid{ 2a0301 } set{ $null } } seq{ oid{ 2a0302 } "
			"set{ $null } } seq{ oid{ 2a0303 } set{ $null } } seq{ "
			"oid{ 2a0304 } set{ $null } } seq{ oid{ 2a0305 } set{ "
			"$null } } seq{ oid{ 2a0306 } set{ $null } } seq{ oid{ "
			"2a0307 } set{ $null } } seq{ oid{ 2a0308 } set{ $null "
			"} "
			"} seq{ oid{ 2a0309 } set{ $null } } seq{ oid{ 2a030a "
			"} "
			"set{ $null } } seq{ oid{ 2a030b } set{ $null } } seq{ "
			"oid{ 2a030c } set{ $null } } seq{ oid{ 2a030d } set{ "
			"$null } } seq{ oid{ 2a030e } set{ $null } } seq{ oid{ "
			"2a030f } set{ $null } } seq{ oid{ 2a0310 } set{ $null "
			"} "
			"} seq{ oid{ 2a0311 } set{ $null } } seq{ oid{ 2a0312 "
			"} "
			"set{ $null } } seq{ oid{ 2a0313 } set{ $null } } seq{ "
			"oid{ 2a0314 } set{ $null } }")},
	{"attributes-missing", CLIENT, FORM,
		"attributes: malformed or not there (RFC 2986, 4.1)",
		{{"attributes", ""}}},
	{"attributes-tagged-1", CLIENT, FORM,
		"attributes: malformed or not there (RFC 2986, 4.1)",
		{{"attributes", "a1{ $attribute }"}}},
	{"attributes-as-set", CLIENT, FORM,
		"attributes: malformed or not there (RFC 2986, 4.1)",
		{{"attributes", "set{ $attribute }"}}},
	{"attributes-explicit", CLIENT, FORM,
		"attribute: malformed (RFC 2986, 4.1)",
		{{"attributes", "a0{ set{ $attribute } }"}}},
	{"attributes-primitive", CLIENT, FORM,
		"attributes: malformed or not there (RFC 2986, 4.1)",
		{{"attributes", "80{ $attribute }"}}},
	{"attributes-twice", CLIENT, FORM,
		"something behind the attributes (RFC 2986, 4.1)",
		{{"attributes", "2*{ a0{ $attribute } }"}}},

	/* -- the text around it -- */
	{"pem-private-key", CLIENT, FORM,
		"PEM block \"PRIVATE KEY\": wanted is \"CERTIFICATE "
		"REQUEST\"",
		{{"label", "'PRIVATE KEY'"}}},
	{"pem-certificate", CLIENT, FORM,
		"PEM block \"CERTIFICATE\": wanted is \"CERTIFICATE "
		"REQUEST\"",
		{{"label", "'CERTIFICATE'"}}},
	{"pem-public-key", CLIENT, FORM,
		"PEM block \"PUBLIC KEY\": wanted is \"CERTIFICATE "
		"REQUEST\"",
		{{"label", "'PUBLIC KEY'"}}},
	{"pem-csr", CLIENT, FORM,
		"PEM block \"CSR\": wanted is \"CERTIFICATE REQUEST\"",
		{{"label", "'CSR'"}}},
	{"pem-new-request-of-old", CLIENT, FORM,
		"PEM block \"NEW CERTIFICATE REQUESTS\": wanted is "
		"\"CERTIFICATE REQUEST\"",
		{{"label", "'NEW CERTIFICATE REQUESTS'"}}},
	{"pem-lower-case", CLIENT, FORM,
		"PEM block \"certificate request\": wanted is "
		"\"CERTIFICATE REQUEST\"",
		{{"label", "'certificate request'"}}},
	{"pem-long-label", CLIENT, FORM,
		"THAT GOES ON AND ON AND ON AND ON\": wanted is "
		"\"CERTIFICATE REQUEST\"",
		{{"label",
			"'CERTIFICATE REQUEST WITH A LABEL THAT GOES ON AND ON "
			"AND ON AND ON'"}}},
	{"pem-key-before", CLIENT, FORM,
		"PEM block \"PRIVATE KEY\": wanted is \"CERTIFICATE "
		"REQUEST\"",
		TEXT("'-----BEGIN PRIVATE KEY-----' 0a base64{ 3003020100 } "
		     "'-----END PRIVATE KEY-----' 0a $begin base64{ $request "
		     "} $end")},
	{"pem-key-behind", CLIENT, FORM,
		"PEM block \"PRIVATE KEY\": wanted is \"CERTIFICATE "
		"REQUEST\"",
		TEXT("$begin base64{ $request } $end '-----BEGIN PRIVATE "
		     "KEY-----' 0a base64{ 3003020100 } '-----END PRIVATE "
		     "KEY-----' 0a")},
	{"pem-certificate-behind", CLIENT, FORM,
		"PEM block \"CERTIFICATE\": wanted is \"CERTIFICATE "
		"REQUEST\"",
		TEXT("$begin base64{ $request } $end '-----BEGIN "
		     "CERTIFICATE-----' 0a base64{ 3000 } '-----END "
		     "CERTIFICATE-----' 0a")},
	{"pem-headers", CLIENT, FORM,
		"PEM block \"CERTIFICATE REQUEST\": headers are not "
		"allowed in it (RFC 7468, 2)",
		TEXT("$begin 'Proc-Type: 4,ENCRYPTED' 0a 0a base64{ $request "
		     "} $end")},
	{"pem-bad-base64", CLIENT, FORM,
		"PEM block \"CERTIFICATE REQUEST\": not base64 (RFC "
		"7468, 3)",
		TEXT("$begin '!!!!' 0a base64{ $request } $end")},
	{"pem-url-base64", CLIENT, FORM,
		"PEM block \"CERTIFICATE REQUEST\": not base64 (RFC "
		"7468, 3)",
		TEXT("$begin 'AB-_' 0a base64{ $request } $end")},
	{"pem-padding-inside", CLIENT, FORM,
		"PEM block \"CERTIFICATE REQUEST\": not base64 (RFC "
		"7468, 3)",
		TEXT("$begin 'AA==' 0a base64{ $request } $end")},
	{"pem-padding-missing", CLIENT, FORM,
		"PEM block \"CERTIFICATE REQUEST\": not base64 (RFC "
		"7468, 3)",
		TEXT("$begin 'MAA' 0a $end")},
	{"pem-trailing-bits", CLIENT, FORM,
		"PEM block \"CERTIFICATE REQUEST\": not base64 (RFC "
		"7468, 3)",
		TEXT("$begin 'MAB=' 0a $end")},
	{"pem-nul", CLIENT, FORM,
		"PEM block \"CERTIFICATE REQUEST\": not base64 (RFC "
		"7468, 3)",
		TEXT("$begin 'MAA' 00 0a base64{ $request } $end")},
	{"pem-empty-body", CLIENT, FORM,
		"PEM block \"CERTIFICATE REQUEST\": not base64 (RFC "
		"7468, 3)",
		TEXT("$begin $end")},
	{"pem-no-begin", CLIENT, FORM,
		"-----END CERTIFICATE REQUEST-----\": must be a map, is "
		"text",
		TEXT("base64{ $request } $end")},
	{"pem-no-end", CLIENT, FORM,
		"\"-----BEGIN CERTIFICATE REQUEST-----\": no END line of "
		"the same name follows",
		TEXT("$begin base64{ $request }")},
	{"pem-end-only", CLIENT, FORM,
		"an object \"-----END CERTIFICATE REQUEST-----\": must "
		"be a map, is text",
		TEXT("$end")},
	{"pem-no-block", CLIENT, FORM,
		"an object \"nothing to see here\": must be a map, is "
		"text",
		TEXT("'nothing to see here' 0a")},
	{"pem-nested", CLIENT, FORM,
		"\"-----BEGIN CERTIFICATE REQUEST-----\": no END line of "
		"the same name follows",
		TEXT("$begin $begin base64{ $request } $end $end")},
	{"pem-mixed-labels", CLIENT, FORM,
		"\"-----BEGIN CERTIFICATE REQUEST-----\": no END line of "
		"the same name follows",
		TEXT("$begin base64{ $request } '-----END NEW CERTIFICATE "
		     "REQUEST-----' 0a")},
	{"pem-four-dashes", CLIENT, FORM,
		"----END CERTIFICATE REQUEST----\": must be a map, is "
		"text",
		TEXT("'----BEGIN CERTIFICATE REQUEST----' 0a base64{ $request "
		     "} '----END CERTIFICATE REQUEST----' 0a")},
	{"pem-begin-not-at-start", CLIENT, FORM,
		"PEM: no \"-----BEGIN CERTIFICATE REQUEST-----\" in it",
		TEXT("'x' $begin base64{ $request } $end")},
	{"pem-text-behind-begin", CLIENT, FORM,
		"PEM: no \"-----BEGIN CERTIFICATE REQUEST-----\" in it",
		TEXT("'-----BEGIN CERTIFICATE REQUEST----- x' 0a base64{ "
		     "$request } $end")},
	{"pem-second-cut", CLIENT, FORM,
		"\"-----BEGIN CERTIFICATE REQUEST-----\": no END line of "
		"the same name follows",
		TEXT("$begin base64{ $request } $end $begin base64{ $request "
		     "}")},
	{"pem-second-bad-base64", CLIENT, FORM,
		"PEM block \"CERTIFICATE REQUEST\": not base64 (RFC "
		"7468, 3)",
		TEXT("$begin base64{ $request } $end $begin '!!!!' 0a $end")},
	{"pem-second-of-another-label", CLIENT, FORM,
		"PEM block \"X509 CRL\": wanted is \"CERTIFICATE "
		"REQUEST\"",
		TEXT("$begin base64{ $request } $end '-----BEGIN X509 "
		     "CRL-----' 0a base64{ 3000 } '-----END X509 CRL-----' "
		     "0a")},
	{"pem-second-empty", CLIENT, FORM,
		"PEM block \"CERTIFICATE REQUEST\": not base64 (RFC "
		"7468, 3)",
		TEXT("$begin base64{ $request } $end $begin $end")},
	{"pem-der", CLIENT, FORM, "not YAML: invalid leading UTF-8 octet",
		TEXT("$request")},
	{"pem-json", CLIENT, FORM,
		"apiVersion: missing, must be \"certificates.k8s.io/v1\"",
		TEXT("'{}' 0a")},
	{"pem-yaml", CLIENT, FORM,
		"apiVersion: missing, must be \"certificates.k8s.io/v1\"",
		TEXT("'kind: CertificateSigningRequest' 0a")},
	{"pem-140000-octets", CLIENT, FORM,
		"PEM block \"CERTIFICATE REQUEST\": longer than 65536 "
		"bytes",
		TEXT("$begin base64{ 140000*{ 30 } } $end")},
};
