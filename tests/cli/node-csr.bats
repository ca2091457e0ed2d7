#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki node-csr: keys and requests made on the node, and what comes back put in
# its place.

load helper
load pki
load sign

CLIENT=var/lib/kubelet/pki/kubelet-client-current.pem

# Modes, kinds and links below a directory, with the time in names left out.
shape()
{
	(cd "$1" && find . -mindepth 1 -printf '%P %y %m %l\n' |
		sed -E 's/[0-9]{4}(-[0-9]{2}){5}/TIME/g' | sort)
}

# The node's half: keys in ./worker-1, and what came back in worker-1.yaml.
answered()
{
	make_pki
	kpki node-csr -q worker-1 --address 10.0.0.11
	sign_requests worker-1 worker-1 pki IP:10.0.0.11 >worker-1.yaml
	mkdir -p root
}

complete()
{
	kpki node-csr --complete worker-1.yaml --root root "$@"
}

@test "node-csr makes a key and a request for each certificate" {
	exits 0 node-csr worker-1 --address 10.0.0.11 --address fd00::11 \
		--address worker-1.example.internal
	is "$output" "STATUS     PATH
issued     worker-1/kubelet-client.key
issued     worker-1/kubelet-client.csr
issued     worker-1/kubelet-serving.key
issued     worker-1/kubelet-serving.csr"
	is "$stderr" ""
	is "$(mode worker-1)" 700
	is "$(mode worker-1/kubelet-client.key)" 600
	is "$(mode worker-1/kubelet-serving.key)" 600
	is "$(mode worker-1/kubelet-client.csr)" 644
	is "$(sed -n '/-----/p' worker-1/*.csr | sort -u)" \
		"-----BEGIN CERTIFICATE REQUEST-----
-----END CERTIFICATE REQUEST-----"
	has "$(openssl req -in worker-1/kubelet-serving.csr -noout -text)" \
		"DNS:worker-1, IP Address:10.0.0.11, IP Address:FD00:0:0:0:0:0:0:11, DNS:worker-1.example.internal"
}

@test "node-csr does not write over a key" {
	local before

	kpki node-csr -q worker-1
	before=$(sha256sum worker-1/*.key)
	exits 4 node-csr worker-1 --key-type rsa-2048
	is "$stderr" 'kpki node-csr: "worker-1": file "kubelet-client.key": a key of type "ecdsa-p256", not "rsa-2048", and no key is ever overwritten'
	exits 0 node-csr worker-1 --key-type ecdsa-p256
	exits 0 node-csr worker-1 --address 10.0.0.12
	is "$(sha256sum worker-1/*.key)" "$before"
}

@test "node-csr run again changes nothing" {
	local before

	kpki node-csr -q worker-1 --address 10.0.0.11
	before=$(picture worker-1)
	exits 0 node-csr worker-1 --address 10.0.0.11
	is "$(picture worker-1)" "$before"
	is "$(grep -c ^unchanged <<<"$output")" 4
}

@test "node-csr asks again for the same key when something else is wanted" {
	local before

	kpki node-csr -q worker-1 --address 10.0.0.11
	before=$(sha256sum worker-1/kubelet-client.csr worker-1/*.key)
	exits 0 node-csr worker-1 --address 10.0.0.12
	is "$(awk '{ print $1 }' <<<"$output" | xargs)" \
		"STATUS unchanged unchanged unchanged replaced"
	has "$(openssl req -in worker-1/kubelet-serving.csr -noout -text)" \
		"DNS:worker-1, IP Address:10.0.0.12"
	is "$(sha256sum worker-1/kubelet-client.csr worker-1/*.key)" "$before"
	rm worker-1/kubelet-client.csr
	exits 0 node-csr worker-1 --address 10.0.0.12
	is "$(awk '{ print $1 }' <<<"$output" | xargs)" \
		"STATUS unchanged issued unchanged unchanged"
}

@test "node-csr makes what --profile says, in any type of key" {
	local type

	exits 0 node-csr worker-1 --profile kubelet-client
	is "$(ls worker-1 | xargs)" "kubelet-client.csr kubelet-client.key"
	exits 0 node-csr worker-1 --profile kubelet-serving --out serving
	is "$(ls serving | xargs)" "kubelet-serving.csr kubelet-serving.key"
	exits 0 node-csr worker-1 --profile both
	is "$(ls worker-1 | wc -l)" 4
	for type in ecdsa-p384 rsa-2048 ed25519; do
		exits 0 node-csr worker-1 --key-type $type --out $type
		openssl req -in $type/kubelet-client.csr -noout -verify
	done
	has "$(openssl req -in rsa-2048/kubelet-client.csr -noout -text)" \
		"Digital Signature, Key Encipherment"
}

@test "node-csr reports keys and requests in JSON" {
	local pin

	exits 0 node-csr worker-1 --json
	is "$(json .kind)" NodeCSRReport
	is "$(json '.items | length')" 4
	pin=$(openssl req -in worker-1/kubelet-client.csr -noout -pubkey |
		openssl pkey -pubin -outform DER | sha256sum | cut -d ' ' -f 1)
	is "$(json '.items[1] | .status, .node, .path, .profile, .publicKey')" \
		"issued
worker-1
worker-1/kubelet-client.csr
kubelet-client
sha256:$pin"
	exits 0 node-csr worker-1 --quiet
	is "$output" ""
}

@test "node-csr checks node and addresses as an inventory does" {
	exits 3 node-csr Worker-1
	has "$stderr" 'node "Worker-1": has upper case'
	exits 3 node-csr worker-1 --address 127.0.0.1
	has "$stderr" 'address "127.0.0.1": '
	exits 3 node-csr worker-1 --address 10.0.0.1 --address 10.0.0.1
	has "$stderr" 'stands twice'
	[[ ! -e worker-1 && ! -e Worker-1 ]]
}

@test "node-csr refuses a key that is not the owner's alone" {
	kpki node-csr -q worker-1
	chmod 640 worker-1/kubelet-serving.key
	exits 3 node-csr worker-1
	is "$stderr" 'kpki node-csr: "worker-1": file "kubelet-serving.key": its mode is 0640, and only its owner may have access'
	chmod 600 worker-1/kubelet-serving.key
	mv worker-1/kubelet-serving.key elsewhere
	ln -s ../elsewhere worker-1/kubelet-serving.key
	exits 3 node-csr worker-1
	has "$stderr" '"kubelet-serving.key": a symbolic link'
	rm worker-1/kubelet-serving.key
	mkfifo -m 600 worker-1/kubelet-serving.key
	exits 3 node-csr worker-1
	has "$stderr" '"kubelet-serving.key": not a regular file'
	rm worker-1/kubelet-serving.key
	(umask 077 && echo nonsense >worker-1/kubelet-serving.key)
	exits 3 node-csr worker-1
	has "$stderr" '"kubelet-serving.key": '
	is "$(<worker-1/kubelet-serving.key)" nonsense
}

# Not root needs a name space of its own to mount in.
@test "node-csr that runs out of space leaves nothing" {
	mkdir small
	run -0 unshare -Urm sh -c '
		mount -t tmpfs -o size=4k tmpfs small || exit 9
		"$KPKI" node-csr worker-1 --out small/keys 2>message && exit 8
		ls -A small'
	is "$output" ""
	has "$(<message)" "No space left on device"
}

@test "node-csr at once in one directory makes one set of keys" {
	local i

	for i in 1 2 3 4 5 6; do
		kpki node-csr worker-1 >out$i 2>&1 &
	done
	all_succeed
	is "$(cat out? | grep -c ^issued)" 4
	is "$(cat out? | grep -c ^unchanged)" 20
	is "$(ls -A worker-1 | wc -l)" 4
}

@test "node-csr --complete puts everything in its place" {
	answered
	exits 0 node-csr --complete worker-1.yaml --root root
	is "$stderr" ""
	has "$output" "issued     root/etc/kubernetes/kubelet.conf"
	is "$(grep -c ^issued <<<"$output")" 7
	is "$(openssl x509 -in root/$CLIENT -noout -pubkey)" \
		"$(openssl pkey -in worker-1/kubelet-client.key -pubout)"
	cmp root/var/lib/kubelet/pki/kubelet.key worker-1/kubelet-serving.key
	cmp root/etc/kubernetes/pki/ca.crt pki/ca.crt
	openssl verify -x509_strict -CAfile root/etc/kubernetes/pki/ca.crt \
		-purpose sslserver root/var/lib/kubelet/pki/kubelet.crt
}

@test "node-csr --complete makes the very files of a bundle, in both layouts" {
	local layout file

	for layout in kubeadm pem; do
		answered
		kpki node-bundle -q worker-1 --address 10.0.0.11 \
			--layout $layout
		complete -q
		is "$(shape root)" "$(shape bundles/worker-1)"
		for file in etc/kubernetes/{kubelet.conf,pki/ca.crt} \
			var/lib/kubelet/{config.yaml,kubeconfig} \
			var/lib/kubelet/kubelet-config.yaml \
			var/lib/kubernetes/ca.pem; do
			[[ ! -e bundles/worker-1/$file ]] ||
				cmp bundles/worker-1/$file root/$file
		done
		rm -r pki bundles worker-1 root
	done
}

@test "node-csr --complete run again changes nothing" {
	local before

	answered
	complete -q
	before=$(picture root)
	exits 0 node-csr --complete worker-1.yaml --root root --json
	is "$(json '[.items[].status] | unique[]')" unchanged
	is "$(json '.items[] | select(.notAfter) | .path' | wc -l)" 2
	is "$(picture root)" "$before"
	rm root/etc/kubernetes/kubelet.conf root/$CLIENT
	exits 0 node-csr --complete worker-1.yaml --root root
	is "$(grep -c ^issued <<<"$output")" 2
}

@test "node-csr --complete replaces an older certificate, and not a newer one" {
	local old

	answered
	complete -q
	old=$(readlink root/$CLIENT)
	cp worker-1.yaml old.yaml
	sleep 1
	sign_requests worker-1 worker-1 pki IP:10.0.0.11 >worker-1.yaml
	exits 0 node-csr --complete worker-1.yaml --root root
	is "$(awk '{ print $1 }' <<<"$output" | xargs)" \
		"STATUS unchanged unchanged unchanged issued replaced replaced unchanged"
	[[ $(readlink root/$CLIENT) > $old ]]
	[[ -e root/${CLIENT%/*}/$old ]]
	exits 4 node-csr --complete old.yaml --root root
	has "$stderr" "the certificate that is there is newer"
}

@test "node-csr --complete takes both certificates from files of their own" {
	answered
	mkdir one other
	mv worker-1/kubelet-client.csr one
	mv worker-1/kubelet-serving.csr other
	sign_requests worker-1 one pki >one.yaml
	sign_requests worker-1 other pki >other.yaml
	exits 3 node-csr --complete other.yaml --root root
	has "$stderr" 'other.yaml: certificate "kubelet-client": not there'
	exits 0 node-csr --complete one.yaml other.yaml --root root
	is "$(grep -c ^issued <<<"$output")" 7
	sed 's,server: .*,server: https://x,' one.yaml >odd.yaml
	exits 3 node-csr --complete odd.yaml --complete other.yaml --root root
	has "$stderr" "other.yaml: server \"$server\": another file has \"https://x\""
	exits 3 node-csr --complete one.yaml --complete worker-1.yaml \
		--root root
	has "$stderr" 'worker-1.yaml: certificate "kubelet-client": another file has another one'
	rm -r root/*
	exits 0 node-csr --complete one.yaml --root root
	is "$(grep -c ^issued <<<"$output")" 5
	lacks "$(<root/var/lib/kubelet/config.yaml)" tlsCertFile
}

@test "node-csr --complete reads standard input" {
	answered
	exits 2 node-csr --complete - --root root - <worker-1.yaml
	has "$stderr" "standard input can be read only once"
	kpki node-csr -q --complete - --root root <worker-1.yaml
	[[ -e root/etc/kubernetes/kubelet.conf ]]
}

@test "node-csr --complete refuses what is there and not of this node" {
	local before

	answered
	mkdir -p root/var/lib/kubelet
	echo mine >root/var/lib/kubelet/config.yaml
	before=$(picture root)
	exits 4 node-csr --complete worker-1.yaml --root root
	is "$stderr" 'kpki node-csr: "root": "var/lib/kubelet/config.yaml": is there and says something else'
	is "$output" ""
	is "$(picture root)" "$before"
	exits 0 node-csr --complete worker-1.yaml --root root \
		--kubelet-config-base none
	is "$(<root/var/lib/kubelet/config.yaml)" mine
}

@test "node-csr --complete follows no link below the root" {
	local before

	answered
	mkdir -p elsewhere root/var/lib
	ln -s ../../../elsewhere root/var/lib/kubelet
	exits 4 node-csr --complete worker-1.yaml --root root
	is "$stderr" 'kpki node-csr: "root": "var/lib/kubelet": not a directory, or a link to one'
	is "$(ls elsewhere)" ""
	[[ ! -e root/etc ]]
	# The root itself may be one.
	rm root/var/lib/kubelet
	ln -s root linked
	exits 0 node-csr --complete worker-1.yaml --root linked
}

@test "node-csr --complete leaves directories that are there as they are" {
	answered
	mkdir -p -m 711 root/etc/kubernetes
	mkdir -p -m 750 root/var/lib/kubelet
	chmod 700 root/etc
	complete -q
	is "$(mode root/etc)" 700
	is "$(mode root/etc/kubernetes)" 711
	is "$(mode root/var/lib/kubelet)" 750
	is "$(mode root/var/lib/kubelet/pki)" 700
}

@test "node-csr --complete wants the keys that the certificates are of" {
	answered
	exits 1 node-csr --complete worker-1.yaml --root root --out nowhere
	rm worker-1/kubelet-serving.key
	exits 3 node-csr --complete worker-1.yaml --root root
	is "$stderr" 'kpki node-csr: "worker-1": file "kubelet-serving.key": not there'
	kpki node-csr -q worker-1 --address 10.0.0.11
	exits 3 node-csr --complete worker-1.yaml --root root
	is "$stderr" 'kpki node-csr: "worker-1": certificate "kubelet-serving": not of the key that is there'
	is "$(ls root)" ""
}

@test "node-csr --complete refuses what is over, or of another CA" {
	answered
	kpki node-bundle -q worker-1 --validity 1s
	write_node_certificates worker-1 pki bundles/worker-1/$CLIENT >over.yaml
	sleep 2
	exits 3 node-csr --complete over.yaml --root root
	[[ $stderr =~ over.yaml:[0-9]+:\ certificate\ \"kubelet-client\":\ expired\ at ]]
	make_pki --dir other
	sed "/^ca:/,/END/d" worker-1.yaml >odd.yaml
	{ echo 'ca: |' && sed 's/^/  /' other/ca.crt; } >>odd.yaml
	exits 3 node-csr --complete odd.yaml --root root
	has "$stderr" 'certificate "kubelet-client": not signed by the CA of the file'
	is "$(ls root)" ""
}

@test "node-csr --complete builds on a KubeletConfiguration" {
	answered
	printf '%s\n' 'apiVersion: kubelet.config.k8s.io/v1beta1' \
		'kind: KubeletConfiguration' 'maxPods: 42' >base.yaml
	complete -q --kubelet-config-base base.yaml
	has "$(<root/var/lib/kubelet/config.yaml)" "maxPods: 42"
	has "$(<root/var/lib/kubelet/config.yaml)" \
		'clientCAFile: "/etc/kubernetes/pki/ca.crt"'
}

@test "node-csr runs where there is nothing but a directory" {
	run -0 --separate-stderr env -i "$KPKI" node-csr worker-1
	as_nobody node-csr worker-2 --out /proc/nobody
	is "$status" 1
}
