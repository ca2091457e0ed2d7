#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki revoke: what is taken back, and what takes effect.

load helper
load pki

make_nodes()
{
	make_pki
	kpki node-bundle -q w1 --address 10.0.0.1
	kpki node-bundle -q w2 --address 10.0.0.2
}

statuses() # NODE
{
	kpki list --node "$1" --json | jq -r '[.items[].status] | join(" ")'
}

serial_of() # NODE PROFILE
{
	kpki list --node "$1" --profile "$2" --live --json |
		jq -r '.items[].serial'
}

@test "revoke takes back all that a node has, and frees its name" {
	make_nodes
	kpki token -q --node w1
	exits 0 revoke w1 --reason keyCompromise
	is "$stderr" \
		"kpki: note: kube-apiserver reads no revocation list: --out writes what takes effect"
	is "$(awk 'NR > 1 { print $1, $2, $3 }' <<<"$output")" \
		"revoked kubelet-client w1
revoked kubelet-serving w1
revoked bootstrap-token w1"
	is "$(statuses w1)" "revoked revoked"
	is "$(statuses w2)" "live live"
	is "$(kpki list --tokens --json | jq -r '.items[].status')" revoked
	is "$(kpki ledger export | jq -r 'select(.kind == "revoked") | .detail' |
		sort -u)" keyCompromise
	exits 0 ledger verify
	# its name and its address are free
	exits 0 node-bundle w3 --address 10.0.0.1
	exits 0 node-bundle w1 --address 10.0.0.3 --out again
	has "$output" issued
	is "$(statuses w1)" "revoked revoked live live"
}

@test "what was revoked is unchanged, and nothing is written" {
	local before

	make_nodes
	kpki revoke -q w1 --reason superseded
	before=$(kpki ledger checkpoint)
	exits 0 revoke w1 --json
	is "$(json .kind)" RevokeReport
	is "$(json '.items[] | "\(.status) \(.profile) \(.node)"')" \
		"unchanged kubelet-client w1
unchanged kubelet-serving w1"
	is "$(kpki ledger checkpoint)" "$before"
}

@test "one certificate is revoked by its serial number, however it is written" {
	local serial

	make_nodes
	serial=$(serial_of w1 kubelet-serving)
	exits 0 revoke "$serial"
	is "$(statuses w1)" "live revoked"
	serial=$(serial_of w2 kubelet-client)
	exits 0 revoke "$(sed 's/../&:/g; s/:$//' <<<"${serial^^}")"
	is "$(statuses w2)" "revoked live"
	exits 0 revoke "0000${serial#00}"
	has "$output" unchanged
	exits 0 revoke "$serial" w2
	is "$(grep -c . <<<"$output")" 3
	is "$(statuses w2)" "revoked revoked"
}

@test "superseded certificates go too, and what has expired alone" {
	make_pki
	kpki node-bundle -q w1
	kpki node-bundle -q w1 --reissue
	kpki node-bundle -q old --validity 1s
	sleep 2
	exits 0 revoke w1
	is "$(statuses w1)" "revoked revoked revoked revoked"
	exits 5 list --expiring 1d
	has "$output" old
	exits 0 revoke old
	exits 0 list --expiring 1d
	# of which nothing is left
	kpki node-bundle -q w2 --validity 1s
	sleep 2
	kpki node-bundle -q w2 --out again
	exits 0 revoke w2 --json
	is "$(json '.items | length')" 2
}

@test "nothing is revoked when an operand is unknown" {
	make_nodes
	exits 3 revoke w1 nobody --json
	is "$(json .error.code)" 3
	is "$(json '.error.message')" \
		'"nobody": the ledger has no certificate of this serial number, and of this name nothing that counts'
	is "$(statuses w1)" "live live"
	exits 3 revoke 00
	exits 3 revoke ''
	exits 3 revoke "$(printf '%041x' 1)"
	exits 2 revoke
	exits 2 revoke w1 --reason certificateHold
	has "$stderr" '--reason "certificateHold": not unspecified,'
	exits 3 revoke w1 --dir nowhere
	exits 4 revoke "$(kpki list --profile ca --json | jq -r '.items[].serial')"
	has "$stderr" "is a CA's own certificate"
	is "$(statuses w1)" "live live"
}

@test "a name that is a serial number as well is asked about" {
	local serial

	make_nodes
	serial=$(serial_of w1 kubelet-client)
	kpki node-bundle -q "$serial"
	exits 4 revoke "$serial"
	has "$stderr" "is a serial number and a name"
	exits 0 revoke "$(sed 's/../&:/g; s/:$//' <<<"$serial")"
	is "$(statuses w1)" "revoked live"
}

@test "the commands delete a node and the Secret of its token" {
	local id

	make_nodes
	kpki token -q --node w1
	id=$(kpki list --tokens --json | jq -r '.items[].id')
	exits 0 revoke w1 w2 --out expel.sh --json
	is "$(grep -v '^#' expel.sh)" \
		"kubectl delete node w1 --ignore-not-found
kubectl --namespace kube-system delete secret bootstrap-token-$id --ignore-not-found
kubectl delete node w2 --ignore-not-found"
	has "$(<expel.sh)" "kube-apiserver accepts the certificate until 20"
	sh -n expel.sh
	exits 0 revoke w1 w2 --out expel.sh
	echo >>expel.sh
	exits 4 revoke w1 w2 --out expel.sh
	exits 4 revoke w1 --out pki/expel.sh
	exits 0 revoke w1 --out -
	has "$output" "kubectl delete node w1"
	has "$stderr" unchanged
	exits 2 revoke w1 --out - --json
}

# A kubectl that has bindings, and says what it is told to delete.
fake_kubectl()
{
	mkdir bin
	cat >bin/kubectl <<-'END'
		#!/bin/sh
		[ "$1" = get ] || { echo "$@" >>../deleted; exit; }
		cat ../bindings.json
	END
	chmod +x bin/kubectl
	cat >bindings.json <<-'END'
		{"items": [
		 {"kind": "ClusterRoleBinding", "metadata": {"name": "kpki:view:user:it's"},
		  "subjects": [{"kind": "User", "name": "it's"}]},
		 {"kind": "RoleBinding", "metadata": {"name": "b", "namespace": "dev"},
		  "subjects": [{"kind": "User", "name": "it's"}]},
		 {"kind": "RoleBinding", "metadata": {"name": "both", "namespace": "dev"},
		  "subjects": [{"kind": "User", "name": "it's"},
		   {"kind": "User", "name": "bob"}]},
		 {"kind": "RoleBinding", "metadata": {"name": "sa", "namespace": "dev"},
		  "subjects": [{"kind": "ServiceAccount", "name": "it's"}]},
		 {"kind": "RoleBinding", "metadata": {"name": "none", "namespace": "dev"}}
		]}
	END
}

@test "the commands delete the bindings of a user, and only those" {
	make_pki
	kpki kubeconfig -q "it's" --group dev --out it.conf
	exits 0 revoke "it's" --out expel.sh
	has "$output" kube-apiserver-client
	has "$(<expel.sh)" '# What is bound to its group "dev" stays bound.'
	fake_kubectl
	cd bin
	PATH=$PWD:$PATH run sh -eu ../expel.sh
	cd ..
	is "$status" 0
	is "$output" "RoleBinding dev/both has other subjects: take it's out of it"
	is "$(<deleted)" \
		"--namespace default delete ClusterRoleBinding kpki:view:user:it's
--namespace dev delete RoleBinding b"
	kpki kubeconfig -q root --break-glass --out root.conf --validity 1d
	exits 0 revoke root --out root.sh
	has "$(<root.sh)" 'only another CA ends that'
}

@test "the authority's key is not needed" {
	make_nodes
	rm pki/ca.key pki/cluster.yaml
	exits 0 revoke w1
	is "$(statuses w1)" "revoked revoked"
}

@test "revoking and issuing at once leave one sound ledger" {
	local i n=0

	make_nodes
	for i in 1 2 3 4 5; do
		kpki revoke w1 w2 >out$((++n)) 2>&1 &
		kpki node-bundle -q "x$i" >out$((++n)) 2>&1 &
		kpki crl >out$((++n)) 2>/dev/null &
	done
	all_succeed
	exits 0 ledger verify
	is "$(kpki ledger export | jq -r 'select(.kind == "revoked") | .ref' |
		sort | uniq -d)" ""
	is "$(statuses w1)" "revoked revoked"
	is "$(rows --live)" 11
}
