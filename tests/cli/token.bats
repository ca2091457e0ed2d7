#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki token, and kpki list --tokens.

load helper
load pki

# The value under a key of a manifest, in the way kpki writes it.
field() # FILE KEY
{
	sed -nE "s/^ *$2: \"(.*)\"$/\1/p" "$1"
}

# The group that is one node's own.
node_group()
{
	echo "system:bootstrappers:kpki:$(printf %s "$1" | sha256sum | cut -c 1-16)"
}

# Seconds from now until a time.
from_now()
{
	echo $(($(date -d "$1" +%s) - $(date +%s)))
}

# The secret that a file has is nowhere in the PKI directory, nor in what was
# said when it was not asked for.
keeps_secret() # FILE
{
	local secret

	secret=$(field "$1" token-secret)
	[ ${#secret} = 16 ]
	! grep -rqF "$secret" pki || complain "pki" "no secret" "$secret"
	[ "$1" = secret.yaml ] || lacks "$output$stderr" "$secret"
}

@test "token prints the Secret of a bootstrap token, good for a day" {
	make_pki
	exits 0 token
	echo "$output" >secret.yaml
	local id
	id=$(field secret.yaml token-id)
	[[ $id =~ ^[a-z0-9]{6}$ ]]
	[[ $(field secret.yaml token-secret) =~ ^[a-z0-9]{16}$ ]]
	is "$(field secret.yaml apiVersion)" v1
	is "$(field secret.yaml kind)" Secret
	is "$(field secret.yaml name)" "bootstrap-token-$id"
	is "$(field secret.yaml namespace)" kube-system
	is "$(field secret.yaml type)" bootstrap.kubernetes.io/token
	is "$(field secret.yaml usage-bootstrap-authentication)" true
	is "$(field secret.yaml usage-bootstrap-signing)" true
	is "$(field secret.yaml auth-extra-groups)" ""
	local left
	left=$(from_now "$(field secret.yaml expiration)")
	((left > 86300 && left <= 86400))
	has "$stderr" "issued     -                     $id"
	# every scalar is quoted
	run ! grep -vE '^ *[a-zA-Z-]+:( ".*")?$' secret.yaml
	exits 0 list --tokens --json
	is "$(json .kind)" TokenList
	is "$(json '.items[].id')" "$id"
	is "$(json '.items[].status')" live
	keeps_secret secret.yaml
}

@test "what a token is for, for whom and how long is chosen" {
	make_pki
	exits 0 token --ttl 2h --usage signing --group system:bootstrappers:b \
		--group system:bootstrappers:a --description 'it: "is" #1' -q
	is "$stderr" ""
	echo "$output" >secret.yaml
	is "$(field secret.yaml usage-bootstrap-authentication)" ""
	is "$(field secret.yaml usage-bootstrap-signing)" true
	is "$(field secret.yaml auth-extra-groups)" \
		system:bootstrappers:b,system:bootstrappers:a
	is "$(field secret.yaml description)" 'it: \"is\" #1'
	local left
	left=$(from_now "$(field secret.yaml expiration)")
	((left > 7100 && left <= 7200))
	exits 0 token --expires 2100-01-02T03:04:05Z
	has "$output" 'expiration: "2100-01-02T03:04:05Z"'
	exits 0 token --no-expiry --yes
	lacks "$output" expiration
	exits 0 token --ttl 0 --no-expiry --yes
	lacks "$output" expiration
	exits 0 list --tokens --json --at 2099-01-01T00:00:00Z
	is "$(json '[.items[] | .status] | join(" ")')" "expired live live live"
	is "$(json '.items[2].expires')" null
}

@test "a token alone, in plain text" {
	make_pki
	exits 0 token --format plain
	[[ $output =~ ^[a-z0-9]{6}\.[a-z0-9]{16}$ ]]
}

@test "csv is the line of a static token that never expires" {
	make_pki
	exits 0 token --format csv --no-expiry --yes
	[[ $output =~ ^[0-9a-f]{32},kubelet-bootstrap,10001,\"system:bootstrappers\"$ ]]
	local secret=${output%%,*} id
	id=sha256:$(printf %s "$secret" | sha256sum | cut -c 1-16)
	run ! grep -rqF "$secret" pki
	exits 0 token --format csv --no-expiry --yes --user 'a,"b"' --uid 7 \
		--group system:bootstrappers --group system:bootstrappers:x
	has "$output" ',"a,""b""",7,"system:bootstrappers,system:bootstrappers:x"'
	exits 0 list --tokens --json
	is "$(json '.items[0].id')" "$id"
	is "$(json '.items[0].type')" static-token
	is "$(json '.items[0].expires')" null
}

@test "csv refuses what a line cannot say, and asks whether it is meant" {
	make_pki
	local option

	for option in '--ttl 1h' '--expires 2100-01-01T00:00:00Z' \
		'--usage signing' '--description x'; do
		exits 2 token --format csv --no-expiry --yes $option
		has "$stderr" "${option%% *}: "
	done
	exits 2 token --format csv
	has "$stderr" "needs --no-expiry --yes"
	exits 2 token --format csv --no-expiry
	exits 2 token --user me
	exits 2 token --uid 7
	exits 4 token --format csv --no-expiry --yes --user system:kube-scheduler
	has "$stderr" "Kubernetes' own"
	exits 2 token --format csv --no-expiry --yes --uid $'1\n2'
	is "$(rows --tokens)" 0
}

@test "no token makes anybody more than a bootstrapper" {
	make_pki
	local format group

	for format in 'manifest' 'csv --no-expiry --yes' plain; do
		for group in system:masters system:nodes system:authenticated \
			masters; do
			exits 4 token --format $format --group $group
			is "$output" ""
			has "$stderr" "group \"$group\": a token is for groups below"
		done
		for group in system:bootstrappers: system:bootstrappers:A \
			system:bootstrappers:a, system:bootstrappers:a.b \
			system:bootstrappers:a,system:masters; do
			exits 2 token --format $format --group $group
			has "$stderr" '--group: group "'
		done
	done
	exits 4 token --group system:bootstrappers
	has "$stderr" "every bootstrap token is in it"
	is "$(rows --tokens)" 0
}

@test "an end that is past, or none at all, is refused" {
	make_pki
	exits 2 token --expires 2020-01-01T00:00:00Z
	has "$stderr" '"2020-01-01T00:00:00Z": is over already'
	exits 2 token --ttl soon
	has "$stderr" '--ttl: "soon": not a span'
	exits 2 token --expires 1h
	local options
	for options in '--ttl 0' '--ttl 0s' '--no-expiry' '--no-expiry --ttl 0'; do
		exits 4 token $options
		has "$stderr" "--no-expiry --yes says that it is meant"
	done
	exits 2 token --ttl 1h --expires 2100-01-01T00:00:00Z
	exits 2 token --ttl 1h --no-expiry --yes
	exits 2 token --expires 2100-01-01T00:00:00Z --no-expiry --yes
	exits 2 token --yes
	exits 2 token --usage authentication,everything
	has "$stderr" '--usage: "authentication,everything"'
	exits 2 token --description $'a\nb'
	is "$(rows --tokens)" 0
}

@test "a file is created for its owner only, and never overwritten" {
	make_pki
	exits 0 token --out one.yaml
	has "${lines[1]}" one.yaml
	is "$stderr" ""
	is "$(mode one.yaml)" 600
	keeps_secret one.yaml
	cp one.yaml before
	exits 4 token --out one.yaml
	has "$stderr" '"one.yaml": is there already'
	cmp one.yaml before
	exits 0 token --out new/two.csv --format csv --no-expiry --yes --json
	is "$(mode new)" 700
	is "$(mode new/two.csv)" 600
	is "$(json '.items[0].path')" new/two.csv
	is "$(json .kind)" TokenReport
	exits 2 token --out new/
	has "$stderr" "a directory, and not a file's name"
	exits 1 token --out no/such/file
	is "$(rows --tokens)" 2
	run ! compgen -G '.kpki-*'
}

@test "a secret on standard output warns when others can read the file" {
	make_pki
	umask 022
	kpki token >open 2>stderr
	grep -q 'warning: standard output is a file that others can read' stderr
	umask 077
	kpki token >closed 2>stderr
	run ! grep -q warning stderr
	kpki token 2>stderr | cat >piped
	run ! grep -q warning stderr
	exits 2 token --json
	has "$stderr" "--out FILE keeps them apart"
	is "$(json .error.code)" 2
}

@test "a full disk is a failure, and the token is known all the same" {
	make_pki
	run --separate-stderr bash -c '"$KPKI" token >/dev/full'
	is "$status" 1
	has "$stderr" "was recorded, and did not get out"
	is "$(rows --tokens --live)" 1
}

@test "nodes have a token each, in a group of their own" {
	make_pki
	cat >nodes <<-'END'
		worker-1 10.0.0.1
		worker-2.example 10.0.0.2
	END
	exits 0 token --inventory nodes
	is "$stderr" ""
	is "$(mode tokens)" 700
	local node
	for node in worker-1 worker-2.example; do
		is "$(mode tokens/$node.yaml)" 600
		is "$(field tokens/$node.yaml auth-extra-groups)" \
			"$(node_group $node)"
		is "$(field tokens/$node.yaml usage-bootstrap-authentication)" \
			true
		is "$(field tokens/$node.yaml usage-bootstrap-signing)" ""
		has "$output" "tokens/$node.yaml"
		keeps_secret tokens/$node.yaml
	done
	is "$(mode tokens/bootstrap_tokens.yaml)" 600
	is "$(<tokens/bootstrap_tokens.yaml)" "---
$(<tokens/worker-1.yaml)
---
$(<tokens/worker-2.example.yaml)"
	exits 0 list --tokens --json
	is "$(json '.items[1] | [.node, .id, .groups[0]] | join(" ")')" \
		"worker-2.example $(field tokens/worker-2.example.yaml \
			token-id) $(node_group worker-2.example)"
	is "$(rows --tokens --node worker-1)" 1
	is "$(find . -name '.kpki-*')" ""
}

@test "the same again changes nothing" {
	make_pki
	kpki token -q --node w1 --node w2
	local before
	before=$(picture pki tokens)
	exits 0 token --node w1 --node w2 --json
	is "$(json '[.items[].status] | join(" ")')" "unchanged unchanged"
	is "$(json '.items[0].id')" "$(field tokens/w1.yaml token-id)"
	is "$(picture pki tokens)" "$before"
	# how long is not compared
	exits 0 token --node w1 --ttl 30d
	is "$(picture pki tokens)" "$before"
}

@test "what differs is refused until --reissue" {
	make_pki
	kpki token -q --node w1 --node w2
	cp -r tokens before
	exits 4 token --node w1 --node w2 --group system:bootstrappers:x --json
	is "$(json '[.items[].status] | join(" ")')" "refused refused"
	has "$(json '.items[0].reason')" "differs: its token has the groups"
	exits 4 token --node w1 --usage authentication,signing
	has "$stderr" 'differs: its token is for "authentication"'
	diff -r tokens before
	exits 0 token --node w1 --group system:bootstrappers:x --reissue
	is "$(field tokens/w1.yaml auth-extra-groups)" \
		"system:bootstrappers:x,$(node_group w1)"
	cmp tokens/w2.yaml before/w2.yaml
	is "$(<tokens/bootstrap_tokens.yaml)" \
		"---
$(<tokens/w1.yaml)
---
$(<tokens/w2.yaml)"
	exits 0 list --tokens --node w1 --json
	is "$(json '[.items[].status] | join(" ")')" "superseded live"
	exits 0 token --node w1 --group system:bootstrappers:x --reissue
	has "$output" unchanged
	exits 2 token --reissue
}

@test "what was shipped and deleted, or has expired, gets another" {
	make_pki
	kpki token -q --node w1 --ttl 1s
	kpki token -q --node w2
	rm tokens/w2.yaml
	sleep 2
	exits 0 token --node w1 --node w2 --json
	is "$(json '[.items[].status] | join(" ")')" "issued issued"
	exits 0 list --tokens --json
	is "$(json '[.items[] | .node + ":" + .status] | sort | join(" ")')" \
		"w1:expired w1:live w2:live w2:superseded"
	exits 0 token --node w1 --node w2
	is "$(grep -c ^unchanged <<<"$output")" 2
}

@test "what is no token of the node stays where it is" {
	make_pki
	kpki token -q --node w1 --node w2
	echo mine >tokens/w3.yaml
	cp tokens/w1.yaml tokens/w4.yaml
	mkdir tokens/w5.yaml
	exits 4 token --node w1 --node w3 --node w4 --node w5 --json --reissue
	is "$(json '[.items[].status] | join(" ")')" \
		"unchanged refused refused refused"
	has "$(json '.items[1].reason')" \
		'"tokens/w3.yaml": is there and holds no token of this node'
	is "$(<tokens/w3.yaml)" mine
	run ! grep -q mine tokens/bootstrap_tokens.yaml
}

@test "nodes are held to the policy and the inventory's rules" {
	make_pki
	exits 4 token --node kubernetes.default
	exits 4 token --node api.example.internal
	exits 3 token --node W1
	exits 3 token --node w1 --node w1
	printf 'w1\nw1\n' >nodes
	exits 3 token --inventory nodes
	has "$stderr" "nodes:2"
	printf 'w1\nw2\n' >nodes
	exits 3 token --inventory nodes --node w3
	exits 0 token --inventory nodes --node w2
	[ ! -e tokens/w1.yaml ]
	exits 0 token --inventory - --out more <nodes
	[ -e more/w1.yaml ]
	exits 2 token --node w1 --out -
	exits 2 token --node w1 --format plain
	exits 2 token --node w1 --format csv --no-expiry --yes
	exits 3 token --dir nowhere
}

@test "no two tokens are the same, and many fit" {
	make_pki
	seq -f 'node-%g' 600 >nodes
	exits 0 token --inventory nodes --json
	is "$(json '[.items[] | select(.status == "issued") | .id] | unique | length')" \
		600
	is "$(grep -c token-secret tokens/bootstrap_tokens.yaml)" 600
	is "$(grep -h token-secret tokens/node-*.yaml | sort -u | wc -l)" 600
	exits 0 token --inventory nodes --json
	is "$(json '[.items[] | select(.status == "unchanged")] | length')" 600
}

@test "two at a time issue one token a node" {
	make_pki
	seq -f 'node-%g' 40 >nodes
	kpki token -q --inventory nodes &
	kpki token -q --inventory nodes
	wait $!
	is "$(rows --tokens)" 40
	is "$(grep -c token-secret tokens/bootstrap_tokens.yaml)" 40
	is "$(ls -A tokens | wc -l)" 41
}

@test "--at is for reading, not for making tokens" {
	make_pki
	exits 2 token --at 2030-01-01T00:00:00Z
	has "$stderr" --at
}

@test "list shows tokens instead of certificates, and those that end soon" {
	make_pki
	exits 0 list --tokens
	is "$output" ""
	kpki token -q --ttl 1h --node w1
	kpki token -q --ttl 30d --node w2 --usage authentication,signing
	exits 0 list --tokens
	is "$(awk '{ $1 = $1; print }' <<<"${lines[0]}")" \
		"STATUS ID NODE EXPIRES GROUPS PENDING"
	is "${#lines[@]}" 3
	exits 5 list --tokens --expiring 1d --csv
	is "${#lines[@]}" 2
	has "$stderr" "1 live token expires by"
	exits 0 list --tokens --expiring 1m
	exits 0 list
	lacks "$output" token
	exits 2 list --tokens --profile ca
}
