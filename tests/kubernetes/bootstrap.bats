#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The bootstrap path: a kubelet comes with a token, and the controller manager
# signs with kpki's authority.

load cluster

setup_file()
{
	new_cluster bootstrap --signing in-cluster &&
		(umask 077 && kpki token --format csv --no-expiry --yes \
			--user static --out static.csv) &&
		start_api_server --token-auth-file=static.csv &&
		start_controller_manager --cluster-signing-duration=7m
}

teardown_file()
{
	end_cluster
}

# A node that has a bootstrap-kubeconfig and no certificate: NAME KUBECONFIG
prepare_node()
{
	local root=nodes/$1

	kpki node-bundle "$1" --address "$(address_of "$1")" --reissue \
		--kubelet-config-base "$data/kubelet.yaml" &&
		install_bundle "$1" &&
		rm "$root"/etc/kubernetes/kubelet.conf \
			"$root"/var/lib/kubelet/pki/kubelet-client-* &&
		cp "$2" "$root/etc/kubernetes/bootstrap-kubelet.conf"
}

# How the one request of a group of users stands: USER
request_of()
{
	kubectl get csr --no-headers | grep -w "$1"
}

is_pending()
{
	[[ $(request_of "$1") == *Pending ]]
}

# Applies a manifest as an admin does who looks first, and then once more.
applies_cleanly()
{
	kubectl apply --dry-run=server -f "$1" &&
		kubectl apply -f "$1" &&
		state_of "$1" >before && [[ -s before ]] &&
		kubectl apply -f "$1" &&
		state_of "$1" >after && diff before after
}

state_of()
{
	kubectl get -f "$1" -o json |
		jq -r '.items // [.] | .[].metadata.resourceVersion'
}

@test "a token whose group has no binding asks in vain" {
	kpki token --out token.yaml
	kubectl apply -f token.yaml
	kpki bootstrap-kubeconfig --token-from token.yaml --out bootstrap.conf
	prepare_node worker-1 bootstrap.conf
	start_kubelet worker-1
	await 60 grep -h "system:bootstrap:.* cannot create resource \"certificatesigningrequests\"" \
		"$log/worker-1.log"
}

@test "every manifest passes a dry run, and applying twice changes nothing" {
	kpki rbac --no-auto-approve --out pending.yaml
	applies_cleanly pending.yaml
	kpki rbac --with-roles --control-plane --no-auto-approve \
		--group system:bootstrappers:others --out roles.yaml
	applies_cleanly roles.yaml
	applies_cleanly token.yaml
	kpki token --node worker-1 --node worker-2
	applies_cleanly tokens/bootstrap_tokens.yaml
	kpki cluster-info --format configmap --token-from token.yaml >info.yaml
	applies_cleanly info.yaml
}

@test "with --no-auto-approve a request waits for kubectl certificate approve" {
	prepare_node worker-1 bootstrap.conf
	start_kubelet worker-1
	await 60 is_pending system:bootstrap
	sleep 3
	is_pending system:bootstrap
	kubectl certificate approve \
		"$(request_of system:bootstrap | cut -d ' ' -f 1)"
	await 60 is_ready worker-1
	has "$(kubectl get csr -o yaml)" 'reason: KubectlApprove'
}

@test "a kubelet gets its certificate with no human hand, and renews it" {
	local first

	kpki rbac --control-plane --out rbac.yaml
	applies_cleanly rbac.yaml
	kubectl delete csr --all
	kpki bootstrap-kubeconfig --node worker-2
	prepare_node worker-2 kubeconfigs/worker-2.kubeconfig
	start_kubelet worker-2
	await 60 is_ready worker-2
	has "$(kubectl get csr -o yaml)" \
		'Auto approving kubelet client certificate after SubjectAccessReview.'
	first=$(certificate worker-2)
	openssl verify -CAfile pki/ca.crt "$first"
	is "$(subject "$first")" \
		'subject=O = system:nodes, CN = system:node:worker-2'
	is "$(healthz_of worker-2)" ok

	await 150 has_moved worker-2 "$first"
	openssl verify -CAfile pki/ca.crt "$(certificate worker-2)"
	has "$(kubectl get csr -o yaml)" \
		'Auto approving self kubelet client certificate after SubjectAccessReview.'
}

@test "a line of the static token file lets a kubelet bootstrap" {
	kubectl delete csr --all
	kpki bootstrap-kubeconfig --token-from static.csv --out static.conf
	prepare_node worker-3 static.conf
	start_kubelet worker-3
	await 60 is_ready worker-3
	has "$(request_of static)" 'Approved,Issued'
}

# The files as they are: nothing is added to the bundle, nothing taken out.

@test "a kubelet bootstraps from the bundle of node-bundle --bootstrap" {
	kubectl delete csr --all
	kpki node-bundle --bootstrap --ttl 2w worker-4 \
		--address "$(address_of worker-4)" --out tokened \
		--kubelet-config-base "$data/kubelet.yaml"
	applies_cleanly tokened/bootstrap_tokens.yaml
	install_bundle worker-4 tokened/worker-4
	start_kubelet worker-4
	await 60 is_ready worker-4
	has "$(request_of "system:bootstrap:$(id_of worker-4)")" \
		'Approved,Issued'
	openssl verify -CAfile pki/ca.crt "$(certificate worker-4)"
	is "$(subject "$(certificate worker-4)")" \
		'subject=O = system:nodes, CN = system:node:worker-4'
	is "$(healthz_of worker-4)" ok
}

id_of()
{
	kpki list --tokens --live --node "$1" --json | jq -r '.items[].id'
}

@test "with --no-serving the kubelet asks for its serving certificate, too" {
	local name

	kpki node-bundle --bootstrap --no-serving worker-5 --out tokened \
		--kubelet-config-base "$data/kubelet.yaml"
	kubectl apply -f tokened/bootstrap_tokens.yaml
	install_bundle worker-5 tokened/worker-5
	start_kubelet worker-5
	await 60 is_ready worker-5
	await 60 asks_to_serve worker-5
	name=$(asks_to_serve worker-5 | cut -d ' ' -f 1)
	kubectl certificate approve "$name"
	await 60 serves_ok worker-5
}

# The request for a node's serving certificate that nobody has approved: NODE
asks_to_serve()
{
	kubectl get csr --no-headers |
		grep "kubernetes.io/kubelet-serving .*system:node:$1 .*Pending"
}

serves_ok()
{
	[[ $(healthz_of "$1") == ok ]]
}

@test "a kubelet.conf that is good wins over a bundle to bootstrap from" {
	local more=(worker-7 --address "$(address_of worker-7)"
		--kubelet-config-base "$data/kubelet.yaml")

	kpki node-bundle "${more[@]}"
	install_bundle worker-7
	kpki node-bundle --bootstrap --reissue --out tokened "${more[@]}"
	install_bundle worker-7 tokened/worker-7
	# Its Secret was never applied, and nobody asks for it.
	start_kubelet worker-7
	await 60 is_ready worker-7
	[ -e nodes/worker-7/etc/kubernetes/bootstrap-kubelet.conf ]
	is "$(kubectl get csr | grep -e "$(id_of worker-7)" -e worker-7)" ''
}

@test "a bundle of another authority trusts no API server of this one" {
	kpki init-ca --dir other --server https://api.demo.example:6443
	kpki node-bundle --dir other --bootstrap worker-6 --out others \
		--kubelet-config-base "$data/kubelet.yaml"
	install_bundle worker-6 others/worker-6
	start_kubelet worker-6
	await 90 grep -h 'x509: certificate signed by unknown authority' \
		"$log/worker-6.log"
}
