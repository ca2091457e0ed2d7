# SPDX-License-Identifier: GPL-3.0-or-later
# One cluster a .bats file: etcd and kube-apiserver at 10.0.0.2, nodes at
# 10.0.0.11 and up.  All files of a cluster are in $work.
#
#	setup_file()	{ new_cluster bootstrap --signing in-cluster; start_api_server; }
#	teardown_file() { end_cluster; }
#
# Programs of Kubernetes are in $bin, which check.sh sets, as it does $logs.

bats_require_minimum_version 1.5.0

export LC_ALL=C
export PATH=$PATH:/usr/sbin:/sbin
KPKI=$(type -P "${KPKI:-kpki}") || {
	echo "cluster.bash: no program ${KPKI:-kpki}" >&2
	exit 1
}
data=${srcdir:-$BATS_TEST_DIRNAME/../..}/tests/kubernetes

setup()
{
	cd "$work"
}

teardown()
{
	stop_those_of "$BATS_TEST_NUMBER"
}

# Makes a host's view of the network, the PKI directory and the control plane's
# files: PATH INIT-CA-OPTION...
new_cluster()
{
	export path=$1
	shift
	new_world &&
		kpki init-ca --server https://api.demo.example:6443 "$@" &&
		make_control_plane
}

# Names and addresses of hosts, and a directory to work in.
new_world()
{
	local i

	export work=$BATS_FILE_TMPDIR
	export HOME=$work
	export log=$logs/$(basename "$BATS_TEST_FILENAME" .bats)
	mkdir -p "$log" "$work/run" && cd "$work" || return
	{
		echo '127.0.0.1 localhost'
		echo '10.0.0.2 api.demo.example'
		for ((i = 1; i <= 200; i++)); do
			echo "10.0.0.$((i + 10)) worker-$i worker-$i.demo.example"
		done
	} >hosts
	for ((i = 2; i <= 210; i++)); do
		echo "address add 10.0.0.$i/32 dev lo"
	done | ip -batch - || return
	mount --bind hosts /etc/hosts
}

# The host of the control plane.  Its files are in ./control, whatever the
# layout of hosts: those of its /etc/kubernetes/pki and its kubeconfigs; and the
# administrator whom no binding has to help.
make_control_plane()
{
	cat >>pki/cluster.yaml <<-'END' &&
		controlPlane:
		  hosts:
		  - name: control
		    addresses: ["10.0.0.2"]
	END
		kpki control-plane --quiet --layout kubeadm --with-super-admin &&
		cp -r control-plane/control/etc/kubernetes/pki control &&
		cp control-plane/control/etc/kubernetes/*.conf control &&
		cp control-plane/admin/super-admin.conf control/admin.conf
}

# Ends what is still running, the newest first.
end_cluster()
{
	local name

	cd "$work" || return
	for name in $(ls -t run); do
		stop "$name"
	done
	umount /etc/hosts
	ip address flush dev lo scope global
}

# Processes

# Starts a program; it logs to $log/NAME.log: NAME PROGRAM ARGUMENT...
# What a test starts ends with the test, what setup_file starts with the file.
start()
{
	local name=$1

	shift
	"$@" >>"$log/$name.log" 2>&1 3>&- 4>&- </dev/null &
	echo "$! ${BATS_TEST_NUMBER:-file}" >"run/$name"
}

running()
{
	local pid rest

	read -r pid rest 2>/dev/null <"run/$1" && kill -0 "$pid" 2>/dev/null
}

stopped()
{
	! running "$1"
}

# Ends a process, first kindly, and waits until it is gone: NAME [SECONDS]
stop()
{
	local pid rest

	read -r pid rest 2>/dev/null <"run/$1" || return 0
	kill "$pid" 2>/dev/null
	eventually "${2:-15}" stopped "$1" || kill -KILL "$pid"
	eventually 15 stopped "$1" && rm -f "run/$1"
}

# Ends what one test has started: NUMBER
stop_those_of()
{
	local name pid whose

	for name in $(ls -t run); do
		read -r pid whose <"run/$name"
		[[ $whose != "$1" ]] || stop "$name"
	done
}

# Tries a command until it succeeds: SECONDS COMMAND...
eventually()
{
	local end=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || return
		sleep 0.2
	done
}

# The same, where it is the test's claim: the last attempt is shown.
await()
{
	eventually "$@" && return
	shift
	echo "in vain: $*"
	"$@"
	return 1
}

# The cluster

kpki()
{
	"$KPKI" "$@"
}

kubectl()
{
	timeout 30 "$bin/kubectl" --kubeconfig "$work/control/admin.conf" "$@"
}

# Arguments are more options of kube-apiserver.
start_api_server()
{
	start etcd etcd --data-dir etcd --logger zap \
		--listen-client-urls http://127.0.0.1:2379 \
		--advertise-client-urls http://127.0.0.1:2379 \
		--listen-peer-urls http://127.0.0.1:2380 &&
		await 30 curl -sSf http://127.0.0.1:2379/health &&
		start_only_api_server "$@"
}

start_only_api_server()
{
	local told

	mapfile -t told < <(told kube-apiserver)
	start kube-apiserver "$bin/kube-apiserver" -v=3 "${told[@]}" \
		--etcd-servers=http://127.0.0.1:2379 \
		--bind-address=10.0.0.2 --advertise-address=10.0.0.2 \
		--service-cluster-ip-range=10.96.0.0/12 \
		--tls-cert-file=control/apiserver.crt \
		--tls-private-key-file=control/apiserver.key \
		--service-account-issuer=https://kubernetes.default.svc \
		--service-account-key-file=control/sa.pub \
		--service-account-signing-key-file=control/sa.key \
		--kubelet-preferred-address-types=InternalIP "$@" &&
		await 90 kubectl get --raw /readyz &&
		await 30 kubectl get clusterrole system:kubelet-api-admin
}

# Arguments are more options of kube-controller-manager.
start_controller_manager()
{
	local told

	mapfile -t told < <(told kube-controller-manager)
	start kube-controller-manager "$bin/kube-controller-manager" -v=3 \
		"${told[@]}" --kubeconfig=control/controller-manager.conf \
		--service-account-private-key-file=control/sa.key \
		--use-service-account-credentials=true --leader-elect=false \
		--client-ca-file=control/ca.crt --root-ca-file=control/ca.crt \
		"$@"
}

# What kpki tells a component of this cluster.
told()
{
	kpki component-config "$1" --path "$path" --pki-path "$work/control" \
		--kubernetes-version 1.20.2
}

# Nodes.  Each has a root directory of its own, over which its bundle is laid
# as kpki-node-bundle(1) says.

# Makes the root directory of a node: NAME
make_root()
{
	local root=nodes/$1 top

	mkdir -p "$root"/{dev,etc,kubernetes,proc,run,sys,tmp,usr,var/lib,var/log} &&
		for top in bin lib lib32 lib64 sbin; do
			[[ ! -L /$top ]] || ln -sfn "usr/$top" "$root/$top"
		done &&
		cp hosts "$root/etc/hosts" && : >"$root/etc/resolv.conf" &&
		md5sum <<<"$1" | cut -c -32 >"$root/etc/machine-id"
}

# Lays a bundle over a node's root: NAME [BUNDLE]
install_bundle()
{
	make_root "$1" &&
		(cd "${2:-bundles/$1}" && tar --owner=0 --group=0 -c *) |
		tar -C "nodes/$1" -x
}

# Runs a program of Kubernetes on a node, where / is the node's: NAME ARGUMENT...
on_node()
{
	local root=$work/nodes/$1

	shift
	exec unshare --mount sh -c '
		root=$1
		mount --bind "$root" "$root" || exit
		for directory in dev proc sys usr; do
			mount --rbind "/$directory" "$root/$directory" || exit
		done
		mount --bind "$2" "$root/kubernetes" || exit
		shift 2
		exec chroot "$root" "$@"' sh "$root" "$bin" "$@"
}

# Starts a hollow kubelet, the real one with nothing to run: NAME [PORT]
start_kubemark()
{
	start "$1" on_node "$1" /kubernetes/kubemark --morph=kubelet \
		--name="$1" --kubeconfig=/etc/kubernetes/kubelet.conf \
		--kubelet-port="${2:-10250}" --kubelet-read-only-port=0
}

# Starts the real kubelet and a runtime for it, in the $layout: NAME ARGUMENT...
start_kubelet()
{
	local name=$1 told

	shift
	mapfile -t told < <(kpki component-config kubelet --path "$path" \
		--layout "${layout:-kubeadm}")
	running "runtime-$name" ||
		start "runtime-$name" on_node "$name" /kubernetes/fakeruntime \
			unix:///run/fake.sock
	start "$name" on_node "$name" /kubernetes/kubelet -v=2 "${told[@]}" \
		--hostname-override="$name" --node-ip="$(address_of "$name")" \
		--container-runtime=remote \
		--container-runtime-endpoint=unix:///run/fake.sock "$@"
}

address_of()
{
	echo "10.0.0.$((${1#worker-} + 10))"
}

# What a node is: True, False, Unknown, or nothing if it is not there.
readiness()
{
	kubectl get node "$1" --ignore-not-found -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}'
}

is_ready()
{
	[[ $(readiness "$1") == True ]]
}

is_listening()
{
	openssl s_client -connect "$1" </dev/null
}

# What the API server gets from the kubelet of a node.
healthz_of()
{
	kubectl get --raw "/api/v1/nodes/$1/proxy/healthz"
}

# A client that shows a node's certificate: NAME ARGUMENT...
as_node()
{
	local pem=$work/$(cd "$work" && certificate "$1")

	shift
	timeout 30 "$bin/kubectl" --kubeconfig /dev/null \
		--server https://api.demo.example:6443 \
		--certificate-authority "$work/pki/ca.crt" \
		--client-certificate "$pem" --client-key "$pem" "$@"
}

# The certificate of a node, to which the kubelet makes the link absolute.
certificate()
{
	local pki=nodes/$1/var/lib/kubelet/pki

	echo "$pki/$(basename "$(readlink "$pki/kubelet-client-current.pem")")"
}

# NAME CERTIFICATE
has_moved()
{
	[[ -n $(certificate "$1") && $(certificate "$1") != "$2" ]]
}

subject()
{
	openssl x509 -in "$1" -noout -subject
}

# Claims

# Runs a command that must fail, and say this: TEXT COMMAND...
fails_with()
{
	local text=$1 output status

	shift
	output=$("$@" 2>&1) && {
		printf 'succeeded: %s\n%s\n' "$*" "$output"
		return 1
	}
	has "$output" "$text"
}

is()
{
	[[ $1 == "$2" ]] || complain "$2" "$1"
}

has()
{
	[[ $1 == *"$2"* ]] || complain "$2" "$1"
}

complain()
{
	printf 'expected: %s\nactual:   %s\n' "$1" "${2:0:2000}"
	return 1
}
