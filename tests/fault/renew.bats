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

# A host of the control plane and its administrator, who are due.
fresh_host()
{
	if [[ ! -e $scratch/host ]]; then
		fresh
		cat >>pki/cluster.yaml <<-END
			controlPlane:
			  hosts:
			    - name: cp-1
			      addresses: [10.0.0.101]
		END
		kpki control-plane --quiet --validity 20d
		mkdir "$scratch/host"
		cp -a pki control-plane "$scratch/host"
	fi
	rm -rf ./*
	cp -a "$scratch/host/." .
}

# What was recorded is finished by the next run, and nothing is due any more.
check_host_renewed()
{
	local tree profile

	kpki "$@" >out 2>err || fault "the next run"
	look after
	kpki list --expiring 30d >out 2>err || fault "something is due"
	[[ $(grep -c '^issued .* live$' after) == 15 ]] ||
		fault "not each live once"
	for tree in cp-1 admin; do
		[[ -d renewals/$tree && -s renewals/${tree}_renewal.txt ]] ||
			fault "$tree: missing"
	done
	for profile in apiserver etcd/server front-proxy-client; do
		"$tools/pair_check" \
			"renewals/cp-1/etc/kubernetes/pki/$profile".{crt,key} \
			>serials || fault "$profile: a key does not fit"
		grep -q " $(<serials) live\$" after ||
			fault "$profile: not the live one"
	done
	no_stage_left renewals
}

@test "a host of the control plane is renewed whole, or not yet" {
	halt_everywhere 20 fresh_host check_host_renewed renew --quiet
}
