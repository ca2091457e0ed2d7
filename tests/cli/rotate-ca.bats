#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki rotate-ca: another key in the place of one, by stages.

load helper
load pki

readonly etc=etc/kubernetes

# A host of the control plane with etcd, two nodes and a user.
make_cluster()
{
	make_pki "$@"
	cat >>pki/cluster.yaml <<-END
		controlPlane:
		  hosts:
		    - name: cp-1
		      addresses: ["10.0.0.1"]
	END
	kpki control-plane -q
	kpki node-bundle -q w1 --address 10.0.0.11
	kpki node-bundle -q w2 --address 10.0.0.12 --with-kube-proxy
}

# Of every host, and the administrator.
came_back() # STAGE [ARGUMENT]...
{
	local stage=$1

	shift
	kpki rotate-ca status "rotation/stage-$stage" \
		"rotation/stage-$stage/admin" "$@" >/dev/null
}

verdicts()
{
	awk 'NR > 1 { print $1, $2 }' <<<"$output" | sort | paste -sd ,
}

count() # FILE
{
	grep -c BEGIN "$1"
}

# The CA data of a kubeconfig, as PEM.
trust_of() # KUBECONFIG
{
	sed -nE 's/^ *certificate-authority-data: "(.*)"/\1/p' "$1" | base64 -d
}

client_of() # KUBECONFIG
{
	sed -nE 's/^ *client-certificate-data: "(.*)"/\1/p' "$1" | base64 -d
}

# Does the tree of `who`, at its stage, take what the tree of `whom`, at
# another, shows?  Of a bundle of several each counts.
takes() # BUNDLE CERTIFICATE
{
	openssl verify -CAfile "$1" "$2" >/dev/null 2>&1
}

# Every edge of the cluster's CA between the trees of two stages.
edges_hold() # STAGE STAGE
{
	local a=rotation/stage-$1 b=rotation/stage-$2 file

	# kubelets, and all with a kubeconfig, at the API server
	for file in $b/w[12]/var/lib/kubelet/pki/kubelet-client-current.pem; do
		takes $a/cp-1/$etc/pki/ca-bundle.crt "$file" ||
			complain "client" "$a" "$file"
	done
	for file in controller-manager scheduler kubelet; do
		client_of $b/cp-1/$etc/$file.conf >leaf.pem
		takes $a/cp-1/$etc/pki/ca-bundle.crt leaf.pem ||
			complain "client" "$a" "$b $file"
	done
	client_of $b/admin/admin.conf >leaf.pem
	takes $a/cp-1/$etc/pki/ca-bundle.crt leaf.pem
	# the API server at them
	for file in $a/cp-1/$etc/{controller-manager,scheduler,kubelet}.conf \
		$a/w[12]/$etc/kubelet.conf $a/w2/$etc/kube-proxy.conf \
		$a/admin/admin.conf; do
		trust_of "$file" >trust.pem
		takes trust.pem $b/cp-1/$etc/pki/apiserver.crt ||
			complain "serving" "$file" "$b"
	done
	# the API server and kubelets, both ways
	for file in w1 w2; do
		takes $a/cp-1/$etc/pki/ca-bundle.crt \
			$b/$file/var/lib/kubelet/pki/kubelet.crt
		takes $a/$file/$etc/pki/ca-bundle.crt \
			$b/cp-1/$etc/pki/apiserver-kubelet-client.crt
	done
}

@test "three stages, each shown to be done, put another CA in the place of one" {
	local old

	make_cluster
	old=$(kpki cluster-info)
	exits 0 rotate-ca status
	exits 0 rotate-ca stage 1
	is "$stderr" "kpki: note: signing is offline: what kubelets request is signed by kpki sign, and by nobody in the cluster"
	is "$(verdicts)" "issued admin,issued cp-1,issued w1,issued w2"
	exits 5 rotate-ca status
	is "$(verdicts)" "open admin,open cp-1,open w1,open w2"
	is "$(kpki cluster-info)" "$old"
	came_back 1
	exits 0 rotate-ca status
	is "$(verdicts)" "done admin,done cp-1,done w1,done w2"

	exits 0 rotate-ca stage 2
	[[ $(kpki cluster-info) != "$old" ]]
	came_back 2
	exits 0 rotate-ca stage 3
	came_back 3
	exits 0 rotate-ca status
	exits 0 ledger verify
	exits 0 verify pki rotation/stage-3
	lacks "$output" warning
}

@test "every edge holds between the trees of a stage and of the one before" {
	make_cluster
	kpki rotate-ca stage 1 -q
	kpki rotate-ca rollback -q
	kpki rotate-ca stage 1 -q
	for stage in 2 3; do
		kpki rotate-ca stage $stage -q --vouch
	done
	for stage in 1 2 3; do
		edges_hold $stage $stage
		edges_hold $stage $((stage - 1))
		edges_hold $((stage - 1)) $stage
	done
	# and not between those that no step leads between
	run edges_hold 0 2
	((status != 0))
	run edges_hold 3 1
	((status != 0))
}

@test "trust is in ca-bundle.crt, ca.crt has one certificate, flags say so" {
	local tree

	make_cluster
	kpki rotate-ca stage 1 -q
	for tree in cp-1 w1; do
		is "$(count rotation/stage-1/$tree/$etc/pki/ca-bundle.crt)" 2
		is "$(count rotation/stage-1/$tree/$etc/pki/ca.crt)" 1
		is "$(mode rotation/stage-1/$tree/$etc/pki/ca-bundle.crt)" 644
		diff rotation/stage-1/$tree/$etc/pki/ca.crt pki/ca.crt
	done
	grep -q "clientCAFile: \"/$etc/pki/ca-bundle.crt\"" \
		rotation/stage-1/w1/var/lib/kubelet/config.yaml
	is "$(trust_of rotation/stage-1/w1/$etc/kubelet.conf |
		grep -c BEGIN)" 2
	exits 0 component-config all --path manual
	has "$output" "--client-ca-file=/$etc/pki/ca-bundle.crt"
	has "$output" "--kubelet-certificate-authority=/$etc/pki/ca-bundle.crt"
	has "$output" "--root-ca-file=/$etc/pki/ca-bundle.crt"
	kpki rotate-ca stage 2 -q --vouch
	kpki rotate-ca stage 3 -q --vouch
	is "$(count rotation/stage-3/cp-1/$etc/pki/ca-bundle.crt)" 1
	diff rotation/stage-3/cp-1/$etc/pki/ca{-bundle,}.crt
}

@test "the flag that signs keeps the one certificate of the CA" {
	make_cluster --signing in-cluster
	kpki rotate-ca stage 1 -q
	exits 0 component-config kube-controller-manager
	has "$output" "--cluster-signing-cert-file=/$etc/pki/ca.crt"
	kpki rotate-ca stage 2 -q --vouch
	is "$(count rotation/stage-2/cp-1/$etc/pki/ca.crt)" 1
	# with its key, which is the new one's
	diff <(openssl x509 -in rotation/stage-2/cp-1/$etc/pki/ca.crt \
		-noout -pubkey) \
		<(openssl pkey -in rotation/stage-2/cp-1/$etc/pki/ca.key -pubout)
}

@test "the same stage again changes nothing, also when its trees are gone" {
	local before

	make_cluster
	kpki rotate-ca stage 1 -q
	before=$(picture rotation | grep -v _rotation.txt | sed 's/ [^ ]*$//')
	exits 0 rotate-ca stage 1
	is "$(verdicts)" \
		"unchanged admin,unchanged cp-1,unchanged w1,unchanged w2"
	is "$(picture rotation | grep -v _rotation.txt | sed 's/ [^ ]*$//')" \
		"$before"
	rm -r rotation
	exits 0 rotate-ca stage 1
	is "$(verdicts)" \
		"unchanged admin,unchanged cp-1,unchanged w1,unchanged w2"
	is "$(find rotation -type f)" ""
}

@test "a stage that is skipped, or stands on nothing, is refused" {
	local before

	make_cluster
	before=$(picture pki)
	exits 4 rotate-ca stage 2
	has "$stderr" "stage 2 from stage 0: kubelet at stage 2 shows its client certificate of the new key to kube-apiserver at stage 0, whose --client-ca-file does not have it"
	exits 4 rotate-ca stage 3 --vouch
	exits 4 rotate-ca rollback
	has "$stderr" "is at no stage of a rotation"
	exits 4 rotate-ca status bundles
	is "$(picture pki)" "$before"

	kpki rotate-ca stage 1 -q
	exits 4 rotate-ca stage 2
	has "$stderr" 'stage 1 of ca is not shown to be done on "cp-1"'
	exits 4 rotate-ca stage 3 --vouch
	has "$stderr" "stage 3 from stage 1: kubelet at stage 1"
	is "$(kpki ledger export | jq -r 'select(.kind == "rotation") |
		"\(.profile) \(.name) \(.detail)"')" "ca null stage 1 from 0"
}

@test "what came back is held to the stage, file by file" {
	make_cluster
	kpki rotate-ca stage 1 -q
	# from before
	exits 5 rotate-ca status control-plane
	has "$(grep cp-1 <<<"$output")" wrong
	has "$output" "controller-manager.conf\": does not trust what this stage trusts"
	exits 5 rotate-ca status bundles
	has "$(grep w1 <<<"$output")" "wrong"
	# the tree of one host as a tar, and one with a file of before
	tar -C rotation/stage-1/w1 -cf w1.tar etc var
	cp -r rotation/stage-1/w2 w2
	cp bundles/w2/$etc/kube-proxy.conf w2/$etc
	exits 5 rotate-ca status w1.tar w2
	is "$(verdicts)" "done w1,open admin,open cp-1,wrong w2"
	has "$output" "kube-proxy.conf"
	# a bundle that still has both at stage 3, and a stranger
	kpki rotate-ca stage 2 -q --vouch
	kpki rotate-ca stage 3 -q --vouch
	cp -r rotation/stage-3/w1 .
	cp rotation/stage-2/w1/$etc/pki/ca-bundle.crt w1/$etc/pki
	exits 5 rotate-ca status w1
	has "$output" 'ca-bundle.crt": does not trust what this stage trusts, and no more'
	mv w1 w9
	exits 5 rotate-ca status w9
	has "$output" "is called as no host of this rotation"
	# nothing at all
	mkdir -p w1/$etc
	exits 5 rotate-ca status w1
	has "$(grep w1 <<<"$output")" "wrong"
}

@test "rolling back leads from each stage to the one before" {
	make_cluster
	kpki rotate-ca stage 1 -q
	kpki rotate-ca stage 2 -q --vouch
	kpki rotate-ca stage 3 -q --vouch
	# hosts are at 2 or 3: back to 2 needs nothing, further does
	exits 0 rotate-ca rollback
	is "$(verdicts)" "issued admin,issued cp-1,issued w1,issued w2"
	exits 4 rotate-ca rollback
	has "$stderr" "stage 2 of ca is not shown"
	came_back 2
	exits 0 rotate-ca rollback
	came_back 1
	exits 0 rotate-ca rollback
	came_back 0
	exits 4 rotate-ca rollback
	diff rotation/stage-0/w1/$etc/pki/ca-bundle.crt pki/ca.crt
	takes pki/ca.crt rotation/stage-0/cp-1/$etc/pki/apiserver.crt
	exits 0 ledger verify
	exits 0 verify pki
	# and forward again, to the same new CA
	cp pki/rotation/ca.crt new.crt
	kpki rotate-ca stage 1 -q
	kpki rotate-ca stage 2 -q --vouch
	diff pki/ca.crt new.crt
}

@test "a host without the bundle is not done, and what came back last counts" {
	make_cluster
	cp -a bundles/w1 w1
	kpki rotate-ca stage 1 -q
	cp -a rotation/stage-1 without
	rm without/*/$etc/pki/ca-bundle.crt
	exits 5 rotate-ca status without
	is "$(verdicts)" "open admin,wrong cp-1,wrong w1,wrong w2"
	has "$output" 'has no "ca-bundle" of CAs'
	came_back 1
	exits 5 rotate-ca status w1
	exits 5 rotate-ca status
	is "$(verdicts)" "done admin,done cp-1,done w2,open w1"
	exits 4 rotate-ca stage 2
	has "$stderr" 'not shown to be done on "w1"'
	came_back 1
	kpki rotate-ca stage 2 -q
}

@test "a stage behind the one that was entered is for rollback" {
	make_cluster
	kpki rotate-ca stage 1 -q
	kpki rotate-ca stage 2 -q --vouch
	exits 4 rotate-ca stage 1 --vouch
	has "$stderr" "stage 1 of ca: is behind stage 2"
	kpki rotate-ca stage 3 -q --vouch
	exits 4 rotate-ca stage 2 --vouch
	exits 0 rotate-ca rollback
	exits 0 rotate-ca stage 2
	is "$(verdicts)" "unchanged admin,unchanged cp-1,unchanged w1,unchanged w2"
}

@test "after the last stage another rotation may begin" {
	make_cluster
	kpki rotate-ca stage 1 -q
	cp pki/rotation/ca.crt second.crt
	kpki rotate-ca stage 2 -q --vouch
	kpki rotate-ca stage 3 -q --vouch
	exits 4 rotate-ca stage 1
	came_back 3
	exits 0 rotate-ca stage 1
	diff pki/ca.crt second.crt
	[ "$(cat pki/rotation/ca.crt)" != "$(cat second.crt)" ]
	exits 0 ledger verify
}

@test "all that is released while two are trusted trusts both" {
	make_cluster
	kpki rotate-ca stage 1 -q
	kpki kubeconfig -q alice --out alice.conf
	kpki node-bundle -q w3 --address 10.0.0.13
	kpki node-bundle -q w4 --address 10.0.0.14 --bootstrap
	kpki token -q >tokens
	kpki bootstrap-kubeconfig -q --token-from tokens --out boot.conf
	kpki cluster-info --format discovery-file >discovery.conf
	for file in alice.conf bundles/w3/$etc/kubelet.conf \
		bundles/w4/$etc/bootstrap-kubelet.conf boot.conf discovery.conf; do
		is "$(trust_of "$file" | grep -c BEGIN)" 2
	done
	is "$(count bundles/w3/$etc/pki/ca-bundle.crt)" 2
	kpki rotate-ca stage 2 -q --vouch
	# by the new one, and what is older differs
	kpki node-bundle -q w6 --address 10.0.0.16
	takes pki/ca.crt bundles/w6/var/lib/kubelet/pki/kubelet.crt
	exits 4 node-bundle w3 --address 10.0.0.13
	has "$output" "is not the bundle of its live certificate"
	exits 0 node-bundle w3 --address 10.0.0.13 --reissue
	exits 4 kubeconfig alice --out alice.conf
	exits 0 kubeconfig alice --out alice.conf --reissue
	is "$(trust_of alice.conf | grep -c BEGIN)" 2
}

@test "a user is shown to be done by a kubeconfig that was made since" {
	make_cluster
	kpki kubeconfig -q alice --out alice.conf
	kpki rotate-ca stage 1 -q
	run came_back 1
	is "$status" 5
	exits 4 rotate-ca stage 2
	has "$stderr" 'not shown to be done on "user:alice"'
	exits 4 kubeconfig alice --out alice.conf
	has "$output" "its CA is another"
	kpki kubeconfig -q alice --out alice.conf --reissue
	exits 0 kubeconfig alice --out alice.conf
	exits 0 rotate-ca stage 2
}

@test "the front proxy's CA, etcd's and the key for service accounts too" {
	local target file

	make_cluster
	for target in front-proxy-ca etcd-ca sa; do
		exits 0 rotate-ca stage 1 --ca $target --out $target
		is "$(verdicts)" "issued cp-1"
		for stage in 1 2 3; do
			exits 0 rotate-ca stage $stage --ca $target \
				--out $target
			exits 0 rotate-ca status --ca $target \
				$target/stage-$stage
			is "$(verdicts)" "done cp-1"
			exits 0 verify $target/stage-$stage pki
		done
		exits 5 rotate-ca status --ca $target $target/stage-2
		has "$output" wrong
		exits 0 rotate-ca rollback --ca $target --out $target
	done
	is "$(count sa/stage-1/cp-1/$etc/pki/sa.pub)" 2
	is "$(count sa/stage-3/cp-1/$etc/pki/sa.pub)" 1
	cmp sa/stage-1/cp-1/$etc/pki/sa.key control-plane/cp-1/$etc/pki/sa.key
	run ! cmp sa/stage-2/cp-1/$etc/pki/sa.key \
		control-plane/cp-1/$etc/pki/sa.key
	for file in front-proxy-ca/stage-%s/cp-1/$etc/pki/front-proxy-ca \
		etcd-ca/stage-%s/cp-1/$etc/pki/etcd/ca; do
		is "$(count "${file/\%s/2}-bundle.crt")" 2
		is "$(count "${file/\%s/2}.crt")" 1
		is "$(count "${file/\%s/3}-bundle.crt")" 1
	done
	takes etcd-ca/stage-2/cp-1/$etc/pki/etcd/ca.crt \
		etcd-ca/stage-2/cp-1/$etc/pki/etcd/server.crt
	exits 0 ledger verify
}

@test "the note of a host says what to do, how to show it, and how to go back" {
	local note

	make_cluster
	kpki rotate-ca stage 1 -q
	note=$(<rotation/stage-1/cp-1_rotation.txt)
	has "$note" "kube-apiserver --client-ca-file=/$etc/pki/ca-bundle.crt"
	has "$note" "kube-controller-manager --root-ca-file=/$etc/pki/ca-bundle.crt"
	has "$note" "--cluster-signing-cert-file stays at /$etc/pki/ca.crt"
	has "$note" "Restart, in this order: kube-apiserver, kube-controller-manager, kube-scheduler, kubelet"
	has "$note" "kpki rotate-ca status --ca ca cp-1.tar"
	has "$note" "kpki rotate-ca rollback --ca ca"
	note=$(<rotation/stage-1/w1_rotation.txt)
	lacks "$note" kube-apiserver
	has "$note" "Restart, in this order: kubelet"
}

@test "layout pem has its own names, and a node keeps the one it has" {
	local tree

	make_cluster --layout pem
	kpki node-bundle -q w3 --address 10.0.0.13 --layout kubeadm
	kpki rotate-ca stage 1 -q
	tree=rotation/stage-1
	is "$(count $tree/cp-1/var/lib/kubernetes/ca-bundle.pem)" 2
	is "$(count $tree/w1/var/lib/kubernetes/ca-bundle.pem)" 2
	is "$(count $tree/w3/$etc/pki/ca-bundle.crt)" 2
	grep -q 'clientCAFile: "/var/lib/kubernetes/ca-bundle.pem"' \
		$tree/w1/var/lib/kubelet/kubelet-config.yaml
	has "$(<$tree/cp-1_rotation.txt)" \
		"--client-ca-file=/var/lib/kubernetes/ca-bundle.pem"
	came_back 1
	for stage in 2 3; do
		exits 0 rotate-ca stage $stage
		came_back $stage
		exits 0 verify rotation/stage-$stage
	done
}

@test "hosts that are not concerned are passed over, strangers are not" {
	make_pki
	cat >>pki/cluster.yaml <<-END
		controlPlane:
		  hosts:
		    - name: cp-1
		      addresses: ["10.0.0.1"]
		etcd:
		  hosts:
		    - name: etcd-1
		      addresses: ["10.0.0.2"]
	END
	kpki control-plane -q
	kpki node-bundle -q w1 --address 10.0.0.11
	kpki rotate-ca stage 1 -q
	exits 5 rotate-ca status rotation/stage-1 control-plane/etcd-1
	is "$(verdicts)" "done cp-1,done w1,open admin"
	exits 0 rotate-ca status rotation/stage-1/admin
	kpki rotate-ca stage 1 -q --ca etcd-ca --out etcd
	exits 0 rotate-ca status --ca etcd-ca etcd/stage-1 rotation/stage-1/w1
	is "$(verdicts)" "done cp-1,done etcd-1"
	is "$(count etcd/stage-1/etcd-1/$etc/pki/etcd/ca-bundle.crt)" 2
}

@test "etcd's bundle is not taken for the cluster's, nor a node for another" {
	make_cluster
	kpki rotate-ca stage 1 -q --ca etcd-ca
	kpki rotate-ca stage 1 -q
	came_back 1
	[[ -e rotation/stage-1/cp-1/$etc/pki/etcd/ca-bundle.crt ]]
	kpki rotate-ca stage 2 -q
	mkdir swapped
	cp -a rotation/stage-2/w1 swapped/w2
	exits 5 rotate-ca status swapped
	is "$(verdicts)" "open admin,open cp-1,open w1,wrong w2"
	has "$output" "is another node's"
	came_back 2
}

@test "a ledger that is lost in a rotation is rebuilt, and both stay trusted" {
	local stage

	make_cluster
	sleep 1 # what tells the CAs apart is when they began
	kpki rotate-ca stage 1 -q --ca sa
	for stage in 1 2; do
		kpki rotate-ca stage "$stage" -q --vouch
		rm pki/ledger.db
		exits 0 ledger import "rotation/stage-$stage/w1"
		has "$stderr" "rotation of ca is taken to be at stage $stage"
		has "$stderr" "rotation of sa is taken to be at stage 1"
		kpki ledger verify
		kpki rotate-ca status "rotation/stage-$stage/w1" |
			grep -q '^done.* w1'
		kpki node-bundle -q "new-$stage"
		is "$(count "bundles/new-$stage/$etc/pki/ca-bundle.crt")" 2
	done
	kpki rotate-ca stage 3 -q --vouch
	is "$(count "rotation/stage-3/w1/$etc/pki/ca-bundle.crt")" 1
}

@test "a node's configuration builds on the one that it has, or is left out" {
	local config=var/lib/kubelet/config.yaml

	make_pki
	kpki node-bundle -q w1 --address 10.0.0.11
	cat >base.yaml <<-END
		apiVersion: kubelet.config.k8s.io/v1beta1
		kind: KubeletConfiguration
		cgroupDriver: cgroupfs
	END
	kpki rotate-ca stage 1 -q --kubelet-config-base base.yaml
	grep -q cgroupfs rotation/stage-1/w1/$config
	grep -q ca-bundle.crt rotation/stage-1/w1/$config
	kpki rotate-ca stage 2 -q --vouch --kubelet-config-base none
	[ ! -e rotation/stage-2/w1/$config ]
	has "$(<rotation/stage-2/w1_rotation.txt)" "clientCAFile"
	exits 0 rotate-ca status rotation/stage-2
}

@test "what a node puts in place itself is refused while two are trusted" {
	make_pki
	kpki node-csr -q w1 --address 10.0.0.11 --out keys
	echo 'w1 10.0.0.11' >nodes
	kpki sign keys/*.csr --inventory nodes --bundle --out . -q
	kpki rotate-ca stage 1 -q
	exits 4 sign keys/*.csr --inventory nodes --bundle --out . --reissue
	has "$stderr" "two CAs are trusted at stage 1 of the rotation"
	exits 4 renew --same-key --node w1
	has "$stderr" "two CAs are trusted"
}

@test "what the old CA signed is signed by the new one when asked only" {
	make_pki
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc \
		-addext extendedKeyUsage=clientAuth -keyout jane.key \
		-subj /CN=jane -out jane.csr 2>/dev/null
	kpki sign jane.csr --user jane -q --out first
	kpki rotate-ca stage 1 -q
	exits 0 sign jane.csr --user jane --out first
	kpki rotate-ca stage 2 -q --vouch
	exits 4 sign jane.csr --user jane --out second
	has "$stderr" "has a live certificate of kube-apiserver-client by another CA"
	exits 0 sign jane.csr --user jane --out second --reissue
	exits 0 sign jane.csr --user jane --out second
	openssl verify -CAfile pki/ca.crt second/jane.kube-apiserver-client.crt
	openssl verify -CAfile pki/rotation/ca.crt first/jane.kube-apiserver-client.crt
	exits 0 ledger verify
}

@test "a cross-signed CA is accepted by who trusts the old one alone" {
	local chain=rotation/stage-2/cp-1/$etc/pki/apiserver.crt

	make_cluster
	exits 2 rotate-ca stage 1 --ca sa --cross-sign
	exits 0 rotate-ca stage 1 --cross-sign
	cp pki/ca.crt old.crt
	exits 2 rotate-ca stage 2 --vouch --cross-sign
	exits 0 rotate-ca stage 2 --vouch
	cmp rotation/stage-1/ca-cross.crt rotation/stage-2/ca-cross.crt
	has "$(extension rotation/stage-2/ca-cross.crt basicConstraints)" \
		"CA:TRUE, pathlen:0"
	run ! takes old.crt $chain
	openssl verify -CAfile old.crt -untrusted rotation/stage-2/ca-cross.crt \
		$chain
	# and in its place, as a server sends it
	cat rotation/stage-2/ca-cross.crt >>$chain
	openssl verify -CAfile old.crt -untrusted $chain $chain
	openssl verify -CAfile pki/ca.crt $chain
	exits 0 verify rotation/stage-2
	came_back 2
	exits 0 ledger verify
	# it may be asked for again, and nothing is issued for that
	is "$(kpki list --profile subordinate-ca --json | jq '.items | length')" 1
	exits 0 rotate-ca stage 2
	is "$(kpki list --profile subordinate-ca --json | jq '.items | length')" 1
}

@test "a CA that another CA signed is not rotated to a root" {
	kpki init-ca -q --dir root --common-name root
	make_pki --issued-by root
	exits 4 rotate-ca stage 1
	has "$stderr" "is signed by another CA"
	# nor is one that signed another's, as long as that lives
	exits 0 rotate-ca plan --dir root
	sed -i "s|^#* *server:.*|server: $server|" root/cluster.yaml
	exits 4 rotate-ca stage 1 --dir root
	has "$stderr" 'the CA of another cluster, which nobody would trust'
	[ ! -e root/rotation/ca.crt ]
	kpki revoke -q --dir root "$(kpki list --dir root --json \
		--profile subordinate-ca | jq -r '.items[0].serial')"
	exits 0 rotate-ca stage 1 --dir root
}

@test "a CA without a control plane of kpki's is rotated with its nodes" {
	make_pki
	kpki node-bundle -q w1 --address 10.0.0.11
	exits 0 rotate-ca stage 1
	is "$(verdicts)" "issued w1"
	exits 0 rotate-ca status rotation/stage-1
	exits 0 rotate-ca stage 2
	exits 3 rotate-ca stage 1 --ca etcd-ca
	has "$stderr" '"pki/etcd/ca.crt": is not there'
}

@test "the new CA is what the options say, and never has the name of the old" {
	make_pki
	exits 4 rotate-ca stage 1 --common-name kubernetes
	has "$stderr" "is the old one's"
	exits 4 rotate-ca stage 1 --key-type ed25519
	exits 0 rotate-ca stage 1 --common-name second --key-type rsa-2048 \
		--ca-validity 5y
	is "$(certificate pki/rotation/ca.crt -subject)" "subject=CN=second"
	has "$(certificate pki/rotation/ca.crt -text)" "rsaEncryption"
	exits 2 rotate-ca stage 2 --common-name third --vouch
	exits 2 rotate-ca rollback --key-type rsa-2048
}

@test "a node that got its certificate from the cluster gets a tree too" {
	make_cluster --signing in-cluster
	kpki node-bundle -q w7 --address 10.0.0.17 --bootstrap
	exits 0 rotate-ca stage 1
	has "$output" "rotation/stage-1/w7"
	[ -L rotation/stage-1/w7/var/lib/kubelet/pki/kubelet-client-current.pem ]
	# one with a token alone is named
	kpki node-bundle -q w8 --address 10.0.0.18 --bootstrap --no-serving
	exits 4 rotate-ca stage 2 --vouch
	has "$output" "has a token alone"
	is "$(grep -c issued <<<"$output")" 5
}

@test "the export says which stage was entered, and shown, with both pins" {
	local old

	make_pki
	kpki node-bundle -q w1 --address 10.0.0.11
	old=$(kpki cluster-info)
	kpki rotate-ca stage 1 -q
	kpki rotate-ca status rotation/stage-1 >/dev/null
	kpki rotate-ca stage 2 -q
	kpki rotate-ca stage 3 -q --vouch
	is "$(kpki ledger export | jq -r 'select(.kind == "rotation") |
		"\(.name) \(.detail)"')" "null stage 1 from 0
w1 shown
null stage 2 from 1
w1 vouched
null stage 3 from 2"
	is "$(kpki ledger export | jq -r 'select(.kind == "rotation" and
		.name == null) | "\(.oldPin) \(.newPin)"' | sort -u)" \
		"$old $(kpki cluster-info)"
}

@test "a sealed key stays sealed, and so is the new one" {
	echo secret >pass
	make_pki --seal --passphrase-file pass
	kpki node-bundle -q w1 --address 10.0.0.11 --passphrase-file pass
	for stage in 1 2 3; do
		exits 0 rotate-ca stage $stage --vouch --passphrase-file pass
		grep -q "ENCRYPTED PRIVATE KEY" pki/ca.key
		grep -q "ENCRYPTED PRIVATE KEY" pki/rotation/ca.key
	done
	exits 0 unseal --passphrase-file pass
	for file in pki/ca.key pki/rotation/ca.key; do
		run ! grep -q ENCRYPTED $file
	done
	exits 0 seal --passphrase-file pass
	grep -q "ENCRYPTED PRIVATE KEY" pki/rotation/ca.key
}

@test "what is in two places at once is one rotation" {
	make_cluster
	kpki node-bundle -q w3
	for i in 1 2 3 4 5; do
		kpki rotate-ca stage 1 >out$i 2>&1 &
	done
	for i in 6 7 8; do
		kpki node-bundle -q more$i >out$i 2>&1 &
	done
	wait
	# whoever was overtaken says so, and nobody did half
	exits 0 rotate-ca stage 1
	for i in 6 7 8; do
		kpki node-bundle -q more$i --reissue
		is "$(count bundles/more$i/$etc/pki/ca-bundle.crt)" 2
	done
	is "$(kpki ledger export | jq -r 'select(.kind == "rotation") |
		.detail')" "stage 1 from 0"
	is "$(kpki list --profile ca --json | jq '.items | length')" 2
	exits 0 ledger verify
}

@test "a ledger of the schema before becomes one of this schema, whole" {
	make_cluster
	kpki ledger export >before
	# as kpki wrote it before there was a rotation
	make_old pki/ledger.db
	is "$(sqlite3 pki/ledger.db 'PRAGMA user_version')" 1
	exits 0 ledger verify
	exits 0 node-bundle w1 --address 10.0.0.11 --reissue
	is "$(sqlite3 pki/ledger.db 'PRAGMA user_version')" 1
	exits 0 rotate-ca stage 1
	is "$(sqlite3 pki/ledger.db 'PRAGMA user_version')" 2
	exits 0 ledger verify
	kpki ledger export | head -n "$(wc -l <before)" | diff before -
}

# What makes a ledger of schema 1 of one of schema 2 that has no rotation.
make_old() # LEDGER
{
	sqlite3 "$1" <<-'END'
		PRAGMA foreign_keys = OFF;
		BEGIN;
		CREATE TEMP TABLE sqls AS SELECT rowid AS n, sql FROM sqlite_schema
			WHERE tbl_name = 'event' AND sql IS NOT NULL
			AND name <> 'event_rotation';
		CREATE TEMP TABLE kept AS SELECT * FROM event;
		UPDATE meta SET schema = 1;
		PRAGMA user_version = 1;
		COMMIT;
		.once old.sql
		SELECT replace(replace(replace(sql,
			'''clock'', ''rotation''', '''clock'''),
			char(9) || 'CHECK (kind <> ''rotation'' OR (profile IS NOT NULL AND detail IS NOT NULL)),' || char(10), ''),
			'', '') || ';' FROM sqls ORDER BY n;
		DROP TABLE main.event;
		.read old.sql
		INSERT INTO main.event SELECT * FROM kept ORDER BY seq;
	END
}

@test "the report is JSON when asked, and usage is held to" {
	make_cluster
	exits 0 rotate-ca plan --json
	is "$(json '.kind')" RotateCAReport
	is "$(json '[.items[] | select(.stage == 2 and .node == "w1" and
		.component == "kubelet" and .by == "clientCAFile") | .trusts] |
		join(",")')" "old, new"
	is "$(json '[.items[].stage] | unique | join(",")')" "1,2,3"
	exits 0 rotate-ca stage 1 --json
	is "$(json '.items[] | select(.node == "w1") |
		"\(.status) \(.path) \(.serials | length)"')" \
		"issued rotation/stage-1/w1 2"
	exits 5 rotate-ca status rotation/stage-1 --json
	is "$(json '.items[] | select(.node == "admin") | .status')" open
	is "$(json .error.code)" 5
	exits 2 rotate-ca
	exits 2 rotate-ca stag
	has "$stderr" "did you mean stage"
	exits 2 rotate-ca stage
	exits 2 rotate-ca stage 0
	exits 2 rotate-ca stage 4
	exits 2 rotate-ca stage 1 2
	exits 2 rotate-ca plan 1
	exits 2 rotate-ca status --vouch
	exits 2 rotate-ca stage 1 --ca other
	exits 4 rotate-ca stage 1 --out pki/rotation
}
