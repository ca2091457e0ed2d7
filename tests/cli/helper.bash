# SPDX-License-Identifier: GPL-3.0-or-later
# What every .bats file loads.  $KPKI is the program under test.

bats_require_minimum_version 1.5.0

export LC_ALL=C
KPKI=$(type -P "${KPKI:-kpki}") || {
	echo "helper.bash: no program ${KPKI:-kpki}" >&2
	exit 1
}
export KPKI

# Each test works in an empty directory of its own.
setup()
{
	unset KPKI_DIR
	cd "$BATS_TEST_TMPDIR"
}

kpki()
{
	"$KPKI" "$@"
}

# Runs kpki and holds it to an exit status: `exits 3 init-ca --server x`.
# Leaves $output (standard output), $stderr, $lines and $stderr_lines.
exits()
{
	local expected=$1

	shift
	run --separate-stderr "$KPKI" "$@"
	[[ $status == "$expected" ]] ||
		complain "kpki $*" "$expected" "$status"
}

# `is TEXT EXPECTED`, `has TEXT PART`, `lacks TEXT PART`.
is()
{
	[[ $1 == "$2" ]] || complain "is" "$2" "$1"
}

has()
{
	[[ $1 == *"$2"* ]] || complain "has" "$2" "$1"
}

lacks()
{
	[[ $1 != *"$2"* ]] || complain "lacks" "$2" "$1"
}

complain()
{
	printf '%s\nexpected: %s\nactual:   %s\n' "$@"
	printf 'output:\n%s\nstderr:\n%s\n' "${output:-}" "${stderr:-}"
	return 1
}

# The permission bits of a file itself, not of what a link points at.
mode()
{
	stat -c %a -- "$1"
}

# A value out of the last output, which is one JSON object and nothing else.
json()
{
	jq -es 'length == 1' <<<"$output" >/dev/null &&
		jq -r "$1" <<<"$output"
}
