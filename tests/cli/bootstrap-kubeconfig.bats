#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki bootstrap-kubeconfig.

load helper
load pki

# What kubectl makes of it.
config() # FILE JSONPATH
{
	KUBECONFIG=$1 kubectl config view --raw -o jsonpath="$2"
}

plain_of() # MANIFEST
{
	sed -nE 's/^  token-(id|secret): "(.*)"$/\2/p' "$1" | paste -sd .
}

@test "it has the CA, the server and the token, and kubectl reads it" {
	make_pki
	kpki token -q --out token.yaml
	exits 0 bootstrap-kubeconfig --token-from token.yaml
	is "$stderr" ""
	echo "$output" >boot.conf
	is "$(config boot.conf '{.users[0].user.token}')" "$(plain_of token.yaml)"
	is "$(config boot.conf '{.clusters[0].cluster.server}')" "$server"
	is "$(config boot.conf \
		'{.clusters[0].cluster.certificate-authority-data}' |
		base64 -d)" "$(<pki/ca.crt)"
	is "$(config boot.conf '{.current-context}')" \
		kubelet-bootstrap@kubernetes
	run ! grep -vE '^[ -]*[a-zA-Z-]+:( (".*"|\{\}))?$' boot.conf
}

@test "the token comes from whatever kpki token writes" {
	make_pki
	kpki token -q --format plain --out plain
	kpki token -q --format csv --no-expiry --yes --out csv
	exits 0 bootstrap-kubeconfig --token-from plain
	has "$output" "token: \"$(<plain)\""
	exits 0 bootstrap-kubeconfig --token-from csv
	has "$output" "token: \"$(cut -d , -f 1 csv)\""
	exits 0 bootstrap-kubeconfig --token-from - <plain
	has "$output" "token: \"$(<plain)\""
	exits 2 bootstrap-kubeconfig
	has "$stderr" "no token: --token-from"
	exits 1 bootstrap-kubeconfig --token-from nowhere
}

@test "it needs no key of the CA, and writes nothing to the ledger" {
	make_pki
	kpki token -q --out token.yaml
	rm pki/ca.key
	local before
	before=$(picture pki)
	exits 0 bootstrap-kubeconfig --token-from token.yaml --out boot.conf
	is "$(picture pki)" "$before"
}

@test "a file is created for its owner only, and replaced when told" {
	make_pki
	kpki token -q --out one.yaml
	kpki token -q --out two.yaml
	exits 0 bootstrap-kubeconfig --token-from one.yaml --out boot.conf
	is "$(mode boot.conf)" 600
	has "${lines[1]}" issued
	local before
	before=$(picture boot.conf)
	exits 0 bootstrap-kubeconfig --token-from one.yaml --out boot.conf \
		--json
	is "$(json '.items[0].status')" unchanged
	is "$(json .kind)" BootstrapKubeconfigReport
	is "$(picture boot.conf)" "$before"
	exits 4 bootstrap-kubeconfig --token-from two.yaml --out boot.conf
	has "$stderr" "says something else: --replace"
	is "$(picture boot.conf)" "$before"
	exits 0 bootstrap-kubeconfig --token-from two.yaml --out boot.conf \
		--replace
	grep -q "$(plain_of two.yaml)" boot.conf
	is "$(mode boot.conf)" 600
	run ! compgen -G '.kpki-*'
	exits 2 bootstrap-kubeconfig --token-from one.yaml --replace
	exits 2 bootstrap-kubeconfig --token-from one.yaml --json
}

@test "the server is another one when told, and always https" {
	make_pki
	kpki token -q --out token.yaml
	exits 0 bootstrap-kubeconfig --token-from token.yaml \
		--server https://lb.example:8443
	has "$output" 'server: "https://lb.example:8443"'
	exits 2 bootstrap-kubeconfig --token-from token.yaml \
		--server http://lb.example
	has "$stderr" '--server: "http://lb.example": not an https URL'
	kpki init-ca -q --dir bare
	exits 3 bootstrap-kubeconfig --dir bare --token-from token.yaml
	has "$stderr" bare/cluster.yaml
	exits 0 bootstrap-kubeconfig --dir bare --token-from token.yaml \
		--server https://lb.example
}

@test "a token that is not good for it is refused" {
	make_pki
	kpki token -q --usage signing --out signing.yaml
	exits 4 bootstrap-kubeconfig --token-from signing.yaml
	has "$stderr" "is not for authentication: its usages do not allow it"
	kpki token -q --ttl 1s --out short.yaml
	kpki token -q --ttl 1s --format plain --out short
	sleep 2
	exits 4 bootstrap-kubeconfig --token-from short.yaml
	has "$stderr" "expired at"
	# plain text does not say so, but the ledger does
	exits 4 bootstrap-kubeconfig --token-from short
	has "$stderr" "expired at"
	is "$output" ""
}

@test "a file that holds no token is bad input, and is not quoted" {
	make_pki
	local text
	for text in 'ABCDEF.0123456789abcdef' 'abcdef.0123456789abcdefg' \
		'a: b' '- a' 'token-secret: 0123456789abcdef'; do
		echo "$text" >bad
		exits 3 bootstrap-kubeconfig --token-from bad
		has "$stderr" bad
		lacks "$stderr" 0123456789abcdef
	done
	: >bad
	exits 3 bootstrap-kubeconfig --token-from bad
	has "$stderr" "holds no token"
	kpki token -q --node w1 --node w2
	exits 3 bootstrap-kubeconfig --token-from tokens/bootstrap_tokens.yaml
	has "$stderr" "holds more than one token"
}

@test "each node's is made from its own token" {
	make_pki
	printf 'w1 10.0.0.1\nw2.example\n' >nodes
	kpki token -q --inventory nodes
	exits 0 bootstrap-kubeconfig --inventory nodes
	is "$(mode kubeconfigs)" 700
	local node
	for node in w1 w2.example; do
		is "$(mode kubeconfigs/$node.kubeconfig)" 600
		is "$(config kubeconfigs/$node.kubeconfig \
			'{.users[0].user.token}')" \
			"$(plain_of tokens/$node.yaml)"
	done
	local before
	before=$(picture kubeconfigs)
	# the same from all in one, in any order
	exits 0 bootstrap-kubeconfig --inventory nodes \
		--token-from tokens/bootstrap_tokens.yaml --json
	is "$(json '[.items[].status] | join(" ")')" "unchanged unchanged"
	exits 0 bootstrap-kubeconfig --inventory nodes --token-from - \
		<tokens/bootstrap_tokens.yaml
	is "$(picture kubeconfigs)" "$before"
	exits 0 bootstrap-kubeconfig --node w1 --out one
	is "$(ls one)" w1.kubeconfig
}

@test "a node without its token is reported, and the others are made" {
	make_pki
	kpki token -q --node w1 --node w2
	exits 1 bootstrap-kubeconfig --node w1 --node w3
	has "$output" "failed     w3"
	[ -e kubeconfigs/w1.kubeconfig ]
	exits 3 bootstrap-kubeconfig --node w2 --node w3 --json \
		--token-from tokens/bootstrap_tokens.yaml
	is "$(json '[.items[] | .node + ":" + .status] | join(" ")')" \
		"w2:issued w3:failed"
	# another node's token in its place
	cp tokens/w1.yaml tokens/w4.yaml
	exits 3 bootstrap-kubeconfig --node w4
	has "$stderr" "is not this node's"
	[ ! -e kubeconfigs/w4.kubeconfig ]
	# two of the same node
	cat tokens/w2.yaml >two
	echo --- >>two
	cat tokens/w2.yaml >>two
	exits 3 bootstrap-kubeconfig --node w2 --token-from two
	has "$stderr" "has two tokens"
	exits 4 bootstrap-kubeconfig --node kubernetes
	exits 2 bootstrap-kubeconfig --node w1 --out -
	exits 2 bootstrap-kubeconfig --inventory - --token-from -
}

@test "a token that another took the place of is told" {
	make_pki
	kpki token -q --node w1
	cp -r tokens old
	rm tokens/w1.yaml
	kpki token -q --node w1
	exits 0 bootstrap-kubeconfig --node w1 --token-from old
	has "$stderr" 'warning: token'
	has "$stderr" 'another was made for node "w1" since'
	exits 4 bootstrap-kubeconfig --node w1
	has "$output" "says something else"
	exits 0 bootstrap-kubeconfig --node w1 --replace
	is "$(config kubeconfigs/w1.kubeconfig '{.users[0].user.token}')" \
		"$(plain_of tokens/w1.yaml)"
}
