#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Holds the #include lines of src/ to the floors of the house (HACKING, 1).
set -u
LC_ALL=C
export LC_ALL
cd "${top_srcdir:-$(dirname "$0")/../..}/src" || exit 1

# Which floors a floor may include.
floors='
base base
cli base cli
pki base pki
kube base pki kube
verify base pki kube verify
cmd base cli pki kube verify cmd
main.c base cli cmd'

# Where a header that is not everybody's may be used, and nowhere else.
privileged='
archive.h base/libarchive_private.h
archive_entry.h base/libarchive_private.h
dlfcn.h base/libarchive.c
getopt.h cli/command.c
gnutls/ pki/digest.c pki/key_private.h pki/key_token.c pki/key_verify.c pki/seal.c
jansson.h base/json.c
libtasn1.h pki/request.c
sqlite3.h pki/ledger.c pki/ledger_schema.c pki/ledger_sql.c pki/ledger_stage.c
termios.h cli/prompt.c
yaml.h base/yaml.c base/yaml_write.c'

# What everybody may use of the C library. No socket, no resolver.
libc='arpa/inet.h assert.h ctype.h dirent.h errno.h fcntl.h inttypes.h limits.h
linux/fs.h linux/magic.h locale.h math.h poll.h pthread.h sched.h semaphore.h signal.h stdarg.h
stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h strings.h
sys/file.h sys/ioctl.h sys/mman.h sys/prctl.h sys/random.h sys/resource.h
sys/signalfd.h sys/stat.h sys/statfs.h sys/statvfs.h sys/syscall.h sys/types.h sys/uio.h
sys/utsname.h sys/vfs.h sys/wait.h time.h unistd.h wchar.h'

# Who may look into a secret.
confidants='base/file.c base/secret.c base/source.c base/tree_read_tar.c
base/tree_tar.c cli/prompt.c kube/bundle.c kube/control_place.c
kube/kubeconfig.c kube/kubeconfig_read.c kube/place.c kube/redact.c
kube/token.c kube/token_file.c kube/token_read.c kube/token_secret.c
pki/digest.c pki/key.c pki/key_decode.c pki/key_encode.c pki/key_token.c pki/pem.c pki/seal.c
verify/file.c verify/file_document.c'

includes() { # file:line:header, "..." or <...> kept
  grep -n '^[[:space:]]*#[[:space:]]*include' /dev/null $(find . -name '*.[ch]') |
    sed -E 's,^\./,,; s,:[[:space:]]*#[[:space:]]*include[[:space:]]*,:,'
}

floors_are_kept() {
  includes | grep ':"' | tr -d '"' | while IFS=: read -r file line header; do
    case $header in
    */*) ;;
    *) echo "$file:$line: \"$header\" is not written from src/" && continue ;;
    esac
    printf '%s\n' "$floors" | grep "^${file%%/*} " |
      grep -q " ${header%%/*}\( \|\$\)" ||
      echo "$file:$line: ${file%%/*} may not include $header"
  done
}

system_headers_are_known() {
  includes | grep ':<' | tr -d '<>' | while IFS=: read -r file line header; do
    row=$(printf '%s\n' "$privileged" | grep -E "^(${header%%/*}/|$header) ")
    case "$row " in
    *" $file "*) continue ;;
    ' ') printf '%s\n' $libc | grep -Fqx "$header" && continue ;;
    esac
    echo "$file:$line: <$header> has no business here"
  done
}

own_header_comes_first() {
  for file in $(find . -name '*.c' | sed 's,^\./,,'); do
    own=${file%.c}.h
    [ -e "$own" ] || continue
    first=$(includes | grep "^$file:" | head -n 1)
    case $first in
    "$file:"*":\"$own\"") ;;
    *) echo "$file: the first include is not \"$own\"" ;;
    esac
  done
}

secrets_have_few_confidants() {
  grep -nE '\<secret_(bytes|view)\(' $(find . -name '*.c') |
    sed 's,^\./,,' | while IFS=: read -r file line _; do
    printf '%s\n' $confidants | grep -Fqx "$file" ||
      echo "$file:$line: looks into a secret"
  done
}

every_file_is_in_the_build() {
  for file in $(cd .. && echo src/*/*.[ch] tests/unit/*.c tests/*/*.bats); do
    case $file in
    tests/*.c) word=${file%.c} ;;
    *) word=$file ;;
    esac
    grep -qE "(^|[[:space:]])$word( |\$)" ../Makefile.am ||
      echo "$file: not in Makefile.am"
  done
}

n=0
failed=0
check() {
  n=$((n + 1))
  found=$("$1")
  name=$(printf '%s' "$1" | tr _ ' ')
  if [ -z "$found" ]; then
    echo "ok $n - $name"
  else
    echo "not ok $n - $name"
    printf '%s\n' "$found" | sed 's/^/# /'
    failed=1
  fi
}

check floors_are_kept
check system_headers_are_known
check own_header_comes_first
check secrets_have_few_confidants
check every_file_is_in_the_build
echo "1..$n"
exit $failed
