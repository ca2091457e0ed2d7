#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Power cuts: a file system that stops at once, with nothing of what it had in
# memory, and comes back by its journal. Wants root and loop devices.

load fault

batch=(node-bundle --inventory nodes --jobs 1)

disk_setup()
{
	image=$scratch/$BATS_TEST_NUMBER.img
	disk=$scratch/$BATS_TEST_NUMBER.disk
	truncate -s 24M "$image"
	mkdir -p "$disk"
	((UID == 0)) && mkfs.ext4 -q -F "$image" &&
		mount -o loop "$image" "$disk" 2>/dev/null ||
		skip "power cuts want root and loop devices"
}

teardown()
{
	cd /
	umount "$disk" 2>/dev/null || true
	rm -rf "$image" "$disk" "${scratch:?}/$BATS_TEST_NUMBER"
}

# A new disk with a PKI directory, everything in it safe on the platter.
new_disk()
{
	cd "$scratch"
	umount "$disk"
	mkfs.ext4 -q -F "$image"
	mount -o loop "$image" "$disk"
	cd "$disk"
	"$1"
	sync -f .
}

# `cut_at N COMMAND…`: the power goes before the N-th call.
cut_at()
{
	local n=$1

	shift
	"$tools/halt" -n "$n" -x "$power_cut $disk" "$KPKI" "$@" \
		>"$scratch/said" 2>/dev/null || true
	cd "$scratch"
	umount "$disk"
	mount -o loop "$image" "$disk"
	cd "$disk"
}

# What was said to be issued is in the ledger and in its place.
promises_kept()
{
	local status node path rest

	while read -r status node path rest; do
		[[ $status == issued ]] || continue
		grep -q "^issued .* kubelet-client $node .* live$" before ||
			fault "$node: was said to be issued" || return
		[[ -e $path ]] || fault "$path: was said to be there" || return
	done <"$scratch/said"
}

# `cut_everywhere SAMPLE TIMES PREPARE COMMAND…`
cut_everywhere()
{
	local sample=$1 times=$2 prepare=$3 n at

	shift 3
	new_disk "$prepare"
	n=$(count_calls "$@")
	for at in $(points "$n" "$sample"); do
		new_disk "$prepare"
		cut_at "$at" "$@"
		where="power cut before call $at: kpki $*"
		after_fault
		promises_kept
		converged "$times" "$@"
		all_published ''
	done
}

@test "a power cut in a batch" {
	disk_setup
	cut_everywhere 25 1 fresh "${batch[@]}"
}

@test "a power cut while issuing anew" {
	disk_setup
	cut_everywhere 20 2 fresh_full "${batch[@]}" --reissue \
		--issued-before "$(<"$templates/moment")"
}

@test "a power cut right after the last word" {
	local n

	disk_setup
	for n in 1 2 3; do
		new_disk fresh
		"$KPKI" "${batch[@]}" >"$scratch/said"
		"$power_cut" "$disk"
		cd "$scratch"
		umount "$disk"
		mount -o loop "$image" "$disk"
		cd "$disk"
		where="power cut after the end, round $n"
		after_fault
		[[ $(grep -c ^issued "$scratch/said") == 3 ]] ||
			fault "not everything was issued"
		promises_kept
		converged 1 "${batch[@]}"
	done
}

@test "a power cut while a PKI directory is born" {
	local n at

	disk_setup
	new_disk fresh
	rm -rf pki
	n=$(count_calls init-ca --quiet)
	for at in $(points "$n" 15); do
		new_disk fresh
		rm -rf pki
		sync -f .
		cut_at "$at" init-ca --quiet
		where="power cut before call $at: kpki init-ca"
		[[ ! -e pki ]] || look before
		kpki init-ca --quiet >out 2>err || fault "the next run"
		look after
		check_tidy
	done
}
