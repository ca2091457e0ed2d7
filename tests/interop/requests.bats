#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Requests that other tools make, signed by kpki as they come.

load helper

setup_file()
{
	cd "$BATS_FILE_TMPDIR"
	authority ca
	printf '%s\n' 'w1 10.0.0.1 w1.example' 'w2 2001:db8::2' >nodes
}

# A request of its own for each, so that none is another's retry: each test
# signs into an authority's copy of its own.
sign()
{
	rm -rf "$BATS_TEST_TMPDIR/pki"
	cp -r ca/pki "$BATS_TEST_TMPDIR/pki"
	accepts "$KPKI" sign --dir "$BATS_TEST_TMPDIR/pki" --inventory nodes \
		--out "$BATS_TEST_TMPDIR/out" "$@"
}

# `chains NAME PURPOSE KEY`: the certificate is for this key.
chains()
{
	local certificate=$BATS_TEST_TMPDIR/out/$1

	accepts openssl verify -x509_strict -CAfile ca/pki/ca.crt \
		-purpose "$2" "$certificate"
	is "$(public_key "$certificate")" "$(openssl pkey -in "$3" -pubout)"
}

@test "openssl's requests are signed, whatever the key" {
	local type subject=/O=system:nodes/CN=system:node:w1

	for type in ecdsa-p256 ecdsa-p384 ecdsa-p521 rsa-2048 rsa-3072 \
		ed25519; do
		foreign_key "$type.key" "$type"
		openssl req -new -key "$type.key" -subj "$subject" \
			-addext extendedKeyUsage=serverAuth \
			-addext subjectAltName=DNS:w1,IP:10.0.0.1 \
			-out "$type.csr"
		sign "$type.csr"
		chains w1.kubelet-serving.crt sslserver "$type.key"
		rm -r "$BATS_TEST_TMPDIR/out"
	done
}

@test "openssl's requests with text, in one file, and with usual extensions" {
	local n

	for n in 1 2; do
		foreign_key "text$n.key" ecdsa-p256
		openssl req -new -text -key "text$n.key" \
			-subj "/CN=system:node:w$n/O=system:nodes" \
			-addext basicConstraints=CA:FALSE \
			-addext keyUsage=critical,digitalSignature,keyEncipherment \
			-addext extendedKeyUsage=clientAuth
	done >both.csr
	sign both.csr
	chains w1.kubelet-client.crt sslclient text1.key
	chains w2.kubelet-client.crt sslclient text2.key
}

@test "certtool's requests are signed" {
	certtool --generate-privkey --key-type ecdsa --outfile ct.key
	cat >ct.cfg <<-'END'
		organization = "system:nodes"
		cn = "system:node:w2"
		dns_name = "w2"
		ip_address = "2001:db8::2"
		tls_www_server
		signing_key
	END
	accepts certtool --generate-request --load-privkey ct.key \
		--template ct.cfg --outfile ct.csr
	sign ct.csr
	chains w2.kubelet-serving.crt sslserver ct.key
	sed -i 's/tls_www_server/tls_www_client/; /_name\|ip_address/d' ct.cfg
	accepts certtool --generate-request --load-privkey ct.key \
		--template ct.cfg --outfile ct.csr
	sign ct.csr
	chains w2.kubelet-client.crt sslclient ct.key
}

@test "cfssl's requests are signed, once it is said what as" {
	cat >cf.json <<-'END'
		{"CN": "system:node:w1", "hosts": ["w1", "10.0.0.1"],
		"key": {"algo": "ecdsa", "size": 256},
		"names": [{"O": "system:nodes"}]}
	END
	cfssl genkey cf.json 2>/dev/null >cf.out
	jq -r .csr cf.out >cf.csr
	jq -r .key cf.out >cf.key
	sign --profile kubelet-serving cf.csr
	chains w1.kubelet-serving.crt sslserver cf.key
	jq 'del(.hosts)' cf.json >bare.json
	cfssl genkey bare.json 2>/dev/null >cf.out
	jq -r .csr cf.out >cf.csr
	jq -r .key cf.out >cf.key
	sign --profile kubelet-client cf.csr
	chains w1.kubelet-client.crt sslclient cf.key
}

@test "cfssl's request for another node's address is not signed" {
	jq -n '{CN: "system:node:w1", hosts: ["w1", "2001:db8::2"],
		key: {algo: "ecdsa", size: 256},
		names: [{O: "system:nodes"}]}' >thief.json
	cfssl genkey thief.json 2>/dev/null | jq -r .csr >thief.csr
	refuses "$KPKI" sign --dir ca/pki --inventory nodes \
		--profile kubelet-serving thief.csr
	has "$output" '"2001:db8::2": the inventory does not give it'
}
