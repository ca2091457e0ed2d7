#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# No room: a file system that is full, files that may not grow.

load fault

batch=(node-bundle --inventory nodes --jobs 1)

# A namespace in which one may mount.
mounting()
{
	unshare --map-root-user --mount true 2>/dev/null ||
		skip "no user namespaces here: nothing can be mounted"
}

# `small DIR ROOM`: a tmpfs of so many KiB, in a namespace of its own that
# already stands.
small()
{
	mount -t tmpfs -o "size=$2k,mode=700" tmpfs "$1"
}

roomy()
{
	mount -o remount,size=64m "$1"
}

# In the namespace, where bats is not: fails by `fault`.
full_bundles()
{
	local room status n_failed=0

	for room in $(points 26 "$1"); do
		fresh
		mkdir bundles
		small bundles $((room * 4))
		status=0
		kpki "${batch[@]}" >out 2>err || status=$?
		where="$((room * 4)) KiB for the bundles"
		((status == 1 || (status == 0 && room > 17))) ||
			fault "status $status" || return
		((n_failed += status))
		after_fault || return
		roomy bundles
		converged 1 "${batch[@]}" && all_published '' || return
		umount bundles
	done
	((n_failed)) || fault "there always was room"
}

# The directory's own name must not be the mount's.
full_pki()
{
	local room status n_failed=0

	for room in $(points 40 "$1"); do
		fresh
		mkdir mounted
		# It holds some 80 KiB when it is empty.
		small mounted $((60 + room * 4))
		if cp -a "$templates/empty/." mounted; then
			rm -rf pki
			ln -s mounted pki
			status=0
			kpki "${batch[@]}" "${@:2}" >out 2>err || status=$?
			where="$((60 + room * 4)) KiB for the PKI directory"
			((status < 2)) || fault "status $status" || return
			((n_failed += status))
			[[ $* == *--out* ]] || after_fault || return
			roomy mounted
			kpki "${batch[@]}" "${@:2}" >out 2>err ||
				fault "the next run: status $?" || return
			look after && check_ledgers 1 && check_tidy || return
		fi
		umount mounted
	done
	((n_failed)) || fault "there always was room"
}

in_namespace()
{
	export -f "$1" small roomy kpki fresh points fault look after_fault \
		converged check_ledgers check_tidy check_published \
		check_bundles check_tree shape_of unpack mode all_published
	export tools ledger_check templates all where KPKI
	unshare --map-root-user --mount bash -c '
		batch=(node-bundle --inventory nodes --jobs 1)
		"$@"' bash "$@"
}

@test "no room for the bundles" {
	mounting
	in_namespace full_bundles 12
}

@test "no room for the ledger" {
	mounting
	in_namespace full_pki 15
}

@test "no room for the spool" {
	mounting
	in_namespace full_pki 15 --format tar --out -
}

@test "files that may not grow" {
	local limit status

	for limit in $(points 120 20); do
		fresh
		status=0
		(
			ulimit -f "$limit"
			kpki "${batch[@]}" --format tar >out 2>err
		) || status=$?
		where="files of at most $limit KiB"
		((status < 2)) || fault "status $status"
		((status == 1 || limit > 12)) || fault "status $status"
		after_fault
		converged 1 "${batch[@]}" --format tar
		all_published .tar
	done
}

@test "no room for a PKI directory" {
	local limit status

	for limit in $(seq 1 8 100); do
		rm -rf pki
		status=0
		(
			ulimit -f "$limit"
			kpki init-ca >out 2>err
		) || status=$?
		where="files of at most $limit KiB"
		((status < 2)) || fault "status $status"
		((status == 0)) || [[ ! -e pki ]] || fault "half a directory"
		check_tidy_parent
		kpki init-ca >out 2>err || fault "the next run"
		look after
	done
}

check_tidy_parent()
{
	[[ -z $(find . -name '.kpki-*') ]] || fault "a stage was left"
}
