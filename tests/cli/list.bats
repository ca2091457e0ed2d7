#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki list, and the ledger behind it.

load helper
load pki

# A cluster with two nodes, one of them issued twice.
make_history()
{
	make_pki
	kpki node-bundle --quiet w1 --address 10.0.0.1 --address w1.example
	kpki node-bundle --quiet w2 --no-serving --validity 20d
	kpki node-bundle --quiet w1 --address 10.0.0.1 --address w1.example \
		--reissue
}

# Some columns of the table's rows.
columns() # COLUMN...
{
	awk -v columns="$*" 'NR > 1 {
		n = split(columns, column, " ")
		for (i = 1; i <= n; i++)
			printf "%s%s", $column[i], i < n ? " " : "\n"
	}' <<<"$output"
}

# Through the triggers that refuse it.
edit_ledger()
{
	local triggers drop="group_concat('DROP TRIGGER ' || name, ';')"
	local from="FROM sqlite_schema WHERE type = 'trigger'"

	triggers=$(sqlite3 pki/ledger.db "SELECT group_concat(sql, ';') $from")
	sqlite3 pki/ledger.db "$(sqlite3 pki/ledger.db \
		"SELECT $drop $from"); $1; $triggers"
}

@test "list shows what was issued, to whom, and until when" {
	make_history
	exits 0 list
	is "$stderr" ""
	is "$(awk '{ $1 = $1; print }' <<<"${lines[0]}")" \
		"STATUS PROFILE NODE SERIAL EXPIRES PENDING"
	is "$(columns 1 2 3)" "live ca -
superseded kubelet-client w1
superseded kubelet-serving w1
live kubelet-client w2
live kubelet-client w1
live kubelet-serving w1"
	is "$(columns 4 | sort -u | wc -l)" 6
	run ! grep -q ' $' <<<"$output"
	# The columns stand one below the other.
	is "$(awk '{ print match($0, /(EXPIRES|20[0-9][0-9]-)/) }' \
		<<<"$output" | sort -u | wc -l)" 1
}

@test "an empty PKI has its CA in the list, and no PKI is an error" {
	make_pki
	exits 0 list
	is "$(columns 1 2)" "live ca"
	exits 3 list --dir nowhere
	is "$output" ""
	is "$stderr" 'kpki list: "nowhere": no PKI directory (kpki init-ca makes one)'
	mkdir empty
	exits 3 list --dir empty
	is "$output" ""
	has "$stderr" '"empty": without "ledger.db" it is no PKI directory'
	exits 0 list --node nobody
	is "$output" ""
	KPKI_DIR=$PWD/pki
	export KPKI_DIR
	cd empty
	exits 0 list
	is "$(columns 1 2)" "live ca"
	exits 3 list --dir .
}

@test "--json is a CertificateList with everything about each" {
	make_history
	exits 0 list --json
	is "$(json '[.apiVersion, .kind] | join(" ")')" "kpki/v1 CertificateList"
	is "$(json '.items | length')" 6
	is "$(json .error)" null
	is "$(json '.items[0] | keys | join(" ")')" \
		"dnsNames fingerprint ipAddresses notAfter notBefore pin profile serial status subject"
	is "$(json '.items[5] | keys | join(" ")')" \
		"dnsNames fingerprint ipAddresses node notAfter notBefore pin profile serial status subject"
	local file=bundles/w1/var/lib/kubelet/pki/kubelet.crt wanted
	is "$(json '.items[5] | .profile, .node, .subject, .status')" \
		"kubelet-serving
w1
CN=system:node:w1,O=system:nodes
live"
	is "$(json '.items[5] | .dnsNames + .ipAddresses | join(" ")')" \
		"w1 w1.example 10.0.0.1"
	wanted=$(certificate "$file" -fingerprint -sha256 | tr -d :)
	is "$(json '.items[5].fingerprint | ascii_upcase')" "${wanted#*=}"
	wanted=$(certificate "$file" -serial)
	is "$(json '.items[5].serial | ascii_upcase')" "${wanted#*=}"
	wanted=$(certificate "$file" -pubkey |
		openssl pkey -pubin -outform DER | sha256sum)
	is "$(json '.items[5].pin')" "sha256:${wanted%% *}"
	wanted=$(certificate "$file" -enddate)
	is "$(json '.items[5].notAfter')" \
		"$(date -u -d "${wanted#*=}" +%Y-%m-%dT%H:%M:%SZ)"
	wanted=$(certificate "$file" -startdate)
	is "$(json '.items[5].notBefore')" \
		"$(date -u -d "${wanted#*=}" +%Y-%m-%dT%H:%M:%SZ)"
}

@test "what is recorded and not yet published is pending, in text too" {
	make_pki
	kpki node-bundle -q w1 --no-serving
	! kpki node-bundle -q w2 --no-serving --format tar --out - \
		>/dev/full 2>&1 || complain "a full output" failure success
	exits 0 list
	is "$(columns 1 3 6)" "live - -
live w1 -
live w2 true"
	exits 0 list --json
	is "$(json '.items[2].pending')" true
	is "$(json '.items[2].status')" live
	kpki node-bundle -q w2 --no-serving --format tar --out - >w2.tar
	exits 0 list
	is "$(columns 3 6)" "- -
w1 -
w2 -"
}

@test "--csv has every column, quoted where it must be" {
	make_history
	run --separate-stderr bash -c '"$KPKI" list --csv >list.csv'
	is "$status" 0
	is "$(sed -n 1p list.csv | tr -d '\r')" \
		"status,profile,node,serial,notAfter,notBefore,subject,dnsNames,ipAddresses,fingerprint,pin,pending,lost"
	is "$(grep -c $'\r$' list.csv)" 7
	has "$(sed -n 7p list.csv)" \
		',"CN=system:node:w1,O=system:nodes","w1,w1.example",10.0.0.1,'
	is "$(sed -n 2p list.csv | cut -d, -f 1-3)" "live,ca,"
}

@test "--node, --profile, --live and --all choose" {
	make_history
	exits 0 list --node w1
	is "$(columns 2 3 | sort | uniq -c | xargs)" \
		"2 kubelet-client w1 2 kubelet-serving w1"
	exits 0 list --node w1 --live
	is "$(columns 1 2)" "live kubelet-client
live kubelet-serving"
	exits 0 list --profile kubelet-client --live
	is "$(columns 3)" "w2
w1"
	exits 0 list --profile ca
	is "$(columns 2)" ca
	exits 0 list --live
	is "$(columns 1 | uniq -c | xargs)" "4 live"
	exits 0 list --all
	is "$(columns 1 | wc -l)" 6
	exits 0 list --profile ca --node w1
	is "$output" ""
	exits 0 list --node w1 --profile kubelet-serving --live --json
	is "$(json '.items | length')" 1
	exits 2 list --live --all
	exits 2 list --csv --json
	is "$(json .error.code)" 2
	# A name is only ever compared.
	exits 0 list --node "w1' OR '1'='1"
	is "$output" ""
	exits 0 list --node %
	is "$output" ""
	exits 0 list --node $'\e[31m'
	is "$output$stderr" ""
}

@test "--expiring exits 5 when something is, and says what" {
	make_history
	exits 0 list --expiring 10d
	is "$output$stderr" ""
	exits 5 list --expiring 30d
	is "$(columns 2 3)" "kubelet-client w2"
	[[ $stderr =~ ^"kpki list: 1 live certificate expires by 20"..-..-..T..:..:..Z$ ]]
	exits 5 list --expiring 400d --node w1
	# What is superseded does not count.
	is "$(columns 1 2)" "live kubelet-client
live kubelet-serving"
	has "$stderr" "2 live certificates expire by "
	exits 5 list --expiring 11y --profile ca
	exits 5 list --expiring 30d --json
	is "$(json '[.error.code, (.items | length), .items[0].node] | join(" ")')" \
		"5 1 w2"
	exits 5 list --expiring 30d --csv
	is "${#lines[@]}" 2
}

@test "--expiring shows what has expired and has no live successor" {
	make_history
	local later in=(--expiring 1d)
	later=$(date -u -d "+30 days" +%Y-%m-%dT%H:%M:%SZ)
	exits 5 list "${in[@]}" --at "$later"
	is "$(columns 1 2 3)" "expired kubelet-client w2"
	is "$stderr" "kpki list: 1 certificate has expired"
	exits 5 list "${in[@]}" --at "$later" --json
	is "$(json '.items[0].status')" expired
	exits 5 list --expiring 400d --at "$later" --node w1
	has "$stderr" "kpki list: 2 live certificates expire by "
	exits 5 list --expiring 400d --at "$later"
	has "$stderr" "kpki list: 1 certificate has expired, 2 live certificates expire by "
	# Only what is live was asked for, or there is a live successor.
	exits 0 list "${in[@]}" --at "$later" --live
	exits 0 list "${in[@]}" --at "$later" --node w1
	kpki node-bundle --quiet w2 --no-serving --reissue
	exits 0 list "${in[@]}" --at "$later"
	is "$output$stderr" ""
	# The newest only, though all of them have expired.
	exits 5 list --expiring 1d --at 2035-01-01T00:00:00Z
	is "$(columns 1 2 3)" "expired kubelet-client w1
expired kubelet-serving w1
expired kubelet-client w2"
	is "$stderr" "kpki list: 3 certificates have expired"
	exits 5 list --expiring 1d --at 2099-01-01T00:00:00Z --profile ca
	is "$stderr" "kpki list: 1 certificate has expired"
}

@test "--at looks from another time, before or after the command" {
	make_history
	exits 0 list --at 30d
	is "$(columns 1 2 3 | grep w2)" "expired kubelet-client w2"
	exits 0 --at 30d list --live
	lacks "$output" w2
	exits 0 list --at 2099-01-01T00:00:00Z --json
	is "$(json '[.items[].status] | unique | join(" ")')" expired
	exits 5 list --at 15d --expiring 10d
	is "$(columns 3)" w2
	exits 5 list --at 25d --expiring 10d
	is "$(columns 1 3)" "expired w2"
	# Looking changes nothing.
	exits 0 list --node w2
	is "$(columns 1)" live
}

@test "an auditor's copy without the key and the cluster file is enough" {
	make_history
	mkdir copy
	cp pki/ledger.db copy
	exits 0 list --dir copy --json
	local there=$output
	exits 0 list --json
	is "$there" "$output"
}

@test "list works on a read-only copy, for somebody else" {
	make_history
	cp -r pki copy
	rm -f copy/.lock copy/ledger.db-journal
	chmod 644 copy/*
	chmod 555 copy
	local before
	before=$(picture copy)
	exits 0 list
	local own=$output
	as_nobody list --dir "$PWD/copy"
	is "$status" 0
	is "$stderr" ""
	is "$output" "$own"
	is "$(picture copy)" "$before"
	# Without the right to read it, nothing is guessed.
	chmod 600 copy/ledger.db
	as_nobody list --dir "$PWD/copy"
	if ((EUID == 0)); then
		is "$status" 1
		has "$stderr" "Permission denied"
	fi
}

@test "list does not disturb who writes, nor the other way round" {
	local i

	make_history
	for i in {1..8}; do
		kpki list --json >"out$i" 2>&1 &
	done
	for i in {9..16}; do
		kpki node-bundle --quiet "n$i" >"out$i" 2>&1 &
	done
	all_succeed
	for i in {1..8}; do
		jq -e '.items | length >= 6' "out$i" >/dev/null
	done
	is "$(rows)" 22
}

@test "a ledger that somebody holds is waited for, but not for ever" {
	make_pki
	exec {held}>>pki/.lock
	flock -x "$held"
	exits 1 list --lock-timeout 1
	has "$stderr" lock
	is "$output" ""
	exits 1 --lock-timeout 1 node-bundle w1
	has "$stderr" lock
	[ ! -e bundles ] || is "$(ls -A bundles)" ""
	flock -u "$held"
	exits 0 list
	exits 0 node-bundle w1
}

# -- the ledger --

@test "a ledger that was edited is refused with what is wrong" {
	local statement wanted

	make_history
	cp -r pki good
	while IFS='|' read -r statement wanted; do
		rm -r pki
		cp -r good pki
		edit_ledger "$statement"
		exits 3 list
		has "$stderr" "kpki list: ledger \"pki/ledger.db\": $wanted"
		is "${#stderr_lines[@]}" 1
		exits 3 list --json
		is "$(json .error.code)" 3
	done <<-'END'
		UPDATE event SET name = 'w9' WHERE name = 'w2'|entry 4: it or the one before it was changed
		UPDATE event SET not_after = not_after + 1 WHERE seq = 2|entry 2: it or the one before it was changed
		UPDATE event SET at = at - 1 WHERE seq = 1|entry 1: it or the one before it was changed
		UPDATE event SET serial = zeroblob(20) WHERE seq = 3|entry 3: it or the one before it was changed
		UPDATE event SET body = zeroblob(length(body)) WHERE seq = 2|entry 2: it or the one before it was changed
		UPDATE event SET kind = 'lost' WHERE kind = 'superseded'|entry 5: it or the one before it was changed
		UPDATE event SET hash = zeroblob(32) WHERE seq = 3|entry 3: it or the one before it was changed
		DELETE FROM event WHERE kind = 'superseded'|entry 8: the entry before it is missing
		DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)|says that it has 8 entries, and the last is 7
		UPDATE meta SET count = count + 1|says that it has 9 entries, and the last is 8
		UPDATE meta SET head = zeroblob(32)|entry 8: is not the last that was added
	END
	# To add to it takes its last entry to be sound.
	exits 3 node-bundle w3
	has "$stderr" "is not the last that was added"
	[ ! -e bundles/w3 ]
}

@test "a ledger whose tables or triggers were changed is refused" {
	local statement

	make_history
	cp -r pki good
	while IFS= read -r statement; do
		rm -r pki
		cp -r good pki
		sqlite3 pki/ledger.db "$statement"
		exits 3 list
		is "$output" ""
		has "$stderr" 'ledger "pki/ledger.db": '
		exits 3 node-bundle w3
		[ ! -e bundles/w3 ]
	done <<-'END'
		DROP TRIGGER event_update
		DROP INDEX event_serial
		CREATE TABLE mine (x)
		CREATE TRIGGER mine AFTER INSERT ON event BEGIN DELETE FROM stage; END
		ALTER TABLE event ADD COLUMN mine TEXT
		PRAGMA application_id = 1
	END
}

@test "entries are not changed or deleted by SQL alone" {
	make_history
	run ! sqlite3 pki/ledger.db "UPDATE event SET name = 'w9'"
	has "$output" "entries are never changed"
	run ! sqlite3 pki/ledger.db "DELETE FROM event"
	has "$output" "entries are never deleted"
	run ! sqlite3 pki/ledger.db "DELETE FROM live WHERE name = 'w1'"
	has "$output" "what is live ends by an entry only"
	exits 0 list
}

@test "serials and live names are unique in the database itself" {
	local columns

	make_history
	columns=$(sqlite3 pki/ledger.db "SELECT group_concat(name)
		FROM pragma_table_info('event') WHERE name <> 'seq'")
	run ! sqlite3 pki/ledger.db "INSERT INTO event (seq, $columns)
		SELECT 99, $columns FROM event WHERE seq = 2"
	has "$output" "UNIQUE constraint failed: event.ca, event.serial"
	run ! sqlite3 pki/ledger.db "INSERT INTO live SELECT * FROM live"
	has "$output" "UNIQUE constraint failed: live.name, live.profile, live.ca"
}

@test "a ledger of a newer schema is refused by all commands" {
	make_history
	sqlite3 pki/ledger.db "PRAGMA user_version = 99"
	exits 3 list
	has "$stderr" 'ledger "pki/ledger.db": schema 99: newer than this kpki'
	exits 3 node-bundle w3
	has "$stderr" "newer than this kpki"
	exits 3 init-ca
	has "$stderr" "newer than this kpki"
	[ ! -e bundles/w3 ]
}

@test "no ledger, or something else in its place, is refused" {
	make_history
	mv pki/ledger.db ledger
	exits 3 list
	is "$stderr" 'kpki list: "pki": without "ledger.db" it is no PKI directory'
	exits 3 node-bundle w3
	has "$stderr" '"pki": without "ledger.db" it is no PKI directory'
	mkdir empty
	exits 3 node-bundle --dir empty w3
	has "$stderr" '"empty": without "ca.crt" it is no PKI directory'
	cp pki/ca.* empty
	exits 3 node-bundle --dir empty w3
	has "$stderr" '"empty": without "cluster.yaml" it is no PKI directory'
	[ ! -e pki/ledger.db ]
	[ ! -e bundles/w3 ]
	exits 4 init-ca
	has "$stderr" 'without "ledger.db" it is no PKI directory'
	echo "this is no database, but it is long enough to look at" >pki/ledger.db
	exits 3 list
	has "$stderr" 'ledger "pki/ledger.db": cannot open'
	: >pki/ledger.db
	exits 3 list
	has "$stderr" 'ledger "pki/ledger.db": not a ledger of kpki'
	head -c 20000 ledger >pki/ledger.db
	exits 3 list
	has "$stderr" 'ledger "pki/ledger.db": cannot open'
	sqlite3 pki/other.db "CREATE TABLE t(x)"
	mv pki/other.db pki/ledger.db
	exits 3 list
	has "$stderr" 'ledger "pki/ledger.db": not a ledger of kpki'
}

@test "a lock or a ledger that is no regular file is refused at once" {
	make_pki
	local command
	mv pki/.lock lock
	mkfifo pki/.lock
	for command in list "node-bundle w1"; do
		run --separate-stderr timeout 10 "$KPKI" $command
		is "$status" 3
		is "$output" ""
		is "$stderr" "kpki ${command%% *}: ledger \"pki/ledger.db\": lock file \".lock\": not a regular file"
	done
	[ ! -e bundles/w1 ]
	rm pki/.lock
	ln -s ../lock pki/.lock
	exits 1 list
	has "$stderr" 'lock file ".lock": Too many levels of symbolic links'
	rm pki/.lock
	mv lock pki/.lock
	mv pki/ledger.db ledger
	mkfifo pki/ledger.db
	run --separate-stderr timeout 10 "$KPKI" list
	is "$status" 3
	is "$stderr" 'kpki list: ledger "pki/ledger.db": not a regular file'
}

@test "the ledger keeps each certificate's DER" {
	make_history
	local serial

	serial=$(certificate bundles/w2/var/lib/kubelet/pki/kubelet-client-current.pem -serial)
	sqlite3 pki/ledger.db "SELECT writefile('der', body) FROM event
		WHERE lower(hex(serial)) = lower('${serial#*=}') AND kind = 'issued'" \
		>/dev/null
	is "$(openssl x509 -inform DER -in der)" \
		"$(openssl x509 -in bundles/w2/var/lib/kubelet/pki/kubelet-client-current.pem)"
}

@test "a full standard output is a failure" {
	local format

	make_history
	for format in "" --json --csv; do
		run --separate-stderr sh -c "\"\$KPKI\" list $format >/dev/full"
		is "$status" 1
		has "$stderr" "standard output"
	done
}

@test "columns stand under each other, whatever the profile" {
	make_pki
	printf '%s\n' 'controlPlane:' '  hosts:' '    - name: cp-1' \
		'      addresses: [10.0.0.2]' >>pki/cluster.yaml
	exits 0 control-plane --quiet
	exits 0 list
	is "$(grep -c '[0-9a-f]\{40\}' <<<"$output")" 15
	is "$(sed -n 's/[0-9a-f]\{40\}.*//p' <<<"$output" |
		awk '{ print length($0) }' | sort -u | wc -l)" 1
}
