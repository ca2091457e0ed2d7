#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# An authority that another one signed: hosts trust it alone, and nothing else
# that the root signed.

load cluster

setup_file()
{
	export path=manual
	new_world && make_sites &&
		kpki init-ca --server https://api.demo.example:6443 \
			--signing in-cluster \
			--import-cert here.crt --import-key here.key &&
		make_control_plane && start_api_server &&
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

# A root, and the authorities of two sites that it signed, pathlen 0.
make_sites()
{
	local site usage=critical,keyCertSign,cRLSign

	make_key root &&
		openssl req -x509 -new -key root.key -days 30 -subj /CN=root \
			-addext keyUsage=$usage -out root.crt || return
	for site in here there; do
		make_key $site && openssl req -new -key $site.key \
			-subj "/CN=kubernetes of $site" |
			openssl x509 -req -CA root.crt -CAkey root.key \
				-days 20 -out $site.crt -extfile <(cat <<-END
					basicConstraints=critical,CA:TRUE,pathlen:0
					keyUsage=$usage
					subjectKeyIdentifier=hash
					authorityKeyIdentifier=keyid
				END
				) || return
	done
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
		--certificate-authority pki/ca.crt \
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

@test "who knows the root only needs the authority as well, and openssl be told that it will do" {
	local serving=nodes/worker-1/var/lib/kubelet/pki/kubelet.crt

	openssl verify -CAfile root.crt -untrusted pki/ca.crt "$serving"
	openssl verify -partial_chain -trusted pki/ca.crt "$serving"
	! openssl verify -CAfile pki/ca.crt "$serving"
}
