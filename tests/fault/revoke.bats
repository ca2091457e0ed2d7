#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kill -9 and failing calls in the middle of kpki revoke and kpki crl: before
# each state-changing system call with KPKI_FAULT_ALL, before a sample
# otherwise.

load fault

run=(revoke n1 n2 --reason keyCompromise --out expel.sh --json)

# All of both nodes, or nothing.
check_all_or_nothing()
{
	local n

	look after || return
	n=$(grep -c ' revoked$' after)
	[[ $n == 0 || $n == 4 ]] || fault "$n are revoked"
}

@test "both nodes are revoked, or none" {
	local n at

	fresh_full
	n=$(count_calls "${run[@]}")
	((n > 10)) || fault "only $n calls"
	for at in $(points "$n" 30); do
		fresh_full
		halt "$at" "${run[@]}" || true
		where="call $at, $(tail -n 1 calls)"
		check_all_or_nothing || return
		kpki "${run[@]}" >out 2>err || fault "the next run" || return
		check_all_or_nothing || return
		[[ $(grep -c ' revoked$' after) == 4 ]] ||
			fault "not revoked" || return
		[[ $(grep -c '^kubectl' expel.sh) == 2 ]] ||
			fault "not the commands" || return
	done
}

# What the next command finishes was revoked as a whole.
@test "a list is the old one or the new one" {
	local n at

	fresh_full
	kpki crl --quiet --out list
	cp list "$scratch/list"
	kpki revoke n1 --quiet 2>/dev/null
	n=$(count_calls crl --quiet --out list)
	for at in $(points "$n" 20); do
		cp "$scratch/list" list
		halt "$at" crl --quiet --out list || true
		where="call $at, $(tail -n 1 calls)"
		openssl crl -in list -noout -CAfile pki/ca.crt 2>err ||
			fault "not a whole list" || return
		kpki crl --quiet --out list 2>err || fault "the next run" ||
			return
		[[ $(openssl crl -in list -noout -text | grep -c Serial) == 2 ]] ||
			fault "not the new list" || return
	done
}

@test "a call that fails revokes nothing, or all" {
	local call

	for call in fdatasync pwrite64 flock fsync openat; do
		fresh_full
		where="$call fails"
		strace -qq -f -o /dev/null -e trace="$call" \
			-e inject="$call:error=EIO:when=3+" \
			"$KPKI" "${run[@]}" >out 2>err || true
		rm -f expel.sh
		check_all_or_nothing || return
		kpki "${run[@]}" >out 2>err || fault "the next run" || return
	done
}
