#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kill -9 and failing system calls while a CA's key is sealed, unsealed, or gets
# another passphrase: before each state-changing system call with
# KPKI_FAULT_ALL, before a sample of them otherwise.

load fault

# Two CAs in one directory, plain; and the same sealed.
setup()
{
	mkdir "$scratch/$BATS_TEST_NUMBER"
	cd "$scratch/$BATS_TEST_NUMBER" || return
	(umask 077 && echo first >first && echo second >second)
	[[ -d $scratch/templates/plain ]] && return
	cp -a "$scratch/templates/empty" "$scratch/templates/plain"
	mkdir "$scratch/templates/plain/etcd"
	openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
		-out "$scratch/templates/plain/etcd/ca.key"
	cp -a "$scratch/templates/plain" "$scratch/templates/sealed"
	kpki seal -q --dir "$scratch/templates/sealed" --passphrase-file first
}

begin() # plain|sealed
{
	rm -rf pki
	cp -a "$scratch/templates/$1" pki
}

# Each key is there, whole, and the one it was, plain or under one of the
# passphrases; when the files hold no plain key, nothing else does.
check_keys()
{
	local file

	for file in ca.key etcd/ca.key; do
		[[ $(mode "pki/$file") == 600 ]] || fault "$file: mode" || return
		[[ $(public "pki/$file") == "$(
			openssl pkey -in "$scratch/templates/plain/$file" -pubout
		)" ]] || fault "$file: is not the key it was" || return
	done
}

public()
{
	openssl pkey -in "$1" -passin file:first -pubout 2>/dev/null ||
		openssl pkey -in "$1" -passin file:second -pubout
}

# How many files have a plain key: only those of the keys themselves may.
no_stray_key()
{
	[[ -z $(grep -rlF -e "-BEGIN PRIVATE KEY-" pki |
		grep -vE '^pki/(etcd/)?ca\.key$') ]] ||
		fault "a plain key in $(grep -rlF -e "-BEGIN PRIVATE KEY-" pki)"
}

tidy_now()
{
	[[ -z $(find pki -name '.kpki*') ]] ||
		fault "left: $(find pki -name '.kpki*')"
}

# A plain key may be left by a command whose work is to make one.
check_after()
{
	check_keys
	[[ $1 == unseal ]] || no_stray_key
	kpki "$@" >out 2>err || fault "the next run"
	check_keys
	tidy_now
}

begin_plain()
{
	begin plain
}

begin_sealed()
{
	begin sealed
}

@test "a key that is sealed is plain or sealed, and in one file" {
	halt_everywhere 12 begin_plain check_after \
		seal -q --passphrase-file first
	grep -qF "ENCRYPTED PRIVATE KEY" pki/ca.key
	no_stray_key
}

@test "a key that gets another passphrase is never plain" {
	halt_everywhere 12 begin_sealed check_after \
		seal -q --change --passphrase-file first \
		--new-passphrase-file second
	! grep -rlF -e "-BEGIN PRIVATE KEY-" pki
	openssl pkey -in pki/ca.key -passin file:second -noout
	openssl pkey -in pki/etcd/ca.key -passin file:second -noout
}

@test "a key that is unsealed is whole, and what a killed run left goes" {
	halt_everywhere 12 begin_sealed check_after \
		unseal -q --passphrase-file first
	no_stray_key
	# Also by the command that has nothing else to do.
	begin sealed
	cp "$scratch/templates/plain/ca.key" pki/.kpki-draft-ca.key
	kpki seal -q --passphrase-file first
	tidy_now
}

@test "a call that fails leaves the key as it was, or sealed, and says so" {
	local call at n

	for call in linkat renameat fsync pwrite64 write; do
		for at in 1 2; do
			begin plain
			strace -f -qq -o /dev/null -e trace="$call" \
				-e inject="$call:error=EIO:when=$at" \
				"$KPKI" seal --json --passphrase-file first \
				>out 2>err && n=0 || n=$?
			where="$call $at"
			check_keys || return
			no_stray_key || return
			((n == 0 || n == 1)) || fault "status $n"
			jq -e ".error.code // 0 == $n" out >/dev/null ||
				[[ $call == write ]] || fault "JSON"
		done
	done
}

@test "issuing goes on while the key is sealed and unsealed" {
	local i pid

	begin plain
	(
		for i in {1..8}; do
			"$KPKI" seal -q --passphrase-file first || exit 1
			"$KPKI" unseal -q --passphrase-file first || exit 1
		done
	) >out0 2>&1 &
	pid=$!
	for i in {1..20}; do
		"$KPKI" node-bundle -q "w$i" --passphrase-file first \
			>out 2>err || fault "w$i: $(<err)" || return
	done
	wait "$pid" || fault "$(<out0)"
	[[ $(kpki list --csv | tail -n +2 | wc -l) == 41 ]]
}
