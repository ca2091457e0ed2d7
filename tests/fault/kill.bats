#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kill -9 before a state-changing system call: before each with
# KPKI_FAULT_ALL, before a sample of them otherwise.

load fault

batch=(node-bundle --inventory nodes --jobs 1 --quiet)

# `kill_everywhere SAMPLE TIMES PREPARE SUFFIX COMMAND…`
kill_everywhere()
{
	local times=$2 suffix=$4

	halt_everywhere "$1" "$3" check_batch "${@:5}"
}

check_batch()
{
	after_fault
	converged "$times" "$@"
	all_published "$suffix"
}

# The calls of a run during which it has something recorded and unpublished, or
# is about to.
dangerous_calls()
{
	awk '$2 == "syncfs" { at = 1 }
		at { print $1 }
		at && $2 == "fsync" { exit }' calls
}

# `kill_recovery FIRST SAMPLE TIMES PREPARE SUFFIX COMMAND…`: a run dies with
# something recorded, and so does the next one, which recovers.
kill_recovery()
{
	local first=$1 sample=$2 times=$3 prepare=$4 suffix=$5 n at again

	shift 5
	$prepare
	count_calls "$@" >/dev/null
	for at in $(dangerous_calls | shuf ${all:+-n 1000} ${all:--n "$first"}); do
		$prepare
		halt "$at" "$@" || true
		n=$(count_calls "$@")
		for again in $(points "$n" "$sample"); do
			$prepare
			halt "$at" "$@" || true
			halt "$again" "$@" || true
			where="call $at, and $again of the next: kpki $*"
			after_fault
			converged "$times" "$@"
			all_published "$suffix"
		done
	done
}

@test "a batch of directories" {
	kill_everywhere 30 1 fresh '' "${batch[@]}"
}

@test "a batch of tars" {
	kill_everywhere 20 1 fresh .tar "${batch[@]}" --format tar
}

@test "a batch that is issued anew" {
	kill_everywhere 30 2 fresh_full '' "${batch[@]}" --reissue \
		--issued-before "$(<"$templates/moment")"
}

@test "a batch of tars that is issued anew" {
	kill_everywhere 20 2 fresh_full_tar .tar "${batch[@]}" --format tar \
		--reissue --issued-before "$(<"$templates/moment")"
}

@test "recovery of directories" {
	kill_recovery 2 12 1 fresh '' "${batch[@]}"
}

@test "recovery of tars" {
	kill_recovery 1 12 1 fresh .tar "${batch[@]}" --format tar
}

@test "recovery of what was issued anew" {
	kill_recovery 2 12 2 fresh_full '' "${batch[@]}" --reissue \
		--issued-before "$(<"$templates/moment")"
}

# A run that is killed leaves the beginning of the archive, and the next one
# sends the whole; unless the first had sent all of it.
stream_converged()
{
	local size node rest there=()

	kpki "$@" >again.tar 2>err || fault "the next run: status $?" || return
	look after && check_ledgers 1 && check_tidy || return
	size=$(stat -c %s out.tar)
	rm -rf unpacked
	if tar -tf again.tar 2>/dev/null | grep -q .; then
		cmp -n "$size" out.tar again.tar ||
			fault "other bytes than at first" || return
		unpack again.tar unpacked || return
	else
		unpack out.tar unpacked || return
	fi
	while read -r node rest; do
		there+=("$node" "unpacked/$node")
	done <nodes
	check_bundles after live "${there[@]}"
}

# `stream_halt N COMMAND…`
stream_halt()
{
	halt "$@"
	mv out out.tar
}

stream=("${batch[@]}" --format tar --out -)

@test "a batch that is one stream" {
	local n at

	n=$(count_calls "${stream[@]}")
	for at in $(points "$n" 40); do
		fresh
		stream_halt "$at" "${stream[@]}" || true
		where="call $at, $(tail -n 1 calls): kpki ${stream[*]}"
		look before
		stream_converged "${stream[@]}"
	done
}

@test "a stream that is sent again" {
	local n at again

	count_calls "${stream[@]}" >/dev/null
	for at in $(dangerous_calls | shuf ${all:+-n 1000} ${all:--n 2}); do
		fresh
		stream_halt "$at" "${stream[@]}" || true
		n=$(count_calls "${stream[@]}")
		for again in $(points "$n" 15); do
			fresh
			stream_halt "$at" "${stream[@]}" || true
			look before
			# The first bytes are of no use without the rest.
			stream_halt "$again" "${stream[@]}" || true
			where="call $at, and $again of the next: ${stream[*]}"
			look before
			stream_converged "${stream[@]}"
		done
	done
}

# `check_authority`: what init-ca made is whole.
check_authority()
{
	local serial

	look after || return
	serial=$("$tools/pair_check" pki/ca.crt pki/ca.key) ||
		fault "the CA's key" || return
	grep -q "^issued 1 ca - $serial live$" after ||
		fault "the CA is not in the ledger" || return
	diff <(cd "$templates/empty" && stat -c '%n %a' .lock *) \
		<(cd pki && stat -c '%n %a' .lock *) || fault "the files"
}

no_pki()
{
	rm -rf pki
}

check_birth()
{
	local before=

	if [[ -e pki ]]; then
		check_authority
		before=$(<pki/ca.crt)
	fi
	kpki "$@" >out 2>err || fault "the next run: status $?"
	check_authority
	check_tidy
	[[ -z $before || $before == "$(<pki/ca.crt)" ]] ||
		fault "another CA"
}

@test "the birth of a PKI directory" {
	halt_everywhere 30 no_pki check_birth init-ca
}

# The sealed key is the certificate's, and stands nowhere plain.
check_sealed()
{
	[[ $(openssl pkey -in pki/ca.key -passin file:pass -pubout) == \
		"$(openssl x509 -in pki/ca.crt -noout -pubkey)" ]] ||
		fault "the sealed key is not the certificate's" || return
	! grep -rqF -e "-BEGIN PRIVATE KEY-" . || fault "a plain key"
}

check_sealed_birth()
{
	local before=

	! grep -rqF -e "-BEGIN PRIVATE KEY-" . || fault "a plain key" || return
	if [[ -e pki ]]; then
		check_sealed || return
		before=$(<pki/ca.crt)
	fi
	kpki "$@" >out 2>err || fault "the next run: status $?" || return
	check_sealed || return
	look after || return
	check_tidy
	[[ -z $before || $before == "$(<pki/ca.crt)" ]] ||
		fault "another CA"
}

@test "the birth of one whose key is sealed" {
	(umask 077 && echo "a long passphrase" >pass)
	halt_everywhere 12 no_pki check_sealed_birth init-ca --seal \
		--passphrase-file pass
}

# Some hundreds of nodes, more than a chunk.
many_nodes()
{
	seq -f 'w%g' "$1" | awk '{ print $1, "10.1." int(NR / 200) "." \
		1 + NR % 200 }' >nodes
}

@test "any moment of a large batch with two workers" {
	local many=(node-bundle --inventory nodes --jobs 2 --quiet) times=10

	[[ ! $all ]] || times=100
	for ((round = 0; round < times; round++)); do
		fresh
		many_nodes 600
		for ((kills = 0; kills < 3; kills++)); do
			timeout -s KILL "0.$(printf %03d $((RANDOM % 200)))" \
				"$KPKI" "${many[@]}" >out 2>err || true
			where="round $round"
			after_fault
		done
		converged 1 "${many[@]}"
	done
}
