#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki verify: will this node join?

load helper
load pki

# ID SEVERITY PATH of each finding in the last --json.
findings()
{
	jq -r '.items[] | "\(.id) \(.severity) \(.path)"' <<<"$output"
}

ids()
{
	jq -r '.items[].id' <<<"$output" | sort -u | tr '\n' ' '
}

two_bundles()
{
	make_pki
	cat >nodes.txt <<-END
		w1 10.0.0.11
		w2 10.0.0.12
	END
	kpki node-bundle --inventory nodes.txt --out bundles --quiet
}

@test "what kpki makes has no findings" {
	two_bundles
	exits 0 verify pki bundles --inventory nodes.txt --ledger
	is "$output" "yes: no findings in 17 files, 9 certificates"
	is "$stderr" ""
	exits 0 verify --severity info bundles/w1
	for role in auto node; do
		exits 0 verify --role $role bundles/w2
	done
	exits 0 verify --role ca pki
}

@test "so in a tar of one, and in a stream of many, compressed or not" {
	make_pki
	printf '%s 10.0.0.%s\n' w1 1 w2 2 >nodes.txt
	kpki node-bundle --inventory nodes.txt --format tar --out tars --quiet
	exits 0 verify pki tars
	has "$output" "yes: no findings in 17 files"
	exits 0 verify tars/w1.tar
	kpki node-bundle --inventory nodes.txt --reissue --format tar --out - \
		>all.tar 2>/dev/null
	exits 0 verify pki all.tar
	has "$output" "yes: no findings in 17 files"
	gzip -k all.tar
	xz -k all.tar
	exits 0 verify all.tar.gz
	exits 0 verify all.tar.xz
	gzip tars/w1.tar
	exits 0 verify tars
}

@test "a certificate that has expired at a time is found then" {
	two_bundles
	exits 0 verify bundles --at 200d
	exits 0 verify bundles --at 350d
	has "$output" "warning KPKI-C003"
	exits 5 verify bundles --severity warning --at 350d
	exits 5 verify bundles --at 366d
	has "${lines[0]}" "error KPKI-C001: the certificate has expired"
	has "${lines[-1]}" "no: "
	has "$stderr" "kpki verify: "
}

@test "a JSON report says what a finding means" {
	two_bundles
	exits 5 verify bundles --json --at 2y
	is "$(jq -r .kind <<<"$output")" VerificationReport
	is "$(jq -r .ok <<<"$output")" false
	is "$(jq -r '.items[0] | .id, .severity, .use' <<<"$output" | xargs)" \
		"KPKI-C001 error kubelet-client"
	jq -e '.items[0] | .meaning and .mend and .source and .subject' \
		<<<"$output"
	is "$(jq -r .error.code <<<"$output")" 5
	exits 0 verify bundles --json --timeline
	is "$(jq -r '.timeline | length' <<<"$output")" 8
	is "$(jq -r '.timeline[0].use' <<<"$output")" kubelet-client
	is "$(jq -r .ok <<<"$output")" true
}

@test "the timeline is sorted, and says what stops" {
	two_bundles
	exits 0 verify bundles/w1 pki --timeline
	has "${lines[0]}" "the node: NotReady"
	lacks "$output" "[##"
	is "$(grep -c Z <<<"$output")" 5
	is "$(grep Z <<<"$output" | cut -c 1-20 | sort -c && echo sorted)" \
		sorted
	run script -qec "$KPKI verify bundles/w1 --timeline" /dev/null
	has "$output" "[...................."
}

@test "metrics have the names and labels of x509-certificate-exporter" {
	local serial

	two_bundles
	exits 0 verify bundles/w1 --format prometheus
	has "$output" "# TYPE x509_cert_not_after gauge"
	has "$output" 'kpki_verify_findings{severity="error"} 0'
	serial=$(certificate bundles/w1/var/lib/kubelet/pki/kubelet.crt \
		-serial | sed 's/serial=/ibase=16;/' | BC_LINE_LENGTH=0 bc)
	has "$output" "x509_cert_not_after{filename=\"kubelet.crt\",filepath=\"bundles/w1/var/lib/kubelet/pki/kubelet.crt\",issuer_CN=\"kubernetes\",serial_number=\"$serial\",subject_O=\"system:nodes\",subject_CN=\"system:node:w1\"} "
	exits 2 verify bundles --format prometheus --json
	exits 2 verify bundles --format prometheus --timeline
}

@test "a bundle that was meddled with is found out" {
	two_bundles
	cd bundles
	cp w2/var/lib/kubelet/pki/kubelet.key w1/var/lib/kubelet/pki/
	chmod 644 w2/var/lib/kubelet/pki/kubelet.key
	exits 5 verify --json w1 w2
	is "$(findings | sort)" \
		"KPKI-F001 error w2/var/lib/kubelet/pki/kubelet.key
KPKI-F013 error w1/var/lib/kubelet/pki/kubelet.crt"
}

@test "a key inside a kubeconfig is held to its certificate, wherever that stands" {
	make_pki
	kpki node-bundle w1 --address 10.0.0.11 --embed-certs --quiet --out b
	exits 0 verify b
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
		-out other.key 2>/dev/null
	sed -i "s,client-key-data: .*,client-key-data: $(base64 -w 0 other.key)," \
		b/w1/etc/kubernetes/kubelet.conf
	exits 5 verify --json b
	is "$(findings)" "KPKI-F013 error b/w1/etc/kubernetes/kubelet.conf"
}

@test "bundles of another cluster are told from those of this" {
	two_bundles
	make_pki --dir other
	exits 5 verify --json other bundles
	is "$(ids)" "KPKI-A020 "
	rm bundles/*/etc/kubernetes/pki/ca.crt
	exits 5 verify --json --severity info other bundles
	has "$(ids)" "KPKI-F020"
}

@test "nodes are held to the inventory" {
	two_bundles
	printf 'w1 10.0.0.99\nw3 10.0.0.12\n' >other.txt
	exits 5 verify --json bundles --inventory other.txt
	is "$(ids)" "KPKI-N008 KPKI-N012 KPKI-N026 "
}

@test "certificates are held to the ledger" {
	two_bundles
	cp -r pki before
	kpki node-bundle w1 --address 10.0.0.11 --reissue --out new --quiet
	exits 0 verify --ledger bundles new
	has "$output" "warning KPKI-F024"
	has "$output" "superseded"
	exits 5 verify --ledger --dir before new
	has "$output" "error KPKI-F023"
}

@test "a policy changes severities, and turns rules off" {
	two_bundles
	chmod 644 bundles/w1/var/lib/kubelet/pki/kubelet.key
	cat >policy.yaml <<-END
		apiVersion: kpki/v1
		kind: VerifyPolicy
		severities:
		  KPKI-F001: off
	END
	exits 0 verify bundles --policy policy.yaml
	is "$output" "yes: no findings in 14 files, 8 certificates"
	sed -i 's/off/info/' policy.yaml
	exits 0 verify bundles --policy policy.yaml
	has "$output" "info KPKI-F001"
	exits 5 verify bundles --policy policy.yaml --severity info
	printf 'apiVersion: kpki/v1\nkind: VerifyPolicy\nstrict: true\n' \
		>strict.yaml
	exits 5 verify bundles --policy strict.yaml --at 350d
	has "$output" "error KPKI-C003"
	sed -i 's/F001/F999/' policy.yaml
	exits 3 verify bundles --policy policy.yaml
	has "$stderr" 'policy.yaml:4: "KPKI-F999": no such rule'
	sed -i 's/F999: .*/F001: grave/' policy.yaml
	exits 3 verify bundles --policy policy.yaml
	has "$stderr" 'policy.yaml:4: KPKI-F001: "grave": not one of off, info'
}

@test "what cannot be read is told, with exit status 3" {
	exits 3 verify nothing
	has "$stderr" '"nothing": cannot open'
	mkdir empty
	exits 3 verify empty
	has "$stderr" '"empty": nothing in it that Kubernetes would read'
	mkfifo pipe
	exits 3 verify pipe
	echo hello >text
	exits 3 verify text
	head -c 2000 /dev/urandom >noise
	exits 3 verify noise
	printf '0123456789abcdef,\0,\1\n' >noise
	exits 3 verify noise
	two_bundles
	tar -cf cut.tar bundles/w1
	truncate -s 2000 cut.tar
	exits 3 verify cut.tar
	has "$stderr" "not a tar that can be read"
	exits 2 verify
	exits 2 verify --list-rules pki
}

@test "nothing is followed out of a tree" {
	two_bundles
	cp -r bundles/w1 host
	echo secret >outside
	rm host/etc/kubernetes/pki/ca.crt
	ln -s ../../../../outside host/etc/kubernetes/pki/ca.crt
	ln -s nowhere host/etc/kubernetes/pki/front-proxy-ca.crt
	mkfifo host/etc/kubernetes/pipe
	run strace -f -e trace=open,openat,readlink,readlinkat -o trace \
		"$KPKI" verify host
	! grep -q outside trace
	exits 5 verify --json host
	has "$(findings)" "KPKI-F004 warning host/etc/kubernetes/pki/ca.crt"
	has "$(findings)" "KPKI-F005 error host/etc/kubernetes/pki/front-proxy-ca.crt"
	has "$(findings)" "KPKI-F006 warning host/etc/kubernetes/pipe"
}

@test "a tar with paths that leave it is refused" {
	make_pki
	mkdir -p a/b
	cp pki/ca.crt a/ca.crt
	(cd a/b && tar -cPf ../../up.tar ../ca.crt)
	exits 3 verify up.tar
	has "$stderr" 'member "../ca.crt": a path that goes up'
	tar -cPf absolute.tar "$PWD/a/ca.crt"
	exits 3 verify absolute.tar
	has "$stderr" "an absolute path"
}

@test "control characters of a file are not shown" {
	make_pki
	mkdir tree
	cp pki/ca.crt $'tree/ca\e[31m.crt'
	chmod 666 tree/*
	exits 5 verify tree
	is_printable "$output"
	has "$output" '\x1b[31m'
}

@test "what lies between bundles is looked at, and is no host" {
	two_bundles
	echo text >bundles/readme.txt
	mkdir bundles/empty
	exits 0 verify --role node bundles
	is "$output" "yes: no findings in 14 files, 8 certificates"
	cp pki/ca.key bundles/
	chmod 644 bundles/ca.key
	mkdir -p bundles/admin/.old
	kpki kubeconfig eve --quiet --out bundles/admin/.old/eve.conf
	exits 5 verify --json bundles pki --at 2y
	has "$(findings)" "KPKI-F001 error bundles/ca.key"
	has "$(findings)" "KPKI-C001 error bundles/admin/.old/eve.conf"
	lacks "$(ids)" KPKI-F019
	mkdir -p "bundles/admin/$(printf 'd/%.0s' {1..20})"
	exits 5 verify --json bundles
	has "$(findings)" "KPKI-F006 warning bundles/admin"
	rm -r bundles/ca.key bundles/admin
	chmod 775 bundles
	exits 5 verify --json bundles
	is "$(findings)" "KPKI-F002 error bundles"
}

@test "bundles and an administrator's files in tars of every kind" {
	local as

	make_pki
	cat >>pki/cluster.yaml <<-END
		controlPlane:
		  hosts:
		    - {name: cp-1, addresses: ["10.0.0.1"]}
	END
	kpki control-plane --quiet --format tar --out tars
	for as in '' gzip bzip2 xz; do
		[[ -z $as ]] || $as tars/*.tar
		exits 0 verify tars pki
		lacks "$output" error
		exits 5 verify tars pki --at 2y
		has "$output" "tars/admin.tar"
		has "$output" "tars/cp-1.tar"
		[[ -z $as ]] || $as -d tars/*
	done
}

@test "what is behind more than 4096 things is not passed over in silence" {
	local pem

	openssl genpkey -algorithm ED25519 -out key
	pem=$(openssl pkey -in key -pubout)
	yes -- "$pem" | head -n $((4096 * 3)) >many
	exits 0 verify many
	is "$output" "yes: no findings in 1 file, 0 certificates"
	cat key >>many
	exits 0 verify --json many
	is "$(findings)" "KPKI-F006 warning many"
	exits 3 show many
	has "$stderr" "more than 4096 things in it"
}

@test "a file that changes while it is read is not the end" {
	[[ -r /proc/self/status ]] || skip "no /proc"
	make_pki
	exits 0 verify --json pki/ca.crt /proc/self/status
	is "$(findings)" "KPKI-F006 warning /proc/self/status"
}

@test "a mark of the byte order is passed over, as kubectl does" {
	make_pki
	kpki kubeconfig eve --quiet --out eve.conf
	printf '\xef\xbb\xbf' | cat - eve.conf >marked.conf
	chmod 600 marked.conf
	exits 0 verify marked.conf
	is "$output" "yes: no findings in 1 file, 2 certificates"
	exits 0 show marked.conf
	has "$output" "authenticates as user eve"
}

@test "a request that its certificate stands beside is settled" {
	make_pki
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout admin-key.pem -out admin.csr -subj /O=system:masters/CN=admin
	chmod 600 admin-key.pem
	exits 5 verify admin.csr
	has "$output" "error KPKI-Q002"
	openssl x509 -req -in admin.csr -CA pki/ca.crt -CAkey pki/ca.key \
		-days 90 -set_serial 77 -out admin.pem \
		-extfile <(echo extendedKeyUsage=clientAuth)
	exits 0 verify pki/ca.crt admin.csr admin.pem admin-key.pem
	has "$output" "info KPKI-Q002"
}

@test "requests in objects are looked at, in YAML, JSON and lists" {
	exits 0 verify "$data/verify/KPKI-Q008/near/csr.yaml"
	cp "$data/verify/KPKI-Q007/fault/csr.yaml" .
	exits 5 verify csr.yaml
	has "$output" 'error KPKI-Q007'
	has "$output" 'object "csr-abcde"'
	sed 's/^metadata: {}$//; s/kind: List/kind: CertificateSigningRequestList/
		s,^apiVersion: v1,apiVersion: certificates.k8s.io/v1,
		s/^- apiVersion: .*/-/; /^  kind: Cert/d' csr.yaml >list.yaml
	exits 5 verify list.yaml
	has "$output" 'error KPKI-Q007'
	sed -n 's/^  //; s/^- //; /^apiVersion: cert/,$p' csr.yaml >one.yaml
	python3 - <<-'END' >csr.json
		import json
		text = open('one.yaml').read()
		find = lambda key: text.split(key + ': ')[1].split('\n')[0]
		print(json.dumps({'apiVersion': find('apiVersion'),
		    'kind': find('kind'), 'metadata': {'name': find('name')},
		    'spec': {'request': find('request'),
		    'signerName': find('signerName'),
		    'usages': ['digital signature', 'server auth']}}))
	END
	exits 5 verify csr.json
	has "$output" 'error KPKI-Q007'
	exits 0 show csr.json
	has "$output" "asks the signer kubernetes.io/kube-apiserver-client-kubelet"
	has "$output" "waits for somebody to approve it"
	exits 0 show "$data/verify/KPKI-Q008/near/csr.yaml"
	has "$output" "its certificate was issued"
	has "$output" 'EMBEDDED IN  object "csr-abcde"'
	sed -i 's/request: .*/request: aGVsbG8=/' csr.yaml
	exits 5 verify csr.yaml
	has "$output" 'error KPKI-Q001'
	sed -i 's,certificates.k8s.io/v1,&beta1,' csr.yaml
	exits 5 verify csr.yaml
	has "$output" 'error KPKI-Q001'
}

@test "the usages of a kubelet's request depend on the version" {
	make_pki
	cp pki/cluster.yaml pki/ca.crt "$data/verify/KPKI-Q007/near/csr.yaml" .
	exits 0 verify csr.yaml cluster.yaml ca.crt
	echo 'kubernetesVersion: "1.26"' >>cluster.yaml
	exits 5 verify csr.yaml cluster.yaml ca.crt
	has "$output" 'error KPKI-Q007'
}

@test "a common name is counted in characters" {
	make_pki
	named()
	{
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
			-nodes -keyout key -CA pki/ca.crt -CAkey pki/ca.key \
			-days 90 -out long.crt -utf8 -subj "/CN=$1" \
			-addext extendedKeyUsage=clientAuth \
			-addext basicConstraints=critical,CA:FALSE 2>/dev/null
	}
	named "$(printf 'ä%.0s' {1..40})"
	exits 0 verify --severity info pki/ca.crt long.crt
}

@test "RSA-PSS is taken as Go takes it" {
	local salt

	openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt \
		-days 90 -subj /CN=kubernetes 2>/dev/null \
		-addext keyUsage=critical,keyCertSign,cRLSign
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout key -out csr -subj /CN=eve 2>/dev/null
	pss()
	{
		openssl x509 -req -in csr -CA ca.crt -CAkey "$2" -days 60 \
			-set_serial 5 -sha256 -sigopt rsa_padding_mode:pss \
			-sigopt "rsa_pss_saltlen:$1" -out pss.crt \
			-extfile <(echo extendedKeyUsage=clientAuth) 2>/dev/null
	}
	pss 32 ca.key
	exits 0 verify --severity warning ca.crt pss.crt
	pss 20 ca.key
	exits 5 verify --json ca.crt pss.crt
	is "$(ids)" "KPKI-C026 "
	openssl genrsa -out other.key 2048 2>/dev/null
	openssl req -x509 -key other.key -out other.crt -days 90 \
		-subj /CN=kubernetes 2>/dev/null
	openssl x509 -req -in csr -CA other.crt -CAkey other.key -days 60 \
		-set_serial 5 -sha256 -sigopt rsa_padding_mode:pss \
		-sigopt rsa_pss_saltlen:32 -out pss.crt \
		-extfile <(echo extendedKeyUsage=clientAuth) 2>/dev/null
	exits 5 verify --json ca.crt pss.crt
	has "$(ids)" "KPKI-A001 "
}

@test "many CAs of one name are not all tried for each certificate" {
	local i start

	make_pki
	kpki kubeconfig eve --quiet --out eve.conf
	sed -n 's/.*client-certificate-data: "\(.*\)"/\1/p' eve.conf |
		base64 -d >eve.crt
	mkdir tree
	openssl ecparam -name prime256v1 -genkey -noout -out key
	printf '%s\n' '[req]' string_mask=default distinguished_name=d '[d]' >cnf
	for i in {1..150}; do
		openssl req -x509 -config cnf -key key -subj /CN=kubernetes \
			-days 90 -set_serial "$i" -addext subjectKeyIdentifier=hash \
			-addext basicConstraints=critical,CA:TRUE
	done >tree/ca.crt 2>/dev/null
	for i in {1..60}; do cp eve.crt "tree/$i.crt"; done
	start=$(date +%s)
	exits 5 verify --json tree
	has "$(ids)" KPKI-A001
	(($(date +%s) - start < 20))
	# Its own CA is found among them, for its key is known by name.
	cat pki/ca.crt >>tree/ca.crt
	exits 0 verify --json tree
	lacks "$(ids)" KPKI-A001
}

@test "the list of rules is the table" {
	exits 0 verify --list-rules --json
	(($(jq '.items | length' <<<"$output") >= 60))
	is "$(jq -r '.items[].id' <<<"$output" | sort | uniq -d)" ""
	is "$(jq -r '.items[].id' <<<"$output" | grep -vcE \
		'^KPKI-[ACFKNQRT][0-9]{3}$')" 0
	jq -e 'all(.items[]; .title and .meaning and .mend and .source)' \
		<<<"$output"
}
