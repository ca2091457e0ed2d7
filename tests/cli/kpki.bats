#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The front door: what holds for every command.

load helper

completion=${top_srcdir:-$BATS_TEST_DIRNAME/../..}/completion

# What the completion for bash offers for the last of these words.
complete_in_bash()
{
	(
		source "$completion/kpki.bash"
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		_kpki "$KPKI"
		echo "${COMPREPLY[*]}"
	)
}

commands()
{
	kpki --describe-cli | awk -F '\t' '$1 == "command" { print $2 }'
}

# As src/cmd/commands.c has them.
table()
{
	sed -nE 's/^\t&command_(.*),/\1/p' "$completion/../src/cmd/commands.c" |
		tr _ -
}

@test "kpki alone shows its help on stderr and exits 2" {
	exits 2
	is "$output" ""
	is "${stderr_lines[0]}" "Usage: kpki [OPTION...] COMMAND [ARGUMENT...]"
	is "${stderr_lines[-1]}" "kpki: no command given"
}

@test "--help lists every command and exit status on stdout" {
	local command

	for option in --help -h; do
		exits 0 $option
		is "$stderr" ""
		is "${lines[0]}" \
			"Usage: kpki [OPTION...] COMMAND [ARGUMENT...]"
		for command in $(commands); do
			has "$output" $'\n'"  $command "
		done
		for code in 0 1 2 3 4 5; do
			has "$output" $'\n'"  $code  "
		done
	done
}

@test "COMMAND --help shows every option of the command in 80 columns" {
	local row command name rest

	while IFS=$'\t' read -r row command name rest; do
		[[ $row == option && $command != - ]] || continue
		exits 0 "$command" --help
		is "$stderr" ""
		has "$output" " $name"
		[ "$(wc -L <<<"$output")" -le 80 ]
	done < <(kpki --describe-cli)
}

@test "help goes before everything else a command line may lack" {
	exits 0 --help init-ca
	has "${lines[0]}" "Usage: kpki init-ca "
	exits 0 list --help more
	has "${lines[0]}" "Usage: kpki list "
}

@test "--version says which" {
	exits 0 --version
	[[ $output =~ ^kpki\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	local version=$output
	exits 0 -V
	is "$output" "$version"
	exits 0 list --version
	is "$output" "$version"
}

@test "an unknown command is refused with the nearest name" {
	exits 2 nodebundle
	is "$output" ""
	is "$stderr" \
		'kpki: command "nodebundle": unknown, did you mean node-bundle?'
	exits 2 help
	is "$stderr" 'kpki: command "help": unknown, "kpki --help" lists what there is'
	exits 2 ''
}

@test "an unknown option is refused with the nearest name" {
	exits 2 node-bundle --inventry nodes.yaml
	is "$output" ""
	is "$stderr" 'kpki node-bundle: option "--inventry": unknown, did you mean --inventory?'
	exits 2 list --jsom
	has "$stderr" 'did you mean --json?'
	exits 2 list --elephants
	has "$stderr" '"kpki list --help" lists what there is'
	exits 2 list -x
	has "$stderr" 'option "-x": unknown'
	exits 2 --inventory nodes.yaml node-bundle
	has "$stderr" "unknown before a command's name"
}

@test "no option is abbreviated" {
	exits 2 list --js
	exits 2 --vers
}

@test "shared options stand before or after the command's name" {
	exits 3 --dir nowhere list
	local before=$stderr
	has "$before" nowhere
	exits 3 list --dir nowhere
	is "$stderr" "$before"
	exits 3 list --dir=nowhere
	is "$stderr" "$before"
	exits 3 -dnowhere list
	is "$stderr" "$before"
	exits 3 -qd nowhere list
	is "$stderr" "$before"
}

@test "a shared option that a command does not take is refused" {
	exits 2 init-ca --at 2030-01-01T00:00:00Z
	is "$stderr" 'kpki init-ca: option "--at": not taken by init-ca'
	exits 2 --at 2030-01-01T00:00:00Z init-ca
	is "$stderr" 'kpki init-ca: option "--at": not taken by init-ca'
	[ ! -e pki ]
}

@test "values are refused when missing, empty or given twice" {
	exits 2 list --dir
	has "$stderr" 'option "--dir": needs a value (DIR)'
	exits 2 list --dir --json
	has "$stderr" 'option "--dir": needs a value (DIR)'
	exits 2 list --dir ''
	has "$stderr" 'option "--dir": needs a value (DIR)'
	exits 2 list --dir=
	has "$stderr" 'option "--dir": needs a value (DIR)'
	exits 2 --dir a list -d b
	has "$stderr" 'option "--dir": given twice'
	exits 2 list --json=yes
	has "$stderr" 'option "--json": takes no value'
	exits 2 list --lock-timeout soon
	has "$stderr" 'option "--lock-timeout": value "soon": not a whole number from 0 to '
}

@test "operands that a command does not take are refused" {
	exits 2 list everything
	is "$stderr" 'kpki list: operand "everything": list takes none'
	exits 2 list -- --json
	is "$stderr" 'kpki list: operand "--json": list takes none'
}

@test "what was typed cannot drive the terminal" {
	exits 2 $'\e[31mlist'
	lacks "$stderr" $'\e'
	has "$stderr" '\x1b[31mlist'
}

@test "--json answers one object for any failure" {
	exits 2 list --json --bogus
	is "$(json .apiVersion)" kpki/v1
	is "$(json .kind)" CertificateList
	is "$(json '.items | length')" 0
	is "$(json .error.code)" 2
	has "$(json .error.message)" '--bogus'
	is "$stderr" "kpki list: $(json .error.message)"
	exits 2 list --bogus --json
	is "$(json .error.code)" 2
	exits 3 list --json --dir nowhere
	is "$(json .error.code)" 3
	exits 2 nodebundle --json
	is "$(json .kind)" Report
	exits 2 list --bogus -- --json
	is "$output" ""
}

@test "a full or closed standard output is a failure" {
	local arguments

	for arguments in --help --version "list --help" --describe-cli; do
		run --separate-stderr \
			sh -c "exec \"\$KPKI\" $arguments >/dev/full"
		is "$status" 1
		has "$stderr" "standard output: No space left on device"
		run --separate-stderr sh -c "exec \"\$KPKI\" $arguments >&-"
		is "$status" 1
		has "$stderr" "standard output: "
	done
}

@test "a closed standard error does not turn into another file" {
	run --separate-stderr sh -c 'exec "$KPKI" list --bogus 2>&-'
	is "$status" 2
	is "$output" ""
}

@test "a reader that went away is an error and no signal" {
	run --separate-stderr bash -c \
		'"$KPKI" --help | true; echo "${PIPESTATUS[0]}"'
	[[ $output == 0 || $output == 1 ]]
}

@test "no core dump and no debugger sees a key" {
	command -v strace
	# The leak sanitizer cannot work under strace.
	run --separate-stderr env ASAN_OPTIONS=detect_leaks=0 \
		strace -f -e trace=prlimit64,prctl,umask "$KPKI" --version
	is "$status" 0
	has "$stderr" 'umask(022)'
	has "$stderr" 'RLIMIT_CORE, {rlim_cur=0, rlim_max=0}'
	has "$stderr" 'prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE'
}

@test "--describe-cli has a fact a line" {
	exits 0 --describe-cli
	is "$stderr" ""
	run awk -F '\t' '
		$0 ~ /\t\t|\t$/ { exit 1 }
		$1 == "program" && NF == 4 && NR == 1 { next }
		$1 == "command" && NF == 5 { seen[$2] = 1; next }
		$1 == "option" && NF == 10 && $3 ~ /^--[a-z]/ &&
			($2 == "-" || seen[$2]) &&
			$6 ~ /^(flag|count|text|file|directory|choice)$/ &&
			$7 ~ /^(once|many)$/ && $8 ~ /^(own|shared)$/ { next }
		{ exit 1 }' <<<"$output"
	is "$status" 0
	is "$(commands)" "$(table)"
	exits 0 --help
	lacks "$output" describe
	exits 2 list --describe-cli
}

@test "bash completes commands, options, choices and files" {
	mkdir sub
	touch nodes.yaml
	is "$(complete_in_bash kpki '')" "$(table | xargs)"
	is "$(complete_in_bash kpki no)" "node-bundle node-csr"
	is "$(complete_in_bash kpki --dir sub in)" "init-ca"
	is "$(complete_in_bash kpki --dir = sub in)" "init-ca"
	is "$(complete_in_bash kpki -q --q)" "--quiet"
	is "$(complete_in_bash kpki -d '')" "sub"
	is "$(complete_in_bash kpki list --dir s)" "sub"
	is "$(complete_in_bash kpki node-bundle --inv)" "--inventory"
	is "$(complete_in_bash kpki node-bundle --format '')" "dir tar"
	is "$(complete_in_bash kpki node-bundle --format =)" "dir tar"
	is "$(complete_in_bash kpki node-bundle --format = t)" "tar"
	is "$(complete_in_bash kpki node-bundle --inventory n)" "nodes.yaml"
	is "$(complete_in_bash kpki node-bundle --no-serving '')" ""
	is "$(complete_in_bash kpki init-ca --inv)" ""
	is "$(complete_in_bash kpki ledger e)" "export"
	is "$(complete_in_bash kpki ledger export e)" ""
}

@test "bash completes every option of every command" {
	local row command name rest

	while IFS=$'\t' read -r row command name rest; do
		[[ $row == option && $command != - ]] || continue
		has " $(complete_in_bash kpki "$command" --) " " $name "
	done < <(kpki --describe-cli)
}

@test "fish completes commands, options and choices" {
	command -v fish ||
		skip "fish is not installed: its completion is an extra"
	ln -s "$KPKI" kpki
	complete_in_fish()
	{
		PATH=$PWD:$PATH HOME=$PWD fish --no-config -c \
			"source $completion/kpki.fish; complete -C '$1'" |
			cut -f 1
	}
	is "$(complete_in_fish 'kpki node-b')" "node-bundle"
	is "$(complete_in_fish 'kpki -d x node-bundle --inv')" "--inventory"
	is "$(complete_in_fish 'kpki node-bundle --format=t')" "--format=tar"
}

@test "zsh completion is sound" {
	command -v zsh ||
		skip "zsh is not installed: its completion is an extra"
	zsh -n "$completion/kpki.zsh"
}
