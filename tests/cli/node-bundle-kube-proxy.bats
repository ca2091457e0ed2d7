#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki node-bundle --with-kube-proxy.

load helper
load pki

conf=etc/kubernetes/kube-proxy.conf

# The client certificate of a kubeconfig.
client() # FILE
{
	KUBECONFIG=$1 kubectl config view --raw \
		-o jsonpath='{.users[0].user.client-certificate-data}' |
		base64 -d >client.crt
	echo client.crt
}

live() # PROFILE NAME
{
	kpki list --live --json | jq -r --arg profile "$1" --arg name "$2" \
		'[.items[] | select(.profile == $profile and .node == $name) |
		.serial] | join(" ")'
}

@test "the bundle has kube-proxy's kubeconfig, and each node its own" {
	make_pki
	printf 'w1 10.0.0.1\nw2 10.0.0.2\n' >nodes
	exits 0 node-bundle --inventory nodes --with-kube-proxy --json
	is "$(json '.items[0].serials | length')" 3
	local node
	for node in w1 w2; do
		is "$(mode bundles/$node/$conf)" 600
		is "$(certificate "$(client bundles/$node/$conf)" -subject)" \
			"subject=CN=system:kube-proxy,O=system:node-proxier"
		openssl verify -CAfile pki/ca.crt -purpose sslclient client.crt
		is "$(certificate client.crt -serial | tr A-F a-f)" \
			"serial=$(live kube-proxy $node)"
	done
	is "$(KUBECONFIG=bundles/w1/$conf kubectl config view \
		-o jsonpath='{.clusters[0].cluster.server}')" "$server"
	run ! cmp bundles/w1/$conf bundles/w2/$conf
	# the file is what kubeconfig would have made
	exits 0 kubeconfig w1 --profile kube-proxy --out bundles/w1/$conf
	has "${lines[1]}" unchanged
}

@test "a second run changes nothing, with the option or without" {
	make_pki
	kpki node-bundle -q w1 --with-kube-proxy
	local before
	before=$(picture bundles)
	exits 0 node-bundle w1 --with-kube-proxy
	has "${lines[1]}" unchanged
	exits 0 node-bundle w1
	has "${lines[1]}" unchanged
	is "$(picture bundles)" "$before"
	# it is not taken away in passing
	exits 4 node-bundle w1 --reissue
	has "$stderr" "its bundle has kube-proxy's kubeconfig, which would go without --with-kube-proxy"
	is "$(picture bundles)" "$before"
	exits 0 node-bundle w1 --reissue --with-kube-proxy
	is "$(wc -w <<<"$(live kube-proxy w1)")" 1
}

@test "what is missing or differs is named" {
	make_pki
	kpki node-bundle -q w1
	exits 4 node-bundle w1 --with-kube-proxy
	has "$stderr" "differs: no kube-proxy certificate is live; --reissue"
	exits 0 node-bundle w1 --with-kube-proxy --reissue
	rm bundles/w1/$conf
	exits 4 node-bundle w1 --with-kube-proxy
	has "$stderr" "its bundle lacks \"$conf\": --reissue makes another"
	exits 0 node-bundle w1 --with-kube-proxy --reissue
	sed -i 's/api\.example\.internal/lb.example.internal/' pki/cluster.yaml
	exits 4 node-bundle w1 --with-kube-proxy
	has "$stderr" 'the server of kube-proxy was "https://api.example.internal:6443" and is "https://lb.example.internal:6443" now'
	exits 0 node-bundle w1 --with-kube-proxy --reissue
	grep -q lb.example.internal bundles/w1/$conf
	# one that is elsewhere is superseded when told, and named before
	kpki kubeconfig -q w2 --profile kube-proxy
	exits 0 node-bundle w2
	exits 4 node-bundle w2 --with-kube-proxy
	exits 0 node-bundle w2 --with-kube-proxy --reissue
	exits 4 kubeconfig w2 --profile kube-proxy
	has "$stderr" "what is in its place is another"
}

@test "it goes with every layout, format and credential" {
	make_pki
	exits 0 node-bundle w1 --with-kube-proxy --layout pem
	is "$(mode bundles/w1/var/lib/kubernetes/kube-proxy.kubeconfig)" 600
	[[ ! -e bundles/w1/$conf ]]
	exits 0 node-bundle w2 --with-kube-proxy --format tar
	tar -xOf bundles/w2.tar $conf >proxy.conf
	client proxy.conf
	is "$(certificate client.crt -serial | tr A-F a-f)" \
		"serial=$(live kube-proxy w2)"
	exits 0 node-bundle w2 --with-kube-proxy --format tar
	has "${lines[1]}" unchanged
	exits 0 node-bundle w3 --with-kube-proxy --bootstrap
	[[ -e bundles/w3/$conf && -e bundles/w3/etc/kubernetes/bootstrap-kubelet.conf ]]
	exits 0 node-bundle w3 --with-kube-proxy --bootstrap
	has "${lines[1]}" unchanged
	exits 0 node-bundle w4 --with-kube-proxy --bootstrap --no-serving \
		--validity 30d --key-type rsa-2048
	has "$(certificate "$(client bundles/w4/$conf)" -text)" "2048 bit"
	exits 0 node-bundle w5 --with-kube-proxy --no-serving --embed-certs
	has "$(<bundles/w5/etc/kubernetes/kubelet.conf)" client-key-data
}

@test "renew says who makes kube-proxy's anew" {
	make_pki
	kpki kubeconfig -q w1 --profile kube-proxy --validity 10d
	exits 4 renew
	has "$stderr" "kpki kubeconfig --reissue makes another"
}

@test "a bundle with another certificate of kube-proxy than the live one" {
	make_pki
	kpki node-bundle -q w1 --address 10.0.0.1 --with-kube-proxy
	kpki kubeconfig -q w1 --profile kube-proxy --reissue --out kp.conf
	exits 4 node-bundle w1 --address 10.0.0.1 --with-kube-proxy
	has "$output" "is not the bundle of its live"
	exits 0 node-bundle w1 --address 10.0.0.1 --with-kube-proxy --reissue
	exits 0 node-bundle w1 --address 10.0.0.1 --with-kube-proxy
	has "$output" unchanged
}
