# SPDX-License-Identifier: GPL-3.0-or-later
# What the tests of commands on a PKI directory share; beside helper.bash.

readonly data=${top_srcdir:-$BATS_TEST_DIRNAME/../..}/tests/data
readonly server=https://api.example.internal:6443

# So that bats can remove what a test closed.
teardown()
{
	find "$BATS_TEST_TMPDIR" -maxdepth 1 -type d -user "$EUID" \
		-exec chmod u+rwx {} +
}

# A cluster in ./pki, or as the options say.
make_pki()
{
	kpki init-ca --quiet --server "$server" "$@"
}

# Everything below some directories: paths, modes, sizes, and when they last
# changed.  Two equal ones mean that nothing was touched.
picture()
{
	find "$@" -printf '%p %M %l %s %C@\n' | sort
}

# How many rows the ledger's list has, and how many of them match.
rows()
{
	kpki list --csv "$@" | tail -n +2 | wc -l
}

# Text that goes to a terminal as it is: no control bytes, of C1 either.
is_printable()
{
	local c0=$'[\x01-\x08\x0b-\x1f\x7f]' c1=$'\xc2[\x80-\x9f]'

	[[ $1 != *$c0* && $1 != *$c1* ]] ||
		complain "printable" "no control bytes" "$(cat -v <<<"$1")"
}

# One line of an openssl answer about a certificate.
certificate()
{
	local file=$1

	shift
	openssl x509 -in "$file" -noout -nameopt RFC2253 "$@"
}

# The text of one X.509 extension.
extension()
{
	certificate "$1" -ext "$2"
}

# Like `run --separate-stderr kpki …`, as a user who is not root and owns
# nothing here: root ignores mode bits.
as_nobody()
{
	local user=()

	if ((EUID == 0)); then
		user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
		# The way to this directory is open to root only.
		chmod a+x "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/test \
			"$BATS_TEST_TMPDIR" "$BATS_FILE_TMPDIR" 2>/dev/null || :
	fi
	run --separate-stderr "${user[@]}" "$KPKI" "$@"
}

# Waits for what was started in the background with its output in out1, out2,
# …: none may have failed.
all_succeed()
{
	local pid i=0

	for pid in $(jobs -p); do
		i=$((i + 1))
		wait "$pid" || complain "out$i" "status 0" "$(cat "out$i")"
	done
}

# A CA made elsewhere: other.crt and other.key, of this openssl genpkey type.
make_other_ca() # DAYS GENPKEY-ARGUMENT... [-- REQ-ARGUMENT...]
{
	local days=$1 key=()

	shift
	while (($#)) && [[ $1 != -- ]]; do
		key+=("$1")
		shift
	done
	shift || true
	openssl genpkey -quiet "${key[@]}" -out other.key
	openssl req -x509 -new -key other.key -days "$days" \
		-subj "/O=Elsewhere/CN=other-ca" -out other.crt "$@" \
		-addext keyUsage=critical,keyCertSign,cRLSign
}

p256=(-algorithm EC -pkeyopt ec_paramgen_curve:P-256)
