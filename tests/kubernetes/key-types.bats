#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The control plane with keys of each type: what kubeadm, etcd, kube-apiserver and
# kube-controller-manager say of them.  RSA is control-plane.bats's.

load cluster

pki=etc/kubernetes/pki

# What components are told does not depend on keys; kubeadm says it once.
setup_file()
{
	new_world && make_cluster ecdsa-p256 &&
		ask_kubeadm init phase control-plane all &&
		cp -r nodes/cp-1/etc/kubernetes/manifests .
}

teardown_file()
{
	end_cluster
}

# A directory, a PKI and a host of its own: TYPE [OPTION OF CONTROL-PLANE...]
make_cluster()
{
	local type=$1

	shift
	rm -rf pki control control-plane etcd nodes
	kpki init-ca --quiet --server https://api.demo.example:6443 \
		--kubernetes-version 1.20.2 --key-type "$type" &&
		cat >>pki/cluster.yaml <<-'YAML' &&
			controlPlane:
			  hosts:
			  - name: cp-1
			    addresses: ["10.0.0.2"]
		YAML
		kpki control-plane --quiet --with-admin-conf "$@" &&
		install_bundle cp-1 control-plane/cp-1 &&
		mkdir -p control &&
		cp control-plane/admin/admin.conf control
}

# kubeadm's view, as with an external CA.
ask_kubeadm()
{
	cat >nodes/cp-1/kubeadm.yaml <<-'YAML'
		apiVersion: kubeadm.k8s.io/v1beta2
		kind: InitConfiguration
		localAPIEndpoint: {advertiseAddress: 10.0.0.2, bindPort: 6443}
		nodeRegistration: {name: cp-1, criSocket: /run/fake.sock}
		---
		apiVersion: kubeadm.k8s.io/v1beta2
		kind: ClusterConfiguration
		kubernetesVersion: v1.20.2
		controlPlaneEndpoint: api.demo.example:6443
	YAML
	(on_node cp-1 /kubernetes/kubeadm "$@" --config /kubeadm.yaml)
}

start_all()
{
	local arguments name

	start etcd etcd --data-dir etcd --logger zap --client-cert-auth \
		--listen-client-urls https://127.0.0.1:2379 \
		--advertise-client-urls https://127.0.0.1:2379 \
		--cert-file "nodes/cp-1/$pki/etcd/server.crt" \
		--key-file "nodes/cp-1/$pki/etcd/server.key" \
		--trusted-ca-file "nodes/cp-1/$pki/etcd/ca.crt"
	for name in kube-apiserver kube-controller-manager; do
		mapfile -t arguments < <(sed -nE 's/^    - (--.*)$/\1/p' \
			"manifests/$name.yaml")
		start $name on_node cp-1 /kubernetes/$name "${arguments[@]}"
		[[ $name != kube-apiserver ]] ||
			await 90 kubectl get --raw /readyz || return
	done
}

# The API server has what is in etcd, and a controller writes there.
works()
{
	start_all
	await 60 kubectl get serviceaccount default
	kubectl get -n kube-system lease kube-controller-manager
	is "$(kubectl auth can-i '*' '*')" yes
	[[ ! -e nodes/cp-1/$pki/ca.key ]]
}

# The keys of a host, in openssl's words.
keys_of()
{
	local file

	for file in nodes/cp-1/$pki/*.key nodes/cp-1/$pki/etcd/*.key; do
		openssl pkey -in "$file" -noout -text |
			sed -nE 's/.*(2 primes|ED25519|P-[0-9]+).*/\1/p' | tail -n 1 |
			sed "s|^|$(basename "$file") |"
	done
}

@test "a control plane with P-256 keys" {
	make_cluster ecdsa-p256
	is "$(keys_of | grep -v ^sa.key | cut -d ' ' -f 2 | sort -u)" P-256
	has "$(openssl pkey -in nodes/cp-1/$pki/sa.key -noout -text |
		head -n 1)" "2048 bit, 2 primes"
	ask_kubeadm init phase certs all
	ask_kubeadm init phase kubeconfig all
	works
}

@test "a control plane with P-384 keys" {
	make_cluster ecdsa-p384
	is "$(keys_of | grep -v ^sa.key | cut -d ' ' -f 2 | sort -u)" P-384
	ask_kubeadm init phase certs all
	ask_kubeadm init phase kubeconfig all
	works
}

@test "leaves with Ed25519 keys work, and kubeadm refuses them as kpki said" {
	make_cluster ecdsa-p256 --key-type ed25519 2>warning
	has "$(<warning)" "ed25519 keys: kubeadm takes RSA and ECDSA only"
	is "$(keys_of | grep -v ^sa.key | cut -d ' ' -f 2 | sort -u)" ED25519
	fails_with 'is neither in RSA nor ECDSA format' \
		ask_kubeadm init phase certs all
	works
}

@test "an Ed25519 authority is refused before anybody has to" {
	rm -rf pki
	fails_with 'kube-controller-manager and kubeadm take RSA and ECDSA only' \
		kpki init-ca --server https://api.demo.example:6443 \
		--key-type ed25519
	[[ ! -e pki ]]
}
