#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs the .bats files of this directory, or those named, in a world of their
# own: README says which.
set -u

here=$(cd "$(dirname "$0")" && pwd)
skip() {
  echo "1..0 # SKIP $*"
  exit 0
}

[ -z "${KPKI_KUBERNETES-}" ] ||
  skip "Kubernetes is for another run ($KPKI_KUBERNETES)"
bin=$("$here/build" --ready 2>/dev/null) ||
  skip 'Kubernetes is not built; make check-kubernetes builds it'
for tool in bats curl etcd etcdctl ip jq openssl unshare; do
  command -v "$tool" >/dev/null || skip "no $tool"
done
alone='unshare --net --mount --pid --fork --kill-child --mount-proc'
[ "$(id -u)" = 0 ] || skip 'a cluster in namespaces of its own needs root'
$alone true 2>/dev/null || skip 'this system refuses namespaces'

[ $# != 0 ] || set -- "$here"/*.bats
logs=${top_builddir:-.}/tests/kubernetes/logs
rm -rf "$logs"
mkdir -p "$logs" && logs=$(cd "$logs" && pwd) || exit 1
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/kpki-kubernetes.XXXXXX") || exit 1
trap 'rm -rf "$TMPDIR"' EXIT
export bin logs TMPDIR

# The shell is process 1 in there: it gathers orphans, and everything that is
# left ends with it.
$alone sh -c 'ip link set lo up && bats --tap "$@"; exit $?' sh "$@" &
trap 'kill -KILL $!' INT TERM
wait $!
status=$?
[ "$status" != 0 ] || rm -rf "$logs"
exit "$status"
