#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What rotate-ca.bats shows of the cluster's CA, of the others: etcd's, the front
# proxy's, and the key that signs the tokens of service accounts.

load cluster
load rotate

# The same stage for all of them, rolled out at once: STAGE
roll_out_others()
{
	local ca name component

	mkdir -p others
	for ca in etcd-ca front-proxy-ca sa; do
		kpki rotate-ca stage "$1" --ca $ca --out others/$ca --vouch ||
			return
	done
	for name in $members; do
		follow "others/etcd-ca/stage-$1" "$name" || return
	done
	for name in $control; do
		# each tree is a whole one: the last has what the others have
		lay "others/sa/stage-$1/$name" "nodes/$name" || return
		for ca in etcd-ca front-proxy-ca sa; do
			move_flags "$name" \
				"others/$ca/stage-$1/${name}_rotation.txt" || return
		done
		for component in $(cat "others/"*"/stage-$1/${name}_rotation.txt" |
			restarts_of /dev/stdin | tr ' ' '\n' | sort -u); do
			restart "$name" "$component" || return
		done
	done
}

# What has the token of a service account: NAME
secret_of()
{
	kubectl get serviceaccount "$1" -o jsonpath='{.secrets[0].name}'
}

token() # NAME
{
	kubectl get secret "$(secret_of "$1")" -o jsonpath='{.data.token}' |
		base64 -d
}

has_token() # NAME
{
	[[ -n $(token "$1") ]]
}

@test "stage 1: everybody trusts both, and issues from the old" {
	roll_out_others 1
	holds old.crt old.crt
}

@test "stage 2: everything is issued from the new, and tokens of both are good" {
	kubectl create serviceaccount forgotten
	await 30 has_token forgotten
	token forgotten >old-token
	roll_out_others 2
	token_works
	# tokens that have no end are signed anew when their Secrets are, and
	# only then
	kubectl delete secret "$(secret_of default)"
	await 30 token_works
	holds old.crt old.crt
}

# HTTP status for a token: FILE
status_for()
{
	curl -s -o /dev/null -w '%{http_code}' --cacert old.crt \
		-H "Authorization: Bearer $(<"$1")" https://10.0.0.3:6443/api
}

@test "stage 3: only the new is trusted" {
	is "$(status_for old-token)" 200
	roll_out_others 3
	holds old.crt old.crt
	is "$(status_for old-token)" 401
	token default >new-token
	is "$(status_for new-token)" 200
	# and etcd refuses what its old CA issued
	cp control-plane/etcd-1/$pki/etcd/server.{crt,key} .
	run ! env ETCDCTL_API=3 timeout 10 etcdctl \
		--cacert nodes/etcd-1/$pki/etcd/ca.crt --cert server.crt \
		--key server.key --endpoints https://10.0.0.5:2379 \
		endpoint health
	ask_etcd etcd-1 endpoint health
}

@test "no request failed but to a server that was being restarted" {
	nothing_failed
	echo "# $(polls | wc -l) requests, $(polls | grep -cw failed) failed" \
		"in $(grep -c apiserver restarts) restarts" >&3
}
