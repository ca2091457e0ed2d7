# SPDX-License-Identifier: GPL-3.0-or-later
# Signing the requests of kpki node-csr with openssl, in the place of an admin.

# `write_node_certificates NODE PKI CERTIFICATE…`: the file that goes back to a
# node; $layout may say another one than usual.
write_node_certificates()
{
	local node=$1 pki=$2 file

	shift 2
	cat <<-END
		apiVersion: kpki/v1
		kind: NodeCertificates
		node: $node
		layout: ${layout:-kubeadm}
		cluster:
		  server: https://api.example.internal:6443
		  signing: offline
		ca: |
		$(sed 's/^/  /' "$pki/ca.crt")
		certificates:
	END
	for file; do
		printf '  - |\n'
		openssl x509 -in "$file" | sed 's/^/    /'
	done
}

# `sign_request REQUEST PKI PURPOSE NAMES`; clients have no names.
sign_request()
{
	{
		echo 'basicConstraints = critical, CA:FALSE'
		echo 'keyUsage = critical, digitalSignature'
		echo "extendedKeyUsage = $3"
		echo 'authorityKeyIdentifier = keyid'
		[[ $3 == clientAuth ]] || echo "subjectAltName = $4"
	} >extensions
	openssl x509 -req -in "$1" -CA "$2/ca.crt" -CAkey "$2/ca.key" \
		-set_serial "0x1$(openssl rand -hex 8)" -days 300 \
		-extfile extensions 2>/dev/null
}

# `sign_requests NODE KEYS PKI [SAN]…`: the file that goes back to a node, with
# what openssl makes of its requests.  SANs are "DNS:…" and "IP:…".
sign_requests()
{
	local node=$1 keys=$2 pki=$3 names=DNS:$1 profile purpose made=()

	shift 3
	(($# == 0)) || names+=$(printf ',%s' "$@")
	for profile in kubelet-client kubelet-serving; do
		[[ -e $keys/$profile.csr ]] || continue
		purpose=clientAuth
		[[ $profile == kubelet-client ]] || purpose=serverAuth
		sign_request "$keys/$profile.csr" "$pki" $purpose "$names" \
			>$profile.signed
		made+=($profile.signed)
	done
	write_node_certificates "$node" "$pki" "${made[@]}"
	rm extensions "${made[@]}"
}
