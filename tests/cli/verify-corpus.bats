#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Each rule of kpki verify about documents: an input that has exactly its fault,
# and one that nearly has it.

load helper
load pki

cases=$data/verify

# Verifies the entries of a copy, with the modes that secrets have: DIRECTORY
verify()
{
	rm -rf copy && cp -r "$1" copy && chmod -R u=rwX,go= copy
	run --separate-stderr "$KPKI" verify --json \
		--at 2026-12-01T00:00:00Z copy/*
	[[ $status == [05] ]] || complain "$1" "0 or 5" "$status"
	ids=" $(jq -r '.items[].id' <<<"$output" | sort -u | xargs) "
	above=$(jq -r '.items[] | select(.severity != "info").id' \
		<<<"$output" | sort -u | xargs)
}

@test "each fault is found, and nothing else above info" {
	local directory id ids above

	for directory in "$cases"/KPKI-*/; do
		id=$(basename "$directory")
		verify "$directory/fault"
		has "$ids" " $id "
		[[ -z $above || $above == "$id" ]] ||
			complain "$id" "nothing else" "$above"
		lacks "$output" f395accd246ae52d
	done
}

@test "what nearly has it passes, with nothing above info" {
	local directory id ids above

	for directory in "$cases"/KPKI-*/; do
		id=$(basename "$directory")
		verify "$directory/near"
		lacks "$ids" " $id "
		is "$id: $above" "$id: "
	done
}

@test "each takes less than a second" {
	local file start

	for file in "$cases"/KPKI-*/fault "$cases"/KPKI-*.fault; do
		start=$(date +%s%N)
		kpki verify "$file" >out 2>&1 || [[ $? == 5 ]]
		(($(date +%s%N) - start < 1000000000)) ||
			complain "$file" "less than a second" "more"
	done
}

@test "the corpus is what its script makes" {
	local directory

	mkdir made
	"$cases/generate-documents" made
	is "$(cd made && ls)" "$(cd "$cases" && ls -d KPKI-????)"
	for directory in made/*; do
		diff -r "$directory" "$cases/${directory#made/}"
	done
}
