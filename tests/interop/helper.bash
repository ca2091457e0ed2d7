# SPDX-License-Identifier: GPL-3.0-or-later
# What the interop tests share.  A file makes its authorities and bundles once,
# in setup_file; its tests look at them from $BATS_FILE_TMPDIR and write into
# $BATS_TEST_TMPDIR.

load ../cli/helper

# Neither the operator's settings nor a proxy have a say.
unset KPKI_DIR KUBECONFIG OPENSSL_CONF
unset HTTPS_PROXY HTTP_PROXY ALL_PROXY https_proxy http_proxy all_proxy

# In a bundle.  CLIENT holds certificate and key.
CLIENT=var/lib/kubelet/pki/kubelet-client-current.pem
SERVING=var/lib/kubelet/pki/kubelet.crt
SERVING_KEY=var/lib/kubelet/pki/kubelet.key

setup()
{
	cd "$BATS_FILE_TMPDIR"
}

teardown()
{
	stop_serving
}

# Runs a program that must succeed, or must not, within 20 seconds; leaves
# $output, which is both of its outputs.
accepts()
{
	run timeout 20 "$@"
	[[ $status == 0 ]] || complain "$*" "status 0" "status $status"
}

refuses()
{
	run timeout 20 "$@"
	[[ $status != 0 && $status != 124 ]] ||
		complain "$*" "a refusal" "status $status"
}

same()
{
	cmp -- "$1" "$2" || complain "same bytes" "$1" "$2"
}

hex()
{
	od -An -v -tx1 | tr -d ' \n' | tr a-f A-F
}

# -- authorities --

# `authority NAME OPTION...`: the PKI directory of an authority, NAME/pki.
authority()
{
	local name=$1

	shift
	mkdir -p "$name"
	kpki init-ca --quiet --dir "$name/pki" \
		--server https://api.example.internal:6443 "$@"
}

# `bundle NAME NODE OPTION...`: NAME/NODE, by the authority of this name.
bundle()
{
	local name=$1

	shift
	kpki node-bundle --quiet --dir "$name/pki" --out "$name" "$@"
}

# An authority made by openssl: `foreign_key FILE TYPE`, then `foreign_ca
# CERTIFICATE KEY LINE...`, the lines being extensions; without any, those of a
# usual authority.  $subject may be set.
foreign_key()
{
	case $2 in
	ecdsa-*) openssl genpkey -algorithm EC -out "$1" \
		-pkeyopt "ec_paramgen_curve:P-${2#ecdsa-p}" ;;
	rsa-*) openssl genpkey -algorithm RSA -out "$1" \
		-pkeyopt "rsa_keygen_bits:${2#rsa-}" ;;
	*) openssl genpkey -algorithm "$2" -out "$1" ;;
	esac 2>/dev/null
}

foreign_ca()
{
	local certificate=$1 key=$2

	shift 2
	[[ $# != 0 ]] || set -- 'basicConstraints = critical, CA:TRUE' \
		'keyUsage = critical, keyCertSign, cRLSign' \
		'subjectKeyIdentifier = hash'
	{
		printf '%s\n' '[req]' 'distinguished_name = dn' \
			'string_mask = utf8only' '[dn]' '[ca]' "$@"
	} >"$certificate.conf"
	openssl req -x509 -new -utf8 -config "$certificate.conf" \
		-extensions ca -key "$key" -out "$certificate" -sha256 \
		-subj "${subject:-/CN=kubernetes}" -days 3650
}

# -- reading certificates --

der()
{
	openssl x509 -in "$1" -outform DER
}

# The bytes of the N-th element of what is signed: 2 serial, 3 algorithm,
# 4 issuer, 5 validity, 6 subject, 7 public key.
element()
{
	local at len

	read -r at len < <(der "$1" | openssl asn1parse -inform DER |
		awk -v n="$2" '
		/^ *[0-9]+:d=2 / && --n == 0 {
			gsub(/[:=]/, " ")
			sub(/^ */, "")
			print $1 + 1, $5 + $7
		}')
	der "$1" | tail -c "+$at" | head -c "$len"
}

public_key()
{
	openssl x509 -in "$1" -noout -pubkey
}

# As kubeadm computes it (cmd/kubeadm/app/util/pubkeypin).
pin()
{
	printf 'sha256:'
	public_key "$1" | openssl pkey -pubin -outform DER | sha256sum |
		cut -d ' ' -f 1
}

fingerprint()
{
	der "$1" | sha256sum | cut -d ' ' -f 1
}

serial()
{
	openssl x509 -in "$1" -noout -serial | cut -d = -f 2
}

# The seconds of notBefore or notAfter: `seconds FILE -startdate`.
seconds()
{
	date -ud "$(openssl x509 -in "$1" -noout "$2" | cut -d = -f 2)" +%s
}

# -- a TLS server that wants a client certificate --

# `serve CA CERTIFICATE KEY OPTION...` at 127.0.0.1:$port.  It tells of the
# connection and the client, or with -HTTP it has the files of this directory.
serve()
{
	local ca=$1 certificate=$2 key=$3

	shift 3
	stop_serving
	: >"$BATS_TEST_TMPDIR/server"
	[[ " $* " == *" -HTTP "* ]] || set -- -www "$@"
	openssl s_server -accept 127.0.0.1:0 -CAfile "$ca" \
		-cert "$certificate" -key "$key" -Verify 1 \
		-verify_return_error "$@" \
		>"$BATS_TEST_TMPDIR/server" 2>&1 </dev/null 3>&- &
	server=$!
	for _ in {1..200}; do
		port=$(sed -n 's/^ACCEPT.*://p' "$BATS_TEST_TMPDIR/server")
		[[ -z $port ]] || return 0
		kill -0 "$server" 2>/dev/null || break
		sleep 0.05
	done
	cat "$BATS_TEST_TMPDIR/server"
	return 1
}

stop_serving()
{
	[[ -n ${server-} ]] || return 0
	kill "$server" 2>/dev/null || true
	wait "$server" 2>/dev/null || true
	unset server port
}

server_says()
{
	has "$(cat "$BATS_TEST_TMPDIR/server")" "$1"
}
