#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki renew: what soon expires, or has, is issued anew.

load helper
load pki

readonly bundle_pki=var/lib/kubelet/pki

# Two nodes that are due, of which one has expired, and one that is not.
make_nodes()
{
	make_pki
	kpki node-bundle -q w1 --address 10.0.0.1 --validity 20d
	kpki node-bundle -q w2 --no-serving --validity 1s
	kpki node-bundle -q w3 --address 10.0.0.3
	sleep 2
}

statuses() # NODE
{
	kpki list --node "$1" --json | jq -r '[.items[].status] | join(" ")'
}

shape() # TREE
{
	(cd "$1" && find . -printf '%P %y %m\n' |
		sed -E 's/[0-9]{4}(-[0-9]{2}){5}/TIME/' | sort)
}

@test "renew makes new bundles of what is due, and of nothing else" {
	make_nodes
	exits 0 renew
	is "$stderr" ""
	is "$(awk 'NR > 1 { print $1, $2, $3 }' <<<"$output")" \
		"issued w1 renewals/w1
issued w2 renewals/w2"
	is "$(statuses w1)" "superseded superseded live live"
	is "$(statuses w2)" "expired live"
	is "$(statuses w3)" "live live"
	diff <(shape bundles/w1) <(shape renewals/w1)
	diff <(shape bundles/w2) <(shape renewals/w2)
	has "$(extension renewals/w1/$bundle_pki/kubelet.crt subjectAltName)" \
		"DNS:w1, IP Address:10.0.0.1"
	exits 0 list --expiring 30d
	exits 0 ledger verify
	# and then there is nothing to do
	exits 0 renew --json
	is "$(json '.kind, (.items | length)')" "RenewReport
0"
}

@test "--plan tells the same and writes nothing" {
	local before

	make_nodes
	before=$(picture pki bundles)
	exits 0 renew --plan --json
	is "$(json '.items[] | "\(.status) \(.node) \(.path) \(.serials | length)"')" \
		"planned w1 renewals/w1 2
planned w2 renewals/w2 1"
	is "$(picture pki bundles)" "$before"
	[ ! -e renewals ]
	# on a read-only copy, too
	cp -r pki copy
	chmod -R a-w copy
	exits 0 renew --plan --dir copy
	chmod -R u+w copy
	is "$(picture pki bundles)" "$before"
}

@test "a bundle comes back in its layout and with its kind of key" {
	make_pki
	kpki node-bundle -q w1 --layout pem --embed-certs --validity 5d \
		--key-type rsa-2048
	kpki node-bundle -q w2 --layout kubeadm --validity 5d \
		--key-type ecdsa-p384
	exits 0 renew
	diff <(shape bundles/w1) <(shape renewals/w1)
	diff <(shape bundles/w2) <(shape renewals/w2)
	has "$(<renewals/w1/var/lib/kubelet/kubeconfig)" client-key-data
	has "$(certificate renewals/w1/var/lib/kubelet/w1.pem -text)" \
		"rsaEncryption"
	has "$(certificate renewals/w2/$bundle_pki/kubelet.crt -text)" \
		"secp384r1"
	has "$(<renewals/w1_renewal.txt)" /var/lib/kubelet/w1-key.pem
	has "$(<renewals/w2_renewal.txt)" /$bundle_pki/kubelet.key
	has "$(<renewals/w2_renewal.txt)" "systemctl restart kubelet"
	# every file that it names is in the bundle
	for path in $(sed -n 's|^     /\([^ ,]*\).*|\1|p' \
		renewals/w2_renewal.txt); do
		[ -e "renewals/w2/$path" ]
	done
	# and again, from what was renewed
	exits 0 renew --node w1 --out again
	diff <(shape bundles/w1) <(shape again/w1)
}

@test "the kubeconfig of kube-proxy stays in the bundle" {
	make_pki
	kpki node-bundle -q w1 --with-kube-proxy --validity 5d
	exits 0 renew
	diff <(shape bundles/w1) <(shape renewals/w1)
	exits 0 list --expiring 30d
	is "$(statuses w1)" \
		"superseded superseded superseded live live live"
	has "$(<renewals/w1_renewal.txt)" kube-proxy
}

@test "a name that policy forbids by now fails no other" {
	make_pki
	kpki node-bundle -q w1 --address 10.0.0.1 --validity 5d
	kpki node-bundle -q w2 --address 10.0.0.2 --validity 5d
	sed -i 's|^server:.*|server: "https://10.0.0.2:6443"|' pki/cluster.yaml
	exits 4 renew --json
	is "$(json '.items[] | "\(.status) \(.node)"' | sort)" "issued w1
refused w2"
}

@test "--node and --expiring choose, and an inventory has the addresses" {
	make_nodes
	exits 0 renew --node w3
	is "$(statuses w3)" "superseded superseded live live"
	is "$(statuses w1)" "live live"
	exits 0 renew --node w3 --expiring 1d --json
	is "$(json '.items | length')" 0
	exits 3 renew --node nobody
	has "$stderr" '--node "nobody": the ledger has nothing of it'
	echo 'w1 10.0.0.9 w1.example' >nodes
	exits 4 renew --inventory nodes --json
	is "$(json '.items[] | "\(.status) \(.node) \(.reason)"' | sort)" \
		"issued w1 null
refused w2 is not in the inventory"
	has "$(extension renewals/w1/$bundle_pki/kubelet.crt subjectAltName)" \
		"DNS:w1, IP Address:10.0.0.9, DNS:w1.example"
	[ ! -e renewals/w2 ]
	exits 0 renew --expiring 2y --json
	is "$(json '[.items[].node] | sort | join(" ")')" "w1 w2 w3"
}

@test "what it does not renew is refused by name, and the rest is done" {
	make_nodes
	kpki node-bundle -q boot --bootstrap --validity 5d
	kpki kubeconfig -q alice --out alice.conf --validity 3d
	kpki init-ca -q --dir short --server "$server" --ca-validity 20d
	exits 4 renew --json
	is "$(json '.items[] | "\(.status) \(.node)"' | sort)" "issued w1
issued w2
refused alice
refused boot"
	has "$(json '.items[] | select(.node == "alice") | .reason')" \
		"kpki kubeconfig --reissue"
	has "$(json '.items[] | select(.node == "boot") | .reason')" \
		"kpki node-bundle --bootstrap --reissue"
	exits 4 renew --dir short
	has "$stderr" "--ca --same-key --ca-name ca extends"
}

@test "revoked certificates are not renewed" {
	make_nodes
	kpki revoke -q w1
	exits 0 renew --json
	is "$(json '[.items[].node] | join(" ")')" w2
}

@test "--same-key certifies the keys that are there, and the node takes it" {
	make_pki
	kpki node-csr -q n1 --address 10.0.0.9
	echo 'n1 10.0.0.9' >nodes
	kpki sign -q n1/*.csr --inventory nodes --bundle --out signed \
		--validity 5d
	exits 0 renew --same-key
	is "$(awk 'NR > 1 { print $1, $2, $3 }' <<<"$output")" \
		"issued n1 renewals/n1.yaml"
	is "$(find renewals -type f -printf '%f\n' | sort)" "n1.yaml
n1_renewal.txt"
	lacks "$(cat renewals/*)" PRIVATE
	mkdir root
	exits 0 node-csr --complete renewals/n1.yaml --root root
	is "$(openssl pkey -in n1/kubelet-client.key -pubout)" \
		"$(certificate root/$bundle_pki/kubelet-client-current.pem \
			-pubkey)"
	is "$(statuses n1)" "superseded superseded live live"
	exits 0 ledger verify
}

@test "a user's certificate is renewed for the same key and groups" {
	make_pki
	kpki kubeconfig -q alice --group dev --group ops --out alice.conf \
		--validity 3d
	kpki kubeconfig -q bob --profile admin --group x --out bob.conf \
		--validity 3d
	exits 0 renew --same-key --plan
	[ ! -e renewals ]
	exits 0 renew --same-key
	is "$(certificate renewals/alice.kube-apiserver-client.crt -subject)" \
		"subject=CN=alice,O=ops,O=dev"
	is "$(certificate renewals/bob.kube-apiserver-admin.crt -subject)" \
		"subject=CN=bob,O=x,O=kubeadm:cluster-admins"
	is "$(sed -n 's/.*client-key-data: "\(.*\)"/\1/p' alice.conf |
		base64 -d | openssl pkey -pubout)" \
		"$(certificate renewals/alice.kube-apiserver-client.crt -pubkey)"
	exits 4 renew --same-key --node alice
	has "$stderr" "is there: move it away"
}

@test "an emergency is not prolonged, and no name leads out of the directory" {
	make_pki
	kpki kubeconfig -q eve --break-glass --out eve.conf --validity 1d
	kpki kubeconfig -q ../../x --out x.conf --validity 3d
	for plan in --plan --quiet; do
		exits 4 renew --same-key $plan --json
		is "$(json '.items[] | "\(.status) \(.node)"' | sort)" \
			"refused ../../x
refused eve"
		has "$output" "is of one emergency, and not prolonged"
		has "$output" 'has a \"/\" in its name'
	done
	[ -z "$(find .. -name 'x.kube-apiserver-client.crt')" ]
}

@test "--ca --same-key extends the CA, and leaves and pin survive" {
	local pin

	make_pki --ca-validity 2y
	kpki node-bundle -q w1 --address 10.0.0.1
	pin=$(kpki cluster-info)
	cp pki/ca.crt old.crt
	exits 0 renew --ca --same-key --plan
	has "$output" planned
	cmp pki/ca.crt old.crt
	exits 0 renew --ca --same-key --out notes --json
	is "$(json '.items[] | "\(.status) \(.path) \(.pin)"')" \
		"issued pki/ca.crt $pin"
	is "$(kpki cluster-info)" "$pin"
	is "$(mode pki/ca.crt)" 644
	is "$(find pki -name '.kpki-*')" ""
	is "$(kpki list --profile ca --json |
		jq -r '[.items[].status] | join(" ")')" "superseded live"
	for field in subject issuer pubkey startdate; do
		is "$(certificate pki/ca.crt -$field)" \
			"$(certificate old.crt -$field)"
	done
	is "$(extension pki/ca.crt subjectKeyIdentifier)" \
		"$(extension old.crt subjectKeyIdentifier)"
	# what was issued before is good under the new one, and the other way
	openssl verify -CAfile pki/ca.crt bundles/w1/$bundle_pki/kubelet.crt
	kpki node-bundle -q w2
	openssl verify -CAfile old.crt bundles/w2/$bundle_pki/kubelet.crt
	openssl verify -CAfile pki/ca.crt bundles/w2/$bundle_pki/kubelet.crt
	# nothing drifted
	exits 0 node-bundle w1 --address 10.0.0.1
	has "$output" unchanged
	has "$(<notes/ca_renewal.txt)" /etc/kubernetes/pki/ca.crt
	exits 0 ledger verify
	# leaves may outlive the old end now
	exits 0 node-bundle w3 --validity 5y
}

@test "a CA with identifiers of its own keeps them" {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt \
		-subj /CN=kubernetes -days 100 \
		-addext keyUsage=critical,keyCertSign,cRLSign \
		-addext subjectKeyIdentifier=hash
	kpki init-ca -q --server "$server" --import-cert ca.crt \
		--import-key ca.key
	kpki node-bundle -q w1
	exits 0 renew --ca --same-key
	is "$(extension pki/ca.crt subjectKeyIdentifier)" \
		"$(extension ca.crt subjectKeyIdentifier)"
	openssl verify -CAfile pki/ca.crt bundles/w1/$bundle_pki/kubelet.crt
}

@test "a CA is not renewed when it would lose something" {
	make_pki
	exits 2 renew --ca
	has "$stderr" "--ca needs --same-key"
	exits 2 renew --ca --same-key --node w1
	exits 4 renew --ca --same-key --validity 1y
	has "$stderr" "which is no earlier"
	exits 2 renew --ca --same-key --validity soon
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout ca.key -out ca.crt -subj /CN=kubernetes -days 100 \
		-addext nsComment=x
	kpki init-ca -q --dir other --import-cert ca.crt --import-key ca.key
	exits 4 renew --ca --same-key --dir other
	has "$stderr" "has an extension or a usage"
}

@test "options that make no sense are refused before anything is done" {
	make_nodes
	exits 2 renew --expiring soon
	exits 2 renew --validity soon
	exits 4 renew --validity 100y
	exits 4 renew --out pki/renewals
	exits 3 renew --dir nowhere
	exits 1 renew --inventory nowhere
	is "$(statuses w1)" "live live"
	[ ! -e renewals ]
}

@test "renewing and issuing at once leave one sound ledger" {
	local i

	make_nodes
	for i in 1 2 3; do
		kpki node-bundle -q "x$i" >out$i 2>&1 &
		kpki renew --out "r$i" >log$i 2>&1 &
	done
	wait
	exits 0 ledger verify
	is "$(kpki list --node w1 --live --json | jq '.items | length')" 2
	is "$(kpki list --node w2 --live --json | jq '.items | length')" 1
}

# -- the control plane --

# Two hosts, of which the second has more than it needs, and a node.
make_hosts()
{
	make_pki
	cat >>pki/cluster.yaml <<-END
		controlPlane:
		  hosts:
		    - name: cp-1
		      addresses: ["10.0.0.1"]
		    - name: cp-2
		      addresses: ["10.0.0.2"]
	END
	kpki control-plane -q --validity 20d --host cp-1
	kpki control-plane -q --validity 20d --host cp-2 --layout pem \
		--with-ca-key --with-admin-conf --key-type rsa-2048 \
		--out others
	kpki control-plane -q --validity 20d
	kpki node-bundle -q w1 --address 10.0.0.11 --validity 20d
}

@test "hosts of the control plane come back as they were, with a note each" {
	local host file before

	make_hosts
	before=$(rows)
	exits 0 renew --plan --json
	is "$(json '.items[] | "\(.status) \(.node) \(.path) \(.serials | length)"')" \
		"planned admin renewals/admin 1
planned cp-1 renewals/cp-1 11
planned cp-2 renewals/cp-2 12
planned w1 renewals/w1 2"
	is "$(rows)" "$before"
	exits 0 renew --json
	is "$(json '.items[] | "\(.status) \(.node) \(.path) \(.serials | length)"' | sort)" \
		"issued admin renewals/admin 1
issued cp-1 renewals/cp-1 11
issued cp-2 renewals/cp-2 12
issued w1 renewals/w1 2"
	diff <(shape control-plane/cp-1) <(shape renewals/cp-1)
	diff <(shape others/cp-2) <(shape renewals/cp-2)
	diff <(shape control-plane/admin) <(shape renewals/admin)
	cmp pki/ca.key renewals/cp-2/var/lib/kubernetes/ca-key.pem
	has "$(certificate renewals/cp-2/var/lib/kubernetes/kubernetes.pem \
		-text)" rsaEncryption
	# each has what is live, and other keys
	is "$(statuses cp-1 | tr ' ' '\n' | sort | uniq -c | tr -s ' ')" " 11 live
 11 superseded"
	! cmp -s control-plane/cp-1/etc/kubernetes/pki/apiserver.key \
		renewals/cp-1/etc/kubernetes/pki/apiserver.key
	cmp control-plane/cp-1/etc/kubernetes/pki/sa.key \
		renewals/cp-1/etc/kubernetes/pki/sa.key
	exits 0 list --expiring 30d
	exits 0 ledger verify
	exits 0 renew
	is "$output" ""
}

@test "renewing hosts, making their trees and issuing at once is sound" {
	local i

	make_hosts
	for i in 1 2 3; do
		kpki node-bundle -q "x$i" >out$i 2>&1 &
		kpki renew --out "r$i" >log$i 2>&1 &
		kpki control-plane --host cp-1 >tree$i 2>&1 &
	done
	wait
	exits 0 ledger verify
	is "$(kpki list --node cp-1 --live --json | jq '.items | length')" 11
	is "$(kpki list --node cp-1 --live --json |
		jq -r '.items[].profile' | sort | uniq -d)" ""
	exits 0 list --expiring 30d
	is "$(find . -name '.kpki-*' ! -path './pki/*')" ""
	is "$(rows --live --profile kubelet-serving)" 6
}

@test "the note of a host names what changes and what is restarted, in order" {
	local path

	make_hosts
	exits 0 renew
	for path in $(sed -n 's|^     \(/.*\)|\1|p' renewals/cp-1_renewal.txt); do
		[ -e "renewals/cp-1$path" ]
		! cmp -s "renewals/cp-1$path" "control-plane/cp-1$path"
	done
	# and all that changes is named
	for path in $(cd renewals/cp-1 && find . -type f -printf '/%P\n'); do
		cmp -s "renewals/cp-1$path" "control-plane/cp-1$path" ||
			grep -qx "     $path" renewals/cp-1_renewal.txt
	done
	is "$(grep -oE '^     (etcd|kube-[a-z-]*|kubelet)' \
		renewals/cp-1_renewal.txt | tr -s ' ' | paste -sd ,)" \
		" etcd, kube-apiserver, kube-controller-manager, kube-scheduler,\
 kubelet"
	has "$(<renewals/admin_renewal.txt)" "admin.conf"
	lacks "$(cat renewals/*_renewal.txt)" "sa.key"
}

@test "a host of etcd alone is renewed, and so is one that has expired" {
	make_pki
	cat >>pki/cluster.yaml <<-END
		controlPlane:
		  hosts:
		    - name: cp-1
		      addresses: ["10.0.0.1"]
		etcd:
		  hosts:
		    - name: etcd-1
		      addresses: ["10.0.0.4"]
	END
	kpki control-plane -q --validity 2s
	cp -a control-plane before
	sleep 3
	exits 0 renew --node etcd-1 --out control-plane
	is "$(awk 'NR > 1 { print $1, $2 }' <<<"$output")" "issued etcd-1"
	diff <(shape before/etcd-1) <(shape control-plane/etcd-1)
	lacks "$(<control-plane/etcd-1_renewal.txt)" kube-apiserver
	exits 0 renew --out control-plane
	is "$(rows --live)" 15
	exits 0 control-plane
	has "$output" "unchanged  cp-1"
	exits 0 verify pki control-plane/cp-1
}

@test "a host that is no host any more, or whose authority is gone, is refused" {
	local before

	make_hosts
	before=$(rows)
	exits 4 renew --same-key --node cp-1
	has "$stderr$output" "is of the control plane: without --same-key"
	mv pki/sa.key kept
	exits 3 renew --node cp-1 --json
	has "$output" 'and \"sa.key\" is not'
	is "$(json '.items[] | "\(.status) \(.node)"')" "failed cp-1"
	is "$(rows)" "$before"
	mv pki/etcd away
	mv pki/sa.pub pki/front-proxy-ca.* .
	exits 4 renew --node cp-1 --node cp-2 --json
	is "$(json '.items[] | "\(.status) \(.node)"')" "refused cp-1
refused cp-2"
	has "$(json '.items[0].reason')" "pki/etcd/ca.crt"
	[ ! -e pki/etcd ]
	sed -i '/name: cp-2/,$d' pki/cluster.yaml
	exits 4 renew --json
	has "$(json '.items[] | select(.node == "cp-2") | .reason')" \
		"is no host of"
	is "$(json '.items[] | select(.node == "w1") | .status')" issued
	sed -i '/^controlPlane/,$d' pki/cluster.yaml
	exits 4 renew --plan --node cp-1
	has "$stderr$output" "is of a control plane, and"
}

@test "a component's own kubeconfig keeps its key, and directories only are made" {
	make_pki
	kpki kubeconfig -q h1 --profile scheduler --out h1.conf --validity 5d
	kpki kubeconfig -q h2 --profile kube-proxy --out h2.conf --validity 5d
	exits 4 renew --json
	is "$(json '.items[] | "\(.status) \(.node)"')" "refused h1
refused h2"
	has "$output" "kpki kubeconfig --reissue makes another"
	exits 0 renew --same-key
	is "$(certificate renewals/h1.scheduler.crt -subject)" \
		"subject=CN=system:kube-scheduler"
	is "$(certificate renewals/h2.kube-proxy.crt -pubkey)" \
		"$(sed -n 's/.*client-key-data: "\(.*\)"/\1/p' h2.conf |
			base64 -d | openssl pkey -pubout)"
	is "$(kpki list --node h1 --live --json | jq -r '.items[].serial')" \
		"$(certificate renewals/h1.scheduler.crt -serial |
			cut -d = -f 2 | tr A-F a-f)"
	exits 2 renew --out -
	exits 2 renew --ca --same-key --out -
}

@test "--ca-name extends the CAs of etcd and of the front proxy" {
	local name file

	make_hosts
	cp -a pki before
	exits 2 renew --ca-name etcd-ca
	exits 2 renew --ca --same-key --ca-name other
	while read -r name file; do
		exits 0 renew --ca --same-key --ca-name "$name" \
			--validity 20y --out notes
		has "$output" "pki/$file"
		is "$(certificate "pki/$file" -pubkey -subject)" \
			"$(certificate "before/$file" -pubkey -subject)"
		! cmp -s "pki/$file" "before/$file"
		is "$(kpki list --profile "$name" --json |
			jq -r '[.items[].status] | join(" ")')" "superseded live"
		has "$(<"notes/${name}_renewal.txt")" "/etc/kubernetes/pki/$file"
	done <<-END
		etcd-ca etcd/ca.crt
		front-proxy-ca front-proxy-ca.crt
	END
	cmp pki/ca.crt before/ca.crt
	# what it signed before is good, and its list is signed
	openssl verify -CAfile pki/etcd/ca.crt \
		control-plane/cp-1/etc/kubernetes/pki/etcd/server.crt
	exits 0 crl --ca etcd-ca --out list
	exits 0 ledger verify
}

@test "what has the certificate before of the same CA is as it should be" {
	make_hosts
	kpki renew -q --ca --same-key --validity 20y
	kpki renew -q --ca --same-key --ca-name etcd-ca --validity 20y
	exits 0 control-plane --host cp-1
	has "$output" "unchanged  cp-1"
	exits 0 node-bundle w1 --address 10.0.0.11
	has "$output" "unchanged  w1"
	kpki control-plane -q --host cp-1 --format tar --out tars --reissue
	kpki renew -q --ca --same-key --validity 25y
	exits 0 control-plane --host cp-1 --format tar --out tars
	# another CA is another, whatever it is called
	kpki init-ca -q --dir other --server "$server"
	rm -r control-plane/cp-1
	kpki control-plane -q --host cp-1 --reissue
	cp other/ca.crt control-plane/cp-1/etc/kubernetes/pki/ca.crt
	exits 4 control-plane --host cp-1
	has "$output$stderr" 'does not have "etc/kubernetes/pki/ca.crt"'
}

@test "many that extend the CA at once never move its end back" {
	local i

	make_pki
	for i in 21 22 23 24 25 26; do
		kpki renew --ca --same-key --validity "${i}y" >out$i 2>&1 &
	done
	wait
	has "$(<out26)" issued
	is "$(certificate pki/ca.crt -enddate)" "$(kpki list --profile ca \
		--live --json | jq -r '.items[0].notAfter' |
		xargs date -u +'notAfter=%b %e %T %Y GMT' -d)"
	certificate pki/ca.crt -enddate | grep -q \
		"$(date -u +%Y -d "+$((26 * 365)) days")"
	exits 0 ledger verify
	exits 0 node-bundle w1
}
