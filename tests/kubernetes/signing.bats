#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A controller manager without a CA key: requests go out, kpki signs them, and
# the answers come back.

load cluster

requests=/apis/certificates.k8s.io/v1/certificatesigningrequests

setup_file()
{
	new_cluster bootstrap && [[ ! -e control/ca.key ]] &&
		printf '%s\n' 'worker-1 10.0.0.11' 'worker-2 10.0.0.12' \
			>nodes.txt &&
		{ cat "$data/kubelet.yaml"; echo 'serverTLSBootstrap: true'; } \
			>kubelet.yaml &&
		start_api_server && start_controller_manager &&
		kpki rbac --no-auto-approve --no-renewal --control-plane \
			--out rbac.yaml &&
		kubectl apply -f rbac.yaml &&
		kpki token --inventory nodes.txt &&
		kubectl apply -f tokens/bootstrap_tokens.yaml &&
		kpki bootstrap-kubeconfig --inventory nodes.txt
}

teardown_file()
{
	end_cluster
}

# A node that has a bootstrap-kubeconfig and no certificate: NAME KUBECONFIG
prepare_node()
{
	local root=nodes/$1

	kpki node-bundle "$1" --out spare --no-serving --reissue \
		--kubelet-config-base kubelet.yaml &&
		install_bundle "$1" "spare/$1" &&
		rm "$root"/etc/kubernetes/kubelet.conf \
			"$root"/var/lib/kubelet/pki/kubelet-client-* &&
		cp "$2" "$root/etc/kubernetes/bootstrap-kubelet.conf"
}

has_request()
{
	kubectl get csr -o json |
		jq -e --arg signer "kubernetes.io/$1" --arg user "$2" '.items[] |
			select(.spec.signerName == $signer and
				(.spec.username | startswith($user)) and
				(.status.conditions // [] | length == 0))'
}

# Takes out all requests, as they are, and brings back the answers as
# kpki-sign(1) says: SIGN-OPTION...
sign_offline()
{
	local step file name

	rm -rf answers
	kubectl get csr -o yaml >csr.yaml || return
	kpki sign csr.yaml --inventory nodes.txt --out answers "$@" ||
		[[ $? == 4 ]] || return
	for step in approval status; do
		for file in answers/*."$step.json"; do
			[[ -e $file ]] || continue
			name=${file##*/}
			kubectl replace --raw \
				"$requests/${name%."$step.json"}/$step" \
				-f "$file" >>"$log/replace.log" 2>&1 || return
		done
	done
}

@test "a kubelet gets its certificates from a signer that is not in the cluster" {
	prepare_node worker-1 kubeconfigs/worker-1.kubeconfig
	start_kubelet worker-1
	await 60 has_request kube-apiserver-client-kubelet system:bootstrap:
	# the bundle that the test took apart left a live certificate
	sign_offline --reissue
	await 60 is_ready worker-1
	openssl verify -CAfile pki/ca.crt -purpose sslclient \
		"$(certificate worker-1)"
	has "$(kubectl get csr -o yaml)" 'reason: KpkiPolicy'

	fails_with 'remote error: tls: internal error' healthz_of worker-1
	await 60 has_request kubelet-serving system:node:worker-1
	sign_offline
	await 60 healthz_of worker-1
	is "$(healthz_of worker-1)" ok
	openssl verify -CAfile pki/ca.crt -purpose sslserver \
		"nodes/worker-1/var/lib/kubelet/pki/$(basename "$(readlink \
			nodes/worker-1/var/lib/kubelet/pki/kubelet-server-current.pem)")"
	# signing all of it again changes nothing
	kpki sign csr.yaml --inventory nodes.txt --out answers
}

@test "a token of one node gets no certificate for another" {
	prepare_node worker-2 kubeconfigs/worker-1.kubeconfig
	start_kubelet worker-2
	await 60 has_request kube-apiserver-client-kubelet system:bootstrap:
	sign_offline --deny --reissue
	has "$(kubectl get csr -o json | jq -r '.items[].status.conditions[]? |
		select(.type == "Denied") | .message')" \
		'the token of node "worker-1" asks for "worker-2"'
	await 60 grep -qi 'denied' "$log/worker-2.log"
}

# An object for a request: NAME FILE SIGNER USAGE
ask_cluster()
{
	kubectl create -f - <<-END
		apiVersion: certificates.k8s.io/v1
		kind: CertificateSigningRequest
		metadata:
		  name: $1
		spec:
		  request: $(base64 -w 0 "$2")
		  signerName: kubernetes.io/$3
		  usages: [digital signature, key encipherment, $4]
	END
}

has_certificate()
{
	[[ $(kubectl get csr "$1" -o jsonpath='{.status.certificate}') ]]
}

@test "a controller manager that has the CA key signs what kpki node-csr asks for" {
	local profile

	stop kube-controller-manager
	start_controller_manager --cluster-signing-cert-file=pki/ca.crt \
		--cluster-signing-key-file=pki/ca.key
	kpki node-csr worker-3 --address 10.0.0.13
	ask_cluster client worker-3/kubelet-client.csr \
		kube-apiserver-client-kubelet 'client auth'
	ask_cluster serving worker-3/kubelet-serving.csr kubelet-serving \
		'server auth'
	kubectl certificate approve client serving
	for profile in client serving; do
		await 60 has_certificate $profile
		kubectl get csr $profile -o jsonpath='{.status.certificate}' |
			base64 -d >$profile.crt
		is "$(openssl x509 -in $profile.crt -noout -pubkey)" \
			"$(openssl pkey -in worker-3/kubelet-$profile.key -pubout)"
	done
	openssl verify -CAfile pki/ca.crt -purpose sslclient client.crt
	openssl verify -CAfile pki/ca.crt -purpose sslserver \
		-verify_ip 10.0.0.13 -verify_hostname worker-3 serving.crt
}
