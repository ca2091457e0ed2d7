#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kill -9 and failing calls in the middle of kpki sign: before each
# state-changing system call with KPKI_FAULT_ALL, before a sample otherwise.

load fault

run=(sign n1.csr n2.csr n3.csr --inventory nodes --out signed --json)

make_requests()
{
	local node

	for node in n1 n2 n3; do
		openssl req -new -nodes -newkey ec \
			-pkeyopt ec_paramgen_curve:P-256 -keyout "$node.key" \
			-subj "/O=system:nodes/CN=system:node:$node" \
			-addext extendedKeyUsage=clientAuth \
			-out "$node.csr" 2>/dev/null || return
	done
	mkdir "$scratch/requests" && mv n?.csr n?.key "$scratch/requests"
}

begin()
{
	fresh
	[[ -e $scratch/requests ]] || make_requests || fault "no requests" ||
		return
	cp "$scratch"/requests/* .
}

# What is there is whole, and is what the ledger has live.
check_signed()
{
	local node file

	for node in n1 n2 n3; do
		file=signed/$node.kubelet-client.crt
		[[ -e $file ]] || [[ ${1-} != all ]] || fault "$file: missing" ||
			return
		[[ -e $file ]] || continue
		openssl verify -CAfile pki/ca.crt "$file" >/dev/null ||
			fault "$file: not whole" || return
		[[ $(kpki list --node "$node" --live --json |
			jq -r '.items[].serial') == "$(openssl x509 -in "$file" \
			-noout -serial | cut -d = -f 2 | tr A-F a-f)" ]] ||
			fault "$file: not the live certificate" || return
	done
	[[ $(find signed -name '*.crt' 2>/dev/null | wc -l) == \
		"$(find signed -type f ! -name '.kpki-draft-*' 2>/dev/null |
			wc -l)" ]] || fault "something else is in there"
}

signed_once_more() # TIMES COMMAND…
{
	kpki "${@:2}" >out 2>err || fault "the next run"
	look after
	check_signed all
	[[ $(kpki list --all --json | jq '[.items[] |
		select(.profile == "kubelet-client")] | length') == $((3 * $1)) ]] ||
		fault "something was signed twice"
}

check_once()
{
	look before
	check_signed
	signed_once_more 1 "$@"
}

@test "requests" {
	halt_everywhere 25 begin check_once "${run[@]}"
}

begin_signed()
{
	begin
	rm -rf pki
	cp -a "$scratch"/pki "$scratch"/signed .
}

check_twice()
{
	look before
	signed_once_more 2 "$@"
}

@test "requests that take the place of others" {
	begin
	kpki "${run[@]}" >out
	cp -a pki signed "$scratch"
	rm -r "$scratch/requests"
	make_requests
	halt_everywhere 20 begin_signed check_twice "${run[@]}" --reissue
}

# The first of many openats are the loader's; those that matter come later.
@test "calls that fail" {
	local call n n_failed=0

	for call in fsync:EIO fdatasync:EIO linkat:EIO mkdirat:ENOSPC \
		openat:EIO pwrite64:ENOSPC writev:ENOSPC; do
		for n in 1 2 3 4 6 9 14 21 30 40; do
			begin
			where="$call, $n"
			strace -f -qq -o trace -e trace="${call%:*}" \
				-e signal=none \
				-e inject="${call%:*}:error=${call#*:}:when=$n" \
				"$KPKI" "${run[@]}" >out 2>err ||
				n_failed=$((n_failed + 1))
			grep -q INJECTED trace || break
			jq -e '.items | length | . == 0 or . == 3' out ||
				fault "a report of some"
			check_once "${run[@]}"
		done
	done
	((n_failed > 20)) || fault "only $n_failed runs failed"
}
