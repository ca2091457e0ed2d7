#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The manual path where the controller manager has the authority's key: the
# kubelet renews what kpki gave it.

load cluster

setup_file()
{
	new_cluster manual --signing in-cluster && start_api_server &&
		start_controller_manager &&
		kpki rbac --control-plane | kubectl apply -f -
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
	local first second

	# It renews after 70 to 90 % of a life that began 5 minutes ago.
	kpki node-bundle worker-1 --address 10.0.0.11 --validity 2m \
		--kubelet-config-base "$data/kubelet.yaml"
	install_bundle worker-1
	first=$(certificate worker-1)
	start_kubelet worker-1
	await 60 is_ready worker-1
	await 150 has_moved worker-1 "$first"

	second=$(certificate worker-1)
	openssl verify -CAfile pki/ca.crt "$second"
	is "$(subject "$second")" "$(subject "$first")"
	is "$(stat -c %a "$second")" 600
	[ -e "$first" ]
	has "$(kubectl get csr -o yaml)" \
		'Auto approving self kubelet client certificate after SubjectAccessReview.'
	is "$(as_node worker-1 get node worker-1 -o name)" node/worker-1
	is "$(healthz_of worker-1)" ok
}
