#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What kpki asks of the kernel: no network, no other program, and secrets that
# are created as secrets.

load fault

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

	rm -rf pki
	traced "$calls" init-ca --server https://api.example.org:6443
	$check
	traced "$calls" node-bundle --inventory nodes
	$check
	traced "$calls" node-bundle --inventory nodes --out tars --format tar \
		--reissue --key-type rsa-2048
	$check
	traced "$calls" node-bundle w9 --embed-certs --layout pem
	$check
	traced "$calls" list --json
	$check
	traced "$calls" --help
	$check
	# A command that is not among these has no check.
	[[ $(kpki --describe-cli | grep -c ^command) == 3 ]] ||
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

@test "no secret is in the arguments, the environment or a core" {
	traced execve node-bundle n1 --address 10.0.0.1
	! grep -q 'PRIVATE KEY' trace out err || fault "a key was shown"
	traced prctl,prlimit64,setrlimit --version
	grep -q 'PR_SET_DUMPABLE, SUID_DUMP_DISABLE\|PR_SET_DUMPABLE, 0' trace ||
		fault "$(<trace)"
	grep -q 'RLIMIT_CORE, {rlim_cur=0, rlim_max=0}' trace ||
		fault "$(<trace)"
}
