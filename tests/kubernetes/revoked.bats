#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What takes effect of kpki revoke: the certificate goes on being accepted, and
# what its name may do is taken away by the commands of --out.

load cluster

setup_file()
{
	# no controller manager: the role "view" stays empty without one
	new_cluster bootstrap && start_api_server &&
		kpki rbac | kubectl apply -f - && write_admin
}

teardown_file()
{
	end_cluster
}

# A kubectl of the admin's, for a shell that knows nothing of this file.
write_admin()
{
	mkdir admin-bin
	declare -f kubectl | sed 's/^kubectl ()/run_it()/' >admin-bin/kubectl
	{
		echo '#!/bin/bash'
		echo "cd '$work'; bin='$bin'"
		cat admin-bin/kubectl
		echo 'run_it "$@"'
	} >admin-bin/new
	mv admin-bin/new admin-bin/kubectl
	chmod +x admin-bin/kubectl
}

expel()
{
	PATH=$work/admin-bin:$PATH sh -eu "$1"
}

as() # KUBECONFIG ARGUMENT...
{
	local conf=$1

	shift
	timeout 30 "$bin/kubectl" --kubeconfig "$conf" "$@"
}

@test "a user whose certificate is revoked loses the binding, and not the name" {
	kpki kubeconfig alice --out alice.conf --print-rbac cluster-admin |
		kubectl apply -f -
	kpki kubeconfig bob --out bob.conf --print-rbac cluster-admin |
		kubectl apply -f -
	await 20 as alice.conf get pods
	kpki revoke alice --out expel-alice.sh
	# kube-apiserver reads no revocation list
	as alice.conf get pods
	expel expel-alice.sh
	await 20 fails_with 'User "alice" cannot list resource "pods"' \
		as alice.conf get pods
	as bob.conf get pods
	# and there is nothing left to do
	expel expel-alice.sh
}

@test "a node that is revoked loses its Node and its token" {
	kpki node-bundle worker-1 --address 10.0.0.11
	kpki token --node worker-1
	kubectl apply -f tokens/worker-1.yaml
	kubectl apply -f - <<-END
		apiVersion: v1
		kind: Node
		metadata:
		  name: worker-1
	END
	kpki bootstrap-kubeconfig --token-from tokens/worker-1.yaml \
		--out token.conf
	await 20 as token.conf get csr
	kpki revoke worker-1 --reason cessationOfOperation --out expel-node.sh
	expel expel-node.sh
	fails_with 'nodes "worker-1" not found' kubectl get node worker-1
	await 40 fails_with 'You must be logged in to the server' \
		as token.conf get csr
	expel expel-node.sh
}
