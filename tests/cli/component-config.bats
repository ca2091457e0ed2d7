#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki component-config: what components must be told.

load helper
load pki

# What kubectl reads in the last output: `yaml FILTER` of the documents.
yaml()
{
	kubectl label --local -f - x- -o json <<<"$output" |
		jq -rs "map(.items // [.]) | add | $1"
}

@test "component-config writes a flag a line" {
	make_pki
	exits 0 component-config kubelet
	is "$stderr" ""
	is "$output" "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf
--kubeconfig=/etc/kubernetes/kubelet.conf
--cert-dir=/var/lib/kubelet/pki
--config=/var/lib/kubelet/config.yaml"
	exits 0 component-config all
	is "$(grep '^#' <<<"$output" | xargs)" \
		"# kube-apiserver # kube-controller-manager # kubelet"
	run ! grep -qvE '^(--[a-z-]+=[^ "]*|# [a-z-]+|)$' <<<"$output"
}

@test "component-config does not write over another file" {
	make_pki
	exits 0 component-config kubelet --out kubelet.flags
	is "${lines[1]}" "issued     kubelet.flags"
	exits 0 component-config kubelet --out kubelet.flags
	is "${lines[1]}" "unchanged  kubelet.flags"
	exits 4 component-config kubelet --path manual --out kubelet.flags
	is "$output" ""
	has "$stderr" '"kubelet.flags": is there and says something else'
	has "$(<kubelet.flags)" "--bootstrap-kubeconfig="
}

@test "the signer is what the cluster file says" {
	make_pki
	exits 0 component-config kube-controller-manager
	is "$output" "--cluster-signing-cert-file=
--cluster-signing-key-file=
--controllers=*,bootstrapsigner,tokencleaner"
	exits 0 component-config kubelet --format file
	is "$(yaml '.[0].rotateCertificates')" false

	make_pki --dir signs --signing in-cluster --validity 90d
	exits 0 component-config kube-controller-manager --dir signs \
		--path manual
	is "$output" "--cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt
--cluster-signing-key-file=/etc/kubernetes/pki/ca.key
--cluster-signing-duration=2160h0m0s"
	exits 0 component-config kubelet --format file --dir signs
	is "$(yaml '.[0].rotateCertificates')" true
}

@test "the kubelet's file is the one in a bundle" {
	make_pki
	kpki node-bundle -q w1
	exits 0 component-config kubelet --format file --out config.yaml
	cmp config.yaml bundles/w1/var/lib/kubelet/config.yaml
	exits 0 component-config kubelet --format file --layout pem
	has "$stderr" "the serving pair is named after its node"
	is "$(yaml '.[0] | has("tlsCertFile")')" false
}

@test "paths are those of the layout, and --pki-path's" {
	make_pki --layout pem
	exits 0 component-config all
	has "$output" "--client-ca-file=/var/lib/kubernetes/ca.pem"
	has "$output" "--kubeconfig=/var/lib/kubelet/kubeconfig"
	exits 0 component-config all --layout kubeadm --pki-path /srv/k8s/pki
	has "$output" "--client-ca-file=/srv/k8s/pki/ca.crt"
	has "$output" "--kubeconfig=/etc/kubernetes/kubelet.conf"
	exits 0 component-config kubelet --format file --pki-path /srv/pki
	has "$output" 'clientCAFile: "/srv/pki/ca.pem"'
}

@test "the manual path knows nothing of tokens" {
	make_pki
	exits 0 component-config all --path manual
	lacks "$output" bootstrap
	lacks "$output" token
	exits 0 component-config all --path bootstrap
	has "$output" "--enable-bootstrap-token-auth=true"
}

@test "a version gets what it takes" {
	make_pki --kubernetes-version 1.23
	exits 0 component-config kube-apiserver
	has "$output" "--insecure-port=0"
	exits 0 component-config kube-apiserver --kubernetes-version 1.24
	lacks "$output" insecure
	exits 0 component-config all --format kubeadm
	is "$(yaml '.[0].apiVersion')" kubeadm.k8s.io/v1beta3
	is "$(yaml '.[0] | has("kubernetesVersion")')" false
}

@test "kubeadm is told the flags and what the cluster file knows" {
	local version

	make_pki --cluster demo --dns-domain demo.local \
		--service-cidr 10.0.0.0/16
	for version in 1.20.2 1.30.0 1.31.1; do
		exits 0 component-config all --format kubeadm \
			--kubernetes-version $version
		is "$stderr" ""
		is "$(yaml '.[0] | [.kind, .clusterName, .kubernetesVersion,
			.certificatesDir, .controlPlaneEndpoint,
			.networking.dnsDomain, .networking.serviceSubnet] |
			join(" ")')" "ClusterConfiguration demo v$version\
 /etc/kubernetes/pki api.example.internal:6443 demo.local 10.0.0.0/16"
		is "$(yaml '.[0].apiServer.extraArgs |
			if type == "array" then from_entries else . end |
			."authorization-mode"')" Node,RBAC
		is "$(yaml '.[1].kind')" KubeletConfiguration
	done
	is "$(yaml '.[0].apiServer.extraArgs | type')" array
	exits 0 component-config all --format kubeadm --out kubeadm.yaml
	is "${lines[1]}" "issued     kubeadm.yaml"
}

@test "all is a file a component in a directory" {
	make_pki
	exits 0 component-config all --out flags --json
	is "$(json '.kind')" ComponentConfigReport
	is "$(json '.items[] | .status + " " + .path')" \
		"issued flags/kube-apiserver.flags
issued flags/kube-controller-manager.flags
issued flags/kubelet.flags"
	is "$(mode flags) $(mode flags/kubelet.flags)" "700 644"
	is "$(<flags/kubelet.flags)" "$(kpki component-config kubelet)"

	exits 0 component-config all --out units --format systemd
	is "$(cd units && find . -type f -printf '%P\n' | sort)" \
		"kube-apiserver.service.d/10-kpki.conf
kube-controller-manager.service.d/10-kpki.conf
kubelet.service.d/10-kpki.conf"
	is "$(mode units/kubelet.service.d)" 755
	is "$(<units/kubelet.service.d/10-kpki.conf)" \
		"$(kpki component-config kubelet --format systemd)"
	exits 0 component-config all --out units --format systemd --json
	is "$(json '.items[].status' | sort -u)" unchanged
}

@test "a drop-in has the flags, one a line, in one variable" {
	local component flags unit

	make_pki
	for component in kube-apiserver kube-controller-manager kubelet; do
		flags=$(kpki component-config $component)
		unit=$(kpki component-config $component --format systemd)
		is "$(sed -n '/^Environment=/,$p' <<<"$unit" |
			sed 's/^Environment="KPKI_ARGS=//; s/^    //
				s/ \\$//; s/"$//')" "$flags"
		has "$unit" "# /etc/systemd/system/$component.service.d/"
	done
}

@test "only the cluster file is looked at" {
	make_pki
	rm pki/ca.key pki/ledger.db
	exits 0 component-config all
}

@test "component-config reports in JSON when standard output is free" {
	make_pki
	exits 2 component-config kubelet --json
	is "$(json .error.code)" 2
	has "$stderr" "--json needs --out FILE"
	exits 0 component-config kubelet --out kubelet.flags --quiet
	is "$output$stderr" ""
}

@test "component-config tells an approver what the inventory says" {
	kpki init-ca -q
	printf '%s\n' 'w1 10.0.0.1 w1.example' 'w2 2001:db8::2' >nodes
	exits 0 component-config kubelet-csr-approver --inventory nodes
	is "$(kubectl label --local -f - x- -o json <<<"$output" |
		jq -s -c '.[] | [.kind, .metadata.namespace, .metadata.name, .data]')" \
		'["ConfigMap","kube-system","kubelet-csr-approver",{"ALLOWED_DNS_NAMES":"2","MAX_EXPIRATION_SEC":"31536000","PROVIDER_IP_PREFIXES":"10.0.0.1/32,2001:db8::2/128","PROVIDER_REGEX":"^(w1|w1\\.example|w2)$"}]
["ConfigMap","kube-system","kpki-node-addresses",{"w1":"w1,10.0.0.1,w1.example","w2":"w2,2001:db8::2"}]'
	exits 0 component-config kubelet-csr-approver --inventory nodes \
		--out approver.yaml --json
	is "$(json '.items[0].status')" issued
	exits 0 component-config kubelet-csr-approver --inventory nodes \
		--out approver.yaml --json
	is "$(json '.items[0].status')" unchanged
}

@test "component-config refuses an approver what it cannot be told" {
	kpki init-ca -q
	echo w1 >nodes
	exits 3 component-config kubelet-csr-approver --inventory nodes
	has "$stderr" "no node has an IP address"
	for i in {1..3000}; do
		echo "worker-$i.with-a-long-name.in-a-long-domain.example"
	done >many
	echo 'w1 10.0.0.1' >>many
	exits 3 component-config kubelet-csr-approver --inventory many
	has "$stderr" "longer than an environment variable can be"
	echo 'w1 10.96.0.1' >service
	exits 4 component-config kubelet-csr-approver --inventory service
	exits 2 component-config kubelet-csr-approver
	exits 2 component-config kubelet-csr-approver --inventory nodes \
		--format flags
	exits 2 component-config kubelet --inventory nodes
}
