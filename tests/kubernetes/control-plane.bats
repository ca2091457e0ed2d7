#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A control plane of kpki's files alone: kubeadm takes them as they are, three
# members of etcd trust each other, and every component of Kubernetes runs on
# what kubeadm's manifests tell it, which is to read these files.

load cluster

hosts='cp-1 cp-2 cp-3'
pki=etc/kubernetes/pki

setup_file()
{
	export path=manual

	new_world && make_files && make_hosts && ask_kubeadm &&
		start_members && start_from_manifests && make_clients &&
		kpki rbac --control-plane | kubectl apply -f - &&
		start_worker
}

teardown_file()
{
	end_cluster
}

# Whom a cluster file names, with addresses of the loopback for everybody.
topology()
{
	local name i=2

	printf '%s\n' 'controlPlane:' '  bindPort: 6443' \
		'  certSANs: ["127.0.0.1"]' '  hosts:'
	for name in $hosts; do
		printf '  - name: %s\n    addresses: ["10.0.0.%d"]\n' \
			"$name" $((i++))
	done
}

make_files()
{
	kpki init-ca --quiet --server https://api.demo.example:6443 \
		--kubernetes-version 1.20.2 --key-type rsa-2048 &&
		topology >>pki/cluster.yaml &&
		kpki control-plane --quiet --with-admin-conf &&
		mkdir control &&
		cp control-plane/admin/admin.conf control/admin.conf
}

make_hosts()
{
	local name

	for name in $hosts; do
		install_bundle "$name" "control-plane/$name" || return
	done
}

# Paths, modes, times and contents.
picture()
{
	(cd "$1" && find . -printf '%p %M %l %s %C@\n' | sort &&
		find . -type f -exec sha256sum {} + | sort)
}

kubeadm_config()
{
	cat <<-'END'
		apiVersion: kubeadm.k8s.io/v1beta2
		kind: InitConfiguration
		localAPIEndpoint: {advertiseAddress: 10.0.0.2, bindPort: 6443}
		nodeRegistration: {name: cp-1, criSocket: /run/fake.sock}
		---
		apiVersion: kubeadm.k8s.io/v1beta2
		kind: ClusterConfiguration
		kubernetesVersion: v1.20.2
		clusterName: kubernetes
		controlPlaneEndpoint: api.demo.example:6443
		apiServer:
		  certSANs: ["127.0.0.1"]
		  extraArgs:
		    kubelet-certificate-authority: /etc/kubernetes/pki/ca.crt
		    enable-aggregator-routing: "true"
		    v: "3"
	END
}

# Runs kubeadm on a host: NAME ARGUMENT...
kubeadm_on()
{
	(on_node "$1" /kubernetes/kubeadm "${@:2}" --config /kubeadm.yaml)
}

# What kubeadm says of the files of a host, and what it makes where there are
# none.  Before it writes manifests, nothing may have changed.
ask_kubeadm()
{
	make_root own && install_bundle dated control-plane/cp-1 &&
		cp pki/ca.key nodes/dated/$pki && kubeadm_config |
		tee nodes/own/kubeadm.yaml nodes/dated/kubeadm.yaml \
			>nodes/cp-1/kubeadm.yaml || return
	picture nodes/cp-1/etc/kubernetes >before
	kubeadm_on cp-1 init phase certs all >certs.log 2>&1
	echo $? >certs.status
	kubeadm_on cp-1 init phase kubeconfig all >kubeconfig.log 2>&1
	echo $? >kubeconfig.status
	kubeadm_on dated certs check-expiration >expiration.log 2>&1
	echo $? >expiration.status
	picture nodes/cp-1/etc/kubernetes >after
	kubeadm_on cp-1 init phase control-plane all >manifests.log 2>&1 &&
		kubeadm_on own init phase certs all >own.log 2>&1 &&
		kubeadm_on own init phase kubeconfig all >>own.log 2>&1
}

# A member of etcd, as kubeadm would start it; peers find each other on the
# loopback, since what is sent to an address of this host comes from there: I
start_member()
{
	local name=cp-$1 at=10.0.0.$(($1 + 1)) peers local=

	peers=cp-1=https://127.0.0.1:12380,cp-2=https://127.0.0.1:22380
	peers+=,cp-3=https://127.0.0.1:32380
	(($1 > 1)) || local=https://127.0.0.1:2379,
	start "etcd-$name" etcd --name "$name" --data-dir "etcd-$name" \
		--logger zap --initial-cluster "$peers" \
		--listen-client-urls "${local}https://$at:2379" \
		--advertise-client-urls "https://$at:2379" \
		--listen-peer-urls "https://127.0.0.1:${1}2380" \
		--initial-advertise-peer-urls "https://127.0.0.1:${1}2380" \
		--cert-file "nodes/$name/$pki/etcd/server.crt" \
		--key-file "nodes/$name/$pki/etcd/server.key" \
		--trusted-ca-file "nodes/$name/$pki/etcd/ca.crt" \
		--client-cert-auth \
		--peer-cert-file "nodes/$name/$pki/etcd/peer.crt" \
		--peer-key-file "nodes/$name/$pki/etcd/peer.key" \
		--peer-trusted-ca-file "nodes/$name/$pki/etcd/ca.crt" \
		--peer-client-cert-auth
}

start_members()
{
	start_member 1 && start_member 2 && start_member 3 &&
		await 60 ask_etcd etcd/healthcheck-client endpoint health
}

# Asks all members with a pair of cp-1: PAIR ARGUMENT...
ask_etcd()
{
	local files=nodes/cp-1/$pki pair=$1

	shift
	ETCDCTL_API=3 timeout 20 etcdctl --cacert "$files/etcd/ca.crt" \
		--cert "$files/$pair.crt" --key "$files/$pair.key" \
		--endpoints "${endpoints:-https://10.0.0.2:2379,https://10.0.0.3:2379,https://10.0.0.4:2379}" \
		"$@"
}

# The command lines are read without a server: kubeadm writes one argument a
# line.
arguments_of()
{
	sed -nE 's/^    - (--.*)$/\1/p' \
		"nodes/cp-1/etc/kubernetes/manifests/$1.yaml"
}

start_from_manifest()
{
	local arguments

	mapfile -t arguments < <(arguments_of "$1")
	((${#arguments[@]} > 5)) || return
	start "$1" on_node cp-1 "/kubernetes/$1" "${arguments[@]}"
}

start_from_manifests()
{
	start_from_manifest kube-apiserver &&
		await 90 kubectl get --raw /readyz &&
		start_from_manifest kube-controller-manager &&
		start_from_manifest kube-scheduler
}

make_clients()
{
	kpki kubeconfig -q alice --group dev --print-rbac view >dev.yaml &&
		kpki kubeconfig -q bob --break-glass &&
		kpki kubeconfig -q carol --profile admin &&
		kpki kubeconfig -q worker-1 --profile kube-proxy
}

# The kubectl of somebody else: KUBECONFIG ARGUMENT...
as()
{
	timeout 30 "$bin/kubectl" --kubeconfig "$1" "${@:2}"
}

# A real kubelet, so that kube-apiserver meets its serving certificate.
start_worker()
{
	kpki node-bundle -q worker-1 --address 10.0.0.11 \
		--kubelet-config-base "$data/kubelet.yaml" &&
		install_bundle worker-1 && start_kubelet worker-1 &&
		await 90 is_ready worker-1
}

# -- kubeadm --

@test "kubeadm finds all certificates, as with an external CA, and makes none" {
	is "$(<certs.status)" 0
	[[ ! -e nodes/cp-1/$pki/ca.key ]]
	is "$(grep -c 'Using existing .* keyless certificate authority' \
		certs.log)" 3
	is "$(grep -c 'Using existing .* certificate and key on disk' \
		certs.log)" 7
	has "$(<certs.log)" 'Using existing sa keys'
	run ! grep -iE 'generating|warn' certs.log
	is "$(<after)" "$(<before)"
}

@test "kubeadm takes the kubeconfigs as they are" {
	local name

	is "$(<kubeconfig.status)" 0
	for name in admin kubelet controller-manager scheduler; do
		has "$(<kubeconfig.log)" \
			"External CA mode: Using user provided $name.conf"
	done
	run ! grep -iE 'warn|unexpected|generating' kubeconfig.log
}

# When a certificate ends, as kubeadm writes it.
end_of()
{
	date -ud "$(openssl x509 -noout -enddate | cut -d = -f 2)" \
		'+%b %d, %Y %H:%M UTC'
}

# kubeadm 1.20 loads the authority's key to show what is in a kubeconfig, so this
# host has it, as with --with-ca-key.
@test "kubeadm shows each certificate with kpki's dates" {
	local name file root=nodes/dated/etc/kubernetes

	is "$(<expiration.status)" 0
	for name in admin.conf controller-manager.conf scheduler.conf; do
		grep -E "^$name  *$(sed -nE \
			's/.*client-certificate-data: "?([^"]*)"?$/\1/p' \
			$root/$name | base64 -d | end_of) " \
			expiration.log || complain "$name" "$(<expiration.log)"
	done
	while read -r name file; do
		grep -E "^$name  *$(end_of <$root/pki/$file.crt) " \
			expiration.log || complain "$name" "$(<expiration.log)"
	done <<-'LIST'
		apiserver apiserver
		apiserver-etcd-client apiserver-etcd-client
		apiserver-kubelet-client apiserver-kubelet-client
		etcd-healthcheck-client etcd/healthcheck-client
		etcd-peer etcd/peer
		etcd-server etcd/server
		front-proxy-client front-proxy-client
		ca ca
		etcd-ca etcd/ca
		front-proxy-ca front-proxy-ca
	LIST
	run ! grep MISSING expiration.log
}

@test "what the manifests name is on the host" {
	local name file

	for name in kube-apiserver kube-controller-manager kube-scheduler; do
		arguments_of $name | grep -oE '/etc/kubernetes/[^ ,]+' >named
		[[ -s named ]]
		while read -r file; do
			[[ -s nodes/cp-1$file ]] || complain "$name" "$file"
		done <named
	done
	has "$(arguments_of kube-apiserver)" \
		--requestheader-client-ca-file=/etc/kubernetes/pki/front-proxy-ca.crt
}

# A certificate in lines "field: value", what it is called before each.
describe()
{
	local pem text

	pem=$(openssl x509)
	text=$(openssl x509 -noout -text -nameopt RFC2253 <<<"$pem")
	{
		sed -nE 's/^ *Subject: */subject: /p; s/^ *Issuer: */issuer: /p;
			s/^ *Version: ([0-9]).*/version: \1/p;
			s/.*Public-Key: \((.*)\)/key: \1/p;
			s/^    Signature Algorithm: /signature: /p' <<<"$text"
		sed -nE 's/^ *X509v3 (Key Usage|Extended Key Usage|Basic Constraints|Subject Key Identifier|Authority Key Identifier): ?(.*)$/\1:\2/p' \
			<<<"$text" | while IFS=: read -r name critical; do
			critical=${critical:+ $critical}
			case $name in
			*Identifier) echo "$name: there" ;;
			*) echo "$name:$critical $(grep -A1 "X509v3 $name:" \
				<<<"$text" | tail -n 1 | tr -d ' ')" ;;
			esac
		done
		openssl x509 -noout -ext subjectAltName <<<"$pem" 2>/dev/null |
			tail -n +2 | tr -d ' ' | tr , '\n' |
			sed 's/^IPAddress:/SAN IP: /; s/^DNS:/SAN DNS: /'
	} | sort | sed "s|^|$1: |"
}

# All certificates of a host's /etc/kubernetes.
describe_host()
{
	local root=nodes/$1/etc/kubernetes name

	for name in ca front-proxy-ca etcd/ca apiserver apiserver-etcd-client \
		apiserver-kubelet-client front-proxy-client etcd/server \
		etcd/peer etcd/healthcheck-client; do
		describe "$name" <"$root/pki/$name.crt"
	done
	for name in admin kubelet controller-manager scheduler; do
		sed -nE 's/.*client-certificate-data: "?([^"]*)"?$/\1/p' \
			"$root/$name.conf" | base64 -d | describe "$name.conf"
		sed -nE 's/^ *(server|current-context|user): "?([^"]*)"?$/\1: \2/p' \
			"$root/$name.conf" | sed "s|^|$name.conf |"
	done
}

# Each difference that is meant, and why:
#
# - An authority of kpki signs and revokes (cRLSign), and enciphers no keys.
# - A leaf says that it is no authority (RFC 5280, 4.2.1.9; kubeadm does since
#   1.22 as well) and has a subjectKeyIdentifier (4.2.1.2), by which chains are
#   built.
meant_differences()
{
	local name

	for name in ca front-proxy-ca etcd/ca; do
		echo "< $name: Key Usage: critical DigitalSignature,CertificateSign,CRLSign"
		echo "> $name: Key Usage: critical DigitalSignature,KeyEncipherment,CertificateSign"
	done
	for name in apiserver apiserver-etcd-client apiserver-kubelet-client \
		front-proxy-client etcd/server etcd/peer \
		etcd/healthcheck-client admin.conf kubelet.conf \
		controller-manager.conf scheduler.conf; do
		echo "< $name: Basic Constraints: critical CA:FALSE"
		echo "< $name: Subject Key Identifier: there"
	done
}

@test "field by field they are kubeadm's own, but for what is meant" {
	describe_host cp-1 >ours
	describe_host own >kubeadms
	(($(wc -l <ours) > 100))
	diff ours kubeadms | grep '^[<>]' | sort >differences || true
	diff <(meant_differences | sort) differences
}

# -- etcd --

@test "three members of etcd trust each other, and clients of their CA" {
	is "$(ask_etcd etcd/healthcheck-client member list |
		grep -c ', started, cp-')" 3
	ask_etcd apiserver-etcd-client put /demo value
	endpoints=https://10.0.0.4:2379
	is "$(ask_etcd apiserver-etcd-client get --print-value-only /demo)" \
		value
	# with two of three it goes on, and with the third again
	stop etcd-cp-3
	endpoints=https://10.0.0.3:2379
	ask_etcd apiserver-etcd-client put /demo other
	start_member 3
	endpoints=https://10.0.0.4:2379
	await 30 ask_etcd apiserver-etcd-client get /demo
	is "$(ask_etcd apiserver-etcd-client get --print-value-only /demo)" \
		other
}

@test "etcd refuses clients of the cluster's CA and of the front proxy's" {
	local pair

	for pair in apiserver-kubelet-client front-proxy-client apiserver; do
		run ! ask_etcd $pair --dial-timeout 3s --command-timeout 5s \
			endpoint health
	done
	grep -q 'certificate signed by unknown authority' "$log"/etcd-cp-*.log
}

# -- kube-apiserver --

# HTTP status of kube-apiserver to a pair of cp-1: PAIR
status_for()
{
	curl -s -o /dev/null -w '%{http_code}' --cacert pki/ca.crt \
		--cert "nodes/cp-1/$pki/$1.crt" --key "nodes/cp-1/$pki/$1.key" \
		https://10.0.0.2:6443/api
}

@test "kube-apiserver refuses clients of etcd's CA and of the front proxy's" {
	is "$(status_for etcd/healthcheck-client)" 401
	is "$(status_for apiserver-etcd-client)" 401
	is "$(status_for front-proxy-client)" 401
	is "$(status_for apiserver-kubelet-client)" 200
}

@test "kube-apiserver is who it says by each of its names" {
	local name

	for name in api.demo.example cp-1 kubernetes kubernetes.default \
		kubernetes.default.svc kubernetes.default.svc.cluster.local; do
		curl -sSf --cacert pki/ca.crt --connect-to "$name::10.0.0.2:" \
			"https://$name:6443/readyz" >/dev/null
	done
	curl -sSf --cacert pki/ca.crt https://127.0.0.1:6443/readyz >/dev/null
	curl -sSf --cacert pki/ca.crt --connect-to '10.96.0.1::10.0.0.2:' \
		https://10.96.0.1:6443/readyz >/dev/null
	run ! curl -sS --cacert pki/ca.crt --connect-to 'else::10.0.0.2:' \
		https://else:6443/readyz
}

@test "the other components hold their leases by their own kubeconfigs" {
	local name

	for name in kube-controller-manager kube-scheduler; do
		await 60 kubectl get -n kube-system lease $name
		has "$(kubectl get -n kube-system lease $name \
			-o jsonpath='{.spec.holderIdentity}')" _
		run ! grep -iE 'unauthorized|x509' "$log/$name.log"
	done
}

# A pod that says where it is.
pod()
{
	cat <<-'END'
		apiVersion: v1
		kind: Pod
		metadata: {name: demo, namespace: default}
		spec:
		  automountServiceAccountToken: false
		  tolerations: [{operator: Exists}]
		  containers: [{name: c, image: none}]
	END
}

@test "the controllers work with sa.key, and the scheduler with the node" {
	await 60 kubectl get serviceaccount default
	pod | kubectl apply -f -
	scheduled()
	{
		[[ $(kubectl get pod demo -o jsonpath='{.spec.nodeName}') == \
			worker-1 ]]
	}
	await 60 scheduled
	# a token that kube-controller-manager signed, kube-apiserver verifies
	local secret token
	secret=$(kubectl get serviceaccount default \
		-o jsonpath='{.secrets[0].name}')
	token=$(kubectl get secret "$secret" -o jsonpath='{.data.token}' |
		base64 -d)
	has "$(curl -sS --cacert pki/ca.crt -H "Authorization: Bearer $token" \
		https://api.demo.example:6443/api/v1/nodes)" \
		'system:serviceaccount:default:default'
}

@test "kube-apiserver and the kubelet know each other, and logs come through" {
	is "$(healthz_of worker-1)" ok
	echo 'a line of the log' >nodes/worker-1/var/log/demo.log
	is "$(kubectl get --raw \
		/api/v1/nodes/worker-1/proxy/logs/demo.log)" \
		'a line of the log'
	has "$(arguments_of kube-apiserver)" \
		--kubelet-certificate-authority=/etc/kubernetes/pki/ca.crt
	# nobody without a certificate of the cluster's CA gets them
	is "$(curl -s -o /dev/null -w '%{http_code}' --cacert pki/ca.crt \
		https://worker-1:10250/logs/demo.log)" 401
	run ! curl -sS --cacert pki/ca.crt \
		--cert nodes/cp-1/$pki/etcd/peer.crt \
		--key nodes/cp-1/$pki/etcd/peer.key -f \
		https://worker-1:10250/logs/demo.log
}

# -- the front proxy --

# A service whose pods are at 10.0.0.5, behind it an extension API server.
extension()
{
	cat <<-END
		apiVersion: v1
		kind: Namespace
		metadata: {name: demo}
		---
		apiVersion: v1
		kind: Service
		metadata: {name: extension, namespace: demo}
		spec: {ports: [{port: 443, targetPort: 8443}]}
		---
		apiVersion: v1
		kind: Endpoints
		metadata: {name: extension, namespace: demo}
		subsets: [{addresses: [{ip: 10.0.0.5}], ports: [{port: 8443}]}]
		---
		apiVersion: apiregistration.k8s.io/v1
		kind: APIService
		metadata: {name: v1.demo.example}
		spec:
		  group: demo.example
		  version: v1
		  groupPriorityMinimum: 1000
		  versionPriority: 10
		  caBundle: $(base64 -w 0 extension.crt)
		  service: {name: extension, namespace: demo}
	END
}

callers=/apis/demo.example/v1/callers

@test "an extension API server believes the front proxy, and nobody else" {
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=extension \
		-addext subjectAltName=DNS:extension.demo.svc \
		-keyout extension.key -out extension.crt 2>/dev/null
	start extension "$bin/fakeextension" 10.0.0.5:8443 extension.crt \
		extension.key nodes/cp-1/$pki/front-proxy-ca.crt
	extension | kubectl apply -f -
	await 60 kubectl get --raw $callers
	kubectl get --raw $callers >answer
	is "$(jq -r .proxy answer)" front-proxy-client
	is "$(jq -r .user answer)" kubernetes-admin
	has "$(jq -c .groups answer)" system:masters
	# what kube-apiserver wrote for extension API servers to read
	is "$(kubectl get -n kube-system configmap \
		extension-apiserver-authentication \
		-o jsonpath='{.data.requestheader-client-ca-file}')" \
		"$(<pki/front-proxy-ca.crt)"
	local pair
	for pair in apiserver-kubelet-client etcd/healthcheck-client; do
		run ! curl -sS --cacert extension.crt \
			--connect-to extension.demo.svc::10.0.0.5: \
			--cert nodes/cp-1/$pki/$pair.crt \
			--key nodes/cp-1/$pki/$pair.key \
			-H 'X-Remote-User: root' \
			https://extension.demo.svc:8443$callers
	done
}

# -- people --

@test "a user may do nothing until the printed binding is there" {
	fails_with 'User "alice" cannot list resource "pods"' \
		as alice.kubeconfig get pods
	kubectl apply -f dev.yaml
	as alice.kubeconfig get pods -A
	as alice.kubeconfig auth can-i list services | grep -qx yes
	fails_with 'User "alice" cannot list resource "secrets"' \
		as alice.kubeconfig get secrets
	fails_with 'cannot delete resource "nodes"' \
		as alice.kubeconfig delete node worker-1
	# and nothing again when it is gone: nobody has to wait for the end
	kubectl delete -f dev.yaml
	fails_with 'User "alice" cannot list' as alice.kubeconfig get pods
}

@test "an admin's rights are a binding's, and break-glass needs none" {
	is "$(as carol-admin.kubeconfig auth can-i '*' '*' -A)" yes
	kubectl delete clusterrolebinding kubeadm:cluster-admins
	fails_with 'User "carol" cannot list' as carol-admin.kubeconfig \
		get secrets
	kubectl delete clusterrolebinding cluster-admin
	is "$(as bob-break-glass.kubeconfig auth can-i '*' '*' -A)" yes
	kpki rbac --control-plane |
		as bob-break-glass.kubeconfig apply -f -
	as carol-admin.kubeconfig get secrets
}

@test "kube-proxy may see services, and no secret" {
	as worker-1-kube-proxy.kubeconfig get --raw \
		/apis/discovery.k8s.io/v1beta1/endpointslices >/dev/null
	as worker-1-kube-proxy.kubeconfig get services -A >/dev/null
	fails_with 'User "system:kube-proxy" cannot list resource "secrets"' \
		as worker-1-kube-proxy.kubeconfig get secrets
}
