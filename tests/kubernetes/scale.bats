#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Many nodes from one inventory; as many as fit in memory join.

load cluster

n_bundles=100

setup_file()
{
	new_cluster manual && start_api_server
}

teardown_file()
{
	end_cluster
}

@test "nodes from one batch join, as many as fit" {
	local i n

	for ((i = 1; i <= n_bundles; i++)); do
		echo "worker-$i 10.0.0.$((i + 10)) worker-$i.demo.example"
	done >nodes.txt
	kpki node-bundle --inventory nodes.txt
	n=$(n_that_fit)
	for ((i = 1; i <= n; i++)); do
		install_bundle "worker-$i"
		start_kubemark "worker-$i" "$((10250 + i))"
	done
	await 240 n_are_ready "$n"
	echo "# $n of $n_bundles nodes joined and are Ready" >&3
}

# A hollow kubelet takes about 100 MB, and a good part of a second to start on
# one processor; half of the memory is somebody else's.
n_that_fit()
{
	local n limit=${KPKI_KUBERNETES_NODES:-$n_bundles}

	n=$(awk '/^MemAvailable/ { print int($2 / 1024 / 2 / 100) }' \
		/proc/meminfo)
	echo "$((n < limit ? n : limit))"
}

n_are_ready()
{
	local n

	n=$(kubectl get nodes --no-headers | grep -cw Ready)
	echo "$n are Ready"
	((n == $1))
}
