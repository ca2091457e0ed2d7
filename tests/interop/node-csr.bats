#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What openssl and certtool make of the requests of a node, and what kpki makes
# of certificates that they sign for it.

load helper
load ../cli/sign

types='ecdsa-p256 ecdsa-p384 rsa-2048 rsa-3072 ed25519'

setup_file()
{
	local type

	cd "$BATS_FILE_TMPDIR"
	kpki init-ca -q --server https://api.example.internal:6443
	for type in $types; do
		kpki node-csr -q worker-1 --key-type "$type" --out "$type" \
			--address 10.0.0.11 --address fd00::11 \
			--address worker-1.example.internal
	done
}

# Everything that openssl shows below "Requested Extensions", in one line.
extensions_of()
{
	openssl req -in "$1" -noout -text |
		sed -n '/Requested Extensions:/,/Signature Algorithm:/p' |
		sed '1d;$d' | xargs
}

@test "openssl verifies every request, and reads nothing but what is wanted" {
	local type usage

	for type in $types; do
		usage='X509v3 Key Usage: critical Digital Signature'
		[[ $type != rsa-* ]] || usage+=', Key Encipherment'
		for file in "$type"/*.csr; do
			accepts openssl req -in "$file" -noout -verify
			has "$output" "verify OK"
			is "$(openssl req -in "$file" -noout -subject \
				-nameopt RFC2253)" \
				"subject=CN=system:node:worker-1,O=system:nodes"
			is "$(openssl req -in "$file" -noout -pubkey)" \
				"$(openssl pkey -in "${file%.csr}.key" -pubout)"
		done
		is "$(extensions_of "$type/kubelet-client.csr")" \
			"$usage X509v3 Extended Key Usage: TLS Web Client Authentication"
		is "$(extensions_of "$type/kubelet-serving.csr")" \
			"$usage X509v3 Extended Key Usage: TLS Web Server Authentication X509v3 Subject Alternative Name: DNS:worker-1, IP Address:10.0.0.11, IP Address:FD00:0:0:0:0:0:0:11, DNS:worker-1.example.internal"
	done
}

@test "certtool verifies every request, and reads the same" {
	local type file

	for type in $types; do
		for file in "$type"/*.csr; do
			accepts certtool --crq-info --infile "$file"
			has "$output" "Self signature: verified"
			has "$output" \
				"Subject: CN=system:node:worker-1,O=system:nodes"
			has "$output" "Digital signature."
			lacks "$output" rror
			lacks "$output" "Unknown extension"
		done
		has "$output" "TLS WWW Server."
		has "$output" "DNSname: worker-1"
		has "$output" "IPAddress: fd00::11"
	done
}

@test "a request that was touched does not verify" {
	local at

	cd "$BATS_TEST_TMPDIR"
	openssl req -in "$BATS_FILE_TMPDIR/ecdsa-p256/kubelet-client.csr" \
		-outform DER -out good
	at=$(grep -abo worker-1 good | head -n 1 | cut -d : -f 1)
	sed 's/worker-1/worker-2/' good >bad
	((at > 0)) && ! cmp -s good bad
	run openssl req -inform DER -in bad -noout -verify
	lacks "$output" "verify OK"
}

# `completes CERTIFICATES-FILE KEYS`: and the kubelet's files verify.
completes()
{
	mkdir -p root
	exits 0 node-csr --complete "$1" --out "$2" --root root
	accepts openssl verify -x509_strict -purpose sslclient \
		-CAfile root/etc/kubernetes/pki/ca.crt root/$CLIENT
	accepts openssl verify -x509_strict -purpose sslserver \
		-verify_hostname worker-1 -verify_ip 10.0.0.11 \
		-CAfile root/etc/kubernetes/pki/ca.crt root/$SERVING
	accepts openssl pkey -in root/$SERVING_KEY -noout -check
	is "$(openssl x509 -in root/$SERVING -noout -pubkey)" \
		"$(openssl pkey -in root/$SERVING_KEY -pubout)"
	is "$(openssl x509 -in root/$CLIENT -noout -pubkey)" \
		"$(openssl pkey -in root/$CLIENT -pubout)"
	rm -r root
}

@test "what openssl signs of a request is put in place" {
	local type keys

	cd "$BATS_TEST_TMPDIR"
	for type in $types; do
		keys=$BATS_FILE_TMPDIR/$type
		sign_requests worker-1 "$keys" "$BATS_FILE_TMPDIR/pki" \
			IP:10.0.0.11 DNS:worker-1.example.internal >$type.yaml
		completes $type.yaml "$keys"
	done
}

@test "what certtool signs of a request is put in place" {
	local type pair keys made

	cd "$BATS_TEST_TMPDIR"
	printf '%s\n' expiration_days=100 signing_key tls_www_client \
		>kubelet-client.template
	printf '%s\n' expiration_days=100 signing_key tls_www_server \
		dns_name=worker-1 ip_address=10.0.0.11 \
		>kubelet-serving.template
	for type in $types; do
		keys=$BATS_FILE_TMPDIR/$type made=()
		for pair in kubelet-client kubelet-serving; do
			accepts certtool --generate-certificate \
				--load-request "$keys/$pair.csr" \
				--load-ca-certificate "$BATS_FILE_TMPDIR/pki/ca.crt" \
				--load-ca-privkey "$BATS_FILE_TMPDIR/pki/ca.key" \
				--template $pair.template --outfile $pair.crt
			made+=($pair.crt)
		done
		write_node_certificates worker-1 "$BATS_FILE_TMPDIR/pki" \
			"${made[@]}" >$type.yaml
		completes $type.yaml "$keys"
	done
}

# What an inattentive signer may do.
@test "what is signed otherwise than asked for is refused by name" {
	local keys=$BATS_FILE_TMPDIR/ecdsa-p256 pki=$BATS_FILE_TMPDIR/pki row
	local extension refusal

	cd "$BATS_TEST_TMPDIR"
	while IFS='|' read -r extension refusal; do
		printf '%b\n' "$extension" >extensions
		openssl x509 -req -in "$keys/kubelet-client.csr" \
			-CA "$pki/ca.crt" -CAkey "$pki/ca.key" -days 10 \
			-set_serial 7 -extfile extensions -out odd.crt \
			2>/dev/null
		write_node_certificates worker-1 "$pki" odd.crt >odd.yaml
		exits 3 node-csr --complete odd.yaml --out "$keys" --root .
		has "$stderr" "$refusal"
	done <<-'END'
		basicConstraints=critical,CA:TRUE\nkeyUsage=digitalSignature\nextendedKeyUsage=clientAuth|the usages are not those of kubelet-client
		keyUsage=digitalSignature\nextendedKeyUsage=clientAuth,serverAuth|its purposes are those of no certificate of a kubelet
		keyUsage=digitalSignature|its purposes are those of no certificate of a kubelet
		keyUsage=digitalSignature,keyCertSign\nextendedKeyUsage=clientAuth|the usages are not those of kubelet-client
		keyUsage=digitalSignature\nextendedKeyUsage=clientAuth\nsubjectAltName=DNS:kubernetes|the certificate has "kubernetes", the profile does not
		keyUsage=digitalSignature\nextendedKeyUsage=serverAuth|name "worker-1" is not in the certificate
		keyUsage=digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:worker-1,IP:127.0.0.1|address "127.0.0.1"
	END
	is "$(ls -d etc var 2>/dev/null)" ""
}
