#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The shared libraries that the program needs: those of HACKING, 3, and with
# --enable-static-libraries only what every Debian has.
set -u
LC_ALL=C
export LC_ALL
cd "${top_builddir:-.}" || exit 1

allowed='libc libgnutls libm libtasn1 libpthread libdl ld-linux-x86-64 ld-linux-aarch64'
[ "${KPKI_STATIC_LIBRARIES:-no}" = yes ] ||
  allowed="$allowed libjansson libsqlite3 libyaml-0"
[ "${KPKI_SANITIZE:-no}" != yes ] ||
  allowed="$allowed libasan libubsan libgcc_s libstdc++ librt libresolv"

needed=$(readelf -d kpki | sed -n 's/.*(NEEDED).*\[\([^]]*\)\.so[.0-9]*\]/\1/p')

found=
for library in $needed; do
  printf '%s\n' $allowed | grep -Fqx -- "$library" || found="$found $library"
done
name='the program needs no library but those it may'
if [ -z "$needed" ]; then
  echo "not ok 1 - $name"
  echo '# readelf says nothing'
elif [ -n "$found" ]; then
  echo "not ok 1 - $name"
  echo "#$found"
else
  echo "ok 1 - $name"
fi
echo 1..1
