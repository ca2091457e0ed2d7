#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kubeadm finds the cluster by what kpki writes.  No controller manager runs,
# whose bootstrapsigner would sign in kpki's place.

load cluster

setup_file()
{
	new_cluster bootstrap --kubernetes-version 1.20.2 &&
		start_api_server && make_root worker-1 &&
		kpki token --out token.yaml --group \
			system:bootstrappers:kubeadm:default-node-token &&
		kubectl apply -f token.yaml &&
		kpki cluster-info --format configmap --token-from token.yaml \
			>info.yaml && kubectl apply -f info.yaml &&
		upload_config
}

teardown_file()
{
	end_cluster
}

# The ConfigMaps that `kubeadm init` leaves in the cluster for those who join.
upload_config()
{
	kpki component-config all --format kubeadm --out control/kubeadm.yaml &&
		cat >>control/kubeadm.yaml <<END &&
---
apiVersion: kubeadm.k8s.io/v1beta2
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: 10.0.0.2}
nodeRegistration: {name: control, criSocket: /run/fake.sock}
END
		kubectl create -f - <<<'{"apiVersion": "v1", "kind": "Node",
			"metadata": {"name": "control", "labels":
			{"kubernetes.io/hostname": "control"}}}' &&
		"$bin/kubeadm" init phase upload-config all \
			--config control/kubeadm.yaml \
			--kubeconfig control/admin.conf
}

# kubeadm goes no further than looking, once it has found the cluster.
kubeadm_join()
{
	(on_node worker-1 timeout 60 /kubernetes/kubeadm join phase preflight \
		-v=1 --node-name=worker-1 --cri-socket=/run/fake.sock \
		--ignore-preflight-errors=all "$@")
}

# By the token in token.yaml, ARGUMENT...
join_by_token()
{
	kubeadm_join api.demo.example:6443 --token "$(token)" "$@"
}

token()
{
	kubectl get -f token.yaml -o json |
		jq -r '.data | map_values(@base64d) |
			."token-id" + "." + ."token-secret"'
}

@test "the pin is the one that kubeadm computes" {
	has "$("$bin/kubeadm" token create --print-join-command \
		--kubeconfig control/admin.conf)" \
		"--discovery-token-ca-cert-hash $(kpki cluster-info)"
}

@test "kubeadm trusts the ConfigMap by token and pin" {
	local said

	said=$(join_by_token --discovery-token-ca-cert-hash \
		"$(kpki cluster-info)" 2>&1) || complain success "$said"
	has "$said" 'Cluster info signature and contents are valid and TLS certificate validates against pinned roots'
}

@test "kubeadm trusts the discovery file" {
	kpki cluster-info --format discovery-file >nodes/worker-1/discovery.conf
	kubeadm_join --discovery-file /discovery.conf \
		--tls-bootstrap-token "$(token)"
}

@test "another pin is refused" {
	kpki init-ca --dir other
	fails_with 'are pinned' join_by_token --discovery-token-ca-cert-hash \
		"$(kpki cluster-info --dir other)"
}

@test "a signature with a flipped byte is refused" {
	sed 's/\(jws-kubeconfig-[^.]*\.\.\)\(.\)/\1X\2/' info.yaml |
		kubectl apply -f -
	fails_with 'failed to verify JWS signature of received cluster info object' \
		join_by_token --discovery-token-unsafe-skip-ca-verification
}

@test "a kubeconfig with a flipped byte is refused" {
	sed 's/:6443/:6444/' info.yaml | kubectl apply -f -
	fails_with 'failed to verify JWS signature of received cluster info object' \
		join_by_token --discovery-token-unsafe-skip-ca-verification
}
