# SPDX-License-Identifier: GPL-3.0-or-later
# What the fault tests share: a place to work in, faults, and the checker that
# says whether a PKI directory and its bundles are sound.

load ../cli/helper

tools=${top_builddir:?}/tests/fault
ledger_check=$tools/ledger_check
power_cut=$tools/power_cut

# The leak checker does not work under ptrace, which halt and strace use.
export ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}

all=${KPKI_FAULT_ALL:-}

# Memory is faster than a disk, and as good where nothing cuts the power.
setup_file()
{
	scratch=$(mktemp -d -p /dev/shm kpki-fault.XXXXXX 2>/dev/null) ||
		scratch=$BATS_FILE_TMPDIR/scratch
	export scratch KPKI_DIR=pki
	mkdir -p "$scratch"
	make_templates "$scratch/templates"
}

teardown_file()
{
	rm -rf "$scratch"
}

setup()
{
	templates=$scratch/templates
	mkdir "$scratch/$BATS_TEST_NUMBER"
	cd "$scratch/$BATS_TEST_NUMBER" || return
	fresh
}

teardown()
{
	cd / && rm -rf "${scratch:?}/$BATS_TEST_NUMBER"
}

# Three nodes, a PKI directory that has issued nothing, two that have issued all
# of them, and the bundles, to copy and to compare with.
make_templates()
{
	mkdir "$1"
	cd "$1" || return
	cat >nodes <<-END
		n1 10.0.0.1
		n2 10.0.0.2 n2.example.org
		n3 10.0.0.3
	END
	kpki -q init-ca --dir empty --server https://api.example.org:6443
	cp -a empty full
	cp -a empty full-tar
	kpki -q node-bundle --dir full --inventory nodes --out full-bundles
	kpki -q node-bundle --dir full-tar --inventory nodes \
		--out full-tar-bundles --format tar
	# What was issued until now is older than this.
	sleep 1
	date -u +%Y-%m-%dT%H:%M:%SZ >moment
}

# An empty place with a PKI directory and nothing issued.
fresh()
{
	rm -rf ./* .kpki-*
	cp -a "$templates/empty" pki
	cp "$templates/nodes" .
}

# The same where everything was issued, and the bundles are there: `full` has
# directories, `full-tar` tars.
fresh_full()
{
	local template=$templates/${1:-full}

	fresh
	rm -rf pki
	cp -a "$template" pki
	cp -a "$template-bundles" bundles
}

fresh_full_tar()
{
	fresh_full full-tar
}

# `halt N COMMAND…`: runs kpki and kills it before its N-th state-changing
# system call.  Its report goes to the file `out`, the names of the calls to
# `calls`.
halt()
{
	local n=$1

	shift
	"$tools/halt" -n "$n" -o calls "$KPKI" "$@" >out 2>err
}

# How many calls an undisturbed run makes.
count_calls()
{
	halt 0 "$@" || fault "an undisturbed run failed"
	wc -l <calls
}

# The points to try of 1 … N: all, or about so many, at another place each time.
points()
{
	local n=$1 wanted=$2 step at

	if [[ $all ]] || ((n <= wanted)); then
		seq 1 "$n"
		return
	fi
	step=$((n / wanted))
	for ((at = 1 + RANDOM % step; at <= n; at += step)); do
		echo $at
	done
}

# `halt_everywhere SAMPLE PREPARE CHECK COMMAND…`: kills the command before about
# so many of its calls, each time in a place that PREPARE made, and calls CHECK
# with the command.  Where that goes on is told by `where`.
halt_everywhere()
{
	local sample=$1 prepare=$2 check=$3 n at

	shift 3
	$prepare
	n=$(count_calls "$@")
	((n > 5)) || fault "only $n calls"
	for at in $(points "$n" "$sample"); do
		$prepare
		halt "$at" "$@" || true
		where="call $at, $(tail -n 1 calls): kpki $*"
		$check "$@"
	done
}

# What went wrong, and where.
where=
fault()
{
	printf 'fault: %s\nat: %s\n' "$*" "$where"
	printf -- '-- %s\n' out err before after
	tail -n 30 out err before after 2>/dev/null
	return 1
}

# The ledger is sound; what it holds goes to a file.  `kpki list` goes first:
# it mends a ledger that was cut short.
look()
{
	kpki list --json >list.json 2>err ||
		fault "list: status $?" || return
	"$ledger_check" pki >"$1" 2>err ||
		fault "the ledger is not sound" || return
}

# The name, kind and mode of every file of a bundle.
shape_of()
{
	(cd "$1" && find . -printf '%P %y %m %l\n' |
		sed -E 's/kubelet-client-[0-9-]+\.pem/TIME/g' | sort)
}

# `check_tree NODE TREE`: has every file of a bundle, whole.
check_tree()
{
	local original=$templates/full-bundles/n1 node=$1 tree=$2 file

	diff <(shape_of "$original") <(shape_of "$tree") ||
		fault "$tree: not the files of a bundle" || return
	for file in etc/kubernetes/kubelet.conf etc/kubernetes/pki/ca.crt \
		var/lib/kubelet/config.yaml; do
		sed "s/\<$node\>/n1/g" "$tree/$file" | cmp "$original/$file" ||
			fault "$tree/$file: not as it should be" || return
	done
}

# `check_bundles LEDGER STATUS [NODE TREE]…`: whole, the keys fit the
# certificates, and the ledger has those under this status.  Of many bundles a
# sample is looked at for wholeness.
check_bundles()
{
	local ledger=$1 status=$2 pairs=() whose=() pki serials wrong

	shift 2
	while (($#)); do
		(($# < 40 || RANDOM % 50 == 0)) && { check_tree "$1" "$2" ||
			return; }
		pki=$2/var/lib/kubelet/pki
		pairs+=("$pki"/kubelet-client-current.pem{,}
			"$pki"/kubelet.{crt,key})
		whose+=("kubelet-client $1" "kubelet-serving $1")
		shift 2
	done
	((${#whose[@]})) || return 0
	serials=$("$tools/pair_check" "${pairs[@]}") ||
		fault "a key does not fit its certificate" || return
	wrong=$(comm -23 <(paste -d ' ' <(printf '%s\n' "${whose[@]}") \
		- <<<"$serials" | sort) <(grep -E "^issued .* ($status)\$" \
		"$ledger" | cut -d ' ' -f 3-5 | sort))
	[[ -z $wrong ]] || fault "published, and not $status: $wrong"
}

# `unpack TAR DIR`
unpack()
{
	mkdir -p "$2"
	tar -xf "$1" -C "$2" || fault "$1: not a whole tar"
}

# `check_published LEDGER STATUS`: every published bundle.
check_published()
{
	local path node there=()

	rm -rf unpacked
	for path in bundles/*; do
		[[ -e $path ]] || continue
		node=${path#bundles/}
		if [[ $node == *.tar ]]; then
			node=${node%.tar}
			[[ $(mode "$path") == 600 ]] ||
				fault "$path: its mode" || return
			unpack "$path" "unpacked/$node" || return
			path=unpacked/$node
		fi
		there+=("$node" "$path")
	done
	check_bundles "$1" "$2" "${there[@]}"
}

# `check_ledgers TIMES`: after the last run each node of the inventory was
# issued so many times and is live once, and no entry is gone.
check_ledgers()
{
	local bad

	if grep -E '^(pending|lost|stage)' after; then
		fault "something was left undone"
		return
	fi
	bad=$(awk -v times="$1" '
		NR == FNR { names[$1]; next }
		$1 == "issued" { n[$3 " " $4]++ }
		$6 == "live" { live[$3 " " $4]++ }
		END {
			for (name in names) {
				check("kubelet-client " name)
				check("kubelet-serving " name)
			}
		}
		function check(what) {
			if (n[what] != times || live[what] != 1)
				print what ": issued " n[what] + 0 \
					" times, live " live[what] + 0
		}' nodes after)
	[[ -z $bad ]] || fault "$bad" || return
	bad=$(comm -23 <(cut -d ' ' -f 1-5 before | grep ^issued | sort) \
		<(cut -d ' ' -f 1-5 after | sort))
	[[ -z $bad ]] || fault "gone: $bad"
}

# `check_reported TIMES`: what the report in the file `reported` says was issued
# is in the ledger.
check_reported()
{
	local status node rest n

	while read -r status node rest; do
		[[ $status == issued ]] || continue
		n=$(grep -c " kubelet-client $node " before)
		((n == $1)) || fault "$node: reported, and not recorded" ||
			return
	done <reported
}

# No stage anywhere, and nothing in the spool.
check_tidy()
{
	local left

	left=$(find . -name '.kpki-*' -o -path '*/spool/*')
	[[ -z $left ]] || fault "left behind: $left" || return
	[[ ! -s pki/ledger.db-journal ]] || fault "a journal was left"
}

# After a fault, and before the next run: sound, whatever happened.  The bundle
# of a node that is issued anew stays until its successor takes its place.
after_fault()
{
	look before && check_published before 'live|superseded'
}

# `converged TIMES COMMAND…`: the same again succeeds, and all is as if nothing
# had happened.
converged()
{
	local times=$1

	shift
	kpki "$@" >out 2>err || fault "the next run: status $?" || return
	look after && check_ledgers "$times" && check_tidy &&
		check_published after live
}

# `all_published SUFFIX`
all_published()
{
	local node rest

	while read -r node rest; do
		[[ -e bundles/$node$1 ]] || fault "bundles/$node$1: missing" ||
			return
	done <nodes
}
