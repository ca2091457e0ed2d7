#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The manual path: kpki signs, and no controller manager runs.

load cluster

setup_file()
{
	new_cluster manual && start_api_server &&
		kpki rbac --control-plane | kubectl apply -f -
}

teardown_file()
{
	end_cluster
}

# A pod on a node that refers to a secret: NODE SECRET
pod_with_secret()
{
	cat <<END
apiVersion: v1
kind: Pod
metadata: {name: pod-of-$2, namespace: default}
spec:
  nodeName: $1
  automountServiceAccountToken: false
  containers:
  - {name: c, image: none, envFrom: [{secretRef: {name: $2}}]}
END
}

@test "three nodes with kpki's bundles register and become Ready" {
	local i

	for i in 1 2 3; do
		echo "worker-$i 10.0.0.$((i + 10)) worker-$i.demo.example"
	done >nodes.txt
	kpki node-bundle --inventory nodes.txt \
		--kubelet-config-base "$data/kubelet.yaml"
	for i in 1 2 3; do
		install_bundle "worker-$i"
		start_kubemark "worker-$i" "$((10250 + i))"
	done
	for i in 1 2 3; do
		await 90 is_ready "worker-$i"
	done
}

@test "the nodes agree with kpki about their names" {
	local i

	for i in 1 2 3; do
		is "$(as_node "worker-$i" get node "worker-$i" \
			-o jsonpath='{.metadata.name}')" "worker-$i"
	done
	has "$(kubectl get nodes -o json)" '"address": "10.0.0.12"'
}

@test "a node does not read what belongs to another node" {
	kubectl create secret generic one --from-literal a=b
	kubectl create serviceaccount default
	pod_with_secret worker-2 one | kubectl apply -f -
	await 20 as_node worker-2 get secret one
	fails_with 'User "system:node:worker-1" cannot get resource "secrets"' \
		as_node worker-1 get secret one
	fails_with "no relationship found between node 'worker-1' and this" \
		as_node worker-1 get secret one
	fails_with 'node "worker-1" is not allowed to modify node "worker-2"' \
		as_node worker-1 label node worker-2 a=b
}

@test "a node's certificate is nobody's admin" {
	fails_with 'User "system:node:worker-1" cannot list resource "secrets"' \
		as_node worker-1 get secrets --all-namespaces
}

@test "the API server takes every type of key" {
	local type

	for type in ecdsa-p384 rsa-2048 rsa-3072 rsa-4096 ed25519; do
		kpki node-bundle "node-$type" --key-type "$type"
		install_bundle "node-$type"
		fails_with 'nodes "worker-9" not found' \
			as_node "node-$type" get node worker-9
	done
}

@test "the certificate of another authority is not let in" {
	kpki init-ca --dir other --server https://api.demo.example:6443
	kpki node-bundle worker-1 --address 10.0.0.11 --dir other --out others
	install_bundle stranger others/worker-1
	fails_with 'You must be logged in to the server (Unauthorized)' \
		as_node stranger get node worker-1
	has "$(<"$log/kube-apiserver.log")" \
		'x509: certificate signed by unknown authority'
}

# The serving certificate: a real kubelet in the place of worker-1.

@test "the API server reaches a kubelet by the bundle's serving certificate" {
	kubectl delete node worker-1
	start_kubelet worker-1
	await 90 is_ready worker-1
	is "$(healthz_of worker-1)" ok
	fails_with 'returned error: 401' curl -sSf --cacert pki/ca.crt \
		https://worker-1:10250/healthz
}

@test "a serving certificate without the node's address is refused" {
	kpki node-bundle worker-1 --address worker-1.demo.example --reissue \
		--kubelet-config-base "$data/kubelet.yaml"
	install_bundle worker-1
	start_kubelet worker-1
	await 90 is_listening 10.0.0.11:10250
	fails_with "cannot validate certificate for 10.0.0.11 because it doesn't contain any IP SANs" \
		healthz_of worker-1
}

@test "a serving certificate of another authority is refused" {
	cp nodes/stranger/var/lib/kubelet/pki/kubelet.{crt,key} \
		nodes/worker-1/var/lib/kubelet/pki
	start_kubelet worker-1
	await 90 is_listening 10.0.0.11:10250
	fails_with 'x509: certificate signed by unknown authority' \
		healthz_of worker-1
}

@test "a kubelet takes the bundle in the layout pem" {
	kpki node-bundle worker-5 --address "$(address_of worker-5)" \
		--layout pem --kubelet-config-base "$data/kubelet.yaml"
	install_bundle worker-5
	layout=pem start_kubelet worker-5
	await 60 is_ready worker-5
	is "$(healthz_of worker-5)" ok
}
