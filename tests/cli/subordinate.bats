#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# An authority that another one signs: by kpki init-ca --issued-by, or for a
# request that travels.

load helper
load pki

setup()
{
	unset KPKI_DIR
	cd "$BATS_TEST_TMPDIR"
	kpki init-ca --quiet --dir root --common-name root --ca-validity 20y
}

# The authority of a site, signed at once.
make_site() # DIR ARGUMENT...
{
	local dir=$1

	shift
	kpki init-ca --quiet --dir "$dir" --issued-by root --cluster "$dir" \
		--server "$server" "$@"
}

# A request, and what the root answers: DIR.crt
make_request() # DIR ARGUMENT...
{
	local dir=$1

	shift
	kpki init-ca --quiet --dir "$dir" --request --cluster "$dir" "$@"
	kpki sign --quiet --dir root --profile subordinate-ca "$dir/ca.csr" \
		>"$dir.crt" 2>err
}

# An authority of openssl's: NAME SUBJECT EXTENSIONS [SIGNER]
make_ca()
{
	local signer=(-signkey "$1.key")

	[[ -z ${4:-} ]] || signer=(-CA "$4.crt" -CAkey "$4.key")
	openssl genpkey -quiet "${p256[@]}" -out "$1.key"
	openssl req -new -key "$1.key" -subj "$2" |
		openssl x509 -req "${signer[@]}" -days 900 -out "$1.crt" \
			-extfile <(echo "$3") 2>/dev/null
}

# What --complete says of a file, and that nothing came of it: STATUS TEXT FILE
refuses()
{
	local before

	before=$(picture far)
	exits "$1" init-ca --dir far --complete "$3"
	has "$stderr" "$2"
	is "${#stderr_lines[@]}" 1
	is "$(picture far)" "$before"
}

@test "--issued-by makes a PKI directory whose CA the root signed, and says the same again" {
	local first before

	exits 0 init-ca --dir site --issued-by root --cluster site-a \
		--server "$server"
	is "$stderr" ""
	first=$output
	is "${lines[0]}" "STATUS       issued"
	is "${lines[2]}" "SUBJECT      CN=site-a"
	is "$(find site -printf '%P %M\n' | sort)" " drwx------
.lock -rw-------
ca-chain.crt -rw-r--r--
ca.crt -rw-r--r--
ca.key -rw-------
cluster.yaml -rw-r--r--
ledger.db -rw-------
ledger.db-journal -rw-------"
	is "$(find . -name '.kpki*')" ""
	cmp site/ca-chain.crt root/ca.crt
	before=$(picture site root)
	exits 0 init-ca --dir site --issued-by root --cluster site-a \
		--server "$server"
	is "$output" "${first/issued/unchanged}"
	is "$(picture site root)" "$before"
}

@test "the certificate is a subordinate CA's, and openssl takes it for one" {
	local text

	make_site site
	text=$(certificate site/ca.crt -text)
	has "$(extension site/ca.crt basicConstraints)" "critical
    CA:TRUE, pathlen:0"
	has "$(extension site/ca.crt keyUsage)" "critical
    Digital Signature, Certificate Sign, CRL Sign"
	lacks "$text" "Extended Key Usage"
	is "$(certificate site/ca.crt -ext authorityKeyIdentifier | tail -n 1 |
		tr -d ' ')" "$(certificate root/ca.crt \
		-ext subjectKeyIdentifier | tail -n 1 | tr -d ' ')"
	is "$(certificate site/ca.crt -subject -issuer)" "subject=CN=site
issuer=CN=root"
	openssl verify -x509_strict -CAfile root/ca.crt site/ca.crt
	kpki node-bundle --quiet --dir site w1 --address 10.0.0.1
	openssl verify -x509_strict -CAfile root/ca.crt -untrusted site/ca.crt \
		bundles/w1/var/lib/kubelet/pki/kubelet.crt
	certtool --verify --load-ca-certificate root/ca.crt --infile <(
		cat site/ca.crt site/ca-chain.crt)
}

@test "both ledgers have the certificate, each in its own words" {
	local serial

	make_site site
	serial=$(certificate site/ca.crt -serial)
	serial=${serial#*=}
	has "$(kpki list --dir root --csv)" \
		"live,subordinate-ca,site,${serial,,}"
	has "$(kpki list --dir site --csv)" "live,ca,,${serial,,}"
	is "$(kpki list --dir root --csv --profile subordinate-ca | wc -l)" 2
	exits 0 ledger verify --dir root
	exits 0 ledger verify --dir site
}

@test "it ends with the root unless it is told to end before" {
	make_site a --ca-validity 2y
	has "$(certificate a/ca.crt -enddate)" \
		"$(date -u -d '+730 days' +' %Y GMT')"
	exits 0 init-ca --dir short --common-name short --ca-validity 30d
	exits 0 init-ca --dir b --issued-by short --cluster b
	is "$(certificate b/ca.crt -enddate)" \
		"$(certificate short/ca.crt -enddate)"
	exits 4 init-ca --dir c --issued-by root --cluster c --ca-validity 30y
	has "$stderr" "after the CA, which ends"
	[ ! -e c ]
}

@test "a name that the root has signed, its own, and Kubernetes' are refused before a key is made" {
	local name

	make_site site
	exits 4 init-ca --dir other --issued-by root --cluster site
	has "$stderr" "\"site\" has a live certificate of subordinate-ca for another key"
	exits 4 init-ca --dir other --issued-by root --common-name root
	has "$stderr" "common name \"root\": the signer's own"
	for name in system:masters system:node:w1; do
		exits 4 init-ca --dir other --issued-by root \
			--common-name "$name"
		has "$stderr" "an identity of Kubernetes' own"
	done
	exits 4 init-ca --dir other --issued-by root --cluster x \
		--key-type ed25519
	has "$stderr" "kube-controller-manager and kubeadm take RSA and ECDSA"
	exits 2 init-ca --dir other --issued-by root --common-name "$(
		printf 'x%.0s' {1..65})"
	[ ! -e other ]
	is "$(kpki list --dir root --csv | wc -l)" 3
	is "$(find . -name '.kpki*')" ""
}

@test "a subordinate signs no CA, and nobody signs itself" {
	make_site site
	exits 4 init-ca --dir below --issued-by site --cluster below
	has "$stderr" "CA \"CN=site\": its pathLenConstraint is 0, so it may sign no CA"
	[ ! -e below ]
	exits 2 init-ca --dir site --issued-by ./site/
	has "$stderr" "is the PKI directory itself"
	exits 3 init-ca --dir new --issued-by new
	has "$stderr" "no PKI directory"
	[ ! -e new ]
}

@test "what is there is compared with what is asked for" {
	make_site site
	kpki init-ca --quiet --dir own --server "$server"
	kpki init-ca --quiet --dir root2 --common-name root
	exits 4 init-ca --dir own --issued-by root
	has "$stderr" "\"root\" did not sign it"
	exits 4 init-ca --dir site --issued-by root2
	has "$stderr" "\"root2\" did not sign it"
	exits 4 init-ca --dir site --issued-by root --common-name other
	has "$stderr" '--common-name is "site", not "other"'
	exits 4 init-ca --dir site --request
	has "$stderr" "has a CA already"
	exits 0 init-ca --dir site
	is "${lines[0]}" "STATUS       unchanged"
}

@test "a request makes a key and nothing that signs, until its answer is there" {
	local command

	exits 0 init-ca --dir far --request --cluster far --server "$server"
	is "$stderr" ""
	is "${lines[0]}" "STATUS       requested"
	has "$output" "far/ca.csr"
	is "$(find far -printf '%P %M\n' | sort)" " drwx------
ca.csr -rw-r--r--
ca.key -rw-------
cluster.yaml -rw-r--r--"
	openssl req -in far/ca.csr -verify -noout
	for command in "node-bundle w1" list "control-plane" "ca-bundle" \
		"sign far/ca.csr --profile subordinate-ca" "ledger verify"; do
		exits 3 $command --dir far
		has "$stderr" "waits for the certificate that \"ca.csr\" asks for"
	done
	exits 4 init-ca --dir far
	has "$stderr" "waits for the certificate"
	exits 0 init-ca --dir far --request
	is "${lines[0]}" "STATUS       unchanged"
	exits 4 init-ca --dir far --request --common-name other
	has "$stderr" 'has a request already, and --common-name is "far", not "other"'
	exits 4 init-ca --dir far --request --seal --passphrase-file <(echo x)
	has "$stderr" "its key is not sealed"
}

@test "the answer completes it, and says the same again" {
	local before

	make_request far
	is "$(grep -c BEGIN far.crt)" 2
	before=$(sha256sum far/ca.key far/cluster.yaml)
	exits 0 init-ca --dir far --complete far.crt
	is "${lines[0]}" "STATUS       issued"
	[ ! -e far/ca.csr ]
	is "$(sha256sum far/ca.key far/cluster.yaml)" "$before"
	cmp far/ca-chain.crt root/ca.crt
	exits 0 init-ca --dir far --complete far.crt
	is "${lines[0]}" "STATUS       unchanged"
	sed -i "s|^#server:.*|server: \"$server\"|" far/cluster.yaml
	grep -q '^server' far/cluster.yaml ||
		echo "server: \"$server\"" >>far/cluster.yaml
	exits 0 node-bundle --dir far w1
	exits 0 ledger verify --dir far
}

@test "--issued-by goes on with a request" {
	kpki init-ca --quiet --dir far --request --cluster far
	exits 0 init-ca --dir far --issued-by root
	is "${lines[0]}" "STATUS       issued"
	is "$(certificate far/ca.crt -issuer)" "issuer=CN=root"
}

@test "a root gives a request the same certificate again, and another key none" {
	make_request far
	cp far.crt first.crt
	kpki sign --quiet --dir root --profile subordinate-ca far/ca.csr \
		>again.crt
	cmp first.crt again.crt
	rm -r far
	kpki init-ca --quiet --dir far --request --cluster far
	exits 4 sign --dir root --profile subordinate-ca far/ca.csr
	has "$stderr" "\"far\" has a live certificate of subordinate-ca for another key"
	exits 0 sign --dir root --profile subordinate-ca far/ca.csr --reissue \
		--out answers
	exits 0 sign --dir root --profile subordinate-ca far/ca.csr \
		--out answers
	exits 0 init-ca --dir far --complete answers/far.subordinate-ca.crt
}

@test "what is not the answer is refused, and the request goes on waiting" {
	local usage=keyUsage=critical,keyCertSign,cRLSign

	make_request far
	make_request near
	refuses 3 "of another key than" near.crt
	sed -n '1,/END/p' far.crt >alone.crt
	refuses 3 "its issuer's certificate does not follow it" alone.crt
	cat root/ca.crt alone.crt >turned.crt
	refuses 3 "of another key than" turned.crt
	kpki init-ca --quiet --dir twin --common-name root
	cat alone.crt twin/ca.crt >foreign.crt
	refuses 3 'chain: "CN=far", which "CN=root" is to have signed' foreign.crt
	make_ca third /CN=third $'basicConstraints=critical,CA:TRUE\n'$usage
	cat alone.crt third.crt >wrong.crt
	refuses 3 'chain: "CN=third" is not the issuer of "CN=far"' wrong.crt
	cat far.crt far/ca.key >key.crt
	refuses 3 '"PRIVATE KEY" block: none but CERTIFICATE' key.crt
	refuses 3 "no certificate in it" far/cluster.yaml
	refuses 1 "missing.crt" missing.crt
	exits 3 init-ca --dir nothing --complete far.crt
	has "$stderr" "has no request"
	[ ! -e nothing ]
	exits 0 init-ca --dir far --complete far.crt
}

# The same key, and a certificate that is not a CA's of a cluster.
@test "a certificate that no cluster could use is refused" {
	local usage=keyUsage=critical,keyCertSign,cRLSign

	make_request far
	make_ca r /CN=r $'basicConstraints=critical,CA:TRUE\n'$usage
	make_ca tight /CN=tight \
		$'basicConstraints=critical,CA:TRUE,pathlen:0\n'$usage
	answer() # SIGNER EXTENSIONS ARGUMENT...
	{
		openssl x509 -req -in far/ca.csr -CA "$1.crt" -CAkey "$1.key" \
			-extfile <(echo "$2") "${@:3}" -out made.crt 2>/dev/null
		cat "$1.crt" >>made.crt
	}
	answer r basicConstraints=critical,CA:FALSE
	refuses 3 "not of a CA" made.crt
	answer r $'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign'
	refuses 3 "may not sign certificates" made.crt
	answer r $'basicConstraints=critical,CA:TRUE\n'$usage$'\nextendedKeyUsage=serverAuth'
	refuses 3 "has an extKeyUsage" made.crt
	answer tight $'basicConstraints=critical,CA:TRUE\n'$usage
	refuses 3 "its pathLenConstraint is 0, and 1 CAs are below it" made.crt
	answer r $'basicConstraints=critical,CA:TRUE\n'$usage -days 1000
	refuses 3 "after \"CN=r\", which signed it" made.crt
	answer r $'basicConstraints=critical,CA:TRUE\n'$usage -days 900 \
		-set_serial 5 -subj /CN=elsewhere
	refuses 3 'its subject is "CN=elsewhere", not "CN=far"' made.crt
	answer r $'basicConstraints=critical,CA:TRUE\n'$usage
	exits 0 init-ca --dir far --complete made.crt
}

@test "sign builds a CA from its profile, and refuses what a request adds" {
	ask() # ARGUMENT...
	{
		openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
			-nodes -keyout new.key -out new.csr "$@" 2>/dev/null
	}
	refused() # TEXT
	{
		exits 4 sign --dir root --profile subordinate-ca new.csr
		has "$stderr" "$1"
		is "$output" ""
	}
	ask -subj /CN=x -addext basicConstraints=critical,CA:TRUE,pathlen:5 \
		-addext keyUsage=keyCertSign
	exits 0 sign --dir root --profile subordinate-ca new.csr --out made
	has "$(extension made/x.subordinate-ca.crt basicConstraints)" pathlen:0
	has "$(extension made/x.subordinate-ca.crt keyUsage)" "Digital Signature"
	ask -subj /CN=y -addext extendedKeyUsage=serverAuth
	refused "extKeyUsage: would limit what the CA signs"
	ask -subj /CN=y -addext subjectAltName=DNS:y.example
	refused "subjectAltName"
	ask -subj /CN=y -addext keyUsage=keyEncipherment
	refused "keyUsage: more than"
	ask -subj /CN=y -addext nameConstraints=permitted\;DNS:example.com
	refused "extension"
	ask -subj /O=house/CN=y
	refused 'organization "house": a CA has a common name only'
	ask -subj /CN=system:node:y
	refused "an identity of Kubernetes' own"
	ask -subj /CN=root
	refused "the signer's own"
	exits 4 sign --dir root --node w1 new.csr
	exits 2 sign --dir root --profile subordinate-ca --node w1 new.csr
	has "$stderr" "--node: not with --profile subordinate-ca"
	is "$(kpki list --dir root --csv | wc -l)" 3
}

@test "no object of Kubernetes gets a CA" {
	cat >csr.yaml <<-END
		apiVersion: certificates.k8s.io/v1
		kind: CertificateSigningRequest
		metadata: {name: ca}
		spec:
		  request: $(openssl req -new -newkey rsa:2048 -nodes -keyout k \
				-subj /CN=site 2>/dev/null | base64 -w 0)
		  signerName: example.com/ca
		  usages: [client auth]
	END
	exits 4 sign --dir root --profile subordinate-ca csr.yaml --dry-run
	has "$stderr" "no signer of Kubernetes' signs CAs"
}

@test "sealed keys on both sides take one passphrase" {
	echo secret-of-the-house >pass
	kpki init-ca --quiet --dir vault --common-name vault --seal \
		--passphrase-file pass
	exits 0 init-ca --dir site --issued-by vault --cluster site --seal \
		--passphrase-file pass
	has "$(cat site/ca.key)" "ENCRYPTED PRIVATE KEY"
	exits 0 init-ca --dir site --issued-by vault
	is "${lines[0]}" "STATUS       unchanged"
	exits 0 init-ca --dir plain --issued-by vault --cluster plain \
		--passphrase-file pass
	has "$(cat plain/ca.key)" "BEGIN PRIVATE KEY"
	echo wrong >bad
	exits 3 init-ca --dir other --issued-by vault --cluster other \
		--passphrase-file bad
	[ ! -e other ]
	exits 0 init-ca --dir far --request --cluster far --seal \
		--passphrase-file pass
	kpki sign --quiet --dir vault --profile subordinate-ca far/ca.csr \
		--passphrase-file pass >far.crt
	exits 0 init-ca --dir far --complete far.crt
}

@test "options that say two things are refused" {
	local two

	for two in "--issued-by root --request" "--request --complete x" \
		"--issued-by root --complete x" "--request --ca-validity 1y" \
		"--complete x --ca-validity 1y" "--complete x --seal" \
		"--complete x --key pkcs11:token=a" \
		"--import-cert a --import-key b --request"; do
		exits 2 init-ca --dir new $two
		has "$stderr" "exclude each other"
	done
	[ ! -e new ]
}

@test "JSON has what the text has" {
	exits 0 init-ca --dir far --request --cluster far --json
	is "$(json '.kind')" InitCAReport
	is "$(json '.items[0] | .status, .path, .request, .subject')" \
		$'requested\nfar\nfar/ca.csr\nCN=far'
	exits 0 init-ca --dir far --issued-by root --json
	is "$(json '.items[0].status')" issued
	exits 4 init-ca --dir low --issued-by far --json
	is "$(json '.error.code')" 4
	has "$(json '.error.message')" pathLenConstraint
}

@test "a root takes a subordinate back, renews none by itself, and rebuilds its ledger" {
	local serial

	make_site site
	serial=$(certificate site/ca.crt -serial)
	serial=${serial#*=}
	exits 4 renew --dir site --ca --same-key
	has "$stderr" "another CA signed it"
	exits 0 ledger export --dir root
	has "$output" '"profile":"subordinate-ca"'
	kpki init-ca --quiet --dir again --import-cert root/ca.crt \
		--import-key root/ca.key
	exits 0 ledger import --dir again site/ca.crt
	has "$(kpki list --dir again --csv)" \
		"live,subordinate-ca,site,${serial,,}"
	exits 0 revoke --dir root "${serial,,}"
	exits 0 crl --dir root --out root.crl
	openssl crl -in root.crl -noout -text | grep -qi "$serial"
	exits 0 init-ca --dir second --issued-by root --cluster site
}

# How many certificates a file has, or a kubeconfig's user.
count()
{
	case $1 in
	*.conf | *.kubeconfig)
		sed -n 's/.*client-certificate-data: "\(.*\)"/\1/p' "$1" |
			base64 -d ;;
	*) cat "$1" ;;
	esac | grep -c -e '-BEGIN CERTIFICATE-'
}

# What a peer that trusts the root only makes of a file: FILE PURPOSE
goes_to_the_root()
{
	local text=$1

	case $1 in
	*.conf | *.kubeconfig)
		sed -n 's/.*client-certificate-data: "\(.*\)"/\1/p' "$1" |
			base64 -d >embedded.crt
		text=embedded.crt ;;
	esac
	is "$(count "$1")" 2
	openssl verify -x509_strict -purpose "$2" -CAfile root/ca.crt \
		-untrusted "$text" "$text"
	# and one that trusts the site
	openssl verify -partial_chain -purpose "$2" -trusted site/ca.crt "$text"
}

make_site_with_hosts() # ARGUMENT...
{
	make_site site "$@"
	cat >>site/cluster.yaml <<-END
		controlPlane:
		  hosts:
		    - name: cp-1
		      addresses: [10.0.0.2]
	END
	kpki control-plane --quiet --dir site
	kpki node-bundle --quiet --dir site w1 --address 10.0.0.1
	kpki kubeconfig --quiet --dir site alice
}

@test "each certificate has the subordinate behind it, and ca.crt has that alone" {
	local tree=control-plane/cp-1/etc/kubernetes

	make_site_with_hosts
	goes_to_the_root $tree/pki/apiserver.crt sslserver
	goes_to_the_root $tree/pki/apiserver-kubelet-client.crt sslclient
	goes_to_the_root $tree/controller-manager.conf sslclient
	goes_to_the_root $tree/scheduler.conf sslclient
	goes_to_the_root control-plane/admin/admin.conf sslclient
	goes_to_the_root control-plane/cp-1/var/lib/kubelet/pki/kubelet.crt \
		sslserver
	goes_to_the_root bundles/w1/var/lib/kubelet/pki/kubelet.crt sslserver
	goes_to_the_root \
		bundles/w1/var/lib/kubelet/pki/kubelet-client-current.pem \
		sslclient
	goes_to_the_root alice.kubeconfig sslclient
	cmp $tree/pki/ca.crt site/ca.crt
	cmp bundles/w1/etc/kubernetes/pki/ca.crt site/ca.crt
	is "$(count $tree/pki/etcd/server.crt)" 1
	is "$(count $tree/pki/front-proxy-client.crt)" 1
	kpki ca-bundle --quiet --dir site --out trusted
	[ -n "$(find trusted -name 'ca.*' -type f)" ]
	cmp trusted/ca.crt site/ca.crt
	! grep -rqF "$(sed -n 3p root/ca.crt)" trusted
}

@test "such trees are what a re-run finds unchanged, and verify good" {
	make_site_with_hosts
	exits 0 control-plane --dir site
	lacks "$output" issued
	exits 0 node-bundle --dir site w1 --address 10.0.0.1
	has "$output" unchanged
	exits 0 kubeconfig --dir site alice
	has "$output" unchanged
	exits 0 verify site control-plane/cp-1 bundles/w1 alice.kubeconfig
	exits 0 renew --dir site --expiring 2y --node w1 --out renewals
	goes_to_the_root \
		renewals/w1/var/lib/kubelet/pki/kubelet-client-current.pem \
		sslclient
}

@test "a chain is for a kubeadm that reads one, from 1.21 on" {
	local tree=control-plane/cp-1/etc/kubernetes

	make_site_with_hosts --kubernetes-version 1.20
	is "$(count $tree/pki/apiserver.crt)" 1
	is "$(count $tree/scheduler.conf)" 1
	is "$(count bundles/w1/var/lib/kubelet/pki/kubelet.crt)" 1
	exits 0 control-plane --dir site
	lacks "$output" issued
	exits 0 verify site control-plane/cp-1 bundles/w1
}

@test "a node that made its keys itself gets the chain, too" {
	local pki=host/var/lib/kubelet/pki

	make_site site
	kpki node-csr -q w1 --address 10.0.0.1
	echo 'w1 10.0.0.1' >nodes.txt
	kpki sign -q --dir site w1/*.csr --inventory nodes.txt --bundle --out .
	mkdir host
	kpki node-csr -q --complete w1.yaml --root host
	goes_to_the_root $pki/kubelet-client-current.pem sslclient
	goes_to_the_root $pki/kubelet.crt sslserver
	kpki sign -q --dir site w1/*.csr --inventory nodes.txt --out pems
	goes_to_the_root pems/w1.kubelet-serving.crt sslserver
	# again, with what is there
	exits 0 node-csr --complete w1.yaml --root host
	has "$output" unchanged
	# a chain that is none
	sed '/^chain:/,/^certificates:/{/^certificates:/!d}' w1.yaml >bare.yaml
	sed 's/^certificates:/chain: "x"\n&/' bare.yaml >bad.yaml
	exits 3 node-csr --complete bad.yaml --root host
	has "$stderr" "chain: no certificate in it"
	{
		sed '/^certificates:/,$d' bare.yaml
		echo "chain: |"
		sed 's/^/  /' root/ca.crt
		sed -n '/^certificates:/,$p' bare.yaml
	} >other.yaml
	exits 3 node-csr --complete other.yaml --root host
	has "$stderr" "chain: does not begin with the CA of the file"
}

narrow=(--permit-dns site.example --permit-dns cluster.local
	--permit-dns kubernetes --permit-dns kubernetes.default
	--permit-dns kubernetes.default.svc
	--permit-ip 10.20.0.0/16 --permit-ip 10.96.0.0/12)

make_narrow() # ARGUMENT...
{
	kpki init-ca --quiet --dir site --issued-by root --cluster site \
		--server https://api.site.example:6443 "${narrow[@]}" "$@"
}

@test "name constraints are in the certificate, critical, and openssl holds leaves to them" {
	make_narrow
	is "$(extension site/ca.crt nameConstraints | tr -s ' ')" \
		"X509v3 Name Constraints: critical
 Permitted:
 DNS:site.example
 DNS:cluster.local
 DNS:kubernetes
 DNS:kubernetes.default
 DNS:kubernetes.default.svc
 IP:10.20.0.0/255.255.0.0
 IP:10.96.0.0/255.240.0.0"
	kpki node-bundle -q --dir site w1.site.example --address 10.20.0.1
	openssl verify -x509_strict -CAfile root/ca.crt -untrusted site/ca.crt \
		bundles/w1.site.example/var/lib/kubelet/pki/kubelet.crt
	openssl genpkey -quiet "${p256[@]}" -out o.key
	openssl req -new -key o.key -subj /CN=o |
		openssl x509 -req -CA site/ca.crt -CAkey site/ca.key -days 1 \
			-out o.crt -extfile <(echo subjectAltName=DNS:other.org)
	run openssl verify -CAfile root/ca.crt -untrusted site/ca.crt o.crt
	has "$output" "permitted subtree violation"
	exits 0 init-ca --dir site --issued-by root "${narrow[@]}"
	is "${lines[0]}" "STATUS       unchanged"
}

@test "what the constraints do not permit is refused before a key is made" {
	make_narrow
	refused_node() # TEXT ARGUMENT...
	{
		local text=$1

		shift
		exits 4 node-bundle --dir site "$@"
		has "$stderr" "$text is not permitted by any constraint of CA \"CN=site\""
	}
	refused_node 'DNS name "w1"' w1
	refused_node 'DNS name "badsite.example"' \
		badsite.example
	refused_node 'DNS name "w1.other.example"' \
		w1.site.example --address w1.other.example
	refused_node 'IP address "10.21.0.1"' \
		w1.site.example --address 10.21.0.1
	refused_node 'IP address "2001:db8::1"' \
		w1.site.example --address 2001:db8::1
	[ ! -e bundles ]
	kpki node-csr -q w1 --address 10.20.0.1
	exits 4 sign --dir site w1/*.csr --node w1 --out signed
	has "$stderr" 'DNS name "w1" is not permitted'
	[ ! -e signed ]
	cat >>site/cluster.yaml <<-END
		controlPlane:
		  certSANs: [www.example]
		  hosts:
		    - name: cp.site.example
		      addresses: [10.20.0.2]
	END
	exits 4 control-plane --dir site
	has "$stderr" 'DNS name "www.example" is not permitted'
	[ ! -e control-plane ] && [ ! -e site/sa.key ]
	sed -i '/certSANs/d' site/cluster.yaml
	exits 0 control-plane --dir site
	is "$(kpki list --dir site --csv --profile kubelet-serving | wc -l)" 2
}

@test "constraints that the cluster could not live with are refused at once" {
	exits 4 init-ca --dir site --issued-by root --cluster site \
		--permit-dns site.example
	has "$stderr" 'DNS name "kubernetes" is not permitted by any constraint'
	exits 4 init-ca --dir site --issued-by root --cluster site \
		--permit-ip 10.20.0.0/16
	has "$stderr" 'IP address "10.96.0.1" is not permitted'
	exits 4 init-ca --dir site --issued-by root --cluster site \
		"${narrow[@]}" --server https://api.other.example:6443
	has "$stderr" 'DNS name "api.other.example" is not permitted'
	exits 2 init-ca --dir site --issued-by root --permit-dns '*.example'
	has "$stderr" '--permit-dns: "*.example": not a DNS name'
	exits 2 init-ca --dir site --issued-by root --permit-ip 10.0.0.1/8
	has "$stderr" '--permit-ip: "10.0.0.1/8": not a network'
	exits 2 init-ca --dir site --issued-by root --permit-ip 10.0.0.0/33
	exits 2 init-ca --dir site --permit-dns example
	has "$stderr" "go with --issued-by"
	[ ! -e site ]
}

@test "for a request the signer says the constraints, and others are not the same" {
	kpki init-ca -q --dir far --request --cluster far --server "$server"
	kpki sign -q --dir root --profile subordinate-ca far/ca.csr \
		--permit-dns far.example --permit-ip 2001:db8::/32 >far.crt
	has "$(extension far.crt nameConstraints)" "DNS:far.example"
	exits 4 sign --dir root --profile subordinate-ca far/ca.csr
	has "$stderr" "has a live certificate of subordinate-ca"
	kpki init-ca -q --dir far --complete far.crt
	exits 4 node-bundle --dir far w1
	exits 2 sign --dir root --node w1 far.crt --permit-dns x
	has "$stderr" "go with --profile subordinate-ca"
}
