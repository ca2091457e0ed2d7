# SPDX-License-Identifier: GPL-3.0-or-later
# A cluster to be rotated: two API servers, three members of etcd, a controller
# manager, three hollow nodes and a real one, and two clients that ask both
# servers without a pause.

control='cp-1 cp-2'
members='etcd-1 etcd-2 etcd-3'
hollow='worker-1 worker-2 worker-3'
real=worker-4
pki=etc/kubernetes/pki

setup_file()
{
	export path=manual

	new_world && make_files && make_hosts && start_members &&
		start_control_plane && start_nodes && start_clients
}

teardown_file()
{
	end_cluster
}

# -- the cluster --

topology()
{
	cat <<-'END'
		controlPlane:
		  bindPort: 6443
		  hosts:
		  - {name: cp-1, addresses: ["10.0.0.2"]}
		  - {name: cp-2, addresses: ["10.0.0.3"]}
		etcd:
		  topology: external
		  hosts:
		  - {name: etcd-1, addresses: ["10.0.0.5"]}
		  - {name: etcd-2, addresses: ["10.0.0.6"]}
		  - {name: etcd-3, addresses: ["10.0.0.7"]}
	END
}

address_of()
{
	case $1 in
	cp-*) echo "10.0.0.$((${1#cp-} + 1))" ;;
	etcd-*) echo "10.0.0.$((${1#etcd-} + 4))" ;;
	*) echo "10.0.0.$((${1#worker-} + 10))" ;;
	esac
}

make_files()
{
	local name

	# whoever finds one server closed goes to the other
	echo '10.0.0.3 api.demo.example' >>hosts
	kpki init-ca --quiet --server https://api.demo.example:6443 \
		--kubernetes-version 1.20.2 --signing in-cluster &&
		topology >>pki/cluster.yaml &&
		kpki control-plane --quiet --with-ca-key &&
		for name in $hollow $real; do
			echo "$name $(address_of $name)"
		done >nodes.txt &&
		kpki node-bundle --quiet --inventory nodes.txt \
			--kubelet-config-base "$data/kubelet.yaml" &&
		mkdir control && cp control-plane/admin/admin.conf control &&
		cp pki/ca.crt old.crt
}

kubeadm_config()
{
	cat <<-END
		apiVersion: kubeadm.k8s.io/v1beta2
		kind: InitConfiguration
		localAPIEndpoint: {advertiseAddress: $(address_of "$1")}
		nodeRegistration: {name: $1, criSocket: /run/fake.sock}
		---
		apiVersion: kubeadm.k8s.io/v1beta2
		kind: ClusterConfiguration
		kubernetesVersion: v1.20.2
		controlPlaneEndpoint: api.demo.example:6443
		etcd:
		  external:
		    endpoints: ["https://10.0.0.5:2379", "https://10.0.0.6:2379", "https://10.0.0.7:2379"]
		    caFile: /$pki/etcd/ca.crt
		    certFile: /$pki/apiserver-etcd-client.crt
		    keyFile: /$pki/apiserver-etcd-client.key
		apiServer:
		  extraArgs:
		    bind-address: "$(address_of "$1")"
		    kubelet-certificate-authority: /$pki/ca.crt
		controllerManager:
		  extraArgs: {leader-elect: "false"}
	END
}

# Arguments of etcd, in the form of kubeadm's manifests; members find each other
# on the loopback, since what is sent to an address of this host comes from there.
etcd_manifest()
{
	local client peer i=${1#etcd-}

	client=https://$(address_of "$1"):2379 peer=https://127.0.0.1:${i}2380
	sed 's/^/    - --/' <<-END
		name=$1
		data-dir=/var/lib/etcd
		logger=zap
		initial-cluster=etcd-1=https://127.0.0.1:12380,etcd-2=https://127.0.0.1:22380,etcd-3=https://127.0.0.1:32380
		listen-client-urls=$client
		advertise-client-urls=$client
		listen-peer-urls=$peer
		initial-advertise-peer-urls=$peer
		cert-file=/$pki/etcd/server.crt
		key-file=/$pki/etcd/server.key
		trusted-ca-file=/$pki/etcd/ca.crt
		client-cert-auth=true
		peer-cert-file=/$pki/etcd/peer.crt
		peer-key-file=/$pki/etcd/peer.key
		peer-trusted-ca-file=/$pki/etcd/ca.crt
		peer-client-cert-auth=true
	END
}

make_hosts()
{
	local name

	for name in $control $members; do
		install_bundle "$name" "control-plane/$name" || return
	done
	for name in $control; do
		kubeadm_config "$name" >"nodes/$name/kubeadm.yaml" &&
			(on_node "$name" /kubernetes/kubeadm init phase \
				control-plane all --config /kubeadm.yaml) ||
			return
	done
	for name in $members; do
		mkdir -p "nodes/$name/etc/kubernetes/manifests" &&
			etcd_manifest "$name" >"$(manifest "$name" etcd)" ||
			return
	done
	for name in $hollow $real; do
		install_bundle "$name" || return
	done
}

# HOST COMPONENT
manifest()
{
	echo "nodes/$1/etc/kubernetes/manifests/$2.yaml"
}

# Starts a component with the arguments that its manifest has at the time:
# HOST COMPONENT
start_on()
{
	local arguments

	case $1/$2 in
	$real/kubelet) start_kubelet "$1" ;;
	*/kubelet) start_kubemark "$1" $((10250 + ${1#worker-})) ;;
	*)
		mapfile -t arguments < <(
			sed -nE 's/^    - (--.*)$/\1/p' "$(manifest "$1" "$2")")
		((${#arguments[@]} > 5)) &&
			start "$2-$1" on_node "$1" "$(program "$2")" \
				"${arguments[@]}"
		;;
	esac
}

program()
{
	[[ $1 == etcd ]] && echo etcd || echo "/kubernetes/$1"
}

# What `start` calls a component of a host.
process()
{
	[[ $2 == kubelet ]] && echo "$1" || echo "$2-$1"
}

start_members()
{
	local name

	for name in $members; do
		start_on "$name" etcd || return
	done
	for name in $members; do
		await 30 works "$name" etcd || return
	done
}

start_control_plane()
{
	local name

	for name in $control; do
		start_on "$name" kube-apiserver &&
			await 90 works "$name" kube-apiserver || return
	done
	kpki rbac --control-plane | kubectl apply -f - &&
		start_on cp-1 kube-controller-manager &&
		await 30 works cp-1 kube-controller-manager
}

start_nodes()
{
	local name

	for name in $hollow $real; do
		start_on "$name" kubelet || return
	done
	for name in $hollow $real; do
		await 90 is_ready "$name" || return
	done
}

# The admin at one API server: HOST ARGUMENT...
at()
{
	kubectl --server "https://$(address_of "$1"):6443" "${@:2}"
}

ask_etcd()
{
	local files=nodes/$1/$pki/etcd

	ETCDCTL_API=3 timeout 5 etcdctl --cacert "$files/ca.crt" \
		--cert "$files/server.crt" --key "$files/server.key" \
		--endpoints "https://$(address_of "$1"):2379" "${@:2}"
}

# Whether a component is up again: HOST COMPONENT
works()
{
	case $2 in
	etcd) ask_etcd "$1" endpoint health ;;
	kube-apiserver) curl -skSf "https://$(address_of "$1"):6443/readyz" ;;
	kube-controller-manager) curl -skSf https://127.0.0.1:10257/healthz ;;
	kubelet) has_renewed "$1" ;;
	esac
}

# -- the clients --

# Asks each server in turn, round after round, and says how it went: when it
# began and ended, whom it asked, who it is, ok or failed, and why.  It runs where
# / is the client's, and reads the kubeconfig each time.
client()
{
	cat <<-'END'
		who=$1 conf=$2 path=$3 own=$(mktemp -d)
		file() # what the kubeconfig has itself, or the file that it names
		{
			if [[ $text =~ $1-data:\ \"([^\"]+) ]]; then
				base64 -d <<<"${BASH_REMATCH[1]}" >"$own/$1"
			elif [[ $text =~ $1:\ \"([^\"]+) ]]; then
				ln -sf "${BASH_REMATCH[1]}" "$own/$1"
			fi
		}
		while :; do
			text=$(<"$conf")
			file certificate-authority
			file client-certificate
			file client-key
			for server in 10.0.0.2 10.0.0.3; do
				begin=$EPOCHREALTIME how=ok
				said=$(curl -sSf -m 10 -o /dev/null \
					--cacert "$own/certificate-authority" \
					--cert "$own/client-certificate" \
					--key "$own/client-key" \
					"https://$server:6443$path" 2>&1) || how=failed
				echo "$begin $EPOCHREALTIME $server $who $how" $said
			done
			sleep 0.2
		done
	END
}

start_clients()
{
	client >client && cp client nodes/worker-1/client && : >restarts &&
		start client-admin bash client admin control/admin.conf \
			/api/v1/nodes &&
		start client-worker-1 on_node worker-1 bash /client worker-1 \
			/etc/kubernetes/kubelet.conf /api/v1/nodes/worker-1
}

polls()
{
	cat "$log"/client-*.log
}

forget_polls()
{
	local file

	for file in "$log"/client-*.log; do
		: >"$file"
	done
}

# Waits until each client has asked each server three times from now on.
await_polls()
{
	local now=$EPOCHREALTIME

	asked()
	{
		polls | awk -v now="$now" '$1 > now { n[$3, $4]++ }
			END { for (i in n) if (n[i] >= 3) all++
				exit all < 4 }'
	}
	await 30 asked
}

# What failed although no note had its server restarted at the time, nor, if it
# is the server that failed (500), a member of etcd that it was asking.
unannounced()
{
	polls | awk '
		BEGIN { while (getline <"restarts")
			if ($4 == "kube-apiserver" || $4 == "etcd") {
				from[++n] = $1; to[n] = $2
				at[n] = $4 == "etcd" ? "etcd" : $3
			}
		}
		$5 == "failed" {
			for (i = 1; i <= n; i++)
				if ((at[i] == $3 || at[i] == "etcd" && $NF == 500) &&
				    $1 <= to[i] && $2 >= from[i])
					next
			print
		}'
}

nothing_failed()
{
	await_polls && is "$(unannounced)" ''
}

# -- the rotation --

# Lays a tree over a host, each file by a rename, so that nobody finds one
# half-written or gone: TREE ROOT
lay()
{
	local file

	(cd "$1" && find . -type d) | (cd "$2" && xargs mkdir -p) &&
		(cd "$1" && find . ! -type d | sort) >laid || return
	while read -r file; do
		cp -a "$1/$file" "$2/$file.new" &&
			mv -fT "$2/$file.new" "$2/$file" || return
	done <laid
}

# Restarts what runs there, for good; until it works again its server may fail.
# kube-apiserver would wait for those who watch: HOST COMPONENT
restart()
{
	local begin=$EPOCHREALTIME name

	name=$(process "$@")
	running "$name" || return 0
	stop "$name" 3 && BATS_TEST_NUMBER= start_on "$@" &&
		await 90 works "$@" &&
		echo "$begin $EPOCHREALTIME $(address_of "$1") $2" >>restarts
}

# Whether a node has renewed its lease after it was (re)started.
has_renewed()
{
	local renewed

	renewed=$(kubectl get lease -n kube-node-lease "$1" \
		-o jsonpath='{.spec.renewTime}')
	[[ $(date -d "$renewed" +%s.%N) > ${2:-$(stat -c %.Y "run/$1")} ]] &&
		is_ready "$1"
}

# Moves the flags that a note names: HOST NOTE
move_flags()
{
	local component flag

	while read -r component flag; do
		sed -i "s|^    - ${flag%%=*}=.*|    - $flag|" \
			"$(manifest "$1" "$component")" || return
	done < <(grep -oE '[a-z-]+ --[a-z-]+=[^ ,]+' "$2")
}

# What a note has restarted, in its order.
restarts_of()
{
	sed -nE 's/^[0-9]+\. Restart, in this order: (.*)\.$/\1/p' "$1" |
		tr -d ,
}

# Does what a note says with the tree beside it: DIRECTORY HOST
follow()
{
	local component note=$1/$2_rotation.txt

	lay "$1/$2" "nodes/$2" && move_flags "$2" "$note" || return
	for component in $(restarts_of "$note"); do
		restart "$2" "$component" || return
	done
}

# Rolls out what is in a directory, in the order of these: DIRECTORY HOST...
roll_out()
{
	local name

	for name in "${@:2}"; do
		follow "$1" "$name" ||
			complain "$name" "$(<"$1/${name}_rotation.txt")"
	done
	lay "$1/admin" control
}

# Shows that the stage is done on all hosts, by what comes back of them.
show_done()
{
	local name

	rm -rf back && mkdir back && cp -r control back/admin || return
	for name in $control $hollow $real; do
		(cd "nodes/$name" && find etc/kubernetes var/lib/kubelet \
			\( -type f -o -type l \) 2>/dev/null |
			tar -c -T -) >"back/$name.tar" || return
	done
	kpki rotate-ca status back/*
}

# What holds at each stage: who is trusted, and who signs: TRUSTED SIGNER
holds()
{
	local name now=$EPOCHREALTIME

	trusted "$1" && signs "$2" && token_works && nothing_failed || return
	for name in $hollow $real; do
		await 30 has_renewed "$name" "$now" || return
	done
	for name in $control; do
		await 10 at "$name" get --raw \
			"/api/v1/nodes/$real/proxy/healthz" || return
	done
}

# What the controller manager hands out is this, in whatever order.
trusted()
{
	handed_out()
	{
		kubectl get configmap kube-root-ca.crt \
			-o jsonpath='{.data.ca\.crt}' >handed-out &&
			diff <(fingerprints "$1") <(fingerprints handed-out)
	}
	await 30 handed_out "$1"
}

fingerprints()
{
	openssl crl2pkcs7 -nocrl -certfile "$1" |
		openssl pkcs7 -print_certs -text -noout |
		grep -A3 'Subject Key Identifier' | grep : | sort
}

# The controller manager signs requests, with this: CERTIFICATE
signs()
{
	local name=user-$BATS_TEST_NUMBER

	[[ -e user.key ]] || openssl genpkey -quiet -algorithm EC \
		-pkeyopt ec_paramgen_curve:P-256 -out user.key
	openssl req -new -key user.key -subj "/CN=$name" -out user.csr
	kubectl apply -f - <<-END
		apiVersion: certificates.k8s.io/v1
		kind: CertificateSigningRequest
		metadata: {name: $name}
		spec:
		  request: $(base64 -w 0 <user.csr)
		  signerName: kubernetes.io/kube-apiserver-client
		  usages: [client auth]
	END
	kubectl certificate approve "$name"
	signed()
	{
		kubectl get csr "$1" -o jsonpath='{.status.certificate}' |
			base64 -d >user.crt && [[ -s user.crt ]]
	}
	await 30 signed "$name" && openssl verify -CAfile "$1" user.crt
}

# What a pod has, who is started now: a token and the CA beside it.
token_works()
{
	local secret name

	secret=$(kubectl get serviceaccount default \
		-o jsonpath='{.secrets[0].name}')
	pod_data()
	{
		kubectl get secret "$1" -o jsonpath="{.data.$2}" | base64 -d
	}
	pod_data "$secret" 'ca\.crt' >pod-ca.crt
	for name in $control; do
		has "$(curl -sS --cacert pod-ca.crt -H "Authorization: Bearer $(
			pod_data "$secret" token)" \
			"https://$(address_of $name):6443/api/v1/nodes")" \
			'system:serviceaccount:default:default' || return
	done
}
