#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki node-bundle: what a node gets, and when it gets nothing.

load helper
load pki

readonly client=var/lib/kubelet/pki/kubelet-client-current.pem
readonly serving=var/lib/kubelet/pki/kubelet.crt

# Everything in a bundle: mode, path, where a link points; times as TIME.
tree()
{
	find "$1" -mindepth 1 -printf '%M %P %l\n' |
		sed -E 's/[0-9]{4}(-[0-9]{2}){5}/TIME/g; s/ +$//' |
		LC_ALL=C sort -k 2
}

# "STATUS NODE" of each row of the last report.
verdicts()
{
	awk 'NR > 1 { print $1, $2 }' <<<"$output"
}

# The public half of a private key file, to compare with a certificate's.
public_of()
{
	openssl pkey -in "$1" -pubout
}

seconds_of() # CERTIFICATE -startdate|-enddate
{
	local text

	text=$(certificate "$1" "$2")
	date -d "${text#*=}" +%s
}

# -- the tree --

@test "node-bundle makes the tree of a node, says so, and says it again" {
	make_pki
	exits 0 node-bundle w1 --address 10.0.0.11
	is "$stderr" ""
	is "$(verdicts)" "issued w1"
	has "${lines[1]}" " bundles/w1 "
	is "$(mode bundles)" 700
	is "$(mode bundles/w1)" 755
	is "$(tree bundles/w1)" "drwxr-xr-x etc
drwxr-xr-x etc/kubernetes
-rw------- etc/kubernetes/kubelet.conf
drwxr-xr-x etc/kubernetes/pki
-rw-r--r-- etc/kubernetes/pki/ca.crt
drwxr-xr-x var
drwxr-xr-x var/lib
drwxr-xr-x var/lib/kubelet
-rw-r--r-- var/lib/kubelet/config.yaml
drwx------ var/lib/kubelet/pki
-rw------- var/lib/kubelet/pki/kubelet-client-TIME.pem
lrwxrwxrwx var/lib/kubelet/pki/kubelet-client-current.pem kubelet-client-TIME.pem
-rw-r--r-- var/lib/kubelet/pki/kubelet.crt
-rw------- var/lib/kubelet/pki/kubelet.key"
	is "$(ls -A bundles)" w1

	local before
	before=$(picture bundles)
	exits 0 node-bundle w1 --address 10.0.0.11
	is "$(verdicts)" "unchanged w1"
	is "$(picture bundles)" "$before"
	is "$(rows)" 3
}

@test "the files of a bundle fit together" {
	make_pki
	exits 0 node-bundle w1 --address 10.0.0.11
	cd bundles/w1
	cmp etc/kubernetes/pki/ca.crt ../../pki/ca.crt
	is "$(grep -o -e '-----BEGIN.*' $client)" "-----BEGIN CERTIFICATE-----
-----BEGIN PRIVATE KEY-----"
	is "$(grep -c -v -e '^[A-Za-z0-9+/=]*$' $client)" 4
	is "$(public_of $client)" "$(certificate $client -pubkey)"
	is "$(public_of var/lib/kubelet/pki/kubelet.key)" \
		"$(certificate $serving -pubkey)"
	[[ $(public_of $client) != $(certificate $serving -pubkey) ]]
	openssl verify -x509_strict -purpose sslclient \
		-CAfile etc/kubernetes/pki/ca.crt $client
	openssl verify -x509_strict -purpose sslserver -verify_hostname w1 \
		-CAfile etc/kubernetes/pki/ca.crt $serving
	openssl verify -verify_ip 10.0.0.11 \
		-CAfile etc/kubernetes/pki/ca.crt $serving
	# The name is the time at which the kubelet would have written it.
	[[ $(readlink $client) =~ ^kubelet-client-20..-..-..-..-..-...pem$ ]]
}

@test "the client certificate is a node's, and can be nothing else" {
	make_pki
	exits 0 node-bundle w1 --address 10.0.0.11
	local file=bundles/w1/$client

	is "$(certificate "$file" -subject -issuer)" \
		"subject=CN=system:node:w1,O=system:nodes
issuer=CN=kubernetes"
	is "$(extension "$file" basicConstraints)" \
		"X509v3 Basic Constraints: critical
    CA:FALSE"
	is "$(extension "$file" keyUsage)" "X509v3 Key Usage: critical
    Digital Signature"
	is "$(extension "$file" extendedKeyUsage)" \
		"X509v3 Extended Key Usage: 
    TLS Web Client Authentication"
	lacks "$(certificate "$file" -text)" "Subject Alternative Name"
	has "$(certificate "$file" -text)" "Version: 3 (0x2)"
	has "$(certificate "$file" -text)" "Subject Key Identifier"
	has "$(certificate "$file" -text)" "Authority Key Identifier"
	run ! openssl verify -purpose sslserver -CAfile pki/ca.crt "$file"
}

@test "the serving certificate has the name and every address, and no more" {
	make_pki
	cat >nodes <<-'END'
		w1 10.0.0.11 w1.example.internal 2001:db8::11 192.0.2.1 w1
		w2
		192-0-2-7.example
		192.0.2.9
	END
	exits 0 node-bundle --inventory nodes
	local file=bundles/w1/$serving

	is "$(extension "$file" subjectAltName)" \
		"X509v3 Subject Alternative Name: 
    DNS:w1, IP Address:10.0.0.11, DNS:w1.example.internal, IP Address:2001:DB8:0:0:0:0:0:11, IP Address:192.0.2.1"
	is "$(certificate "$file" -subject)" \
		"subject=CN=system:node:w1,O=system:nodes"
	is "$(extension "$file" extendedKeyUsage)" \
		"X509v3 Extended Key Usage: 
    TLS Web Server Authentication"
	is "$(extension "$file" basicConstraints)" \
		"X509v3 Basic Constraints: critical
    CA:FALSE"
	has "$(extension bundles/w2/$serving subjectAltName)" "    DNS:w2"
	# A name that is an IP address is one in the certificate, too.
	is "$(extension bundles/192.0.2.9/$serving subjectAltName)" \
		"X509v3 Subject Alternative Name: 
    IP Address:192.0.2.9"
	run ! openssl verify -purpose sslclient -CAfile pki/ca.crt "$file"
}

@test "kubelet.conf is a kubeconfig of the node, by path or embedded" {
	make_pki
	exits 0 node-bundle w1
	local config=bundles/w1/etc/kubernetes/kubelet.conf

	get()
	{
		kubectl --kubeconfig "$config" config view --raw -o "jsonpath=$1"
	}
	is "$(get '{.clusters[0].cluster.server}')" "$server"
	is "$(get '{.clusters[0].cluster.certificate-authority-data}' |
		base64 -d)" "$(<pki/ca.crt)"
	is "$(get '{.users[0].user}')" "{\"client-certificate\":\"/$client\",\"client-key\":\"/$client\"}"
	is "$(get '{.current-context}')" "$(get '{.contexts[0].name}')"

	exits 0 node-bundle w2 --embed-certs
	config=bundles/w2/etc/kubernetes/kubelet.conf
	is "$(mode "$config")" 600
	lacks "$(<"$config")" /var/lib
	get '{.users[0].user.client-certificate-data}' | base64 -d >crt
	get '{.users[0].user.client-key-data}' | base64 -d >key
	is "$(certificate crt -fingerprint)" \
		"$(certificate bundles/w2/$client -fingerprint)"
	is "$(public_of key)" "$(certificate crt -pubkey)"
}

@test "--no-serving leaves the serving pair out, in the configuration too" {
	make_pki
	exits 0 node-bundle w1 --no-serving
	is "$(ls bundles/w1/var/lib/kubelet/pki | wc -l)" 2
	lacks "$(<bundles/w1/var/lib/kubelet/config.yaml)" tls
	is "$(rows)" 2
	exits 0 node-bundle w1 --no-serving
	is "$(verdicts)" "unchanged w1"
	# With a serving certificate it would be something else.
	exits 4 node-bundle w1
	has "$output" "no serving certificate is live"
	exits 0 node-bundle w1 --reissue
	[ -e bundles/w1/$serving ]
	exits 0 node-bundle w1 --no-serving
	is "$(verdicts)" "unchanged w1"
}

@test "the kubelet's configuration names what is in the bundle" {
	make_pki
	exits 0 node-bundle w1
	is "$(<bundles/w1/var/lib/kubelet/config.yaml)" \
		'apiVersion: "kubelet.config.k8s.io/v1beta1"
kind: "KubeletConfiguration"
authentication:
  anonymous:
    enabled: false
  webhook:
    enabled: true
  x509:
    clientCAFile: "/etc/kubernetes/pki/ca.crt"
authorization:
  mode: "Webhook"
tlsCertFile: "/var/lib/kubelet/pki/kubelet.crt"
tlsPrivateKeyFile: "/var/lib/kubelet/pki/kubelet.key"
rotateCertificates: false'
	# When the cluster signs, the kubelet rotates.
	make_pki --dir in --signing in-cluster
	exits 0 --dir in node-bundle w1 --out in-bundles
	has "$(<in-bundles/w1/var/lib/kubelet/config.yaml)" \
		"rotateCertificates: true"
}

@test "--kubelet-config-base is kept where kpki has nothing to say" {
	make_pki
	exits 0 node-bundle w1 --kubelet-config-base \
		"$data/good/kubelet-config.yaml"
	is "$(<bundles/w1/var/lib/kubelet/config.yaml)" \
		"$(<"$data/good/kubelet-config.merged.yaml")"
	exits 0 node-bundle w2 --kubelet-config-base - \
		<"$data/good/kubelet-config.yaml"
	cmp bundles/w[12]/var/lib/kubelet/config.yaml
	exits 0 node-bundle w3 --kubelet-config-base none
	[ ! -e bundles/w3/var/lib/kubelet/config.yaml ]
	[ -e bundles/w3/$client ]
}

@test "--layout pem has the names and places of the bootstrapping page" {
	make_pki
	exits 0 node-bundle w1 --layout pem
	is "$(tree bundles/w1)" "drwxr-xr-x var
drwxr-xr-x var/lib
drwxr-xr-x var/lib/kubelet
-rw------- var/lib/kubelet/kubeconfig
-rw-r--r-- var/lib/kubelet/kubelet-config.yaml
drwx------ var/lib/kubelet/pki
-rw------- var/lib/kubelet/pki/kubelet-client-TIME.pem
lrwxrwxrwx var/lib/kubelet/pki/kubelet-client-current.pem kubelet-client-TIME.pem
-rw------- var/lib/kubelet/w1-key.pem
-rw-r--r-- var/lib/kubelet/w1.pem
drwxr-xr-x var/lib/kubernetes
-rw-r--r-- var/lib/kubernetes/ca.pem"
	local config
	config=$(<bundles/w1/var/lib/kubelet/kubelet-config.yaml)
	has "$config" 'clientCAFile: "/var/lib/kubernetes/ca.pem"'
	has "$config" 'tlsCertFile: "/var/lib/kubelet/w1.pem"'
	has "$config" 'tlsPrivateKeyFile: "/var/lib/kubelet/w1-key.pem"'
	has "$(<bundles/w1/var/lib/kubelet/kubeconfig)" \
		"client-key: \"/$client\""
	exits 0 node-bundle w1 --layout pem
	is "$(verdicts)" "unchanged w1"
	# The cluster file's layout is what is taken unless told.
	make_pki --dir flat --layout pem
	exits 0 --dir flat node-bundle w1 --out flat-bundles
	[ -e flat-bundles/w1/var/lib/kubernetes/ca.pem ]
}

# -- tar --

@test "--format tar has the members of the tree, sorted, with their modes" {
	make_pki
	exits 0 node-bundle w1 --format tar
	is "$(verdicts)" "issued w1"
	has "${lines[1]}" " bundles/w1.tar "
	is "$(ls -A bundles)" w1.tar
	is "$(mode bundles/w1.tar)" 600
	local names
	names=$(tar tf bundles/w1.tar)
	is "$(tar tvf bundles/w1.tar | awk '{ print $1, $6 }' |
		sed -E 's/20[0-9-]+/TIME/')" "drwxr-xr-x etc/kubernetes/
-rw------- etc/kubernetes/kubelet.conf
drwxr-xr-x etc/kubernetes/pki/
-rw-r--r-- etc/kubernetes/pki/ca.crt
drwxr-xr-x var/lib/kubelet/
-rw-r--r-- var/lib/kubelet/config.yaml
drwx------ var/lib/kubelet/pki/
-rw------- var/lib/kubelet/pki/kubelet-client-TIME.pem
lrwxrwxrwx var/lib/kubelet/pki/kubelet-client-current.pem
-rw-r--r-- var/lib/kubelet/pki/kubelet.crt
-rw------- var/lib/kubelet/pki/kubelet.key"
	is "$(LC_ALL=C sort <<<"$names")" "$names"
	is "$(tar tvf bundles/w1.tar --numeric-owner | awk '{ print $2 }' |
		sort -u)" 0/0

	# Laid out, it is what --format dir makes.
	exits 0 node-bundle w2
	mkdir laid
	tar xpf bundles/w1.tar -C laid
	is "$(tree laid)" "$(tree bundles/w2)"
	openssl verify -CAfile pki/ca.crt laid/$client laid/$serving
	exits 0 node-bundle w1 --format tar
	is "$(verdicts)" "unchanged w1"
}

@test "members of a tar have the time of issue, or SOURCE_DATE_EPOCH" {
	local began now times

	make_pki
	began=$(date +%s)
	exits 0 node-bundle w1 --format tar
	now=$(date +%s)
	times=$(tar tvf bundles/w1.tar --full-time --utc |
		awk '{ print $4 "T" $5 "Z" }' | sort -u)
	is "$(wc -l <<<"$times")" 1
	((began <= $(date -d "$times" +%s) && $(date -d "$times" +%s) <= now))

	export SOURCE_DATE_EPOCH=1700000000
	exits 0 node-bundle w2 --format tar
	is "$(tar tvf bundles/w2.tar --full-time --utc |
		awk '{ print $4, $5 }' | sort -u)" "2023-11-14 22:13:20"
	# The certificates are of today all the same.
	(($(seconds_of <(tar xOf bundles/w2.tar "$serving") -startdate) > \
		began - 400))
	for SOURCE_DATE_EPOCH in yesterday -1 1e3 99999999999999999999; do
		exits 2 node-bundle w3 --format tar
		has "$stderr" "SOURCE_DATE_EPOCH \"$SOURCE_DATE_EPOCH\""
	done
	[ ! -e bundles/w3.tar ]
}

@test "--out - is one stream of all nodes, and the report goes to stderr" {
	make_pki
	exits 0 node-bundle --quiet w0
	run --separate-stderr bash -c \
		'"$KPKI" node-bundle w1 w2 --format tar --out - >all.tar'
	is "$status" 0
	has "$stderr" "issued     w1"
	has "$stderr" "issued     w2"
	is "$(tar tf all.tar | sed 's|/.*||' | uniq)" "w1
w2"
	is "$(tar tf all.tar | grep -c '/$')" 10
	is "$(tar tf all.tar | grep -c 'kubelet-client-current.pem$')" 2
	mkdir laid
	tar xpf all.tar -C laid
	is "$(tree laid/w1)" "$(tree bundles/w0)"
	openssl verify -CAfile pki/ca.crt laid/w[12]/$client
	is "$(ls -A bundles)" w0
	[ -z "$(find pki -name '*.tar')" ]
	# What went out once does not go out again.
	run --separate-stderr bash -c \
		'printf "w1\nw2\n" | "$KPKI" node-bundle --inventory - \
		--format tar --out - | tar t'
	is "$status" 0
	is "$output" ""
	has "$stderr" "unchanged  w1"
}

@test "a stream that cannot be written is an error, and is sent again" {
	make_pki
	run --separate-stderr sh -c \
		'"$KPKI" node-bundle w1 --format tar --out - >/dev/full'
	is "$status" 1
	has "$stderr" "No space left on device"
	exits 0 list --node w1 --json
	is "$(json '.items | length')" 2
	run --separate-stderr bash -c \
		'echo w1 | "$KPKI" node-bundle --inventory - --format tar \
		--out - >w1.tar'
	is "$status" 0
	is "$(rows --node w1)" 2
	mkdir laid
	tar xpf w1.tar -C laid
	openssl verify -CAfile pki/ca.crt "laid/w1/$client"
}

# What tar is given is an archive, if an empty one, and the status says the rest.
@test "a stream of nobody is an empty archive" {
	make_pki
	exits 0 node-bundle w1 w2
	for nodes in "w1 w2" "w1 --address 10.0.0.9"; do
		run -0 --separate-stderr bash -o pipefail -c '
			{ "$KPKI" node-bundle '"$nodes"' --format tar --out - \
				2>err || echo $? >failed; } | tar -xv'
		is "$output$stderr" ""
		is "$(<failed)" 4
		rm failed
	done
	printf 'w1\nw2\n' >nodes
	run -0 --separate-stderr bash -o pipefail -c '"$KPKI" node-bundle \
		--inventory nodes --format tar --out - 2>err | tar -tv'
	is "$output$stderr" ""
	has "$(<err)" unchanged
	# Before anything is known about nodes nothing is sent.
	run --separate-stderr bash -c \
		'"$KPKI" node-bundle kubernetes --format tar --out - | wc -c'
	is "$output" 0
}

@test "private keys do not go to a terminal" {
	make_pki
	run script -qec '"$KPKI" node-bundle w1 --format tar --out -' /dev/null
	is "$status" 2
	has "$output" "standard output is a terminal"
	lacks "$output" BEGIN
	is "$(rows)" 1
}

# -- keys and times --

@test "every key type makes both pairs, with the usages that are its own" {
	local type usage wanted file

	make_pki
	while read -r type usage wanted; do
		exits 0 node-bundle "n-$type" --key-type "$type"
		for file in "bundles/n-$type/$client" "bundles/n-$type/$serving"; do
			has "$(certificate "$file" -text)" "$wanted"
			is "$(extension "$file" keyUsage)" \
				"X509v3 Key Usage: critical
    ${usage//_/ }"
			openssl verify -x509_strict -CAfile pki/ca.crt "$file"
		done
		has "$(<"bundles/n-$type/$client")" "BEGIN PRIVATE KEY"
	done <<-'END'
		ecdsa-p256 Digital_Signature ASN1 OID: prime256v1
		ecdsa-p384 Digital_Signature ASN1 OID: secp384r1
		ed25519 Digital_Signature ED25519
		rsa-2048 Digital_Signature,_Key_Encipherment Public-Key: (2048 bit)
		rsa-3072 Digital_Signature,_Key_Encipherment Public-Key: (3072 bit)
		rsa-4096 Digital_Signature,_Key_Encipherment Public-Key: (4096 bit)
	END
	# The type is the cluster file's unless told.
	sed -i 's/^keyType: .*/keyType: ed25519/' pki/cluster.yaml
	exits 0 node-bundle w1
	has "$(certificate bundles/w1/$client -text)" ED25519
}

@test "certificates live a year, or as long as they are told" {
	local now file end

	make_pki
	now=$(date +%s)
	exits 0 node-bundle w1
	is "$stderr" ""
	for file in bundles/w1/$client bundles/w1/$serving; do
		end=$(seconds_of "$file" -enddate)
		((end - now >= 31536000 && end - now < 31536060))
		# Backdated, but never before the CA.
		(($(seconds_of "$file" -startdate) <= now - 240))
		(($(seconds_of "$file" -startdate) >= \
			$(seconds_of pki/ca.crt -startdate)))
	done
	exits 0 node-bundle w2 --validity 36h
	end=$(seconds_of bundles/w2/$client -enddate)
	((end - now >= 129600 && end - now < 129660))
	exits 0 node-bundle w3 --validity 2030-06-01T00:00:00Z
	is "$(certificate bundles/w3/$client -enddate)" \
		"notAfter=Jun  1 00:00:00 2030 GMT"
	has "${lines[1]}" 2030-06-01T00:00:00Z
	sed -i 's/^validity: .*/validity: 10d/' pki/cluster.yaml
	exits 0 node-bundle w4
	end=$(seconds_of bundles/w4/$serving -enddate)
	((end - now >= 864000 && end - now < 864060))
}

@test "no certificate outlives the CA: clamped with a note, or refused" {
	make_pki --ca-validity 30d
	exits 4 node-bundle w1 --validity 31d
	has "$stderr" '--validity: "31d": ends '
	has "$stderr" ", after the CA, which ends "
	is "$output" ""
	[ ! -e bundles ]
	exits 0 node-bundle w1
	is "${#stderr_lines[@]}" 1
	has "$stderr" "kpki: note: certificates end with the CA, "
	is "$(certificate bundles/w1/$client -enddate)" \
		"$(certificate pki/ca.crt -enddate)"
	is "$(certificate bundles/w1/$serving -enddate)" \
		"$(certificate pki/ca.crt -enddate)"
	exits 0 node-bundle w2 --quiet
	is "$stderr$output" ""
	exits 0 node-bundle w3 --validity 29d
	is "$stderr" ""
}

@test "a CA that has ended issues nothing" {
	make_pki --ca-validity 2s
	sleep 3
	exits 3 node-bundle w1
	has "$stderr" "expired"
	[ ! -e bundles ]
	is "$(rows)" 1
}

# -- inventories --

@test "all shapes of an inventory say the same" {
	local file

	make_pki
	exits 0 node-bundle --inventory "$data/good/kubectl-get-nodes.yaml"
	is "$stderr" ""
	is "$(verdicts)" "issued cp-1
issued ip-10-20-1-37.eu-central-1.compute.internal
issued worker-2"
	is "$(extension bundles/worker-2/$serving subjectAltName)" \
		"X509v3 Subject Alternative Name: 
    DNS:worker-2, IP Address:10.20.0.32, IP Address:2001:DB8:20:0:0:0:0:32"
	for file in kubectl-get-nodes.json kubectl-get-raw-nodes.json \
		inventory.yaml inventory.json inventory.txt; do
		exits 0 node-bundle --inventory "$data/good/$file"
		is "$(verdicts)" "unchanged cp-1
unchanged ip-10-20-1-37.eu-central-1.compute.internal
unchanged worker-2"
	done
	is "$(rows)" 7
}

@test "one Node as kubectl prints it is an inventory, too" {
	make_pki
	cat >node.yaml <<-'END'
		apiVersion: v1
		kind: Node
		metadata:
		  labels: {kubernetes.io/hostname: w1}
		  name: w1
		status:
		  addresses:
		  - {address: 10.0.0.11, type: InternalIP}
		  - {address: 10.0.0.11, type: ExternalIP}
		  - {address: "", type: ExternalDNS}
	END
	exits 0 node-bundle --inventory node.yaml
	is "$(extension bundles/w1/$serving subjectAltName)" \
		"X509v3 Subject Alternative Name: 
    DNS:w1, IP Address:10.0.0.11"
}

@test "an inventory comes from standard input as well" {
	make_pki
	exits 0 node-bundle --inventory - <"$data/good/inventory.yaml"
	is "$(verdicts | wc -l)" 3
	run --separate-stderr bash -c 'printf "w1\nW2\n" |
		"$KPKI" node-bundle --inventory -'
	is "$status" 3
	has "$stderr" '<stdin>:2: node "W2": has upper case'
	exits 2 node-bundle --inventory - --kubelet-config-base - </dev/null
	has "$stderr" "standard input can be read only once"
	run --separate-stderr sh -c '"$KPKI" node-bundle --inventory - <&-'
	is "$status" 1
	is "$output" ""
}

@test "NODE beside --inventory selects from it" {
	make_pki
	exits 0 node-bundle worker-2 cp-1 \
		--inventory "$data/good/inventory.txt"
	is "$(verdicts)" "issued cp-1
issued worker-2"
	has "$(extension bundles/cp-1/$serving subjectAltName)" 10.20.0.10
	cat "$data/good/inventory.txt" >inventory.txt
	exits 3 node-bundle worker-1 --inventory inventory.txt
	is "$stderr" 'kpki node-bundle: inventory.txt: node "worker-1": not in the inventory (did you mean "worker-2"?)'
	exits 3 node-bundle cp-1 cp-1 --inventory inventory.txt
	has "$stderr" 'node "cp-1": stands twice'
	# All of it must be right all the same.
	echo Wrong >>inventory.txt
	exits 3 node-bundle cp-1 --inventory inventory.txt
	has "$stderr" 'inventory.txt:6: node "Wrong": has upper case'
	# What another node has, none may have.
	printf '%s\n' 'w1 10.0.0.1' 'w2 10.0.0.1' >shared
	exits 4 node-bundle w1 --inventory shared
	has "$stderr" 'shared:2: node "w2": address "10.0.0.1": node "w1" has it'
}

@test "nothing is made when one node of many is wrong" {
	make_pki
	{ seq -f 'n-%g' 600; echo n_601; } >nodes
	local before
	before=$(picture pki)
	exits 3 node-bundle --inventory nodes
	has "$stderr" 'nodes:601: node "n_601": has an underscore'
	{ seq -f 'n-%g' 600; echo w1 10.96.0.1; } >nodes
	exits 4 node-bundle --inventory nodes
	has "$stderr" 'nodes:601: node "w1": address "10.96.0.1"'
	[ ! -e bundles ]
	is "$(picture pki)" "$before"
}

@test "ten thousand nodes work" {
	make_pki
	seq -f 'n-%.0f' 10000 >nodes
	exits 0 node-bundle --inventory nodes --format tar --no-serving --quiet
	is "$stderr$output" ""
	is "$(ls bundles | wc -l)" 10000
	is "$(rows --live)" 10001
	exits 0 node-bundle --inventory nodes --format tar --no-serving --json
	is "$(json '[.items[].status] | unique | join(" ")')" unchanged
	is "$(json '.items | length')" 10000
	is "$(rows)" 10001
}

@test "long names: a warning above 52 characters, nothing above 253" {
	local label a52 a253

	printf -v label 'a%.0s' {1..63}
	a52=${label:0:52}
	a253=$label.$label.$label.${label:0:61}
	make_pki
	exits 0 node-bundle "$a52"
	is "$stderr" ""
	exits 0 node-bundle "${a52}b"
	is "$stderr" "kpki: warning: node \"${a52}b\": CN system:node:NAME is longer than 64 characters (X.520, ub-common-name): Kubernetes takes it, some tools do not"
	exits 0 node-bundle "$a253"
	has "$stderr" warning
	is "$(certificate "bundles/$a253/$client" -subject)" \
		"subject=CN=system:node:$a253,O=system:nodes"
	has "$(extension "bundles/$a253/$serving" subjectAltName)" "DNS:$a253"
	exits 0 node-bundle "$a253"
	is "$(verdicts)" "unchanged $a253"
	exits 3 node-bundle "${a253}b"
	has "$stderr" "is longer than 253 characters"
	# File names have a bound of their own.
	kpki node-bundle "b${a253:1}" --format tar --out - 2>/dev/null >stream
	is "$(tar tf stream | sed -n 1p)" "b${a253:1}/"
	exits 4 node-bundle --format tar "c${a253:1}"
	has "$stderr" "would have a name of more than 255 characters"
	exits 4 node-bundle --layout pem "d${a253:1}"
	has "$stderr" "in this layout a node's name has at most 247 characters"
	is "$(rows --node "c${a253:1}")$(rows --node "d${a253:1}")" 00
}

@test "a node named like an IP address is warned about" {
	make_pki
	exits 0 node-bundle 10.0.0.1
	has "$stderr" 'node "10.0.0.1": its name is an IP address'
	exits 0 node-bundle w1 --address 10.0.0.2
	is "$stderr" ""
}

@test "forbidden names follow the cluster file" {
	make_pki --dns-domain prod.example \
		--service-cidr 172.20.0.0/16,fd00:10::/112
	exits 0 node-bundle w1.cluster.local --address 10.96.0.1
	exits 4 node-bundle w1.prod.example
	exits 4 node-bundle w1 --address 172.20.3.4
	exits 4 node-bundle w1 --address fd00:10::5
	has "$stderr" "in the service CIDR fd00:10::/112"
	exits 0 node-bundle w1 --address fd00:10::1:5
	kpki init-ca --quiet --dir ip --server https://192.0.2.10:6443
	exits 4 --dir ip node-bundle w1 --address 192.0.2.10 --out x
	has "$stderr" 'the host of the server "https://192.0.2.10:6443"'
}

# -- one live certificate a name --

@test "shipped and deleted bundles are unchanged, unless they are required" {
	make_pki
	cp "$data/good/inventory.txt" nodes
	exits 0 node-bundle --inventory nodes
	rm -r bundles
	exits 0 node-bundle --inventory nodes
	is "$(verdicts | cut -d' ' -f1 | uniq -c | xargs)" "3 unchanged"
	[ ! -e bundles ]
	is "$(rows)" 7

	local serial end
	exits 0 list --node cp-1 --profile kubelet-client --json
	serial=$(json '.items[0].serial')
	end=$(json '.items[0].notAfter')
	exits 4 node-bundle --inventory nodes --require-bundle
	is "$(verdicts | cut -d' ' -f1 | uniq -c | xargs)" "3 refused"
	has "$output" "certificate $serial (until $end) is live and its bundle is not here; its key was not kept: --reissue makes another"
	has "$stderr" "3 of 3 nodes are not done; the first: node \"cp-1\""
	exits 4 node-bundle cp-1 --inventory nodes
	has "$output" "certificate $serial (until $end) is live"
	exits 4 node-bundle cp-1 --address 10.20.0.10
	has "$stderr" "$serial (until $end)"
	is "$(rows)" 7
}

@test "what differs is refused by name, and issued anew when asked" {
	make_pki
	exits 0 node-bundle w1 --address 10.0.0.11 --address w1.example
	local before old
	before=$(picture bundles)
	old=$(certificate bundles/w1/$client -serial)
	exits 4 node-bundle w1 --address 10.0.0.12 --address w1.example
	is "$(verdicts)" "refused w1"
	has "$stderr" 'node "w1": differs: address "10.0.0.12" is not in the certificate; the certificate has "10.0.0.11", the inventory does not; --reissue issues it anew'
	is "$(picture bundles)" "$before"
	is "$(rows)" 3

	exits 0 node-bundle w1 --address 10.0.0.12 --address w1.example --reissue
	is "$(verdicts)" "issued w1"
	has "$(extension bundles/w1/$serving subjectAltName)" 10.0.0.12
	[[ $(certificate bundles/w1/$client -serial) != "$old" ]]
	is "$(ls -A bundles)" w1
	is "$(ls bundles/w1/var/lib/kubelet/pki | wc -l)" 4
	exits 0 list --json --node w1
	is "$(json '[.items[] | .profile + " " + .status] | sort | .[]')" \
		"kubelet-client live
kubelet-client superseded
kubelet-serving live
kubelet-serving superseded"
	exits 0 node-bundle w1 --address 10.0.0.12 --address w1.example
	is "$(verdicts)" "unchanged w1"
}

@test "the order and the spelling of addresses are no difference" {
	make_pki
	exits 0 node-bundle w1 --address 2001:db8::1 --address 10.0.0.1
	exits 0 node-bundle w1 --address 10.0.0.1 --address 2001:DB8:0::0:1 \
		--address w1
	is "$(verdicts)" "unchanged w1"
}

@test "a new endpoint is a difference" {
	make_pki
	exits 0 node-bundle w1
	sed -i 's|^server: .*|server: https://new.example:6443|' pki/cluster.yaml
	exits 4 node-bundle w1
	has "$stderr" "the server was \"$server\" and is \"https://new.example:6443\" now"
	exits 0 node-bundle w1 --reissue
	has "$(<bundles/w1/etc/kubernetes/kubelet.conf)" https://new.example:6443
	exits 0 node-bundle w1
}

@test "--reissue makes what is missing or named, and then converges" {
	make_pki
	printf 'w1\nw2\nw3\n' >nodes
	exits 0 node-bundle --inventory nodes
	exits 0 node-bundle --inventory nodes --reissue
	is "$(verdicts | cut -d' ' -f1 | uniq)" unchanged
	rm -r bundles/w2
	exits 0 node-bundle --inventory nodes --reissue
	is "$(verdicts)" "unchanged w1
issued w2
unchanged w3"
	exits 0 node-bundle --inventory nodes --reissue
	is "$(verdicts | cut -d' ' -f1 | uniq)" unchanged
	exits 0 node-bundle w3 --inventory nodes --reissue
	is "$(verdicts)" "issued w3"
	exits 0 node-bundle --inventory nodes
	is "$(rows --live)" 7
	is "$(rows)" 11
}

@test "--issued-before re-issues a fleet once" {
	local line

	make_pki
	printf 'w1\nw2\n' >nodes
	exits 0 node-bundle --inventory nodes
	exits 0 node-bundle --inventory nodes --reissue \
		--issued-before 2020-01-01T00:00:00Z
	is "$(verdicts | cut -d' ' -f1 | uniq)" unchanged
	sleep 1.1
	line=$(date -u +%Y-%m-%dT%H:%M:%SZ)
	exits 0 node-bundle w1 --inventory nodes --reissue --issued-before "$line"
	is "$(verdicts)" "issued w1"
	exits 0 node-bundle --inventory nodes --reissue --issued-before "$line"
	is "$(verdicts)" "unchanged w1
issued w2"
	exits 0 node-bundle --inventory nodes --reissue --issued-before "$line"
	is "$(verdicts | cut -d' ' -f1 | uniq)" unchanged
	# Of what is named only what is older, too.
	exits 0 node-bundle w1 --inventory nodes --reissue --issued-before "$line"
	is "$(verdicts)" "unchanged w1"
	is "$(rows)" 9
}

@test "expired is not live" {
	make_pki
	exits 0 node-bundle w1 --validity 2s --address 10.0.0.1
	sleep 3.1
	exits 0 node-bundle w1 --address 10.0.0.2
	is "$(verdicts)" "issued w1"
	has "$(extension bundles/w1/$serving subjectAltName)" 10.0.0.2
	exits 0 list --node w1 --json
	is "$(json '[.items[].status] | sort | join(" ")')" \
		"expired expired live live"
}

@test "what is in a bundle's place and no bundle is left alone" {
	make_pki
	mkdir -p bundles/w1/var elsewhere
	echo mine >bundles/w1/var/notes
	echo mine >bundles/w2
	ln -s ../elsewhere bundles/w3
	mkdir bundles/w4
	touch bundles/w5.tar
	chmod 644 bundles/w5.tar
	local before
	before=$(picture bundles)
	exits 4 node-bundle w1 w2 w3 w4
	is "$(verdicts | cut -d' ' -f1 | uniq -c | xargs)" "4 refused"
	has "$output" 'what is in its place in "bundles" is no bundle of this ledger: move it away'
	exits 4 node-bundle w1 w2 w3 w4 --reissue
	exits 4 node-bundle w5 --format tar
	is "$(picture bundles | grep -v '^bundles drw')" \
		"$(grep -v '^bundles drw' <<<"$before")"
	is "$(ls -A elsewhere)" ""
	is "$(rows)" 1
}

@test "a file too long for a bundle is refused, and the others are made" {
	make_pki
	mkdir bundles
	truncate -s 2M bundles/w2.tar
	exits 4 node-bundle w1 w2 w3 --format tar
	is "$(verdicts)" "issued w1
refused w2
issued w3"
	is "$(stat -c %s bundles/w2.tar)" 2097152
}

@test "another node's bundle is never used for a node" {
	make_pki
	exits 0 node-bundle w1
	mv bundles/w1 bundles/w2
	exits 4 node-bundle w2
	has "$stderr" "is no bundle of this ledger"
	exits 4 node-bundle w1
	has "$stderr" "its bundle is not here"
	is "$(certificate bundles/w2/$client -subject)" \
		"subject=CN=system:node:w1,O=system:nodes"
	# Nor that of another cluster.
	make_pki --dir other
	exits 0 --dir other node-bundle w1 --out others
	exits 4 node-bundle w1 --out others
	has "$stderr" 'what is in its place in "others" is not the bundle of its live certificate'
}

@test "a batch does what it can and exits with the worst status" {
	make_pki
	exits 0 node-bundle unchanged
	exits 0 node-bundle differs --address 10.0.0.1
	mkdir bundles/foreign
	cat >nodes <<-'END'
		differs 10.0.0.2
		foreign
		fresh
		unchanged
	END
	exits 4 node-bundle --inventory nodes
	is "$(verdicts)" "refused differs
refused foreign
issued fresh
unchanged unchanged"
	is "${#stderr_lines[@]}" 1
	has "$stderr" '2 of 4 nodes are not done; the first: node "differs": differs'
	[ -e bundles/fresh/$client ]

	exits 4 node-bundle --inventory nodes --json
	is "$(json .kind)" NodeBundleReport
	is "$(json '.items[] | .node + " " + .status')" "differs refused
foreign refused
fresh unchanged
unchanged unchanged"
	is "$(json .error.code)" 4
	has "$(json '.items[0].reason')" 'address "10.0.0.2" is not in the'
	is "$(json '.items[2].path')" bundles/fresh
	is "$(json '.items[2].serials | length')" 2
	[[ $(json '.items[2].notAfter') =~ ^20..-..-..T..:..:..Z$ ]]
	[[ $(json '.items[2].serials[0]') =~ ^[0-9a-f]{32,40}$ ]]
	is "$(json '.items[2].reason')" null
}

@test "of a refused and a failed node the failed one counts" {
	make_pki
	mkdir bundles foreign
	chmod 755 bundles
	exits 0 node-bundle differs --address 10.0.0.1
	cat >nodes <<-'END'
		differs 10.0.0.2
		fresh
	END
	chmod 500 bundles
	if ((EUID == 0)); then
		chown -R 65534:65534 pki bundles
	fi
	as_nobody node-bundle --inventory nodes
	is "$status" 1
	is "$(verdicts)" "refused differs
failed fresh"
	has "$stderr" "Permission denied"
}

@test "an output directory that cannot be is an error, and nothing is issued" {
	make_pki
	exits 1 node-bundle w1 --out missing/bundles
	has "$stderr" "No such file or directory"
	touch file
	exits 1 node-bundle w1 --out file
	has "$stderr" "Not a directory"
	exits 0 node-bundle w1 --out "$PWD/a b/"
	is "$(mode 'a b')" 700
	is "$(rows)" 3
}

@test "a CA key that is missing, sealed or another's issues nothing" {
	make_pki
	mv pki/ca.key key
	exits 1 node-bundle w1
	has "$stderr" "ca.key"
	is "$output" ""
	openssl pkcs8 -topk8 -in key -passout pass:secret -out pki/ca.key
	exits 3 node-bundle w1 --passphrase-fd 3 3<<<Secret
	has "$stderr" "passphrase: does not open the key"
	openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
		-out pki/ca.key
	exits 3 node-bundle w1
	has "$stderr" "not the key of the certificate"
	# A CA that this ledger does not know.
	make_pki --dir other
	cp other/ca.* pki
	exits 3 node-bundle w1
	has "$stderr" 'ca.crt": the ledger beside it does not know this CA'
	[ ! -e bundles ]
	cp key pki/ca.key
}

@test "an address that another node has is refused" {
	make_pki
	exits 0 node-bundle w1 --address 10.0.0.1 --address one.example
	exits 4 node-bundle w2 --address 10.0.0.1
	is "$(verdicts)" "refused w2"
	has "$stderr" 10.0.0.1
	has "$stderr" '"w1"'
	exits 4 node-bundle w2 --address one.example
	exits 4 node-bundle w2 --address w1
	exits 4 node-bundle one.example
	[ ! -e bundles/w2 ]
	is "$(rows)" 3
	# It has it no longer: the address is free.
	exits 0 node-bundle w1 --address 10.0.0.9 --reissue
	exits 0 node-bundle w2 --address 10.0.0.1
}

@test "two nodes may change addresses when both are issued anew" {
	make_pki
	printf '%s\n' 'w1 10.0.0.1' 'w2 10.0.0.2' >nodes
	exits 0 node-bundle --inventory nodes
	printf '%s\n' 'w1 10.0.0.2' 'w2 10.0.0.1' >nodes
	exits 4 node-bundle --inventory nodes
	exits 0 node-bundle --inventory nodes --reissue
	is "$(verdicts)" "issued w1
issued w2"
	exits 0 node-bundle --inventory nodes
}

@test "nodes may change addresses however far apart they are" {
	make_pki
	printf 'n%03d 10.1.1.%d\n' $(seq 253 | sed p) >nodes
	printf 'o%03d 10.1.2.%d\n' $(seq 253 | sed p) >>nodes
	exits 0 node-bundle --inventory nodes --quiet
	sed -i -e 's/^\(n001\) .*/\1 10.1.2.253/' \
		-e 's/^\(o253\) .*/\1 10.1.1.1/' \
		-e 's/^\(n002\) .*/\1 10.1.2.5/' \
		-e 's/^\(o005\) .*/\1 10.9.9.9/' nodes
	exits 4 node-bundle --inventory nodes
	is "$(verdicts | grep -c refused)" 4
	exits 0 node-bundle --inventory nodes --reissue
	is "$(verdicts | grep -v ^unchanged)" "issued o005
issued n001
issued n002
issued o253"
	is "$(verdicts | wc -l)" 506
	has "$(extension bundles/n001/$serving subjectAltName)" 10.1.2.253
	has "$(extension bundles/o253/$serving subjectAltName)" 10.1.1.1
	exits 0 node-bundle --inventory nodes --reissue
	is "$(verdicts | cut -d' ' -f1 | uniq)" unchanged
	# Whoever waits for a node that keeps its address waits in vain.
	sed -i 's/^\(o253\) .*/\1 10.1.1.7/; /^n007/d' nodes
	exits 4 node-bundle --inventory nodes --reissue
	is "$(verdicts | grep -v ^unchanged)" "refused o253"
	has "$stderr" 'address "10.1.1.7": node "n007" has it'
	is "$(ls -A bundles | grep -c ^.kpki)" 0
}

# -- many at once --

@test "many at once with names of their own all succeed" {
	local i

	make_pki
	for i in {1..12}; do
		kpki node-bundle "n$i" >"out$i" 2>&1 &
	done
	all_succeed
	is "$(cat out* | grep -c '^issued')" 12
	is "$(rows --live)" 25
	exits 0 list --json
	is "$(json '[.items[].serial] | unique | length')" 25
	is "$(find bundles -name kubelet.key | wc -l)" 12
	is "$(ls -A bundles | wc -l)" 12
}

@test "many at once with one name: one certificate, and nobody fails" {
	local i

	make_pki
	for i in {1..12}; do
		echo w1 10.0.0.1 | kpki node-bundle --inventory - >"out$i" 2>&1 &
	done
	all_succeed
	is "$(cat out* | grep -c '^issued')" 1
	is "$(cat out* | grep -c '^unchanged')" 11
	is "$(rows)" 3
}

@test "--jobs says how many work, and changes nothing else" {
	local jobs

	make_pki
	seq -f 'n-%.0f' 40 >nodes
	for jobs in 1 2 16; do
		exits 0 node-bundle --inventory nodes --jobs $jobs --reissue \
			--out "out$jobs"
		is "$(ls "out$jobs" | wc -l)" 40
	done
	is "$(rows --live)" 81
}

# -- what is said --

@test "a progress bar is for terminals only" {
	make_pki
	seq -f 'n-%.0f' 300 >nodes
	exits 0 node-bundle --inventory nodes --out a
	is "$stderr" ""
	run script -qec \
		'"$KPKI" node-bundle --inventory nodes --out b >report' /dev/null
	is "$status" 0
	has "$output" $'\r'
	has "$output" 300
	lacks "$(<report)" $'\r'
	run script -qec \
		'"$KPKI" node-bundle --inventory nodes --out c -q --reissue' \
		/dev/null
	is "$output" ""
}

@test "--json is one object, also when nothing came of it" {
	make_pki
	exits 0 node-bundle w1 --json
	is "$(json '[.apiVersion, .kind, .items[0].status] | join(" ")')" \
		"kpki/v1 NodeBundleReport issued"
	is "$(json .error)" null
	is "$stderr" ""
	exits 2 node-bundle --json
	is "$(json .error.code)" 2
	is "$(json '.items | length')" 0
	printf 'w1\nW2\n' >nodes
	exits 3 node-bundle --inventory nodes --json
	is "$(json '.error | [.code, .file, .line] | join(" ")')" "3 nodes 2"
	has "$(json .error.rule)" "has upper case"
	has "$(json .error.message)" 'node "W2"'
	exits 4 node-bundle kubernetes --json
	is "$(json .error.code)" 4
	exits 1 node-bundle w2 --json --out missing/x
	is "$(json .error.code)" 1
	exits 3 node-bundle w1 --json --dir nowhere
	is "$(json .error.code)" 3
	exits 2 node-bundle w1 --json --format tar --out -
	is "$(json .error.code)" 2
	run --separate-stderr sh -c '"$KPKI" node-bundle w1 --json >/dev/full'
	is "$status" 1
	has "$stderr" "standard output"
}

@test "no secret is printed, and none is in the ledger" {
	local scalar text

	make_pki
	exits 0 node-bundle w1 --json
	text=$(openssl pkey -in bundles/w1/$client -noout -text)
	scalar=$(sed -n '/^priv:/,/^pub:/p' <<<"$text" | grep '^ ' |
		tr -d ' :\n')
	is "${#scalar}" 64
	has "$(od -An -v -tx1 <(base64 -d < <(sed '/PRIVATE/,/PRIVATE/!d; /---/d' \
		bundles/w1/$client)) | tr -d ' \n')" "$scalar"
	lacks "$(od -An -v -tx1 pki/ledger.db | tr -d ' \n')" "$scalar"
	lacks "$output$stderr" "$(sed -n '/PRIVATE/ { n; n; p; q; }' \
		bundles/w1/$client)"
	run ! grep -q "PRIVATE KEY" pki/ledger.db pki/cluster.yaml
}

@test "modes do not ask the umask" {
	local mask

	make_pki
	exits 0 node-bundle w0
	for mask in 000 077 777; do
		(umask $mask && kpki init-ca --quiet --dir "p$mask" \
			--server "$server")
		(umask $mask && kpki node-bundle --quiet --dir "p$mask" w0 \
			--out "o$mask")
		is "$(tree "o$mask/w0")" "$(tree bundles/w0)"
		is "$(mode "o$mask") $(mode "p$mask") $(mode "p$mask/ca.key")" \
			"700 700 600"
		is "$(mode "p$mask/ca.crt")" 644
	done
}

@test "an interrupt that the process was started to ignore stays ignored" {
	make_pki
	for ((i = 0; i < 400; i++)); do echo "w$i"; done >nodes
	(trap "" INT && exec "$KPKI" node-bundle -q --no-serving \
		--inventory nodes 2>said) 3>&- &
	while kill -0 $! 2>/dev/null && ! ls -A bundles >/dev/null 2>&1; do
		sleep 0.01
	done
	ignored=$(awk '$1 == "SigIgn:" { print $2 }' "/proc/$!/status")
	kill -INT $!
	wait $! || complain "status" 0 "$?, $(<said)"
	(((0x$ignored & 2) == 2)) || complain "SIGINT is ignored" 2 "$ignored"
	is "$(ls bundles | wc -l)" 400
}

@test "no command's --out may be in the PKI directory" {
	make_pki
	ln -s pki/spool link
	mkdir pki/spool pki/own
	local before out command
	before=$(picture pki)
	for out in pki ./pki/ "$PWD/pki" pki/new pki/spool link pki/own/x/y \
		bundles/../pki/own; do
		[[ $out != bundles/* ]] || mkdir bundles
		for command in "node-bundle w1" token "token --node w1" \
			"bootstrap-kubeconfig --token-from none" \
			"bootstrap-kubeconfig --node w1" "kubeconfig alice" \
			ca-bundle \
			"sign --node w1 none"; do
			exits 4 $command --out "$out"
			is "$output" ""
			is "$stderr" "kpki ${command%% *}: --out \"$out\": is in the PKI directory \"pki\""
		done
	done
	# The default is no exception, nor is a file.
	cd pki
	exits 4 node-bundle w1 --dir .
	has "$stderr" '--out "bundles": is in the PKI directory "."'
	exits 4 token --node w1 --dir .
	exits 4 bootstrap-kubeconfig --node w1 --dir .
	exits 4 token --dir . --out ca.key
	exits 4 kubeconfig alice --dir .
	cd ..
	is "$(picture pki)" "$before"
	# Beside it, or above it, is.
	mkdir above && mv pki above && ln -s above/pki pki
	exits 0 node-bundle w1 --out above
	exits 0 node-bundle w2 --out pki-bundles
}

@test "a bundle that lacks a file is not there" {
	make_pki
	local pki=bundles/w1/var/lib/kubelet/pki file missing
	echo w1 >nodes
	kpki node-bundle -q --inventory nodes
	cp -a bundles whole
	for file in etc/kubernetes/kubelet.conf etc/kubernetes/pki/ca.crt \
		var/lib/kubelet/config.yaml var/lib/kubelet/pki/kubelet.crt \
		var/lib/kubelet/pki/kubelet.key; do
		rm -r bundles && cp -a whole bundles
		exits 0 node-bundle w1
		missing="bundle lacks \"$file\": --reissue makes another"
		rm "bundles/w1/$file"
		exits 4 node-bundle w1
		has "$stderr" "$missing"
		exits 4 node-bundle --inventory nodes --require-bundle
		has "$output" "$missing"
		exits 0 node-bundle --inventory nodes
	done
	# The first of several; a link is no file.
	ln -s kubelet.crt "$pki/kubelet.key"
	exits 4 node-bundle w1
	has "$stderr" 'lacks "var/lib/kubelet/pki/kubelet.key"'
	rm -r bundles/w1/etc
	exits 4 node-bundle w1
	has "$stderr" 'lacks "etc/kubernetes/kubelet.conf"'
	exits 0 node-bundle --inventory nodes --reissue
	has "$output" issued
	exits 0 node-bundle --inventory nodes --require-bundle --reissue
	has "$output" unchanged
	[ -s "$pki/kubelet.key" ]
}

@test "a bundle need only have what it was asked for" {
	make_pki
	local pki=bundles/w1/var/lib/kubelet/pki kind
	for kind in "--kubelet-config-base none" --no-serving --embed-certs \
		"--layout pem"; do
		rm -rf pki bundles
		make_pki
		kpki node-bundle -q w1 $kind
		exits 0 node-bundle w1 $kind
		has "$output" unchanged
		# As the kubelet does.
		mv "$(realpath "$pki/kubelet-client-current.pem")" \
			"$pki/kubelet-client-2031-01-01-00-00-00.pem"
		ln -sf kubelet-client-2031-01-01-00-00-00.pem \
			"$pki/kubelet-client-current.pem"
		exits 0 node-bundle w1 $kind
		has "$output" unchanged
	done
	rm bundles/w1/var/lib/kubelet/w1-key.pem
	exits 4 node-bundle w1 --layout pem
	has "$stderr" 'lacks "var/lib/kubelet/w1-key.pem"'
}
