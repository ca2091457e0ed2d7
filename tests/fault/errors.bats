#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# System calls that fail, and disks that are full: the run says so and exits 1,
# and the next one completes the work.

load fault

batch=(node-bundle --inventory nodes --jobs 1 --quiet)

# `inject CALL ERROR N COMMAND…`: the N-th call of that name fails, counted in
# each thread.
inject()
{
	local call=$1 error=$2 n=$3

	shift 3
	strace -f -qq -o trace -e trace="$call" \
		-e inject="$call:error=$error:when=$n" "$KPKI" "$@" >out 2>err
}

# How often one thread makes the call at most.
count_of()
{
	local call=$1

	shift
	strace -f -qq -o trace -e trace="$call" "$KPKI" "$@" >out 2>err
	cut -d ' ' -f 1 trace | sort | uniq -c |
		awk '$1 > most { most = $1 } END { print most + 0 }'
}

# `fail_everywhere CALL ERROR SAMPLE PREPARE TIMES COMMAND…`
fail_everywhere()
{
	local call=$1 error=$2 sample=$3 prepare=$4 times=$5 n at status

	shift 5
	$prepare
	n=$(count_of "$call" "$@")
	((n > 0)) || fault "$call is never called"
	for at in $(points "$n" "$sample"); do
		$prepare
		status=0
		inject "$call" "$error" "$at" "$@" || status=$?
		where="$call $at fails with $error: kpki $*"
		grep -q INJECTED trace || fault "nothing was injected"
		# What only tidies up, or looks, may fail unnoticed.
		[[ $status == 1 || $status == 0 ]] || fault "status $status"
		((status == 0)) || grep -q . err || fault "no word about it"
		after_fault
		converged "$times" "$@"
		all_published ''
	done
}

must_notice()
{
	local call=$1 n status=0

	fresh
	n=$(count_of "$call" "${batch[@]}")
	fresh
	inject "$call" EIO 1+ "${batch[@]}" || status=$?
	where="$call always fails with EIO"
	[[ $status == 1 ]] || fault "status $status after $n failures"
	grep -q . err || fault "no word about it"
	after_fault
	[[ ! $(grep '^issued .* live' before | grep -v ' ca ') ]] ||
		[[ $call == renameat2 || $call == fsync ]] ||
		fault "something was issued"
	converged 1 "${batch[@]}"
	all_published ''
}

@test "syncfs fails" { must_notice syncfs; }
@test "fdatasync fails" { must_notice fdatasync; }
@test "writev fails" { must_notice writev; }
@test "mkdirat fails" { must_notice mkdirat; }
@test "symlinkat fails" { must_notice symlinkat; }

@test "one syncfs fails" { fail_everywhere syncfs EIO 5 fresh 1 "${batch[@]}"; }
@test "one fsync fails" { fail_everywhere fsync EIO 5 fresh 1 "${batch[@]}"; }
@test "one fdatasync fails" {
	fail_everywhere fdatasync EIO 16 fresh 1 "${batch[@]}"
}
@test "one renameat2 fails" {
	fail_everywhere renameat2 EIO 8 fresh 1 "${batch[@]}"
	fail_everywhere renameat2 EACCES 3 fresh_full 2 "${batch[@]}" \
		--reissue --issued-before "$(<"$templates/moment")"
}
@test "one write fails" {
	fail_everywhere writev ENOSPC 8 fresh 1 "${batch[@]}"
	fail_everywhere pwrite64 ENOSPC 16 fresh 1 "${batch[@]}"
}
@test "one openat fails" {
	fail_everywhere openat EMFILE 30 fresh 1 "${batch[@]}"
}
@test "one mkdirat fails" {
	fail_everywhere mkdirat ENOSPC 10 fresh 1 "${batch[@]}"
}
@test "one unlinkat fails" {
	fail_everywhere unlinkat EIO 10 fresh 1 "${batch[@]}"
}
@test "one flock fails" {
	fail_everywhere flock ENOLCK 8 fresh 1 "${batch[@]}"
}

@test "what fails while recovering" {
	local at call n

	for call in renameat2 fsync fdatasync unlinkat; do
		halt_before_publishing
		n=$(count_of "$call" "${batch[@]}")
		for at in $(points "$n" 4); do
			halt_before_publishing
			inject "$call" EIO "$at" "${batch[@]}" || true
			where="$call $at fails while recovering"
			after_fault
			converged 1 "${batch[@]}"
			all_published ''
		done
	done
}

# Everything is recorded, and the first bundle is about to be renamed; the
# renames before it are the probe's.
halt_before_publishing()
{
	local at

	fresh
	count_calls "${batch[@]}" >/dev/null
	at=$(awk '$2 == "renameat2" && ++n == 3 { print $1 }' calls)
	fresh
	halt "$at" "${batch[@]}" || true
	[[ $(tail -n 1 calls) == "$at renameat2" ]] || fault "$(tail -n 1 calls)"
}

@test "files may not grow beyond a limit" {
	local limit status

	for limit in 0 1 8 44; do
		fresh
		status=0
		(ulimit -f $limit && exec "$KPKI" "${batch[@]}") >out 2>err ||
			status=$?
		where="ulimit -f $limit"
		[[ $status == 1 ]] || fault "status $status"
		after_fault
		converged 1 "${batch[@]}"
		all_published ''
	done
}

# In a mount namespace, on a disk of so many KiB that is enlarged afterwards.
full_disk()
{
	local batch=(node-bundle --inventory nodes --jobs 1 --quiet) status=0

	mkdir disk
	mount -t tmpfs -o "size=$1k,mode=700" tmpfs disk
	cp -a pki nodes disk
	cd disk || return
	"$KPKI" "${batch[@]}" >out 2>err || status=$?
	[[ $status == 0 || $status == 1 ]] || fault "status $status"
	mount -o remount,size=64m .
	after_fault
	converged 1 "${batch[@]}"
	all_published ''
	[[ $status == 0 ]] || touch "$failed"
}

@test "a full disk" {
	local kib

	unshare -Urm true || skip "no user and mount namespaces here"
	export failed=$scratch/failed
	for kib in 112 128 144 176 208 256; do
		fresh
		export where="a disk of $kib KiB"
		export KPKI templates tools ledger_check all
		unshare -Urm bash -ec "$(declare -f); full_disk $kib"
	done
	[[ -e $failed ]] || fault "no disk was small enough"
}
