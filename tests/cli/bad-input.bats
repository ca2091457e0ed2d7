#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/data/bad: what is refused, and with which words.  tests/data/README says
# how a case is added.

load helper
load pki

setup()
{
	unset KPKI_DIR
	cd "$BATS_TEST_TMPDIR"
	make_pki
	kpki node-bundle --quiet old --out old
	before=$(picture pki)
}

n_cases=0
failures=

blame()
{
	failures+="$label: $1"$'\n'
}

# The last run was refused as it should: `refused STATUS FRAGMENT`, where " ... "
# in the fragment is any text.
refused()
{
	local part rest=$stderr

	[[ $status == "$1" ]] || blame "exits $status, not $1"
	while IFS= read -r part; do
		[[ $rest == *"$part"* ]] || {
			blame "says \"$stderr\", not \"$2\""
			break
		}
		rest=${rest#*"$part"}
	done <<<"${2// ... /$'\n'}"
	[[ ! $output ]] || blame "writes \"$output\""
	[[ ${#stderr_lines[@]} == 1 ]] || blame "says more than one line"
	(($(wc -c <<<"$stderr") < 700)) || blame "says too much"
	is_printable "$stderr" >&2 || blame "says control bytes"
}

# The same once more with --json: one object that says the same.
refused_in_json()
{
	local message=${stderr#kpki }

	message=${message#*: }
	run --separate-stderr "$KPKI" "$1" --json "${@:2}"
	is_printable "${output//$'\n'/}" >&2 || blame "JSON with control bytes"
	jq -es --argjson code "$status" '
		length == 1 and .[0].apiVersion == "kpki/v1" and
		.[0].items == [] and .[0].error.code == $code and
		(.[0].error.message | length > 0)' \
		<<<"$output" >/dev/null || blame "JSON is \"$output\""
	# The second run may be in another second.
	[[ ${stderr//T??:??:??Z/} == *"${message//T??:??:??Z/}" ]] ||
		blame "--json says \"$stderr\""
	[[ ! -e out && ! -e bundles ]] || blame "made an output directory"
	[[ $(picture pki) == "$before" ]] || blame "touched the PKI directory"
}

# Runs kpki on one case.
try()
{
	local expected=$1 fragment=$2

	shift 2
	n_cases=$((n_cases + 1))
	run --separate-stderr "$KPKI" "$@"
	refused "$expected" "$fragment"
	refused_in_json "$@"
	rm -rf out bundles
}

# At the end of a loop: how many cases it must have met at least.
all_were_refused()
{
	printf '%s' "$failures"
	echo "$n_cases cases"
	[[ ! $failures ]]
	((n_cases >= $1))
}

# The first line of a case.
read_expectation()
{
	local words

	IFS= read -r words <"$1"
	[[ $words =~ ^'# expect: '([0-9])' '(.+)$ ]] || {
		echo "$1: no expectation"
		return 1
	}
	expected=${BASH_REMATCH[1]}
	fragment=${BASH_REMATCH[2]}
}

@test "bad inventories are refused with place and rule, and nothing is made" {
	local case expected fragment

	for case in "$data"/bad/inventory/*; do
		label=${case##*/}
		read_expectation "$case"
		[[ $fragment != :* ]] || fragment=$label$fragment
		cp "$case" .
		try "$expected" "$fragment" node-bundle --inventory "$label" \
			--out out
	done
	all_were_refused 150
}

@test "bad inventories that are no text of their own, too" {
	local expected fragment

	mkdir cases
	source "$data/bad/generate" cases
	while IFS=$'\t' read -r label expected fragment; do
		cp "cases/$label" .
		try "$expected" "$fragment" node-bundle --inventory "$label" \
			--out out
	done <cases/expected
	all_were_refused 25
}

@test "bad cluster files are refused with place and rule" {
	local case expected fragment

	for case in "$data"/bad/cluster/*; do
		label=${case##*/}
		read_expectation "$case"
		[[ $fragment != :* ]] || fragment=cluster.yaml$fragment
		cp "$case" pki/cluster.yaml
		before=$(picture pki)
		try "$expected" "$fragment" node-bundle w1 --out out
	done
	all_were_refused 50
}

@test "bad bases of a KubeletConfiguration are refused with place and rule" {
	local case expected fragment

	for case in "$data"/bad/kubelet-config/*; do
		label=${case##*/}
		read_expectation "$case"
		[[ $fragment != :* ]] || fragment=$label$fragment
		cp "$case" .
		try "$expected" "$fragment" node-bundle w1 --out out \
			--kubelet-config-base "$label"
	done
	all_were_refused 7
}

@test "bad certificates for a node are refused with place and rule" {
	local case expected fragment

	for case in "$data"/bad/node-certificates/*; do
		label=${case##*/}
		read_expectation "$case"
		[[ $fragment != :* ]] || fragment=$label$fragment
		cp "$case" .
		try "$expected" "$fragment" node-csr --complete "$label" \
			--root out
	done
	all_were_refused 20
}

@test "bad arguments are refused with value and rule" {
	local expected words fragment

	while IFS=$'\t' read -r expected words fragment; do
		[[ $expected == [0-9] ]] || continue
		label=$words
		eval "set -- $words"
		try "$expected" "$fragment" "$@"
		[[ ! -e new ]] || blame "made a PKI directory"
		rm -rf new
	done <"$data/bad/arguments"
	all_were_refused 100
}
