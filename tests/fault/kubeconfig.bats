#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kill -9 while a kubeconfig is made: before each state-changing system call
# with KPKI_FAULT_ALL, before a sample of them otherwise.

load fault

one=(kubeconfig alice --group dev --quiet)

# The certificate in the file is the ledger's one live row of it.
check_file()
{
	local serial

	[[ $(mode alice.kubeconfig) == 600 ]] || fault "its mode" || return
	serial=$(sed -nE 's/.*client-certificate-data: "(.*)"/\1/p' \
		alice.kubeconfig | base64 -d | openssl x509 -noout -serial)
	[[ $(jq -r '.items[] | select(.node == "alice" and .status == "live") |
		.serial | ascii_upcase' list.json) == "${serial#*=}" ]] ||
		fault "the file has not the live certificate"
}

check_kubeconfig()
{
	look before
	[[ ! -e alice.kubeconfig ]] ||
		grep -q '^current-context' alice.kubeconfig ||
		fault "not whole"
	kpki "$@" >out 2>err || fault "the next run"
	look after
	check_file
	check_tidy
}

@test "a kubeconfig" {
	halt_everywhere 30 fresh check_kubeconfig "${one[@]}"
	[[ $(jq '[.items[] | select(.node == "alice")] | length' list.json) == 1 ]]
}

@test "one that takes the place of another" {
	fresh
	kpki "${one[@]}"
	mkdir "$scratch/issued"
	cp -a pki alice.kubeconfig "$scratch/issued"
	prepare()
	{
		fresh
		rm -rf pki
		cp -a "$scratch/issued"/* .
	}
	halt_everywhere 30 prepare check_kubeconfig "${one[@]}" --reissue
}

# The three certificates of each bundle are its node's live ones.
check_with_proxy()
{
	local node rest serials

	while read -r node rest; do
		serials=$(for file in \
			bundles/$node/var/lib/kubelet/pki/{kubelet-client-current.pem,kubelet.crt}; do
			openssl x509 -in "$file" -noout -serial
		done && sed -nE 's/.*client-certificate-data: "(.*)"/\1/p' \
			"bundles/$node/etc/kubernetes/kube-proxy.conf" |
			base64 -d | openssl x509 -noout -serial)
		[[ $(sort <<<"${serials//serial=/}") == "$(jq -r \
			--arg node "$node" '.items[] | select(.node == $node
			and .status == "live") | .serial | ascii_upcase' \
			list.json | sort)" ]] ||
			fault "$node: not its live certificates" || return
	done <nodes
}

check_batch()
{
	look before
	kpki "$@" >out 2>err || fault "the next run"
	look after
	check_with_proxy
	check_tidy
}

@test "a batch of bundles with kube-proxy" {
	halt_everywhere 30 fresh check_batch node-bundle --inventory nodes \
		--with-kube-proxy --jobs 1 --quiet
}
