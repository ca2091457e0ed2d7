#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki ca-bundle.

load helper
load pki

# Those that a control plane brings.
add_authorities()
{
	cat >>pki/cluster.yaml <<-'YAML'
		controlPlane:
		  hosts:
		  - name: cp-1
		    addresses: ["10.0.0.2"]
	YAML
	kpki control-plane --quiet
}

pin_of()
{
	openssl x509 -in "$1" -noout -pubkey |
		openssl pkey -pubin -outform DER | sha256sum | cut -d ' ' -f 1
}

fingerprint_of()
{
	openssl x509 -in "$1" -outform DER | sha256sum | cut -d ' ' -f 1
}

@test "it tells of each authority that is there" {
	make_pki
	exits 0 ca-bundle
	is "${#lines[@]}" 2
	has "${lines[1]}" "/etc/kubernetes/pki/ca.crt"
	has "${lines[1]}" "sha256:$(pin_of pki/ca.crt)"
	has "${lines[1]}" "kube-apiserver --client-ca-file"
	is "$(echo [!s]*)" pki
	add_authorities
	exits 0 ca-bundle --json
	is "$(json .kind)" CABundleReport
	is "$(json '[.items[].profile] | join(" ")')" \
		"ca front-proxy-ca etcd-ca"
	is "$(json '[.items[].place] | join(" ")')" \
		"/etc/kubernetes/pki/ca.crt /etc/kubernetes/pki/front-proxy-ca.crt /etc/kubernetes/pki/etcd/ca.crt"
	is "$(json '.items[2].pin')" "sha256:$(pin_of pki/etcd/ca.crt)"
	is "$(json '.items[1].fingerprint')" \
		"$(fingerprint_of pki/front-proxy-ca.crt)"
	has "$(json '.items[2].readBy[0]')" --etcd-cafile
	is "$(json '.items[0].status')" null
	exits 0 ca-bundle --json --layout pem
	is "$(json '[.items[].place] | join(" ")')" \
		"/var/lib/kubernetes/ca.pem /var/lib/kubernetes/front-proxy-ca.pem /var/lib/kubernetes/etcd/ca.pem"
}

@test "files have certificates, pins and fingerprints" {
	make_pki
	exits 0 ca-bundle --out trust --json
	is "$(json '.items[0].status')" issued
	is "$(json '.items[0].path')" trust/ca.crt
	is "$(cd trust && find . -type f | sort | tr '\n' ' ')" \
		"./ca.crt ./ca.fingerprint ./ca.pin "
	add_authorities
	# what came since is added, what was there stays
	local before name
	before=$(picture trust/ca.crt trust/ca.pin trust/ca.fingerprint)
	exits 0 ca-bundle --out trust --json
	is "$(json '[.items[].status] | join(" ")')" "unchanged issued issued"
	is "$(picture trust/ca.crt trust/ca.pin trust/ca.fingerprint)" "$before"
	is "$(mode trust)" 700
	is "$(mode trust/etcd)" 755
	for name in ca front-proxy-ca etcd/ca; do
		is "$(mode trust/$name.crt)" 644
		cmp trust/$name.crt \
			control-plane/cp-1/etc/kubernetes/pki/$name.crt
		cmp trust/$name.crt pki/$name.crt
		is "$(<trust/$name.pin)" "sha256:$(pin_of pki/$name.crt)"
		is "$(<trust/$name.fingerprint)" \
			"$(fingerprint_of pki/$name.crt)"
	done
	before=$(picture trust)
	exits 0 ca-bundle --out trust
	is "$(picture trust)" "$before"
	exits 0 ca-bundle --out pem --layout pem
	is "$(cd pem && find . -name '*.pem' | sort | tr '\n' ' ')" \
		"./ca.pem ./etcd/ca.pem ./front-proxy-ca.pem "
	run ! grep -r PRIVATE trust pem
}

@test "nothing is overwritten, and no key is needed" {
	make_pki
	rm pki/ca.key
	exits 0 ca-bundle --out trust
	make_pki --dir other
	exits 4 ca-bundle --dir other --out trust
	has "$stderr" "is there and says something else"
	cmp trust/ca.crt pki/ca.crt
	exits 2 ca-bundle --out -
	exits 2 ca-bundle --layout other
	exits 4 ca-bundle --out pki/trust
	exits 3 ca-bundle --dir nowhere
	echo text >pki/front-proxy-ca.crt
	exits 3 ca-bundle
	has "$stderr" front-proxy-ca.crt
	# an end entity's certificate is none of an authority
	make_pki --dir leaf
	kpki node-bundle -q --dir leaf w1
	cp bundles/w1/var/lib/kubelet/pki/kubelet.crt pki/front-proxy-ca.crt
	exits 3 ca-bundle --out other-trust
	has "$stderr" front-proxy-ca.crt
}

@test "--quiet says nothing when files are the point" {
	make_pki
	exits 0 ca-bundle --out trust --quiet
	is "$output$stderr" ""
	exits 0 ca-bundle --quiet
	has "$output" sha256:
}
