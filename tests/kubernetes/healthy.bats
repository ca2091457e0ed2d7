#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What the real kubeadm makes works, and kpki verify says so.

load ../cli/helper

kubeadm()
{
	"$bin/kubeadm" "$@" >kubeadm.log 2>&1 || {
		cat kubeadm.log
		return 1
	}
}

# A control-plane host as `kubeadm init` leaves it.
make_tree()
{
	mkdir -p host/etc/kubernetes
	cat >kubeadm.yaml <<-END
		apiVersion: kubeadm.k8s.io/v1beta2
		kind: InitConfiguration
		localAPIEndpoint: {advertiseAddress: 10.0.0.10}
		nodeRegistration: {name: cp1, criSocket: /run/none.sock}
		---
		apiVersion: kubeadm.k8s.io/v1beta2
		kind: ClusterConfiguration
		kubernetesVersion: v1.20.2
		certificatesDir: $PWD/host/etc/kubernetes/pki
	END
	kubeadm init phase certs all --config kubeadm.yaml
	kubeadm init phase kubeconfig all --config kubeadm.yaml \
		--kubeconfig-dir "$PWD/host/etc/kubernetes"
}

ids()
{
	jq -r '.items[] | "\(.id) \(.severity)"' <<<"$output" | sort -u | xargs
}

@test "nothing above info is found in a tree of kubeadm" {
	local path

	make_tree
	for path in host host/etc/kubernetes host/etc/kubernetes/pki; do
		exits 0 verify --severity warning "$path"
	done
	exits 0 verify --json host
	# serial zero, no cRLSign, and holders of system:masters
	is "$(ids)" "KPKI-A013 info KPKI-C006 info KPKI-N021 info"
	tar -C host -czf host.tar.gz etc
	exits 0 verify --json --severity warning host.tar.gz
	is "$(ids)" "KPKI-A013 info KPKI-C006 info KPKI-N021 info"
	exits 0 verify --severity warning host/etc/kubernetes/*.conf \
		host/etc/kubernetes/pki/ca.crt
}

@test "its common faults are found" {
	local etc=host/etc/kubernetes

	make_tree
	chmod 644 $etc/admin.conf
	cp $etc/pki/apiserver.key $etc/pki/apiserver-kubelet-client.key
	cp $etc/pki/ca.crt $etc/pki/front-proxy-ca.crt
	cp $etc/pki/ca.key $etc/pki/front-proxy-ca.key
	openssl genrsa 2048 2>/dev/null |
		openssl pkey -pubout -out $etc/pki/sa.pub
	exits 5 verify --json host
	is "$(jq -r '.items[] | select(.severity == "error") |
		"\(.id) \(.path | ltrimstr("host/etc/kubernetes/"))"' \
		<<<"$output" | sort | xargs)" \
		"KPKI-A002 pki/front-proxy-client.crt KPKI-A018 pki/front-proxy-ca.crt KPKI-F001 admin.conf KPKI-F013 pki/apiserver-kubelet-client.crt KPKI-F017 pki/sa.pub"
}
