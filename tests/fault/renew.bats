#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kill -9 in the middle of kpki renew: before each state-changing system call
# with KPKI_FAULT_ALL, before a sample otherwise.

load fault

@test "nodes are renewed once, and what is published is live" {
	local n at node run=(renew --expiring 2y --quiet)

	fresh_full
	n=$(count_calls "${run[@]}")
	((n > 30)) || fault "only $n calls"
	for at in $(points "$n" 20); do
		fresh_full
		halt "$at" "${run[@]}" || true
		where="call $at, $(tail -n 1 calls)"
		# a day later nothing that was renewed is due any more
		kpki renew --expiring 300d --quiet >out 2>err ||
			fault "the next run" || return
		kpki node-bundle more --quiet || fault "the next writer" || return
		look after || return
		for node in n1 n2 n3; do
			[[ $(grep -c " kubelet-client $node .* live\$" after) == 1 ]] ||
				fault "$node: not one live certificate" || return
			[[ -e renewals/$node ]] || continue
			openssl verify -CAfile pki/ca.crt \
				"renewals/$node/var/lib/kubelet/pki/kubelet.crt" \
				>/dev/null || fault "$node: not whole" || return
		done
		[[ -z $(find renewals -name '.kpki-*' 2>/dev/null) ]] ||
			fault "a stage is left" || return
	done
}

@test "the CA is the old one or the new one, and the ledger says which" {
	local n at run=(renew --ca --same-key --validity 20y --quiet)

	fresh_full
	n=$(count_calls "${run[@]}")
	((n > 15)) || fault "only $n calls"
	for at in $(points "$n" 25); do
		fresh_full
		halt "$at" "${run[@]}" || true
		where="call $at, $(tail -n 1 calls)"
		openssl verify -CAfile pki/ca.crt \
			bundles/n1/var/lib/kubelet/pki/kubelet.crt \
			>/dev/null || fault "no CA" || return
		# what was recorded is finished by the next writer
		kpki node-bundle more --quiet || fault "the next writer" || return
		look after || return
		[[ $(kpki list --profile ca --json | jq -r '.items[] |
			select(.status == "live") | .serial') == "$(
			openssl x509 -in pki/ca.crt -noout -serial |
				cut -d = -f 2 | tr A-F a-f)" ]] ||
			fault "ca.crt is not the live one" || return
		[[ -z $(find pki -name '.kpki-*') ]] ||
			fault "a stage is left" || return
	done
}

@test "certificates for the same keys have their files, or are not issued" {
	local n at run=(renew --same-key --expiring 2y --quiet)

	fresh_full
	n=$(count_calls "${run[@]}")
	for at in $(points "$n" 20); do
		fresh_full
		halt "$at" "${run[@]}" || true
		where="call $at, $(tail -n 1 calls)"
		kpki node-bundle more --quiet || fault "the next writer" || return
		look after || return
		[[ $(grep -c ' superseded$' after) == \
			"$(($(find renewals -name '*.yaml' 2>/dev/null |
				wc -l) * 2))" ]] ||
			fault "rows without files" || return
	done
}
