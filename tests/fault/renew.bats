#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kill -9 in the middle of kpki renew: before each state-changing system call
# with KPKI_FAULT_ALL, before a sample otherwise.

load fault

no_stage_left() # DIRECTORY
{
	[[ -z $(find "$1" -name '.kpki-*' 2>/dev/null) ]] ||
		fault "a stage is left"
}

# A day later nothing that was renewed is due any more.
check_bundles_renewed()
{
	local node

	kpki renew --expiring 300d --quiet >out 2>err || fault "the next run"
	kpki node-bundle more --quiet || fault "the next writer"
	look after
	for node in n1 n2 n3; do
		[[ $(grep -c " kubelet-client $node .* live\$" after) == 1 ]] ||
			fault "$node: not one live certificate"
		[[ -e renewals/$node ]] || continue
		openssl verify -CAfile pki/ca.crt \
			"renewals/$node/var/lib/kubelet/pki/kubelet.crt" \
			>/dev/null || fault "$node: not whole"
	done
	no_stage_left renewals
}

@test "nodes are renewed once, and what is published is live" {
	halt_everywhere 20 fresh_full check_bundles_renewed \
		renew --expiring 2y --quiet
}

# Of --ca --same-key; what was recorded is finished by the next writer.
check_ca()
{
	openssl verify -CAfile pki/ca.crt \
		bundles/n1/var/lib/kubelet/pki/kubelet.crt >/dev/null ||
		fault "no CA"
	kpki node-bundle more --quiet || fault "the next writer"
	look after
	[[ $(kpki list --profile ca --json | jq -r '.items[] |
		select(.status == "live") | .serial') == "$(
		openssl x509 -in pki/ca.crt -noout -serial |
			cut -d = -f 2 | tr A-F a-f)" ]] ||
		fault "ca.crt is not the live one"
	no_stage_left pki
}

@test "the CA is the old one or the new one, and the ledger says which" {
	halt_everywhere 25 fresh_full check_ca \
		renew --ca --same-key --validity 20y --quiet
}

check_same_keys()
{
	kpki node-bundle more --quiet || fault "the next writer"
	look after
	[[ $(grep -c ' superseded$' after) == \
		"$(($(find renewals -name '*.yaml' 2>/dev/null |
			wc -l) * 2))" ]] || fault "rows without files"
}

@test "certificates for the same keys have their files, or are not issued" {
	halt_everywhere 20 fresh_full check_same_keys \
		renew --same-key --expiring 2y --quiet
}
