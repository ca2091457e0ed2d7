#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A real etcd, with certificates of kpki's authority and its revocation list.

load helper

setup_file()
{
	command -v etcd >/dev/null && command -v etcdctl >/dev/null || return 0
	cd "$BATS_FILE_TMPDIR"
	kpki init-ca -q --server https://api.example.internal:6443
	pair server /CN=etcd serverAuth,clientAuth \
		-addext subjectAltName=IP:127.0.0.1
	# whose name will be free again
	kpki kubeconfig -q alice --out alice.conf
	kpki kubeconfig -q bob --out bob.conf
	take_out alice
	take_out bob
}

# A pair that kpki has no profile for in this test.
pair() # NAME SUBJECT USAGE OPTION...
{
	local name=$1 subject=$2 usage=$3

	shift 3
	openssl req -x509 -CA pki/ca.crt -CAkey pki/ca.key -nodes -days 2 \
		-newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		-keyout "$name.key" -out "$name.crt" -subj "$subject" \
		-addext basicConstraints=critical,CA:FALSE \
		-addext extendedKeyUsage="$usage" "$@" 2>/dev/null
}

take_out() # USER
{
	local part

	for part in certificate:crt key:key; do
		sed -n "s/.*client-${part%:*}-data: \"\?\([^\"]*\)\"\?/\1/p" \
			"$1.conf" | base64 -d >"$1.${part#*:}"
	done
}

setup()
{
	command -v etcd >/dev/null && command -v etcdctl >/dev/null ||
		skip "etcd-server and etcd-client are not installed"
	cd "$BATS_FILE_TMPDIR"
}

teardown()
{
	[[ ! ${etcd-} ]] || { kill "$etcd" && wait "$etcd" || :; }
}

# Ports of its own, of this test.
start_etcd()
{
	local port=$((20000 + RANDOM % 20000))

	url=https://127.0.0.1:$port
	etcd --data-dir "$BATS_TEST_TMPDIR/data" --name one \
		--listen-client-urls "$url" --advertise-client-urls "$url" \
		--listen-peer-urls "https://127.0.0.1:$((port + 1))" \
		--initial-advertise-peer-urls "https://127.0.0.1:$((port + 1))" \
		--initial-cluster "one=https://127.0.0.1:$((port + 1))" \
		--cert-file server.crt --key-file server.key \
		--trusted-ca-file pki/ca.crt --client-cert-auth \
		--peer-cert-file server.crt --peer-key-file server.key \
		--peer-trusted-ca-file pki/ca.crt --peer-client-cert-auth \
		--client-crl-file list --peer-crl-file list \
		>"$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
	etcd=$!
	for _ in {1..100}; do
		ask bob >/dev/null 2>&1 && return
		sleep 0.1
	done
	tail "$BATS_TEST_TMPDIR/log"
	return 1
}

ask() # USER
{
	ETCDCTL_API=3 timeout 5 etcdctl --endpoints "$url" --cacert pki/ca.crt \
		--cert "$1.crt" --key "$1.key" get --prefix / --limit 1 \
		--dial-timeout 2s
}

accepts_from()
{
	run ask "$1"
	[[ $status == 0 ]] || complain "$1" "status 0" "status $status"
}

refuses_from()
{
	run ask "$1"
	[[ $status != 0 ]] || complain "$1" "a refusal" "status 0"
}

@test "etcd refuses a client whose certificate is in the list, at once" {
	kpki crl -q --out list
	start_etcd
	accepts_from alice
	accepts_from bob
	kpki revoke -q alice --reason keyCompromise
	# revoked in the ledger only, it is still let in
	accepts_from alice
	kpki crl -q --out list
	refuses_from alice
	accepts_from bob
	# and in the other form
	kpki crl -q --out list --format der
	refuses_from alice
	accepts_from bob
	# the same name with another certificate is let in again
	kpki kubeconfig -q alice --out again.conf
	take_out again
	accepts_from again
}
