#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Many processes at once: all succeed, and nothing is issued twice.

load fault

# `crowd N COMMAND…`: N at once; {} in an argument is the number of each. The
# statuses go to the file `statuses`.
crowd()
{
	local n=$1 i pids=() pid

	shift
	for ((i = 1; i <= n; i++)); do
		"$KPKI" "${@//\{\}/$i}" >"out.$i" 2>"err.$i" &
		pids+=($!)
	done
	: >statuses
	for pid in "${pids[@]}"; do
		wait "$pid" && echo 0 >>statuses || echo $? >>statuses
	done
	cat out.* >out
	cat err.* >err
	where="$n at once: kpki $*"
	! grep -qv '^0$' statuses || fault "statuses: $(sort statuses | uniq -c)"
}

sound()
{
	: >before
	look after && check_ledgers 1 && check_tidy && check_published after live
}

@test "twenty writers, each with a node of its own" {
	seq -f 'x%g' 20 >nodes
	crowd 20 node-bundle 'x{}' --address '10.0.1.{}' --quiet
	sound
	[[ $(ls bundles | wc -l) == 20 ]]
}

@test "twenty writers of one inventory" {
	local issued

	seq -f 'x%g' 60 >nodes
	crowd 20 node-bundle --inventory nodes
	sound
	issued=$(grep -c ^issued out)
	((issued == 60)) || fault "$issued were issued"
	(($(grep -c ^unchanged out) == 20 * 60 - 60)) || fault "not unchanged"
}

@test "twenty writers of one name" {
	echo same 10.0.0.9 >nodes
	crowd 20 node-bundle --inventory nodes
	sound
	(($(grep -c ^issued out) == 1)) || fault "issued more than once"
}

@test "twenty writers who issue one node anew" {
	local live

	fresh_full
	crowd 20 node-bundle n1 --address 10.0.0.1 --reissue --quiet
	: >before
	look after
	live=$(grep -c '^issued .* kubelet-client n1 .* live$' after)
	((live == 1)) || fault "live $live times"
	check_tidy
	check_published after live
}

@test "twenty authorities in one place" {
	rm -rf pki
	crowd 20 init-ca
	look after
	(($(grep -c '^STATUS *issued' out) == 1)) || fault "more than one"
	[[ $(grep ^PIN out | sort -u | wc -l) == 1 ]] || fault "they differ"
	check_tidy
}

@test "readers among writers" {
	local i pids=()

	seq -f 'x%g' 200 >nodes
	"$KPKI" node-bundle --inventory nodes --quiet &
	pids+=($!)
	for i in 1 2 3 4 5 6 7 8; do
		"$KPKI" list --json >"list.$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || fault "status $?"
	done
	for i in 1 2 3 4 5 6 7 8; do
		jq -e .items "list.$i" >/dev/null || fault "list.$i"
	done
	sound
}

@test "who waits too long says so" {
	local status=0

	flock pki/.lock "$KPKI" node-bundle n1 --lock-timeout 1 >out 2>err ||
		status=$?
	[[ $status == 1 ]] || fault "status $status"
	grep -q lock err || fault "no word of the lock"
	[[ ! -e bundles/n1 ]]
}
