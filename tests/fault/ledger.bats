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

check_rebuilt()
{
	check_all_or_nothing
	check_done
}

@test "a lost ledger is rebuilt whole, or is still lost" {
	halt_everywhere 25 begin check_rebuilt "${run[@]}"
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

begin_empty()
{
	fresh
	cp -a "$templates/full-bundles" bundles
}

check_imported()
{
	look after
	[[ $(wc -l <after) == [17] ]] || fault "some of them, and not all"
	check_done
}

@test "an import into a ledger that is there is all or nothing" {
	halt_everywhere 15 begin_empty check_imported "${run[@]}"
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
