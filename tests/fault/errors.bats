#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# System calls that fail: kpki says so and exits 1, what it says it did is
# done, and the next run completes the rest.

load fault

batch=(node-bundle --inventory nodes --jobs 1)

# `inject CALL ERROR N COMMAND…`: the N-th call of each thread fails.
inject()
{
	local call=$1 error=$2 n=$3

	shift 3
	strace -f -y -qq -o trace -e "trace=$call" \
		-e "inject=$call:error=$error:when=$n" "$KPKI" "$@" >out 2>err
}

# How often one thread makes this call, the first of a loader's openat() aside:
# prints the first and the last number to try.
occurrences()
{
	local call=$1

	shift
	strace -f -qq -o trace -e "trace=$call" "$KPKI" "$@" >out 2>err ||
		fault "an undisturbed run failed" || return
	awk -v call="$call(" '
		index($2, call) == 1 {
			n[$1]++
			if (!first && (call != "openat(" || /"pki"/))
				first = n[$1]
		}
		END {
			for (thread in n)
				if (n[thread] > most)
					most = n[thread]
			print first + 0, most + 0
		}' trace
}

pki_directory='pki|\.kpki-init-[a-z0-9]+'

# `passes_over CALL`: some failures do not count: what could not be removed is
# removed at the second attempt, files that need not be there are not read, and
# SQLite does not mind about the directory of a journal that was there before.
passes_over()
{
	[[ $1 == openat || $1 == unlinkat ]] ||
		grep -qE "fdatasync\([0-9]+<[^>]*/($pki_directory)>\) .*INJ" \
			trace
}

# `fail_everywhere SAMPLE TIMES PREPARE SUFFIX CALL ERROR COMMAND…`
fail_everywhere()
{
	local sample=$1 times=$2 prepare=$3 suffix=$4 call=$5 error=$6
	local status first last offset

	shift 6
	$prepare
	read -r first last < <(occurrences "$call" "$@")
	((first > 0)) || fault "no $call"
	for offset in $(points $((last - first + 1)) "$sample"); do
		$prepare
		status=0
		inject "$call" "$error" $((first + offset - 1)) "$@" ||
			status=$?
		cp out reported
		where="$call $((first + offset - 1)) fails ($error): kpki $*"
		if ((status == 0)) && passes_over "$call"; then
			all_published "$suffix"
		else
			((status == 1)) || fault "status $status"
			grep -q '^kpki node-bundle: ' err || fault "no message"
		fi
		after_fault
		check_reported "$times"
		converged "$times" "$@"
		all_published "$suffix"
	done
}

# For a run that makes new bundles, and one that exchanges them.
both()
{
	fail_everywhere "$1" 1 fresh '' "$2" "$3" "${batch[@]}"
	fail_everywhere "$1" 2 fresh_full '' "$2" "$3" "${batch[@]}" \
		--reissue --issued-before "$(<"$templates/moment")"
}

@test "syncfs" {
	both 4 syncfs EIO
	both 4 syncfs ENOSPC
}

@test "fsync" {
	both 4 fsync EIO
}

@test "fdatasync" {
	both 10 fdatasync EIO
}

@test "renameat2" {
	both 6 renameat2 EIO
	both 6 renameat2 EACCES
}

@test "writev" {
	both 6 writev ENOSPC
	both 6 writev EIO
}

@test "pwrite64" {
	both 10 pwrite64 ENOSPC
	both 10 pwrite64 EIO
}

@test "ftruncate" {
	both 4 ftruncate EIO
}

@test "openat" {
	both 12 openat EACCES
	both 6 openat EMFILE
}

@test "mkdirat" {
	both 6 mkdirat ENOSPC
	both 3 mkdirat EACCES
}

@test "symlinkat" {
	both 3 symlinkat EIO
}

@test "unlinkat" {
	both 8 unlinkat EIO
}

@test "the same for tars" {
	local call

	for call in writev renameat2 fsync openat; do
		fail_everywhere 4 1 fresh .tar $call EIO "${batch[@]}" \
			--format tar
	done
}

@test "a renameat2 that finds something there" {
	local n

	# The probe's two, and then one for each node.
	for n in 3 4 5; do
		fresh
		where="renameat2 $n: EEXIST"
		! inject renameat2 EEXIST $n "${batch[@]}" || fault "no failure"
		grep -q '^refused .*somebody else put it there' out ||
			fault "not refused"
		look before
		n=$(grep -c ' withdrawn$' before)
		((n == 2)) || fault "$n certificates withdrawn"
		kpki "${batch[@]}" >out 2>err || fault "the next run"
		look after
		check_tidy
		check_published after live
		all_published ''
	done
}

# Everything is recorded, and the first bundle is about to be renamed; the
# renames before it are the probe's.
halt_before_publishing()
{
	local at

	fresh
	count_calls "${batch[@]}" >/dev/null
	at=$(awk '$2 == "renameat2" && ++n == 3 { print $1 }' calls)
	fresh
	halt "$at" "${batch[@]}" || true
	[[ $(tail -n 1 calls) == "$at renameat2" ]] || fault "$(tail -n 1 calls)"
}

@test "while recovering" {
	local at call first last

	for call in renameat2 fsync fdatasync unlinkat openat; do
		halt_before_publishing
		read -r first last < <(occurrences "$call" "${batch[@]}")
		for at in $(points "$last" 4); do
			((at >= first)) || continue
			halt_before_publishing
			inject "$call" EIO "$at" "${batch[@]}" || true
			where="$call $at fails while recovering"
			after_fault
			converged 1 "${batch[@]}"
			all_published ''
		done
	done
}

@test "the birth of a PKI directory" {
	local calls=(openat:EACCES mkdirat:ENOSPC writev:ENOSPC pwrite64:EIO
		syncfs:EIO renameat:EIO fsync:EIO) call first last

	for call in "${calls[@]}"; do
		rm -rf pki
		read -r first last < <(occurrences "${call%:*}" init-ca)
		((first > 0 || last > 0)) || fault "no $call"
		for n in $(seq "$first" "$last" | shuf ${all:--n 3}); do
			rm -rf pki
			where="$call $n: init-ca"
			status=0
			inject "${call%:*}" "${call#*:}" "$n" init-ca ||
				status=$?
			((status < 2)) || fault "status $status"
			((status == 1)) || passes_over "${call%:*}" ||
				fault "status $status"
			kpki init-ca >out 2>err || fault "the next run"
			look after
			check_tidy
			"$tools/pair_check" pki/ca.crt pki/ca.key >/dev/null
		done
	done
}

@test "nobody reads the stream to its end" {
	local stream=("${batch[@]}" --format tar --out -) status

	# More than a pipe holds.
	seq -f 'w%g' 20 >nodes
	kpki "${stream[@]}" 2>err | head -c 100 >/dev/null &&
		status=${PIPESTATUS[0]}
	is "$status" 1
	look before
	grep -q ^pending before
	kpki "${stream[@]}" >out.tar 2>err
	unpack out.tar unpacked
	look after
	check_ledgers 1
	check_tidy
	check_bundles after live w1 unpacked/w1 w20 unpacked/w20
}

@test "standard output is full" {
	for format in dir tar; do
		fresh
		! kpki "${batch[@]}" --format $format >/dev/full 2>err
		grep -q '^kpki node-bundle: standard output: No space left' err
		after_fault
		kpki "${batch[@]}" --format $format
	done
	fresh
	! kpki "${batch[@]}" --format tar --out - >/dev/full 2>err
	look before
	grep -q ^pending before
	kpki "${batch[@]}" --format tar --out - >out.tar
	unpack out.tar unpacked
}

# The probe's calls are the first of their kind in the stage.
@test "a probe that fails says why" {
	local call error wanted n
	local lacks="its file system cannot exchange files or rename them"

	while read -r call error n wanted; do
		fresh
		where="$call $n: $error"
		! inject "$call" "$error" "$n" "${batch[@]}" ||
			fault "no failure"
		grep -qF "$wanted" err || fault "$(<err)"
		[[ $wanted == "its file"* ]] || ! grep -q 'its file' err ||
			fault "the file system is blamed"
		check_tidy
	done <<-END
		renameat2 EIO 1 bundles": cannot rename in it: Input/output error
		renameat2 ENOSPC 2 bundles": cannot rename in it: No space left
		renameat2 EINVAL 1 $lacks
		renameat2 EINVAL 2 $lacks
		symlinkat ENOSPC 1 bundles": cannot make a link in it: No space left
		symlinkat EPERM 1 its file system has no symbolic links
	END
	fresh
	where="openat: EMFILE"
	n=$(strace -f -qq -o trace -e trace=openat "$KPKI" "${batch[@]}" \
		>out 2>err; grep -n '"a", O_WRONLY|O_CREAT' trace | head -1)
	fresh
	! inject openat EMFILE "${n%%:*}" "${batch[@]}" || fault "no failure"
	grep -q 'file "a": cannot create: Too many open files' err ||
		fault "$(<err)"
}

@test "a new output directory is durable in its parent" {
	local how n

	for how in '' '--format tar'; do
		fresh
		where="node-bundle $how"
		strace -y -qq -o trace -e trace=fsync "$KPKI" "${batch[@]}" \
			$how >out 2>err || fault "$(<err)"
		grep -qE "fsync\([0-9]+<$PWD>\) += 0" trace ||
			fault "no sync of $PWD: $(<trace)"
		strace -y -qq -o trace -e trace=fsync "$KPKI" "${batch[@]}" \
			$how >out 2>err || fault "$(<err)"
		! grep -F "<$PWD>" trace || fault "a sync for nothing"
	done
	for ((n = 1; n < 9; n++)); do
		fresh
		inject fsync EIO $n "${batch[@]}" || true
		! grep -F "<$PWD>" trace | grep -q INJECTED || break
	done
	((n < 9)) || fault "no failure of it"
	grep -q '"bundles": cannot sync: Input/output error' err ||
		fault "$(<err)"
	after_fault
}
