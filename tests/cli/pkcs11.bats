#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# CA keys that stay in a PKCS#11 token; SoftHSM plays one.

load helper
load pki
load terminal

readonly stub=${top_builddir:-.}/tests/cli/pkcs11_stub.so
readonly pin=5678

setup()
{
	unset KPKI_DIR
	cd "$BATS_TEST_TMPDIR"
	module=$(find /usr/lib /usr/local/lib -name libsofthsm2.so 2>/dev/null |
		head -n 1)
	[[ $module ]] || skip "no SoftHSM here (Debian package softhsm2)"
	mkdir tokens
	printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' \
		"$PWD/tokens" >softhsm2.conf
	export SOFTHSM2_CONF=$PWD/softhsm2.conf STUB_MODULE=$module
	softhsm2-util --init-token --free --label vault --so-pin 12345678 \
		--pin "$pin" >/dev/null
	(umask 077 && echo "$pin" >pin)
	uri="pkcs11:token=vault;object=kpki?module-path=$module"
}

make_token_pki()
{
	make_pki --key "$uri" --passphrase-file pin "$@"
}

@test "the key is made in the token, cannot leave it, and signs" {
	exits 0 init-ca --key "$uri" --passphrase-file pin --server "$server"
	is "${lines[0]}" "STATUS       issued"
	is "$(<pki/ca.key)" "$uri"
	is "$(mode pki/ca.key)" 600
	pkcs11-tool --module "$module" --token-label vault --login --pin "$pin" \
		-O --type privkey >objects 2>/dev/null
	grep -q "label: *kpki" objects
	grep -q "Access: *sensitive, always sensitive, never extractable" objects
	exits 0 node-bundle w1 w2 --passphrase-file pin
	openssl verify -x509_strict -CAfile pki/ca.crt \
		bundles/w?/var/lib/kubelet/pki/kubelet.crt
	is "$(rows)" 5
	# Nobody is asked to be told that nothing changes.
	alone exits 0 init-ca --key "$uri"
	is "${lines[0]}" "STATUS       unchanged"
	alone exits 0 init-ca
	make_pki --dir file
	exits 4 init-ca --dir file --key "$uri"
	has "$stderr" "its key is in no token"
	exits 4 init-ca --key "${uri/kpki/other}"
	has "$stderr" "--key is \"$uri\", not \"${uri/kpki/other}\""
}

@test "RSA and P-384 keys are made in the token as well" {
	local type

	for type in rsa-2048 ecdsa-p384; do
		exits 0 init-ca --dir "$type" --key-type "$type" --server "$server" \
			--key "${uri/kpki/$type}" --passphrase-file pin
		exits 0 node-bundle w1 --dir "$type" --out "out-$type" \
			--key-type ecdsa-p256 --passphrase-file pin
		openssl verify -CAfile "$type/ca.crt" \
			"out-$type/w1/var/lib/kubelet/pki/kubelet.crt"
	done
	exits 4 init-ca --dir no --key-type ed25519 --key "$uri" \
		--passphrase-file pin
}

@test "a key that is in the token is used, not made again" {
	make_token_pki
	exits 0 init-ca --dir second --key "$uri" --passphrase-file pin
	is "$(openssl x509 -in pki/ca.crt -noout -pubkey)" \
		"$(openssl x509 -in second/ca.crt -noout -pubkey)"
	# One that came from elsewhere, with its certificate.
	make_other_ca 30 "${p256[@]}"
	softhsm2-util --import other.key --token vault --label other --id 0a \
		--pin "$pin" >/dev/null
	exits 0 init-ca --dir third --import-cert other.crt \
		--import-key "${uri/object=kpki/id=%0A}" --passphrase-file pin \
		--server "$server"
	is "$(<third/ca.key)" "${uri/object=kpki/id=%0A}"
	exits 0 node-bundle w1 --dir third --passphrase-file pin
	openssl verify -CAfile other.crt \
		bundles/w1/var/lib/kubelet/pki/kubelet.crt
	exits 3 init-ca --dir fourth --import-cert other.crt \
		--import-key "$uri" --passphrase-file pin
	has "$stderr" "CA key: not the key of the certificate"
}

@test "killed on the way, init-ca goes on with the key that is in the token" {
	local at call

	for at in mkdirat:1 fsync:1 renameat:1 syncfs:1; do
		call=${at%:*}
		! strace -f -qq -o trace -e trace="$call" \
			-e inject="$call:signal=KILL:when=${at#*:}" \
			"$KPKI" init-ca --key "$uri" --passphrase-file pin \
			--server "$server" >/dev/null 2>&1
		exits 0 init-ca --key "$uri" --passphrase-file pin \
			--server "$server"
		exits 0 node-bundle w1 --passphrase-file pin --reissue
		is "$(find . -name '.kpki-*')" ""
		is "$(pkcs11-tool --module "$module" --token-label vault --login \
			--pin "$pin" -O --type privkey 2>/dev/null |
			grep -c 'label: *kpki')" 1
		rm -rf pki bundles
	done
}

@test "a root and the authority that it signs may both be in a token" {
	make_token_pki --common-name root
	exits 0 init-ca --dir site --issued-by pki --cluster site \
		--key "${uri/kpki/site}" --passphrase-file pin
	is "$(<site/ca.key)" "${uri/kpki/site}"
	openssl verify -x509_strict -CAfile pki/ca.crt site/ca.crt
	exits 0 init-ca --dir far --request --cluster far \
		--key "${uri/kpki/far}" --passphrase-file pin
	exits 0 init-ca --dir far --request --key "${uri/kpki/far}"
	kpki sign -q --profile subordinate-ca far/ca.csr \
		--passphrase-file pin >far.crt
	exits 0 init-ca --dir far --complete far.crt
	# refused, and no key is made for it
	exits 4 init-ca --dir other --issued-by pki --cluster other \
		--key "${uri/kpki/other}" --permit-dns example.com \
		--passphrase-file pin
	pkcs11-tool --module "$module" --token-label vault --login --pin "$pin" \
		-O --type privkey 2>/dev/null >objects
	run ! grep -q "label: *other" objects
}

@test "the PIN comes from the terminal, or from the file of pin-source" {
	make_token_pki
	types "$pin" node-bundle w1
	is "$(tr -d '\r' <log)" 'PIN of "pki/ca.key": '
	exits_typing 3 $'1\n2\n3' node-bundle w2
	alone exits 2 node-bundle w2
	exits 0 init-ca --dir source --key "$uri&pin-source=file:$PWD/pin" \
		--server "$server"
	alone exits 0 node-bundle w1 --dir source --out source-out
	rm pin
	alone exits 1 node-bundle w2 --dir source --out source-out
	has "$stderr" "pin-source"
}

@test "a wrong PIN, a token, key or module that is not there: clear, and nothing issued" {
	local before

	make_token_pki
	before=$(picture pki)
	exits 3 node-bundle w1 --passphrase-fd 3 3<<<0000
	is "$stderr" 'kpki node-bundle: "pki": "ca.key": "pkcs11:token=vault": the PIN is not the token'\''s'
	lacks "$stderr" 0000
	mv tokens away
	mkdir tokens
	exits 1 node-bundle w1 --passphrase-file pin
	has "$stderr" '"pkcs11:token=vault": no such token is there'
	exits 1 node-bundle w1 --json --passphrase-file pin
	is "$(json .error.code)" 1
	rmdir tokens
	mv away tokens
	pkcs11-tool --module "$module" --token-label vault --login --pin "$pin" \
		--delete-object --type privkey --label kpki 2>/dev/null
	exits 3 node-bundle w1 --passphrase-file pin
	has "$stderr" '"pkcs11:token=vault;object=kpki;type=private": no such private key is there'
	is "$(picture pki)" "$before"
	exits 1 init-ca --dir other --passphrase-file pin \
		--key "pkcs11:token=vault;object=x?module-path=/missing.so"
	has "$stderr" 'PKCS#11 module "/missing.so"'
	[[ ! -e other && ! -e bundles ]]
}

@test "a token that is pulled out in the middle of a batch" {
	local n

	uri="pkcs11:token=vault;object=kpki?module-path=$stub"
	make_token_pki
	for n in {1..12}; do echo "w$n 10.0.0.$n"; done >nodes
	STUB_SIGNATURES=9 exits 1 node-bundle --inventory nodes --json \
		--passphrase-file pin
	has "$(json '[.items[].reason // ""] | join(" ")')" \
		'"pkcs11:token=vault": the token does not answer, or is gone'
	n=$(json '[.items[] | select(.status == "issued")] | length')
	is "$(json '[.items[] | select(.status == "failed")] | length')" \
		$((12 - n))
	# A node has both of its certificates and its bundle, or nothing.
	is "$(rows)" $((1 + 2 * n))
	is "$(find bundles -mindepth 1 -maxdepth 1 -name 'w*' | wc -l)" "$n"
	is "$(find bundles pki -name '.kpki-*')" ""
	exits 0 node-bundle --inventory nodes --passphrase-file pin
	is "$(rows)" 25
}

@test "a token signs for one thread at a time" {
	uri="pkcs11:token=vault;object=kpki?module-path=$stub"
	make_token_pki
	for n in {1..40}; do echo "w$n"; done >nodes
	exits 0 node-bundle --inventory nodes --jobs 4 --passphrase-file pin
	is "$(rows)" 81
}

@test "no module is loaded without a URI, and with one no other" {
	# The leak checker does not work under ptrace.
	export ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
	strace -f -e trace=openat,socket,connect -o trace \
		"$KPKI" init-ca --dir plain --server "$server" >/dev/null
	strace -f -e trace=openat,socket,connect -A -o trace \
		"$KPKI" node-bundle w1 --dir plain >/dev/null
	! grep -E "softhsm|opensc|pkcs11/|p11-kit/modules|\.module" trace
	strace -f -e trace=openat,socket,connect -o trace "$KPKI" init-ca \
		--key "$uri" --passphrase-file pin >/dev/null
	grep -q libsofthsm2 trace
	! grep -E "opensc|p11-kit/modules|\.module|AF_INET" trace
}

@test "URIs that are no key's are refused" {
	local part words

	while IFS=$'\t' read -r part words; do
		exits 2 init-ca --key "$part"
		has "$stderr" "--key: PKCS#11 URI: $words"
	done <<-'END'
		ca.key	does not begin with "pkcs11:"
		pkcs11:object=x	names no token
		pkcs11:token=x	names no key, by object or id
		pkcs11:token=x;token=y;object=z	attribute "token": there twice
		pkcs11:token=x;object=z?pin-value=1234	attribute "pin-value": a URI is no place for a PIN
		pkcs11:token=x;colour=red;object=z	attribute "colour": none that is known here
		pkcs11:token=x;object=	attribute "object": its value is empty
		pkcs11:token=a b;object=z	attribute "token": its value is empty, or has a character
		pkcs11:token=a%2;object=z	attribute "token": its value is empty, or has a character
		pkcs11:token=a;object=z;type=public	attribute "type": not "private"
		pkcs11:token=a;object=z?module-path=x.so	attribute "module-path": not the absolute path of a file
		pkcs11:token=a;object=z?pin-source=|cat	attribute "pin-source": its value is empty, or has a character
		pkcs11:	attribute "": none that is known here
	END
	exits 2 init-ca --key "$uri" --seal
	exits 2 init-ca --key "$uri" --import-cert x --import-key y
	[[ ! -e pki ]]
	# The same in a file, with whatever else stands there.
	make_token_pki
	printf '%s\nmore\n' "$uri" >pki/ca.key
	exits 3 node-bundle w1 --passphrase-file pin
	has "$stderr" '"ca.key": PKCS#11 URI: attribute "module-path": its value'
}

@test "what needs the key itself is refused or leaves it" {
	make_token_pki --signing in-cluster
	exits 0 seal --passphrase-file pin
	is "${lines[1]}" "unchanged  pki/ca.key"
	exits 0 unseal --passphrase-file pin
	is "${lines[1]}" "unchanged  pki/ca.key"
	cat >>pki/cluster.yaml <<-'END'
		controlPlane:
		  hosts:
		  - name: c1
		    addresses: [10.0.0.2]
	END
	exits 4 control-plane --passphrase-file pin
	has "$stderr" '"pki/ca.key": is in a token, and would go to the hosts (signing: in-cluster)'
	sed -i 's/^signing: .*/signing: offline/' pki/cluster.yaml
	exits 0 control-plane --passphrase-file pin
	exits 4 init-ca --seal
	has "$stderr" "its key is not sealed"
}
