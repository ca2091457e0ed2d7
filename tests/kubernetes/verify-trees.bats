#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What kpki verify says of trees that others make: the real kubeadm, openssl and
# cfssl with the names and fields of a cluster made by hand.  The verdicts are
# recorded here; each was looked at.

load cluster

setup_file()
{
	new_world
}

teardown_file()
{
	end_cluster
}

# ID SEVERITY FILE of each finding: PATH...
findings()
{
	kpki verify --json "$@" 2>/dev/null |
		jq -r '.items[] | "\(.id) \(.severity) \(.path | split("/")[-1])"' |
		sort -u
}

@test "a healthy tree of kubeadm has nothing above info" {
	local phase

	for phase in 'certs all' 'kubeconfig all'; do
		"$bin/kubeadm" init phase $phase --cert-dir "$work/kubeadm/pki" \
			$([[ $phase != kubeconfig* ]] ||
				echo "--kubeconfig-dir $work/kubeadm") \
			--apiserver-advertise-address 10.0.0.2 \
			--kubernetes-version v1.20.2 >>"$log/kubeadm.log" 2>&1
	done
	findings kubeadm >found
	! grep -v ' info ' found || complain "nothing above info" "$(<found)"
	is "$(cut -d ' ' -f 1 found | sort -u | xargs)" \
		"KPKI-A013 KPKI-C006 KPKI-N021"
	kpki verify kubeadm | tail -n 1 >answer
	has "$(<answer)" "yes: "
}

# A leaf of the CA ca.crt, ca.key: NAME SUBJECT EXTENSION...
leaf()
{
	local name=$1 subject=$2

	shift 2
	openssl req -new -newkey rsa:2048 -nodes -keyout "$name.key" \
		-out "$name.csr" -subj "$subject" 2>>"$log/openssl.log" &&
		printf '%s\n' basicConstraints=CA:FALSE \
			keyUsage=critical,digitalSignature,keyEncipherment \
			"$@" >"$name.ext" &&
		openssl x509 -req -in "$name.csr" -CA ca.crt -CAkey ca.key \
			-CAcreateserial -out "$name.crt" -days 365 \
			-extfile "$name.ext" 2>>"$log/openssl.log" &&
		rm "$name.csr" "$name.ext"
}

names=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc
names+=,DNS:kubernetes.default.svc.cluster.local,IP:10.32.0.1,IP:127.0.0.1

@test "a tree made by hand with openssl works" {
	umask 077
	mkdir hard && cd hard
	openssl req -x509 -newkey rsa:4096 -nodes -keyout ca.key -out ca.crt \
		-days 3653 -subj /CN=CA -addext keyUsage=critical,keyCertSign,cRLSign \
		2>>"$log/openssl.log"
	leaf admin /O=system:masters/CN=admin extendedKeyUsage=clientAuth
	leaf node-0 /O=system:nodes/CN=system:node:node-0 \
		extendedKeyUsage=clientAuth,serverAuth \
		subjectAltName=DNS:node-0,IP:127.0.0.1
	leaf kube-proxy /O=system:node-proxier/CN=system:kube-proxy \
		extendedKeyUsage=clientAuth
	leaf kube-api-server /CN=kubernetes \
		extendedKeyUsage=clientAuth,serverAuth subjectAltName="$names"
	leaf service-accounts /CN=service-accounts \
		extendedKeyUsage=clientAuth
	cd ..
	findings hard >found
	! grep ' error ' found || complain "no error" "$(<found)"
	grep -v ' info ' found >above || true
	is "$(<above)" ""
	# the API server's certificate lent to a node is found
	cp hard/kube-api-server.key hard/node-0.key
	has "$(findings hard)" "KPKI-F013 error node-0.crt"
}

# A leaf of the CA ca.pem: NAME CN O [HOSTS]
cfssl_leaf()
{
	printf '{"CN":"%s","names":[{"O":"%s"}],"key":{"algo":"ecdsa","size":256}}' \
		"$2" "$3" >"$1.json"
	cfssl gencert -ca=ca.pem -ca-key=ca-key.pem -config=config.json \
		-profile=kubernetes ${4:+-hostname=$4} "$1.json" \
		2>>"$log/cfssl.log" | cfssljson -bare "$1" &&
		rm "$1.json" "$1.csr"
}

@test "a tree made with cfssl works" {
	type -P cfssl cfssljson >/dev/null || skip "no cfssl"
	umask 077
	mkdir cfssl && cd cfssl
	echo '{"signing":{"profiles":{"kubernetes":{"expiry":"8760h","usages":
		["signing","key encipherment","server auth","client auth"]}}}}' \
		>config.json
	echo '{"CN":"Kubernetes","key":{"algo":"ecdsa","size":256}}' |
		cfssl gencert -initca - 2>>"$log/cfssl.log" |
		cfssljson -bare ca
	rm ca.csr
	cfssl_leaf admin admin system:masters
	cfssl_leaf worker-0 system:node:worker-0 system:nodes worker-0,10.0.0.11
	cfssl_leaf kubernetes kubernetes Kubernetes \
		kubernetes,kubernetes.default,kubernetes.default.svc,kubernetes.default.svc.cluster.local,10.32.0.1,127.0.0.1
	cd ..
	findings cfssl >found
	grep -v ' info ' found >above || true
	is "$(<above)" ""
}
