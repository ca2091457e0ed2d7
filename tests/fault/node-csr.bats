#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kill -9 and failing system calls while a node makes its keys, and while what
# came back is put in its place: at each call with KPKI_FAULT_ALL, at a sample of
# them otherwise.

load fault
load ../cli/sign

CLIENT=var/lib/kubelet/pki/kubelet-client-current.pem
request=(node-csr n1 --address 10.0.0.1 --out keys --quiet)
finish=(node-csr --complete n1.yaml --out keys --root root --quiet)

# In a place of its own: keys, what came back for them twice, and what comes of
# the first, and of the second behind it.
prepare_templates()
{
	cd "$templates" || return
	[[ ! -e node ]] || return 0
	mkdir node
	kpki "${request[@]/keys/node/keys}"
	sign_requests n1 node/keys empty IP:10.0.0.1 >node/old.yaml
	sleep 1
	sign_requests n1 node/keys empty IP:10.0.0.1 >node/new.yaml
	for made in old new; do
		[[ $made == old ]] && mkdir node/old || cp -a node/old node/new
		kpki node-csr -q --complete node/$made.yaml --out node/keys \
			--root node/$made
	done
}

setup()
{
	templates=$scratch/templates
	(prepare_templates) || return
	mkdir "$scratch/$BATS_TEST_NUMBER"
	cd "$scratch/$BATS_TEST_NUMBER" || return
}

# An empty host, and one that is to get the second.
host()
{
	rm -rf root keys n1.yaml
	cp -a "$templates/node/keys" keys
	cp "$templates/node/old.yaml" n1.yaml
	mkdir root
	before=
	wanted=$templates/node/old
}

used_host()
{
	host
	cp "$templates/node/new.yaml" n1.yaml
	cp -a "$templates/node/old/." root
	before=$templates/node/old
	wanted=$templates/node/new
}

# What is below a directory, in lines that sort; the times are left out.
contents()
{
	(cd "$1" && find . -mindepth 1 -printf '%P %y %m %l\n' | sort &&
		find . -type f -exec sha256sum {} + | sort -k 2)
}

# Whatever has its name is whole, of before or of what is wanted; and a kubelet
# that could start finds all it needs.
check_host()
{
	local file

	while read -r file; do
		cmp -s "root/$file" "$wanted/$file" ||
			{ [[ $before ]] && cmp -s "root/$file" "$before/$file"; } ||
			fault "$file: not whole" || return
		[[ $(mode "root/$file") == $(mode "$wanted/$file") ]] ||
			fault "$file: its mode" || return
	done < <(cd root && find . -type f ! -name '.kpki-*' -printf '%P\n')
	[[ ! -e root/etc/kubernetes/kubelet.conf ]] || check_usable
}

check_usable()
{
	local pki=root/var/lib/kubelet/pki file

	for file in "$CLIENT" var/lib/kubelet/config.yaml \
		etc/kubernetes/pki/ca.crt; do
		[[ -s root/$file ]] || fault "$file: missing" || return
	done
	"$tools/pair_check" "root/$CLIENT" "root/$CLIENT" \
		$pki/kubelet.crt $pki/kubelet.key >/dev/null ||
		fault "a key does not fit its certificate"
}

# The same again succeeds, and nothing tells that there was a fault.
finished()
{
	kpki "${finish[@]}" >out 2>err || fault "the next run: status $?" ||
		return
	diff <(contents root) <(contents "$wanted") >after ||
		fault "not as it should be"
}

check_finished()
{
	check_host
	finished
}

@test "certificates put in place on an empty host" {
	halt_everywhere 15 host check_finished "${finish[@]}"
}

@test "certificates put in the place of older ones" {
	halt_everywhere 15 used_host check_finished "${finish[@]}"
}

# A system call fails, and says so; then nothing that was there is harmed, and an
# empty host has nothing on it but what was there.
@test "a system call that fails while certificates are put in place" {
	local call n at state

	for state in host used_host; do
		for call in mkdirat,EACCES write,ENOSPC writev,ENOSPC fsync,EIO \
			linkat,EIO symlinkat,EIO renameat,EIO renameat2,EIO; do
			for at in $(points 8 2); do
				$state
				strace -f -qq -o trace -e trace="${call%,*}" \
					-e inject="${call%,*}:error=${call#*,}:when=$at" \
					"$KPKI" "${finish[@]}" >out 2>err &&
					n=0 || n=$?
				where="$call $at: kpki ${finish[*]}"
				if grep -q INJECTED trace; then
					((n == 1)) || fault "status $n"
				else
					((n == 0)) || fault "status $n"
				fi
				check_host
				[[ $n == 0 || $state != host ||
					-z $(find root -type f) ]] ||
					fault "something was left"
				finished
			done
		done
	done
}

# Keys are whole, and private.
check_keys()
{
	local key

	for key in keys/*.key; do
		[[ -e $key ]] || continue
		[[ $(mode "$key") == 600 ]] || fault "$key: its mode" || return
		openssl pkey -in "$key" -noout || fault "$key: not whole" ||
			return
	done
}

no_keys()
{
	rm -rf keys
}

check_requests()
{
	local had

	check_keys
	had=$(sha256sum keys/*.key 2>/dev/null) || :
	kpki "$@" >out 2>err || fault "the next run: status $?"
	check_keys
	[[ $(ls -A keys | wc -l) == 4 ]] || fault "$(ls -A keys)"
	[[ -z $had ]] || sha256sum --quiet -c <<<"$had" ||
		fault "a key was made anew"
	openssl req -in keys/kubelet-client.csr -noout -verify \
		2>/dev/null || fault "the client's request"
	openssl req -in keys/kubelet-serving.csr -noout -verify \
		2>/dev/null || fault "the serving request"
}

@test "keys and requests being made" {
	halt_everywhere 15 no_keys check_requests "${request[@]}"
}

keys_of_before()
{
	rm -rf keys
	kpki "${request[@]}"
}

check_replaced()
{
	openssl req -in keys/kubelet-serving.csr -noout -verify \
		2>/dev/null || fault "not whole"
	kpki "$@" >out 2>err || fault "the next run: status $?"
	[[ $(ls -A keys | wc -l) == 4 ]] || fault "$(ls -A keys)"
}

@test "a request being replaced" {
	halt_everywhere 10 keys_of_before check_replaced \
		"${request[@]}" --address 10.0.0.2
}
