#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What openssl says of the authorities and certificates that kpki makes.

load helper

# AUTHORITY: the keys of the nodes it signs for.  Both are key types.
matrix='
ecdsa-p256 ecdsa-p256 ecdsa-p384 rsa-2048 rsa-3072 rsa-4096 ed25519
ecdsa-p384 ecdsa-p384
rsa-2048 rsa-2048
rsa-3072 ecdsa-p256
rsa-4096 ed25519'

setup_file()
{
	local ca leaf leaves n=1

	cd "$BATS_FILE_TMPDIR"
	while read -r ca leaves; do
		[[ -n $ca ]] || continue
		authority "$ca" --key-type "$ca"
		for leaf in $leaves; do
			bundle "$ca" "$leaf" --key-type "$leaf" \
				--address "192.0.2.$n" \
				--address "2001:db8::$n" \
				--address "$leaf.example.internal"
			n=$((n + 1))
		done
	done <<<"$matrix"
}

# Calls `COMMAND... CA CERTIFICATE PROFILE` for every certificate of a node.
# $ca_type, $leaf_type and $bundle are set.
each_leaf()
{
	local ca_type leaf_type leaves bundle

	while read -r ca_type leaves; do
		for leaf_type in $leaves; do
			bundle=$ca_type/$leaf_type
			"$@" "$ca_type/pki/ca.crt" "$bundle/$CLIENT" \
				kubelet-client
			"$@" "$ca_type/pki/ca.crt" "$bundle/$SERVING" \
				kubelet-serving
		done
	done <<<"$matrix"
}

# Calls `COMMAND... CA` for every authority.
each_authority()
{
	local ca_type leaves

	while read -r ca_type leaves; do
		[[ -z $ca_type ]] ||
			"$@" "$ca_type/pki/ca.crt"
	done <<<"$matrix"
}

key_of()
{
	case $1 in
	*/"$SERVING") echo "${1%/*}/kubelet.key" ;;
	*/ca.crt) echo "${1%/*}/ca.key" ;;
	*) echo "$1" ;;
	esac
}

@test "every chain verifies, strictly and at security level 2" {
	verifies()
	{
		accepts openssl verify -x509_strict -auth_level 2 \
			-CAfile "$1" "$2"
		is "$output" "$2: OK"
	}
	each_leaf verifies
	verifies_itself()
	{
		accepts openssl verify -x509_strict -auth_level 2 \
			-check_ss_sig -CAfile "$1" "$1"
	}
	each_authority verifies_itself
}

@test "no chain verifies under another authority of the same name" {
	local other=$BATS_TEST_TMPDIR/other

	foreign_key "$other.key" ecdsa-p256
	foreign_ca "$other.crt" "$other.key"
	other()
	{
		refuses openssl verify -CAfile "$other.crt" "$2"
	}
	each_leaf other
}

@test "a certificate serves its purpose and no other" {
	local purpose
	local -A good=([kubelet-client]=sslclient [kubelet-serving]=sslserver)

	purposes()
	{
		for purpose in sslclient sslserver smimesign smimeencrypt \
			crlsign timestampsign; do
			if [[ $purpose == "${good[$3]}" ]]; then
				accepts openssl verify -purpose $purpose \
					-CAfile "$1" "$2"
			else
				refuses openssl verify -purpose $purpose \
					-CAfile "$1" "$2"
				has "$output" "unsuitable certificate purpose"
			fi
		done
		run openssl x509 -in "$2" -noout -purpose
		lacks "$output" "SSL client CA : Yes"
		lacks "$output" "SSL server CA : Yes"
	}
	each_leaf purposes
	signs()
	{
		run openssl x509 -in "$1" -noout -purpose
		has "$output" "SSL client CA : Yes"
		has "$output" "SSL server CA : Yes"
		has "$output" "CRL signing : Yes"
	}
	each_authority signs
}

@test "a serving certificate answers to its names and to no other" {
	local text name

	names()
	{
		text=$(openssl x509 -in "$2" -noout -ext subjectAltName 2>&1)
		if [[ $3 == kubelet-client ]]; then
			is "$text" "No extensions in certificate"
			return
		fi
		has "$text" "    DNS:$leaf_type, IP Address:192.0.2."
		has "$text" ", IP Address:2001:DB8:0:0:0:0:0:"
		has "$text" ", DNS:$leaf_type.example.internal"
		[[ $text != *,*,*,*,* ]]
		for name in "$leaf_type" "$leaf_type.example.internal"; do
			accepts openssl verify -x509_strict -CAfile "$1" \
				-verify_hostname "$name" "$2"
		done
		for name in "${text#*Address:}" "${text##*Address:}"; do
			accepts openssl verify -x509_strict -CAfile "$1" \
				-verify_ip "${name%%,*}" "$2"
		done
		refuses openssl verify -CAfile "$1" \
			-verify_hostname "x.$leaf_type" "$2"
		has "$output" "hostname mismatch"
		refuses openssl verify -CAfile "$1" \
			-verify_hostname "system:node:$leaf_type" "$2"
		refuses openssl verify -CAfile "$1" \
			-verify_ip 192.0.2.250 "$2"
		has "$output" "IP address mismatch"
	}
	each_leaf names
}

# NAME, "!" when critical, "=" and the value: a line each.
extensions()
{
	openssl asn1parse -in "$1" | awk '
		/^ *[0-9]+:d=2 .*cont \[ 3 \]/ { inside = 1 }
		/^ *[0-9]+:d=[01] / { inside = 0 }
		!inside || !/^ *[0-9]+:d=5 / { next }
		/: OBJECT/ { sub(/.*: OBJECT *:(X509v3 )?/, ""); name = $0 }
		/: BOOLEAN/ { name = name (/:255$/ ? "!" : "?") }
		/: OCTET STRING/ {
			sub(/.*\[HEX DUMP\]:/, "")
			print name "=" $0
		}'
}

# RFC 7093, 2, method 1.
key_id()
{
	local at

	public_key "$1" | openssl pkey -pubin -outform DER \
		>"$BATS_TEST_TMPDIR/spki"
	at=$(openssl asn1parse -inform DER -in "$BATS_TEST_TMPDIR/spki" |
		awk '/:d=1 .*BIT STRING/ {
			gsub(/[:=]/, " ")
			print $1 + $5 + 2
		}')
	tail -c "+$at" "$BATS_TEST_TMPDIR/spki" | sha256sum | cut -c 1-40 |
		tr a-f A-F
}

@test "a certificate has exactly these extensions, critical where due" {
	local usage

	leaf()
	{
		usage=03020780
		[[ $leaf_type != rsa-* ]] || usage=030205A0
		is "$(extensions "$2" | grep -v '^Subject Alternative Name=')" \
"Basic Constraints!=3000
Key Usage!=$usage
Extended Key Usage=300A06082B060105050703$4
Subject Key Identifier=0414$(key_id "$2")
Authority Key Identifier=30168014$(key_id "$1")"
	}
	of_profile()
	{
		case $3 in
		kubelet-client) leaf "$@" 02 ;;
		kubelet-serving) leaf "$@" 01 ;;
		esac
	}
	each_leaf of_profile
	of_ca()
	{
		is "$(extensions "$1")" \
"Basic Constraints!=30030101FF
Key Usage!=03020186
Subject Key Identifier=0414$(key_id "$1")"
	}
	each_authority of_ca
}

@test "a certificate is of version 3 and has the usual fields only" {
	fields()
	{
		is "$(openssl asn1parse -in "${2:-$1}" | awk '
			/^ *[0-9]+:d=1 / { n++ }
			/^ *[0-9]+:d=1 / || n == 1 && /^ *[0-9]+:d=2 / {
				sub(/.*(cons|prim): /, "")
				sub(/ *:.*| *$/, "")
				print
			}' | tr '\n' ,)" "SEQUENCE,cont [ 0 ],INTEGER,$(
			)SEQUENCE,SEQUENCE,SEQUENCE,SEQUENCE,SEQUENCE,$(
			)cont [ 3 ],SEQUENCE,BIT STRING,"
		has "$(openssl x509 -in "${2:-$1}" -noout -text)" \
			"Version: 3 (0x2)"
	}
	each_leaf fields
	each_authority fields
}

@test "the subject is O=system:nodes and CN=system:node:NAME, in this order" {
	subject()
	{
		is "$(openssl x509 -in "$2" -noout -subject -nameopt RFC2253)" \
		    "subject=CN=system:node:$leaf_type,O=system:nodes"
		is "$(openssl x509 -in "$2" -noout -subject \
			-nameopt sep_comma_plus,show_type,sname)" \
			"subject=O=PRINTABLESTRING:system:nodes,$(
			)CN=PRINTABLESTRING:system:node:$leaf_type"
	}
	each_leaf subject
	subject_of_ca()
	{
		is "$(openssl x509 -in "$1" -noout -subject -issuer)" \
			$'subject=CN = kubernetes\nissuer=CN = kubernetes'
	}
	each_authority subject_of_ca
}

# RFC 5280, 4.1.2.2: at most 20 octets.  The last 16 are random.
@test "serials are positive, with 128 random bits, and never the same" {
	local serials=$BATS_TEST_TMPDIR/serials position

	note()
	{
		serial "${2:-$1}" >>"$serials"
	}
	each_leaf note
	each_authority note
	[ "$(wc -l <"$serials")" == 25 ]
	run grep -vxE '[0-7][0-9A-F]([0-9A-F]{2}){15,19}' "$serials"
	is "$output" ""
	is "$(sort "$serials" | uniq -d)" ""
	for position in {1..31..2}; do
		[ "$(awk -v at="$position" \
			'{ print substr($0, length($0) - 32 + at, 2) }' \
			"$serials" | sort -u | wc -l)" -gt 12 ]
	done
}

@test "the issuer is the authority's subject, byte for byte" {
	issuer()
	{
		is "$(element "$2" 4 | hex)" "$(element "$1" 6 | hex)"
		[ "$(element "$2" 4 | wc -c)" -gt 20 ]
	}
	each_leaf issuer
}

@test "the signature's algorithm is the one of the authority's key" {
	local -A algorithms=(
		[ecdsa-p256]=ecdsa-with-SHA256
		[ecdsa-p384]=ecdsa-with-SHA384
		[rsa-2048]=sha256WithRSAEncryption
		[rsa-3072]=sha256WithRSAEncryption
		[rsa-4096]=sha256WithRSAEncryption
	)

	algorithm()
	{
		is "$(openssl x509 -in "${2:-$1}" -noout -text |
			awk '/Signature Algorithm:/ { print $3 }' |
			tr '\n' ' ')" \
			"${algorithms[$ca_type]} ${algorithms[$ca_type]} "
	}
	each_leaf algorithm
	each_authority algorithm
}

@test "a certificate begins five minutes back and ends with its validity" {
	local issued begin

	# The client's file is called after the moment it was issued.
	life()
	{
		issued=$(readlink "$bundle/$CLIENT")
		issued=${issued#kubelet-client-}
		[[ $issued =~ ^(....-..-..)-(..)-(..)-(..)\.pem$ ]]
		issued=${BASH_REMATCH[1]}T${BASH_REMATCH[2]}:${BASH_REMATCH[3]}
		issued=$(date -ud "$issued:${BASH_REMATCH[4]}Z" +%s)
		begin=$((issued - 300))
		[[ $begin -ge $(seconds "$1" -startdate) ]] ||
			begin=$(seconds "$1" -startdate)
		is "$(seconds "$2" -startdate)" "$begin"
		is "$(seconds "$2" -enddate)" $((issued + 365 * 86400))
	}
	each_leaf life
	life_of_ca()
	{
		is "$(($(seconds "$1" -enddate) - $(seconds "$1" -startdate)))" \
			$((3650 * 86400 + 300))
	}
	each_authority life_of_ca
}

@test "times are UTCTime through 2049 and GeneralizedTime from 2050" {
	local end

	cd "$BATS_TEST_TMPDIR"
	times()
	{
		openssl asn1parse -in "$1" |
			sed -nE 's/.* ((UTC|GENERALIZED)TIME *:.*)/\1/p' |
			tail -n 1 | tr -d ' '
	}
	authority late --ca-validity 2060-01-01T00:00:00Z
	is "$(times late/pki/ca.crt)" GENERALIZEDTIME:20600101000000Z
	for end in 2049-12-31T23:59:59Z=UTCTIME:491231235959Z \
		2050-01-01T00:00:00Z=GENERALIZEDTIME:20500101000000Z; do
		bundle late "n${end:0:4}" --validity "${end%=*}"
		is "$(times "late/n${end:0:4}/$SERVING")" "${end#*=}"
		accepts openssl verify -x509_strict -CAfile late/pki/ca.crt \
			"late/n${end:0:4}/$SERVING"
	done
}

@test "keys are PKCS#8, as openssl would write them, and the certificate's" {
	local key

	pair()
	{
		key=$(key_of "${2:-$1}")
		accepts openssl pkey -in "$key" -noout -check
		is "$(openssl pkey -in "$key" -pubout)" \
			"$(public_key "${2:-$1}")"
		openssl pkey -in "$key" >"$BATS_TEST_TMPDIR/again"
		same <(sed -n '/PRIVATE KEY/,$p' "$key") \
			"$BATS_TEST_TMPDIR/again"
		is "$(grep -c BEGIN "$BATS_TEST_TMPDIR/again")" 1
		is "$(head -n 1 "$BATS_TEST_TMPDIR/again")" \
			"-----BEGIN PRIVATE KEY-----"
	}
	each_leaf pair
	each_authority pair
}

@test "keys have the type and the size that was asked for" {
	local -A texts=(
		[ecdsa-p256]='(256 bit)' [ecdsa-p384]='(384 bit)'
		[rsa-2048]='(2048 bit, 2 primes)'
		[rsa-3072]='(3072 bit, 2 primes)'
		[rsa-4096]='(4096 bit, 2 primes)' [ed25519]='ED25519 '
	)

	type_is()
	{
		has "$(openssl pkey -in "$(key_of "$1")" -noout -text)" \
			"${texts[$2]}"
	}
	type_of_leaf()
	{
		type_is "$2" "$leaf_type"
	}
	each_leaf type_of_leaf
	type_of_ca()
	{
		type_is "$1" "$ca_type"
	}
	each_authority type_of_ca
}

# RFC 5915, 3.  A leading zero too many comes with every other key, a missing
# one with every 256th.
@test "the scalar of an EC key has the length of its curve, in many keys" {
	local key n=0

	cd "$BATS_TEST_TMPDIR"
	authority many
	for n in {1..96}; do
		echo "n$n"
	done >nodes
	bundle many --inventory nodes
	n=0
	for key in many/*/"$SERVING_KEY" many/*/"$CLIENT"; do
		openssl pkey -in "$key" >again
		same <(sed -n '/PRIVATE KEY/,$p' "$key") again
		n=$((n + 1))
	done
	is $n 192
}

@test "a file of certificates has no text and 64 columns, as openssl's" {
	local file

	files()
	{
		for file in "$1" "$bundle/etc/kubernetes/pki/ca.crt" \
			"$bundle/$SERVING"; do
			same "$file" <(openssl x509 -in "$file")
			is "$(grep -c BEGIN "$file")" 1
		done
		same "$1" "$bundle/etc/kubernetes/pki/ca.crt"
		same "$bundle/$CLIENT" \
			<(openssl x509 -in "$bundle/$CLIENT" &&
				openssl pkey -in "$bundle/$CLIENT")
		lacks "$(cat "$bundle/$SERVING")" PRIVATE
	}
	each_leaf files
}

@test "pin, fingerprint and the rest that kpki tells are openssl's" {
	local certificate

	told()
	{
		exits 0 init-ca --json --dir "$ca_type/pki"
		is "$(json '.items[0].pin')" "$(pin "$1")"
		is "$(json '.items[0].fingerprint')" "$(fingerprint "$1")"
		is "$(date -ud "$(json '.items[0].notAfter')" +%s)" \
			"$(seconds "$1" -enddate)"
	}
	each_authority told
	# SERIAL PROFILE FINGERPRINT PIN BEGIN END SUBJECT
	exits 0 list --json --dir ecdsa-p256/pki
	json '.items[] | "\(.serial) \(.profile) \(.fingerprint) \(.pin)" +
		" \(.notBefore | fromdate) \(.notAfter | fromdate)" +
		" \(.subject)"' | sort >"$BATS_TEST_TMPDIR/listed"
	listed()
	{
		local file=${2:-$1}

		[[ $1 != ecdsa-p256/* ]] || echo "$(serial "$file" |
			tr A-F a-f) ${3:-ca} $(fingerprint "$file") $(
			pin "$file") $(seconds "$file" -startdate) $(
			seconds "$file" -enddate) $(openssl x509 -noout \
			-in "$file" -subject -nameopt RFC2253 |
			cut -d = -f 2-)"
	}
	sort <(each_leaf listed) <(each_authority listed) |
		diff "$BATS_TEST_TMPDIR/listed" -
	[ "$(wc -l <"$BATS_TEST_TMPDIR/listed")" == 13 ]
}

@test "names that PrintableString cannot hold are UTF8String" {
	local n=0 name

	cd "$BATS_TEST_TMPDIR"
	for name in 'Größe' 'team_a' 'a@b' 'a*b' 'a&b'; do
		n=$((n + 1))
		authority $n --common-name "$name"
		bundle $n worker-1
		is "$(openssl x509 -in $n/pki/ca.crt -noout -subject \
			-nameopt utf8,show_type,sname)" \
			"subject=CN=UTF8STRING:$name"
		accepts openssl verify -x509_strict -CAfile $n/pki/ca.crt \
			"$n/worker-1/$CLIENT"
	done
}

# X.520 bounds a CN at 64 characters; who verifies does not mind.
@test "the longest name of a node verifies" {
	local name

	cd "$BATS_TEST_TMPDIR"
	name=$(printf 'a%.0s' {1..63})
	name=$name.$name.$name.${name:2}
	is ${#name} 253
	authority ca
	bundle ca "$name"
	accepts openssl verify -x509_strict -purpose sslserver \
		-CAfile ca/pki/ca.crt -verify_hostname "$name" \
		"ca/$name/$SERVING"
	accepts openssl verify -x509_strict -purpose sslclient \
		-CAfile ca/pki/ca.crt "ca/$name/$CLIENT"
	is "$(openssl x509 -in "ca/$name/$CLIENT" -noout -subject \
		-nameopt RFC2253)" "subject=CN=system:node:$name,O=system:nodes"
}

# -- connections --

# Says hello to the server: `hello CA CERTIFICATE KEY OPTION...`.  What counts
# of the answer is left in $output.
hello()
{
	local ca=$1 certificate=$2 key=$3

	shift 3
	run timeout 20 openssl s_client -connect "127.0.0.1:$port" -quiet \
		-verify_return_error -CAfile "$ca" ${certificate:+
			-cert "$certificate" -key "$key"} "$@" \
		<<<$'GET / HTTP/1.0\r\n\r'
	output=$(grep -E '^HTTP|Subject:|error|alert' <<<"${output// /_}") ||
		true
}

@test "two nodes speak TLS with each other, each verified" {
	local name

	handshake()
	{
		[[ $3 == kubelet-serving ]] || return 0
		name=$(openssl x509 -in "$2" -noout -ext subjectAltName)
		name=${name#*IP Address:}
		serve "$1" "$2" "$bundle/$SERVING_KEY"
		set -- "$1" "$bundle/$CLIENT" "$bundle/$CLIENT"
		hello "$@" -tls1_3 -verify_hostname "$leaf_type"
		has "$output" HTTP/1.0_200_ok
		has "${output//_/}" \
			"Subject:O=system:nodes,CN=system:node:$leaf_type"
		hello "$@" -tls1_2 -verify_ip "${name%%,*}"
		has "$output" HTTP/1.0_200_ok
		hello "$@" -verify_hostname "x.$leaf_type"
		lacks "$output" HTTP
		has "$output" hostname_mismatch
	}
	each_leaf handshake
}

@test "a certificate in the wrong place is refused on either side" {
	local ca=ecdsa-p256/pki/ca.crt bundle=ecdsa-p256/ecdsa-p256
	local other_ca=ecdsa-p384/pki/ca.crt
	local client=$bundle/$CLIENT other=ecdsa-p384/ecdsa-p384/$CLIENT

	serve $ca $bundle/$SERVING $bundle/$SERVING_KEY
	hello $ca $bundle/$SERVING $bundle/$SERVING_KEY
	lacks "$output" HTTP
	server_says "unsuitable certificate purpose"
	hello $ca "" ""
	lacks "$output" HTTP
	server_says "peer did not return a certificate"
	hello $ca $other $other
	lacks "$output" HTTP
	server_says "unable to get local issuer certificate"
	hello $other_ca $client $client
	lacks "$output" HTTP
	has "$output" self-signed_certificate_in_certificate_chain
	serve $ca $client $client
	hello $ca $client $client
	lacks "$output" HTTP
	has "$output" unsuitable_certificate_purpose
}

# -- authorities that openssl made --

# `imports NAME CERTIFICATE KEY`, and signs for a node.
imports()
{
	authority "$1" --import-cert "$2" --import-key "$3"
	same "$1/pki/ca.crt" <(openssl x509 -in "$2")
	same "$1/pki/ca.key" <(openssl pkey -in "$3")
	bundle "$1" worker-1 --address 192.0.2.1
	is "$(element "$1/worker-1/$SERVING" 4 | hex)" \
		"$(element "$2" 6 | hex)"
}

# The same, of an authority that is a root as RFC 5280 wants it.
imports_root()
{
	imports "$@"
	accepts openssl verify -x509_strict -purpose sslserver \
		-verify_ip 192.0.2.1 -CAfile "$1/pki/ca.crt" \
		"$1/worker-1/$SERVING"
	accepts openssl verify -x509_strict -purpose sslclient \
		-CAfile "$1/pki/ca.crt" "$1/worker-1/$CLIENT"
}

# `refuses_import STATUS MESSAGE CERTIFICATE KEY`
refuses_import()
{
	exits "$1" init-ca --dir refused --import-cert "$3" --import-key "$4"
	has "$stderr" "$2"
	[ ! -e refused ]
}

@test "a key of an authority is taken in every form that openssl has" {
	local type

	cd "$BATS_TEST_TMPDIR"
	for type in ecdsa-p256 ecdsa-p384 ecdsa-p521 rsa-2048 rsa-3072; do
		foreign_key $type.pkcs8 $type
		foreign_ca $type.crt $type.pkcs8
		openssl pkey -in $type.pkcs8 -traditional -out $type.plain
		openssl pkey -in $type.pkcs8 -text -out $type.text
		imports_root $type-pkcs8 $type.crt $type.pkcs8
	done
	has "$(cat ecdsa-p256.plain)" "BEGIN EC PRIVATE KEY"
	has "$(cat rsa-2048.plain)" "BEGIN RSA PRIVATE KEY"
	imports_root p256-plain ecdsa-p256.crt ecdsa-p256.plain
	imports_root p521-plain ecdsa-p521.crt ecdsa-p521.plain
	imports_root rsa-plain rsa-2048.crt rsa-2048.plain
	imports_root p384-text ecdsa-p384.crt ecdsa-p384.text
	imports_root rsa-text rsa-3072.crt rsa-3072.text
	openssl ecparam -name prime256v1 -genkey -out parameters
	has "$(cat parameters)" "BEGIN EC PARAMETERS"
	foreign_ca parameters.crt parameters
	imports_root p256-parameters parameters.crt parameters
}

@test "a certificate of an authority is taken with text around it" {
	cd "$BATS_TEST_TMPDIR"
	foreign_key key ecdsa-p256
	foreign_ca plain.crt key
	openssl x509 -in plain.crt -text -out text.crt
	has "$(cat text.crt)" "Signature Algorithm"
	imports_root text text.crt key
	same text/pki/ca.crt plain.crt
}

@test "the subject of an imported authority keeps its bytes" {
	local subject n=0

	cd "$BATS_TEST_TMPDIR"
	foreign_key key ecdsa-p256
	for subject in /CN=kubernetes /CN=Größe '/C=DE/O=A & B/CN=ca' \
		'/O=a/OU=b+CN=c/CN=d' /DC=example/DC=org/CN=ca \
		/emailAddress=a@example.org /O=nameless; do
		n=$((n + 1))
		foreign_ca $n.crt key
		imports_root subject-$n $n.crt key
	done
	has "$(openssl asn1parse -in 1.crt)" "UTF8STRING        :kubernetes"
}

@test "leaves name an imported authority by its own key identifier" {
	cd "$BATS_TEST_TMPDIR"
	aki()
	{
		openssl x509 -in "$1" -noout -ext authorityKeyIdentifier |
			sed -n '2s/[ :]//gp'
	}
	foreign_key key ecdsa-p256
	foreign_ca odd.crt key 'basicConstraints = critical, CA:TRUE' \
		'keyUsage = critical, keyCertSign' \
		'subjectKeyIdentifier = 0123456789ABCDEF'
	imports odd odd.crt key
	is "$(aki "odd/worker-1/$CLIENT")" 0123456789ABCDEF
	accepts openssl verify -CAfile odd.crt "odd/worker-1/$CLIENT"
	foreign_ca none.crt key 'basicConstraints = critical, CA:TRUE' \
		'keyUsage = critical, keyCertSign' \
		'subjectKeyIdentifier = none'
	imports none none.crt key
	is "$(aki "none/worker-1/$CLIENT")" "$(key_id none.crt)"
	accepts openssl verify -CAfile none.crt "none/worker-1/$CLIENT"
}

@test "an intermediate authority is taken, below its root" {
	cd "$BATS_TEST_TMPDIR"
	foreign_key root.key rsa-2048
	subject=/CN=root foreign_ca root.crt root.key
	foreign_key key ecdsa-p256
	openssl req -new -key key -subj /CN=kubernetes -out request
	cat >extensions <<'END'
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END
	openssl x509 -req -in request -CA root.crt -CAkey root.key \
		-CAcreateserial -days 3000 -extfile extensions \
		-out intermediate.crt 2>/dev/null
	imports ca intermediate.crt key
	accepts openssl verify -x509_strict -CAfile root.crt \
		-untrusted ca/pki/ca.crt -purpose sslclient "ca/worker-1/$CLIENT"
	accepts openssl verify -x509_strict -partial_chain \
		-trusted ca/pki/ca.crt -purpose sslserver \
		"ca/worker-1/$SERVING"
}

@test "keys that Kubernetes could not use are refused by name" {
	cd "$BATS_TEST_TMPDIR"
	foreign_key key ecdsa-p256
	foreign_ca ca.crt key
	openssl pkey -in key -traditional -aes256 -passout pass:secret \
		-out sealed
	has "$(cat sealed)" "Proc-Type: 4,ENCRYPTED"
	refuses_import 3 encrypted ca.crt sealed
	openssl ec -in key -param_enc explicit -out explicit 2>/dev/null
	refuses_import 3 explicit ca.crt explicit
	foreign_key ed25519 ED25519
	foreign_ca ed25519.crt ed25519
	refuses_import 4 ed25519 ed25519.crt ed25519
	foreign_key rsa-1024 rsa-1024
	foreign_ca rsa-1024.crt rsa-1024
	refuses_import 3 "shorter than 2048 bits" rsa-1024.crt rsa-1024
	foreign_key pss RSA-PSS
	foreign_ca pss.crt pss
	refuses_import 3 pss pss.crt pss
	foreign_key p224 ecdsa-p224
	foreign_ca p224.crt p224
	refuses_import 3 p224 p224.crt p224
	foreign_key other ecdsa-p256
	refuses_import 3 "not the key of the certificate" ca.crt other
}

@test "certificates that cannot sign for a cluster are refused" {
	local sign='keyUsage = critical, keyCertSign'
	local is_ca='basicConstraints = critical, CA:TRUE'

	cd "$BATS_TEST_TMPDIR"
	foreign_key key ecdsa-p256
	foreign_ca leaf.crt key 'basicConstraints = critical, CA:FALSE'
	refuses_import 3 "not of a CA" leaf.crt key
	foreign_ca bare.crt key 'subjectKeyIdentifier = hash'
	refuses_import 3 "not of a CA" bare.crt key
	foreign_ca usage.crt key "$is_ca" 'keyUsage = critical, cRLSign'
	refuses_import 3 "may not sign certificates" usage.crt key
	foreign_ca purpose.crt key "$is_ca" "$sign" \
		'extendedKeyUsage = serverAuth'
	refuses_import 3 extKeyUsage purpose.crt key
	foreign_ca critical.crt key "$is_ca" "$sign" \
		'1.2.3.4 = critical, ASN1:NULL'
	refuses_import 3 "1.2.3.4: critical and not understood" critical.crt key
	openssl req -new -key key -subj /CN=old -out request
	openssl x509 -req -in request -signkey key -out old.crt 2>/dev/null
	has "$(openssl x509 -in old.crt -noout -text)" "Version: 1"
	refuses_import 3 "of version 1" old.crt key
	foreign_ca good.crt key
	openssl x509 -in good.crt -trustout -out trusted.crt
	refuses_import 3 CERTIFICATE trusted.crt key
	der good.crt | head -c -1 | base64 -w 64 |
		sed '1i-----BEGIN CERTIFICATE-----
$a-----END CERTIFICATE-----' >cut.crt
	refuses_import 3 cut.crt cut.crt key
}
