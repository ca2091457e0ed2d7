#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What is left in memory when a command has done its work: no passphrase, no PIN
# and no private key.

load fault

readonly passphrase="correct horse battery 42"
scan=$tools/scan

setup()
{
	mkdir "$scratch/$BATS_TEST_NUMBER"
	cd "$scratch/$BATS_TEST_NUMBER" || return
	[[ ${KPKI_SANITIZE:-} != yes ]] ||
		skip "the sanitizer keeps copies of its own"
	(umask 077 && echo "$passphrase" >pass)
	: >needles
}

hex()
{
	od -An -v -tx1 | tr -d ' \n'
}

# `needle NAME HEX`: the bytes, and the same backwards, as numbers are kept.
needle()
{
	echo "$1 $2" >>needles
	echo "$1-backwards $(fold -w 2 <<<"$2" | tac | tr -d '\n')" >>needles
}

# What comes of a passphrase: itself, and the two pads of HMAC.
passphrase_needles() # TEXT
{
	local pad out byte

	needle passphrase "$(printf %s "$1" | hex)"
	for pad in 54 92; do
		out=
		for byte in $(printf %s "$1" | od -An -v -tu1); do
			out+=$(printf %02x $((byte ^ pad)))
		done
		needle "passphrase-xor-$pad" "$out"
	done
}

# The secret numbers of a key, and a line of its PEM.
key_needles() # NAME FILE [OPENSSL-ARGUMENT...]
{
	local name=$1 plain

	plain=$(openssl pkey -in "${@:2}")
	openssl pkey -text -noout <<<"$plain" | awk -v name="$name" '
		/^[a-zA-Z]/ { field = $1; next }
		/^ / && (field ~ /^(priv:|privateExponent:|prime[12]:)/) {
			gsub(/[ :]/, ""); hex[field] = hex[field] $0 }
		END { for (field in hex) { sub(/^00/, "", hex[field])
			print name "-" field, hex[field] } }' |
		while read -r field hex; do needle "$field" "$hex"; done
	echo "$name-pem $(sed -n 2p <<<"$plain" | cut -c 30-64 |
		tr -d '\n' | hex)" >>needles
	grep -q "^$name-priv\|^$name-prime" needles || fault "no number of $name"
}

# Nothing of the needles is there when kpki exits.
scanned()
{
	local status=0

	"$scan" needles "$KPKI" "$@" >out 2>err || status=$?
	((status != 77)) || skip "may not look into another process here"
	((status == 0)) || fault "kpki $1: status $status: $(<err)"
}

@test "the scan finds what is there" {
	needle argument "$(printf %s pki-of-the-scan | hex)"
	"$scan" needles "$KPKI" init-ca --dir pki-of-the-scan >out 2>err &&
		fault "found nothing" || (($? == 1 || $? == 77))
	(($? == 77)) || grep -q "found argument in" err
}

@test "sealing, opening and signing leave no passphrase and no key" {
	local type

	passphrase_needles "$passphrase"
	for type in ecdsa-p256 rsa-2048; do
		scanned init-ca --dir "$type" --key-type "$type" --seal \
			--passphrase-file pass --server https://api.example:6443
		key_needles "ca-$type" "$type/ca.key" -passin file:pass
		scanned node-bundle w1 --dir "$type" --out "out-$type" \
			--passphrase-file pass
		key_needles "node-$type" \
			"out-$type/w1/var/lib/kubelet/pki/kubelet.key"
		scanned node-bundle w2 --dir "$type" --out "out-$type" \
			--passphrase-file pass
		scanned unseal --dir "$type" --passphrase-file pass
		scanned node-bundle w3 --dir "$type" --out "out-$type"
		scanned seal --dir "$type" --passphrase-file pass
	done
	(($(wc -l <needles) > 20)) || fault "too few needles"
}

@test "no other command that opens a key leaves it, or the passphrase" {
	local command

	(umask 077 && echo "another horse battery 43" >new)
	passphrase_needles "$passphrase"
	passphrase_needles "$(<new)"
	kpki -q init-ca --seal --passphrase-file pass \
		--server https://api.example:6443
	cat >>pki/cluster.yaml <<-END
		controlPlane:
		  hosts:
		    - name: cp-1
		      addresses: [10.0.0.1]
	END
	key_needles ca pki/ca.key -passin file:pass
	kpki -q node-csr n1 --address 10.0.0.9
	echo "n1 10.0.0.9" >nodes
	while read -r command; do
		scanned $command --passphrase-file pass
	done <<-END
		control-plane --quiet
		kubeconfig alice --quiet
		kubeconfig bob --break-glass --quiet
		node-bundle w1 --bootstrap --quiet
		sign n1/kubelet-client.csr --inventory nodes --out signed --quiet
		crl --quiet --out ca.crl
		crl --quiet --ca etcd-ca --out etcd.crl
		renew --quiet --expiring 2y --node cp-1
		renew --quiet --same-key --node alice
		renew --quiet --ca --same-key --validity 20y
		seal --quiet
		seal --quiet --change --new-passphrase-file new
	END
	key_needles etcd pki/etcd/ca.key -passin file:new
	key_needles front-proxy pki/front-proxy-ca.key -passin file:new
	scanned control-plane --quiet --host cp-1 --reissue --out again \
		--passphrase-file new
	scanned renew --quiet --ca --same-key --ca-name etcd-ca \
		--validity 20y --passphrase-file new
	key_needles alice <(sed -n 's/.*client-key-data: "\(.*\)"/\1/p' \
		alice.kubeconfig | base64 -d)
	scanned revoke w1 alice --quiet
	scanned unseal --quiet --passphrase-file new
	scanned kubeconfig carol --quiet
}

@test "an imported key leaves nothing" {
	openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-384 \
		-out other.key
	openssl req -x509 -new -key other.key -days 30 -subj /CN=other \
		-out other.crt -addext keyUsage=critical,keyCertSign
	openssl pkcs8 -topk8 -in other.key -passout file:pass -out sealed.key
	passphrase_needles "$passphrase"
	key_needles other other.key
	scanned init-ca --import-cert other.crt --import-key sealed.key \
		--passphrase-file pass
	scanned init-ca --dir plain --import-cert other.crt \
		--import-key other.key
}

@test "a PIN is not left, nor kept by what passed it on" {
	local module pin=pin-of-the-vault-7

	module=$(find /usr/lib /usr/local/lib -name libsofthsm2.so 2>/dev/null |
		head -n 1)
	[[ $module ]] || skip "no SoftHSM here (Debian package softhsm2)"
	mkdir tokens
	printf 'directories.tokendir = %s\nobjectstore.backend = file\n' \
		"$PWD/tokens" >softhsm2.conf
	export SOFTHSM2_CONF=$PWD/softhsm2.conf
	softhsm2-util --init-token --free --label vault --so-pin 12345678 \
		--pin "$pin" >/dev/null
	(umask 077 && echo "$pin" >pin)
	needle pin "$(printf %s "$pin" | hex)"
	scanned init-ca --passphrase-file pin --server https://api.example:6443 \
		--key "pkcs11:token=vault;object=ca?module-path=$module"
	scanned node-bundle w1 w2 --passphrase-file pin
}
