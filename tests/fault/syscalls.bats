#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What kpki asks of the kernel: no network, no other program, and secrets that
# are created as secrets.

load fault
load ../cli/sign

# `traced CALLS COMMAND…`: what strace saw goes to the file `trace`.
traced()
{
	local calls=$1

	shift
	strace -f -qq -o trace -e trace="$calls" -e signal=none "$KPKI" "$@" \
		>out 2>err
}

# Every command there is, run with CHECK after each.
each_command()
{
	local calls=$1 check=$2

	rm -rf pki tokens kubeconfigs token.yaml rbac.yaml units keys root signed \
		control-plane renewals trust expel.sh ca.crl checkpoint
	traced "$calls" init-ca --server https://api.example.org:6443
	$check
	traced "$calls" node-bundle --inventory nodes
	$check
	traced "$calls" node-bundle --inventory nodes --out tars --format tar \
		--reissue --key-type rsa-2048
	$check
	traced "$calls" node-bundle w9 --embed-certs --layout pem
	$check
	traced "$calls" node-csr n1 --address 10.0.0.1 --out keys
	$check
	sign_requests n1 keys pki IP:10.0.0.1 >n1.yaml
	mkdir root
	traced "$calls" node-csr --complete n1.yaml --out keys --root root
	$check
	traced "$calls" token --out token.yaml
	$check
	traced "$calls" token --inventory nodes
	$check
	traced "$calls" bootstrap-kubeconfig --inventory nodes
	$check
	traced "$calls" kubeconfig alice --print-rbac view
	$check
	traced "$calls" rbac --control-plane --out rbac.yaml \
		--token-from token.yaml
	$check
	traced "$calls" component-config all --format systemd --out units
	$check
	traced "$calls" cluster-info --format configmap --token-from token.yaml
	$check
	openssl req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		-keyout w9.key -subj /O=system:nodes/CN=system:node:n1 \
		-out n1.csr 2>/dev/null
	traced "$calls" sign n1.csr --profile kubelet-client --reissue \
		--inventory nodes --out signed
	$check
	traced "$calls" ca-bundle --out trust
	$check
	traced "$calls" list --json
	$check
	printf '%s\n' 'controlPlane:' '  hosts:' '    - name: cp-1' \
		'      addresses: [10.9.0.1]' >>pki/cluster.yaml
	traced "$calls" control-plane
	$check
	traced "$calls" verify pki bundles control-plane || true
	$check
	traced "$calls" show pki/ca.crt
	$check
	traced "$calls" ledger verify
	$check
	traced "$calls" ledger checkpoint --out checkpoint
	$check
	traced "$calls" renew --node w9 --out renewals
	$check
	traced "$calls" rotate-ca stage 1 --out rotation
	$check
	traced "$calls" revoke w9 --out expel.sh
	$check
	traced "$calls" crl --out ca.crl
	$check
	echo a passphrase >passphrase
	traced "$calls" seal --passphrase-file passphrase
	$check
	traced "$calls" unseal --passphrase-file passphrase
	$check
	traced "$calls" --help
	$check
	# A command that is not among these has no check.
	[[ $(kpki --describe-cli | grep -c ^command) == 22 ]] ||
		fault "there is a command without this check"
}

silent()
{
	[[ ! -s trace ]] || fault "$(head trace)"
}

alone()
{
	[[ $(wc -l <trace) == 1 ]] || fault "$(head trace)"
}

@test "no command makes a network-related system call" {
	each_command network silent
}

@test "no command runs another program" {
	each_command execve,execveat,fork,vfork alone
}

# Files that hold secrets are created 0600, or inherit it from SQLite's main
# file; no mode is set afterwards.
secretly()
{
	local secret='(ca|kubelet|w9-key)\.(key|pem)"|kubelet-client-[^"]*"'

	secret+='|\.conf"|/kubeconfig"|\.tar"|ledger\.db"|\.lock"'
	grep -E "$secret" trace | grep O_CREAT | grep -Ev ', 0600( <unfinished|\) = )' >loose &&
		fault "$(<loose)"
	! grep -E '(chmod|fchmod)' trace || fault "a mode was changed"
}

# Files with tokens, drafts of them without a name among them.
with_tokens_secretly()
{
	grep -E 'O_CREAT|O_TMPFILE' trace | grep -v 'ledger\.db\|\.lock' |
		grep -Ev ', 0600( <unfinished|\) = )' >loose &&
		fault "$(<loose)"
	! grep -E '(chmod|fchmod)' trace || fault "a mode was changed"
}

@test "tokens are created with 0600 in the openat itself" {
	traced openat,open,creat,chmod,fchmod,fchmodat token --inventory nodes
	grep -q 'n1\.yaml", .*O_CREAT|O_EXCL|O_NOFOLLOW.*0600' trace ||
		fault "$(<trace)"
	with_tokens_secretly
	traced openat,open,creat,chmod,fchmod,fchmodat token --out one.yaml
	with_tokens_secretly
	traced openat,open,creat,chmod,fchmod,fchmodat bootstrap-kubeconfig \
		--inventory nodes
	grep -q 'O_TMPFILE.*0600' trace || fault "$(<trace)"
	with_tokens_secretly
	traced openat,open,creat,chmod,fchmod,fchmodat kubeconfig alice
	grep -q 'alice\.kubeconfig", .*O_CREAT|O_EXCL|O_NOFOLLOW.*0600' trace ||
		fault "$(<trace)"
	with_tokens_secretly
}

@test "secrets are created with 0600 in the openat itself" {
	rm -rf pki
	traced openat,open,creat,chmod,fchmod,fchmodat init-ca \
		--server https://api.example.org:6443
	grep -q 'ca\.key", .*O_CREAT|O_EXCL.*0600' trace || fault "$(<trace)"
	secretly
	traced openat,open,creat,chmod,fchmod,fchmodat node-bundle \
		--inventory nodes
	grep -q 'kubelet\.key", .*O_CREAT|O_EXCL.*O_NOFOLLOW.*0600' trace ||
		fault "$(<trace)"
	secretly
	traced openat,open,creat,chmod,fchmod,fchmodat node-bundle w9 \
		--format tar --out tars
	grep -q 'w9\.tar", .*O_CREAT|O_EXCL.*O_NOFOLLOW.*0600' trace ||
		fault "$(<trace)"
	secretly
}

# Drafts without a name are 0600 when a key is in them; nothing else is made
# that is open to its owner only.
@test "keys of a node are created with 0600 in the openat itself" {
	traced openat,open,creat,chmod,fchmod,fchmodat,linkat node-csr n1 \
		--out keys
	[[ $(grep -c 'O_TMPFILE.*, 0600) = ' trace) == 2 ]] ||
		fault "$(<trace)"
	! grep -E 'chmod' trace || fault "a mode was changed"
	sign_requests n1 keys pki >n1.yaml
	mkdir root
	traced openat,open,creat,chmod,fchmod,fchmodat,linkat node-csr \
		--complete n1.yaml --out keys --root root
	# the client's file, the serving key, the kubeconfig
	[[ $(grep -c 'O_TMPFILE.*, 0600) = ' trace) == 3 ]] ||
		fault "$(<trace)"
	! grep -E 'chmod' trace || fault "a mode was changed"
}

@test "no secret is in the arguments, the environment or a core" {
	traced execve node-bundle n1 --address 10.0.0.1
	! grep -q 'PRIVATE KEY' trace out err || fault "a key was shown"
	traced prctl,prlimit64,setrlimit --version
	grep -q 'PR_SET_DUMPABLE, SUID_DUMP_DISABLE\|PR_SET_DUMPABLE, 0' trace ||
		fault "$(<trace)"
	grep -q 'RLIMIT_CORE, {rlim_cur=0, rlim_max=0}' trace ||
		fault "$(<trace)"
}
