#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The manual path where the controller manager has the authority's key: the
# kubelet renews what kpki gave it.

load cluster

setup_file()
{
	new_cluster --signing in-cluster && start_api_server &&
		start_controller_manager \
			--cluster-signing-cert-file=control/ca.crt \
			--cluster-signing-key-file=control/ca.key \
			--cluster-signing-duration=1h &&
		kubectl create clusterrolebinding renewals --group system:nodes \
			--clusterrole system:certificates.k8s.io:certificatesigningrequests:selfnodeclient
}

teardown_file()
{
	end_cluster
}

@test "kpki's authority is one that the controller manager hands out" {
	await 60 kubectl get configmap kube-root-ca.crt
	diff <(kubectl get configmap kube-root-ca.crt \
		-o jsonpath='{.data.ca\.crt}') pki/ca.crt
}

@test "a kubelet renews the certificate of its bundle by itself" {
	local pki=nodes/worker-1/var/lib/kubelet/pki old

	# It renews after 70 to 90 % of a life that began 5 minutes ago.
	kpki node-bundle worker-1 --address 10.0.0.11 --validity 2m \
		--kubelet-config-base "$data/kubelet.yaml"
	install_bundle worker-1
	old=$(current)
	start_kubelet worker-1
	await 60 is_ready worker-1
	await 150 has_moved "$old"

	openssl verify -CAfile pki/ca.crt "$pki/$(current)"
	is "$(subject "$(current)")" "$(subject "$old")"
	is "$(stat -c %a "$pki/$(current)")" 600
	[ -e "$pki/$old" ]
	has "$(kubectl get csr -o yaml)" \
		'Auto approving self kubelet client certificate after SubjectAccessReview.'
	is "$(as_node worker-1 get node worker-1 -o name)" node/worker-1
	is "$(kpki list --json | jq '.items | length')" 3
}

# The kubelet makes the link absolute.
current()
{
	basename "$(readlink "$pki/kubelet-client-current.pem")"
}

has_moved()
{
	[[ $(current) != "$1" ]]
}

subject()
{
	openssl x509 -in "$pki/$1" -noout -subject
}
