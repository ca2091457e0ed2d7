#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What tar, cp and a kubelet make of a bundle that is laid over a host.

load helper

setup_file()
{
	local layout

	cd "$BATS_FILE_TMPDIR"
	for layout in kubeadm pem; do
		authority $layout --layout $layout
		bundle $layout worker-1 --address 192.0.2.1
		bundle $layout worker-2 --format tar
	done
}

# A host in ./root that has a kubelet already.  What every host has may have
# other modes: `make_host MODE`.
make_host()
{
	mkdir -p root/etc/kubernetes/pki root/var/lib/kubelet/pki root/var/log
	echo old >root/etc/passwd
	echo old >root/etc/kubernetes/kubelet.conf
	echo old >root/var/lib/kubelet/pki/kubelet-client-2020.pem
	ln -s kubelet-client-2020.pem root/$CLIENT
	chmod 700 root/var/lib/kubelet/pki
	chmod 600 root/etc/kubernetes/kubelet.conf
	chmod 755 root/etc/kubernetes root/etc/kubernetes/pki \
		root/var/lib/kubelet
	chmod 751 root/var/log
	chmod 640 root/etc/passwd
	chmod "$1" root root/etc root/var root/var/lib
}

# Modes and owners of what a host has, without the files of a bundle.
host()
{
	find root \( -type d -o -name passwd -o -name '*-2020.pem' \) \
		! -path root/var/lib/kubernetes -printf '%M %U:%G %p\n' | sort
}

# What lies there: kinds, modes, links and content.
tree()
{
	(cd "$1" && find . -mindepth 1 -printf '%y %m %p %l\n' | sort &&
		find . -type f -exec sha256sum {} + | sort -k 2)
}

@test "a tar laid over a host changes nothing that was there" {
	local layout mode before

	cd "$BATS_TEST_TMPDIR"
	for layout in kubeadm pem; do
		for mode in 755 711 700; do
			make_host $mode
			before=$(host)
			tar -C root -xp <"$BATS_FILE_TMPDIR/$layout/worker-2.tar"
			is "$(host)" "$before"
			is "$(cat root/etc/passwd)" old
			rm -r root
		done
	done
}

@test "a directory laid over a host changes nothing that was there" {
	local layout before parts

	cd "$BATS_TEST_TMPDIR"
	for layout in kubeadm pem; do
		parts='etc var'
		[[ $layout == kubeadm ]] || parts=var
		make_host 755
		before=$(host)
		cp -a "$BATS_FILE_TMPDIR/$layout/worker-1/." root/
		is "$(host)" "$before"
		rm -r root
		make_host 755
		chmod 711 root
		before=$(host)
		# The words are directories.
		# shellcheck disable=SC2086
		tar -C "$BATS_FILE_TMPDIR/$layout/worker-1" \
			--owner=0 --group=0 -c $parts | tar -C root -xp
		is "$(host)" "$before"
		rm -r root
	done
}

@test "whichever way it comes, and whatever the umask, it is the same tree" {
	local layout

	cd "$BATS_TEST_TMPDIR"
	for layout in kubeadm pem; do
		mkdir copy tar
		umask 077
		cp -a "$BATS_FILE_TMPDIR/$layout/worker-1/." copy
		tar -C "$BATS_FILE_TMPDIR/$layout/worker-1" -c . |
			tar -C tar -xp
		is "$(tree copy)" "$(tree "$BATS_FILE_TMPDIR/$layout/worker-1")"
		is "$(tree tar)" "$(tree copy)"
		rm -r copy tar
	done
}

@test "a tar lists root's files in order, and no directory of every host" {
	local layout list

	for layout in kubeadm pem; do
		list=$(tar --numeric-owner -tvf $layout/worker-2.tar)
		is "$(awk '$2 != "0/0"' <<<"$list")" ""
		list=$(tar -tf $layout/worker-2.tar)
		is "$(sort <<<"$list" | uniq -d)" ""
		is "$(grep -xE '(\./?)?|(etc|var|var/lib)/?' <<<"$list")" ""
		is "$(tr / '\001' <<<"$list" | sort)" \
			"$(tr / '\001' <<<"$list")"
	done
}

# Of client-go's certificate_store: the link leads to a file beside it, of this
# name, with all certificates before the key.
@test "the client's file and its link have the form that a kubelet rotates" {
	local layout link

	for layout in kubeadm pem; do
		[ -L $layout/worker-1/$CLIENT ]
		link=$(readlink $layout/worker-1/$CLIENT)
		[[ $link =~ ^kubelet-client(-[0-9]{2,4}){6}\.pem$ ]]
		is "$(find $layout/worker-1 -name 'kubelet-client-2*' \
			-printf '%f')" "$link"
		is "$(sed -n 's/^-----BEGIN //p' $layout/worker-1/$CLIENT)" \
			$'CERTIFICATE-----\nPRIVATE KEY-----'
		is "$(mode "$(realpath $layout/worker-1/$CLIENT)")" 600
	done
}

# Every path that the documents of a bundle name, on the host.
paths()
{
	cat "$@" | sed -nE 's/^[^#]*: "?(\/[^" ]*)"?$/\1/p' | sort -u
}

@test "every path that a bundle's documents name is there on the host" {
	local path n=0

	cd "$BATS_TEST_TMPDIR"
	for layout in kubeadm pem; do
		make_host 755
		cp -a "$BATS_FILE_TMPDIR/$layout/worker-1/." root/
		for path in $(paths "$BATS_FILE_TMPDIR/$layout"/worker-1/etc/kubernetes/*.conf \
			"$BATS_FILE_TMPDIR/$layout"/worker-1/var/lib/kubelet/*config* \
			2>/dev/null); do
			[ -s "root$path" ]
			n=$((n + 1))
		done
		rm -r root
	done
	# client pair, client CA, serving certificate, serving key
	is $n 8
}

@test "a bundle issued anew is laid over the old one, and its link counts" {
	local old new

	cd "$BATS_TEST_TMPDIR"
	authority ca
	bundle ca worker-1
	mkdir root
	cp -a ca/worker-1/. root/
	old=$(readlink root/$CLIENT)
	sleep 1
	bundle ca worker-1 --reissue
	cp -a ca/worker-1/. root/
	new=$(readlink root/$CLIENT)
	[[ $new > $old ]]
	[ -s "root/${CLIENT%/*}/$old" ]
	is "$(serial root/$CLIENT)" "$(serial ca/worker-1/$CLIENT)"
	[ "$(serial root/$CLIENT)" != "$(serial "root/${CLIENT%/*}/$old")" ]
	accepts openssl verify -x509_strict -purpose sslclient \
		-CAfile root/etc/kubernetes/pki/ca.crt root/$CLIENT
}
