#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki crl: the list of the certificates that were revoked.

load helper
load pki

make_nodes()
{
	make_pki
	kpki node-bundle -q w1
	kpki node-bundle -q w2
	kpki revoke -q w1 --reason keyCompromise
}

# What openssl says of a list; it checks the signature too.
crl() # FILE OPTION...
{
	local file=$1

	shift
	openssl crl -in "$file" -noout -CAfile pki/ca.crt "$@"
}

number()
{
	crl "$1" -crlnumber 2>/dev/null | sed 's/.*=\(0x\)\?//'
}

@test "crl signs a list of what was revoked" {
	make_nodes
	exits 0 crl
	is "$stderr" ""
	echo "$output" >list
	is "$(head -n 1 list)" "-----BEGIN X509 CRL-----"
	run crl list -text
	has "$output" "verify OK"
	has "$output" "Version 2"
	has "$output" "Issuer: CN = kubernetes"
	has "$output" "X509v3 Authority Key Identifier"
	is "$(grep 'Serial Number' <<<"$output" | awk '{ print tolower($3) }' |
		sort)" "$(kpki list --node w1 --json |
		jq -r '.items[].serial' | sort)"
	is "$(grep -c 'Key Compromise' <<<"$output")" 2
	exits 0 crl --out -
	is "$(head -n 1 <<<"$output")" "-----BEGIN X509 CRL-----"
}

@test "a list of nothing is a list" {
	make_pki
	kpki crl >list
	run crl list -text
	has "$output" "verify OK"
	has "$output" "No Revoked Certificates"
}

@test "DER, RSA and P-384 are read by openssl and certtool" {
	local type

	for type in ecdsa-p384 rsa-2048; do
		kpki init-ca -q --dir $type --server "$server" --key-type $type
		kpki node-bundle -q w1 --dir $type --out out-$type
		kpki revoke -q w1 --dir $type --reason superseded
		kpki crl --dir $type --format der --out $type.crl -q
		openssl crl -inform DER -in $type.crl -noout \
			-CAfile $type/ca.crt
		openssl x509 -in $type/ca.crt -outform DER -out $type.der
		run certtool --verify-crl --inder --infile $type.crl \
			--load-ca-certificate $type.der
		has "$output" "Verified"
		has "$output" "Revoked certificates (2)"
	done
}

@test "a file is replaced by a newer list of the same authority only" {
	local before

	make_nodes
	exits 0 crl --out list --json
	is "$(json .kind)" CRLReport
	is "$(json '.items[] | "\(.status) \(.path) \(.entries)"')" \
		"issued list 2"
	is "$(mode list)" 644
	before=$(number list)
	kpki revoke -q w2
	exits 0 crl --out list
	has "$output" "ENTRIES      4"
	[[ $((16#$(number list))) -gt $((16#$before)) ]]
	crl list

	cp list greater
	kpki init-ca -q --dir other
	exits 4 crl --out list --dir other
	has "$stderr" '"list": is there, and no list of this CA'
	cmp list greater
	echo precious >text
	exits 4 crl --out text
	is "$(<text)" precious
	exits 4 crl --out pki/list
	exits 1 crl --out nowhere/list
}

@test "the next update is as asked, and within the authority's life" {
	make_nodes
	kpki crl --next-update 2h >list
	is "$(($(date -d "$(crl list -nextupdate 2>/dev/null | cut -d = -f 2)" +%s) - \
		$(date -d "$(crl list -lastupdate 2>/dev/null | cut -d = -f 2)" +%s)))" 7200
	kpki crl --next-update 2030-01-01T00:00:00Z >list
	is "$(crl list -nextupdate 2>/dev/null)" \
		"nextUpdate=Jan  1 00:00:00 2030 GMT"
	exits 4 crl --next-update 11y
	has "$stderr" "after the CA's end"
	exits 2 crl --next-update 2020-01-01T00:00:00Z
	exits 2 crl --next-update soon
	exits 2 crl --json
	exits 2 crl --format xml
	exits 3 crl --dir nowhere
}

@test "the authorities of a control plane have lists of their own" {
	make_pki
	exits 1 crl --ca etcd-ca
	cat >>pki/cluster.yaml <<-END
		controlPlane:
		  endpoint: api.example.internal:6443
		  hosts:
		    - name: control-1
		      addresses: [10.0.0.1]
	END
	kpki control-plane -q
	exits 0 revoke control-1 --reason cessationOfOperation --out expel.sh
	has "$(<expel.sh)" "kubectl delete node control-1"
	has "$(<expel.sh)" '# etcd-server of "control-1": accepted until'
	for ca in etcd-ca front-proxy-ca ca; do
		file=$ca
		[ $ca != etcd-ca ] || file=etcd/ca
		kpki crl --ca $ca >list
		openssl crl -in list -noout -CAfile pki/$file.crt
		# every certificate of this authority is in its list
		is "$(openssl crl -in list -noout -text |
			grep -c 'Serial Number')" "$(
			kpki ledger export | jq -s --arg ca "$(openssl x509 \
				-in pki/$file.crt -outform DER | base64 -w 0)" '
			(.[] | select(.certificate == $ca) | .entry) as $n |
			[.[] | select(.ca == $n and .name == "control-1")] |
			length')"
	done
	exits 2 crl --ca other
	# a list of another authority does not give way
	exits 4 crl --ca etcd-ca --out list
}

@test "an authority without cRLSign signs no list" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout ca.key -out ca.crt -subj /CN=kubernetes -days 3650 \
		-addext keyUsage=critical,keyCertSign
	kpki init-ca -q --import-cert ca.crt --import-key ca.key
	exits 4 crl
	is "$output" ""
	has "$stderr" "without cRLSign"
}

@test "what has expired stays in the list" {
	make_pki
	kpki node-bundle -q w1 --validity 1s
	kpki revoke -q w1
	sleep 2
	kpki crl >list
	run crl list -text
	is "$(grep -c 'Serial Number' <<<"$output")" 2
}

@test "openssl refuses what is in the list, and nothing else" {
	local pki=var/lib/kubelet/pki

	make_nodes
	kpki crl >list
	run openssl verify -crl_check -CRLfile list -CAfile pki/ca.crt \
		bundles/w1/$pki/kubelet.crt
	has "$output" "certificate revoked"
	run openssl verify -crl_check -CRLfile list -CAfile pki/ca.crt \
		bundles/w2/$pki/kubelet.crt
	is "$status" 0
}
