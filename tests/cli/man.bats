#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Man pages are written by hand, and held here to the tables of the program.

load helper
load sign

top=${top_srcdir:-$BATS_TEST_DIRNAME/../..}
man=$top/man
tab=$'\t'

describe()
{
	kpki --describe-cli >cli
}

# Rows of --describe-cli: kind, command, "own" or "shared" for options.
options() # COMMAND SCOPE
{
	awk -F '\t' -v command="$1" -v scope="$2" '$1 == "option" &&
		$2 == command && $8 == scope' cli
}

commands()
{
	awk -F '\t' '$1 == "command" { print $2 }' cli
}

# A page as text in lines that do not wrap.
page()
{
	mandoc -T ascii -O width=1000 "$man/$1" | sed 's/.\x08//g'
}

# One section of a page, without its heading.
section() # PAGE HEADING
{
	page "$1" | awk -v heading="$2" '
		/^[^ ]/ { inside = $0 == heading; next }
		inside'
}

# "tag<TAB>text" for each item of a section's outermost list.
items() # PAGE HEADING
{
	section "$1" "$2" | awk '
		function flush() { if (tag != "") print tag "\t" text; text = "" }
		/^     [^ ]/ {
			flush()
			sub(/^ +/, "")
			tag = $0
			if (match(tag, /  +/)) {
				text = substr(tag, RSTART + RLENGTH)
				tag = substr(tag, 1, RSTART - 1)
			}
			next
		}
		NF { sub(/^ +/, ""); text = text " " $0 }
		END { flush() }'
}

tags()
{
	items "$@" | cut -f 1
}

# The rows of a section's table of files: "mode path", sorted.
file_rows() # HEADING
{
	section kpki-files.7 "$1" |
		awk '$1 ~ /^([0-7][0-7][0-7][0-7]|link)$/ { print $1, $3 }' |
		sort
}

# What is in a directory, in the same words.
found() # PREFIX [FIND-ARGUMENT]...
{
	local prefix=$1

	shift
	find "$@" -printf '%y %m %P\n' | awk -v prefix="$prefix" '
		$3 == "" && prefix == "" { next }
		{ path = prefix $3 }
		$1 == "d" && $3 != "" { path = path "/" }
		$1 == "l" { print "link", path; next }
		{ printf "%04d %s\n", $2, path }' |
		sed -E 's/[0-9]{4}(-[0-9]{2}){5}/TIME/; s/worker-1/NAME/' | sort
}

# Shell commands out of a page's blocks that are marked "run" and "file NAME".
examples()
{
	awk '
		/^\.\\" (run|file )/ { mark = $2; name = $3; next }
		mark && /^\.Bd/ {
			if (mark == "file")
				print "cat >" name " <<\"END OF FILE\""
			inside = 1
			next
		}
		inside && /^\.Ed/ {
			if (mark == "file")
				print "END OF FILE"
			inside = mark = ""
			next
		}
		mark && !inside { print "false # mark without a block" }
		inside {
			gsub(/\\e/, "\\")
			if (mark == "run" && !sub(/^[$>] /, ""))
				print "false # no prompt: " $0
			print
		}' "$man/$1"
}

# The number of a #define or an enumerator.
constant() # FILE NAME
{
	sed -nE "s/.*\b$2 *=? *([0-9]+).*/\1/p" "$top/src/$1"
}

# The parts of a message that do not change, a line each: what stands between
# words in upper case, numbers, dots and things in quotes.
fixed_words()
{
	sed -E 's/"|\\&//g
		s/\.\.\.|\b[A-Z]+\b|\b[0-9.]+\b|\bkpki\b/\n/g
		s/\b(key|address|node) [^ ]+:/\n/g' |
		sed -E 's/^[ :;,]+//; s/[ :;,]+$//'
}

@test "every command has a page and every page a command" {
	local want have

	describe
	want=$({ echo kpki.1; commands | sed 's/.*/kpki-&.1/'; } | sort)
	have=$(cd "$man" && ls ./*.1 | sed 's|^\./||' | sort)
	is "$have" "$want"
}

@test "a page's description is the command's summary" {
	local command summary

	describe
	while IFS=$tab read -r _ command _ _ summary; do
		is "$(grep '^\.Nd ' "$man/kpki-$command.1")" ".Nd $summary"
		is "$(items kpki.1 COMMANDS | grep "^kpki-$command(1)")" \
			"kpki-$command(1)$tab $summary"
	done < <(grep ^command cli)
	is "$(grep '^\.Nd ' "$man/kpki.1")" \
		".Nd $(awk -F '\t' '$1 == "program" { print $4 }' cli)"
	is "$(tags kpki.1 COMMANDS)" "$(commands | sed 's/.*/kpki-&(1)/')"
}

@test "the list of options is the table's" {
	local command want

	describe
	for command in $(commands); do
		want=$(options "$command" own | awk -F '\t' '{
			print $3 ($5 == "-" ? "" : " " $5) }')
		is "$(tags "kpki-$command.1" OPTIONS | grep ^-)" "$want"
	done
	want=$(options - shared | awk -F '\t' '{
		print ($4 == "-" ? "" : $4 ", ") $3 ($5 == "-" ? "" : " " $5) }')
	is "$(tags kpki.1 OPTIONS | grep ^-)" "$want"
}

@test "the synopsis is the table's" {
	local command want operands

	describe
	for command in $(commands); do
		# in brackets where it may be left out, as in the help
		operands=$(kpki "$command" --help | sed -nE \
			"1s/^Usage: kpki $command(( \[?[A-Za-z|]+(\.\.\.)?\]?)*).*/\1/p" |
			sed 's/ \[SHARED.*//; s/\.\.\./ .../g')
		want="kpki $command$operands"$(options "$command" own |
			awk -F '\t' '{ printf " [%s%s]%s", $3,
				$5 == "-" ? "" : " " $5,
				$7 == "many" ? " ..." : "" }')
		is "$(section "kpki-$command.1" SYNOPSIS | tr -s '\n ' ' ')" \
			" $want [shared option ...] "
	done
	want=$(options - shared | awk -F '\t' '
		$3 != "--help" && $3 != "--version" {
			printf " [%s%s]", $3, $5 == "-" ? "" : " " $5 }')
	has "$(section kpki.1 SYNOPSIS)" "kpki$want COMMAND"
}

@test "a page names the shared options that its command takes, and no other" {
	local command want have

	describe
	for command in $(commands); do
		want=$(options "$command" shared | cut -f 3 | xargs)
		have=$(section "kpki-$command.1" OPTIONS |
			sed -n 's/^     The shared options \(.*\) are in kpki(1).*/\1/p')
		is "$(sed 's/,\| and//g' <<<"$have")" "$want"
	done
}

@test "defaults and choices stand in the text" {
	local command name metavar value preset text word pages

	describe
	while IFS=$tab read -r _ command name _ metavar value _ _ preset _; do
		pages=kpki-$command.1
		[ "$command" != - ] || pages=kpki.1
		text=$(items "$pages" OPTIONS | grep -- "$name\b" | head -n 1)
		[[ $preset == - || $preset == *' '* ]] || has "$text" "$preset"
		[ "$value" = choice ] || continue
		for word in ${metavar//|/ }; do
			has "${text#*$tab}" "$word"
		done
	done < <(options - shared; grep "${tab}own$tab" cli)
}

@test "mandoc has nothing to warn about" {
	local file

	for file in "$man"/*; do
		run mandoc -T lint -W warning "$file"
		is "$output" ""
		is "$status" 0
	done
}

@test "exit statuses are the kinds of errors" {
	local want

	want=$(sed -nE 's/^\tERROR_([A-Z]+) = ([0-9]),.*/\2 \1/p' \
		"$top/src/base/error.h" |
		sed 's/NONE/DONE/' | tr '[:upper:]' '[:lower:]')
	is "$(wc -l <<<"$want")" 6
	is "$(items kpki.1 'EXIT STATUS' | tr '[:upper:]' '[:lower:]' |
		sed -nE 's/^([0-9])\t *([a-z]+).*/\1 \2/p')" "$want"
}

@test "the environment is what the program asks for" {
	is "$(tags kpki.1 ENVIRONMENT)" "$(
		grep -rhoE 'getenv\("[A-Z_]+"\)' "$top/src" |
		sed 's/.*"\(.*\)".*/\1/' | sort -u)"
}

# Members of a report's items, as the page lists them.
members()
{
	tags "kpki-$1.1" REPORT | grep -E '^[a-zA-Z]+$' | sort
}

keys()
{
	jq -r '.items[] | keys[]' "$@" | sort -u
}

# Each heading of a text report stands in the page.
has_headings() # COMMAND HEADING...
{
	local text heading

	text=$(section "kpki-$1.1" REPORT)
	shift
	for heading; do
		has "$text" "$heading"
	done
}

@test "members and headings of reports are those that reports have" {
	local command heading

	describe
	while IFS=$tab read -r _ command _ kind _; do
		has "$(section "kpki-$command.1" REPORT)" " $kind"
		has "$(items kpki.1 REPORTS | grep ^kind)" "$kind"
	done < <(grep ^command cli)

	kpki init-ca --json --server https://api.example:6443 >one.json
	kpki init-ca --json --dir far --request >two.json
	is "$(members init-ca)" "$(keys one.json two.json)"
	kpki node-bundle worker-1 --json >one.json
	exits 4 node-bundle worker-1 --json --address 10.0.0.1
	echo "$output" >two.json
	kpki node-bundle worker-2 --bootstrap --json >three.json
	is "$(members node-bundle)" "$(keys one.json two.json three.json)"
	exits 0 node-bundle worker-1
	has_headings node-bundle ${lines[0]}
	exits 0 node-bundle worker-2 --bootstrap
	has_headings node-bundle ${lines[0]}

	mkdir root
	kpki node-csr worker-1 --json --out keys >one.json
	sign_requests worker-1 keys pki >worker-1.yaml
	kpki node-csr --complete worker-1.yaml --json --out keys --root root \
		>two.json
	is "$(members node-csr)" "$(keys one.json two.json)"
	exits 0 node-csr worker-1 --out keys
	has_headings node-csr ${lines[0]}

	kpki token --json --node worker-1 >one.json
	exits 4 token --json --node worker-1 --usage signing
	echo "$output" >two.json
	is "$(members token)" "$(keys one.json two.json)"
	exits 0 token --node worker-1
	has_headings token ${lines[0]}
	exits 1 bootstrap-kubeconfig --json --node worker-1 --node worker-2
	echo "$output" >one.json
	is "$(members bootstrap-kubeconfig)" "$(keys one.json)"
	exits 0 bootstrap-kubeconfig --node worker-1
	has_headings bootstrap-kubeconfig ${lines[0]}
	kpki kubeconfig alice --json >one.json
	exits 4 kubeconfig alice --group dev --json
	echo "$output" >two.json
	is "$(members kubeconfig)" "$(keys one.json two.json)"
	exits 0 kubeconfig alice
	has_headings kubeconfig ${lines[0]}
	kpki ca-bundle --out trust --json >one.json
	is "$(members ca-bundle)" "$(keys one.json)"
	exits 0 ca-bundle
	has_headings ca-bundle ${lines[0]}
	kpki cluster-info --json >one.json
	is "$(members cluster-info)" "$(keys one.json)"

	exits 5 verify root --json --at 2y
	echo "$output" >one.json
	exits 5 verify root --json --at 2y --severity warning --inventory \
		<(echo 'worker-2 10.0.0.2')
	echo "$output" >two.json
	is "$(members verify)" "$(keys one.json two.json)"
	cp -r pki renewed-pki
	kpki kubeconfig -q mallory --dir renewed-pki --out mallory.conf
	exits 4 renew --expiring 2y --dir renewed-pki --json
	echo "$output" >one.json
	exits 0 renew --ca --same-key --validity 20y --dir renewed-pki --json
	echo "$output" >two.json
	is "$(members renew)" "$(keys one.json two.json)"
	exits 0 renew --node worker-1 --dir renewed-pki --out more-renewals
	has_headings renew ${lines[0]}
	cp -r pki rotated-pki
	kpki rotate-ca plan --dir rotated-pki --json >one.json
	exits 0 rotate-ca stage 1 --dir rotated-pki --json
	echo "$output" >two.json
	exits 5 rotate-ca status bundles --dir rotated-pki --json
	echo "$output" >three.json
	is "$(members rotate-ca)" "$(keys one.json two.json three.json)"
	exits 0 rotate-ca plan --dir rotated-pki
	has_headings rotate-ca ${lines[0]}
	exits 0 rotate-ca stage 1 --dir rotated-pki
	has_headings rotate-ca ${lines[0]}
	exits 5 rotate-ca status --dir rotated-pki
	has_headings rotate-ca ${lines[0]}
	cp -r pki revoked-pki
	KPKI_DIR=revoked-pki kpki revoke worker-1 --json >one.json
	is "$(members revoke)" "$(keys one.json)"
	exits 0 revoke worker-1 --dir revoked-pki
	has_headings revoke ${lines[0]/ACCEPTED UNTIL/}
	exits 0 crl --dir revoked-pki --out list --json
	echo "$output" >one.json
	is "$(members crl)" "$(keys one.json)"
	cp -r pki other-pki
	kpki token -q --node worker-3
	kpki ledger verify --json >one.json
	exits 5 ledger diff other-pki --json
	echo "$output" >two.json
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout other.key -out other.crt -subj /CN=other
	exits 4 ledger import other.crt bundles --json
	echo "$output" >three.json
	is "$(members ledger)" "$(keys one.json two.json three.json)"
	exits 0 ledger verify
	has_headings ledger $(cut -c 1-12 <<<"$output")
	exits 5 ledger diff other-pki
	has_headings ledger ${lines[0]}
	exits 0 ledger import bundles
	has_headings ledger ${lines[0]}

	exits 0 list --tokens --csv
	is "$(tags kpki-list.1 TOKENS | grep -E '^[a-zA-Z]+$' | sort)" \
		"$(tr -d '\r' <<<"${lines[0]}" | tr , '\n' | sort)"
	exits 0 list --tokens
	for heading in ${lines[0]}; do
		has "$(section kpki-list.1 TOKENS)" "$heading"
	done
	exits 0 list --csv
	is "$(members list)" "$(tr -d '\r' <<<"${lines[0]}" | tr , '\n' | sort)"
	exits 0 list
	has_headings list ${lines[0]}
	exits 0 init-ca --dir other
	has "${lines[0]}" STATUS
}

@test "members of a JSON error are described" {
	local name

	kpki init-ca -q --server https://api.example:6443
	echo 'w1 10.0.300.1' >nodes
	exits 3 node-bundle --inventory nodes --json
	is "$(json '.error | keys | length')" 5
	for name in $(json '.error | keys[]'); do
		has "$(items kpki.1 REPORTS | grep ^error)" "$name"
	done
	is "$(tags kpki.1 REPORTS | grep -E '^[a-zA-Z]+$' | sort)" \
		"$(json keys[])"
}

@test "keys of the cluster file are those that init-ca writes" {
	local key value

	kpki init-ca -q
	is "$(tags kpki-cluster.5 KEYS)" "$(sed -nE \
		's/^#?([a-zA-Z]+):.*/\1/p' pki/cluster.yaml |
		grep -vx 'apiVersion\|kind')"
	while IFS=$'\t' read -r key value; do
		has "$(items kpki-cluster.5 KEYS | grep "^$key$tab")" "$value"
	done < <(sed -nE 's/^([a-zA-Z]+): "(.*)"/\1\t\2/p' pki/cluster.yaml)
}

@test "examples do what they promise" {
	local name

	mkdir bin
	ln -s "$KPKI" bin/kpki
	for name in $(cd "$man" && ls); do
		examples "$name" >"$name.sh"
		[[ $name == *.7 || -s $name.sh ]]
		mkdir "dir-$name"
		(cd "dir-$name" && PATH=$BATS_TEST_TMPDIR/bin:$PATH \
			bash -euo pipefail "../$name.sh") >out 2>&1 ||
			complain "examples of $name" "$(<"$name.sh")" "$(<out)"
	done
	# three forms that mean the same
	is "$(grep -c ^unchanged <(cd dir-kpki-inventory.5 &&
		kpki node-bundle --inventory nodes.txt))" 3
	[ -e dir-kpki-node-bundle.1/image/golden-1/etc/kubernetes/kubelet.conf ]
}

@test "kpki-files lists every file of a bundle, in both layouts" {
	local layout

	kpki init-ca -q --server https://api.example:6443
	for layout in kubeadm pem; do
		kpki node-bundle -q worker-1 --layout $layout --out $layout \
			--reissue
		is "$(found '' $layout/worker-1)" "$(file_rows \
			"A NODE BUNDLE IN THE LAYOUT ${layout^^}")"
		# what a tar leaves out, and whose it is
		kpki node-bundle -q worker-1 --layout $layout --out tars \
			--reissue --format tar
		for name in $(found '' $layout/worker-1 | cut -d ' ' -f 2); do
			tar -tf tars/worker-1.tar |
				sed -E 's/[0-9]{4}(-[0-9]{2}){5}/TIME/
					s/worker-1/NAME/' | grep -qx "$name" ||
				has "$(section kpki-files.7 "A NODE BUNDLE IN THE LAYOUT ${layout^^}" |
					grep 'A tar leaves out')" "$name"
		done
		is "$(tar --numeric-owner -tvf tars/worker-1.tar |
			awk '{ print $2 }' | sort -u)" 0/0
		rm tars/worker-1.tar
	done
}

# A cluster in ./pki whose control plane is this host.
make_control_plane() # HOST
{
	kpki init-ca -q --server https://api.example:6443
	cat >>pki/cluster.yaml <<-END
		controlPlane:
		  hosts:
		    - name: $1
		      addresses: [10.0.0.1]
	END
}

@test "kpki-files lists every file of a control plane, in both layouts" {
	local layout

	make_control_plane worker-1
	for layout in kubeadm pem; do
		kpki control-plane -q --layout $layout --out $layout \
			--with-ca-key --with-admin-conf --with-super-admin \
			--reissue
		is "$(found '' $layout/worker-1)" "$(file_rows \
			"A CONTROL-PLANE HOST IN THE LAYOUT ${layout^^}")"
	done
	mv kubeadm/worker-1 .
	is "$(found control-plane/ kubeadm)" \
		"$(file_rows 'THE ADMINISTRATOR OF A CONTROL PLANE')"
	is "$(ls pem/admin)" "admin.kubeconfig
super-admin.kubeconfig"
	# the component's options name them
	for layout in kubeadm pem; do
		kpki component-config kube-apiserver --layout $layout
		kpki component-config kube-controller-manager \
			--layout $layout
	done | sed -nE 's/.*=(\/.*\.(crt|key|pem))$/\1/p' >named
	[ "$(wc -l <named)" -ge 8 ]
	while read -r name; do
		[ -e "worker-1$name" ] || [ -e "pem/worker-1$name" ] ||
			complain "component-config" "a file of a tree" "$name"
	done <named
}

@test "kpki-files tells the files of a bundle to bootstrap from" {
	local layout

	for layout in kubeadm pem; do
		kpki init-ca -q --server https://api.example:6443
		kpki node-bundle -q worker-1 --layout $layout --out $layout
		kpki node-bundle -q worker-1 --layout $layout --reissue \
			--bootstrap --out $layout-bootstrap
		comm -13 <(found '' $layout/worker-1) \
			<(found '' $layout-bootstrap/worker-1) >>new
		comm -23 <(found '' $layout/worker-1) \
			<(found '' $layout-bootstrap/worker-1) >>gone
		rm -r pki
	done
	is "$(sort new)" "$(file_rows 'A NODE BUNDLE TO BOOTSTRAP FROM')"
	is "$(cut -d ' ' -f 2 gone | sort -u)" "etc/kubernetes/kubelet.conf
var/lib/kubelet/kubeconfig
var/lib/kubelet/pki/kubelet-client-TIME.pem
var/lib/kubelet/pki/kubelet-client-current.pem"
}

@test "kpki-files tells the files of a bundle with kube-proxy" {
	local layout

	for layout in kubeadm pem; do
		kpki init-ca -q --server https://api.example:6443
		kpki node-bundle -q worker-1 --layout $layout --out $layout
		kpki node-bundle -q worker-1 --layout $layout --reissue \
			--with-kube-proxy --out $layout-proxy
		comm -13 <(found '' $layout/worker-1) \
			<(found '' $layout-proxy/worker-1) >>new
		is "$(comm -23 <(found '' $layout/worker-1) \
			<(found '' $layout-proxy/worker-1))" ""
		rm -r pki
	done
	is "$(sort new)" "$(file_rows 'A NODE BUNDLE WITH KUBE-PROXY')"
}

@test "kpki-files lists every file of the PKI and the output directory" {
	make_control_plane control-1
	kpki control-plane -q
	sed -i '/^controlPlane:/,$d' pki/cluster.yaml
	kpki node-bundle -q worker-2 --format tar --out - >stream.tar
	mkdir site far
	kpki init-ca -q --dir site/pki --issued-by pki --cluster site
	kpki init-ca -q --dir far/pki --request
	is "$(for at in . site far; do (cd $at && found pki/ pki); done |
		sort -u)" "$(file_rows 'THE PKI DIRECTORY')"

	kpki node-bundle -q worker-1
	kpki node-bundle -q worker-1 --reissue --out tars --format tar
	mv tars/worker-1.tar bundles
	kpki node-bundle -q worker-1 --reissue --bootstrap --out tokens
	mv tokens/bootstrap_tokens.yaml bundles
	# a stage is there only while a command works
	is "$(found bundles/ bundles -maxdepth 1)" \
		"$(file_rows 'THE OUTPUT DIRECTORY' | grep -v .kpki-)"
}

@test "kpki-files lists every file of tokens and kubeconfigs" {
	kpki init-ca -q --server https://api.example:6443
	kpki token -q --node worker-1
	kpki bootstrap-kubeconfig -q --node worker-1
	# a stage is there only while a command works
	is "$(sort <(found tokens/ tokens) <(found kubeconfigs/ kubeconfigs))" \
		"$(file_rows 'TOKENS AND KUBECONFIGS' | grep -v .kpki-)"
}

@test "kpki-files lists every file of a node's keys and requests" {
	kpki node-csr -q worker-1
	is "$(found NAME/ worker-1)" \
		"$(file_rows 'KEYS AND REQUESTS OF A NODE')"
}

@test "kpki-files has a row for each profile, with subject and lifetime" {
	local want have

	make_control_plane worker-1
	kpki control-plane -q --with-super-admin
	openssl req -new -nodes -keyout user.key -out user.csr \
		-newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		-subj /O=GROUP/CN=USER
	kpki sign -q user.csr --profile kube-apiserver-client --user USER \
		--group GROUP --out signed
	kpki kubeconfig -q worker-1 --profile kube-proxy
	kpki kubeconfig -q USER --profile admin
	kpki kubeconfig -q USER --break-glass
	kpki init-ca -q --dir root --common-name root --ca-validity 20y
	kpki init-ca -q --dir site --issued-by root --common-name CLUSTER
	want=$({ kpki list --json &&
		kpki list --json --dir root --profile subordinate-ca; } |
		jq -r '.items[] | [.profile, (.subject | sub("worker-1"; "NAME")),
		((.notAfter | fromdate) - (.notBefore | fromdate) - 300)
			/ 3600] | "\(.[0]) \(.[1]) \(if .[2] < 24
			then "\(.[2])h" else "\(.[2] / 24 / 365)y" end)"' |
		sort)
	have=$(section kpki-files.7 CERTIFICATES |
		awk '$2 ~ /^CN=/ { print $1, $2, $3 }' | sort)
	is "$have" "$want"
	is "$(cut -d ' ' -f 1 <<<"$have")" "$(sed -nE \
		's/^\t\t\.name = "(.*)",/\1/p' "$top/src/kube/profile.c" | sort)"
}

@test "limits are those of the source" {
	local file name one words number

	while read -r file name one words; do
		number=$(constant "$file" "$name")
		[ -n "$number" ] || complain "$file" "$name" "no number"
		page "$one" | tr -s ' \n' ' ' |
			grep -qE "[^0-9]$number ?$words" ||
			complain "$one" "$number $words ($name)" "not in it"
	done <<-'END'
		kube/inventory.h INVENTORY_NODES_MAX kpki-inventory.5 nodes
		kube/inventory.h INVENTORY_NODES_MAX kpki-node-bundle.1 nodes
		kube/node.h NODE_ADDRESSES_MAX kpki-inventory.5 addresses
		kube/node.h NODE_ADDRESSES_MAX kpki-node-bundle.1 addresses
		kube/node.h NODE_NAME_LONG kpki-node-bundle.1 characters
		kube/token.h TOKEN_GROUPS_MAX kpki-token.1 \.
		kube/token.h TOKEN_DESCRIPTION_MAX kpki-token.1 bytes
		kube/inventory_read.c WINDOW kpki-inventory.5 bytes of comments
		base/source.c LINE_MAX_LEN kpki-inventory.5 bytes a line
		cmd/node_bundle.c JOBS_MAX kpki-node-bundle.1 \.
		cli/command.c LOCK_TIMEOUT_MOST kpki.1 \.
		cli/prompt.h PASSPHRASE_MOST kpki-init-ca.1 bytes
		pki/seal.h SEAL_ITERATIONS kpki-init-ca.1 rounds
		pki/seal.h SEAL_ITERATIONS_MOST kpki-init-ca.1 rounds
		pki/seal.h SEAL_SALT_MOST kpki-init-ca.1 octets
		pki/pkcs11_uri.h PKCS11_URI_MOST kpki-init-ca.1 bytes
	END
}

@test "messages in DIAGNOSTICS are messages of the source" {
	local file message part n

	# strings that go on in the next line, joined
	cat "$top"/src/*/*.c | tr '\n' ' ' |
		sed 's/"[[:space:]]*"//g; s/\\"//g' >source
	for file in "$man"/*.[15]; do
		while read -r message; do
			n=0
			while read -r part; do
				[ ${#part} -ge 6 ] || continue
				n=$((n + 1))
				grep -qF -- "$part" source ||
					complain "$file" "a message" "$part"
			done < <(fixed_words <<<"$message")
			[ $n -gt 0 ] ||
				complain "$file" "words to look for" "$message"
		done < <(sed -n '/^\.Bl -diag/,/^\.El/s/^\.It //p' "$file")
	done
}

@test "every page leads on, to pages that are there" {
	local file name number

	for file in "$man"/*; do
		[ -n "$(section "${file##*/}" 'SEE ALSO')" ]
		while read -r _ name number _; do
			[ -e "$man/$name.$number" ] ||
				complain "$file" "a page" "$name($number)"
		done < <(grep '^\.Xr kpki' "$file")
	done
}

@test "kpki-sign has the policy's table" {
	is "$(sed -nE '/^\.Bl -column "basic/,/^\.El/s/^\.It ([a-z-]+) Ta /\1: /p' \
		"$man/kpki-sign.1")" \
		"$(tr -s '\n\t' ' ' <"$top/src/kube/request_policy.c" |
			sed 's/" "//g; s/{"/\n/g' |
			sed -nE 's/^([a-z-]+)", "([^"]+)", check_.*/\1: \2/p')"
}

@test "kpki-verify(1) has the rules of the program, word for word" {
	kpki verify --list-rules --json |
		jq -r '.items[] | "\(.id) (\(.severity))\t\(.title | ascii_downcase).",
			"\(.meaning | ascii_downcase)."' >want
	while IFS=$tab read -r tag text; do
		if [[ $tag == KPKI-* ]]; then
			rule=$(items kpki-verify.1 RULES | grep -F "$tag") ||
				complain "rule" "$tag" "none"
			rule=${rule,,}
		else
			text=$tag
		fi
		has "$rule" "$text"
	done <want
	is "$(tags kpki-verify.1 RULES | sed 's/ .*//')" \
		"$(kpki verify --list-rules | awk '/^KPKI/ { print $1 }')"
}
