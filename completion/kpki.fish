# SPDX-License-Identifier: GPL-3.0-or-later
# Completion for fish.  The binary that is being typed is asked; HACKING and
# src/cli/command.h describe what `kpki --describe-cli` answers.

# Prints the rows of an option of a command, without the first two columns.
function __kpki_option -a command option
    string match -r -- "^option\t$command\t.*" $__kpki_facts |
        string replace -r '^option\t[^\t]*\t' '' |
        string match -r -- "^(?:$option\t|[^\t]*\t$option\t).*"
end

# Prints what a value may be, behind a prefix.
function __kpki_value -a row prefix word
    set -l column (string split \t -- $row)
    switch $column[4]
        case choice
            printf '%s\n' $prefix(string split '|' -- $column[3])
        case file
            printf '%s\n' $prefix(__fish_complete_path $word)
        case directory
            printf '%s\n' $prefix(__fish_complete_directories $word '')
    end
end

function __kpki_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -g __kpki_facts ($words[1] --describe-cli 2>/dev/null)
    set -l command -
    set -l row

    for i in (seq 2 (count $words))
        set -l before $words[$i]
        if test -n "$row"
            set row
        else if string match -q -- '-*' $before
            set row (__kpki_option $command (string escape --style=regex -- $before))
            string match -qr -- '\tflag\t' $row; and set row
        else if test "$command" = -
            set command $before
        end
    end
    if test -n "$row"
        __kpki_value $row '' $word
        return
    end
    if string match -q -- '--*=*' $word
        set -l parts (string split -m 1 = -- $word)
        set row (__kpki_option $command $parts[1])
        test -n "$row"; and __kpki_value $row "$parts[1]=" $parts[2]
        return
    end
    if string match -q -- '-*' $word
        string match -r -- "^option\t$command\t.*" $__kpki_facts |
            string replace -r '^option\t[^\t]*\t([^\t]*)\t.*\t([^\t]*)$' '$1\t$2'
        return
    end
    if test "$command" = -
        string match -r -- '^command\t.*' $__kpki_facts |
            string replace -r '^command\t([^\t]*)\t.*\t([^\t]*)$' '$1\t$2'
    else if test "$words[-1]" = "$command"
        # words that may stand first among the operands
        string match -r -- "^command\t$command\t[a-z|]*\|[a-z|]*" $__kpki_facts |
            string replace -r '.*\t' '' | string split '|'
    end
end

complete -c kpki -f -a '(__kpki_complete)'
