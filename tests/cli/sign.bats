#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki sign: requests in PEM and CertificateSigningRequest objects.

load helper
load pki

client=kubernetes.io/kube-apiserver-client-kubelet
serving=kubernetes.io/kubelet-serving

make_inventory()
{
	printf '%s\n' 'w1 10.0.0.1 w1.example' 'w2 10.0.0.2' 'w3' >nodes
}

# A key, once: `key NAME`.
key()
{
	[[ -e $1.key ]] || openssl genpkey -quiet -algorithm EC \
		-pkeyopt ec_paramgen_curve:P-256 -out "$1.key" 2>/dev/null
}

# `request FILE KEY SUBJECT [EXTENSION...]`
request()
{
	local file=$1 key=$2 subject=$3 extensions=() one

	key "$key"
	for one in "${@:4}"; do
		extensions+=(-addext "$one")
	done
	openssl req -new -key "$key.key" -subj "$subject" "${extensions[@]}" \
		-out "$file"
}

node_client()
{
	request "$1.csr" "${2:-$1}" "/O=system:nodes/CN=system:node:$1" \
		extendedKeyUsage=clientAuth
}

node_serving()
{
	request "$1-serving.csr" "${3:-$1-serving}" \
		"/O=system:nodes/CN=system:node:$1" \
		extendedKeyUsage=serverAuth "subjectAltName=$2"
}

# `object NAME FILE SIGNER USAGES USERNAME GROUPS [FILTER]`: lists have commas.
object()
{
	jq -n --arg name "$1" --arg request "$(base64 -w0 "$2")" \
		--arg signer "$3" --arg usages "$4" --arg username "$5" \
		--arg groups "$6" '{
			apiVersion: "certificates.k8s.io/v1",
			kind: "CertificateSigningRequest",
			metadata: {name: $name, uid: "uid-\($name)",
				resourceVersion: "77",
				creationTimestamp: "2026-11-24T00:00:00Z",
				managedFields: [{manager: "kubelet"}]},
			spec: {request: $request, signerName: $signer,
				usages: ($usages / ","), username: $username,
				uid: "", groups: ($groups / ",")},
			status: {}} | '"${7:-.}"
}

# Objects as `kubectl get csr -o yaml` prints them.
as_list()
{
	echo "apiVersion: v1"
	echo "items:"
	jq -r '"- apiVersion: \(.apiVersion)",
		"  kind: \(.kind)",
		"  metadata:",
		"    creationTimestamp: \(.metadata.creationTimestamp | tojson)",
		"    generateName: csr-",
		"    name: \(.metadata.name)",
		"    resourceVersion: \(.metadata.resourceVersion | tojson)",
		"    uid: \(.metadata.uid)",
		"  spec:",
		"    groups:",
		(.spec.groups[] | "    - \(.)"),
		"    request: \(.spec.request)",
		"    signerName: \(.spec.signerName)",
		"    usages:",
		(.spec.usages[] | "    - \(.)"),
		"    username: \(.spec.username)",
		"  status: {}"' "$@"
	echo "kind: List"
	echo "metadata:"
	echo "  resourceVersion: \"\""
}

client_usages='digital signature,client auth'
serving_usages='digital signature,key encipherment,server auth'

# From the last report: STATUS NAME RULE lines.
decisions()
{
	json '.items[] | [.status, .request, .rule] | join(" ")'
}

@test "sign signs what the inventory allows" {
	make_pki
	make_inventory
	node_client w1
	node_serving w1 DNS:w1,IP:10.0.0.1
	exits 0 sign w1.csr w1-serving.csr --inventory nodes --out out --json
	is "$(decisions)" "issued w1.csr new
issued w1-serving.csr new"
	is "$(json '.items[1].node')" w1
	is "$(json '.items[1].path')" out/w1.kubelet-serving.crt
	is "$(mode out)" 700
	is "$(mode out/w1.kubelet-client.crt)" 644
	openssl verify -CAfile pki/ca.crt -purpose sslclient \
		out/w1.kubelet-client.crt
	openssl verify -CAfile pki/ca.crt -purpose sslserver -verify_ip 10.0.0.1 \
		out/w1.kubelet-serving.crt
	is "$(certificate out/w1.kubelet-client.crt -pubkey)" \
		"$(openssl pkey -in w1.key -pubout)"
	is "$(certificate out/w1.kubelet-serving.crt -subject)" \
		"subject=CN=system:node:w1,O=system:nodes"
	has "$(extension out/w1.kubelet-serving.crt subjectAltName)" \
		"DNS:w1, IP Address:10.0.0.1"
	is "$(rows --live --node w1)" 2
}

@test "the same request gets the same certificate again" {
	make_pki
	make_inventory
	node_client w1
	exits 0 sign w1.csr --inventory nodes --out out
	cp out/w1.kubelet-client.crt before
	rm out/w1.kubelet-client.crt
	exits 0 sign w1.csr --inventory nodes --out out --json
	is "$(decisions)" "unchanged w1.csr retry"
	cmp before out/w1.kubelet-client.crt
	exits 0 sign w1.csr --inventory nodes
	is "$output" "$(cat before)"
	has "$stderr" unchanged
	is "$(rows --all --node w1)" 1
}

@test "another key for a live name waits for --reissue" {
	make_pki
	make_inventory
	node_client w1
	exits 0 sign w1.csr --inventory nodes --out out
	node_client w1 other
	exits 4 sign w1.csr --inventory nodes --out out --json
	is "$(decisions)" "refused w1.csr live"
	has "$stderr" '"w1" has a live certificate of kubelet-client'
	exits 0 sign w1.csr --inventory nodes --out out --reissue --json
	is "$(decisions)" "issued w1.csr reissue"
	is "$(certificate out/w1.kubelet-client.crt -pubkey)" \
		"$(openssl pkey -in other.key -pubout)"
	is "$(rows --live --node w1)" 1
	is "$(rows --all --node w1)" 2
}

@test "other names for a live serving certificate wait for --reissue" {
	make_pki
	make_inventory
	node_serving w1 DNS:w1
	exits 0 sign w1-serving.csr --inventory nodes --out out
	node_serving w1 DNS:w1,IP:10.0.0.1
	exits 4 sign w1-serving.csr --inventory nodes --out out
	exits 0 sign w1-serving.csr --inventory nodes --out out --reissue
	has "$(extension out/w1.kubelet-serving.crt subjectAltName)" \
		"IP Address:10.0.0.1"
}

@test "who is refused does not keep others from being signed" {
	make_pki
	make_inventory
	node_client w1
	node_serving w2 DNS:w2,IP:10.0.0.1
	node_client w3
	echo junk >junk
	exits 3 sign w1.csr w2-serving.csr junk w3.csr --inventory nodes \
		--out out --json
	is "$(decisions)" "issued w1.csr new
refused w2-serving.csr alt-names
failed junk form
issued w3.csr new"
	has "$stderr" "2 of 4 requests are not done; the first"
	is "$(ls out)" "w1.kubelet-client.crt
w3.kubelet-client.crt"
}

@test "a file may hold many requests, and text" {
	make_pki
	make_inventory
	node_client w1
	node_client w2
	{ echo "to be signed"; openssl req -in w1.csr -text; cat w2.csr; } >both
	exits 0 sign both --inventory nodes --out out --json
	is "$(decisions)" "issued both new
issued both:2 new"
	exits 0 sign - --inventory nodes <both
	is "$(grep -c BEGIN <<<"$output")" 2
}

@test "a dry run tells the rules and writes nothing" {
	local before

	make_pki
	make_inventory
	node_client w1
	node_serving w2 DNS:w1
	node_client w3 w3
	before=$(picture pki)
	exits 4 sign w1.csr w2-serving.csr w3.csr --inventory nodes --dry-run \
		--json
	is "$(decisions)" "issued w1.csr new
refused w2-serving.csr alt-names
issued w3.csr new"
	is "$(json .dryRun)" true
	exits 4 sign w1.csr w2-serving.csr --inventory nodes --dry-run
	has "$output" "RULE"
	is "$(picture pki)" "$before"
	is "$(ls -I 'separate-*')" "nodes
pki
w1.csr
w1.key
w2-serving.csr
w2-serving.key
w3.csr
w3.key"
	node_client w1 other
	cat w1.csr >again
	node_client w1
	exits 4 sign again w1.csr --inventory nodes --dry-run --json
	is "$(decisions)" "issued again new
refused w1.csr live"
}

@test "a key serves one node" {
	make_pki
	make_inventory
	node_client w1 shared
	node_client w2 shared
	exits 4 sign w1.csr w2.csr --inventory nodes --out out --json
	is "$(decisions)" "issued w1.csr new
refused w2.csr shared-key"
	exits 4 sign w2.csr --inventory nodes --out out
	has "$stderr" '"w1" has a live certificate for it'
	# both of a node's own may have it
	node_serving w1 DNS:w1 shared
	exits 0 sign w1-serving.csr --inventory nodes --out out
}

@test "an address that is live for another node is refused" {
	make_pki
	echo 'w1 10.0.0.9' >before
	make_inventory
	node_serving w1 IP:10.0.0.9
	exits 0 sign w1-serving.csr --inventory before --out out
	echo 'w2 10.0.0.9' >after
	node_serving w2 IP:10.0.0.9
	exits 4 sign w2-serving.csr --inventory after --out out --json
	is "$(decisions)" "refused w2-serving.csr address"
	has "$stderr" "10.0.0.9"
}

@test "profiles are told from what a request is for" {
	make_pki
	make_inventory
	request plain.csr plain "/O=system:nodes/CN=system:node:w1"
	exits 4 sign plain.csr --inventory nodes
	has "$stderr" "says neither clientAuth nor serverAuth"
	exits 4 sign plain.csr --inventory nodes --profile kubelet-serving
	has "$stderr" "no DNS name and no IP address"
	exits 0 sign plain.csr --inventory nodes --profile kubelet-client
	node_serving w1 DNS:w1
	exits 4 sign w1-serving.csr --inventory nodes --profile kubelet-client
	has "$stderr" "extKeyUsage: something else than clientAuth"
}

@test "a user is signed for by name and groups" {
	make_pki
	request jane.csr jane "/O=dev/O=ops/CN=jane@example" \
		extendedKeyUsage=clientAuth
	exits 0 sign jane.csr --user jane@example --group ops --group dev \
		--out out --json
	is "$(json '.items[0] | "\(.profile) \(.user)"')" \
		"kube-apiserver-client jane@example"
	is "$(certificate out/jane@example.kube-apiserver-client.crt -subject)" \
		"subject=CN=jane@example,O=dev,O=ops"
	exits 4 sign jane.csr --user jane@example --group dev
	has "$stderr" 'organization "ops": not a group that was named'
	exits 4 sign jane.csr --user john --group dev --group ops
	has "$stderr" 'common name "jane@example": not "john"'
	request root.csr root "/O=system:masters/CN=root" \
		extendedKeyUsage=clientAuth
	exits 4 sign root.csr --user root --group system:masters
	has "$stderr" "group \"system:masters\": an identity of Kubernetes' own"
	request kcm.csr kcm "/CN=system:kube-controller-manager" \
		extendedKeyUsage=clientAuth
	exits 4 sign kcm.csr --user system:kube-controller-manager
	has "$stderr" "an identity of Kubernetes' own"
	exits 0 list --json --profile kube-apiserver-client
	is "$(json '.items | length')" 1
}

@test "a user's name is no path" {
	make_pki
	request u.csr u "/CN=..\/..\/x" extendedKeyUsage=clientAuth
	exits 0 sign u.csr --user ../../x --out out
	is "$(ls -A out)" "%2E.%2F..%2Fx.kube-apiserver-client.crt"
	is "$(ls -A -I 'separate-*')" "out
pki
u.csr
u.key"
}

@test "objects come back approved and with certificates" {
	make_pki
	make_inventory
	node_client w1
	node_serving w1 DNS:w1,IP:10.0.0.1
	object first w1.csr $client "$client_usages" system:bootstrap:abcdef \
		system:bootstrappers,system:authenticated >first.json
	object second w1-serving.csr $serving "$serving_usages" \
		system:node:w1 system:nodes,system:authenticated >second.json
	exits 0 sign first.json second.json --inventory nodes --out out --json
	is "$(decisions)" "issued first new
issued second new"
	has "$(json '.items[0].reason')" "the ledger does not know"
	is "$(ls out)" "first.approval.json
first.status.json
second.approval.json
second.status.json"
	is "$(jq -c '[.metadata, .status]' out/first.approval.json)" \
		'[{"name":"first","uid":"uid-first","creationTimestamp":"2026-11-24T00:00:00Z"},{"conditions":[{"type":"Approved","status":"True","reason":"KpkiPolicy","message":"signed offline by kpki (new); asked for by a token that the ledger does not know"}]}]'
	is "$(jq -c .spec out/first.status.json)" "$(jq -c .spec first.json)"
	jq -r .status.certificate out/second.status.json | base64 -d >second.crt
	openssl verify -CAfile pki/ca.crt -purpose sslserver second.crt
	is "$(grep -c BEGIN second.crt)" 1
}

@test "a List of objects in YAML comes back as a List" {
	make_pki
	make_inventory
	node_client w1
	node_client w2
	object a w1.csr $client "$client_usages" system:node:w1 system:nodes >a
	object b w2.csr $client "$client_usages" system:node:w1 system:nodes >b
	as_list a b >list.yaml
	exits 4 sign list.yaml --inventory nodes
	is "$(jq -c '[.kind, .apiVersion, [.items[].metadata.name]]' <<<"$output")" \
		'["List","v1",["a"]]'
	exits 4 sign list.yaml --inventory nodes --deny
	is "$(jq -c '[.items[] | [.metadata.name, .status.conditions[].type,
		has("certificate")]]' <<<"$output")" \
		'[["a","Approved",false],["b","Denied",false]]'
	is "$(jq -r '.items[1].status.conditions[0].message' <<<"$output")" \
		'requester "system:node:w1": asks for "system:node:w2"'
	kubectl label --local -f - x- -o name <<<"$output"
}

@test "what was answered already is passed over" {
	make_pki
	make_inventory
	node_client w1
	object a w1.csr $client "$client_usages" system:node:w1 system:nodes \
		'.status = {certificate: "AAAA"}' >a
	object b w1.csr $client "$client_usages" system:node:w1 system:nodes \
		'.status.conditions = [{type: "Denied", status: "True"}]' >b
	object c w1.csr $client "$client_usages" system:node:w1 system:nodes \
		'.status.conditions = [{type: "Approved", status: "True",
			lastUpdateTime: "2026-11-24T00:00:00Z"}]' >c
	exits 0 sign a b c --inventory nodes --out out --json
	is "$(json '.items[] | [.status, .request] | join(" ")')" "unchanged a
unchanged b
issued c"
	is "$(ls out)" c.status.json
	is "$(jq -c '.status.conditions' out/c.status.json)" \
		'[{"type":"Approved","status":"True","lastUpdateTime":"2026-11-24T00:00:00Z"}]'
}

@test "a node renews its own certificate" {
	make_pki
	make_inventory
	node_client w1
	exits 0 sign w1.csr --inventory nodes --out out
	node_client w1 next
	object r w1.csr $client "$client_usages" system:node:w1 system:nodes >r
	exits 0 sign r --inventory nodes --out out --json
	is "$(decisions)" "issued r renewal"
	exits 0 sign r --inventory nodes --out out --json
	is "$(decisions)" "unchanged r retry"
	is "$(rows --live --node w1)" 1
	# who is not the node does not
	node_client w1 thief
	object t w1.csr $client "$client_usages" system:bootstrap:abcdef \
		system:bootstrappers >t
	exits 4 sign t --inventory nodes --out out --json
	is "$(decisions)" "refused t live"
}

@test "a token that was made for a node asks for that node" {
	local id

	make_pki
	make_inventory
	exits 0 token --node w1 --json
	id=$(json '.items[0].id')
	node_client w1
	node_client w2
	object a w1.csr $client "$client_usages" "system:bootstrap:$id" \
		system:bootstrappers >a
	object b w2.csr $client "$client_usages" "system:bootstrap:$id" \
		system:bootstrappers >b
	exits 4 sign a b --inventory nodes --out out --json
	is "$(decisions)" "issued a new
refused b requester"
	is "$(json '.items[0].reason')" null
	has "$stderr" 'the token of node "w1" asks for "w2"'
}

@test "expirationSeconds shortens, and never lengthens" {
	local first second

	make_pki
	make_inventory
	node_client w1
	node_client w2
	object a w1.csr $client "$client_usages" system:node:w1 system:nodes \
		'.spec.expirationSeconds = 3600' >a
	object b w2.csr $client "$client_usages" system:node:w2 system:nodes \
		'.spec.expirationSeconds = 86400' >b
	exits 0 sign a b --inventory nodes --validity 2h --out out --json
	first=$(json '.items[0].notAfter | fromdate')
	second=$(json '.items[1].notAfter | fromdate')
	((second - first >= 3598 && second - first <= 3602))
	exits 4 sign a --inventory nodes --validity 20y
	has "$stderr" "after the CA"
}

@test "signers that are not known need a profile" {
	make_pki
	make_inventory
	node_client w1
	object a w1.csr example.com/x "$client_usages" system:node:w1 \
		system:nodes >a
	exits 4 sign a --inventory nodes
	has "$stderr" 'signer "example.com/x": none of Kubernetes'
	exits 0 sign a --inventory nodes --profile kubelet-client
	object b w1.csr $serving "$client_usages" system:node:w1 system:nodes >b
	exits 4 sign b --inventory nodes --profile kubelet-client
	has "$stderr" "is for kubelet-serving, not kubelet-client"
}

@test "an object whose request is broken is its own trouble" {
	make_pki
	make_inventory
	node_client w1
	echo x >x
	object a x $client "$client_usages" system:node:w1 system:nodes >a
	object b w1.csr $client "$client_usages" system:node:w1 system:nodes >b
	exits 3 sign a b --inventory nodes --deny --out out --json
	is "$(decisions)" "failed a form
issued b new"
	is "$(jq -r '.status.conditions[].type' out/a.approval.json)" Denied
}

@test "a file that breaks further down is not begun" {
	make_pki
	make_inventory
	node_client w1
	object a w1.csr $client "$client_usages" system:node:w1 system:nodes >a
	{ cat a; echo ---; echo "kind: Secret"; } >two.yaml
	exits 3 sign two.yaml --inventory nodes --out out
	[ ! -e out ]
	is "$(rows --all)" 1
}

@test "nothing is written over what is not an earlier answer" {
	make_pki
	make_inventory
	node_client w1
	mkdir -m 700 out
	echo mine >out/w1.kubelet-client.crt
	exits 4 sign w1.csr --inventory nodes --out out --json
	is "$(decisions)" "refused w1.csr output"
	is "$(cat out/w1.kubelet-client.crt)" mine
	is "$(rows --all)" 1
	object a w1.csr $client "$client_usages" system:node:w1 system:nodes >a
	for junk in '' '[]' '{}' '{"metadata":7}' '{"metadata":{"name":[]}}' \
		'{"metadata":{"name":"b"}}'; do
		echo "$junk" >out/a.status.json
		exits 4 sign a --inventory nodes --out out
	done
	rm out/a.status.json
	ln -s /etc/passwd out/a.approval.json
	exits 4 sign a --inventory nodes --out out
	[ -L out/a.approval.json ]
}

@test "a full disk loses nothing" {
	make_pki
	make_inventory
	node_client w1
	run --separate-stderr bash -c '"$KPKI" sign w1.csr --inventory nodes \
		>/dev/full'
	is "$status" 1
	has "$stderr" "standard output"
	exits 0 sign w1.csr --inventory nodes
	has "$stderr" retry
	is "$(rows --live --node w1)" 1
}

@test "standard output has one kind of answer" {
	make_pki
	make_inventory
	node_client w1
	object a w1.csr $client "$client_usages" system:node:w1 system:nodes >a
	exits 3 sign a w1.csr --inventory nodes
	has "$stderr" "one kind of answer only"
	is "$(rows --all)" 1
}

@test "a bundle has what a node needs, and no secret" {
	make_pki
	make_inventory
	node_client w1
	node_serving w1 DNS:w1,IP:10.0.0.1
	node_client w2
	exits 0 sign w1.csr w1-serving.csr w2.csr --inventory nodes --bundle \
		--out out --json
	is "$(json '.items[].path')" "out/w1.yaml
out/w1.yaml
out/w2.yaml"
	is "$(ls out)" "w1.yaml
w2.yaml"
	is "$(grep -c 'BEGIN CERTIFICATE' out/w1.yaml)" 3
	is "$(grep -c 'BEGIN CERTIFICATE' out/w2.yaml)" 2
	lacks "$(cat out/*)" PRIVATE
	has "$(cat out/w1.yaml)" "server: \"$server\""
	cp -r out before
	exits 0 sign w1.csr w1-serving.csr w2.csr --inventory nodes --bundle \
		--out out
	diff -r before out
	# a later answer to the same node gives way, something else does not
	node_client w1 next
	exits 0 sign w1.csr w1-serving.csr --inventory nodes --bundle \
		--out out --reissue
	run ! cmp before/w1.yaml out/w1.yaml
	echo mine >out/w2.yaml
	exits 4 sign w2.csr --inventory nodes --bundle --out out
	is "$(cat out/w2.yaml)" mine
}

# Names, kinds and modes of a tree, the client's file without its time.
shape()
{
	(cd "$1" && find . -printf '%P %y %m %l\n' |
		sed -E 's/kubelet-client-[0-9-]+\.pem/TIME/g' | sort)
}

@test "a key never leaves its node, and the node gets what a bundle has" {
	local layout

	make_pki
	make_inventory
	for layout in kubeadm pem; do
		rm -rf w1 out root
		mkdir root
		exits 0 node-csr w1 --address 10.0.0.1 --address w1.example
		exits 0 sign w1/kubelet-client.csr w1/kubelet-serving.csr \
			--inventory nodes --bundle --layout $layout --out out \
			--reissue
		exits 0 node-csr --complete out/w1.yaml --root root
		exits 0 node-csr --complete out/w1.yaml --root root --json
		is "$(json '[.items[].status] | unique | join(" ")')" unchanged
		make_pki --dir other
		exits 0 node-bundle w1 --inventory nodes --dir other \
			--layout $layout --out $layout
		diff <(shape root) <(shape $layout/w1)
		rm -r other
	done
}

@test "standard output has the bundle of one node" {
	make_pki
	make_inventory
	node_client w1
	node_client w2
	exits 4 sign w1.csr w2.csr --inventory nodes --bundle
	has "$stderr" 'standard output has the bundle of node "w1" already'
	has "$output" 'node: "w1"'
	is "$(rows --all)" 2
	kpki init-ca -q --dir bare
	exits 3 sign w1.csr --inventory nodes --bundle --dir bare
	has "$stderr" 'key "server"'
	request u.csr u /CN=jane extendedKeyUsage=clientAuth
	exits 4 sign u.csr --user jane --bundle
	has "$stderr" "a bundle is a node's"
}

@test "sign refuses what does not go together" {
	make_pki
	make_inventory
	node_client w1
	exits 2 sign
	exits 2 sign w1.csr
	has "$stderr" "nobody may ask"
	exits 2 sign - --inventory -
	exits 2 sign - - --inventory nodes
	exits 2 sign w1.csr --inventory nodes --json
	exits 2 sign w1.csr --inventory nodes --dry-run --out out
	exits 2 sign w1.csr --inventory nodes --layout pem
	exits 2 sign w1.csr --inventory nodes --group x
	exits 2 sign w1.csr --inventory nodes --deny --bundle
	exits 2 sign w1.csr --inventory nodes --profile ca
	exits 2 sign w1.csr --user $'a\nb'
	is "$(rows --all)" 1
}

@test "--node alone allows the name and no address" {
	make_pki
	node_serving w1 DNS:w1
	node_client w2
	exits 0 sign w1-serving.csr --node w1 --out out
	exits 4 sign w2.csr --node w1
	has "$stderr" 'node "w2": not in the inventory'
	node_serving w3 DNS:w3,IP:10.0.0.3
	exits 4 sign w3-serving.csr --node w3
	has "$stderr" '"10.0.0.3": the inventory does not give it'
}

@test "twenty signers of one request make one certificate" {
	make_pki
	make_inventory
	node_client w1
	for i in {1..20}; do
		kpki sign w1.csr --inventory nodes >"crt$i" 2>"out$i" &
	done
	all_succeed
	is "$(cat crt* | sort -u | wc -l)" "$(sort -u crt1 | wc -l)"
	is "$(rows --all --node w1)" 1
}
