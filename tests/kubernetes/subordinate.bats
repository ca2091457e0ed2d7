#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# An authority that a root of kpki signed, for names and networks of its own:
# hosts trust it alone, and nothing else that the root signed; and who trusts the
# root can check what it signs.

load cluster

setup_file()
{
	export path=manual
	new_world && make_sites && make_control_plane && start_api_server &&
		start_controller_manager &&
		kpki rbac --control-plane | kubectl apply -f -
}

teardown_file()
{
	end_cluster
}

make_key()
{
	openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
		-out "$1.key"
}

# A root, the authority of this site, which kpki makes, and that of another.
make_sites()
{
	kpki init-ca -q --dir root --common-name root &&
		kpki init-ca --issued-by root --cluster here \
			--server https://api.demo.example:6443 \
			--signing in-cluster --permit-dns demo.example \
			--permit-dns kubernetes --permit-dns kubernetes.default \
			--permit-dns kubernetes.default.svc \
			--permit-dns cluster.local --permit-dns control \
			--permit-dns worker-1 --permit-dns localhost \
			--permit-ip 10.0.0.0/8 --permit-ip 127.0.0.0/8 &&
		cp root/ca.crt root.crt && cp pki/ca.crt here.crt &&
		cp pki/ca.key here.key && make_key there &&
		openssl req -new -key there.key -subj /CN=there -out there.csr &&
		kpki sign -q --dir root --profile subordinate-ca there.csr \
			>there.crt
}

# An administrator whom an authority signed, and what it sends: CA
make_admin()
{
	make_key admin && openssl req -new -key admin.key \
		-subj /O=system:masters/CN=somebody |
		openssl x509 -req -CA "$1.crt" -CAkey "$1.key" -days 10 \
			-extfile <(echo extendedKeyUsage=clientAuth) \
			-out admin.crt && cat admin.crt "$1.crt" >admin.pem
}

as_admin()
{
	timeout 30 "$bin/kubectl" --kubeconfig /dev/null \
		--server https://api.demo.example:6443 \
		--certificate-authority "${anchor:-pki/ca.crt}" \
		--client-certificate admin.pem --client-key admin.key "$@"
}

@test "a node with kpki's bundle becomes Ready" {
	kpki node-bundle worker-1 --address 10.0.0.11 \
		--kubelet-config-base "$data/kubelet.yaml"
	install_bundle worker-1
	start_kubelet worker-1
	await 90 is_ready worker-1
}

@test "the controller manager signs with it, and hands it out" {
	await 60 kubectl get configmap kube-root-ca.crt
	diff <(kubectl get configmap kube-root-ca.crt \
		-o jsonpath='{.data.ca\.crt}') pki/ca.crt
	make_key user
	openssl req -new -key user.key -subj /CN=user -out user.csr
	kubectl apply -f - <<-END
		apiVersion: certificates.k8s.io/v1
		kind: CertificateSigningRequest
		metadata: {name: user}
		spec:
		  request: $(base64 -w 0 <user.csr)
		  signerName: kubernetes.io/kube-apiserver-client
		  usages: [client auth]
	END
	kubectl certificate approve user
	user_is_signed()
	{
		kubectl get csr user -o jsonpath='{.status.certificate}' |
			base64 -d >user.crt && [[ -s user.crt ]]
	}
	await 30 user_is_signed
	openssl verify -CAfile root.crt -untrusted pki/ca.crt user.crt
}

@test "an administrator of this site is one, and of another site nobody" {
	make_admin here
	as_admin get nodes
	make_admin there
	openssl verify -CAfile root.crt -untrusted there.crt admin.crt
	fails_with Unauthorized as_admin get nodes
}

@test "who trusts the root only can check the API server and kubelets, by the chain that they send" {
	local serving=nodes/worker-1/var/lib/kubelet/pki/kubelet.crt

	make_admin here
	anchor=root.crt as_admin get nodes
	is "$(grep -c BEGIN "$serving")" 2
	openssl verify -x509_strict -CAfile root.crt -untrusted "$serving" \
		"$serving"
	openssl verify -partial_chain -trusted pki/ca.crt "$serving"
	! openssl verify -CAfile pki/ca.crt "$serving"
}

@test "Go does not take a name that the root did not permit, and kpki does not sign it" {
	fails_with 'is not permitted by any constraint' \
		kpki node-bundle w2.other.example --address 10.0.0.12
	fails_with 'IP address "192.0.2.1" is not permitted' \
		kpki node-bundle worker-1 --address 192.0.2.1 --reissue
	make_key bad
	openssl req -new -key bad.key -subj /CN=bad |
		openssl x509 -req -CA here.crt -CAkey here.key -days 5 \
			-extfile <(echo subjectAltName=DNS:api.demo.example,DNS:other.org) \
			-out bad.crt
	cat bad.crt here.crt >bad.pem
	start bad-server openssl s_server -accept 10.0.0.2:7443 -cert bad.crt \
		-cert_chain here.crt -key bad.key -quiet
	not_permitted()
	{
		"$bin/kubectl" --kubeconfig /dev/null \
			--server https://api.demo.example:7443 \
			--certificate-authority root.crt --username x \
			--password y --request-timeout 5s get nodes 2>&1 |
			tee go.log | grep -q 'is not authorized to sign for this name'
	}
	await 20 not_permitted
	stop bad-server
	has "$(<go.log)" 'DNS name "other.org" is not permitted by any constraint'
}

# kubeadm on the files of a control plane: TREE ARGUMENT...
kubeadm_on_tree()
{
	rm -rf nodes/kubeadm
	install_bundle kubeadm "$1" || return
	cat >nodes/kubeadm/kubeadm.yaml <<-'END'
		apiVersion: kubeadm.k8s.io/v1beta2
		kind: InitConfiguration
		localAPIEndpoint: {advertiseAddress: 10.0.0.2, bindPort: 6443}
		nodeRegistration: {name: control, criSocket: /run/fake.sock}
		---
		apiVersion: kubeadm.k8s.io/v1beta2
		kind: ClusterConfiguration
		kubernetesVersion: v1.20.2
		controlPlaneEndpoint: api.demo.example:6443
	END
	(on_node kubeadm /kubernetes/kubeadm "${@:2}" --config /kubeadm.yaml)
}

@test "kubeadm 1.20 wants one certificate in a file, and gets one where cluster.yaml says 1.20" {
	local new=new/control

	fails_with 'wanted exactly one certificate, got 2' \
		kubeadm_on_tree control-plane/control certs check-expiration
	sed -i '/kubernetesVersion/d' pki/cluster.yaml
	echo 'kubernetesVersion: "1.20"' >>pki/cluster.yaml
	kpki control-plane -q --reissue --with-super-admin --out new
	is "$(grep -c BEGIN $new/etc/kubernetes/pki/apiserver.crt)" 1
	kubeadm_on_tree $new certs check-expiration
	kubeadm_on_tree $new init phase certs all >certs.log
	has "$(<certs.log)" 'Using existing apiserver certificate'
	run ! grep -i generating certs.log
}

@test "the controller manager signs with exactly one certificate" {
	cat pki/ca.crt root.crt >two.crt
	stop kube-controller-manager
	fails_with 'expected 1 certificate, found 2' timeout 60 \
		"$bin/kube-controller-manager" --leader-elect=false \
		--kubeconfig=control/controller-manager.conf \
		--cluster-signing-cert-file=two.crt \
		--cluster-signing-key-file=pki/ca.key
}
