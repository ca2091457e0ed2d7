#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki node-bundle --bootstrap: bundles whose credential is a token, and the
# Secrets that go with them.

load helper
load pki

readonly conf=etc/kubernetes/bootstrap-kubelet.conf
readonly config=var/lib/kubelet/config.yaml
readonly serving=var/lib/kubelet/pki/kubelet.crt
readonly secrets=bundles/bootstrap_tokens.yaml

bootstrap()
{
	local expected=$1

	shift
	exits "$expected" node-bundle --bootstrap "$@"
}

nodes()
{
	printf '%s\n' "w1 10.0.0.11" "w2 10.0.0.12" "w3 10.0.0.13" >nodes
}

# "STATUS NODE" of each row of the last report.
verdicts()
{
	awk 'NR > 1 { print $1, $2 }' <<<"$output"
}

# The token in a bundle's kubeconfig.
token_in()
{
	sed -nE 's/^    token: "(.*)"$/\1/p' "$1/$conf"
}

# The tokens of a manifest, one a line.
tokens_of()
{
	sed -nE 's/^  token-id: "(.*)"/\1./p; s/^  token-secret: "(.*)"/\1/p' \
		"$1" | paste -sd '\0\n'
}

# "STATUS NODE" of each token in the ledger.
ledger_tokens()
{
	kpki list --tokens --json | jq -r '.items[] | .status + " " + .node' |
		sort
}

# The manifest has the token of each of these bundles, and no other.
holds_tokens_of()
{
	is "$(tokens_of $secrets | sort)" "$(for node; do
		token_in "bundles/$node"
	done | sort)"
}

# -- the tree --

@test "--bootstrap gives a node a token of its own, and says so again" {
	make_pki
	bootstrap 0 w1 --address 10.0.0.11
	is "$stderr" ""
	is "$(verdicts)" "issued w1"
	is "$(find bundles -mindepth 1 -printf '%M %P\n' | sort -k 2)" \
		"-rw------- bootstrap_tokens.yaml
drwxr-xr-x w1
drwxr-xr-x w1/etc
drwxr-xr-x w1/etc/kubernetes
-rw------- w1/etc/kubernetes/bootstrap-kubelet.conf
drwxr-xr-x w1/etc/kubernetes/pki
-rw-r--r-- w1/etc/kubernetes/pki/ca.crt
drwxr-xr-x w1/var
drwxr-xr-x w1/var/lib
drwxr-xr-x w1/var/lib/kubelet
-rw-r--r-- w1/var/lib/kubelet/config.yaml
drwx------ w1/var/lib/kubelet/pki
-rw-r--r-- w1/var/lib/kubelet/pki/kubelet.crt
-rw------- w1/var/lib/kubelet/pki/kubelet.key"
	is "$(mode bundles)" 700

	local before
	before=$(picture bundles pki/ledger.db)
	bootstrap 0 w1 --address 10.0.0.11
	is "$(verdicts)" "unchanged w1"
	is "$(picture bundles pki/ledger.db)" "$before"
	is "$(rows)" 2
	is "$(ledger_tokens)" "live w1"
}

@test "the token is in the kubeconfig and in its Secret, and nowhere else" {
	local token

	make_pki
	bootstrap 0 w1 --address 10.0.0.11 --ttl 3d --json
	token=$(token_in bundles/w1)
	[[ $token =~ ^[a-z0-9]{6}\.[a-z0-9]{16}$ ]]
	is "$(json '.items[0] | [.status, .node, .id] | join(" ")')" \
		"issued w1 ${token%.*}"
	is "$(json '.items[0].serials | length')" 1
	is "$(date -d "$(json '.items[0].notAfter')" +%s)" "$(date -d \
		"$(sed -nE 's/^  expiration: "(.*)"/\1/p' $secrets)" +%s)"
	lacks "$output$stderr" "${token#*.}"
	run ! grep -qa "${token#*.}" pki/ledger.db
	is "$(tokens_of $secrets)" "$token"
	has "$(<$secrets)" "auth-extra-groups: \"system:bootstrappers:kpki:$(
		printf w1 | sha256sum | cut -c -16)\""
	lacks "$(<$secrets)" signing
	is "$(grep -rl "${token#*.}" . | sort)" "./$secrets
./bundles/w1/$conf"
	is "$(sed -nE 's/.*authority-data: "(.*)"/\1/p' "bundles/w1/$conf" |
		base64 -d)" "$(<pki/ca.crt)"
	# It is what bootstrap-kubeconfig makes of the Secret.
	kpki bootstrap-kubeconfig --token-from $secrets --out again.conf -q
	cmp again.conf "bundles/w1/$conf"
}

@test "the kubelet rotates, and serves by the pair or asks for one" {
	make_pki
	bootstrap 0 w1 --address 10.0.0.11
	has "$(<bundles/w1/$config)" "rotateCertificates: true"
	has "$(<bundles/w1/$config)" "tlsCertFile:"
	lacks "$(<bundles/w1/$config)" serverTLSBootstrap
	openssl verify -purpose sslserver -verify_ip 10.0.0.11 \
		-CAfile pki/ca.crt bundles/w1/$serving
	bootstrap 0 w2 --no-serving
	has "$(<bundles/w2/$config)" "rotateCertificates: true"
	has "$(<bundles/w2/$config)" "serverTLSBootstrap: true"
	lacks "$(<bundles/w2/$config)" tlsCertFile
	[ ! -e bundles/w2/$serving ]
	is "$(rows --node w2)" 0
	exits 0 node-bundle w3
	lacks "$(<bundles/w3/$config)" serverTLSBootstrap
}

@test "--layout pem has the bootstrap-kubeconfig beside the kubelet's files" {
	make_pki
	bootstrap 0 w1 --layout pem
	is "$(cd bundles/w1 && find . -type f -printf '%m %P\n' | sort -k 2)" \
		"600 var/lib/kubelet/bootstrap-kubeconfig
644 var/lib/kubelet/kubelet-config.yaml
600 var/lib/kubelet/w1-key.pem
644 var/lib/kubelet/w1.pem
644 var/lib/kubernetes/ca.pem"
	bootstrap 0 w1 --layout pem
	is "$(verdicts)" "unchanged w1"
	# the other layout's names are not there
	bootstrap 4 w1
	has "$stderr" 'lacks "etc/kubernetes/bootstrap-kubelet.conf"'
}

@test "a tar has the same files, and the Secrets are beside it" {
	make_pki
	nodes
	bootstrap 0 --inventory nodes --format tar
	is "$(ls -A bundles)" "bootstrap_tokens.yaml
w1.tar
w2.tar
w3.tar"
	is "$(mode bundles/w1.tar) $(mode $secrets)" "600 600"
	for node in w1 w2 w3; do
		mkdir -p laid/$node
		tar xpf bundles/$node.tar -C laid/$node
	done
	is "$(tokens_of $secrets)" "$(for node in w1 w2 w3; do
		token_in laid/$node
	done)"
	bootstrap 0 --inventory nodes --format tar
	is "$(verdicts)" "unchanged w1
unchanged w2
unchanged w3"
}

@test "in a stream each node's files are followed by its Secret" {
	make_pki
	nodes
	run --separate-stderr bash -c \
		'"$KPKI" node-bundle --bootstrap --inventory nodes --format tar \
		--out - >all.tar'
	is "$status" 0
	has "$stderr" "issued     w1"
	mkdir laid
	tar xpf all.tar -C laid
	is "$(ls laid)" "bootstrap_tokens
w1
w2
w3"
	is "$(mode laid/bootstrap_tokens)" 700
	for node in w1 w2 w3; do
		is "$(mode laid/bootstrap_tokens/$node.yaml)" 600
		is "$(tokens_of laid/bootstrap_tokens/$node.yaml)" \
			"$(token_in laid/$node)"
	done
	[ ! -e bundles ]
}

@test "a stream that broke is sent again, Secrets and all" {
	local token

	make_pki
	nodes
	run --separate-stderr sh -c '"$KPKI" node-bundle --bootstrap \
		--inventory nodes --format tar --out - >/dev/full'
	is "$status" 1
	exits 4 node-bundle --bootstrap --inventory nodes
	has "$output" "its bundle waits in the spool"
	token=$(kpki list --tokens --node w2 --json | jq -r '.items[].id')
	run --separate-stderr bash -c '"$KPKI" node-bundle --bootstrap \
		--inventory nodes --format tar --out - >all.tar'
	is "$status" 0
	mkdir laid
	tar xpf all.tar -C laid
	has "$(tokens_of laid/bootstrap_tokens/w2.yaml)" "$token."
	is "$(tokens_of laid/bootstrap_tokens/w2.yaml)" "$(token_in laid/w2)"
	is "$(ledger_tokens)" "live w1
live w2
live w3"
	is "$(kpki list --tokens --json | jq '[.items[] | .pending] | any')" \
		false
}

# -- the Secrets --

@test "one file has the Secrets of all bundles, and keeps the shipped ones" {
	local w1 w2

	make_pki
	nodes
	bootstrap 0 w1 w2 --inventory nodes
	holds_tokens_of w1 w2
	w1=$(token_in bundles/w1)
	rm -r bundles/w1
	bootstrap 0 --inventory nodes
	is "$(verdicts)" "unchanged w1
unchanged w2
issued w3"
	is "$(tokens_of $secrets)" "$w1
$(token_in bundles/w2)
$(token_in bundles/w3)"
	# What a command that was cut short left out comes in.
	rm $secrets
	bootstrap 0 --inventory nodes
	holds_tokens_of w2 w3
	# What is live no more goes.
	w2=$(token_in bundles/w2)
	bootstrap 0 w2 --inventory nodes --reissue
	[[ $(token_in bundles/w2) != "$w2" ]]
	lacks "$(<$secrets)" "${w2%.*}"
	holds_tokens_of w2 w3
	exits 0 node-bundle w2 w3 --inventory nodes --reissue
	[ ! -e $secrets ]
}

@test "what is in the Secrets' place and is none is left alone" {
	make_pki
	mkdir -m 700 bundles
	echo mine >$secrets
	bootstrap 3 w1
	has "$stderr" "$secrets:1: not a token"
	is "$(<$secrets)" mine
	is "$(rows)" 1
	is "$(ls bundles)" bootstrap_tokens.yaml
}

# -- running it again --

@test "bundles that were shipped and deleted are unchanged, unless required" {
	make_pki
	nodes
	bootstrap 0 --inventory nodes
	rm -r bundles
	bootstrap 0 --inventory nodes
	is "$(verdicts)" "unchanged w1
unchanged w2
unchanged w3"
	bootstrap 4 --inventory nodes --require-bundle
	has "$output" 'is live and its bundle is not here; its secret was not kept: --reissue makes another'
	bootstrap 4 w1 --inventory nodes
	has "$output" "token \"$(kpki list --tokens --node w1 --json |
		jq -r '.items[].id')\" (until "
	bootstrap 0 w1 --inventory nodes --reissue
	is "$(ledger_tokens)" "live w1
live w2
live w3
superseded w1"
	bootstrap 0 --inventory nodes --reissue
	is "$(verdicts)" "unchanged w1
issued w2
issued w3"
	bootstrap 0 --inventory nodes --reissue
	is "$(verdicts)" "unchanged w1
unchanged w2
unchanged w3"
}

@test "a token that has expired is a difference, with a serving pair or not" {
	make_pki
	bootstrap 0 w1 --ttl 1s
	bootstrap 0 w2 --ttl 1s --no-serving
	sleep 2.1
	for more in '' --no-serving; do
		local node=w1
		[[ ! $more ]] || node=w2
		bootstrap 4 $node $more
		has "$output" 'differs: its token "'
		has "$output" '" expired at 20'
		has "$output" '; --reissue issues it anew'
		bootstrap 0 $node $more --reissue
		is "$(verdicts)" "issued $node"
		bootstrap 0 $node $more
		is "$(verdicts)" "unchanged $node"
	done
	holds_tokens_of w1 w2
}

@test "a token that another took the place of is a difference" {
	local id

	make_pki
	bootstrap 0 w1
	kpki token --node w1 --quiet
	id=$(sed -nE 's/^  token-id: "(.*)"/\1/p' tokens/w1.yaml)
	bootstrap 4 w1
	has "$output" "differs: its live token \"$id\" is in no bundle; --reissue issues it anew"
	bootstrap 0 w1 --reissue
	is "$(ledger_tokens)" "live w1
superseded w1
superseded w1"
	holds_tokens_of w1
}

@test "a certificate and a token take each other's place only when told" {
	local link=var/lib/kubelet/pki/kubelet-client-current.pem before

	make_pki
	exits 0 node-bundle w1
	before=$(picture bundles)
	bootstrap 4 w1
	has "$output" "differs: it has a client certificate, and is to have a bootstrap token; --reissue issues it anew"
	is "$(picture bundles)" "$before"
	bootstrap 0 w1 --reissue
	is "$(verdicts)" "issued w1"
	[ ! -e bundles/w1/$link ]
	[ -e bundles/w1/$conf ]
	is "$(kpki list --csv --node w1 | cut -d , -f 1,2 | sort)" \
		"live,kubelet-serving
status,profile
superseded,kubelet-client
superseded,kubelet-serving"
	bootstrap 0 w1
	is "$(verdicts)" "unchanged w1"

	before=$(picture bundles)
	exits 4 node-bundle w1
	has "$output" "differs: it has a bootstrap token, and is to have a client certificate; --reissue issues it anew"
	is "$(picture bundles)" "$before"
	exits 0 node-bundle w1 --reissue
	is "$(verdicts)" "issued w1"
	[ -e bundles/w1/$link ]
	[ ! -e bundles/w1/$conf ]
	is "$(ledger_tokens)" "superseded w1"
	exits 0 node-bundle w1
	is "$(verdicts)" "unchanged w1"
	# A token that is in no bundle is nobody's business here.
	kpki token --node w1 --quiet
	exits 0 node-bundle w1
	is "$(verdicts)" "unchanged w1"
}

@test "an expired token still says that the node has no certificate of kpki" {
	make_pki
	bootstrap 0 w1 --no-serving --ttl 1s
	sleep 2.1
	exits 4 node-bundle w1 --no-serving
	has "$output" "differs: it has a bootstrap token"
	exits 0 node-bundle w1 --no-serving --reissue
	exits 0 node-bundle w1 --no-serving
	is "$(verdicts)" "unchanged w1"
}

@test "addresses and the endpoint are compared, with a serving pair or not" {
	make_pki
	bootstrap 0 w1 --address 10.0.0.11
	bootstrap 4 w1 --address 10.0.0.12
	has "$output" "differs: address"
	bootstrap 0 w2 --no-serving
	bootstrap 4 w2
	has "$output" "differs: no serving certificate is live"
	bootstrap 4 w1 --address 10.0.0.11 --no-serving --reissue
	has "$output" "has a live serving certificate, which --no-serving would leave without its key"
	sed -i 's/api.example/api2.example/' pki/cluster.yaml
	bootstrap 4 w2 --no-serving
	has "$output" 'differs: the server was "https://api.example.internal:6443" and is "https://api2.example.internal:6443" now'
	bootstrap 0 w2 --no-serving --reissue
	bootstrap 0 w2 --no-serving
}

@test "what is in a bundle's place and has no token of the node is left alone" {
	make_pki
	bootstrap 0 w1
	bootstrap 0 w2
	cp -a bundles/w1 w1
	bootstrap 0 w1 --reissue
	# an older bundle of the node
	rm -r bundles/w1
	mv w1 bundles/w1
	bootstrap 4 w1
	has "$output" 'what is in its place in "bundles" is not the bundle of its live token "'
	bootstrap 0 w1 --reissue
	# another node's, or nobody's
	rm -r bundles/w1
	cp -a bundles/w2 bundles/w1
	bootstrap 4 w1 --reissue
	has "$output" "is no bundle of this ledger: move it away"
	sed -i 's/token: ".*"/token: "abcdef.0123456789abcdef"/' \
		bundles/w1/$conf
	bootstrap 4 w1 --reissue
	has "$output" "is no bundle of this ledger: move it away"
	mv bundles/w1/$conf target
	ln -s ../../../../target bundles/w1/$conf
	bootstrap 4 w1 --reissue
	has "$output" "is no bundle of this ledger: move it away"
}

@test "--issued-before counts from the token" {
	local moment

	make_pki
	nodes
	bootstrap 0 --inventory nodes
	rm -r bundles
	sleep 1.1
	moment=$(date -u +%Y-%m-%dT%H:%M:%SZ)
	bootstrap 0 --inventory nodes --reissue --issued-before "$moment"
	is "$(verdicts | cut -d ' ' -f 1 | sort -u)" issued
	bootstrap 0 --inventory nodes --reissue --issued-before "$moment"
	is "$(verdicts | cut -d ' ' -f 1 | sort -u)" unchanged
}

@test "one command prepares a thousand machines, and is quick to see it again" {
	make_pki
	seq -f 'w%04g' 1000 >nodes
	bootstrap 0 --inventory nodes --ttl 2w --quiet
	is "$(tokens_of $secrets | sort -u | wc -l)" 1000
	is "$(find bundles -name bootstrap-kubelet.conf | wc -l)" 1000
	is "$(token_in bundles/w0500)" "$(tokens_of $secrets | sed -n 500p)"
	bootstrap 0 --inventory nodes --json
	is "$(json '[.items[].status] | unique | join(" ")')" unchanged
}

@test "many at once with the same nodes: one token each, and nobody fails" {
	make_pki
	nodes
	for i in 1 2 3 4; do
		kpki node-bundle --bootstrap --inventory nodes --quiet \
			>out$i 2>&1 &
	done
	all_succeed
	is "$(ledger_tokens)" "live w1
live w2
live w3"
	holds_tokens_of w1 w2 w3
}

@test "modes do not ask the umask" {
	make_pki
	(umask 000 && kpki node-bundle --bootstrap w1 --quiet)
	is "$(mode bundles/w1/$conf) $(mode $secrets) $(mode bundles)" \
		"600 600 700"
}
