#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The example in the README of the project, as it stands there.
#
# The hosts are directories (on_node), and two programs are played: ssh runs a
# command where / is the host's, and systemctl starts what the host's unit says,
# with the drop-in that the README has put there.  The units are what a host
# brings: where etcd and the network are, and what a kubelet needs that runs
# nothing, beside others.

load cluster

setup_file()
{
	new_world && make_host control && make_host worker-1 &&
		make_host worker-2
}

teardown_file()
{
	end_cluster
}

make_host()
{
	make_root "$1" && mkdir -p "nodes/$1/etc/systemd/system"
}

# What the README has in indented blocks that begin with a prompt.
readme_commands()
{
	awk '/^    [$] / { inside = 1 }
		!/^    / { inside = 0 }
		inside { sub(/^    ([$>] )?/, ""); print }' \
		"$BATS_TEST_DIRNAME/../../README"
}

# USER@HOST COMMAND...
ssh()
{
	local host=${1#root@} unit

	shift
	if [[ $1 != systemctl ]]; then
		(on_node "$host" "$@")
		return
	fi
	shift 2
	for unit; do
		"unit_$unit" "$host" || return
	done
}

# The words that a drop-in sets: HOST UNIT
dropped_in()
{
	sed -n '/^Environment="KPKI_ARGS=/,/"$/p' \
		"nodes/$1/etc/systemd/system/$2.service.d/10-kpki.conf" |
		sed 's/^Environment="KPKI_ARGS=//; s/"$//; s/ *\\$//; s/^ *//'
}

unit_kube-apiserver()
{
	local pki=/etc/kubernetes/pki args

	mapfile -t args < <(dropped_in "$1" kube-apiserver)
	start etcd etcd --data-dir etcd --logger zap \
		--listen-client-urls http://127.0.0.1:2379 \
		--advertise-client-urls http://127.0.0.1:2379 \
		--listen-peer-urls http://127.0.0.1:2380 &&
		start kube-apiserver on_node "$1" \
			/kubernetes/kube-apiserver -v=3 "${args[@]}" \
			--etcd-servers=http://127.0.0.1:2379 \
			--bind-address=10.0.0.2 --advertise-address=10.0.0.2 \
			--service-cluster-ip-range=10.96.0.0/12 \
			--kubelet-preferred-address-types=InternalIP \
			--tls-cert-file=$pki/apiserver.crt \
			--tls-private-key-file=$pki/apiserver.key \
			--service-account-issuer=https://kubernetes.default.svc \
			--service-account-key-file=$pki/sa.pub \
			--service-account-signing-key-file=$pki/sa.key
}

unit_kube-controller-manager()
{
	local pki=/etc/kubernetes/pki args

	mapfile -t args < <(dropped_in "$1" kube-controller-manager)
	start kube-controller-manager on_node "$1" \
		/kubernetes/kube-controller-manager -v=3 "${args[@]}" \
		--kubeconfig=/etc/kubernetes/controller-manager.conf \
		--service-account-private-key-file=$pki/sa.key \
		--root-ca-file=$pki/ca.crt --use-service-account-credentials \
		--leader-elect=false
}

# Flags stand above what config.yaml says.
unit_kubelet()
{
	path=bootstrap start_kubelet "$1" --address="$(address_of "$1")" \
		--cgroup-driver=cgroupfs --cgroups-per-qos=false --enforce-node-allocatable= \
		--fail-swap-on=false --make-iptables-util-chains=false \
		--healthz-port=0 --node-status-update-frequency=2s
}

@test "the commands of the README bring a node to Ready in each way" {
	readme_commands >story.bash
	(($(wc -l <story.bash) > 35))
	{
		declare -f ssh dropped_in unit_{kubelet,kube-{apiserver,controller-manager}} \
			on_node start start_kubelet running address_of told kpki
		echo 'export PATH=$bin:$PATH; set -euo pipefail; set -x'
		cat story.bash
	} >whole.bash
	timeout 300 env KPKI="$KPKI" BATS_TEST_NUMBER="$BATS_TEST_NUMBER" \
		bash whole.bash >"$log/story.log" 2>&1 3>&- ||
		complain "all of the README" "$(tail -n 40 "$log/story.log")"

	mkdir control && cp control-plane/admin/admin.conf control
	is_ready worker-1
	is_ready worker-2
	is "$(serial "$(certificate worker-1)")" \
		"$(live_serial kubelet-client worker-1)"
	is "$(live_serial kubelet-client worker-2)" ''
	openssl verify -CAfile pki/ca.crt "$(certificate worker-2)"
	is "$(subject "$(certificate worker-2)")" \
		'subject=O = system:nodes, CN = system:node:worker-2'
	is "$(healthz_of worker-1)" ok
	is "$(healthz_of worker-2)" ok
}

serial()
{
	openssl x509 -in "$1" -noout -serial | sed 's/serial=//' |
		tr A-F a-f
}

live_serial()
{
	kpki list --live --profile "$1" --node "$2" --json |
		jq -r '.items[].serial'
}
