# SPDX-License-Identifier: GPL-3.0-or-later
# Completion for bash.  The binary that is being typed is asked; HACKING and
# src/cli/command.h describe what `kpki --describe-cli` answers.

# Prints the value column and the metavar of an option of a command.
_kpki_value()
{
	local facts=$1 wanted=$2 option=$3
	local row command name letter metavar value rest

	while IFS=$'\t' read -r row command name letter metavar value rest; do
		[[ $row == option && $command == "$wanted" ]] || continue
		[[ $name == "$option" || $letter == "$option" ]] || continue
		printf '%s\t%s\n' "$value" "$metavar"
		return
	done <<<"$facts"
}

# Prints the command among the words before the one being typed, or "-".
_kpki_command()
{
	local facts=$1 word value metavar
	local -i i

	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $word != -* ]]; then
			printf '%s\n' "$word"
			return
		fi
		IFS=$'\t' read -r value metavar < \
			<(_kpki_value "$facts" - "$word")
		[[ ${value:-flag} == flag ]] && continue
		[[ ${COMP_WORDS[i + 1]} == = ]] && i+=1
		i+=1
	done
	printf '%s\n' -
}

# Prints what a word may be: the names of one kind of row of a command.
_kpki_names()
{
	local facts=$1 wanted_row=$2 wanted=$3
	local row command name rest

	while IFS=$'\t' read -r row command name rest; do
		[[ $row == "$wanted_row" ]] || continue
		if [[ $row == command ]]; then
			printf '%s\n' "$command"
		elif [[ $command == "$wanted" ]]; then
			printf '%s\n' "$name"
		fi
	done <<<"$facts"
}

# Prints the words that may stand first among a command's operands.
_kpki_actions()
{
	local facts=$1 wanted=$2
	local row command operands rest

	while IFS=$'\t' read -r row command operands rest; do
		[[ $row == command && $command == "$wanted" ]] || continue
		operands=${operands%% *}
		[[ $operands == *[a-z]*'|'* ]] && printf '%s\n' "${operands//|/ }"
	done <<<"$facts"
}

_kpki_reply()
{
	local word=$1 line

	shift
	while IFS= read -r line; do
		COMPREPLY+=("$line")
	done < <(compgen "$@" -- "$word")
}

_kpki()
{
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local facts command value metavar

	COMPREPLY=()
	facts=$("$1" --describe-cli 2>/dev/null) || return
	command=$(_kpki_command "$facts")

	# "--name=value" comes as three words.
	if [[ $word == = ]]; then
		word=
	elif [[ $before == = ]]; then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	IFS=$'\t' read -r value metavar < \
		<(_kpki_value "$facts" "$command" "$before")
	case ${value:-flag} in
	choice)
		_kpki_reply "$word" -W "${metavar//|/ }"
		return
		;;
	file)
		compopt -o filenames 2>/dev/null
		_kpki_reply "$word" -f
		return
		;;
	directory)
		compopt -o filenames 2>/dev/null
		_kpki_reply "$word" -d
		return
		;;
	text | count)
		return
		;;
	esac
	if [[ $word == -* ]]; then
		_kpki_reply "$word" -W "$(_kpki_names "$facts" option "$command")"
	elif [[ $command == - ]]; then
		_kpki_reply "$word" -W "$(_kpki_names "$facts" command -)"
	elif [[ $before == "$command" ]]; then
		_kpki_reply "$word" -W "$(_kpki_actions "$facts" "$command")"
	fi
}

complete -F _kpki kpki
