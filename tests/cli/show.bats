#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki show: what is in a file, in Kubernetes' words.

load helper
load pki

# A certificate from openssl: NAME SUBJECT [EXTENSION LINE...]
certify()
{
	local name=$1 subject=$2

	shift 2
	printf '%s\n' '[req]' 'distinguished_name = n' '[n]' '[v]' "$@" \
		>config
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$name.key" -out "$name.crt" -days 30 -subj "$subject" \
		-config config -extensions v -set_serial 7 2>/dev/null
}

# The text of a member of the first item: MEMBER
member()
{
	jq -r ".items[0].$1 | if type == \"array\" then join(\"; \") else . end" \
		<<<"$output"
}

@test "an authority may sign, and is known by its pin" {
	make_pki
	exits 0 show pki/ca.crt
	has "$output" "an authority: may sign certificates and revocation lists"
	has "$output" "PROFILE      ca"
	has "$output" "PIN          $(kpki cluster-info)"
	has "$output" "FINGERPRINT  $(openssl x509 -in pki/ca.crt -outform DER |
		sha256sum | cut -d ' ' -f 1)"
	is "$stderr" ""
}

@test "a node's certificates say who it is and for what it answers" {
	make_pki
	kpki node-bundle w1 --address 10.0.0.11 --quiet
	exits 0 show bundles/w1/var/lib/kubelet/pki/kubelet-client-current.pem
	has "$output" "authenticates as user system:node:w1 in group system:nodes"
	has "$output" "accepted by kube-apiserver until 20"
	has "$output" "the kubelet of node w1"
	has "$output" "PROFILE      kubelet-client"
	exits 0 show bundles/w1/var/lib/kubelet/pki/kubelet.crt
	has "$output" "as a server it answers for w1 and 10.0.0.11 until 20"
	lacks "$output" "authenticates"
	exits 0 show --at 2y bundles/w1/var/lib/kubelet/pki/kubelet.crt
	has "$output" "no longer: it expired 20"
	exits 0 show --at 2020-01-01T00:00:00Z \
		bundles/w1/var/lib/kubelet/pki/kubelet-client-current.pem
	has "$output" "accepted by kube-apiserver from 20"
}

@test "what others made is held to the nearest profile" {
	certify admin /O=system:masters/CN=kubernetes-admin \
		basicConstraints=CA:FALSE extendedKeyUsage=clientAuth
	exits 0 show --json admin.crt
	is "$(json .kind)" Description
	is "$(member nearestProfile)" admin
	is "$(member differs)" "keyUsage is missing"
	has "$(member meaning)" "may do everything: system:masters"
	certify node /CN=system:node:w1 basicConstraints=CA:FALSE \
		extendedKeyUsage=clientAuth keyUsage=digitalSignature
	exits 0 show --json node.crt
	is "$(member nearestProfile)" kubelet-client
	is "$(member differs)" 'it is not in group "system:nodes"'
	has "$(member meaning)" "does not take it for a kubelet"
	certify web /CN=web basicConstraints=CA:FALSE \
		extendedKeyUsage=serverAuth
	exits 0 show --json web.crt
	has "$(member meaning)" "answers for no name"
	certify mail /CN=mail basicConstraints=CA:FALSE \
		extendedKeyUsage=emailProtection
	exits 0 show --json mail.crt
	is "$(member meaning)" "neither for clients nor for servers: its extKeyUsage has other purposes only"
	certify nobody /O=x basicConstraints=CA:FALSE \
		extendedKeyUsage=clientAuth
	exits 0 show --json nobody.crt
	has "$(member meaning)" "takes it for system:anonymous"
}

@test "a request is shown as the wish it is" {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout key.pem -out w1.csr -subj /O=system:nodes/CN=system:node:w1 \
		-addext subjectAltName=DNS:w1,IP:10.0.0.1 2>/dev/null
	exits 0 show w1.csr
	has "$output" "KIND         request"
	has "$output" "asks to be user system:node:w1 in group system:nodes"
	has "$output" "asks to answer for w1 and 10.0.0.1"
	lacks "$output" "accepted by"
}

@test "of a key the public half is shown, and not one bit more" {
	local bytes

	make_pki
	exits 0 show pki/ca.key
	has "$output" "KIND         private key"
	has "$output" "PIN          $(kpki cluster-info)"
	for bytes in $(grep -v - pki/ca.key); do
		lacks "$output" "$bytes"
	done
	openssl pkey -in pki/ca.key -pubout -out ca.pub
	exits 0 show ca.pub
	has "$output" "KIND         public key"
	has "$output" "PIN          $(kpki cluster-info)"
	openssl pkey -in pki/ca.key -aes128 -passout pass:x -out sealed.key
	exits 0 show sealed.key
	has "$output" "PROBLEM      "
	has "$output" "encrypted"
}

@test "a kubeconfig says where it leads, and as whom" {
	make_pki
	kpki node-bundle w1 --address 10.0.0.11 --embed-certs --quiet
	exits 0 show bundles/w1/etc/kubernetes/kubelet.conf
	has "$output" "goes to $server"
	has "$output" "trusts the authority that is embedded"
	has "$output" "shows the client certificate that is embedded"
	has "$output" 'EMBEDDED IN  user "default-auth"'
	has "$output" "authenticates as user system:node:w1"
	for bytes in $(sed -n 's/.*client-key-data: //p' \
		bundles/w1/etc/kubernetes/kubelet.conf); do
		lacks "$output" "$bytes"
	done
	kpki token --format plain >token 2>/dev/null
	kpki bootstrap-kubeconfig --token-from token >bootstrap.conf 2>/dev/null
	exits 0 show bootstrap.conf
	has "$output" "has bootstrap token $(cut -d . -f 1 token)"
	lacks "$output" "$(cut -d . -f 2 token)"
	exits 0 show - <bootstrap.conf
	has "$output" "FILE         <stdin>"
}

@test "a kubeconfig of others is explained as well" {
	cat >config <<-END
		clusters:
		- name: c
		  cluster: {server: "http://10.0.0.1:8080"}
		contexts:
		- name: x
		  context: {cluster: c, user: u}
		- name: w
		  context: {cluster: c, user: u}
		users:
		- name: u
		  user:
		    exec: {command: "evil\e[31m"}
		    password: hunter2
		    username: me
		current-context: x
	END
	exits 0 show config
	has "$output" "uses no TLS"
	has "$output" 'asks the program evil\x1b[31m for its credential'
	has "$output" "has a password for user me"
	has "$output" "has 1 more context"
	lacks "$output" "hunter2"
	is_printable "$output"
	sed -i 's/^current-context: x/current-context: z/' config
	exits 0 show config
	has "$output" "no context is called like current-context"
}

@test "a token says whom it lets in, and never itself" {
	make_pki
	kpki token --group system:bootstrappers:w --ttl 1h >token.yaml \
		2>/dev/null
	exits 0 show token.yaml
	has "$output" "lets in whoever has it, as user system:bootstrap:"
	has "$output" "             system:bootstrappers:w"
	has "$output" "signs cluster-info"
	lacks "$output" "$(sed -n 's/.*token-secret: "\(.*\)"/\1/p' token.yaml)"
	exits 0 show --at 2h token.yaml
	has "$output" "lets nobody in by it: it has expired"
	kpki token --format plain >plain 2>/dev/null
	exits 0 show plain
	has "$output" "ID           $(cut -d . -f 1 plain)"
	lacks "$output" "$(cut -d . -f 2 plain)"
	kpki token --format csv --no-expiry --yes >tokens.csv 2>/dev/null
	exits 0 show tokens.csv
	has "$output" "as user kubelet-bootstrap"
	lacks "$output" "$(cut -d , -f 1 tokens.csv)"
}

@test "a binding says what it gives to whom" {
	make_pki
	kpki rbac >rbac.yaml
	exits 0 show rbac.yaml
	has "$output" "KIND         ClusterRoleBinding"
	has "$output" "gives ClusterRole system:node-bootstrapper to Group system:bootstrappers"
}

@test "a bundle is shown whole, as a directory or a tar" {
	make_pki
	kpki node-bundle w1 --address 10.0.0.11 --quiet
	exits 0 show --json bundles/w1
	is "$(jq -r '.items[].kind' <<<"$output" | sort | uniq -c | xargs)" \
		"4 certificate 1 kubeconfig 2 private key"
	tar -C bundles -cf w1.tar w1
	exits 0 show w1.tar
	has "$output" "system:node:w1"
}

@test "what is not known or broken has exit status 3" {
	echo hello >text
	exits 3 show text
	has "$stderr" '"text": holds no certificate'
	exits 3 show nothing
	has "$stderr" '"nothing": cannot open'
	make_pki
	sed 's/M/N/' pki/ca.crt >broken.crt
	exits 3 show --json broken.crt pki/ca.crt
	is "$(json '.items | length')" 2
	is "$(json .error.file)" broken.crt
	printf 'kind: Config\nclusters: [x]\n' >config
	exits 3 show config
	has "$stderr" 'config:2: kubeconfig: cluster "x": must be a map'
	exits 2 show
	exits 2 show --dir pki pki/ca.crt
}

@test "nothing of a file drives a terminal" {
	certify evil $'/O=\x1b[31m/CN=\x1b]0;x\x07' basicConstraints=CA:FALSE
	exits 0 show evil.crt
	is_printable "$output"
	has "$output" '\x1b[31m'
}
