#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki init-ca: a PKI directory, a CA, or neither.

load helper
load pki

imports() # STATUS CERTIFICATE KEY
{
	exits "$1" init-ca --import-cert "$2" --import-key "$3"
}

# It was refused with this, and nothing is there.
nothing_came_of_it()
{
	is "$output" ""
	has "$stderr" "$1"
	is "${#stderr_lines[@]}" 1
	[ ! -e pki ]
	[ -z "$(find . -name '.kpki*')" ]
}

@test "init-ca makes the directory, says so, and says the same again" {
	exits 0 init-ca
	is "$stderr" ""
	local first=$output before
	before=$(picture pki)

	is "$(find pki -printf '%P %M\n' | sort)" " drwx------
.lock -rw-------
ca.crt -rw-r--r--
ca.key -rw-------
cluster.yaml -rw-r--r--
ledger.db -rw-------
ledger.db-journal -rw-------"
	is "${lines[0]}" "STATUS       issued"
	is "${lines[1]}" "PATH         pki"
	is "${lines[2]}" "SUBJECT      CN=kubernetes"

	exits 0 init-ca
	is "$stderr" ""
	is "$output" "${first/issued/unchanged}"
	is "$(picture pki)" "$before"
}

@test "what is printed is what the certificate says" {
	local fingerprint pin end

	exits 0 init-ca
	fingerprint=$(certificate pki/ca.crt -fingerprint -sha256)
	fingerprint=${fingerprint#*=}
	fingerprint=${fingerprint//:/}
	is "${lines[3]}" "FINGERPRINT  ${fingerprint,,}"
	pin=$(certificate pki/ca.crt -pubkey |
		openssl pkey -pubin -outform DER | sha256sum)
	is "${lines[4]}" "PIN          sha256:${pin%% *}"
	end=$(certificate pki/ca.crt -enddate)
	is "${lines[5]}" \
		"EXPIRES      $(date -u -d "${end#*=}" +%Y-%m-%dT%H:%M:%SZ)"
	is "${#lines[@]}" 6
}

@test "the CA certificate is what every component takes for a CA" {
	make_pki
	is "$(extension pki/ca.crt basicConstraints)" \
		"X509v3 Basic Constraints: critical
    CA:TRUE"
	is "$(extension pki/ca.crt keyUsage)" \
		"X509v3 Key Usage: critical
    Digital Signature, Certificate Sign, CRL Sign"
	has "$(extension pki/ca.crt subjectKeyIdentifier)" ":"
	lacks "$(certificate pki/ca.crt -text)" "Extended Key Usage"
	has "$(certificate pki/ca.crt -text)" "Version: 3 (0x2)"
	is "$(certificate pki/ca.crt -subject -issuer)" "subject=CN=kubernetes
issuer=CN=kubernetes"
	[[ $(certificate pki/ca.crt -serial) =~ ^serial=[0-9A-F]{32,40}$ ]]
	openssl verify -x509_strict -CAfile pki/ca.crt pki/ca.crt
}

@test "serials of CAs are positive and never the same" {
	local i serials=

	for i in 1 2 3 4 5 6 7 8; do
		kpki init-ca --quiet --dir "pki$i"
		serials+=$(certificate "pki$i/ca.crt" -serial)$'\n'
	done
	lacks "$serials" -
	is "$(sort -u <<<"$serials" | grep -c =)" 8
}

@test "ca.crt is one certificate and ca.key PKCS#8, without text around them" {
	make_pki
	is "$(sed -n '1p;$p' pki/ca.crt)" "-----BEGIN CERTIFICATE-----
-----END CERTIFICATE-----"
	is "$(grep -c -e ----- pki/ca.crt)" 2
	is "$(sed -n '1p;$p' pki/ca.key)" "-----BEGIN PRIVATE KEY-----
-----END PRIVATE KEY-----"
	is "$(grep -c -e ----- pki/ca.key)" 2
	is "$(openssl pkey -in pki/ca.key -pubout)" \
		"$(certificate pki/ca.crt -pubkey)"
}

@test "the CA lives ten years, or as long as it is told, from a bit ago" {
	local begin end now

	make_pki
	now=$(date +%s)
	begin=$(certificate pki/ca.crt -startdate)
	begin=$(date -d "${begin#*=}" +%s)
	end=$(certificate pki/ca.crt -enddate)
	end=$(date -d "${end#*=}" +%s)
	((now - begin >= 300 && now - begin < 420))
	((end - now > 3649 * 86400 && end - now <= 3650 * 86400))

	exits 0 init-ca --dir days --ca-validity 90d
	end=$(certificate days/ca.crt -enddate)
	end=$(date -d "${end#*=}" +%s)
	((end - now >= 90 * 86400 && end - now < 90 * 86400 + 60))

	exits 0 init-ca --dir time --ca-validity 2099-12-31T12:00:00+02:00
	is "${lines[5]}" "EXPIRES      2099-12-31T10:00:00Z"
	is "$(certificate time/ca.crt -enddate)" \
		"notAfter=Dec 31 10:00:00 2099 GMT"
}

@test "every key type that Kubernetes takes for a CA makes one" {
	local type wanted

	while read -r type wanted; do
		exits 0 init-ca --dir "$type" --key-type "$type"
		has "$(certificate "$type/ca.crt" -text)" "$wanted"
		has "$(extension "$type/ca.crt" keyUsage)" \
			"    Digital Signature, Certificate Sign, CRL Sign"
		has "$(<"$type/cluster.yaml")" "keyType: \"$type\""
		openssl verify -CAfile "$type/ca.crt" "$type/ca.crt"
	done <<-END
		ecdsa-p256 ASN1 OID: prime256v1
		ecdsa-p384 ASN1 OID: secp384r1
		rsa-2048 Public-Key: (2048 bit)
		rsa-3072 Public-Key: (3072 bit)
		rsa-4096 Public-Key: (4096 bit)
	END
	exits 4 init-ca --key-type ed25519
	nothing_came_of_it 'CA key of type "ed25519"'
}

@test "the cluster file has what was asked, with a comment on each key" {
	exits 0 init-ca --cluster prod-1 --server https://api.example:6443/ \
		--common-name 'Prod CA' --validity 90d --dns-domain prod.example \
		--service-cidr 172.20.0.0/16,fd00:10::/112 --layout pem \
		--kubernetes-version v1.31.2 --signing in-cluster
	is "$(certificate pki/ca.crt -subject)" "subject=CN=Prod CA"
	is "$(grep -v -e '^#' -e '^$' pki/cluster.yaml)" \
		'apiVersion: kpki/v1
kind: Cluster
name: "prod-1"
kubernetesVersion: "1.31.2"
server: "https://api.example:6443"
dnsDomain: "prod.example"
serviceCIDRs:
  - "172.20.0.0/16"
  - "fd00:10::/112"
signing: "in-cluster"
layout: "pem"
keyType: "ecdsa-p256"
validity: "90d"'
	(($(grep -c '^# ' pki/cluster.yaml) >= 10))
	# What was asked is the same thing again, spelled as it was or not.
	exits 0 init-ca --server https://api.example:6443 --validity 2160h \
		--service-cidr 172.20.0.0/16,fd00:10:0::/112 \
		--kubernetes-version 1.31.2
	is "${lines[0]}" "STATUS       unchanged"
}

@test "an existing CA is refused when the options say something else" {
	local option value was before

	make_pki
	before=$(picture pki)
	while read -r option value was; do
		exits 4 init-ca "$option" "$value"
		is "$output" ""
		has "$stderr" "\"pki\": has a CA already, and $option"
		has "$stderr" "is \"$was\", not \"$value\""
		is "${#stderr_lines[@]}" 1
		is "$(picture pki)" "$before"
	done <<-END
		--cluster prod kubernetes
		--server https://other.example:6443 $server
		--common-name root kubernetes
		--key-type rsa-2048 ecdsa-p256
		--validity 2y 1y
		--dns-domain example.org cluster.local
		--service-cidr 10.0.0.0/16 10.96.0.0/12
		--kubernetes-version 1.30
		--signing in-cluster offline
		--layout pem kubeadm
	END
	exits 4 init-ca --ca-validity 2y
	has "$stderr" "has a CA already, and --ca-validity (its end) is \"20"
	# All differences at once.
	exits 4 init-ca --cluster prod --layout pem
	has "$stderr" '--cluster is "kubernetes", not "prod"; --layout is'
	is "$(picture pki)" "$before"
	# What is the same is no difference.
	exits 0 init-ca --server "$server" --ca-validity 10y --key-type ecdsa-p256
	is "$(picture pki)" "$before"
}

@test "a server is added to the cluster file later" {
	kpki init-ca --quiet
	exits 3 node-bundle w1
	is "$stderr" 'kpki node-bundle: pki/cluster.yaml: key "server": missing, and a kubeconfig needs it (https://HOST:PORT)'
	[ ! -e bundles ]
	sed -i "s|^#server: .*|server: $server|" pki/cluster.yaml
	exits 0 node-bundle w1
	has "$(<bundles/w1/etc/kubernetes/kubelet.conf)" "server: \"$server\""
	exits 0 init-ca --server "$server"
}

@test "the directory is --dir, else \$KPKI_DIR, else ./pki" {
	export KPKI_DIR=from-environment
	exits 0 init-ca
	is "${lines[1]}" "PATH         from-environment"
	exits 0 --dir before init-ca
	exits 0 init-ca --dir after
	exits 0 init-ca -d letter
	is "$(echo */ca.key)" \
		"after/ca.key before/ca.key from-environment/ca.key letter/ca.key"
	KPKI_DIR= exits 0 init-ca
	[ -e pki/ca.key ]
}

@test "an empty directory becomes one, anything else stays as it is" {
	mkdir pki
	exits 0 init-ca
	is "$(mode pki)" 700

	mkdir full
	echo mine >full/notes
	exits 4 init-ca --dir full
	has "$stderr" '"full": is not empty, and without "ca.crt" it is no PKI directory'
	is "$(ls -A full)" notes

	mkdir half
	cp pki/ca.crt pki/ca.key half
	exits 4 init-ca --dir half
	has "$stderr" '"half": is not empty, and without "cluster.yaml"'
	is "$(echo half/*)" "half/ca.crt half/ca.key"

	echo text >file
	exits 4 init-ca --dir file
	is "$(<file)" text
	exits 1 init-ca --dir missing/pki
	has "$stderr" "No such file or directory"
	[ ! -e missing ]
}

@test "a key file that is there already is never written into" {
	mkdir -p pki
	touch pki/ca.key
	chmod 644 pki/ca.key
	exits 4 init-ca
	is "$(stat -c '%a %s' pki/ca.key)" "644 0"
	is "$(ls -A pki)" ca.key
}

@test "a link in place of the directory is not followed into another" {
	mkdir target
	ln -s nowhere pki
	exits 1 init-ca
	has "$stderr" "Not a directory"
	is "$output" ""
	[ ! -e nowhere ]
}

@test "where nothing may be written, nothing is, and the status is 1" {
	mkdir closed
	chmod 555 closed
	as_nobody init-ca --dir closed/pki
	is "$status" 1
	has "$stderr" "Permission denied"
	is "$output" ""
	is "$(ls -A closed)" ""
}

@test "what a killed init-ca left is removed by the next" {
	mkdir -m 700 .kpki-init-0123456789abcdef
	touch .kpki-init-0123456789abcdef/ca.key
	mkdir -m 755 .kpki-init-not-ours
	exits 0 init-ca
	is "$(echo .kpki* pki/*.key)" ".kpki-init-not-ours pki/ca.key"
}

@test "of two at once one makes the CA and the other says unchanged" {
	local i

	for i in 1 2 3 4 5 6; do
		kpki init-ca >"out$i" 2>&1 &
	done
	all_succeed
	is "$(cat out? | grep -c 'STATUS  *issued')" 1
	is "$(cat out? | grep -c 'STATUS  *unchanged')" 5
	is "$(cat out? | grep PIN | sort -u | wc -l)" 1
	is "$(rows)" 1
}

@test "the CA's own certificate is in the ledger" {
	make_pki
	exits 0 list --json
	is "$(json '.items | length')" 1
	is "$(json '.items[0] | .profile, .status, .subject')" "ca
live
CN=kubernetes"
	is "$(json '.items[0].serial | ascii_upcase')" \
		"$(certificate pki/ca.crt -serial | sed 's/.*=//')"
}

@test "--json is one object, for what was done and for what was not" {
	exits 0 init-ca --json
	is "$(json .apiVersion)" kpki/v1
	is "$(json .kind)" InitCAReport
	is "$(json '.items | length')" 1
	is "$(json '.items[0].status')" issued
	is "$(json '.items[0].path')" pki
	[[ $(json '.items[0].pin') =~ ^sha256:[0-9a-f]{64}$ ]]
	[[ $(json '.items[0].fingerprint') =~ ^[0-9a-f]{64}$ ]]
	[[ $(json '.items[0].notAfter') =~ ^20..-..-..T..:..:..Z$ ]]
	is "$(json .error)" null
	exits 0 init-ca --json
	is "$(json '.items[0].status')" unchanged
	exits 4 init-ca --json --cluster other
	is "$(json .error.code)" 4
	has "$(json .error.message)" '--cluster is "kubernetes", not "other"'
	is "$(json '.items | length')" 0
	exits 2 init-ca --json --server ftp://x
	is "$(json .error.code)" 2
	exits 1 init-ca --json --dir missing/pki
	is "$(json .error.code)" 1
	exits 3 init-ca --json --dir x --import-cert pki/ca.key \
		--import-key pki/ca.key
	is "$(json .error.code)" 3
	[ ! -e x ]
}

@test "--quiet says nothing, a full standard output is a failure that heals" {
	exits 0 init-ca --quiet
	is "$output$stderr" ""
	run --separate-stderr sh -c '"$KPKI" init-ca --dir full >/dev/full'
	is "$status" 1
	has "$stderr" "standard output"
	exits 0 init-ca --dir full
	is "${lines[0]}" "STATUS       unchanged"
}

# -- importing --

@test "a CA from elsewhere is taken with its key in any usual encoding" {
	make_other_ca 30 "${p256[@]}"
	openssl ec -in other.key -out sec1.key 2>/dev/null
	has "$(<sec1.key)" "BEGIN EC PRIVATE KEY"
	local key

	for key in other.key sec1.key; do
		exits 0 init-ca --dir "$key.pki" --import-cert other.crt \
			--import-key "$key"
		is "${lines[2]}" "SUBJECT      CN=other-ca,O=Elsewhere"
		is "$(<"$key.pki/ca.crt")" "$(<other.crt)"
		is "$(sed 1q "$key.pki/ca.key")" "-----BEGIN PRIVATE KEY-----"
		is "$(mode "$key.pki/ca.key")" 600
		is "$(openssl pkey -in "$key.pki/ca.key" -pubout)" \
			"$(openssl pkey -in other.key -pubout)"
	done
	# The same again is unchanged.
	exits 0 init-ca --dir other.key.pki --import-cert other.crt \
		--import-key sec1.key
	is "${lines[0]}" "STATUS       unchanged"
	exits 4 init-ca --import-cert other.crt --import-key other.key \
		--dir other.key.pki --cluster other
}

@test "an RSA CA from elsewhere is taken, PKCS#1 and PKCS#8" {
	make_other_ca 30 -algorithm RSA -pkeyopt rsa_keygen_bits:2048
	openssl rsa -in other.key -traditional -out pkcs1.key 2>/dev/null
	has "$(<pkcs1.key)" "BEGIN RSA PRIVATE KEY"
	imports 0 other.crt pkcs1.key
	exits 0 init-ca --dir two --server "$server" --import-cert other.crt \
		--import-key other.key
	cmp pki/ca.key two/ca.key
	# It signs, and the server of its cluster is its own.
	exits 0 --dir two node-bundle w1
	openssl verify -x509_strict -CAfile other.crt \
		bundles/w1/var/lib/kubelet/pki/kubelet.crt
	is "$(certificate bundles/w1/var/lib/kubelet/pki/kubelet.crt -issuer)" \
		"$(certificate other.crt -subject | sed s/subject/issuer/)"
}

@test "text around an imported certificate and key is left behind" {
	make_other_ca 30 "${p256[@]}"
	{ openssl x509 -in other.crt -text; echo bye; } >texted.crt
	{ echo "Key of the lab"; cat other.key; echo; } >texted.key
	imports 0 texted.crt texted.key
	is "$(<pki/ca.crt)" "$(<other.crt)"
	is "$(sed 1q pki/ca.key)" "-----BEGIN PRIVATE KEY-----"
}

@test "a CA that cannot sign here is not imported" {
	make_other_ca 30 "${p256[@]}"
	cp other.crt good.crt
	cp other.key good.key

	make_other_ca 30 "${p256[@]}"
	imports 3 good.crt other.key
	nothing_came_of_it "CA key: not the key of the certificate"
	imports 3 good.key good.crt
	nothing_came_of_it '"good.key"'
	cat good.crt other.crt >two.crt
	imports 3 two.crt good.key
	nothing_came_of_it '"two.crt"'
	openssl pkey -in good.key -traditional -aes256 -passout pass:secret \
		-out sealed.key
	imports 3 good.crt sealed.key
	nothing_came_of_it '"sealed.key": '
	has "$stderr" encrypted
	lacks "$stderr" secret
	openssl x509 -in good.crt -outform DER -out good.der
	imports 3 good.der good.key
	nothing_came_of_it '"good.der"'
	: >empty
	imports 3 empty good.key
	nothing_came_of_it '"empty"'
	imports 3 good.crt empty
	nothing_came_of_it '"empty"'
	sed 's/^\(MI..\)..../\1AAAA/' good.crt >broken.crt
	imports 3 broken.crt good.key
	nothing_came_of_it '"broken.crt"'
	head -c 100000 /dev/zero | tr '\0' x >big.crt
	imports 3 big.crt good.key
	nothing_came_of_it big.crt
	imports 1 nowhere good.key
	nothing_came_of_it nowhere
	imports 3 good.crt .
	nothing_came_of_it 'file ".": not a regular file'
}

@test "a certificate that is no CA, or may not sign, is not imported" {
	openssl genpkey -quiet "${p256[@]}" -out k
	self_signed() # NAME REQ-ARGUMENT...
	{
		openssl req -x509 -new -key k -subj /CN=x -days 30 \
			-out "$1" "${@:2}"
	}
	printf '[req]\ndistinguished_name=d\n[d]\n' >bare.cnf
	self_signed leaf -config bare.cnf \
		-addext basicConstraints=critical,CA:FALSE
	imports 3 leaf k
	nothing_came_of_it "not of a CA (RFC 5280, 4.2.1.9)"
	self_signed nothing -config bare.cnf
	imports 3 nothing k
	nothing_came_of_it '"nothing": CA certificate'
	self_signed unsigning -config bare.cnf \
		-addext basicConstraints=critical,CA:TRUE \
		-addext keyUsage=critical,digitalSignature,cRLSign
	imports 3 unsigning k
	nothing_came_of_it "may not sign certificates (RFC 5280, 4.2.1.3)"
	self_signed narrow -config bare.cnf \
		-addext basicConstraints=critical,CA:TRUE \
		-addext extendedKeyUsage=clientAuth
	imports 3 narrow k
	nothing_came_of_it "has an extKeyUsage"
}

@test "a CA that is expired or not yet valid is not imported" {
	openssl genpkey -quiet "${p256[@]}" -out k
	dated() # NAME FROM TO
	{
		printf '%s\n' 'cn = x' ca cert_signing_key \
			"activation_date = \"$2\"" \
			"expiration_date = \"$3\"" >template
		certtool --generate-self-signed --load-privkey k --no-text \
			--template template --outfile "$1"
	}
	dated expired "2020-01-01 00:00:00 UTC" "2021-01-01 00:00:00 UTC"
	exits 3 init-ca --dir x --import-cert expired --import-key k
	has "$stderr" "CA certificate: expired at 2021-01-01T00:00:00Z"
	dated future "2099-01-01 00:00:00 UTC" "2099-12-31 00:00:00 UTC"
	exits 3 init-ca --dir x --import-cert future --import-key k
	has "$stderr" "CA certificate: not valid before 2099-01-01T00:00:00Z"
	[ ! -e x ]
}

@test "an Ed25519 CA is refused, because Kubernetes cannot use it" {
	make_other_ca 30 -algorithm ED25519
	imports 4 other.crt other.key
	nothing_came_of_it 'CA key of type "ed25519"'
}

@test "a short RSA key is refused" {
	make_other_ca 30 -algorithm RSA -pkeyopt rsa_keygen_bits:1024
	imports 3 other.crt other.key
	nothing_came_of_it "shorter than 2048 bits"
}
