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
	cp bob.crt bob.crt.own
	cp bob.key bob.key.own
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
	server=server
	trusted=pki/ca.crt
	cp bob.crt.own bob.crt
	cp bob.key.own bob.key
	rm -f list
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
		--cert-file "$server.crt" --key-file "$server.key" \
		--trusted-ca-file "$trusted" --client-cert-auth \
		--peer-cert-file "$server.crt" --peer-key-file "$server.key" \
		--peer-trusted-ca-file "$trusted" --peer-client-cert-auth \
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
	ETCDCTL_API=3 timeout 5 etcdctl --endpoints "$url" --cacert "$trusted" \
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

# The certificates that kpki makes for etcd, and etcd's own authority.
@test "etcd of a control plane refuses an API server that is in its list" {
	local pki serial

	cp -r pki control-pki
	cat >>control-pki/cluster.yaml <<-END
		controlPlane:
		  endpoint: api.example.internal:6443
		  hosts:
		    - name: control-1
		      addresses: [10.0.0.1]
	END
	kpki control-plane -q --dir control-pki --out control
	pki=control/control-1/etc/kubernetes/pki
	server=$pki/etcd/server
	trusted=$pki/etcd/ca.crt
	cp $pki/apiserver-etcd-client.crt apiserver.crt
	cp $pki/apiserver-etcd-client.key apiserver.key
	cp $pki/etcd/healthcheck-client.crt bob.crt
	cp $pki/etcd/healthcheck-client.key bob.key
	kpki crl -q --dir control-pki --ca etcd-ca --out list
	start_etcd
	accepts_from apiserver
	serial=$(openssl x509 -in apiserver.crt -noout -serial)
	kpki revoke -q --dir control-pki "${serial#*=}"
	kpki crl -q --dir control-pki --ca etcd-ca --out list
	refuses_from apiserver
	accepts_from bob
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
