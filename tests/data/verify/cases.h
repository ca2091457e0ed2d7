/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What kpki verify must find, and what is nearly that, in the notation of
 * notation.h.  A row is two files: what replaces parts of a good certificate of
 * node w1 and its CA.
 */
struct verify_part {
	const char *name, *text;
};

#define PARTS_MAX 8

struct verify_case {
	const char *id;   /* of the rule */
	const char *also; /* what comes with it in the fault, or NULL */
	struct verify_part fault[PARTS_MAX], near[PARTS_MAX];
};

static const struct verify_part parts[] = {
	{"text", "$leaf $authority"},
	{"leaf", "$begin base64{ $certificate } $end"},
	{"authority", "$begin base64{ $ca } $end"},
	{"begin", "'-----BEGIN ' $label '-----' 0a"},
	{"end", "'-----END ' $label '-----' 0a"},
	{"label", "'CERTIFICATE'"},
	/* the leaf */
	{"certificate", "seq{ $tbs $algorithm $signature }"},
	{"algorithm", "$sha256WithRSA"},
	{"inner", "$algorithm"},
	{"signature", "bits{ 00 rsa2048{ $tbs } }"},
	{"tbs", "seq{ $version $serial $inner $issuer seq{ $from $to } "
		"$subject $key $extensions }"},
	{"version", "a0{ int{ 02 } }"},
	{"serial", "int{ 2a }"},
	{"issuer", "$ca_subject"},
	{"from", "17{ '260101000000Z' }"},
	{"to", "17{ '351231000000Z' }"},
	{"subject", "seq{ $rdns }"},
	{"rdns", "$o $cn"},
	{"o", "set{ seq{ $O printable{ 'system:nodes' } } }"},
	{"cn", "set{ seq{ $CN printable{ $name } } }"},
	{"name", "'system:node:w1'"},
	{"key", "$ed25519"},
	{"extensions", "a3{ seq{ $basic $usage $purpose $aki $more } }"},
	{"basic", "seq{ $basicConstraints $true octets{ $basics } }"},
	{"basics", "seq{ }"},
	{"usage", "seq{ $keyUsage $true octets{ bits{ $usages } } }"},
	{"usages", "0780"},
	{"purpose", "seq{ $extKeyUsage octets{ seq{ $purposes } } }"},
	{"purposes", "$clientAuth"},
	{"aki", "seq{ $authorityKeyIdentifier octets{ seq{ 80{ $id } } } }"},
	{"id", "'the authority'"},
	{"more", ""},
	{"san", "seq{ $subjectAltName octets{ seq{ $names } } }"},
	{"names", "82{ 'w1' } 87{ 0a000001 }"},
	/* its CA */
	{"ca", "seq{ $ca_tbs $ca_algorithm $ca_signature }"},
	{"ca_algorithm", "$sha256WithRSA"},
	{"ca_signature", "bits{ 00 rsa2048{ $ca_tbs } }"},
	{"ca_tbs", "seq{ $version3 int{ 07 } $ca_algorithm $ca_subject "
		   "$ca_validity $ca_subject $ca_key $ca_extensions }"},
	{"version3", "a0{ int{ 02 } }"},
	{"ca_validity", "seq{ 17{ '260101000000Z' } 17{ '360101000000Z' } }"},
	{"ca_subject", "seq{ set{ seq{ $CN printable{ 'kubernetes' } } } }"},
	{"ca_key", "$rsa2048"},
	{"ca_extensions", "a3{ seq{ $ca_basic $ca_usage $ca_ski $ca_more } }"},
	{"ca_basic", "seq{ $basicConstraints $true octets{ seq{ $true "
		     "$ca_length } } }"},
	{"ca_length", ""},
	{"ca_usage", "seq{ $keyUsage $true octets{ bits{ $ca_usages } } }"},
	{"ca_usages", "0106"},
	{"ca_ski", "seq{ $subjectKeyIdentifier octets{ octets{ 'the "
		   "authority' } } }"},
	{"ca_more", ""},
	/* one between them, and another root */
	{"middle", "$begin base64{ seq{ $middle_tbs $sha256WithRSA bits{ 00 "
		   "rsa2048{ $middle_tbs } } } } $end"},
	{"middle_tbs",
		"seq{ $version3 int{ 08 } $sha256WithRSA $ca_subject "
		"$ca_validity $middle_subject $another a3{ seq{ $middle_basic "
		"seq{ $keyUsage $true octets{ bits{ 0106 } } } $ca_aki seq{ "
		"$subjectKeyIdentifier octets{ octets{ 'between' } } } } } }"},
	{"ca_aki", "seq{ $authorityKeyIdentifier octets{ seq{ 80{ 'the "
		   "authority' } } } }"},
	{"middle_basic",
		"seq{ $basicConstraints $true octets{ seq{ $true } } }"},
	{"middle_subject", "seq{ set{ seq{ $CN printable{ 'between' } } } }"},
	{"root", "$begin base64{ seq{ $root_tbs $sha256WithRSA "
		 "$root_signature } } $end"},
	{"root_tbs", "seq{ $version3 int{ 09 } $sha256WithRSA $root_subject "
		     "$ca_validity $root_subject $root_key $ca_extensions }"},
	{"root_key", "$rsa2048"},
	{"root_signature", "bits{ 00 rsa2048{ $root_tbs } }"},
	{"root_subject", "seq{ set{ seq{ $CN printable{ $root_name } } } }"},
	{"root_name", "'front-proxy-ca'"},
	/* a request */
	{"request_text", "$begin base64{ $request } $end"},
	{"request", "seq{ $info $request_algorithm $request_signature }"},
	{"request_algorithm", "seq{ $Ed25519 }"},
	{"request_signature", "bits{ 00 ed25519{ $info } }"},
	{"info", "seq{ int{ 00 } $subject $key a0{ $attribute } }"},
	{"attribute", ""},
	{"wish", "seq{ $extensionRequest set{ seq{ seq{ $basicConstraints "
		 "octets{ $wished } } } } }"},
	/* object identifiers, and the like */
	{"CN", "oid{ 550403 }"},
	{"O", "oid{ 55040a }"},
	{"extKeyUsage", "oid{ 551d25 }"},
	{"keyUsage", "oid{ 551d0f }"},
	{"subjectAltName", "oid{ 551d11 }"},
	{"basicConstraints", "oid{ 551d13 }"},
	{"nameConstraints", "oid{ 551d1e }"},
	{"subjectKeyIdentifier", "oid{ 551d0e }"},
	{"authorityKeyIdentifier", "oid{ 551d23 }"},
	{"extensionRequest", "oid{ 2a864886f70d01090e }"},
	{"unknown", "oid{ 2a030405 }"},
	{"serverAuth", "oid{ 2b06010505070301 }"},
	{"clientAuth", "oid{ 2b06010505070302 }"},
	{"true", "0101ff"},
	{"null", "0500"},
	{"Ed25519", "oid{ 2b6570 }"},
	{"rsaEncryption", "oid{ 2a864886f70d010101 }"},
	{"sha256WithRSA", "seq{ oid{ 2a864886f70d01010b } $null }"},
	{"sha1WithRSA", "seq{ oid{ 2a864886f70d010105 } $null }"},
	{"pss", "seq{ oid{ 2a864886f70d01010a } seq{ } }"},
	{"ecdsaWithSHA256", "seq{ oid{ 2a8648ce3d040302 } }"},
	{"ecPublicKey", "oid{ 2a8648ce3d0201 }"},
	/* the generator of P-256, and a point of P-224 */
	{"p256", "seq{ seq{ $ecPublicKey oid{ 2a8648ce3d030107 } } bits{ 00 04 "
		 "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898"
		 "c296 4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406"
		 "837bf51f5 } }"},
	{"p224", "seq{ seq{ $ecPublicKey oid{ 2b81040021 } } bits{ 00 04 "
		 "6565c189ceed66ea07c9ec5f3f7c4f2b6b5d045f9eef15461909de8a62c0"
		 "d42229fb7c0425197e5aa974282a93d6efe487fd6694c942abc9 } }"},
	{"rsa_without_null",
		"seq{ seq{ $rsaEncryption } bits{ 00 seq{ int{ 00b5 255*{ 01 "
		"} } int{ 010001 } } } }"},
};

static const struct verify_part serving_parts[] = {
	{"purposes", "$serverAuth"},
	{"more", "$san"},
};

/* A server's certificate of the node. */
#define SERVING {"purposes", "$serverAuth"}, {"more", "$san"}
#define SCHEDULER                                                              \
	{                                                                      \
		"rdns", "set{ seq{ $CN printable{ 'system:kube-scheduler' } }" \
			"}"                                                    \
	}
#define MASTERS "set{ seq{ $O printable{ 'system:masters' } } }"
#define GROUP(text) "set{ seq{ $O utf8{ " text " } } }"
#define PROXY "'system:kube-proxy'"
#define BY_MIDDLE                                                              \
	{"text", "$leaf $middle $authority"}, {"issuer", "$middle_subject"},   \
		{"algorithm", "seq{ $Ed25519 }"}, {"id", "'between'"},         \
	{                                                                      \
		"signature", "bits{ 00 another{ $tbs } }"                      \
	}
#define WITH_ROOT(name)                                                        \
	{"text", "$leaf $authority $root"},                                    \
	{                                                                      \
		"root_name", name                                              \
	}
#define ITS_OWN_KEY                                                            \
	{"root_key", "$rsa2047"},                                              \
	{                                                                      \
		"root_signature", "bits{ 00 rsa2047{ $root_tbs } }"            \
	}
#define API_SERVER                                                             \
	{"rdns", "set{ seq{ $CN printable{ 'kube-apiserver' } } }"}, SERVING
#define REQUEST                                                                \
	{"text", "$request_text"}, {"label", "'CERTIFICATE REQUEST'"}

static const struct verify_case cases[] = {
	{"KPKI-A001", NULL, {{"signature", "bits{ 00 another{ $tbs } }"}},
		{{"serial", "int{ 2b }"}}},
	{"KPKI-A002", NULL,
		{{"issuer", "seq{ set{ seq{ $CN printable{ 'other' } } } }"}},
		{{"issuer", "seq{ set{ seq{ $CN printable{ 'kubernetes' } } "
			    "} }"}}},
	{"KPKI-A003", NULL, {{"text", "$leaf"}},
		{{"text", "$leaf $authority"}}},
	{"KPKI-A004", NULL,
		{{"issuer", "seq{ set{ seq{ $CN utf8{ 'kubernetes' } } } }"}},
		{{"issuer", "seq{ set{ seq{ $CN utf8{ 'kubernetes' } } } }"},
			{"ca_subject",
				"seq{ set{ seq{ $CN utf8{ 'kubernetes' } } } "
				"}"}}},
	{"KPKI-A006", NULL,
		{{"ca_more", "seq{ $extKeyUsage octets{ seq{ $serverAuth } } "
			     "}"}},
		{{"ca_more", "seq{ $extKeyUsage octets{ seq{ $serverAuth "
			     "$clientAuth } } }"}}},
	{"KPKI-A007", NULL, {BY_MIDDLE, {"ca_length", "int{ 00 }"}},
		{BY_MIDDLE, {"ca_length", "int{ 01 }"}}},
	{"KPKI-A008", NULL, {{"to", "17{ '360101000001Z' }"}},
		{{"to", "17{ '360101000000Z' }"}}},
	{"KPKI-A009", NULL, {{"id", "'another one'"}},
		{{"id", "'the authority'"}}},
	{"KPKI-A010", NULL,
		{BY_MIDDLE, {"middle_basic", "seq{ $basicConstraints $true "
					     "octets{ seq{ } } }"}},
		{BY_MIDDLE}},
	{"KPKI-A012", NULL, {{"ca_usages", "0102"}}, {{"ca_usages", "0186"}}},
	{"KPKI-A013", NULL, {{"ca_usages", "0204"}}, {{"ca_usages", "0186"}}},
	{"KPKI-A014", NULL, {{"ca_usage", ""}}, {{"ca_usages", "0106"}}},
	{"KPKI-A015", NULL, {{"ca_ski", ""}},
		{{"ca_ski", "seq{ $subjectKeyIdentifier octets{ octets{ 'x' } "
			    "} }"},
			{"id", "'x'"}}},
	{"KPKI-A016", NULL,
		{{"ca_key", "$another"}, {"ca_algorithm", "seq{ $Ed25519 }"},
			{"ca_signature", "bits{ 00 another{ $ca_tbs } }"},
			{"algorithm", "seq{ $Ed25519 }"},
			{"signature", "bits{ 00 another{ $tbs } }"}},
		{BY_MIDDLE}},
	{"KPKI-A017", NULL,
		{{"ca_signature", "bits{ 00 another{ $ca_tbs } }"}},
		{{"ca_usages", "0186"}}},
	{"KPKI-A018", NULL, {WITH_ROOT("'front-proxy-ca'")},
		{WITH_ROOT("'front-proxy-ca'"), ITS_OWN_KEY}},
	{"KPKI-A019", NULL, {WITH_ROOT("'etcd-ca'")},
		{WITH_ROOT("'etcd-ca'"), ITS_OWN_KEY}},
	{"KPKI-A022", NULL, {{"text", "'a CA' 0a $authority"}},
		{{"text", "0a $authority 0a"}}},
	{"KPKI-A023", NULL,
		{SERVING, {"names", "82{ 'w1' }"},
			{"ca_more", "seq{ $nameConstraints $true octets{ seq{ "
				    "a0{ seq{ 82{ 'internal' } } } } } }"}},
		{SERVING, {"names", "82{ 'w1' }"},
			{"ca_more", "seq{ $nameConstraints $true octets{ seq{ "
				    "a0{ seq{ 82{ 'w1' } } } } } }"}}},
	{"KPKI-C001", NULL, {{"to", "17{ '261130235959Z' }"}},
		{{"to", "17{ '261201000001Z' }"}}},
	{"KPKI-C002", NULL, {{"from", "17{ '261201000001Z' }"}},
		{{"from", "17{ '261201000000Z' }"}}},
	{"KPKI-C003", NULL, {{"to", "17{ '261230235959Z' }"}},
		{{"to", "17{ '261231000000Z' }"}}},
	{"KPKI-C004", NULL, {{"from", "17{ '2611240000Z' }"}},
		{{"from", "17{ '261124000000Z' }"}}},
	{"KPKI-C005", NULL,
		{{"from", "17{ '360101000000Z' }"}},
		{{"from", "17{ '261124000001Z' }"}}},
	{"KPKI-C006", NULL, {{"serial", "int{ 00 }"}},
		{{"serial", "int{ 01 }"}}},
	{"KPKI-C007", NULL, {{"serial", "int{ 80 }"}},
		{{"serial", "int{ 0080 }"}}},
	{"KPKI-C008", NULL, {{"serial", "int{ 21*{ 01 } }"}},
		{{"serial", "int{ 20*{ 01 } }"}}},
	{"KPKI-C009", NULL, {{"serial", "int{ 0001 }"}},
		{{"serial", "int{ 00 81 }"}}},
	{"KPKI-C010", NULL, {{"serial", "int{ 07 }"}},
		{{"serial", "int{ 06 }"}}},
	{"KPKI-C011", NULL, {{"version", ""}, {"extensions", ""}},
		{{"serial", "int{ 01 }"}}},
	{"KPKI-C012", NULL, {{"version", ""}},
		{{"version", ""}, {"extensions", ""}}},
	{"KPKI-C013", NULL,
		{{"certificate", "seq{ $tbs $algorithm $signature } 00"}},
		{{"text", "$leaf 'end' 0a $authority"}}},
	{"KPKI-C014", NULL,
		{{"leaf", "$begin base64{ half{ $certificate } } $end"}},
		{{"leaf", "$begin base64{ $certificate } $end"}}},
	{"KPKI-C015", "KPKI-A003", {{"text", "$certificate"}},
		{{"text", "$leaf $authority"}}},
	{"KPKI-C016", NULL, {{"more", "$usage"}},
		{{"more", "seq{ $unknown octets{ $null } }"}}},
	{"KPKI-C017", NULL, {{"more", "seq{ $unknown $true octets{ $null } }"}},
		{{"more", "seq{ $unknown octets{ $null } }"}}},
	{"KPKI-C018", NULL,
		{{"ca_more", "seq{ $nameConstraints $true octets{ seq{ a0{ "
			     "seq{ a4{ seq{ } } } } } } }"}},
		{{"ca_more", "seq{ $unknown octets{ $null } }"}}},
	{"KPKI-C019", NULL, {{"basics", "$null"}}, {{"basics", "seq{ }"}}},
	{"KPKI-C020", NULL, {{"basics", "seq{ 010100 }"}},
		{{"basics", "seq{ }"}}},
	{"KPKI-C021", NULL, {SERVING, {"names", "82{ 'w1' } 87{ '10.0.0.11' }"}},
		{SERVING, {"names", "82{ 'w1' } 87{ 0a00000b }"}}},
	{"KPKI-C022", NULL,
		{{"rdns", "set{ seq{ $O printable{ 'a@b' } } } $cn"}},
		{{"rdns", "$o set{ seq{ $O utf8{ 'a@b' } } } $cn"}}},
	{"KPKI-C023", NULL, {{"rdns", ""}, {"purpose", ""}},
		{{"rdns", ""}, {"purpose", ""},
			{"more", "seq{ $subjectAltName $true octets{ seq{ "
				 "$names } } }"}}},
	{"KPKI-C024", NULL, {{"inner", "$ecdsaWithSHA256"}},
		{{"inner", "$sha256WithRSA"}}},
	{"KPKI-C025", NULL, {{"algorithm", "$sha1WithRSA"}},
		{{"ca_algorithm", "$sha256WithRSA"}}},
	{"KPKI-C026", NULL, {{"algorithm", "$pss"}},
		{{"algorithm", "$sha256WithRSA"}}},
	{"KPKI-C027", NULL, {{"key", "$rsa512"}}, {{"key", "$rsa1024"}}},
	{"KPKI-C028", NULL, {{"key", "$rsa2047"}}, {{"key", "$p256"}}},
	{"KPKI-C029", NULL, {{"key", "$p224"}}, {{"key", "$p256"}}},
	{"KPKI-C030", NULL, {{"key", "$rsa_without_null"}},
		{{"key", "$p256"}}},
	{"KPKI-C031", NULL, {{"key", "$rsa33bit"}}, {{"key", "$p256"}}},
	{"KPKI-C032", NULL, {{"usages", "05a0"}}, {{"usages", "0780"}}},
	{"KPKI-N003", NULL, {{"rdns", "$cn"}}, {{"rdns", "$cn $o"}}},
	{"KPKI-N004", NULL, {{"rdns", "$o " MASTERS " $cn"}},
		{{"rdns", "$o set{ seq{ $O printable{ 'masters' } } } $cn"}}},
	{"KPKI-N005", NULL, {{"name", "'system:node:W1'"}},
		{{"name", "'system:node:w-1'"}}},
	{"KPKI-N009", NULL, {SCHEDULER, {"purposes", "$serverAuth"}},
		{SCHEDULER}},
	{"KPKI-N010", NULL, {{"purpose", ""}},
		{{"purposes", "$serverAuth $clientAuth"}}},
	{"KPKI-N011", NULL, {{"purposes", "$serverAuth"}}, {SERVING}},
	{"KPKI-N013", NULL, {SERVING, {"names", "87{ 0a000001 }"}}, {SERVING}},
	{"KPKI-N014", NULL,
		{API_SERVER, {"names", "82{ 'kubernetes' } 82{ "
				       "'kubernetes.default' }"}},
		{API_SERVER,
			{"names", "82{ 'kubernetes' } 82{ "
				  "'kubernetes.default' } 82{ "
				  "'kubernetes.default.svc' }"}}},
	{"KPKI-N017", NULL, {SERVING, {"names", "82{ 'w1' } 82{ '10.0.0.1' }"}},
		{SERVING, {"names", "82{ 'w1' } 82{ '10.0.0.1' } 87{ 0a000001 "
				    "}"}}},
	{"KPKI-N018", NULL,
		{SERVING, {"names", "82{ 'w1' } 82{ 'kubernetes.default.svc' "
				    "}"}},
		{SERVING, {"names", "82{ 'w1' } 82{ 'kubernetes-1' }"}}},
	{"KPKI-N019", NULL, {{"rdns", "$o"}}, {{"rdns", "$o $cn"}}},
	{"KPKI-N020", NULL,
		{{"rdns", "$o set{ seq{ $CN printable{ 'w1' } } } $cn"}},
		{{"rdns", "$o $cn"}}},
	{"KPKI-N021", NULL,
		{{"rdns", MASTERS
			" set{ seq{ $CN printable{ 'kubernetes-admin' } } }"}},
		{{"rdns", "set{ seq{ $CN printable{ 'kubernetes-admin' } } "
			  "}"}}},
	{"KPKI-N022", NULL, {{"usages", "0308"}}, {{"usages", "0388"}}},
	{"KPKI-N024", NULL, {{"name", "'system:node:' 53*{ 'a' }"}},
		{{"name", "'system:node:' 52*{ 'a' }"}}},
	{"KPKI-N025", NULL,
		{{"basics", "seq{ $true }"}, {"usages", "0186"},
			{"more", "seq{ $subjectKeyIdentifier octets{ octets{ "
				 "'leaf' } } }"}},
		{{"basics", "seq{ }"}}},
	{"KPKI-N027", NULL,
		{SERVING, {"names", "82{ 'w1' } 82{ '*.example.internal' }"}},
		{SERVING, {"names", "82{ 'w1' } 82{ 'w1.example.internal' }"}}},
	{"KPKI-N029", NULL, {{"rdns", MASTERS " $cn"}, {"name", PROXY}},
		{{"rdns", "set{ seq{ $O printable{ 'system:node-proxier' } } } "
			  "$cn"},
			{"name", PROXY}}},
	{"KPKI-N030", NULL, {{"rdns", "$o " GROUP("'ops' e2808b") " $cn"}},
		{{"rdns", "$o " GROUP("'ops' e28093") " $cn"}}},
	{"KPKI-Q001", NULL,
		{REQUEST, {"request_signature", "bits{ 00 another{ $info } }"}},
		{REQUEST}},
	{"KPKI-Q002", NULL,
		{REQUEST, {"rdns", MASTERS " $cn"},
			{"name", "'admin'"}},
		{REQUEST, {"rdns", "set{ seq{ $O printable{ 'admins' } } } "
				   "$cn"},
			{"name", "'admin'"}}},
	{"KPKI-Q003", NULL, {REQUEST, {"rdns", "$cn"}}, {REQUEST}},
	{"KPKI-Q004", NULL,
		{REQUEST, {"attribute", "$wish"}, {"wished", "seq{ $true }"}},
		{REQUEST, {"attribute", "$wish"}, {"wished", "seq{ }"}}},
	{"KPKI-Q005", NULL,
		{REQUEST, {"key", "$rsa1024"},
			{"request_algorithm", "$sha256WithRSA"},
			{"request_signature", "bits{ 00 rsa1024{ $info } }"}},
		{REQUEST, {"key", "$rsa2048"},
			{"request_algorithm", "$sha256WithRSA"},
			{"request_signature", "bits{ 00 rsa2048{ $info } }"}}},
};
