#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kill -9 and failing calls in the middle of kpki ledger import: before each
# state-changing system call with KPKI_FAULT_ALL, before a sample otherwise.

load fault

run=(ledger import bundles --json)

# The ledger is lost, the bundles are there.
begin()
{
	fresh_full
	rm -f pki/ledger.db*
}

# Whole, with all that there is, or not there at all.
check_all_or_nothing()
{
	[[ -e pki/ledger.db ]] || return 0
	look after || return
	[[ $(jq '[.items[] | select(.status == "live")] | length' list.json) \
		== 7 ]] || fault "a ledger with less than all"
}

check_done()
{
	kpki "${run[@]}" >out 2>err || fault "the next run" || return
	check_all_or_nothing && [[ -e pki/ledger.db ]] || return
	[[ -z $(find pki -name '.kpki-*') ]] || fault "a stage is left"
}

@test "a lost ledger is rebuilt whole, or is still lost" {
	local n at

	begin
	n=$(count_calls "${run[@]}")
	((n > 15)) || fault "only $n calls"
	for at in $(points "$n" 25); do
		begin
		halt "$at" "${run[@]}" || true
		where="call $at, $(tail -n 1 calls)"
		check_all_or_nothing && check_done || return
	done
}

# What its last writer left unfinished is of pages that are not there any more.
@test "the journal of a lost ledger is not rolled back into the new one" {
	local n at found=

	fresh_full
	n=$(count_calls node-bundle more --quiet)
	for ((at = 1; at <= n; at++)); do
		fresh_full
		halt "$at" node-bundle more --quiet || true
		[[ -s pki/ledger.db-journal ]] || continue
		where="call $at, $(tail -n 1 calls)"
		found=1
		rm -r pki/ledger.db bundles/more 2>/dev/null || [[ ! -e pki/ledger.db ]]
		check_done || return
	done
	[[ $found ]] || fault "no journal was left"
}

@test "an import into a ledger that is there is all or nothing" {
	local n at

	begin_empty()
	{
		fresh
		cp -a "$templates/full-bundles" bundles
	}

	begin_empty
	n=$(count_calls "${run[@]}")
	for at in $(points "$n" 15); do
		begin_empty
		halt "$at" "${run[@]}" || true
		where="call $at, $(tail -n 1 calls)"
		look after || return
		[[ $(wc -l <after) == [17] ]] ||
			fault "some of them, and not all" || return
		check_done || return
	done
}

@test "a call that fails leaves no ledger, and the next run succeeds" {
	local call

	for call in renameat2 fsync syncfs mkdirat pwrite64 flock; do
		begin
		where="$call fails"
		strace -qq -f -o /dev/null -e trace="$call" \
			-e inject="$call:error=EIO:when=1" \
			"$KPKI" "${run[@]}" >out 2>err &&
			[[ $call == fsync || $call == syncfs ]] && continue
		[[ ! -e pki/ledger.db ]] || look after || return
		check_done || return
	done
}
