#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki control-plane: what each host gets, and when it gets nothing.

load helper
load pki

# Lines behind the cluster file.
append()
{
	cat >>pki/cluster.yaml
}

# Three hosts, etcd stacked.
make_control_plane()
{
	make_pki "$@"
	append <<-END
		controlPlane:
		  endpoint: api.example.internal:6443
		  certSANs: ["k8s.example.com", "127.0.0.1"]
		  hosts:
		    - name: cp-1
		      addresses: ["10.0.0.1", "cp-1.example.com", "fd00::1"]
		    - name: cp-2
		      addresses: ["10.0.0.2"]
		    - name: cp-3
		      addresses: ["10.0.0.3"]
	END
}

# "STATUS HOST" of each row of the last report.
verdicts()
{
	awk 'NR > 1 { print $1, $2 }' <<<"$output" | paste -sd ,
}

reason() # HOST
{
	awk -v host="$1" '$2 == host' <<<"$output"
}

files() # DIRECTORY
{
	find "$1" -type f -printf '%P\n' | LC_ALL=C sort
}

names() # CERTIFICATE
{
	extension "$1" subjectAltName | tail -n +2 | tr -d ' '
}

client_of() # KUBECONFIG
{
	sed -nE 's/^ *client-certificate-data: "(.*)"/\1/p' "$1" | base64 -d
}

# -- the trees --

@test "control-plane makes a tree for each host, says so, and says it again" {
	local before

	make_control_plane
	exits 0 control-plane
	is "$(verdicts)" "issued cp-1,issued cp-2,issued cp-3,issued admin"
	is "$(mode control-plane)" 700
	is "$(ls -A control-plane)" "admin
cp-1
cp-2
cp-3"
	is "$(files control-plane/admin)" admin.conf
	is "$(files control-plane/cp-2)" "etc/kubernetes/controller-manager.conf
etc/kubernetes/kubelet.conf
etc/kubernetes/pki/apiserver-etcd-client.crt
etc/kubernetes/pki/apiserver-etcd-client.key
etc/kubernetes/pki/apiserver-kubelet-client.crt
etc/kubernetes/pki/apiserver-kubelet-client.key
etc/kubernetes/pki/apiserver.crt
etc/kubernetes/pki/apiserver.key
etc/kubernetes/pki/ca.crt
etc/kubernetes/pki/etcd/ca.crt
etc/kubernetes/pki/etcd/healthcheck-client.crt
etc/kubernetes/pki/etcd/healthcheck-client.key
etc/kubernetes/pki/etcd/peer.crt
etc/kubernetes/pki/etcd/peer.key
etc/kubernetes/pki/etcd/server.crt
etc/kubernetes/pki/etcd/server.key
etc/kubernetes/pki/front-proxy-ca.crt
etc/kubernetes/pki/front-proxy-client.crt
etc/kubernetes/pki/front-proxy-client.key
etc/kubernetes/pki/sa.key
etc/kubernetes/pki/sa.pub
etc/kubernetes/scheduler.conf
var/lib/kubelet/pki/kubelet.crt
var/lib/kubelet/pki/kubelet.key"
	# one of each kind a host, and three authorities
	is "$(rows)" $((3 * 11 + 1 + 3))

	before=$(picture control-plane pki)
	exits 0 control-plane
	is "$(verdicts)" \
		"unchanged cp-1,unchanged cp-2,unchanged cp-3,unchanged admin"
	is "$(picture control-plane pki)" "$before"
	exits 0 control-plane --host cp-2 --json
	is "$(json '[.kind, (.items[] | .status, .node, .path,
		(.serials | length))] | map(tostring) | join(" ")')" \
		"ControlPlaneReport unchanged cp-2 control-plane/cp-2 11"
}

@test "no file that is secret can be read by others" {
	make_control_plane
	exits 0 control-plane --with-ca-key --with-admin-conf \
		--with-super-admin
	is "$(find control-plane -type f -perm /077 ! -name '*.crt' \
		! -name sa.pub)" ""
	is "$(find control-plane pki -type f -name '*.key' ! -perm 600)" ""
	is "$(find pki -type f -perm /077 ! -name '*.crt' ! -name sa.pub \
		! -name cluster.yaml)" ""
	is "$(find control-plane -type d -name pki -path '*kubelet*' \
		! -perm 700)" ""
}

@test "every name by which kube-apiserver and etcd are called is there" {
	make_control_plane --service-cidr 10.96.0.0/12,2001:db8:1::/112 \
		--dns-domain k8s.internal
	exits 0 control-plane
	cd control-plane/cp-1/etc/kubernetes/pki
	is "$(names apiserver.crt | tr ',' '\n' | sort)" \
		"$(sort <<-END
			DNS:cp-1
			DNS:kubernetes
			DNS:kubernetes.default
			DNS:kubernetes.default.svc
			DNS:kubernetes.default.svc.k8s.internal
			IPAddress:10.96.0.1
			IPAddress:2001:DB8:1:0:0:0:0:1
			DNS:api.example.internal
			DNS:k8s.example.com
			IPAddress:127.0.0.1
			IPAddress:10.0.0.1
			DNS:cp-1.example.com
			IPAddress:FD00:0:0:0:0:0:0:1
		END
		)"
	for pair in server peer; do
		is "$(names etcd/$pair.crt)" "DNS:cp-1,DNS:localhost,\
IPAddress:10.0.0.1,DNS:cp-1.example.com,IPAddress:FD00:0:0:0:0:0:0:1,\
IPAddress:127.0.0.1,IPAddress:0:0:0:0:0:0:0:1"
		is "$(certificate etcd/$pair.crt -subject)" "subject=CN=cp-1"
	done
}

@test "the files of a host fit together" {
	local file

	make_control_plane
	exits 0 control-plane
	cd control-plane/cp-1/etc/kubernetes
	cmp pki/ca.crt ../../../../pki/ca.crt
	cmp pki/etcd/ca.crt ../../../../pki/etcd/ca.crt
	cmp pki/front-proxy-ca.crt ../../../../pki/front-proxy-ca.crt
	cmp pki/sa.key ../../../../pki/sa.key
	cmp <(openssl pkey -in pki/sa.key -pubout) pki/sa.pub
	has "$(openssl pkey -in pki/sa.key -text -noout)" "(2048 bit"
	for file in pki/apiserver{,-kubelet-client,-etcd-client} \
		pki/front-proxy-client pki/etcd/{server,peer,healthcheck-client} \
		../../var/lib/kubelet/pki/kubelet; do
		cmp <(openssl x509 -in $file.crt -noout -pubkey) \
			<(openssl pkey -in $file.key -pubout)
	done
	# no key stands twice
	is "$(find ../../.. -name '*.key' ! -name sa.key -exec \
		openssl pkey -in {} -pubout -outform DER \; |
		wc -c)" "$((3 * 8 * 91))"
	is "$(find ../../.. -name '*.key' ! -name sa.key -exec sha256sum {} + |
		cut -d ' ' -f 1 | sort -u | wc -l)" 24
	for file in *.conf; do
		has "$(<"$file")" "certificate-authority-data: \"$(base64 -w 0 \
			pki/ca.crt)\""
		has "$(<"$file")" "server: \"$server\""
	done
	is "$(client_of controller-manager.conf | certificate /dev/stdin \
		-subject)" "subject=CN=system:kube-controller-manager"
	is "$(client_of kubelet.conf | certificate /dev/stdin -subject)" \
		"subject=CN=system:node:cp-1,O=system:nodes"
	has "$(<scheduler.conf)" \
		'current-context: "system:kube-scheduler@kubernetes"'
}

@test "the groups are those of the Kubernetes version" {
	local version group

	while read -r version group etcd; do
		make_control_plane --kubernetes-version "$version"
		exits 0 control-plane
		is "$(client_of control-plane/admin/admin.conf |
			certificate /dev/stdin -subject)" \
			"subject=CN=kubernetes-admin,O=$group"
		is "$(certificate control-plane/cp-1/etc/kubernetes/pki/apiserver-etcd-client.crt \
			-subject)" \
			"subject=CN=kube-apiserver-etcd-client$etcd"
		rm -r pki control-plane
	done <<-END
		1.20 system:masters ,O=system:masters
		1.28.9 system:masters ,O=system:masters
		1.29 kubeadm:cluster-admins
		1.31 kubeadm:cluster-admins
	END
}

@test "an external etcd has hosts of its own" {
	make_pki
	append <<-END
		controlPlane:
		  hosts:
		    - {name: cp-1, addresses: [10.0.0.1]}
		etcd:
		  topology: external
		  certSANs: [etcd.example.com]
		  hosts:
		    - {name: etcd-1, addresses: [10.0.0.4]}
	END
	sed -i 's/{name: \(.*\), addresses: \(.*\)}/name: \1\n      addresses: \2/' \
		pki/cluster.yaml
	exits 0 control-plane
	is "$(verdicts)" "issued cp-1,issued etcd-1,issued admin"
	is "$(files control-plane/etcd-1)" "etc/kubernetes/pki/etcd/ca.crt
etc/kubernetes/pki/etcd/healthcheck-client.crt
etc/kubernetes/pki/etcd/healthcheck-client.key
etc/kubernetes/pki/etcd/peer.crt
etc/kubernetes/pki/etcd/peer.key
etc/kubernetes/pki/etcd/server.crt
etc/kubernetes/pki/etcd/server.key"
	is "$(files control-plane/cp-1 | grep etcd)" \
		"etc/kubernetes/pki/apiserver-etcd-client.crt
etc/kubernetes/pki/apiserver-etcd-client.key
etc/kubernetes/pki/etcd/ca.crt"
	has "$(names control-plane/etcd-1/etc/kubernetes/pki/etcd/peer.crt)" \
		DNS:etcd.example.com
}

@test "a tar has the same files" {
	make_control_plane
	exits 0 control-plane
	exits 0 control-plane --format tar --out tars --reissue
	is "$(ls tars)" "admin.tar
cp-1.tar
cp-2.tar
cp-3.tar"
	is "$(tar -tf tars/cp-1.tar | grep -v '/$' | LC_ALL=C sort)" \
		"$(files control-plane/cp-1)"
	is "$(tar --numeric-owner -tvf tars/cp-1.tar |
		awk '{ print $2 }' | sort -u)" 0/0
	exits 0 control-plane --format tar --out tars
	is "$(verdicts)" \
		"unchanged cp-1,unchanged cp-2,unchanged cp-3,unchanged admin"
}

@test "the port of each host's own API server goes to its components" {
	make_control_plane
	sed -i 's/^controlPlane:/&\n  bindPort: 6444/' pki/cluster.yaml
	exits 0 control-plane
	cd control-plane
	has "$(<cp-2/etc/kubernetes/scheduler.conf)" \
		'server: "https://10.0.0.2:6444"'
	has "$(<cp-3/etc/kubernetes/controller-manager.conf)" \
		'server: "https://10.0.0.3:6444"'
	has "$(<cp-2/etc/kubernetes/kubelet.conf)" "server: \"$server\""
	has "$(<admin/admin.conf)" "server: \"$server\""
}

@test "without a server the endpoint is it" {
	make_control_plane
	sed -i '/^server:/d' pki/cluster.yaml
	exits 0 control-plane
	has "$(<control-plane/admin/admin.conf)" \
		'server: "https://api.example.internal:6443"'
}

# -- what is dangerous --

@test "keys of authorities stay, unless they are asked for" {
	make_control_plane
	exits 0 control-plane
	is "$(find control-plane -name '*ca.key' -o -name ca-key.pem)" ""
	has "$stderr" "signing is offline: what kubelets request is signed by kpki sign"
	is "$(find control-plane -path '*/cp-*/*' -name '*admin.conf')" ""
	exits 4 control-plane --with-ca-key
	has "$(reason cp-1)" 'does not have "etc/kubernetes/pki/ca.key"'
	exits 0 control-plane --with-ca-key --reissue
	is "$(find control-plane -name ca.key | sort)" \
		"control-plane/cp-1/etc/kubernetes/pki/ca.key
control-plane/cp-2/etc/kubernetes/pki/ca.key
control-plane/cp-3/etc/kubernetes/pki/ca.key"
	cmp control-plane/cp-1/etc/kubernetes/pki/ca.key pki/ca.key
	has "$stderr" "ca.key goes to the hosts of the control plane (--with-ca-key)"
}

@test "with in-cluster signing the hosts have the key" {
	make_control_plane --signing in-cluster
	exits 0 control-plane
	is "$(find control-plane -name ca.key | wc -l)" 3
	has "$stderr" "(signing: in-cluster)"
	lacks "$stderr" "kpki sign"
}

@test "an administrator's file goes to hosts, and past RBAC, only when asked" {
	make_control_plane
	exits 0 control-plane --with-admin-conf --host cp-1
	is "$(find control-plane -name '*admin*')" \
		control-plane/cp-1/etc/kubernetes/admin.conf
	is "$(rows --profile super-admin)" 0
	exits 0 control-plane --with-admin-conf --with-super-admin --host cp-2
	exits 2 control-plane --with-super-admin --host cp-3
	exits 0 control-plane --with-super-admin --host cp-3 --with-admin-conf
	is "$(rows --profile super-admin)" 2
	exits 4 control-plane --with-super-admin --with-admin-conf
	has "$(reason cp-1)" "super-admin: no certificate is live"
	is "$(client_of control-plane/admin/super-admin.conf |
		certificate /dev/stdin -subject)" \
		"subject=CN=kubernetes-super-admin,O=system:masters"
	# its key would be gone, and its certificate good
	exits 4 control-plane --reissue --host cp-2
	has "$(reason cp-2)" \
		"has a live certificate of admin, which would be left"
}

# -- again --

@test "what differs is named, and issued anew when told so" {
	local before

	make_control_plane
	exits 0 control-plane
	sed -i 's/10\.0\.0\.2/10.0.0.22/; s/"k8s.example.com", //' \
		pki/cluster.yaml
	before=$(picture control-plane)
	exits 4 control-plane
	is "$(verdicts)" "refused cp-1,refused cp-2,refused cp-3,unchanged admin"
	has "$(reason cp-1)" \
		'kube-apiserver: the certificate has "k8s.example.com", the cluster file does not'
	has "$(reason cp-2)" \
		'etcd-peer: address "10.0.0.22" is not in the certificate'
	is "$(picture control-plane)" "$before"
	exits 0 control-plane --reissue
	is "$(verdicts)" "issued cp-1,issued cp-2,issued cp-3,unchanged admin"
	lacks "$(names control-plane/cp-1/etc/kubernetes/pki/apiserver.crt)" k8s
	exits 0 control-plane
	is "$(rows --profile kube-apiserver)" 6
}

@test "a new endpoint is a difference of every kubeconfig" {
	make_control_plane
	exits 0 control-plane
	sed -i 's/^server: .*/server: "https:\/\/api2.example.internal:6443"/' \
		pki/cluster.yaml
	exits 4 control-plane
	has "$(reason admin)" "admin: the server was \"$server\" and is"
	has "$(reason cp-1)" "scheduler: the server was"
	exits 0 control-plane --reissue
	exits 0 control-plane
}

@test "a newer Kubernetes is a difference of the groups" {
	make_control_plane --kubernetes-version 1.28
	exits 0 control-plane
	sed -i 's/1\.28/1.29/' pki/cluster.yaml
	exits 4 control-plane
	has "$(reason admin)" \
		'the subject is "CN=kubernetes-admin,O=system:masters", not "CN=kubernetes-admin,O=kubeadm:cluster-admins"'
	exits 0 control-plane --reissue
}

@test "what was shipped and deleted is unchanged, unless it is named" {
	make_control_plane
	exits 0 control-plane
	rm -r control-plane
	exits 0 control-plane
	is "$(verdicts)" \
		"unchanged cp-1,unchanged cp-2,unchanged cp-3,unchanged admin"
	exits 4 control-plane --host cp-1
	has "$(reason cp-1)" "its tree is not here; its keys were not kept"
	exits 0 control-plane --host cp-1 --reissue
	is "$(ls control-plane)" cp-1
	exits 0 control-plane --reissue
	is "$(verdicts)" "unchanged cp-1,issued cp-2,issued cp-3,issued admin"
}

@test "many at once are as one" {
	local i

	make_control_plane
	for i in 1 2 3 4; do
		kpki control-plane >"out$i" 2>&1 &
	done
	all_succeed
	is "$(rows)" 37
	is "$(cat out? | grep -c ^issued)" 4
	is "$(cat out? | grep -c ^unchanged)" 12
	exits 0 control-plane
}

@test "a tree that is not whole is refused" {
	make_control_plane
	exits 0 control-plane
	cd control-plane/cp-1/etc/kubernetes/pki
	rm etcd/peer.key
	cp ../../../../cp-2/etc/kubernetes/pki/apiserver.crt \
		../../../../cp-3/etc/kubernetes/pki
	cp apiserver.key ../../../../cp-2/etc/kubernetes/pki/sa.pub
	cd "$BATS_TEST_TMPDIR"
	exits 4 control-plane
	has "$(reason cp-1)" '"etc/kubernetes/pki/etcd/peer.key" as it should'
	has "$(reason cp-2)" '"etc/kubernetes/pki/sa.pub" as it should be'
	has "$(reason cp-3)" '"etc/kubernetes/pki/apiserver.crt" as it should'
	exits 0 control-plane --reissue
	exits 0 control-plane
}

@test "nothing is overwritten that is not of this ledger" {
	make_control_plane
	mkdir -p -m 700 control-plane/cp-1
	echo mine >control-plane/cp-1/file
	exits 4 control-plane
	has "$(reason cp-1)" "is nothing of this ledger: move it away"
	is "$(<control-plane/cp-1/file)" mine
	is "$(verdicts)" "refused cp-1,issued cp-2,issued cp-3,issued admin"
	# an older tree in its place, of another run
	exits 0 control-plane --out other --host cp-1
	cp -a other/cp-1 old
	exits 0 control-plane --out other --host cp-1 --reissue
	rm -r other/cp-1
	mv old other/cp-1
	exits 4 control-plane --out other --host cp-1
	has "$(reason cp-1)" "is not the tree of its live certificates"
	exits 0 control-plane --out other --host cp-1 --reissue
	exits 0 control-plane --out other --host cp-1
}

# -- the authorities --

@test "the authorities are made together, once" {
	local file

	make_control_plane
	exits 0 control-plane
	is "$(rows --profile front-proxy-ca)" 1
	is "$(rows --profile etcd-ca)" 1
	is "$(certificate pki/etcd/ca.crt -subject)" "subject=CN=etcd-ca"
	is "$(certificate pki/front-proxy-ca.crt -subject)" \
		"subject=CN=front-proxy-ca"
	for file in front-proxy-ca.crt front-proxy-ca.key etcd/ca.crt \
		etcd/ca.key sa.key sa.pub; do
		mv pki/$file away
		exits 3 control-plane
		has "$stderr" "\"$file\" is not: they are made together"
		mv away pki/$file
	done
	exits 0 control-plane
}

@test "files that do not belong together are refused" {
	make_control_plane
	exits 0 control-plane
	cp -a pki copy
	openssl genrsa -out pki/sa.key 2048
	exits 3 control-plane
	has "$stderr" '"sa.pub": not the key of "sa.key"'
	cp copy/sa.key pki
	cp pki/front-proxy-ca.key pki/etcd/ca.key
	exits 3 control-plane
	has "$stderr" "not the key of the certificate"
	cp copy/etcd/ca.key pki/etcd
	cp pki/front-proxy-ca.* .
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout pki/front-proxy-ca.key -out pki/front-proxy-ca.crt \
		-subj /CN=front-proxy-ca -addext keyUsage=critical,keyCertSign
	exits 3 control-plane
	has "$stderr" "the ledger does not know its front-proxy-ca"
}

@test "authorities that the ledger has are not made anew" {
	make_control_plane
	exits 0 control-plane --quiet
	mkdir backup
	mv pki/etcd pki/front-proxy-ca.* pki/sa.* backup
	exits 4 control-plane --reissue
	has "$stderr" '"pki": the ledger has a live front-proxy-ca'
	is "$(ls pki)" "ca.crt
ca.key
cluster.yaml
ledger.db
ledger.db-journal"
	mv backup/* pki
	exits 0 control-plane
}

@test "a tree with another service account key is refused by name" {
	make_control_plane
	exits 0 control-plane --quiet --host cp-1
	(umask 077 && openssl genrsa \
		-out control-plane/cp-1/etc/kubernetes/pki/sa.key 2048)
	exits 4 control-plane --host cp-1
	has "$output" "etc/kubernetes/pki/sa.key"
	exits 0 control-plane --host cp-1 --reissue
	cmp pki/sa.key control-plane/cp-1/etc/kubernetes/pki/sa.key
}

@test "one CA for two purposes is refused" {
	make_control_plane
	mkdir -m 700 pki/etcd
	cp -a pki/ca.crt pki/ca.key pki/etcd
	cp -a pki/ca.crt pki/front-proxy-ca.crt
	cp -a pki/ca.key pki/front-proxy-ca.key
	(umask 077 && openssl genrsa -out pki/sa.key 2048)
	openssl pkey -in pki/sa.key -pubout -out pki/sa.pub
	exits 4 control-plane
	has "$stderr" '"pki": ca and front-proxy-ca have one key'
	[ ! -e control-plane ]
}

@test "the types of keys are as told, and ed25519 is warned of" {
	local type text

	while read -r type text; do
		make_control_plane --key-type ecdsa-p384
		exits 0 control-plane --key-type "$type"
		has "$(openssl x509 -noout -text -in \
			control-plane/cp-1/etc/kubernetes/pki/apiserver.crt)" \
			"$text"
		has "$(openssl x509 -noout -text -in pki/etcd/ca.crt)" P-384
		has "$(openssl pkey -in pki/sa.key -text -noout)" "(2048 bit"
		if [ $type = ed25519 ]; then
			has "$stderr" "kubeadm takes RSA and ECDSA only"
		else
			lacks "$stderr" warning
		fi
		rm -r pki control-plane
	done <<-END
		ecdsa-p256 P-256
		ecdsa-p384 P-384
		rsa-2048 (2048 bit)
		ed25519 ED25519
	END
}

@test "a bad value of an option changes nothing" {
	local words rule

	make_control_plane
	while IFS=$'\t' read -r words rule; do
		exits 2 control-plane $words
		has "$stderr" "$rule"
		[ ! -e control-plane ] && [ ! -e pki/sa.key ]
	done <<-END
		--key-type dsa	--key-type: key type "dsa": not one of
		--validity 0d	--validity: "0d": is past
		--validity soon	--validity: "soon"
	END
	exits 4 control-plane --validity 20y
	has "$stderr" '--validity: "20y": ends'
	is "$(rows)" 1
	exits 0 control-plane --validity 90d
	has "$(reason cp-1)" "$(date -ud '+90 days' +%Y-%m)"
}

# -- who is whose --

@test "no node gets a name or address of the control plane" {
	local node address

	make_control_plane
	append <<-END
		etcd:
		  certSANs: [etcd.example.com]
		  hosts:
		    - name: etcd-1
		      addresses: [10.0.0.4]
	END
	while read -r node address; do
		exits 4 node-bundle "$node" ${address:+--address "$address"}
		has "$stderr" "no node may answer for"
		exits 4 node-bundle "$node" ${address:+--address "$address"} \
			--reissue
	done <<-END
		cp-1
		etcd-1
		cp-1.example.com
		w1 10.0.0.1
		w1 fd00::1
		w1 cp-2
		w1 10.0.0.4
		w1 etcd-1
		w1 k8s.example.com
		w1 etcd.example.com
		w1 api.example.internal
	END
	is "$(rows)" 1
	exits 0 node-bundle w1 --address 10.0.0.99
}

@test "no host gets what a node has a certificate for" {
	make_pki
	exits 0 node-bundle w1 --address 10.0.0.2 --address k8s.example.com
	exits 0 node-bundle w2 --address 10.0.0.3
	append <<-END
		controlPlane:
		  certSANs: ["k8s.example.com"]
		  hosts:
		    - name: cp-1
		      addresses: ["10.0.0.3"]
	END
	exits 4 control-plane
	is "$(verdicts)" "refused cp-1,issued admin"
	has "$(reason cp-1)" \
		'"k8s.example.com": node "w1" has a live certificate that answers for it'
	sed -i '/certSANs/d' pki/cluster.yaml
	exits 4 control-plane
	has "$(reason cp-1)" \
		'"10.0.0.3": node "w2" has a live certificate that answers for it'
	exits 0 node-bundle w2 --reissue
	exits 0 control-plane
}

@test "a host is not called like the API server's service" {
	local name address

	while read -r name address; do
		make_pki
		append <<-END
			controlPlane:
			  hosts:
			    - name: $name
			      addresses: [$address]
		END
		exits 4 control-plane
		has "$stderr" "cluster.yaml:"
		[ ! -e pki/sa.key ]
		rm -r pki
	done <<-END
		kubernetes 10.0.0.1
		cp.cluster.local 10.0.0.1
		cp-1 10.96.0.7
		cp-1 10.0.0.1,kubernetes.default.svc
	END
}

@test "without hosts, or of an unknown one, nothing is made" {
	make_pki
	exits 3 control-plane
	has "$stderr" 'cluster.yaml: key "controlPlane.hosts": missing'
	rm -r pki
	make_control_plane
	exits 3 control-plane --host cp-4
	has "$stderr" '--host "cp-4": no host of "pki/cluster.yaml" (did you mean "cp-1"?)'
	exits 2 control-plane --out -
	exits 4 control-plane --out pki/there
	sed -i 's/cp-3/admin/' pki/cluster.yaml
	exits 3 control-plane
	has "$stderr" 'host "admin": the administrator'
	[ ! -e pki/sa.key ] && [ ! -e control-plane ]
}

# -- the layout pem --

@test "the layout pem has the names of the hard way" {
	make_control_plane --layout pem
	exits 0 control-plane --with-ca-key
	is "$(files control-plane/cp-1/var/lib/kubelet)" "cp-1-key.pem
cp-1.pem
kubeconfig"
	for file in ca.pem ca-key.pem kubernetes.pem kubernetes-key.pem \
		service-account.pem service-account-key.pem \
		kube-controller-manager.kubeconfig kube-scheduler.kubeconfig; do
		[ -s control-plane/cp-1/var/lib/kubernetes/$file ]
	done
	[ ! -e control-plane/cp-1/etc ]
	is "$(files control-plane/admin)" admin.kubeconfig
	exits 0 control-plane
}
