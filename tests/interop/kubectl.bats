#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What kubectl, and with it Go's TLS, says of what kpki makes.

load helper

CONFIG=etc/kubernetes/kubelet.conf
types='ecdsa-p256 ecdsa-p384 rsa-2048 rsa-4096 ed25519'

setup_file()
{
	local type

	cd "$BATS_FILE_TMPDIR"
	mkdir home
	authority ca
	authority p384 --key-type ecdsa-p384
	authority rsa --key-type rsa-2048
	for type in $types; do
		bundle ca "$type" --key-type "$type" --embed-certs
	done
	bundle ca worker-1 --address 192.0.2.1 --address 2001:db8::1 \
		--address worker-1.example.internal
	bundle ca pem --layout pem
	bundle p384 worker-1 --embed-certs
	bundle rsa worker-1 --embed-certs
}

# Nothing of the operator's, and nothing left in a cache.
kube()
{
	run --separate-stderr env HOME="$BATS_FILE_TMPDIR/home" \
		timeout 30 kubectl "$@"
}

# `view FILE`, and then `field FILTER`.
view()
{
	kube --kubeconfig "$1" config view --raw -o json
	is "$status" 0
}

field()
{
	jq -er "$1" <<<"$output"
}

# Asks the server of serve(): `get CONFIG NAME OPTION...`, NAME being the one
# that its certificate must have.
get()
{
	kube --kubeconfig "$1" --server "https://127.0.0.1:$port" \
		--tls-server-name "${@:2}" get --raw /healthz
}

greets()
{
	is "$status" 0
	has "${output// /}" "Subject:O=system:nodes,CN=system:node:$1"
}

@test "a kubeconfig loads, and says what the kubelet itself would write" {
	local current=/$CLIENT

	view ca/worker-1/$CONFIG
	is "$stderr" ""
	is "$(field 'keys | join(" ")')" "apiVersion clusters contexts $(
		)current-context kind preferences users"
	is "$(field .kind)" Config
	is "$(field '.clusters | length')" 1
	is "$(field '.clusters[0] | .name + " " + .cluster.server')" \
		"default-cluster https://api.example.internal:6443"
	is "$(field '.clusters[0].cluster | keys | join(" ")')" \
		"certificate-authority-data server"
	is "$(field '[.users[] | .name + " " + (.user | tojson)] | join(";")')" \
		"default-auth {\"client-certificate\":\"$current\",$(
		)\"client-key\":\"$current\"}"
	is "$(field '[.contexts[] | .name, .context.cluster,
		.context.user] | join(" ")')" \
		"default-context default-cluster default-auth"
	kube --kubeconfig ca/worker-1/$CONFIG config current-context
	is "$output" default-context
	kube --kubeconfig ca/worker-1/$CONFIG config get-contexts --no-headers
	is "$(tr -s ' ' <<<"$output" | sed 's/ $//')" \
		"* default-context default-cluster default-auth"
}

# kubeadm compares the bytes (cmd/kubeadm/app/phases/kubeconfig).
@test "the authority in a kubeconfig is ca.crt, byte for byte" {
	local config

	for config in ca/*/$CONFIG ca/pem/var/lib/kubelet/kubeconfig \
		p384/*/$CONFIG rsa/*/$CONFIG; do
		view "$config"
		same "${config%%/*}/pki/ca.crt" <(field \
			'.clusters[0].cluster["certificate-authority-data"]' |
			base64 -d)
	done
}

@test "embedded credentials are those of the bundle" {
	local type

	for type in $types; do
		view "ca/$type/$CONFIG"
		is "$(field '.users[0].user | keys | join(" ")')" \
			"client-certificate-data client-key-data"
		same "ca/$type/$CLIENT" <(field '.users[0].user |
			.["client-certificate-data"], .["client-key-data"]' |
			while read -r data; do
				base64 -d <<<"$data"
			done)
	done
}

@test "the layout pem has a kubeconfig at its own place" {
	local current=/$CLIENT

	view ca/pem/var/lib/kubelet/kubeconfig
	is "$(field '.users[0].user | .["client-certificate"],
		.["client-key"]' | sort -u)" "$current"
	[ -e "ca/pem$current" ]
	[ ! -e ca/pem/etc ]
}

@test "a kubelet's client certificate of each type is taken, and takes" {
	local type

	for type in $types; do
		serve ca/pki/ca.crt "ca/$type/$SERVING" "ca/$type/$SERVING_KEY"
		get "ca/$type/$CONFIG" "$type"
		greets "$type"
	done
	for type in p384 rsa; do
		serve $type/pki/ca.crt $type/worker-1/$SERVING \
			$type/worker-1/$SERVING_KEY
		get $type/worker-1/$CONFIG worker-1
		greets worker-1
	done
}

@test "the kubelet's own file, reached through its link, is a pair" {
	local client=ca/worker-1/$CLIENT

	[ -L $client ]
	serve ca/pki/ca.crt ca/worker-1/$SERVING ca/worker-1/$SERVING_KEY
	get ca/worker-1/$CONFIG worker-1 --client-certificate $client \
		--client-key $client
	greets worker-1
}

@test "a serving certificate answers to its names, its addresses, no other" {
	local name

	serve ca/pki/ca.crt ca/worker-1/$SERVING ca/worker-1/$SERVING_KEY
	for name in worker-1 worker-1.example.internal 192.0.2.1 \
		2001:db8::1; do
		get ca/ed25519/$CONFIG $name
		greets ed25519
	done
	for name in worker-2 system:node:worker-1 192.0.2.2; do
		get ca/ed25519/$CONFIG $name
		[ "$status" != 0 ]
		has "$stderr" "x509: certificate is valid for "
	done
}

@test "a certificate in the wrong place is refused on either side" {
	local pair=ca/worker-1/$SERVING key=ca/worker-1/$SERVING_KEY
	local client=ca/worker-1/$CLIENT

	serve ca/pki/ca.crt $pair $key
	get ca/worker-1/$CONFIG worker-1 --client-certificate $pair \
		--client-key $key
	[ "$status" != 0 ]
	server_says "unsuitable certificate purpose"
	get p384/worker-1/$CONFIG worker-1
	[ "$status" != 0 ]
	has "$stderr" "x509: certificate signed by unknown authority"
	get ca/worker-1/$CONFIG worker-1 --client-certificate $client \
		--client-key $key
	[ "$status" != 0 ]
	has "$stderr" "tls: private key does not match public key"
	serve p384/pki/ca.crt $pair $key
	get ca/ed25519/$CONFIG worker-1
	[ "$status" != 0 ]
	server_says "unable to get local issuer certificate"
	serve ca/pki/ca.crt $client $client
	get ca/ed25519/$CONFIG ed25519
	[ "$status" != 0 ]
	has "$stderr" "x509: certificate"
	lacks "$stderr" "unknown authority"
}

# Go compares the issuer with the subject byte for byte, whatever the string
# types, and takes an authority that is no root as an anchor.
@test "authorities that openssl made are those of their nodes" {
	local subject n=0

	cd "$BATS_TEST_TMPDIR"
	foreign_key key ecdsa-p256
	for subject in /CN=kubernetes '/C=DE/O=Größe/CN=ca' /O=nameless; do
		n=$((n + 1))
		foreign_ca $n.crt key
		authority $n --import-cert $n.crt --import-key key
	done
	foreign_key root.key ecdsa-p384
	foreign_ca root.crt root.key
	openssl req -new -key key -subj /CN=intermediate -out request
	openssl x509 -req -in request -CA root.crt -CAkey root.key -days 3000 \
		-CAcreateserial -extensions ca -extfile root.crt.conf \
		-out 4.crt 2>/dev/null
	authority 4 --import-cert 4.crt --import-key key
	for n in 1 2 3 4; do
		bundle $n worker-1 --embed-certs
		serve $n/pki/ca.crt $n/worker-1/$SERVING \
			$n/worker-1/$SERVING_KEY -partial_chain
		get $n/worker-1/$CONFIG worker-1
		greets worker-1
	done
}

# -- inventories --

# `answer PATH`: what a server of files says there.
answer()
{
	printf '%s\r\n' 'HTTP/1.0 200 OK' \
		'Content-Type: application/json' '' >"$1"
	cat >>"$1"
}

# As much of an API server as lists nodes.
api()
{
	mkdir -p api/v1
	answer 'api?timeout=32s' <<<'{"kind": "APIVersions", "versions": ["v1"]}'
	answer 'apis?timeout=32s' <<<'{"kind": "APIGroupList", "groups": []}'
	answer 'api/v1?timeout=32s' <<'END'
{"kind": "APIResourceList", "groupVersion": "v1", "resources": [
  {"name": "nodes", "singularName": "node", "namespaced": false,
   "kind": "Node", "verbs": ["get", "list"]}]}
END
	answer 'api/v1/nodes?limit=500' <<'END'
{"kind": "NodeList", "apiVersion": "v1", "metadata": {}, "items": [
  {"metadata": {"name": "a", "labels": {"kubernetes.io/os": "linux"}},
   "status": {"capacity": {"cpu": "2"}, "addresses": [
     {"type": "InternalIP", "address": "192.0.2.1"},
     {"type": "Hostname", "address": "a"}]}},
  {"metadata": {"name": "b"},
   "status": {"addresses": [
     {"type": "InternalIP", "address": "2001:db8::2"},
     {"type": "InternalDNS", "address": "b.example.internal"}]}}]}
END
}

@test "what kubectl prints of nodes is an inventory" {
	local form ca=$BATS_FILE_TMPDIR/ca

	cd "$BATS_TEST_TMPDIR"
	api
	serve "$ca/pki/ca.crt" "$ca/worker-1/$SERVING" \
		"$ca/worker-1/$SERVING_KEY" -HTTP
	for form in yaml json; do
		kube --kubeconfig "$ca/ed25519/$CONFIG" \
			--server "https://127.0.0.1:$port" \
			--tls-server-name worker-1 get nodes -o $form
		is "$status" 0
		echo "$output" >nodes.$form
		authority $form
		bundle $form --inventory nodes.$form
		accepts openssl verify -CAfile $form/pki/ca.crt \
			-verify_hostname a -verify_ip 192.0.2.1 \
			$form/a/$SERVING
		accepts openssl verify -CAfile $form/pki/ca.crt \
			-verify_hostname b.example.internal \
			-verify_ip 2001:db8::2 $form/b/$SERVING
	done
	has "$(head -n 1 nodes.yaml)" apiVersion
	has "$(head -n 1 nodes.json)" "{"
}

@test "kubectl shows a user's, an admin's and kube-proxy's certificate" {
	local name

	kpki kubeconfig -q alice --dir ca/pki --group dev --group ops
	kpki kubeconfig -q bob --dir ca/pki --profile admin --key-type rsa-2048
	kpki kubeconfig -q eve --dir ca/pki --break-glass --key-type ed25519
	kpki kubeconfig -q worker-1 --dir ca/pki --profile kube-proxy
	serve ca/pki/ca.crt ca/worker-1/$SERVING ca/worker-1/$SERVING_KEY
	for name in 'alice:O=dev,O=ops,CN=alice' \
		'bob-admin:O=kubeadm:cluster-admins,CN=bob' \
		'eve-break-glass:O=system:masters,CN=eve' \
		'worker-1-kube-proxy:O=system:node-proxier,CN=system:kube-proxy'; do
		view "${name%%:*}.kubeconfig"
		is "$(field '.["current-context"]')" \
			"$(field '.users[0].name')@kubernetes"
		get "${name%%:*}.kubeconfig" worker-1
		is "$status" 0
		has "${output// /}" "Subject:${name#*:}"
	done
	serve p384/pki/ca.crt p384/worker-1/$SERVING p384/worker-1/$SERVING_KEY
	get alice.kubeconfig worker-1
	[[ $status != 0 ]]
	has "$stderr" "certificate signed by unknown authority"
}
