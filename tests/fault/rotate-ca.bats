#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kill -9 in the middle of kpki rotate-ca, and system calls of it that fail:
# before each state-changing one with KPKI_FAULT_ALL, a sample otherwise.

load fault

# Three nodes, as they are at a stage of the rotation.
fresh_at() # STAGE
{
	local at

	if [[ ! -e $scratch/stage-$1 ]]; then
		fresh_full
		for at in $(seq "$1"); do
			kpki rotate-ca stage "$at" --vouch --quiet || return
		done
		mkdir "$scratch/stage-$1"
		cp -a pki rotation "$scratch/stage-$1" 2>/dev/null ||
			cp -a pki "$scratch/stage-$1"
	fi
	fresh_full
	rm -rf pki
	cp -a "$scratch/stage-$1"/. .
}

fresh_at_0() { fresh_at 0; }
fresh_at_1() { fresh_at 1; }
fresh_at_2() { fresh_at 2; }

# The stages that were entered.
stages()
{
	kpki ledger export | jq -r 'select(.kind == "rotation" and
		.name == null) | .detail[6:7]' | paste -sd ' '
}

public_half() # CERTIFICATE KEY
{
	[[ $(openssl x509 -in "$1" -noout -pubkey) == \
		"$(openssl pkey -in "$2" -pubout)" ]]
}

# Both pairs are whole, and each node has one tree that the CA signed.
check_pairs() # STAGE
{
	local node

	look after
	public_half pki/ca.crt pki/ca.key || fault "ca.key is not ca.crt's"
	public_half pki/rotation/ca.crt pki/rotation/ca.key ||
		fault "the other pair is none"
	[[ $(kpki list --profile ca --json | jq '.items | length') == 2 ]] ||
		fault "not two CAs"
	for node in n1 n2 n3; do
		openssl verify -CAfile pki/ca.crt "rotation/stage-$1/$node/var/lib/kubelet/pki/kubelet.crt" \
			>/dev/null || fault "$node: not of the CA"
		[[ $(grep -c BEGIN "rotation/stage-$1/$node/etc/kubernetes/pki/ca-bundle.crt") == 2 ]] ||
			fault "$node: does not trust both"
	done
	[[ -z $(find pki rotation -name '.kpki-*') ]] ||
		fault "a stage is left"
	kpki rotate-ca status "rotation/stage-$1" >out 2>err ||
		fault "what came back"
}

check_stage_1()
{
	"$KPKI" "$@" >out 2>err || fault "the same again"
	[[ $(stages) == 1 ]] || fault "stages: $(stages)"
	check_pairs 1
}

@test "the new CA is made once, and each node has its tree" {
	halt_everywhere 30 fresh_at_0 check_stage_1 rotate-ca stage 1 --quiet
}

check_stage_2()
{
	"$KPKI" "$@" >out 2>err || fault "the same again"
	[[ $(stages) == "1 2" ]] || fault "stages: $(stages)"
	check_pairs 2
}

@test "the CA that signs is the old or the new one, with its own key" {
	halt_everywhere 40 fresh_at_1 check_stage_2 \
		rotate-ca stage 2 --vouch --quiet
}

# Whatever was meant to be next goes on from where the ledger is.
check_rollback()
{
	if [[ $(stages) == "1 2" ]]; then
		"$KPKI" "$@" >out 2>err || fault "the same again"
	fi
	kpki rotate-ca stage 1 --quiet >out 2>err || fault "the stage again"
	[[ $(stages) == "1 2 1" ]] || fault "stages: $(stages)"
	check_pairs 1
}

@test "going back is done, or did not happen" {
	halt_everywhere 30 fresh_at_2 check_rollback rotate-ca rollback --quiet
}

check_others()
{
	kpki node-bundle more --quiet >out 2>err || fault "the next writer"
	[[ $(stages) == 1 || $(stages) == "1 2" ]] || fault "stages: $(stages)"
	look after
	public_half pki/ca.crt pki/ca.key || fault "ca.key is not ca.crt's"
	openssl verify -CAfile pki/ca.crt \
		bundles/more/var/lib/kubelet/pki/kubelet.crt >/dev/null ||
		fault "more: not of the CA"
	[[ -z $(find pki -maxdepth 1 -name '.kpki-rotation*') ]] ||
		fault "a stage is left"
}

@test "what was cut short, the next command that writes finishes" {
	halt_everywhere 40 fresh_at_1 check_others \
		rotate-ca stage 2 --vouch --quiet
}

# What fails says so, and the same again finishes it.
@test "a call that fails is told of, and leaves nothing half done" {
	local call at n

	for call in renameat fsync mkdirat; do
		fresh_at_1
		n=$(strace -f -e trace=$call -o trace "$KPKI" rotate-ca stage 2 \
			--vouch --quiet >out 2>err && grep -c "$call(" trace) ||
			continue
		for at in $(points "$n" 6); do
			fresh_at_1
			where="$call $at"
			strace -f -o trace -e trace=$call \
				-e inject=$call:error=EIO:when="$at" \
				"$KPKI" rotate-ca stage 2 --vouch --quiet \
				>out 2>err && status=0 || status=$?
			((status == 0 || status == 1)) ||
				fault "status $status"
			((status == 0)) || grep -q . err || fault "no message"
			check_stage_2 rotate-ca stage 2 --vouch --quiet
		done
	done
}
