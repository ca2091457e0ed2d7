#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki control-plane, killed before a state-changing system call: before each
# with KPKI_FAULT_ALL, before a sample of them otherwise.

load fault

command=(control-plane --quiet)
hosts=(cp-1 cp-2)

# A PKI directory that has issued nothing, and two hosts.
fresh_hosts()
{
	fresh
	cat >>pki/cluster.yaml <<-END
		controlPlane:
		  hosts:
		    - name: cp-1
		      addresses: [10.0.0.101]
		    - name: cp-2
		      addresses: [10.0.0.102]
	END
}

# The same where all was issued, and differs now.
fresh_drift()
{
	if [[ ! -e $scratch/drift ]]; then
		fresh_hosts
		kpki "${command[@]}"
		sed -i 's/^controlPlane:/&\n  certSANs: [k8s.example]/' \
			pki/cluster.yaml
		sed -i 's/^server: .*/server: "https:\/\/b.example.org"/' \
			pki/cluster.yaml
		mkdir "$scratch/drift"
		cp -a pki control-plane "$scratch/drift"
	fi
	fresh
	rm -rf pki
	cp -a "$scratch/drift/." .
}

# The pairs of a tree, those in kubeconfigs too, as arguments of pair_check.
pairs_of() # TREE
{
	local file

	find "$1" -name '*.key' ! -name sa.key |
		sed 's/\(.*\)\.key$/\1.crt\n&/'
	find "$1" -name '*.conf' | while read -r file; do
		mkdir -p "parts/$file"
		sed -nE 's/.*client-certificate-data: "(.*)"/\1/p' "$file" |
			base64 -d >"parts/$file/crt"
		sed -nE 's/.*client-key-data: "(.*)"/\1/p' "$file" |
			base64 -d >"parts/$file/key"
		printf '%s\n' "parts/$file/crt" "parts/$file/key"
	done
}

# Every published tree is whole, and its certificates are in the ledger under
# this status: LEDGER STATUS
check_trees()
{
	local tree serial files pairs

	rm -rf parts
	for tree in control-plane/*; do
		[[ -e $tree ]] || continue
		mapfile -t pairs < <(pairs_of "$tree")
		files=12
		[[ $tree != */admin ]] || files=1
		[[ ${#pairs[@]} == $((2 * (files - (files > 1)))) ]] ||
			fault "$tree: ${#pairs[@]} files of pairs" || return
		while read -r serial; do
			grep -qE "^issued .* $serial ($2)\$" "$1" ||
				fault "$tree: $serial is not $2" || return
		done < <("$tools/pair_check" "${pairs[@]}" ||
			echo "a key that does not fit")
		[[ $tree == */admin ]] ||
			cmp pki/sa.key "$tree/etc/kubernetes/pki/sa.key" ||
			fault "$tree: sa.key" || return
	done
}

# All six are there, and the ledger has these authorities and no others.
check_authorities()
{
	local name file serial

	for file in front-proxy-ca.key etcd/ca.key sa.key; do
		[[ $(mode pki/$file) == 600 ]] || fault "pki/$file" || return
	done
	cmp <(openssl pkey -in pki/sa.key -pubout) pki/sa.pub ||
		fault "pki/sa.pub" || return
	while read -r name file; do
		serial=$("$tools/pair_check" pki/$file.crt pki/$file.key) ||
			fault "pki/$file: the key" || return
		[[ $(grep -c " $name - " after) == 1 ]] ||
			fault "$name: not recorded once" || return
		grep -q "^issued .* $name - $serial live$" after ||
			fault "$name: another is recorded" || return
	done <<-END
		front-proxy-ca front-proxy-ca
		etcd-ca etcd/ca
	END
}

# As if nothing had happened: each profile of each tree was issued so many times
# and is live once.
control_converged() # TIMES COMMAND...
{
	local times=$1 bad

	shift
	kpki "$@" >out 2>err || fault "the next run: status $?" || return
	look after
	! grep -E '^(pending|lost|stage)' after || fault "left undone" || return
	bad=$(awk -v times="$times" '
		$4 == "-" { next }
		$1 == "issued" { n[$3 " " $4]++ }
		$6 == "live" { live[$3 " " $4]++ }
		END {
			for (what in n) {
				total++
				if (n[what] != times || live[what] != 1)
					print what, n[what], live[what]
			}
			if (total != 23)
				print total " kinds"
		}' after)
	[[ -z $bad ]] || fault "$bad" || return
	check_authorities && check_tidy && check_trees after live || return
	[[ $(ls control-plane) == "admin
cp-1
cp-2" ]] || fault "the trees"
}

# Before the next run: sound, whatever happened, and an authority that was
# recorded is in a file.
control_after_fault()
{
	local name file serial

	look before && check_trees before 'live|superseded' || return
	while read -r name file; do
		serial=$(awk -v name="$name" '$3 == name { print $5 }' before)
		[[ $serial ]] || continue
		[[ $file != etcd/* || -d pki/etcd ||
			-d pki/.kpki-authorities/etcd ]] ||
			fault "$name: recorded and lost" || return
		[[ $(cat pki/$file.crt pki/.kpki-authorities/$file.crt \
			2>/dev/null | openssl x509 -noout -serial |
			tr A-Z a-z) == "serial=$serial" ]] ||
			fault "$name: recorded and lost" || return
	done <<-END
		front-proxy-ca front-proxy-ca
		etcd-ca etcd/ca
	END
}

check_made()
{
	control_after_fault
	control_converged 1 "$@"
}

check_made_anew()
{
	control_after_fault
	control_converged 2 "$@"
}

@test "the authorities and the trees of a control plane" {
	halt_everywhere 30 fresh_hosts check_made "${command[@]}"
}

# Those by which the authorities come into being, writes to the ledger aside.
authority_calls()
{
	awk -v all="$all" '$2 == "mkdirat" { on = 1 }
		on && (all || $2 != "pwrite64") { print $1 }
		$2 == "unlinkat" && ++n == 2 { exit }' calls
}

@test "the authorities, at every call" {
	local at

	fresh_hosts
	count_calls "${command[@]}" >/dev/null
	for at in $(authority_calls); do
		fresh_hosts
		halt "$at" "${command[@]}" || true
		where="call $at, $(tail -n 1 calls)"
		control_after_fault
		# another command that writes finishes the work
		kpki -q node-bundle w9 >out 2>err ||
			fault "node-bundle: status $?"
		[[ ! -e pki/.kpki-authorities ]] || fault "not finished"
		look after
		! grep -q ' etcd-ca - ' after || check_authorities
	done
}

@test "trees that are issued anew" {
	halt_everywhere 25 fresh_drift check_made_anew "${command[@]}" --reissue
}

@test "recovery of the trees" {
	local n at again

	fresh_hosts
	n=$(count_calls "${command[@]}")
	for at in $(seq $((n / 3)) "$n" | shuf ${all:+-n 1000} ${all:--n 3}); do
		fresh_hosts
		halt "$at" "${command[@]}" || true
		n=$(count_calls "${command[@]}")
		for again in $(points "$n" 8); do
			fresh_hosts
			halt "$at" "${command[@]}" || true
			halt "$again" "${command[@]}" || true
			where="call $at, and $again of the next"
			control_after_fault
			control_converged 1 "${command[@]}"
		done
	done
}

@test "a ledger that may not grow leaves nothing behind" {
	fresh_hosts
	(ulimit -f 8 && exec "$KPKI" "${command[@]}") >out 2>err &&
		fault "no failure"
	look before
	control_after_fault
	control_converged 1 "${command[@]}"
}
