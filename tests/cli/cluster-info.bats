#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki cluster-info.

load helper
load pki

# base64 as JWS has it.
base64url()
{
	base64 -w 0 | tr '+/' '-_' | tr -d =
}

field() # FILE KEY
{
	sed -nE "s/^ *$2: \"(.*)\"$/\1/p" "$1"
}

# What kubeadm computes from a token and the kubeconfig in the ConfigMap.
signature() # ID SECRET KUBECONFIG-FILE
{
	local head payload

	head=$(printf '{"alg":"HS256","kid":"%s"}' "$1" | base64url)
	payload=$(base64url <"$3")
	printf '%s..%s' "$head" "$(printf '%s.%s' "$head" "$payload" |
		openssl dgst -sha256 -hmac "$2" -binary | base64url)"
}


@test "the pin is that of openssl, and alone on its line" {
	make_pki
	exits 0 cluster-info
	is "$output" "sha256:$(openssl x509 -in pki/ca.crt -noout -pubkey |
		openssl pkey -pubin -outform DER | sha256sum | cut -d ' ' -f 1)"
	is "$stderr" ""
	local pin=$output
	exits 0 cluster-info --json
	is "$(json .kind)" ClusterInfoReport
	is "$(json '.items[0].pin')" "$pin"
	is "$(json '.items[0].server')" "$server"
	exits 0 cluster-info --format pin
	is "$output" "$pin"
	# without a key, a ledger or a server
	kpki init-ca -q --dir bare
	rm bare/ca.key bare/ledger.db
	exits 0 cluster-info --dir bare
}

@test "the discovery file has one cluster, without a name or a credential" {
	make_pki
	exits 0 cluster-info --format discovery-file
	echo "$output" >discovery
	is "$(KUBECONFIG=discovery kubectl config view --raw \
		-o jsonpath='{.clusters[0].cluster.certificate-authority-data}' |
		base64 -d)" "$(<pki/ca.crt)"
	is "$(field discovery server)" "$server"
	has "$output" '- name: ""'
	has "$output" 'users: []'
	kpki init-ca -q --dir bare
	exits 3 cluster-info --dir bare --format discovery-file
	has "$stderr" bare/cluster.yaml
}

@test "the ConfigMap is signed by each token, as kubeadm will check" {
	make_pki
	kpki token -q --out one.yaml
	kpki token -q --format plain --out two
	exits 0 cluster-info --format discovery-file
	printf '%s\n' "$output" >kubeconfig
	exits 0 cluster-info --format configmap --token-from one.yaml \
		--token-from - <two
	is "$stderr" ""
	local id secret
	id=$(field one.yaml token-id)
	secret=$(field one.yaml token-secret)
	has "$output" "  jws-kubeconfig-$id: \"$(signature "$id" "$secret" \
		kubeconfig)\""
	IFS=. read -r id secret <two
	has "$output" "  jws-kubeconfig-$id: \"$(signature "$id" "$secret" \
		kubeconfig)\""
	lacks "$output" "$secret"
	# the bytes that are signed are those that are there
	is "$(field <(echo "$output") kubeconfig |
		sed 's/^/"/; s/$/"/' | jq -j .; echo x)" "$(cat kubeconfig; echo x)"
	is "$(grep -c '^kind:' <<<"$output")" 3
	has "$output" 'kind: "Role"'
	has "$output" 'name: "system:anonymous"'
	exits 0 cluster-info --format configmap
	lacks "$output" jws
}

@test "a token that may not sign is refused" {
	make_pki
	kpki token -q --node w1
	exits 4 cluster-info --format configmap --token-from tokens/w1.yaml
	is "$output" ""
	has "$stderr" "tokens/w1.yaml: token"
	has "$stderr" "is not for signing: its usages do not allow it"
	kpki token -q --format csv --no-expiry --yes --out csv
	exits 4 cluster-info --format configmap --token-from csv
	has "$stderr" "a static token signs nothing"
	kpki token -q --ttl 1s --out short
	sleep 2
	exits 4 cluster-info --format configmap --token-from short
	has "$stderr" "expired at"
	kpki token -q --out twice
	exits 3 cluster-info --format configmap --token-from twice \
		--token-from twice
	has "$stderr" "is there twice"
	echo nothing >bad
	exits 3 cluster-info --format configmap --token-from bad
	exits 1 cluster-info --format configmap --token-from nowhere
}

@test "options that do not go together are refused" {
	make_pki
	exits 2 cluster-info --token-from x
	exits 2 cluster-info --format discovery-file --token-from x
	exits 2 cluster-info --format configmap --json
	is "$(json .error.code)" 2
	exits 2 cluster-info --format configmap --token-from - --token-from -
	exits 2 cluster-info --format join
}
