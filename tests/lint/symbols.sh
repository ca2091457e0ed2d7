#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What the floors call: base, pki, kube and verify never print, prompt, read the
# environment or end the process, and nobody runs a program or opens a socket.
# Reads the built archives, so it sees what was compiled, not what was meant.
# abort() is free: it is for a broken invariant, and for memory that ran out.
set -u
LC_ALL=C
export LC_ALL
cd "${top_builddir:-.}" || exit 1

silent='(__)?(v?f?printf|v?dprintf)(_chk)?|v?f?wprintf|f?puts|f?putc|putchar
perror|psignal|stdin|stdout|stderr|fwrite|syslog
getenv|secure_getenv|setenv|unsetenv|putenv|clearenv|environ
exit|_exit|_Exit|quick_exit|raise|kill
getpass|isatty|tcgetattr|tcsetattr|getchar|fgets|scanf|__isoc99_scanf'
alone='system|popen|v?fork|exec[a-z]+|fexecve|posix_spawnp?|dlopen
socket|socketpair|connect|bind|listen|accept4?|send(to|msg|mmsg)?
recv(from|msg|mmsg)?|getaddrinfo|gethostby[a-z0-9_]+|res_[a-z]+'

# libarchive and what it pulls in is loaded when a tar is asked for, not before.
excused='^src/base/libarchive\.c: dlopen$'

# "src/base/file.c: symbol", of archives and objects
undefined() {
  for archive; do
    nm -A -u "$archive" || echo "$archive: nm failed"
  done | sed -E 's,^lib([a-z]+)\.a:([a-z0-9_]+)\.o: +[Uvw] ,src/\1/\2.c: ,
    s,^src/main\.o: +[Uvw] ,src/main.c: ,
    s,@.*,,'
}

calls() { # PATTERN FILE...: who calls what matches
  pattern=$(printf '%s' "$1" | tr '\n' '|')
  shift
  undefined "$@" | grep -E ": ($pattern|nm failed)\$" | grep -Ev "$excused"
}

n=0
failed=0
check() { # NAME PATTERN FILE...
  n=$((n + 1))
  name=$1
  shift
  found=$(calls "$@")
  if [ -z "$found" ]; then
    echo "ok $n - $name"
  else
    echo "not ok $n - $name"
    printf '%s\n' "$found" | sed 's/^/# /'
    failed=1
  fi
}

for floor in base pki kube verify; do
  check "$floor is silent and only returns" "$silent" "lib$floor.a"
done
check 'nobody runs a program or opens a socket' "$alone" \
  libbase.a libcli.a libpki.a libkube.a libverify.a libcmd.a src/main.o
echo "1..$n"
exit $failed
