#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What openssl, certtool and kubectl say of a control plane's certificates.

load helper

types='ecdsa-p256 ecdsa-p384 rsa-2048 ed25519'
host=control-1/etc/kubernetes

# FILE AUTHORITY USAGES SUBJECT: every pair of a host.
table="pki/apiserver ca server CN=kube-apiserver
pki/apiserver-kubelet-client ca client CN=kube-apiserver-kubelet-client,O=kubeadm:cluster-admins
pki/front-proxy-client front-proxy-ca client CN=front-proxy-client
pki/apiserver-etcd-client etcd/ca client CN=kube-apiserver-etcd-client
pki/etcd/server etcd/ca server,client CN=control-1
pki/etcd/peer etcd/ca server,client CN=control-1
pki/etcd/healthcheck-client etcd/ca client CN=kube-etcd-healthcheck-client
controller-manager ca client CN=system:kube-controller-manager
scheduler ca client CN=system:kube-scheduler
kubelet ca client CN=system:node:control-1,O=system:nodes
admin ca client CN=kubernetes-admin,O=kubeadm:cluster-admins
super-admin ca client CN=kubernetes-super-admin,O=system:masters
serving ca server CN=system:node:control-1,O=system:nodes"

# Beside the kubeconfigs: what is embedded in them.
take_out() # KUBECONFIG
{
	sed -nE 's/.*client-certificate-data: "(.*)"/\1/p' "$1" |
		base64 -d >"${1%.conf}.crt"
	sed -nE 's/.*client-key-data: "(.*)"/\1/p' "$1" |
		base64 -d >"${1%.conf}.key"
}

setup_file()
{
	local type conf

	cd "$BATS_FILE_TMPDIR"
	for type in $types; do
		mkdir "$type"
		cd "$type"
		"$KPKI" init-ca -q --server https://127.0.0.1:6443 \
			--kubernetes-version 1.31
		cat >>pki/cluster.yaml <<-END
			controlPlane:
			  endpoint: localhost:6443
			  hosts:
			    - name: control-1
			      addresses: [10.0.0.1]
		END
		"$KPKI" control-plane -q --key-type "$type" --with-admin-conf \
			--with-super-admin --out . 2>/dev/null
		cp control-1/var/lib/kubelet/pki/kubelet.crt $host/serving.crt
		cp control-1/var/lib/kubelet/pki/kubelet.key $host/serving.key
		for conf in $host/*.conf; do
			take_out "$conf"
		done
		cd ..
	done
}

# Calls `COMMAND... CA CERTIFICATE USAGES SUBJECT` for every certificate; $type
# is set.
each()
{
	local type file ca usages subject n=0

	for type in $types; do
		while read -r file ca usages subject; do
			"$@" "$type/pki/$ca.crt" "$type/$host/$file.crt" \
				"$usages" "$subject"
			n=$((n + 1))
		done <<<"$table"
	done
	is "$n" 52
}

@test "every certificate is good for its purposes, by its CA, and nothing else" {
	judged()
	{
		local ca=$1 certificate=$2 usages=$3 purpose other

		for purpose in server client; do
			if [[ ,$usages, == *,$purpose,* ]]; then
				accepts openssl verify -x509_strict -auth_level 2 \
					-purpose "ssl$purpose" -CAfile "$ca" \
					"$certificate"
			else
				refuses openssl verify -purpose "ssl$purpose" \
					-CAfile "$ca" "$certificate"
			fi
		done
		for other in ca front-proxy-ca etcd/ca; do
			other=$type/pki/$other.crt
			[[ $other == "$ca" ]] ||
				refuses openssl verify -CAfile "$other" \
					"$certificate"
		done
		refuses openssl verify -purpose crlsign -CAfile "$ca" \
			"$certificate"
	}
	each judged
}

@test "every certificate says what its row says, and no more" {
	says()
	{
		local certificate=$2 usages=$3 subject=$4 text want

		is "$(openssl x509 -in "$certificate" -noout -subject \
			-nameopt RFC2253)" "subject=$subject"
		text=$(openssl x509 -in "$certificate" -noout -ext \
			basicConstraints,keyUsage,extendedKeyUsage |
			sed 's/^ *//')
		want='Digital Signature'
		[[ $type != rsa* ]] || want+=', Key Encipherment'
		usages=${usages/server/TLS Web Server Authentication}
		usages=${usages/client/TLS Web Client Authentication}
		is "$text" "X509v3 Basic Constraints: critical
CA:FALSE
X509v3 Key Usage: critical
$want
X509v3 Extended Key Usage: 
${usages/,/, }"
		# the extensions above, two key identifiers, and names
		text=$(openssl x509 -in "$certificate" -noout -text |
			grep -c '^            X509v3 ')
		case $certificate in
		*/apiserver.crt | */server.crt | */peer.crt | */serving.crt)
			is "$text" 6 ;;
		*) is "$text" 5 ;;
		esac
	}
	each says
}

@test "certtool takes every certificate for its purposes" {
	taken()
	{
		local purpose oid

		for purpose in ${3//,/ }; do
			oid=1.3.6.1.5.5.7.3.1
			[[ $purpose == server ]] || oid=1.3.6.1.5.5.7.3.2
			accepts certtool --verify --load-ca-certificate "$1" \
				--infile "$2" --verify-purpose $oid
		done
	}
	each taken
}

@test "kubectl reads every kubeconfig" {
	local conf

	for conf in ecdsa-p256/$host/*.conf ecdsa-p256/admin/*.conf; do
		accepts kubectl --kubeconfig "$conf" config view --raw \
			--minify -o 'jsonpath={.clusters[0].cluster.server}'
		is "$output" https://127.0.0.1:6443
	done
	accepts kubectl --kubeconfig ecdsa-p256/admin/admin.conf \
		config current-context
	is "$output" kubernetes-admin@kubernetes
}

# `handshake TYPE SERVER SERVER-CA CLIENT CLIENT-CA NAME`: a server that wants
# a client's certificate, and that client.
handshake()
{
	local dir=$1/$host

	serve "$1/pki/$5.crt" "$dir/$2.crt" "$dir/$2.key"
	run timeout 20 openssl s_client -connect "127.0.0.1:$port" \
		-CAfile "$1/pki/$3.crt" -verify_return_error \
		-verify_hostname "$6" -cert "$dir/$4.crt" \
		-key "$dir/$4.key" -quiet <<<$'GET / HTTP/1.0\n'
	stop_serving
}

@test "servers and clients of one authority meet, and of two do not" {
	local type

	for type in ecdsa-p256 rsa-2048 ed25519; do
		handshake $type pki/etcd/server etcd/ca \
			pki/apiserver-etcd-client etcd/ca localhost
		has "$output" "HTTP/1.0 200"
		handshake $type pki/etcd/server etcd/ca \
			pki/apiserver-kubelet-client etcd/ca control-1
		lacks "$output" "HTTP/1.0 200"
		handshake $type pki/etcd/peer etcd/ca pki/etcd/peer etcd/ca \
			control-1
		has "$output" "HTTP/1.0 200"
		handshake $type pki/apiserver ca admin ca \
			kubernetes.default.svc.cluster.local
		has "$output" "HTTP/1.0 200"
		handshake $type pki/apiserver ca \
			pki/etcd/healthcheck-client ca kubernetes
		lacks "$output" "HTTP/1.0 200"
		handshake $type serving ca pki/apiserver-kubelet-client ca \
			control-1
		has "$output" "HTTP/1.0 200"
		handshake $type pki/apiserver ca admin ca control-2
		lacks "$output" "HTTP/1.0 200"
	done
}
