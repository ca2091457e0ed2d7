#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Power cuts: a file system stops while kpki writes to it, without its journal
# written out, and is mounted again.

load fault

# Needs an ext4 of its own, hence root and a loop device; a container may have
# neither.
setup()
{
	templates=$scratch/templates
	mkdir "$scratch/$BATS_TEST_NUMBER"
	cd "$scratch/$BATS_TEST_NUMBER" || return
	device=
	truncate -s 32M image
	mkfs.ext4 -q image
	mkdir disk
	((UID == 0)) || skip "not root: no power can be cut"
	device=$(losetup --find --show image 2>/dev/null) ||
		skip "no loop device: no power can be cut"
	mount "$device" disk 2>/dev/null ||
		skip "mounting is not allowed: no power can be cut"
	export KPKI_DIR=disk/pki
}

teardown()
{
	umount disk 2>/dev/null || true
	[[ -z $device ]] || losetup --detach "$device"
	cd / && rm -rf "${scratch:?}/$BATS_TEST_NUMBER"
}

# The checker finds everything in its usual place; reports go where power is
# never cut.
prepare()
{
	rm -rf disk/* disk/.kpki-* pki bundles unpacked
	cp "$templates/nodes" .
	ln -s disk/bundles .
	if [[ $1 == apart ]]; then
		cp -a "$templates/empty" pki
	else
		ln -s disk/pki .
	fi
	[[ ! -e $templates/$1 ]] || cp -a "$templates/$1" disk/pki
	[[ $1 != full ]] || cp -a "$templates/full-bundles" disk/bundles
	sync -f disk
}

power_off()
{
	"$power_cut" disk || fault "the power was not cut"
}

# The disk comes back under another device number, as it may after a reboot.
power_on()
{
	local old=$device

	umount disk
	device=$(losetup --find --show image)
	losetup --detach "$old"
	mount "$device" disk
}

# `cut_at N COMMAND…`
cut_at()
{
	local n=$1

	shift
	"$tools/halt" -n "$n" -o calls -x "'$power_cut' disk" "$KPKI" "$@" \
		>out 2>err && power_off
	cp out reported
	power_on
}

batch=(node-bundle --inventory nodes --jobs 1 --out disk/bundles)

# The first numbers are every one from the sync to the publishing.
chosen_points()
{
	local n

	n=$(wc -l <calls)
	{
		points "$n" "$1"
		awk '$2 == "syncfs" { at = 1 }
			at { print $1 }
			at && $2 == "fsync" { exit }' calls |
			shuf ${all:+-n 1000} ${all:--n "$1"}
	} | sort -nu
}

# `cut_everywhere SAMPLE TIMES TEMPLATE COMMAND…`
cut_everywhere()
{
	local sample=$1 times=$2 template=$3 at

	shift 3
	prepare "$template"
	count_calls "$@" >/dev/null
	for at in $(chosen_points "$sample"); do
		prepare "$template"
		cut_at "$at" "$@" || true
		where="power cut at call $at, $(tail -n 1 calls): kpki $*"
		after_fault
		check_reported "$times"
		converged "$times" "$@"
		all_published ''
	done
}

@test "while bundles are made" {
	cut_everywhere 8 1 empty "${batch[@]}"
}

@test "while bundles are issued anew" {
	cut_everywhere 8 2 full "${batch[@]}" --reissue \
		--issued-before "$(<"$templates/moment")"
}

# The ledger is where power is never cut, so that its own syncs do not carry the
# bundles along.
@test "while bundles are made on another disk" {
	export KPKI_DIR=pki
	cut_everywhere 8 1 apart "${batch[@]}"
}

@test "when everything was reported" {
	local template

	for template in empty apart; do
		prepare $template
		[[ $template != apart ]] || export KPKI_DIR=pki
		where="power cut at the end, $template"
		kpki "${batch[@]}" >reported
		power_off
		is "$(grep -c ^issued reported)" 3
		power_on
		after_fault
		check_reported 1
		all_published ''
		kpki "${batch[@]}" >reported
		is "$(grep -c ^unchanged reported)" 3
		converged 1 "${batch[@]}"
	done
}

@test "while a stream is sent" {
	local stream=(node-bundle --inventory nodes --jobs 1 --format tar
		--out -) at

	prepare empty
	count_calls "${stream[@]}" >/dev/null
	for at in $(chosen_points 6); do
		prepare empty
		cut_at "$at" "${stream[@]}" || true
		where="power cut at call $at, $(tail -n 1 calls): a stream"
		look before
		kpki "${stream[@]}" >again.tar 2>err || fault "the next run"
		look after
		check_ledgers 1
		check_tidy
		# All of it came, now or before.
		unpack again.tar unpacked
		[[ -e unpacked/n1 ]] || unpack reported unpacked
		check_bundles after live n1 unpacked/n1 n2 unpacked/n2 \
			n3 unpacked/n3
	done
}

@test "while recovering from a power cut" {
	local at again n

	prepare empty
	count_calls "${batch[@]}" >/dev/null
	for at in $(chosen_points 2 | shuf ${all:--n 2}); do
		prepare empty
		cut_at "$at" "${batch[@]}" || true
		n=$(count_calls "${batch[@]}")
		for again in $(points "$n" 4); do
			prepare empty
			cut_at "$at" "${batch[@]}" || true
			cut_at "$again" "${batch[@]}" || true
			where="power cut at call $at, and $again of the next"
			after_fault
			check_reported 1
			converged 1 "${batch[@]}"
			all_published ''
		done
	done
}

@test "at any moment of a larger batch" {
	local round times=3 pid

	[[ ! $all ]] || times=30
	for ((round = 0; round < times; round++)); do
		prepare empty
		seq -f 'w%g' 300 >nodes
		kpki "${batch[@]}" --jobs 2 >out 2>err &
		pid=$!
		sleep "0.$(printf %03d $((RANDOM % 400)))"
		power_off
		wait $pid || true
		cp out reported
		power_on
		where="power cut in round $round"
		after_fault
		check_reported 1
		converged 1 "${batch[@]}"
		all_published ''
	done
}

@test "while a PKI directory is born" {
	local n at before

	prepare birth
	n=$(count_calls init-ca)
	for at in $(points "$n" 8) $n; do
		prepare birth
		cut_at "$at" init-ca || true
		where="power cut at call $at, $(tail -n 1 calls): init-ca"
		before=
		[[ ! -e disk/pki ]] || before=$(<disk/pki/ca.crt)
		kpki init-ca >out 2>err || fault "the next run"
		look after
		check_tidy
		"$tools/pair_check" pki/ca.crt pki/ca.key >serial ||
			fault "the CA's key"
		grep -q "^issued 1 ca - $(<serial) live$" after ||
			fault "not in the ledger"
		[[ -z $before || $before == "$(<disk/pki/ca.crt)" ]] ||
			fault "another CA"
	done
}
