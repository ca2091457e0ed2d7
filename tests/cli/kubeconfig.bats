#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki kubeconfig.

load helper
load pki

# What kubectl makes of it.
config() # FILE JSONPATH
{
	KUBECONFIG=$1 kubectl config view --raw -o jsonpath="$2"
}

# The client certificate of a kubeconfig, as a file.
client() # FILE
{
	config "$1" '{.users[0].user.client-certificate-data}' |
		base64 -d >client.crt
	echo client.crt
}

subject() # FILE
{
	certificate "$(client "$1")" -subject
}

# Hours from now until a certificate ends, rounded up.
hours()
{
	local end

	end=$(certificate "$1" -enddate)
	echo $((($(date -ud "${end#*=}" +%s) - $(date +%s) + 3599) / 3600))
}

status_of() # PROFILE NAME
{
	kpki list --json | jq -r --arg profile "$1" --arg name "$2" '.items[] |
		select(.profile == $profile and .node == $name) | .status'
}

@test "a user's has a key, a certificate, the CA and the server" {
	make_pki
	exits 0 kubeconfig alice --group dev --group ops
	is "$stderr" ""
	has "${lines[1]}" issued
	is "$(mode alice.kubeconfig)" 600
	is "$(subject alice.kubeconfig)" "subject=CN=alice,O=ops,O=dev"
	is "$(config alice.kubeconfig '{.current-context}')" alice@kubernetes
	is "$(config alice.kubeconfig '{.clusters[0].cluster.server}')" "$server"
	is "$(config alice.kubeconfig \
		'{.clusters[0].cluster.certificate-authority-data}' |
		base64 -d)" "$(<pki/ca.crt)"
	config alice.kubeconfig '{.users[0].user.client-key-data}' |
		base64 -d >key
	is "$(openssl pkey -in key -pubout)" "$(certificate client.crt -pubkey)"
	openssl verify -CAfile pki/ca.crt -purpose sslclient client.crt
	run ! openssl verify -CAfile pki/ca.crt -purpose sslserver client.crt
	is "$(extension client.crt keyUsage | tail -n 1 | tr -d ' ')" \
		DigitalSignature
	is "$(extension client.crt extendedKeyUsage | tail -n 1 | tr -d ' ')" \
		TLSWebClientAuthentication
	run ! grep -c . <(extension client.crt subjectAltName 2>/dev/null)
	run ! compgen -G '.kpki-*'
}

@test "a second run changes nothing" {
	make_pki
	kpki kubeconfig -q alice --group dev
	local before
	before=$(picture alice.kubeconfig pki/ca.crt)
	exits 0 kubeconfig alice --group dev --json
	is "$(json .kind)" KubeconfigReport
	is "$(json '.items[0].status')" unchanged
	is "$(json '.items[0].groups[0]')" dev
	is "$(json '.items[0].path')" alice.kubeconfig
	is "$(picture alice.kubeconfig pki/ca.crt)" "$before"
	is "$(rows)" 2
	# nor does it when kubectl has written the file again
	KUBECONFIG=alice.kubeconfig kubectl config set-context --current \
		--namespace work
	exits 0 kubeconfig alice --group dev
	has "${lines[1]}" unchanged
}

@test "what differs is named, and issued anew when told" {
	make_pki
	kpki kubeconfig -q alice --group dev
	local before
	before=$(picture alice.kubeconfig)
	exits 4 kubeconfig alice --group ops
	has "$stderr" 'user "alice": differs: the subject is "CN=alice,O=dev", not "CN=alice,O=ops"; --reissue issues it anew'
	has "${lines[1]}" refused
	exits 4 kubeconfig alice --group dev --server https://lb.example
	has "$stderr" "the server was \"$server\" and is \"https://lb.example\" now"
	is "$(picture alice.kubeconfig)" "$before"
	exits 0 kubeconfig alice --group ops --server https://lb.example:8443 \
		--reissue
	is "$(subject alice.kubeconfig)" "subject=CN=alice,O=ops"
	is "$(config alice.kubeconfig '{.clusters[0].cluster.server}')" \
		https://lb.example:8443
	is "$(status_of kube-apiserver-client alice | sort | paste -sd ' ')" \
		"live superseded"
	run ! compgen -G '.kpki-*'
}

@test "another CA is a difference" {
	make_pki
	kpki kubeconfig -q alice
	mkdir other
	make_pki --dir other/pki
	mv other/pki/ca.* pki
	exits 3 kubeconfig alice
	has "$stderr" "does not know this CA"
}

@test "a file that is gone cannot be made again" {
	make_pki
	kpki kubeconfig -q alice
	mv alice.kubeconfig elsewhere
	exits 4 kubeconfig alice
	has "$stderr" "its file is not here; its key was not kept: --reissue"
	exits 0 kubeconfig alice --out elsewhere
	has "${lines[1]}" unchanged
	exits 0 kubeconfig alice --reissue
	exits 4 kubeconfig alice --out elsewhere
	has "$stderr" "what is in its place is another"
}

@test "nothing gives way that is another's" {
	make_pki
	kpki kubeconfig -q alice
	kpki kubeconfig -q alice --break-glass
	local before out
	echo text >text
	mkdir directory
	ln -s alice.kubeconfig link
	printf 'client-certificate-data: "%s"\n' "$(base64 -w0 pki/ca.crt)" >ca
	before=$(picture [!s]*)
	for out in alice.kubeconfig alice-break-glass.kubeconfig text directory \
		link ca; do
		exits 4 kubeconfig bob --out $out
		has "$stderr" "\"$out\": is there, and is no kubeconfig that was issued for \"bob\" as kube-apiserver-client"
		exits 4 kubeconfig bob --out $out --reissue
	done
	exits 4 kubeconfig alice --out alice-break-glass.kubeconfig --reissue
	is "$(picture [!s]*)" "$before"
	is "$(rows)" 3
}

@test "one that has expired gives way by itself" {
	make_pki
	kpki kubeconfig -q alice --validity 2s
	sleep 3
	exits 0 kubeconfig alice
	has "${lines[1]}" issued
	is "$(mode alice.kubeconfig)" 600
	(($(hours "$(client alice.kubeconfig)") > 8000))
}

@test "nobody is what Kubernetes keeps for itself" {
	make_pki
	local name
	for name in system:admin system:node:w1 system: \
		system:serviceaccount:kube-system:default; do
		exits 4 kubeconfig $name --out new
		has "$stderr" "user \"$name\": an identity of Kubernetes' own"
		exits 4 kubeconfig $name --break-glass --out new
		exits 4 kubeconfig $name --profile admin --out new
	done
	for name in system:masters system:nodes system:authenticated system:; do
		exits 4 kubeconfig alice --group $name --out new
		has "$stderr" "group \"$name\": an identity of Kubernetes' own"
		exits 4 kubeconfig alice --group dev --group $name --profile \
			admin --out new
	done
	[[ ! -e new ]]
	is "$(rows)" 1
	# a name is a user's, whatever it looks like
	exits 0 kubeconfig alice@example.org --group 'System:masters'
	exits 0 kubeconfig 'Ålice Ö' --group 'the team'
	is "$(kpki list --json | jq -r '.items[-1].node')" 'Ålice Ö'
}

@test "break-glass is for hours, and the ledger says so" {
	make_pki
	exits 0 kubeconfig bob --break-glass
	is "$(subject bob-break-glass.kubeconfig)" "subject=CN=bob,O=system:masters"
	is "$(hours client.crt)" 8
	is "$(status_of break-glass bob)" live
	exits 0 kubeconfig eve --break-glass --validity 1h
	client eve-break-glass.kubeconfig
	is "$(hours client.crt)" 1
	# it is beside what the user has else
	exits 0 kubeconfig bob --group dev
	exits 0 kubeconfig bob --break-glass
	has "${lines[1]}" unchanged
	exits 2 kubeconfig bob --break-glass --group dev
	exits 2 kubeconfig bob --break-glass --profile admin
	exits 2 kubeconfig bob --break-glass --print-rbac view
	# no request is signed as one
	openssl req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		-keyout eve.key -out eve.csr -subj /O=system:masters/CN=eve
	local profile
	for profile in break-glass admin kube-proxy; do
		exits 2 sign eve.csr --user eve --profile $profile --out signed
	done
}

@test "an admin's rights come from a binding" {
	make_pki
	exits 0 kubeconfig carol --profile admin --group ops
	is "$(subject carol-admin.kubeconfig)" \
		"subject=CN=carol,O=ops,O=kubeadm:cluster-admins"
	is "$(status_of kube-apiserver-admin carol)" live
	has "$(kpki rbac --control-plane)" 'name: "kubeadm:cluster-admins"'
}

@test "kube-proxy has one on each node" {
	make_pki
	exits 0 kubeconfig worker-1 --profile kube-proxy
	exits 0 kubeconfig worker-2 --profile kube-proxy
	is "$(subject worker-1-kube-proxy.kubeconfig)" \
		"subject=CN=system:kube-proxy,O=system:node-proxier"
	is "$(config worker-1-kube-proxy.kubeconfig '{.users[0].name}')" \
		system:kube-proxy
	is "$(status_of kube-proxy worker-1)" live
	is "$(status_of kube-proxy worker-2)" live
	exits 2 kubeconfig worker-1 --profile kube-proxy --group dev
	exits 2 kubeconfig worker-1 --profile kube-proxy --print-rbac view
	exits 3 kubeconfig Worker_1 --profile kube-proxy
}

@test "a component speaks to the server of its own host when told" {
	make_pki
	local name
	for name in controller-manager scheduler; do
		exits 0 kubeconfig cp-1 --profile $name \
			--server https://10.0.0.2:6443
		is "$(subject cp-1-$name.kubeconfig)" \
			"subject=CN=system:kube-$name"
		is "$(config cp-1-$name.kubeconfig \
			'{.clusters[0].cluster.server}')" https://10.0.0.2:6443
		is "$(status_of $name cp-1)" live
	done
}

@test "--print-rbac prints what gives the rights" {
	make_pki
	exits 0 kubeconfig alice --group dev --group ops --print-rbac view
	has "$stderr" issued
	echo "$output" >rbac.yaml
	is "$(grep -c '^kind: "ClusterRoleBinding"' rbac.yaml)" 2
	has "$output" 'name: "kpki:view:group:dev"'
	has "$output" 'name: "kpki:view:group:ops"'
	has "$output" 'name: "view"'
	# a user without a group is bound alone; a run that changes nothing
	# prints the same
	exits 0 kubeconfig bob --print-rbac edit
	has "$output" 'kind: "User"'
	has "$output" 'name: "kpki:edit:user:bob"'
	local first=$output
	exits 0 kubeconfig bob --print-rbac edit
	is "$output" "$first"
	has "$stderr" unchanged
	exits 0 kubeconfig carol --profile admin --print-rbac cluster-admin
	has "$output" 'name: "kpki:cluster-admin:group:kubeadm:cluster-admins"'
	exits 2 kubeconfig dan --print-rbac view --json
	exits 2 kubeconfig dan --print-rbac a/b
	exits 2 kubeconfig dan --group a/b --print-rbac view
	has "$stderr" 'group "a/b": empty, or has a "/" or "%"'
	[[ ! -e dan.kubeconfig ]]
	# what was not issued gets no rights
	exits 4 kubeconfig alice --group other --print-rbac view
	is "$output" ""
}

@test "key types and lifetimes are as told" {
	make_pki
	local type want
	for type in ecdsa-p256 ecdsa-p384 rsa-2048 ed25519; do
		exits 0 kubeconfig $type --key-type $type
		case $type in
		ecdsa-p256) want=P-256 ;;
		ecdsa-p384) want=P-384 ;;
		rsa-2048) want='2048 bit' ;;
		*) want=ED25519 ;;
		esac
		has "$(certificate "$(client $type.kubeconfig)" -text)" "$want"
		openssl verify -CAfile pki/ca.crt -purpose sslclient client.crt
	done
	exits 2 kubeconfig x --key-type dsa
	exits 2 kubeconfig x --validity never
	exits 4 kubeconfig x --validity 20y
	has "$stderr" "after the CA"
	exits 2 kubeconfig x --server http://api
	kpki init-ca -q --dir bare
	exits 3 kubeconfig x --dir bare
	has "$stderr" bare/cluster.yaml
	[[ ! -e x.kubeconfig ]]
}

@test "its key goes nowhere but to a new file" {
	make_pki
	exits 2 kubeconfig alice --out -
	has "$stderr" "a private key goes to a file"
	exits 2 kubeconfig a/b
	has "$stderr" '--out says where'
	exits 0 kubeconfig a/b --out new/ab
	is "$(mode new)" 700
	is "$(mode new/ab)" 600
	umask 000
	exits 0 kubeconfig alice
	is "$(mode alice.kubeconfig)" 600
	exits 0 kubeconfig bob --quiet
	is "$output$stderr" ""
}

@test "twins at the same time make one" {
	make_pki
	local i
	for i in 1 2 3 4 5 6; do
		kpki kubeconfig alice --group dev --json >out$i 2>&1 &
	done
	all_succeed
	is "$(cat out? | grep -c '"status":"issued"')" 1
	is "$(cat out? | grep -c '"status":"unchanged"')" 5
	is "$(rows)" 2
}

@test "a file that says otherwise is not unchanged, and what differs is named" {
	local change words

	make_pki
	kpki init-ca -q --dir other --server "$server"
	kpki kubeconfig -q t1
	cp t1.kubeconfig kept
	while IFS=$'\t' read -r change words; do
		cp --remove-destination kept t1.kubeconfig
		eval "$change"
		exits 4 kubeconfig t1
		has "$output" "$words"
	done <<-'END'
		sed -i 's,server: .*,server: "https://evil.example",' t1.kubeconfig	its server is "https://evil.example"
		sed -i 's,client-key-data: .*,client-key-data: "AAAA",' t1.kubeconfig	its key is not the certificate's
		sed -i "s,authority-data: .*,authority-data: $(base64 -w 0 other/ca.crt)," t1.kubeconfig	its CA is another
		sed -i 's,current-context: .*,current-context: x,' t1.kubeconfig	its current context is of no cluster
		chmod 666 t1.kubeconfig	its mode is 0666
		echo '}' >>t1.kubeconfig	it cannot be read
	END
	cp --remove-destination kept t1.kubeconfig
	exits 0 kubeconfig t1
	has "$output" unchanged
	# the CA's certificate before is as good
	kpki renew -q --ca --same-key --validity 20y
	exits 0 kubeconfig t1
	chmod 666 t1.kubeconfig
	exits 0 kubeconfig t1 --reissue
	is "$(mode t1.kubeconfig)" 600
}

@test "a file that a full disk left empty gives way to its successor" {
	make_pki
	kpki kubeconfig -q t1
	: >t1.kubeconfig
	exits 4 kubeconfig t1
	has "$output" "--reissue makes another"
	exits 0 kubeconfig t1 --reissue
	grep -q current-context t1.kubeconfig
	: >t2.kubeconfig
	exits 4 kubeconfig t2
	has "$output" "move it away"
}

@test "what makes a cluster-admin has an option of its own" {
	make_pki
	exits 4 kubeconfig eve --group kubeadm:cluster-admins
	has "$stderr" "--profile admin"
	openssl req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		-keyout eve.key -subj /CN=eve/O=kubeadm:cluster-admins \
		-out eve.csr 2>/dev/null
	exits 4 sign eve.csr --profile kube-apiserver-client --user eve \
		--group kubeadm:cluster-admins \
		--out signed
	has "$output$stderr" "makes a cluster-admin"
	is "$(rows)" 1
	exits 0 kubeconfig eve --profile admin
	is "$(rows --profile kube-apiserver-admin)" 1
}

@test "a name that is too long for a file is said to be so" {
	local name

	make_pki
	name=$(printf 'a%.0s' {1..300})
	exits 1 kubeconfig "$name"
	has "$stderr" "File name too long"
	is "$(rows)" 1
}
