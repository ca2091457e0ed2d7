#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What GnuTLS's own tool says of what kpki makes, and what kpki says of the
# authorities that the tool makes.

load helper

types='ecdsa-p256 ecdsa-p384 rsa-2048 ed25519'

setup_file()
{
	local type n=0

	cd "$BATS_FILE_TMPDIR"
	authority ca
	authority rsa --key-type rsa-2048
	for type in $types; do
		n=$((n + 1))
		bundle ca "$type" --key-type "$type" --address "192.0.2.$n" \
			--address "$type.example.internal"
	done
	bundle rsa ecdsa-p256 --key-type ecdsa-p256
}

# `verify CA CERTIFICATE OPTION...`
verify()
{
	local ca=$1 certificate=$2

	shift 2
	run certtool --verify --verify-profile medium \
		--load-ca-certificate "$ca" --infile "$certificate" "$@"
}

@test "every chain verifies for its purpose and no other" {
	local purpose=1.3.6.1.5.5.7.3. bundle ca

	for bundle in ca/*-p* ca/rsa-* ca/ed25519 rsa/ecdsa-p256; do
		ca=${bundle%/*}/pki/ca.crt
		verify "$ca" "$bundle/$CLIENT" --verify-purpose ${purpose}2
		is "$status" 0
		has "$output" "Chain verification output: Verified."
		verify "$ca" "$bundle/$CLIENT" --verify-purpose ${purpose}1
		[ "$status" != 0 ]
		verify "$ca" "$bundle/$SERVING" --verify-purpose ${purpose}1 \
			--verify-hostname "${bundle##*/}"
		is "$status" 0
		has "$output" "Chain verification output: Verified."
		verify "$ca" "$bundle/$SERVING" --verify-purpose ${purpose}2
		[ "$status" != 0 ]
		verify "$ca" "$bundle/$SERVING" \
			--verify-hostname "x.${bundle##*/}"
		[ "$status" != 0 ]
	done
	verify rsa/pki/ca.crt "ca/rsa-2048/$CLIENT"
	[ "$status" != 0 ]
}

@test "a certificate with its authority is a chain" {
	local type

	for type in $types; do
		cat "ca/$type/$SERVING" ca/pki/ca.crt >"$BATS_TEST_TMPDIR/chain"
		run certtool --verify-chain --verify-profile medium \
			--infile "$BATS_TEST_TMPDIR/chain"
		is "$status" 0
		has "$output" "Chain verification output: Verified."
	done
}

@test "certificates read as openssl reads them" {
	local type text

	for type in $types; do
		text=$(certtool -i --infile "ca/$type/$SERVING" 2>&1)
		lacks "$text" rror
		lacks "$text" "Unknown extension"
		has "$text" "Version: 3"
		has "$text" "Subject: CN=system:node:$type,O=system:nodes"
		has "$text" "DNSname: $type.example.internal"
		has "$text" "IPAddress: 192.0.2."
		has "$text" "Certificate Authority (CA): FALSE"
		has "$text" "$(serial "ca/$type/$SERVING" | tr A-F a-f)"
	done
	text=$(certtool -i --infile ca/pki/ca.crt)
	has "$text" "Certificate Authority (CA): TRUE"
	has "$text" "Certificate signing."
}

@test "keys are read, and the certificate's" {
	local file

	for file in ca/*/"$CLIENT" ca/*/"$SERVING_KEY" {ca,rsa}/pki/ca.key; do
		accepts certtool -k --infile "$file"
		case $file in
		*.key) file=${file%.key}.crt ;;
		esac
		has "$output" "$(pin "$file")"
	done
}

@test "the pin is the tool's Public Key ID" {
	local ca

	for ca in ca rsa; do
		exits 0 init-ca --json --dir $ca/pki
		has "$(certtool -i --infile $ca/pki/ca.crt)" \
			"$(json '.items[0].pin')"
	done
}

# -- authorities that certtool made --

# `make_ca NAME LINE...`: NAME.crt, signed by NAME.key, of a template.
make_ca()
{
	local name=$1

	shift
	printf '%s\n' 'cn = "kubernetes"' ca cert_signing_key crl_signing_key \
		"$@" >"$name.template"
	certtool --generate-self-signed --load-privkey "$name.key" \
		--template "$name.template" --outfile "$name.crt" 2>/dev/null
}

imports()
{
	authority "$1-pki" --import-cert "$1.crt" --import-key "$1.key"
	same "$1-pki/pki/ca.crt" <(openssl x509 -in "$1.crt")
	same "$1-pki/pki/ca.key" <(openssl pkey -in "$1.key")
	bundle "$1-pki" worker-1 "${@:2}"
	is "$(element "$1-pki/worker-1/$CLIENT" 4 | hex)" \
		"$(element "$1.crt" 6 | hex)"
	verify "$1-pki/pki/ca.crt" "$1-pki/worker-1/$CLIENT"
	is "$status" 0
	accepts openssl verify -CAfile "$1.crt" -purpose sslserver \
		"$1-pki/worker-1/$SERVING"
}

@test "keys of the tool are taken in both its forms, and written anew" {
	local type form

	cd "$BATS_TEST_TMPDIR"
	for type in 'ecdsa --curve secp256r1' 'ecdsa --curve secp384r1' \
		'rsa --bits 2048'; do
		for form in '' --pkcs8; do
			# The words are options.
			# shellcheck disable=SC2086
			certtool --generate-privkey --key-type $type $form \
				${form:+--password=} --outfile ca.key 2>/dev/null
			make_ca ca 'expiration_days = 3000'
			imports ca
			rm -r ca-pki
		done
	done
}

# The tool writes every other scalar a byte too long.
@test "an over-long scalar of the tool is taken and mended" {
	local len

	cd "$BATS_TEST_TMPDIR"
	for _ in {1..40}; do
		certtool --generate-privkey --key-type ecdsa \
			--curve secp256r1 --no-text --outfile ca.key 2>/dev/null
		len=$(openssl asn1parse -in ca.key |
			awk '/OCTET STRING/ { print $4 }')
		[[ $len != 33 ]] || break
	done
	[[ $len == 33 ]] || skip "this certtool writes no such scalars"
	make_ca ca 'expiration_days = 3000'
	imports ca
}

@test "a node's certificate begins five minutes back under an old authority" {
	local issued

	cd "$BATS_TEST_TMPDIR"
	certtool --generate-privkey --key-type ecdsa --outfile ca.key \
		2>/dev/null
	make_ca ca 'activation_date = "2020-02-03 04:05:06"' \
		'expiration_date = "2049-12-31 00:00:00"'
	imports ca
	issued=$(readlink "ca-pki/worker-1/$CLIENT")
	[[ $issued =~ -([0-9-]{10})-(..)-(..)-(..)\.pem$ ]]
	issued=$(date -ud "${BASH_REMATCH[1]} ${BASH_REMATCH[2]}:$(
		)${BASH_REMATCH[3]}:${BASH_REMATCH[4]}" +%s)
	is "$(seconds "ca-pki/worker-1/$CLIENT" -startdate)" \
		$((issued - 300))
	is "$(seconds "ca-pki/worker-1/$SERVING" -startdate)" \
		$((issued - 300))
}

@test "no certificate outlives an imported authority" {
	local end

	cd "$BATS_TEST_TMPDIR"
	certtool --generate-privkey --key-type ecdsa --outfile ca.key \
		2>/dev/null
	make_ca ca 'expiration_days = 90'
	imports ca
	end=$(seconds ca.crt -enddate)
	is "$(seconds "ca-pki/worker-1/$CLIENT" -enddate)" "$end"
	is "$(seconds "ca-pki/worker-1/$SERVING" -enddate)" "$end"
	exits 4 node-bundle worker-2 --dir ca-pki/pki --validity 91d
	has "$stderr" "after the CA"
}

@test "an authority out of its time is refused" {
	cd "$BATS_TEST_TMPDIR"
	certtool --generate-privkey --key-type ecdsa --outfile ca.key \
		2>/dev/null
	make_ca ca 'activation_date = "2020-01-01 00:00:00"' \
		'expiration_date = "2021-01-01 00:00:00"'
	exits 3 init-ca --import-cert ca.crt --import-key ca.key
	has "$stderr" "expired at 2021-01-01T00:00:00Z"
	make_ca ca 'activation_date = "2048-01-01 00:00:00"' \
		'expiration_date = "2049-01-01 00:00:00"'
	exits 3 init-ca --import-cert ca.crt --import-key ca.key
	has "$stderr" "not valid before 2048-01-01T00:00:00Z"
	[ ! -e pki ]
}

@test "an authority with a path length is taken" {
	cd "$BATS_TEST_TMPDIR"
	certtool --generate-privkey --key-type ecdsa --outfile ca.key \
		2>/dev/null
	make_ca ca 'expiration_days = 3000' 'path_len = 0'
	imports ca
}
