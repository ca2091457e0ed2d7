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
	n=$(grep -c ' revoked$' after) || :
	[[ $n == 0 || $n == 4 ]] || fault "$n are revoked"
}

check_revoked()
{
	check_all_or_nothing
	kpki "$@" >out 2>err || fault "the next run"
	check_all_or_nothing
	[[ $(grep -c ' revoked$' after) == 4 ]] || fault "not revoked"
	[[ $(grep -c '^kubectl' expel.sh) == 2 ]] || fault "not the commands"
}

@test "both nodes are revoked, or none" {
	halt_everywhere 30 fresh_full check_revoked "${run[@]}"
}

old_list()
{
	cp "$scratch/list" list
}

check_list()
{
	openssl crl -in list -noout -CAfile pki/ca.crt 2>err ||
		fault "not a whole list"
	kpki "$@" 2>err || fault "the next run"
	[[ $(openssl crl -in list -noout -text | grep -c Serial) == 2 ]] ||
		fault "not the new list"
}

# What the next command finishes was revoked as a whole.
@test "a list is the old one or the new one" {
	fresh_full
	kpki crl --quiet --out list
	cp list "$scratch/list"
	kpki revoke n1 --quiet 2>/dev/null
	halt_everywhere 20 old_list check_list crl --quiet --out list
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
