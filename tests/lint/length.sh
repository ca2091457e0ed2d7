#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Prints the longest functions and files, for whoever reads the log. It never
# fails: a limit that fails the build teaches to cut code in the wrong place.
set -u
cd "${top_srcdir:-$(dirname "$0")/../..}/src" || exit 1

functions() {
  find . -name '*.c' | sort | xargs awk '
    FNR == 1 { inside = 0 }
    /^[A-Za-z].*\(/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
    /^{/ { start = FNR; inside = 1 }
    /^}$/ && inside { printf "%5d %s:%d %s\n", FNR - start - 1, FILENAME, start, name
      inside = 0 }'
}

sorted=$(functions | sort -rn)
n=$(printf '%s\n' "$sorted" | wc -l)
echo '1..1'
echo 'ok 1 - lengths are printed, never judged'
echo "# $n functions, median $(printf '%s\n' "$sorted" |
  awk -v n="$n" 'NR == int((n + 1) / 2) { print $1 }') lines; the longest:"
printf '%s\n' "$sorted" | head -n 12 | sed 's,\./,,; s/^/# /'
echo '# the longest files:'
find . -name '*.[ch]' | xargs wc -l | grep -v ' total$' | sort -rn |
  head -n 8 | sed 's,\./,,; s/^/# /'
