#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki verify beside openssl, certtool and kubectl, and over what other tools
# make.

load helper

cases=${top_srcdir:-$BATS_TEST_DIRNAME/../..}/tests/data/verify
at=2026-12-01T00:00:00Z
at_seconds=1796083200

# What each program says of the leaf in ID.fault and in ID.near: "yes" or "no".
# kpki is as strict as Go; it says no by an error, and "but" by a warning where
# others refuse what Go does not.
#
#   A004   Go and GnuTLS compare names by octets, OpenSSL by characters
#   A006   GnuTLS does not look at the purposes of a CA
#   A009   Go takes key identifiers for hints
#   C019   GnuTLS does not look into a leaf's basicConstraints
#   A014, A015   -x509_strict wants what RFC 5280 does
verdicts='
A001 no no no
A002 no no no
A004 no yes no
A006 no no yes
A007 no no no
A009 but no no
A010 no no no
A012 no no no
A013 yes yes yes
A014 but no yes
A015 yes no yes
C006 yes yes yes
C008 but yes yes
C016 no no no
C017 no no no
C019 no no yes
C032 yes yes yes
N003 no yes yes
N009 no no no'

# The blocks of a file, block.1 …
split()
{
	rm -f block.*
	awk '/-----BEGIN/ { n++ } { print >"block." n }' "$1"
	n=$(find . -name 'block.*' | wc -l)
}

said()
{
	if "$@" >log 2>&1; then echo yes; else echo no; fi
}

by_kpki()
{
	"$KPKI" verify --json --at $at "$1" >found
	case $(jq -r '[.items[].severity] | unique | join(" ")' found) in
	*error*) echo no ;;
	*warning*) echo but ;;
	*) echo yes ;;
	esac
}

by_openssl()
{
	local more=()

	split "$1"
	[[ $n == 2 ]] || more=(-untrusted block.2)
	said openssl verify -x509_strict -attime $at_seconds \
		-purpose sslclient -CAfile "block.$n" "${more[@]}" block.1
}

by_certtool()
{
	split "$1"
	cat block.1 >chain
	[[ $n == 2 ]] || cat block.2 >>chain
	said certtool --verify --load-ca-certificate "block.$n" \
		--infile chain --verify-purpose 1.3.6.1.5.5.7.3.2
}

@test "openssl and certtool agree where they look at the same" {
	local id kpki openssl certtool failed=

	cd "$BATS_TEST_TMPDIR"
	while read -r id kpki openssl certtool; do
		[[ $id ]] || continue
		for want in "by_kpki $kpki" "by_openssl $openssl" \
			"by_certtool $certtool"; do
			set -- $want
			[[ $($1 "$cases/KPKI-$id.fault") == "$2" ]] || {
				echo "$id.fault: $1: not $2"
				cat log
				failed=yes
			}
		done
		for program in by_kpki by_openssl by_certtool; do
			[[ $($program "$cases/KPKI-$id.near") != no ]] || {
				echo "$id.near: $program: no"
				cat log
				failed=yes
			}
		done
	done <<<"$verdicts"
	is "$failed" ""
}

# The same certificates as those of a server, for kubectl, which is as strict as
# kpki says that Go is.
kubectl_verdicts='
A001 no
A002 no
A004 no
A007 no
A009 yes
A010 no
A012 no
A013 yes
A014 yes
A015 yes
C006 yes
C008 yes'

by_kubectl() # FILE
{
	local more=()

	split "$1"
	[[ $n == 2 ]] || more=(-cert_chain block.2)
	: >server.log # the last one's port is in it
	openssl s_server -accept 127.0.0.1:0 -cert block.1 -key key.pem \
		"${more[@]}" -www >server.log 2>&1 </dev/null 3>&- &
	server=$! port=
	for _ in {1..200}; do
		port=$(sed -n 's/^ACCEPT.*://p' server.log)
		[[ -z $port ]] || break
		sleep 0.05
	done
	said env HOME="$PWD" timeout 30 kubectl \
		--server "https://127.0.0.1:$port" --tls-server-name w1 \
		--certificate-authority "block.$n" --token x get --raw /healthz
	kill $server
	wait $server 2>/dev/null || true
	unset server
}

@test "kubectl agrees on chains" {
	local id want failed=

	cd "$BATS_TEST_TMPDIR"
	"$top_builddir/tests/data/verify/generate" . serving
	while read -r id want; do
		[[ $id ]] || continue
		for row in "fault $want" "near yes"; do
			set -- $row
			[[ $(by_kubectl "KPKI-$id.$1") == "$2" ]] || {
				echo "$id.$1: kubectl: not $2"
				cat log
				failed=yes
			}
		done
	done <<<"$kubectl_verdicts"
	is "$failed" ""
}

# -- what other tools make --

# `leaf NAME SUBJECT EXTENSION...`, by ca.key.
leaf()
{
	local name=$1 subject=$2

	shift 2
	openssl genrsa -out "$name.key" 2048 2>/dev/null
	openssl req -new -key "$name.key" -sha256 -subj "$subject" \
		-out "$name.csr"
	printf '%s\n' basicConstraints=CA:FALSE \
		'keyUsage=critical,digitalSignature,keyEncipherment' \
		subjectKeyIdentifier=hash "$@" >"$name.ext"
	openssl x509 -req -days 3653 -in "$name.csr" -sha256 -CA ca.crt \
		-CAkey ca.key -CAcreateserial -extfile "$name.ext" \
		-out "$name.crt" 2>/dev/null
	rm "$name.csr" "$name.ext"
}

@test "a PKI by the openssl commands of the hard way is found to work" {
	local both=extendedKeyUsage=clientAuth,serverAuth
	local client=extendedKeyUsage=clientAuth

	mkdir -p "$BATS_TEST_TMPDIR/hard" && cd "$BATS_TEST_TMPDIR/hard"
	openssl genrsa -out ca.key 2048 2>/dev/null
	openssl req -x509 -new -sha512 -noenc -key ca.key -days 3653 \
		-subj '/C=US/ST=Washington/L=Seattle/CN=CA' \
		-addext 'keyUsage=cRLSign,keyCertSign' -out ca.crt
	leaf admin '/CN=admin/O=system:masters' $client
	leaf node-0 '/CN=system:node:node-0/O=system:nodes' $both \
		subjectAltName=DNS:node-0,IP:127.0.0.1
	leaf node-1 '/CN=system:node:node-1/O=system:nodes' $both \
		subjectAltName=DNS:node-1,IP:127.0.0.1
	leaf kube-proxy '/CN=system:kube-proxy/O=system:node-proxier' $both
	leaf kube-controller-manager \
		'/CN=system:kube-controller-manager/O=system:kube-controller-manager' \
		$both subjectAltName=DNS:kube-controller-manager,IP:127.0.0.1
	leaf kube-scheduler \
		'/CN=system:kube-scheduler/O=system:kube-scheduler' $both \
		subjectAltName=DNS:kube-scheduler,IP:127.0.0.1
	leaf kube-api-server '/CN=kubernetes' $both \
		subjectAltName=IP:127.0.0.1,IP:10.32.0.1,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.svc.cluster.local,DNS:server.kubernetes.local
	leaf service-accounts '/CN=service-accounts' $client
	accepts "$KPKI" verify --severity warning .
	has "$output" "9 certificates"
	# its CA signs after its leaves have been told to end
	"$KPKI" verify --json . >../found
	is "$(jq -r '.items[] | .id' ../found | sort -u | xargs)" \
		"KPKI-A008 KPKI-N021"

	# and one of its common mistakes
	leaf node-1 '/CN=system:node:node-1/O=system:nodes' $both
	leaf kube-api-server '/CN=kubernetes' $both
	"$KPKI" verify --json . >../found || true
	is "$(jq -r '.items[] | select(.severity == "error") | .id' \
		../found | sort -u | xargs)" "KPKI-N011"
}

@test "a PKI by cfssl is found to work" {
	mkdir -p "$BATS_TEST_TMPDIR/cfssl" && cd "$BATS_TEST_TMPDIR/cfssl"
	cat >ca.json <<-END
		{"CN": "Kubernetes", "key": {"algo": "rsa", "size": 2048},
		 "names": [{"C": "US", "O": "Kubernetes", "OU": "CA"}]}
	END
	cat >config.json <<-END
		{"signing": {"default": {"expiry": "8760h"}, "profiles":
		 {"kubernetes": {"expiry": "8760h", "usages": ["signing",
		  "key encipherment", "server auth", "client auth"]}}}}
	END
	cfssl gencert -initca ca.json 2>/dev/null | cfssljson -bare ca
	for row in admin,admin,system:masters \
		worker-0,system:node:worker-0,system:nodes \
		kube-scheduler,system:kube-scheduler,system:kube-scheduler \
		kubernetes,kubernetes,Kubernetes; do
		IFS=, read -r name cn o <<<"$row"
		echo "{\"CN\": \"$cn\", \"key\": {\"algo\": \"rsa\", \"size\":
			2048}, \"names\": [{\"O\": \"$o\"}]}" >$name.json
		cfssl gencert -ca=ca.pem -ca-key=ca-key.pem \
			-config=config.json -profile=kubernetes \
			-hostname=$name,10.32.0.1,kubernetes,kubernetes.default,kubernetes.default.svc \
			$name.json 2>/dev/null | cfssljson -bare $name
	done
	chmod 600 ./*-key.pem
	rm ./*.json ./*.csr
	"$KPKI" verify --json . >../found || true
	# every host name on the command line went into the worker's, too
	is "$(jq -r '.items[] | select(.severity != "info") |
		"\(.id) \(.path)"' ../found | sort -u | xargs)" \
		"KPKI-N018 ./worker-0.pem"
}
