#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# CA keys under a passphrase: made, used, and who is asked for it, where.

load helper
load pki
load terminal

readonly sealed="-----BEGIN ENCRYPTED PRIVATE KEY-----"
readonly plain="-----BEGIN PRIVATE KEY-----"

make_sealed_pki()
{
	umask 077
	echo "$secret" >pass
	make_pki --seal --passphrase-file pass "$@"
}

@test "a sealed CA is made, signs, and is unchanged the second time" {
	make_sealed_pki
	is "$(sed 1q pki/ca.key)" "$sealed"
	is "$(mode pki/ca.key)" 600
	exits 0 node-bundle w1 --passphrase-file pass
	openssl verify -CAfile pki/ca.crt \
		bundles/w1/var/lib/kubelet/pki/kubelet.crt
	exits 0 node-bundle w2 --passphrase-fd 7 7<pass
	kpki node-csr --quiet w3
	echo w3 >nodes
	exits 0 sign w3/*.csr --inventory nodes --out signed \
		--passphrase-file pass
	is "$(rows)" 7
	# Nobody is asked to be told that nothing changes.
	alone exits 0 init-ca --seal
	has "${lines[0]}" unchanged
	alone exits 0 init-ca
	alone exits 0 list
	alone exits 0 cluster-info
}

@test "openssl and certtool open what kpki sealed, with 600000 rounds" {
	make_sealed_pki
	openssl asn1parse -in pki/ca.key >asn1
	grep -q PBES2 asn1 && grep -q PBKDF2 asn1 && grep -q hmacWithSHA256 asn1
	grep -q aes-256-cbc asn1
	grep -qE 'INTEGER +:0927C0' asn1 # 600000
	is "$(openssl pkey -in pki/ca.key -passin file:pass -pubout)" \
		"$(openssl x509 -in pki/ca.crt -noout -pubkey)"
	certtool --key-info --infile pki/ca.key --password "$secret" |
		grep -q "Public Key PIN\|Public Key ID"
	! openssl pkey -in pki/ca.key -passin pass:other -noout
}

@test "kpki opens what openssl and certtool sealed, and keeps it sealed" {
	local option n=0

	make_other_ca 30 "${p256[@]}"
	umask 077
	echo "$secret" >pass
	for option in "-v2 aes-128-cbc" "-v2 aes-192-cbc -v2prf hmacWithSHA512" \
		"-v2 des3" "-v2 aes-256-cbc -iter 100000" ""; do
		n=$((n + 1))
		# The options are words on purpose.
		openssl pkcs8 -topk8 $option -in other.key -passout file:pass \
			-out other.sealed
		exits 0 init-ca --dir "pki$n" --import-cert other.crt \
			--import-key other.sealed --passphrase-file pass
		is "$(sed 1q "pki$n/ca.key")" "$sealed"
		openssl asn1parse -in "pki$n/ca.key" | grep -q ':0927C0'
		is "$(openssl pkey -in "pki$n/ca.key" -passin file:pass)" \
			"$(<other.key)"
	done
	certtool --to-p8 --load-privkey other.key --password "$secret" \
		--outfile other.certtool
	exits 0 init-ca --dir certtool --import-cert other.crt --seal \
		--import-key other.certtool --passphrase-file pass
	exits 3 init-ca --dir no --import-cert other.crt \
		--import-key other.certtool --passphrase-fd 3 3<<<other
	has "$stderr" '"other.certtool": passphrase: does not open the key'
	exits 0 init-ca --dir plain --import-cert other.crt \
		--import-key other.key --seal --passphrase-file pass
	is "$(sed 1q plain/ca.key)" "$sealed"
	[[ ! -e no ]]
}

@test "schemes that are not read are refused by name" {
	make_other_ca 30 "${p256[@]}"
	openssl pkcs8 -topk8 -scrypt -in other.key -passout pass:x -out scrypt
	exits 3 init-ca --import-cert other.crt --import-key scrypt \
		--passphrase-fd 3 3<<<x
	has "$stderr" 'key derivation "1.3.6.1.4.1.11591.4.11": none that is read'
	openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES -in other.key -passout pass:x \
		-out pbes1
	exits 3 init-ca --import-cert other.crt --import-key pbes1 \
		--passphrase-fd 3 3<<<x
	has "$stderr" 'scheme "1.2.840.113549.1.12.1.3": none that is read'
	openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 10000001 -in other.key \
		-passout pass:x -out slow
	exits 3 init-ca --import-cert other.crt --import-key slow \
		--passphrase-fd 3 3<<<x
	has "$stderr" "iteration count is not from 1 to 10000000"
	[[ ! -e pki ]]
}

@test "a wrong passphrase is bad input, and issues nothing" {
	make_sealed_pki
	before=$(picture pki)
	exits 3 node-bundle w1 --passphrase-fd 3 3<<<other
	is "$stderr" "kpki node-bundle: \"pki\": \"ca.key\": passphrase: does not open the key"
	exits 3 node-bundle w1 --json --passphrase-fd 3 3<<<other
	is "$(json .error.code)" 3
	is "$(json .error.rule)" "passphrase: does not open the key"
	is "$(picture pki)" "$before"
	[[ ! -e bundles ]]
}

@test "a passphrase is one line of printable text" {
	local text words

	make_sealed_pki
	while IFS=$'\t' read -r text words; do
		printf "$text" >bad
		exits 3 node-bundle w1 --passphrase-file bad
		is "$stderr" "kpki node-bundle: --passphrase-file: file \"bad\": passphrase: $words"
		exits 3 node-bundle w1 --passphrase-fd 3 3<bad
	done <<-'END'
		\n	is empty
		\tx	has a control character, or a second line
		x\r\n	has a control character, or a second line
	END
	: >bad
	exits 3 node-bundle w1 --passphrase-file bad
	has "$stderr" "is empty"
	printf '%s\nmore\n' "$secret" >bad
	exits 3 node-bundle w1 --passphrase-file bad
	has "$stderr" "second line"
	head -c 1025 /dev/zero | tr '\0' x >bad
	exits 3 node-bundle w1 --passphrase-file bad
	has "$stderr" "longer than 1024 bytes"
	exits 1 node-bundle w1 --passphrase-file .
	exits 1 node-bundle w1 --passphrase-file missing
	has "$stderr" '"missing"'
	exits 2 node-bundle w1 --passphrase-fd 9
	has "$stderr" "file descriptor 9: not open"
	exits 2 node-bundle w1 --passphrase-fd 3 --passphrase-file pass 3<pass
	exits 2 list --passphrase-file pass
	has "$stderr" "not taken by list"
	# No end of line, and a name of a pipe.
	printf %s "$secret" >bare
	exits 0 node-bundle w1 --passphrase-file bare
	exits 0 node-bundle w2 --passphrase-file <(echo "$secret")
	is "$stderr" ""
	chmod 644 bare
	exits 0 node-bundle w3 --passphrase-file bare
	has "$stderr" 'warning: file "bare": others than its owner can get at it'
}

@test "what follows the passphrase on its descriptor is the command's" {
	make_sealed_pki
	exits 0 node-bundle --inventory - --passphrase-fd 0 <<-END
		$secret
		w1 10.0.0.1
		w2 10.0.0.2
	END
	is "$(rows)" 5
	lacks "$stderr$output" "$secret"
}

@test "the terminal is asked, without echo, whatever the standard files are" {
	make_sealed_pki
	types "$secret" node-bundle w1 --inventory - <<<"w1 10.0.0.1" >out
	grep -q '^issued' out
	is "$(tr -d '\r' <log)" 'passphrase of "pki/ca.key": '
}

@test "the terminal is asked three times for one that opens the key" {
	make_sealed_pki
	types $'no\nneither\n'"$secret" node-bundle w1
	has "$(<log)" 'this one does not open it; passphrase of "pki/ca.key": '
	exits_typing 3 $'no\nneither\nnor this\n'"$secret" node-bundle w2
	has "$stderr" "passphrase: does not open the key"
	exits_typing 3 "" node-bundle w2
	has "$stderr" "passphrase: is empty"
}

@test "a new passphrase is asked for twice, on the terminal" {
	umask 077
	echo "$secret" >pass
	types "$secret"$'\n'"$secret" init-ca --seal --server "$server"
	has "$(<log)" 'new passphrase for "ca.key": '
	has "$(<log)" "the same again: "
	lacks "$(<log)" "$secret"
	exits 0 node-bundle w1 --passphrase-file pass
	exits_typing 3 "$secret"$'\n'"${secret}x" init-ca --seal --dir other
	has "$stderr" "passphrase: was not typed the same twice"
	[[ ! -e other ]]
}

@test "a signal at the question ends it, and the terminal echoes again" {
	local signal

	make_sealed_pki
	for signal in 1 2 3 15; do
		exits_typing $((128 + signal)) "" -s "$signal" node-bundle w1
	done
	# Stopped and continued, it asks once more.
	exits_typing 0 "$secret" -s 20 -c node-bundle w1
	is "$(grep -o passphrase log | wc -l)" 2
}

@test "without a terminal and an option the command says so" {
	make_sealed_pki
	alone exits 2 node-bundle w1
	has "$stderr" "passphrase: no terminal to ask for it on, and neither --passphrase-file nor --passphrase-fd"
	alone exits 2 init-ca --seal --dir other
	[[ ! -e other ]]
}

@test "no lock is held while somebody thinks" {
	make_sealed_pki
	mkfifo slow
	"$KPKI" node-bundle w1 --passphrase-file slow >out1 2>&1 &
	exits 0 node-bundle w2 --passphrase-file pass --lock-timeout 0
	exits 0 list --lock-timeout 0
	cat pass >slow
	all_succeed
	is "$(rows)" 5
}

@test "a passphrase for a key that would be plain is refused" {
	echo secret >passphrase
	exits 2 init-ca --passphrase-file passphrase
	has "$stderr" "without them the key is plain"
	exits 2 init-ca --passphrase-fd 3 3<passphrase
	[ ! -e pki ]
}

@test "init-ca --seal on a CA with a plain key is refused" {
	make_pki
	before=$(picture pki)
	exits 4 init-ca --seal --passphrase-fd 3 3<<<x
	has "$stderr" '"pki": has a CA already, and its key is not sealed'
	is "$(picture pki)" "$before"
}

@test "the other authorities are sealed where the first one is" {
	local file

	make_sealed_pki
	cat >>pki/cluster.yaml <<-'END'
		controlPlane:
		  hosts:
		  - name: c1
		    addresses: [10.0.0.2]
	END
	exits 0 control-plane --out control --passphrase-file pass
	for file in ca.key front-proxy-ca.key etcd/ca.key; do
		is "$(sed 1q "pki/$file")" "$sealed"
		openssl pkey -in "pki/$file" -passin file:pass -noout
	done
	is "$(sed 1q pki/sa.key)" "$plain"
	exits 0 control-plane --out control --passphrase-file pass
	has "$output" unchanged
	# No sealed key goes to a host, and none in its place.
	exits 4 control-plane --out other --with-ca-key --passphrase-file pass
	has "$stderr" '"pki/ca.key": is sealed, and would go to the hosts (--with-ca-key)'
	sed -i 's/^signing: .*/signing: in-cluster/' pki/cluster.yaml
	exits 4 control-plane --out other --passphrase-file pass
	has "$stderr" "(signing: in-cluster)"
	[[ ! -e other ]]
	exits 0 crl --out crl.pem --passphrase-file pass
}

@test "a passphrase is never an argument, in the environment or in a message" {
	make_sealed_pki
	# The leak checker does not work under ptrace.
	export ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
	strace -f -s 4096 -e trace=execve,write -o trace \
		"$KPKI" node-bundle w1 --passphrase-file pass >out 2>&1
	! grep -F "$secret" trace out
	grep -q 'write(.*issued' trace
}

# -- a key that is there --

@test "seal puts a plain key under a passphrase, and unseal takes it off" {
	local before

	make_pki
	umask 077
	echo "$secret" >pass
	before=$(<pki/ca.key)
	exits 0 seal --passphrase-file pass
	is "${lines[1]}" "sealed     pki/ca.key"
	is "$(sed 1q pki/ca.key)" "$sealed"
	is "$(mode pki/ca.key)" 600
	exits 0 node-bundle w1 --passphrase-file pass
	alone exits 0 seal
	is "${lines[1]}" "unchanged  pki/ca.key"
	exits 3 unseal --passphrase-fd 3 3<<<other
	has "$stderr" '"pki/ca.key": passphrase: does not open the key'
	exits 0 unseal --passphrase-file pass
	is "${lines[1]}" "unsealed   pki/ca.key"
	is "$(<pki/ca.key)" "$before"
	alone exits 0 unseal
	is "${lines[1]}" "unchanged  pki/ca.key"
	alone exits 0 node-bundle w2
	is "$(find pki -name '.kpki*')" ""
}

@test "all keys of a directory get the same passphrase" {
	make_pki
	mkdir -m 700 pki/etcd
	openssl genpkey -quiet "${p256[@]}" -out pki/front-proxy-ca.key
	openssl genpkey -quiet "${p256[@]}" -out pki/etcd/ca.key
	umask 077
	echo "$secret" >pass
	exits 0 seal --passphrase-file pass
	is "${#lines[@]}" 4
	openssl genpkey -quiet "${p256[@]}" -out pki/etcd/ca.key
	# Another passphrase than that of the others is no use.
	exits 3 seal --passphrase-fd 3 3<<<other
	has "$stderr" '"pki/ca.key": passphrase: does not open the key'
	exits 0 seal --json --passphrase-file pass
	is "$(json '[.items[] | .status + " " + .path] | join(", ")')" \
		"unchanged pki/ca.key, unchanged pki/front-proxy-ca.key, sealed pki/etcd/ca.key"
	is "$(json .kind)" SealReport
	exits 0 unseal --json --passphrase-file pass
	is "$(json '.kind + " " + ([.items[].status] | unique | join(" "))')" \
		"UnsealReport unsealed"
}

@test "seal --change gives another passphrase" {
	make_sealed_pki
	umask 077
	echo "another one" >new
	exits 2 seal --new-passphrase-file new
	exits 3 seal --change --passphrase-file new --new-passphrase-file new
	has "$stderr" '"pki/ca.key": passphrase: does not open the key'
	exits 0 seal --change --passphrase-file pass --new-passphrase-file new
	exits 3 node-bundle w1 --passphrase-file pass
	exits 0 node-bundle w1 --passphrase-file new
	# Both are asked for, the new one twice.
	types $'another one\n'"$secret"$'\n'"$secret" seal --change
	is "$(tr -d '\r' <log)" 'passphrase of "pki/ca.key": 
new passphrase for "pki/ca.key": 
the same again: '
	exits 0 node-bundle w2 --passphrase-file pass
	# Weak parameters become those of init-ca.
	openssl pkey -in pki/ca.key -passin file:pass -out key
	openssl pkcs8 -topk8 -v2 des3 -in key -passout file:pass \
		-out pki/ca.key
	exits 0 seal --change --passphrase-file pass --new-passphrase-file new
	openssl asn1parse -in pki/ca.key | grep -q ':0927C0'
}

@test "seal --change goes on where it was cut short" {
	local file

	make_pki
	mkdir -m 700 pki/etcd
	openssl genpkey -quiet "${p256[@]}" -out pki/front-proxy-ca.key
	openssl genpkey -quiet "${p256[@]}" -out pki/etcd/ca.key
	umask 077
	echo "$secret" >pass
	echo "another one" >new
	kpki seal -q --passphrase-file pass
	cp pki/front-proxy-ca.key kept
	kpki seal -q --change --passphrase-file pass --new-passphrase-file new
	mv kept pki/front-proxy-ca.key
	exits 3 seal --change --passphrase-fd 3 --new-passphrase-file new 3<<<x
	has "$stderr" '"pki/front-proxy-ca.key": passphrase: does not open'
	exits 0 seal --change --passphrase-file pass --new-passphrase-file new
	is "$(awk 'NR > 1 { print $1 }' <<<"$output" | paste -sd ,)" \
		"unchanged,sealed,unchanged"
	for file in ca.key front-proxy-ca.key etcd/ca.key; do
		openssl pkey -in "pki/$file" -passin file:new -noout
	done
	exits 0 seal --change --passphrase-file pass --new-passphrase-file new
	lacks "$output" sealed
}

@test "several at once: one does it, and the others find it done" {
	local i

	make_pki
	umask 077
	echo "$secret" >pass
	echo "another one" >new
	for i in 1 2 3 4; do
		"$KPKI" seal --passphrase-file pass >out$i 2>&1 &
	done
	all_succeed
	is "$(cat out? | grep -c ^sealed)" 1
	for i in 1 2 3 4; do
		"$KPKI" seal --change --passphrase-file pass \
			--new-passphrase-file new >out$i 2>&1 &
	done
	all_succeed
	is "$(cat out? | grep -c ^sealed)" 1
	for i in 1 2 3 4; do
		"$KPKI" unseal --passphrase-file new >out$i 2>&1 &
	done
	all_succeed
	is "$(cat out? | grep -c ^unsealed)" 1
	is "$(sed 1q pki/ca.key)" "$plain"
}

@test "a key that would stay readable elsewhere is not sealed" {
	make_pki
	umask 077
	echo "$secret" >pass
	ln pki/ca.key other
	exits 4 seal --passphrase-file pass
	has "$stderr" '"pki/ca.key": has another name as well'
	rm pki/ca.key
	ln -s ../other pki/ca.key
	exits 4 seal --passphrase-file pass
	has "$stderr" '"pki/ca.key": is a link'
	rm pki/ca.key
	exits 1 seal --passphrase-file pass
	echo hello >pki/ca.key
	exits 3 seal --passphrase-file pass
	rm pki/ledger.db
	exits 3 seal --passphrase-file pass
}

@test "the old file is overwritten once it has no name" {
	local number

	make_pki
	umask 077
	echo "$secret" >pass
	number=$(stat -c %i pki/ca.key)
	exec 9<pki/ca.key
	exits 0 seal --passphrase-file pass
	[[ $(stat -c %i pki/ca.key) != "$number" ]]
	is "$(stat -L -c '%i %h' /proc/$$/fd/9)" "$number 0"
	is "$(tr -d '\0' </proc/$$/fd/9)" ""
	exec 9<&-
}

@test "a key that was replaced while its passphrase was typed is left alone" {
	make_pki
	mkfifo answers
	exec 8<>answers
	"$terminal" log answers "$KPKI" seal >out1 2>err1 &
	until grep -q passphrase log; do sleep 0.1; done
	exits 0 seal --passphrase-fd 3 3<<<first --lock-timeout 0
	printf 'second\nsecond\n' >&8
	exec 8<&-
	! wait $!
	has "$(<err1)" '"pki/ca.key": was changed in the meantime'
	exits 0 node-bundle w1 --passphrase-fd 3 3<<<first
}
