#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Each rule of kpki verify: an input that has exactly its fault, and one that
# nearly has it. Those of tests/data/verify are held to their rule alone; what
# needs a tree, an inventory or modes is made here.

load helper
load pki

at=2026-12-01T00:00:00Z
cases=$data/verify

# The ids that are found, sorted.
ids()
{
	jq -r '.items[].id' <<<"$output" | sort -u | xargs
}

errors()
{
	jq -r '.items[] | select(.severity == "error") | .id' <<<"$output" |
		sort -u | xargs
}

verify()
{
	run --separate-stderr "$KPKI" verify --json "$@"
	[[ $status == [05] ]] || complain "status" "0 or 5" "$status"
}

# `finds ID ARGUMENT...`, `passes ID ARGUMENT...`: the rule has something to
# say, and nothing, which is no error of another rule either.
finds()
{
	local id=$1

	shift
	verify "$@"
	has " $(ids) " " $id "
	echo "$id" >>"$BATS_FILE_TMPDIR/shown"
}

passes()
{
	local id=$1

	shift
	verify "$@"
	lacks " $(ids) " " $id "
	is "$(errors)" ""
	echo "$id" >>"$BATS_FILE_TMPDIR/passed"
}

bundle()
{
	make_pki
	kpki node-bundle w1 --address 10.0.0.11 --out bundles --quiet
	host=bundles/w1
	pki=$host/var/lib/kubelet/pki
}

@test "each fault of the corpus is found, and nothing else is" {
	local id also wanted failed=

	while read -r id also; do
		verify --at $at "$cases/$id.fault"
		wanted=$(printf '%s\n' $id $also | sort | xargs)
		[[ $(ids) == "$wanted" ]] || {
			echo "$id: found: $(ids), wanted: $wanted"
			failed=yes
		}
	done <"$cases/expected"
	is "$failed" ""
}

@test "what nearly has the fault has not, nor another error" {
	local id rest failed=

	while read -r id rest; do
		verify --at $at "$cases/$id.near"
		[[ " $(ids) " != *" $id "* && -z $(errors) ]] || {
			echo "$id: found: $(ids)"
			failed=yes
		}
	done <"$cases/expected"
	is "$failed" ""
}

@test "the corpus is what its program makes" {
	mkdir made
	"$top_builddir/tests/data/verify/generate" made
	for file in made/*; do
		cmp "$file" "$cases/${file#made/}"
	done
}

# -- what needs a tree --

openssl_key()
{
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
		-out "$1" 2>/dev/null
	chmod 600 "$1"
}

# A certificate by the CA in ./pki: `sign NAME SUBJECT EXTENSION...`.
sign()
{
	local name=$1 subject=$2

	shift 2
	[[ -e $name.key ]] || openssl_key "$name.key"
	printf '%s\n' "$@" >"$name.ext"
	openssl req -new -key "$name.key" -subj "$subject" -out "$name.csr"
	openssl x509 -req -in "$name.csr" -CA pki/ca.crt -CAkey pki/ca.key \
		-extfile "$name.ext" -days 90 -set_serial "$((SERIAL += 1))" \
		-out "$name.crt" 2>/dev/null
}
SERIAL=1000
as_client='extendedKeyUsage=clientAuth'
as_server='extendedKeyUsage=serverAuth'
node='/O=system:nodes/CN=system:node:w1'

@test "modes and owners" {
	bundle
	passes KPKI-F001 bundles
	chmod 640 $pki/kubelet.key
	finds KPKI-F001 bundles
	chmod 644 $pki/kubelet.crt
	chmod 600 $pki/kubelet.key
	passes KPKI-F001 bundles
	passes KPKI-F002 bundles
	chmod 664 $host/etc/kubernetes/pki/ca.crt
	finds KPKI-F002 bundles
	chmod 644 $host/etc/kubernetes/pki/ca.crt
	# A directory is as good as its files; a sticky one guards them.
	for mode in 775 757; do
		chmod $mode $pki
		finds KPKI-F002 bundles
		tar -C bundles -cf open.tar w1
		finds KPKI-F002 open.tar
	done
	chmod 1777 $pki
	passes KPKI-F002 bundles
	chmod 700 $pki
	mkdir -m 777 $host/var/lib/kubelet/pki/empty
	passes KPKI-F002 bundles
	chmod 770 pki
	finds KPKI-F002 pki
	has "$(jq -r '.items[].path' <<<"$output")" pki
	chmod 700 pki
	tar -C bundles -cf same.tar --owner=1000 w1
	passes KPKI-F003 same.tar
	tar -C bundles -cf mixed.tar --owner=0 w1/etc
	tar -C bundles -rf mixed.tar --owner=1000 w1/var/lib/kubelet/pki
	finds KPKI-F003 mixed.tar
}

@test "links and odd files" {
	bundle
	passes KPKI-F004 bundles
	passes KPKI-F005 bundles
	ln -s ../../../../.. $host/etc/kubernetes/out
	finds KPKI-F004 bundles
	rm $host/etc/kubernetes/out
	ln -s pki/none.crt $host/etc/kubernetes/ca.crt
	finds KPKI-F005 bundles
	rm $host/etc/kubernetes/ca.crt
	head -c 1048576 /dev/zero >$host/etc/kubernetes/large
	passes KPKI-F006 bundles
	echo >>$host/etc/kubernetes/large
	finds KPKI-F006 bundles
	rm $host/etc/kubernetes/large
	tar -C bundles -cf once.tar w1/etc w1/var
	passes KPKI-F007 once.tar
	tar -C bundles -cf twice.tar w1/etc w1/var w1/etc
	finds KPKI-F007 twice.tar
	passes KPKI-F008 bundles
	cp --remove-destination $pki/kubelet-client-20*.pem \
		$pki/kubelet-client-current.pem
	finds KPKI-F008 bundles
}

@test "keys, and the certificates they belong to" {
	bundle
	passes KPKI-F009 bundles
	cat $pki/kubelet.key >>$pki/kubelet.crt
	chmod 600 $pki/kubelet.crt
	finds KPKI-F009 bundles
	kpki node-bundle w1 --address 10.0.0.11 --out new --reissue --quiet
	host=new/w1 pki=new/w1/var/lib/kubelet/pki
	passes KPKI-F010 new
	cp pki/ca.key $host/etc/kubernetes/pki/
	finds KPKI-F010 new
	passes KPKI-F010 pki
	rm $host/etc/kubernetes/pki/ca.key
	cp pki/ca.key $host/etc/kubernetes/pki/.hidden
	finds KPKI-F010 new
	rm $host/etc/kubernetes/pki/.hidden
	passes KPKI-F013 new
	openssl_key other.key
	cp $pki/kubelet.key kept.key
	cp other.key $pki/kubelet.key
	finds KPKI-F013 new
	openssl pkcs8 -topk8 -in kept.key -passout pass:x -out $pki/kubelet.key
	finds KPKI-F011 new
	openssl pkcs8 -topk8 -nocrypt -in kept.key -out $pki/kubelet.key
	passes KPKI-F011 new
	# The admin's own may be sealed.
	cp -a pki sealed
	kpki seal -q --dir sealed --passphrase-fd 3 3<<<secret
	passes KPKI-F011 sealed
	rm $pki/kubelet.key
	finds KPKI-F014 new
	passes KPKI-F014 $pki/kubelet.crt
	echo '-----BEGIN PUBLIC KEY-----' >$host/etc/kubernetes/pki/sa.pub
	finds KPKI-F012 new
	openssl pkey -in kept.key -pubout -out $host/etc/kubernetes/pki/sa.pub
	cp kept.key $pki/kubelet.key
	passes KPKI-F012 new
	# An empty file in its place, and one of another form.
	cp -a pki odd
	: >odd/ca.crt
	finds KPKI-F012 odd
	cp pki/ca.crt odd/ca.crt
	openssl pkey -in pki/ca.key -outform DER -out odd/ca.key
	finds KPKI-F012 odd
}

@test "keys that are shared" {
	make_pki
	mkdir -p a/etc/kubernetes/pki b/etc/kubernetes/pki
	sign one "$node" "$as_client"
	cp one.key two.key
	sign two '/O=system:nodes/CN=system:node:w2' "$as_client"
	openssl_key three.key
	sign three '/O=system:nodes/CN=system:node:w2' "$as_client"
	finds KPKI-F015 pki/ca.crt one.crt two.crt
	finds KPKI-F016 pki/ca.crt one.crt two.crt
	passes KPKI-F015 pki/ca.crt one.crt three.crt
	passes KPKI-F016 pki/ca.crt one.crt three.crt
	finds KPKI-F013 one.crt three.key
	passes KPKI-Q006 three.csr three.key
	cp one.key three.key
	finds KPKI-Q006 three.csr three.key
}

@test "service accounts" {
	make_pki
	mkdir tree
	openssl genrsa -out tree/sa.key 2048 2>/dev/null
	chmod 600 tree/sa.key
	openssl pkey -in tree/sa.key -pubout -out tree/sa.pub
	passes KPKI-F017 tree
	passes KPKI-F018 tree
	openssl_key other.key
	openssl pkey -in other.key -pubout -out tree/sa.pub
	finds KPKI-F017 tree
	openssl genpkey -algorithm ED25519 -out tree/sa.key
	openssl pkey -in tree/sa.key -pubout -out tree/sa.pub
	finds KPKI-F018 tree
}

@test "what a host must have" {
	bundle
	passes KPKI-F019 --role node bundles
	passes KPKI-F020 bundles
	passes KPKI-F022 --role ca pki
	cp -r bundles/w1 bundles/w9
	rm -r bundles/w9/var/lib/kubelet/pki/kubelet-client-* \
		bundles/w9/etc/kubernetes/kubelet.conf
	finds KPKI-F019 bundles
	rm -r bundles/w9 $host/etc/kubernetes/pki $host/etc/kubernetes/*.conf
	finds KPKI-F020 bundles
	mv pki/ca.key kept
	finds KPKI-F022 --role ca pki
}

# A control plane, etcd with it or elsewhere: stacked|external LAYOUT
planes()
{
	rm -rf pki planes
	make_pki
	cat >>pki/cluster.yaml <<-END
		controlPlane:
		  hosts:
		    - name: cp-1
		      addresses: ["10.0.0.1"]
	END
	[[ $1 == stacked ]] || cat >>pki/cluster.yaml <<-END
		etcd:
		  hosts:
		    - name: etcd-1
		      addresses: ["10.0.0.4"]
	END
	kpki control-plane --quiet --layout "$2" --out planes
}

@test "what a control plane must have, in both layouts" {
	local etcd layout

	for etcd in stacked external; do
		for layout in kubeadm pem; do
			planes $etcd $layout
			passes KPKI-F021 --role control-plane planes
			passes KPKI-F021 --role control-plane planes pki
			passes KPKI-F019 planes pki
			passes KPKI-F021 --role control-plane planes/admin
		done
	done
}

# `lacks_without ROLE ROOT FILE...`: F021 for each when it is gone.
lacks_without()
{
	local role=$1 root=$2 file

	shift 2
	for file; do
		mv "$root/$file" gone
		finds KPKI-F021 --role "$role" "${others[@]}" "$root"
		mv gone "$root/$file"
	done
	passes KPKI-F021 --role "$role" "${others[@]}" "$root"
}

@test "each file that a control plane lacks is named" {
	local others=() host=planes/cp-1

	planes stacked kubeadm
	lacks_without control-plane $host/etc/kubernetes \
		pki/{ca,apiserver{,-kubelet-client,-etcd-client}}.crt \
		pki/front-proxy-{ca,client}.crt pki/sa.{key,pub} \
		pki/etcd/{ca,server,peer,healthcheck-client}.crt \
		{scheduler,controller-manager}.conf
	# What never was there is missed where the cluster file is.
	rm $host/etc/kubernetes/pki/etcd/{server,peer,healthcheck}*
	passes KPKI-F021 --role control-plane $host
	finds KPKI-F021 --role control-plane pki $host
	planes external pem
	lacks_without control-plane planes/cp-1 var/lib/kubernetes/{ca,kubernetes,apiserver-{kubelet,etcd}-client,front-proxy-{ca,client},service-account{,-key},etcd/ca}.pem
	lacks_without control-plane planes/etcd-1 \
		var/lib/kubernetes/etcd/{ca,server,peer,healthcheck-client}.pem
}

@test "each certificate of a control plane is held to its place, in both layouts" {
	local layout file=etc/kubernetes/pki/etcd/server.crt

	for layout in kubeadm pem; do
		planes stacked $layout
		passes KPKI-A002 planes
		sign odd /CN=cp-1 "$as_server" subjectAltName=DNS:cp-1
		cp odd.crt planes/cp-1/$file
		cp odd.key planes/cp-1/${file%.*}$([[ $layout == pem ]] &&
			echo -key.pem || echo .key)
		finds KPKI-A002 planes
		has " $(ids) " " KPKI-N009 "
		file=var/lib/kubernetes/etcd/server.pem
	done
}

@test "the ledger" {
	bundle
	passes KPKI-F023 --ledger bundles
	passes KPKI-F024 --ledger bundles
	sign stranger "$node" "$as_client"
	finds KPKI-F023 --ledger pki/ca.crt stranger.crt
	# One that copies a serial number.
	openssl req -x509 -CA pki/ca.crt -CAkey pki/ca.key -nodes -newkey ec \
		-pkeyopt ec_paramgen_curve:P-256 -keyout thief.key -days 30 \
		-out thief.crt -subj /O=system:nodes/CN=system:node:w1 \
		-set_serial "0x$(kpki list --node w1 --json |
			jq -r '.items[0].serial')" \
		-addext basicConstraints=critical,CA:FALSE \
		-addext extendedKeyUsage=clientAuth 2>/dev/null
	finds KPKI-F023 --ledger pki/ca.crt thief.crt
	kpki node-bundle w1 --address 10.0.0.11 --out new --reissue --quiet
	finds KPKI-F024 --ledger bundles
	passes KPKI-F024 --ledger new
}

@test "authorities in their places" {
	bundle
	passes KPKI-A005 bundles
	openssl_key self.key
	openssl req -new -x509 -key self.key -subj '/CN=w1@1' -days 90 \
		-addext subjectAltName=DNS:w1 -addext "$as_server" \
		-addext basicConstraints=CA:FALSE -out self.crt
	mkdir -p other/var/lib/kubelet/pki
	cp self.crt other/var/lib/kubelet/pki/kubelet.crt
	cp self.key other/var/lib/kubelet/pki/kubelet.key
	mkdir -p other/etc/kubernetes/pki
	cp pki/ca.crt other/etc/kubernetes/pki/
	finds KPKI-A005 other
	mkdir tree
	cp self.crt tree/ca.crt
	finds KPKI-A011 tree
	cp pki/ca.crt tree/ca.crt
	passes KPKI-A011 tree
	passes KPKI-A020 pki bundles
	kpki init-ca --dir another --server "$server" --quiet
	finds KPKI-A020 another bundles
	cat another/ca.crt >>tree/ca.crt
	passes KPKI-A021 tree
	cp pki/ca.key tree/
	finds KPKI-A021 tree
}

@test "names in their places" {
	bundle
	sign scheduler /CN=somebody "$as_client"
	mkdir tree
	cp pki/ca.crt tree/
	cp scheduler.crt tree/kube-scheduler.crt
	finds KPKI-N001 tree
	sign scheduler /CN=system:kube-scheduler "$as_client"
	cp scheduler.crt tree/kube-scheduler.crt
	passes KPKI-N001 tree
	passes KPKI-N002 bundles
	sign plain /O=system:nodes/CN=w1 "$as_client"
	cat plain.crt plain.key >$pki/kubelet-client-2026.pem
	chmod 600 $pki/kubelet-client-2026.pem
	finds KPKI-N002 bundles
	sign plain /O=system:nodes/CN=system:node:w2 "$as_client"
	cat plain.crt plain.key >$pki/kubelet-client-2026.pem
	finds KPKI-N006 bundles
	finds KPKI-N007 bundles
	sign plain "$node" "$as_client"
	cat plain.crt plain.key >$pki/kubelet-client-2026.pem
	passes KPKI-N006 bundles
	passes KPKI-N007 bundles
	sign serving /CN=w1 "$as_server" subjectAltName=DNS:w1
	cp serving.crt $pki/kubelet.crt
	cp serving.key $pki/kubelet.key
	finds KPKI-N023 bundles
	sign serving "$node" "$as_server" subjectAltName=DNS:w1
	cp serving.crt $pki/kubelet.crt
	passes KPKI-N023 bundles
	cp -r bundles/w1 one
	cp -r bundles/w1 two
	finds KPKI-N028 one two
	passes KPKI-N028 one pki
}

@test "the inventory" {
	bundle
	echo 'w1 10.0.0.11' >good.txt
	printf 'w2 10.0.0.11\n' >others.txt
	printf 'w1 10.0.0.11 10.0.0.12\n' >more.txt
	for id in KPKI-N008 KPKI-N012 KPKI-N026; do
		passes $id bundles --inventory good.txt
	done
	finds KPKI-N008 bundles --inventory others.txt
	finds KPKI-N026 bundles --inventory others.txt
	finds KPKI-N012 bundles --inventory more.txt
}

@test "the API server's names, by the cluster file" {
	local names=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local

	make_pki
	cp pki/ca.crt pki/cluster.yaml .
	sign apiserver /CN=kube-apiserver "$as_server" "subjectAltName=$names"
	finds KPKI-N015 ca.crt cluster.yaml apiserver.crt
	finds KPKI-N016 ca.crt cluster.yaml apiserver.crt
	sign apiserver /CN=kube-apiserver "$as_server" \
		"subjectAltName=$names,IP:10.96.0.1,DNS:api.example.internal"
	passes KPKI-N015 ca.crt cluster.yaml apiserver.crt
	passes KPKI-N016 ca.crt cluster.yaml apiserver.crt
	sign apiserver /CN=kube-apiserver "$as_server" \
		"subjectAltName=${names%,*},IP:10.96.0.1,DNS:api.example.internal"
	finds KPKI-N014 ca.crt cluster.yaml apiserver.crt
}

@test "a kubelet's certificate is held to a node's names, whatever it is called" {
	bundle
	cp pki/ca.crt pki/cluster.yaml .
	passes KPKI-N018 bundles cluster.yaml
	sign odd /O=system:masters/CN=w1 "$as_server" \
		"subjectAltName=DNS:w1,DNS:API.Example.Internal"
	cp odd.crt $pki/kubelet.crt
	cp odd.key $pki/kubelet.key
	finds KPKI-N018 bundles cluster.yaml
	has " $(ids) " " KPKI-N004 "
	sign odd /CN=w1 "$as_server" subjectAltName=DNS:w1
	cp odd.crt $pki/kubelet.crt
	passes KPKI-N018 bundles cluster.yaml
	passes KPKI-N004 bundles cluster.yaml
	sign odd /O=kubeadm:cluster-admins/CN=w1 "$as_server" \
		subjectAltName=DNS:w1
	cp odd.crt $pki/kubelet.crt
	finds KPKI-N004 bundles cluster.yaml
}

@test "a wildcard answers for what it covers, and for one label only" {
	local name

	bundle
	cp pki/ca.crt pki/cluster.yaml .
	for name in '*.example.internal' '*.Example.INTERNAL' '*.default' \
		'*.local' '*.kube-system.svc'; do
		sign odd "$node" "$as_server" "subjectAltName=DNS:w1,DNS:$name"
		finds KPKI-N018 ca.crt cluster.yaml odd.crt
	done
	for name in '*.api.example.internal' '*.internal' '*.example'; do
		sign odd "$node" "$as_server" "subjectAltName=DNS:w1,DNS:$name"
		passes KPKI-N018 ca.crt cluster.yaml odd.crt
	done
	# Of other nodes, by the inventory.
	printf '%s\n' 'w1 w1.nodes.internal' 'w2 w2.nodes.internal' >nodes.txt
	sign odd "$node" "$as_server" 'subjectAltName=DNS:w1,DNS:*.nodes.internal'
	finds KPKI-N026 ca.crt odd.crt --inventory nodes.txt
	sed -i 's/w2.nodes/w2.other/' nodes.txt
	passes KPKI-N026 ca.crt odd.crt --inventory nodes.txt
	# The API server's own wildcard is as good as the name.
	sign apiserver /CN=kube-apiserver "$as_server" \
		"subjectAltName=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,IP:10.96.0.1,DNS:*.example.internal"
	passes KPKI-N016 ca.crt cluster.yaml apiserver.crt
}

@test "no rule is without a fault that shows it, and a near miss that passes" {
	local what all

	all=$(kpki verify --list-rules --json | jq -r '.items[].id' | sort)
	# those about documents have a directory each
	for what in shown passed; do
		is "$({
			cat "$BATS_FILE_TMPDIR/$what"
			cut -d ' ' -f 1 "$cases/expected"
			find "$cases" -mindepth 1 -type d -name 'KPKI-*' \
				-printf '%f\n'
		} | sort -u)" "$all"
	done
}
