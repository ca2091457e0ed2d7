#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/data/bad/requests: what kpki sign refuses, with which words, and that it
# signs nothing of it; tests/data/good/requests: what it signs.

load helper
load pki

setup()
{
	unset KPKI_DIR
	cd "$BATS_TEST_TMPDIR"
	make_pki
	printf '%s\n' 'w1 10.0.0.1 w1.example' 'w2 10.0.0.2' 'w3' >nodes
}

n_cases=0
failures=

blame()
{
	failures+="$label: $1"$'\n'
}

# The head of a case: $profile, and of a bad one $expected and $fragment.
read_head()
{
	local first second

	{ read -r first && read -r second; } <"$1"
	[[ $first$'\n'$second =~ '# profile: '([a-z-]+) ]] || return
	profile=${BASH_REMATCH[1]}
	[[ $first =~ ^'# expect: '([0-9])' '(.+)$ ]] || return
	expected=${BASH_REMATCH[1]}
	fragment=${BASH_REMATCH[2]}
}

# `sign FILE OPTION...`: $status, and $said what goes to standard error.
sign()
{
	status=0
	"$KPKI" sign "$1" --inventory nodes --profile "$profile" "${@:2}" \
		>said.out 2>said.err || status=$?
	said=$(<said.err)
}

refused()
{
	[[ $status == "$expected" ]] || blame "$1 exits $status, not $expected"
	[[ $said == *"$fragment"* ]] || blame "$1 says \"$said\""
	[[ $said != *$'\n'* ]] || blame "$1 says more than one line"
	((${#said} < 1500)) || blame "$1 says too much"
	is_printable "$said" >&2 || blame "$1 says control bytes"
}

refused_in_report()
{
	local report

	report=$(<said.out)
	is_printable "${report//$'\n'/}" >&2 || blame "control bytes in JSON"
	[[ $report == *'"dryRun":true'* && $report != *'"issued"'* &&
		$report =~ '"status":"'(refused|failed)'"' ]] ||
		blame "the report is \"$report\""
}

@test "bad requests are refused with the rule, and nothing is signed" {
	local case before label profile expected fragment status said

	before=$(picture pki)
	for case in "$data"/bad/requests/*.csr; do
		label=${case##*/}
		n_cases=$((n_cases + 1))
		read_head "$case" || blame "no expectation"
		sign "$case" --dry-run --json
		refused "--dry-run"
		refused_in_report
		sign "$case" --out out
		refused "--out"
		[[ ! -e out ]] || blame "wrote an answer"
		rm -rf out
	done
	printf '%s' "$failures"
	echo "$n_cases cases"
	[[ ! $failures ]]
	((n_cases >= 490))
	is "$(picture pki)" "$before"
	is "$(rows --all)" 1
}

@test "all bad requests at once are refused, and nothing is signed" {
	make_pki --dir other
	exits 3 sign "$data"/bad/requests/*.csr --inventory nodes \
		--profile kubelet-client --out out --dir other --json
	is "$(json '[.items[] | select(.status == "issued")] | length')" 0
	[[ ! -e out ]]
}

@test "good requests of every maker are signed" {
	local case profile

	for case in "$data"/good/requests/*.csr; do
		n_cases=$((n_cases + 1))
		read_head "$case" || :
		sign "$case" --reissue --out out
		is "$status $said" "0 "
		openssl verify -CAfile pki/ca.crt "out/w1.$profile.crt"
		is "$(certificate "out/w1.$profile.crt" -subject)" \
			"subject=CN=system:node:w1,O=system:nodes"
		is "$(certificate "out/w1.$profile.crt" -pubkey)" \
			"$(openssl req -in "$case" -noout -pubkey)"
		rm -r out
	done
	((n_cases >= 9))
}

@test "the generator makes the same bad requests again" {
	mkdir again
	"${top_builddir:?}/tests/data/bad/requests/generate" again
	diff -r -x '*.[cho]' -x generate -x .deps -x .dirstamp \
		"$data/bad/requests" again
}
