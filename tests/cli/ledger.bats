#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki ledger: the history itself, checked, exported, compared, noted down and
# rebuilt.

load helper
load pki

make_history()
{
	make_pki
	kpki node-bundle -q w1 --address 10.0.0.1
	kpki node-bundle -q w2 --address 10.0.0.2
	kpki token -q --node w3
}

@test "verify checks the whole, and says how far the ledger has come" {
	make_history
	exits 0 ledger verify
	is "$stderr" ""
	has "$output" "STATUS       verified"
	has "$output" "ENTRIES      6"
	exits 0 ledger verify --json
	is "$(json .kind)" LedgerReport
	is "$(json '.items[] | "\(.status) \(.entries) \(.held) \(.path)"')" \
		"verified 6 0 pki"
	is "$(json '.items[].checkpoint')" "$(kpki ledger checkpoint)"
	exits 0 ledger verify -q
	is "$output" ""
}

@test "an edited ledger is refused by verify, wherever the edit is" {
	local sql

	for sql in "UPDATE live SET not_after = 1" \
		"DELETE FROM address WHERE address = '10.0.0.1'" \
		"UPDATE event SET name = 'w9' WHERE seq = 2" \
		"DELETE FROM token"; do
		rm -rf pki bundles tokens
		make_history
		edit_ledger "$sql"
		exits 3 ledger verify --json
		is "$(json .error.code)" 3
		exits 3 ledger checkpoint
		is "$output" ""
		exits 3 ledger diff pki
	done
}

# Through the triggers that refuse it.
edit_ledger()
{
	local triggers drop="group_concat('DROP TRIGGER ' || name, ';')"
	local from="FROM sqlite_schema WHERE type = 'trigger'"

	triggers=$(sqlite3 pki/ledger.db "SELECT group_concat(sql, ';') $from")
	sqlite3 pki/ledger.db "$(sqlite3 pki/ledger.db \
		"SELECT $drop $from"); PRAGMA foreign_keys = OFF; $1; $triggers"
}

@test "a checkpoint is the same until something is added" {
	local before

	make_history
	exits 0 ledger checkpoint
	is "$stderr" ""
	[[ $output =~ ^kpki1\ 6\ [0-9TZ:-]{20}(\ |-[0-9A-Z]{4}|[0-9A-Z]{4}){10}$ ]]
	before=$output
	exits 0 ledger checkpoint
	is "$output" "$before"
	exits 0 ledger checkpoint --json
	is "$(json '.items[].checkpoint')" "$before"
	exits 0 ledger checkpoint --out paper
	is "$(<paper)" "$before"
	exits 0 ledger checkpoint --out paper --json
	is "$(json '.items[].status')" unchanged
	kpki node-bundle -q w4
	exits 0 ledger checkpoint
	[ "$output" != "$before" ]
	exits 4 ledger checkpoint --out paper
	is "$(<paper)" "$before"
	exits 0 ledger verify --checkpoint "$before"
	exits 0 ledger verify --checkpoint "${before,,}"
	exits 0 ledger verify --checkpoint paper
	has "$output" "HELD AGAINST 1"
}

@test "a cut end, an old copy and another station are found by a checkpoint" {
	local checkpoint

	make_history
	cp -r pki old
	kpki node-bundle -q w4
	kpki node-bundle -q w4 --dir old --out others
	checkpoint=$(kpki ledger checkpoint)

	# another station's, as long
	exits 0 ledger verify --dir old
	exits 5 ledger verify --dir old --checkpoint "$checkpoint"
	has "$stderr" "entry 8 is not the one of the checkpoint"

	# its end cut off, with the count, which is an older copy as well
	edit_ledger "DELETE FROM live WHERE name = 'w4';
		DELETE FROM address WHERE name = 'w4';
		DELETE FROM event WHERE seq > 6; UPDATE meta SET count = 6,
		head = (SELECT hash FROM event WHERE seq = 6)"
	exits 0 ledger verify
	exits 5 ledger verify --checkpoint "$checkpoint" --json
	has "$(json .error.message)" "its end was cut off"

	# as long, and other
	kpki node-bundle -q w5
	exits 0 ledger verify
	exits 5 ledger verify --checkpoint "$checkpoint"
	has "$stderr" "entry 8 is not the one of the checkpoint"
}

@test "a file of checkpoints is read line by line" {
	make_history
	{
		echo '# the notebook'
		echo
		kpki ledger checkpoint
		kpki node-bundle -q w4
		kpki ledger checkpoint
	} >notebook
	exits 0 ledger verify --checkpoint notebook
	has "$output" "HELD AGAINST 2"
	echo 'kpki1 99 2026-11-24T12:00:00Z 0000' >>notebook
	exits 3 ledger verify --checkpoint notebook
	has "$stderr" "notebook:"
	echo '# nothing' >notebook
	exits 3 ledger verify --checkpoint notebook
	has "$stderr" 'no checkpoint in it'
	exits 2 ledger verify --checkpoint 'kpki1 1 2026-11-24T12:00:00Z 0'
	has "$stderr" '--checkpoint: checkpoint: 1 letters and digits'
	exits 1 ledger verify --checkpoint nothing-there
}

@test "export has every entry on a line of its own, and no secret" {
	make_history
	exits 0 ledger export
	is "$stderr" ""
	is "$(wc -l <<<"$output")" 6
	is "$(jq -r '"\(.entry) \(.kind) \(.profile) \(.name)"' <<<"$output")" \
		"1 issued ca 
2 issued kubelet-client w1
3 issued kubelet-serving w1
4 issued kubelet-client w2
5 issued kubelet-serving w2
6 token bootstrap-token w3"
	is "$(jq -r 'select(.entry == 3) | .addresses | join(" ")' \
		<<<"$output")" "w1 10.0.0.1"
	# its certificate is the certificate
	jq -r 'select(.entry == 3) | .certificate' <<<"$output" |
		base64 -d | openssl x509 -inform DER -noout -checkend 3600
	lacks "$output" "$(sed -n 's/.*token-secret: "\(.*\)"/\1/p' \
		tokens/w3.yaml)"
	exits 2 ledger export --json
	exits 2 ledger export more
}

# What a chain is made of can be computed from the export alone.
@test "the export has all that the hashes are made of" {
	make_history
	kpki node-bundle -q w1 --address 10.0.0.1 --reissue
	kpki ledger export >lines
	python3 - <<-'END'
		import base64, calendar, hashlib, json, struct, time
		def at(text):
		    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))
		def cell(value):
		    if value is None:
		        return b"\xff" * 4
		    if isinstance(value, int):
		        return struct.pack(">Iq", 8, value)
		    if isinstance(value, str):
		        value = value.encode()
		    return struct.pack(">I", len(value)) + value
		previous = bytes(32)
		for line in open("lines"):
		    e = json.loads(line)
		    g = e.get
		    serial = bytes.fromhex(e["serial"]) if g("serial") else \
		        g("id", None) and e["id"].encode()
		    lines = "\n".join(e["addresses"]) if "addresses" in e else None
		    body = base64.b64decode(e["certificate"]) \
		        if g("certificate") else None
		    cells = [e["entry"], e["kind"], at(e["at"]), g("ca"), serial,
		        g("profile"), g("name"), g("detail"),
		        at(e["notBefore"]) if g("notBefore") else None,
		        at(e["notAfter"]) if g("notAfter") else None,
		        g("ref"), lines, body]
		    previous = hashlib.sha256(
		        previous + b"".join(map(cell, cells))).digest()
		    assert previous.hex() == e["hash"], line
	END
}

@test "diff says what each copy lacks, and where they part" {
	make_history
	cp -r pki other
	exits 0 ledger diff other
	has "$stderr" "the two are the same: 6 entries"
	exits 0 ledger diff other/ledger.db pki --json
	is "$(json '.common, (.items | length)')" "6
0"

	kpki node-bundle -q w4
	exits 5 ledger diff other
	has "$stderr" '"other": is an older copy, without the last 2 entries of "pki"'
	is "$(wc -l <<<"$output")" 3

	kpki node-bundle -q w4 --dir other --out others
	kpki token -q --node w1 --dir other --out more
	exits 5 ledger diff other --json
	is "$(json .common)" 6
	is "$(json '.items[] | "\(.status) \(.path) \(.entry) \(.kind) \(.node)"')" \
		"only pki 7 issued w4
only pki 8 issued w4
only other 7 issued w4
only other 8 issued w4
only other 9 token w1"
	has "$(json .error.message)" \
		'the two part after entry 6: "pki" has 2 that "other" lacks, and lacks 3'

	# what both recorded, each in its place, is missing from neither
	kpki ledger import -q others
	exits 5 ledger diff other --json
	is "$(json '.items[] | select(.path == "other") | .kind')" token
}

@test "reading works on a read-only copy of the ledger alone" {
	make_history
	mkdir copy
	cp pki/ledger.db copy/backup.db
	cp pki/ledger.db copy
	chmod 444 copy/*
	chmod 555 copy
	as_nobody ledger verify --dir copy
	is "$status" 0
	as_nobody ledger checkpoint --dir copy
	is "$output" "$(kpki ledger checkpoint)"
	as_nobody ledger export --dir copy
	is "$status" 0
	as_nobody ledger diff copy copy/backup.db
	is "$status" 0
}

@test "a lost ledger is rebuilt from what was issued" {
	local wanted

	make_history
	kpki node-bundle -q short --validity 1s
	sleep 2
	kpki node-bundle -q w1 --address 10.0.0.9 --reissue --out again
	kpki list --json | jq -r '.items[] |
		"\(.status) \(.profile) \(.node) \(.serial)"' | sort >wanted
	rm pki/ledger.db*
	exits 3 list
	exits 0 ledger import bundles again pki --json
	is "$(json '.items | map(.status) | group_by(.) | map("\(.[0]) \(length)")
		| join(" ")')" "imported 8 unchanged 1"
	kpki list --json | jq -r '.items[] |
		"\(.status) \(.profile) \(.node) \(.serial)"' | sort | diff - wanted
	exits 0 ledger verify
	is "$(mode pki/ledger.db)" 600
	is "$(find pki -name '.kpki-*')" ""
	# names are taken, and nothing drifted
	exits 0 node-bundle w1 --address 10.0.0.9 --out again
	has "$output" unchanged
	exits 4 node-bundle w5 --address 10.0.0.9
	has "$stderr" 'node "w1" has it'
	# again changes nothing
	wanted=$(kpki ledger checkpoint)
	exits 0 ledger import bundles again pki
	lacks "$output" imported
	is "$(kpki ledger checkpoint)" "$wanted"
}

@test "the order of files does not matter, and what is older is superseded" {
	make_history
	sleep 1
	kpki node-bundle -q w1 --address 10.0.0.1 --reissue --out again
	rm pki/ledger.db*
	exits 0 ledger import again
	exits 0 ledger import bundles
	is "$(rows --node w1 --live)" 2
	is "$(kpki list --node w1 --live --json | jq -r '.items[].serial' | sort)" \
		"$(for f in kubelet-client-current.pem kubelet.crt; do
			certificate again/w1/var/lib/kubelet/pki/$f -serial |
				cut -d = -f 2 | tr A-F a-f
		done | sort)"
	exits 0 ledger verify
}

@test "an imported authority gets the history that it had" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout ca.key -out ca.crt -subj /CN=kubernetes -days 3650 \
		-addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature
	kpki init-ca -q --server "$server" --import-cert ca.crt \
		--import-key ca.key
	# as others write it: text around it, and a key behind it
	openssl req -x509 -CA ca.crt -CAkey ca.key -nodes -newkey ec \
		-pkeyopt ec_paramgen_curve:P-256 -keyout w1.key -out w1.crt \
		-subj /O=system:nodes/CN=system:node:w1 -days 30 \
		-addext basicConstraints=critical,CA:FALSE \
		-addext keyUsage=critical,digitalSignature \
		-addext extendedKeyUsage=clientAuth
	# CN before O
	openssl req -x509 -CA ca.crt -CAkey ca.key -nodes -newkey ec \
		-pkeyopt ec_paramgen_curve:P-256 -keyout w2.key -out w2.crt \
		-subj /CN=system:node:w2/O=system:nodes -days 30 \
		-addext basicConstraints=critical,CA:FALSE \
		-addext keyUsage=critical,digitalSignature \
		-addext extendedKeyUsage=clientAuth
	openssl x509 -in w1.crt -text >text.pem
	cat w1.key >>text.pem
	openssl req -x509 -CA ca.crt -CAkey ca.key -nodes -newkey ec \
		-pkeyopt ec_paramgen_curve:P-256 -keyout odd.key -out odd.crt \
		-subj /CN=odd -days 30 \
		-addext extendedKeyUsage=codeSigning
	openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		-keyout foreign.key -out foreign.crt -subj /CN=kubernetes
	exits 4 ledger import text.pem w2.crt odd.crt foreign.crt --json
	is "$(json '.items[] | "\(.status) \(.path) \(.profile) \(.node)"' |
		sort)" "imported text.pem kubelet-client w1
imported w2.crt kubelet-client w2
refused foreign.crt null null
refused odd.crt null null"
	has "$(json '.items[] | select(.path == "odd.crt") | .reason')" \
		"of no profile"
	has "$(json '.items[] | select(.path == "foreign.crt") | .reason')" \
		"no CA of the PKI directory signed it"
	exits 4 node-bundle w1 --no-serving
	has "$stderr" "--reissue issues it anew"
}

@test "a serial number of another certificate, or an odd name, is not imported" {
	local leaf="-addext basicConstraints=critical,CA:FALSE
		-addext keyUsage=critical,digitalSignature
		-addext extendedKeyUsage=clientAuth"
	local sign="openssl req -x509 -CA pki/ca.crt -CAkey pki/ca.key -nodes
		-newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout key
		-days 30 $leaf"

	make_pki
	kpki node-bundle -q w1
	serial=$(kpki list --node w1 --profile kubelet-client --json |
		jq -r '.items[0].serial')
	$sign -out thief.crt -subj /CN=thief -set_serial "0x$serial"
	$sign -out one.crt -subj /CN=one -set_serial 1
	$sign -out two.crt -subj /CN=two -set_serial 1
	$sign -out odd.crt -subj $'/CN=x\ntouch PWNED\n#'
	$sign -out odder.crt -subj $'/O=x\ntouch PWNED\n#/CN=y'
	exits 0 ledger import one.crt
	exits 4 ledger import thief.crt one.crt two.crt odd.crt odder.crt --json
	is "$(json '.items[] | "\(.status) \(.path)"' | sort)" \
		"refused odd.crt
refused odder.crt
refused thief.crt
refused two.crt
unchanged one.crt"
	has "$(json '.items[] | select(.path == "two.crt") | .reason')" \
		'serial number 01: another certificate, which the ledger has, has it'
	has "$(json '.items[] | select(.path == "odd.crt") | .reason')" \
		'control characters'
	is "$(kpki list --json | jq -r '.items | length')" 4
}

@test "a certificate of the control plane is recorded for the host that is named" {
	make_pki
	mkdir control-1
	openssl req -x509 -CA pki/ca.crt -CAkey pki/ca.key -nodes -newkey ec \
		-pkeyopt ec_paramgen_curve:P-256 -keyout key \
		-out control-1/apiserver.crt -subj /CN=kube-apiserver -days 30 \
		-addext basicConstraints=critical,CA:FALSE \
		-addext keyUsage=critical,digitalSignature \
		-addext extendedKeyUsage=serverAuth \
		-addext subjectAltName=DNS:kubernetes,IP:10.96.0.1
	exits 4 ledger import control-1
	has "$stderr" 'of kube-apiserver, and does not say of which host'
	exits 2 ledger import control-1 --node CONTROL
	exits 0 ledger import control-1 --node control-1 --json
	is "$(json '.items[] | "\(.status) \(.profile) \(.node)"')" \
		"imported kube-apiserver control-1"
}

@test "a lost ledger gets the authorities and hosts of a control plane again" {
	local host pki

	make_pki
	cat >>pki/cluster.yaml <<-END
		controlPlane:
		  endpoint: api.example.internal:6443
		  hosts:
		    - name: control-1
		      addresses: [10.0.0.1]
	END
	kpki control-plane -q
	kpki list --json | jq -r '.items[] | select(.profile != "admin") |
		"\(.status) \(.profile) \(.node) \(.serial)"' | sort >wanted
	pki=control-plane/control-1/etc/kubernetes/pki
	rm pki/ledger.db*
	exits 4 ledger import control-plane/control-1 --node control-1
	has "$stderr" "could be of etcd-server and of etcd-peer"
	exits 0 ledger import $pki/etcd/server.crt --profile etcd-server
	exits 0 ledger import $pki/etcd/peer.crt --profile etcd-peer
	exits 4 ledger import $pki/etcd/peer.crt --profile etcd-healthcheck-client
	exits 2 ledger import $pki/etcd/peer.crt --profile other
	exits 0 ledger verify
	kpki list --json | jq -r '.items[] |
		"\(.status) \(.profile) \(.node) \(.serial)"' | sort >have
	is "$(comm -13 wanted have)" ""
	is "$(comm -23 wanted have)" ""
}

@test "what is no certificate is refused by its file, and recorded is the rest" {
	make_history
	echo 'no certificate' >text
	exits 3 ledger import text
	is "$stderr" \
		'kpki ledger: "text": no "-----BEGIN CERTIFICATE-----" in it'
	exits 1 ledger import nowhere
	mkdir dir
	exits 3 ledger import dir
	{
		echo -----BEGIN CERTIFICATE-----
		echo MIIB
		echo -----END CERTIFICATE-----
	} >dir/bad.pem
	cp text dir
	head -c 2000000 /dev/zero >dir/large
	ln -s ../text dir/link
	rm pki/ledger.db
	exits 3 ledger import dir bundles --json
	is "$(json '[.items[] | select(.status == "refused") | .path] | join(" ")')" \
		dir/bad.pem
	is "$(json '[.items[] | select(.status == "imported")] | length')" 4
	exits 0 ledger verify
	# half a block
	sed -i '$d' dir/bad.pem
	exits 3 ledger import dir/bad.pem
	has "$stderr" "no END line"
}

@test "imports and issuing at once leave one sound ledger" {
	local i

	make_history
	rm pki/ledger.db*
	for i in 1 2 3 4; do
		kpki ledger import bundles >out$i 2>&1 &
	done
	all_succeed
	is "$(rows --live)" 5
	for i in 1 2 3 4; do
		kpki ledger import bundles >out$((2 * i - 1)) 2>&1 &
		kpki node-bundle -q "x$i" >out$((2 * i)) 2>&1 &
	done
	all_succeed
	exits 0 ledger verify
	is "$(rows --live)" 13
}

@test "options and operands go with their action" {
	make_pki
	exits 2 ledger
	exits 2 ledger verfy
	is "$stderr" 'kpki ledger: ledger "verfy": unknown, did you mean verify?'
	exits 2 ledger elephants
	has "$stderr" 'not one of verify|export|diff|checkpoint|import'
	exits 2 ledger export --checkpoint x
	has "$stderr" 'option "--checkpoint": goes with ledger verify'
	exits 2 ledger verify --out x
	exits 2 ledger verify --allow-clock-back
	exits 2 ledger verify more
	exits 2 ledger diff
	exits 2 ledger diff a b c
	exits 2 ledger import
	exits 1 ledger diff nowhere
	exits 3 ledger verify --dir nowhere
	echo 'no ledger' >file
	exits 3 ledger diff file
	has "$stderr" '"file"'
}

@test "a checkpoint does not go where the ledger is" {
	make_pki
	exits 4 ledger checkpoint --out pki/checkpoint
	[ ! -e pki/checkpoint ]
	exits 0 ledger checkpoint --out checkpoint
}

@test "a report that cannot be written is worse than what it says" {
	make_pki
	kpki node-bundle -q w1
	mkdir certificates
	cp bundles/w1/var/lib/kubelet/pki/kubelet.crt certificates
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout key -out certificates/x.crt -subj /CN=x 2>/dev/null
	exits 4 ledger import certificates
	"$KPKI" ledger import certificates >/dev/full 2>err && status=0 ||
		status=$?
	is "$status" 1
}
