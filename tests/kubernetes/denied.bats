#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Tokens that are not good.  No controller manager runs, whose tokencleaner
# would be a second reason.

load cluster

setup_file()
{
	new_cluster bootstrap && start_api_server &&
		kpki rbac | kubectl apply -f -
}

teardown_file()
{
	end_cluster
}

# A request with the token in a manifest: FILE
asks()
{
	kpki bootstrap-kubeconfig --token-from "$1" >asks.conf &&
		timeout 30 "$bin/kubectl" --kubeconfig asks.conf get csr
}

@test "a token is good for what it is for" {
	kpki token --out good.yaml
	kubectl apply -f good.yaml
	await 20 asks good.yaml
	fails_with 'cannot list resource "secrets"' "$bin/kubectl" \
		--kubeconfig asks.conf get secrets
}

@test "a token after its Secret is deleted is refused" {
	local name

	name=$(kubectl delete -f good.yaml -o name)
	await 20 is_refused good.yaml
	has "$(<"$log/kube-apiserver.log")" \
		"No secret of name ${name#secret/} to match bootstrap bearer token"
}

is_refused()
{
	fails_with 'You must be logged in to the server (Unauthorized)' \
		asks "$1"
}

@test "an expired token is refused" {
	kpki token --ttl 8s --out short.yaml
	kpki bootstrap-kubeconfig --token-from short.yaml --out short.conf
	kubectl apply -f short.yaml
	await 6 "$bin/kubectl" --kubeconfig short.conf get csr
	# What was good stays so for 10 s more (the cache of good tokens).
	await 40 fails_with 'You must be logged in to the server (Unauthorized)' \
		"$bin/kubectl" --kubeconfig short.conf get csr
	has "$(<"$log/kube-apiserver.log")" 'Expired bootstrap token in kube-system/'
}

@test "a token that may only sign does not log in" {
	kpki token --usage signing --out sign.yaml
	kubectl apply -f sign.yaml
	sed 's/usage-bootstrap-signing/usage-bootstrap-authentication/' \
		sign.yaml >asked.yaml
	await 20 is_refused asked.yaml
	has "$(<"$log/kube-apiserver.log")" \
		'not marked usage-bootstrap-authentication=true'
}
