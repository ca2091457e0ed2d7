# SPDX-License-Identifier: GPL-3.0-or-later
# Who answers at a terminal, and who has none.

readonly terminal=${top_builddir:-.}/tests/cli/terminal
readonly secret="correct horse 42"

# `exits_typing STATUS ANSWERS [-s SIGNAL [-c]] ARGUMENT...`: as exits, with a
# terminal on which ANSWERS are typed, a line for each question.  ./log has what
# it showed.
exits_typing()
{
	local expected=$1 options=()

	printf '%s\n' "$2" >answers
	shift 2
	while [[ $1 == -? ]]; do
		options+=("$1")
		[[ $1 == -c ]] || { options+=("$2") && shift; }
		shift
	done
	run --separate-stderr "$terminal" "${options[@]}" log answers \
		"$KPKI" "$@"
	[[ $status == "$expected" ]] ||
		complain "kpki $*" "$expected" "$status"
}

# The same without `run`: standard files are the caller's.
types()
{
	printf '%s\n' "$1" >answers
	shift
	"$terminal" log answers "$KPKI" "$@"
}

# `alone exits …`: without any terminal.
alone()
{
	local program=$KPKI
	local KPKI=$BATS_TEST_TMPDIR/alone

	printf '#!/bin/sh\nexec setsid -w "%s" "$@"\n' "$program" >"$KPKI"
	chmod +x "$KPKI"
	"$@"
}
