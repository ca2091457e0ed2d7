#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A running cluster gets another CA, stage by stage and once back, while clients
# ask both API servers without a pause.  Only a server that is being restarted,
# because a note says so, may fail to answer.

load cluster
load rotate

@test "a server at a stage that its clients are not at is found by them" {
	cp -r pki skipped
	kpki rotate-ca stage 1 --dir skipped --out skipping
	kpki rotate-ca stage 2 --dir skipped --out skipping --vouch
	lay skipping/stage-2/cp-2 nodes/cp-2
	restart cp-2 kube-apiserver
	await_polls
	has "$(unannounced)" 'unable to get local issuer certificate'
	lay control-plane/cp-2 nodes/cp-2
	restart cp-2 kube-apiserver
	await_polls
	forget_polls
}

@test "stage 1: everybody trusts both, and issues from the old" {
	kpki rotate-ca stage 1
	cp pki/rotation/ca.crt new.crt
	cat old.crt new.crt >both.crt
	roll_out rotation/stage-1 $control $hollow $real
	holds both.crt old.crt
	# not shown to be done: no further
	run -4 --separate-stderr kpki rotate-ca stage 2
}

@test "stage 2: everything is issued from the new" {
	show_done
	kpki rotate-ca stage 2
	roll_out rotation/stage-2 $real $hollow cp-2 cp-1
	holds both.crt new.crt
}

@test "back at stage 1" {
	kpki rotate-ca rollback
	roll_out rotation/stage-1 worker-1 cp-1 worker-2 cp-2 worker-3 $real
	holds both.crt old.crt
}

@test "stage 2 again" {
	show_done
	kpki rotate-ca stage 2
	roll_out rotation/stage-2 $control $hollow $real
	holds both.crt new.crt
}

@test "stage 3: only the new is trusted" {
	show_done
	kpki rotate-ca stage 3
	roll_out rotation/stage-3 $real $hollow $control
	holds new.crt new.crt
	show_done
}

# HTTP status for the old certificate that kube-apiserver had: URL
status_for_old()
{
	curl -s -o /dev/null -w '%{http_code}' --cacert new.crt \
		--cert control-plane/cp-1/$pki/apiserver-kubelet-client.crt \
		--key control-plane/cp-1/$pki/apiserver-kubelet-client.key "$1"
}

@test "what the old one issued is nobody's any more" {
	local name

	for name in $control; do
		is "$(status_for_old "https://$(address_of $name):6443/api")" 401
	done
	is "$(status_for_old https://$real:10250/healthz)" 401
	fails_with 'x509: certificate signed by unknown authority' "$bin/kubectl" \
		--kubeconfig control-plane/admin/admin.conf get nodes
}

@test "no request failed but to a server that was being restarted" {
	nothing_failed
	echo "# $(polls | wc -l) requests, $(polls | grep -cw failed) failed" \
		"in $(grep -c apiserver restarts) restarts" >&3
}
