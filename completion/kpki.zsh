#compdef kpki
# SPDX-License-Identifier: GPL-3.0-or-later
# Completion for zsh.  The binary that is being typed is asked; HACKING and
# src/cli/command.h describe what `kpki --describe-cli` answers.

# Fills `options` with what _arguments wants for the rows of a command.
_kpki_options() {
	local line name letter many spec action
	local -a column

	options=()
	for line in $facts; do
		column=("${(@ps:\t:)line}")
		[[ $column[1] == option && $column[2] == $1 ]] || continue
		name=$column[3] letter=$column[4] many=
		spec="[${${${column[10]//\\/\\\\}//\[/\\[}//\]/\\]}]"
		case $column[6] in
		flag) ;;
		choice) spec+=":${column[5]}:(${column[5]//|/ })" ;;
		file) spec+=":${column[5]}:_files" ;;
		directory) spec+=":${column[5]}:_files -/" ;;
		*) spec+=":${column[5]}: " ;;
		esac
		[[ $column[6] != flag ]] && name+==
		[[ $column[7] == many ]] && many='*'
		options+=("$many$name$spec")
		[[ $letter != - ]] && options+=("$letter$spec")
	done
}

_kpki() {
	local line word command=- skip=
	local -a facts column options names summaries actions
	local -A takes_value

	facts=("${(@f)$(_call_program facts $words[1] --describe-cli)}")
	for line in $facts; do
		column=("${(@ps:\t:)line}")
		case $column[1] in
		command)
			names+=("$column[2]")
			summaries+=("$column[2]:$column[5]")
			;;
		option)
			[[ $column[2] == - && $column[6] != flag ]] || continue
			takes_value[$column[3]]=1
			takes_value[$column[4]]=1
			;;
		esac
	done
	for word in ${words[2,CURRENT-1]}; do
		if [[ -n $skip ]]; then
			skip=
		elif [[ $word != -* ]]; then
			command=$word
			break
		else
			skip=$takes_value[$word]
		fi
	done
	_kpki_options $command
	if [[ $command != - ]]; then
		for line in $facts; do
			column=("${(@ps:\t:)line}")
			[[ $column[1] == command && $column[2] == $command &&
				${column[3]%% *} == *[a-z]*'|'* ]] || continue
			actions=(${(s:|:)${column[3]%% *}})
		done
		if ((#actions)); then
			_arguments -S : $options ':command: ' \
				":action:($actions)" '*:file:_files'
			return
		fi
		_arguments -S : $options ':command: ' '*:operand: '
		return
	fi
	_arguments -S : $options ':command:->command' && return
	_describe command summaries
}

_kpki "$@"
