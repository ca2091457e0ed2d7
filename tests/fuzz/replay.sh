#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Hands every seed to its harness, without a fuzzer: so what was found once is
# tried everywhere, by each compiler and under the sanitizers.
set -u
LC_ALL=C
export LC_ALL
tests=${top_srcdir:-$(dirname "$0")/../..}/tests
replays=${top_builddir:-.}/tests/fuzz
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

n=0
failed=0
replay() { # HARNESS DIRECTORY...
  harness=$1
  shift
  n=$((n + 1))
  find "$@" -type f ! -name '*.[cho]' -exec "$replays/replay_$harness" {} + \
    >"$log" 2>&1
  status=$?
  count=$(grep -c "^$tests/" "$log")
  name="$harness: $count seeds do no harm"
  if [ "$status" = 0 ] && [ "$count" -gt 9 ]; then
    echo "ok $n - $name"
  else
    echo "not ok $n - $name"
    tail -n 30 "$log" | sed 's/^/# /'
    failed=1
  fi
}

while read -r harness directories; do
  case $harness in
  '#') continue ;;
  esac
  set --
  for directory in $directories; do
    set -- "$@" "$tests/$directory"
  done
  replay "$harness" "$@"
done <"$tests/fuzz/seeds"
echo "1..$n"
exit $failed
