#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kill -9 in the middle of a batch of tokens: before each state-changing system
# call with KPKI_FAULT_ALL, before a sample of them otherwise.

load fault

batch=(token --inventory nodes --quiet)

# A token was made for each node once, it is live, and its file has it.
check_tokens()
{
	local node rest

	kpki list --tokens --json >list.json || fault "list failed" || return
	while read -r node rest; do
		[[ $(jq -r --arg node "$node" '[.items[] | select(.node == $node)
			| .id + " " + .status] | join(", ")' list.json) == "$(
			sed -nE 's/^  token-id: "(.*)"/\1/p' \
				"tokens/$node.yaml") live" ]] ||
			fault "$node: not its one live token" || return
		[[ $(mode "tokens/$node.yaml") == 600 ]] ||
			fault "$node: its mode" || return
	done <nodes
	cmp tokens/bootstrap_tokens.yaml <(for node in n1 n2 n3; do
		echo ---
		cat "tokens/$node.yaml"
	done) || fault "the combined manifest is not of what is there"
}

# Whatever is published is whole, at any moment.
check_whole()
{
	local path

	for path in tokens/n?.yaml; do
		[[ -e $path ]] || continue
		[[ $(grep -c . "$path") == 13 ]] ||
			fault "$path: not whole" || return
	done
}

check_batch()
{
	look before
	check_whole
	kpki "$@" >out 2>err || fault "the next run"
	look after
	check_tokens
	check_tidy
}

@test "a batch of tokens" {
	halt_everywhere 30 fresh check_batch "${batch[@]}"
}

expired()
{
	fresh
	rm -rf pki
	cp -a "$scratch/expired"/* .
}

check_successors()
{
	check_whole
	kpki "$@" >out 2>err || fault "the next run"
	look after
	kpki list --tokens --live --json >list.json
	[[ $(jq '.items | length' list.json) == 3 ]] ||
		fault "not three live tokens"
	[[ $(jq -r '.items[] | .node + " " + .id' list.json | sort) == \
		"$(for node in n1 n2 n3; do echo "$node $(sed -nE \
			's/^  token-id: "(.*)"/\1/p' \
			"tokens/$node.yaml")"; done)" ]] ||
		fault "the files are not of the live tokens"
	check_tidy
}

@test "a batch of tokens that takes the place of expired ones" {
	fresh
	kpki "${batch[@]}" --ttl 1s
	mkdir "$scratch/expired"
	cp -a pki tokens "$scratch/expired"
	sleep 2
	halt_everywhere 20 expired check_successors "${batch[@]}"
}

# What was recorded is finished by the next command.
check_one()
{
	kpki token --quiet --out two.yaml 2>err || fault "the next one"
	kpki list --tokens --json >list.json
	[[ $(jq '.items | length' list.json) == \
		"$(cat ./*.yaml | grep -c token-secret)" ]] ||
		fault "a token without a file, or a file without a row"
	look after
	check_tidy
}

@test "one token to a file" {
	halt_everywhere 20 fresh check_one token --quiet --out one.yaml
}

bundles=(node-bundle --bootstrap --inventory nodes --jobs 1 --quiet)

# The token in a bundle, or in one of them.
token_in()
{
	sed -nE 's/^    token: "(.*)"$/\1/p' "$@"
}

# Each node has one live token, it is in the node's bundle, and the Secrets are
# those of the bundles; the serving certificate is live once, beside it.
check_bundles_of_tokens()
{
	local node rest tokens

	kpki list --tokens --live --json >tokens.json || fault "list failed" ||
		return
	while read -r node rest; do
		[[ $(jq -r --arg node "$node" '.items[] |
			select(.node == $node) | .id' tokens.json) == "$(
			token_in "bundles/$node/$conf" | cut -d . -f 1)" ]] ||
			fault "$node: not its one live token" || return
		[[ $(jq -r --arg node "$node" '[.items[] |
			select(.node == $node and .status == "live") |
			.profile] | join(" ")' list.json) == kubelet-serving ]] ||
			fault "$node: not one live serving certificate" ||
			return
	done <nodes
	tokens=$(sed -nE 's/^  token-id: "(.*)"/\1./p
		s/^  token-secret: "(.*)"/\1/p' bundles/bootstrap_tokens.yaml |
		paste -sd '\0\n' | sort)
	[[ $tokens == "$(token_in bundles/*/"$conf" | sort)" ]] ||
		fault "the Secrets are not those of the bundles" || return
	[[ $(wc -l <<<"$tokens") == 3 ]] || fault "not three tokens"
}

readonly conf=etc/kubernetes/bootstrap-kubelet.conf

check_bundles_again()
{
	look before
	kpki "$@" >out 2>err || fault "the next run"
	look after
	check_bundles_of_tokens
	check_tidy
}

@test "a batch of bundles to bootstrap from" {
	halt_everywhere 30 fresh check_bundles_again "${bundles[@]}"
}

@test "a batch in which tokens take the place of certificates" {
	halt_everywhere 30 fresh_full check_bundles_again "${bundles[@]}" --reissue \
		--issued-before "$(<"$templates/moment")"
}
