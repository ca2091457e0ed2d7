#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# An authority that another one signs, killed before a state-changing system
# call, in either directory: before each with KPKI_FAULT_ALL, before a sample
# of them otherwise.

load fault

# The root is ./pki, which has issued nothing; the site is not there.
fresh_site()
{
	fresh
	rm -rf site
}

fresh_request()
{
	fresh_site
	kpki -q init-ca --dir site --request --cluster site
}

fresh_answer()
{
	fresh_request
	kpki -q sign --profile subordinate-ca site/ca.csr >answer.crt 2>err
}

serial_of()
{
	openssl x509 -in "$1" -noout -serial | sed 's/.*=//' | tr A-Z a-z
}

# The root's ledger is sound; who was signed has a key; and the site is nothing,
# a request, or whole.
site_after_fault()
{
	look before || return
	if grep -q " subordinate-ca " before && [[ ! -e site/ca.crt ]]; then
		diff <(openssl req -in site/ca.csr -noout -pubkey) \
			<(openssl pkey -in site/ca.key -pubout) ||
			fault "signed, and its key is lost" || return
	fi
	[[ ! -e site/ca.crt ]] || check_site before
}

check_site() # LEDGER
{
	local serial

	serial=$("$tools/pair_check" site/ca.crt site/ca.key) ||
		fault "site: the key does not fit" || return
	[[ $(grep -c " subordinate-ca site " "$1") == 1 ]] ||
		fault "site: not signed once" || return
	grep -q "^issued .* subordinate-ca site $serial live$" "$1" ||
		fault "site: another certificate is recorded" || return
	"$ledger_check" site >own 2>err || fault "site: its ledger" || return
	grep -q "^issued .* ca - $serial live$" own ||
		fault "site: its own entry" || return
	cmp site/ca-chain.crt pki/ca.crt || fault "site: its chain"
}

site_converged()
{
	kpki "$@" >out 2>err || fault "the next run: status $?" || return
	look after && check_site after || return
	[[ -z $(find . -name '.kpki*') && ! -e site/ca.csr ]] ||
		fault "left: $(find . -name '.kpki*')" || return
	kpki "$@" | grep -q unchanged || fault "the run after that"
}

site_everywhere() # SAMPLE LEAST PREPARE COMMAND...
{
	local sample=$1 least=$2 prepare=$3 n at

	shift 3
	$prepare
	n=$(count_calls "$@")
	((n > least)) || fault "only $n calls"
	for at in $(points "$n" "$sample"); do
		$prepare
		halt "$at" "$@" || true
		where="call $at, $(tail -n 1 calls): kpki $*"
		site_after_fault
		site_converged "$@"
	done
}

@test "--issued-by, in both directories" {
	site_everywhere 40 50 fresh_site init-ca --dir site --issued-by pki \
		--cluster site
}

@test "--issued-by of a request" {
	site_everywhere 20 30 fresh_request init-ca --dir site --issued-by pki
}

@test "--complete" {
	site_everywhere 20 20 fresh_answer init-ca --dir site \
		--complete answer.crt
}

@test "many at once sign one authority once" {
	local i

	fresh_site
	for i in {1..8}; do
		kpki init-ca --dir site --issued-by pki --cluster site \
			>"out$i" 2>&1 &
	done
	for i in $(jobs -p); do
		wait "$i" || fault "$(cat out?)"
	done
	site_converged init-ca --dir site --issued-by pki --cluster site
	[[ $(cat out? | grep -c "STATUS  *issued") == 1 ]] ||
		fault "$(cat out?)"
}
