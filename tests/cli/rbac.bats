#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# kpki rbac: who may ask for certificates, and what is approved.

load helper

csr=system:certificates.k8s.io:certificatesigningrequests
secret=0123456789abcdef

# The objects of the last output, as kubectl reads them: `each FILTER`.
each()
{
	kubectl label --local -f - x- -o json <<<"$output" |
		jq -r ".items // [.] | .[] | $1"
}

# A line for each of them: KIND NAME, and of bindings: SUBJECT ROLE.
objects()
{
	each '[.kind, .metadata.name] +
			((.subjects // []) | map(.kind, .name)) +
			[.roleRef.name // empty] | join(" ")'
}

# A token's Secret: `token ID GROUPS USAGE...`.
token()
{
	local usage

	cat <<-END
		apiVersion: "v1"
		kind: "Secret"
		metadata:
		  name: "bootstrap-token-$1"
		  namespace: "kube-system"
		type: "bootstrap.kubernetes.io/token"
		stringData:
		  token-id: "$1"
		  token-secret: "$secret"
		  auth-extra-groups: "$2"
	END
	for usage in "${@:3}"; do
		echo "  usage-bootstrap-$usage: \"true\""
	done
}

@test "rbac binds everybody with a bootstrap token" {
	exits 0 rbac
	is "$stderr" ""
	is "$(objects)" "ClusterRoleBinding create-csrs-for-bootstrapping\
 Group system:bootstrappers system:node-bootstrapper
ClusterRoleBinding auto-approve-csrs-for-group\
 Group system:bootstrappers $csr:nodeclient
ClusterRoleBinding auto-approve-renewals-for-nodes\
 Group system:nodes $csr:selfnodeclient"
	is "$(find . ! -name 'separate-stderr-*')" .
}

@test "rbac does not write over another file" {
	exits 0 rbac --out rbac.yaml
	is "${lines[1]}" "issued     rbac.yaml"
	is "$(mode rbac.yaml)" 644
	is "$(<rbac.yaml)" "$(kpki rbac)"
	local before
	before=$(stat -c %z rbac.yaml)

	exits 0 rbac --out rbac.yaml
	is "${lines[1]}" "unchanged  rbac.yaml"
	exits 4 rbac --out rbac.yaml --no-renewal
	is "$output" ""
	is "$stderr" 'kpki rbac: "rbac.yaml": is there and says something else'
	echo more >longer.yaml
	kpki rbac >>longer.yaml
	exits 4 rbac --out longer.yaml
	is "$(stat -c %z rbac.yaml)" "$before"
	is "$(find . -type f ! -name 'separate-stderr-*' | sort | xargs)" \
		"./longer.yaml ./rbac.yaml"

	ln -s nowhere link
	exits 1 rbac --out link
	[ ! -e nowhere ]
	mkdir directory
	exits 4 rbac --out directory
	has "$stderr" '"directory": is there'
}

@test "rbac reports in JSON when standard output is free" {
	exits 2 rbac --json
	is "$(json .error.code)" 2
	has "$stderr" "--json needs --out FILE"
	exits 2 rbac --json --out -
	exits 0 rbac --json --out rbac.yaml
	is "$(json '.kind + " " + (.items[0] | .status + " " + .path)')" \
		"RBACReport issued rbac.yaml"
	exits 0 rbac --quiet --out rbac.yaml
	is "$output$stderr" ""
	exits 4 rbac --json --no-renewal --out rbac.yaml
	is "$(json .error.code)" 4
}

@test "each option takes its part out or puts it in" {
	exits 0 rbac --no-auto-approve
	is "$(objects | cut -d ' ' -f 2 | xargs)" \
		"create-csrs-for-bootstrapping auto-approve-renewals-for-nodes"
	exits 0 rbac --no-renewal
	is "$(objects | cut -d ' ' -f 2 | xargs)" \
		"create-csrs-for-bootstrapping auto-approve-csrs-for-group"
	exits 0 rbac --no-auto-approve --no-renewal --control-plane
	is "$(objects | tail -n +2)" "ClusterRoleBinding kubeadm:cluster-admins\
 Group kubeadm:cluster-admins cluster-admin
ClusterRoleBinding system:kubelet-api-admin\
 User kube-apiserver-kubelet-client system:kubelet-api-admin"
}

@test "roles are what kube-apiserver makes, rule by rule" {
	exits 0 rbac --with-roles --control-plane
	is "$(each 'select(.kind == "ClusterRole") |
			.metadata.labels["kubernetes.io/bootstrapping"],
			.metadata.annotations[
			"rbac.authorization.kubernetes.io/autoupdate"]' |
		sort | uniq -c | xargs)" "4 rbac-defaults 4 true"
	is "$(each 'select(.kind == "ClusterRole") |
			.metadata.name as $name | .rules[] | [$name,
			(.apiGroups | join(",")), (.resources | join(",")),
			(.verbs | join(","))] | join(" ")')" \
"system:node-bootstrapper certificates.k8s.io certificatesigningrequests create,get,list,watch
$csr:nodeclient certificates.k8s.io certificatesigningrequests/nodeclient create
$csr:selfnodeclient certificates.k8s.io certificatesigningrequests/selfnodeclient create
system:kubelet-api-admin  nodes get,list,watch
system:kubelet-api-admin  nodes proxy
system:kubelet-api-admin  nodes/log,nodes/metrics,nodes/proxy,nodes/spec,nodes/stats *"
	exits 0 rbac --with-roles --no-auto-approve --no-renewal
	is "$(objects | cut -d ' ' -f 1,2)" \
		"ClusterRole system:node-bootstrapper
ClusterRoleBinding create-csrs-for-bootstrapping"
}

@test "what is applied for one group overwrites nothing of another" {
	local group names=

	exits 0 rbac --group system:bootstrappers:a:b \
		--group system:bootstrappers:c
	is "$(objects | grep -c .)" 5
	for group in '' :a :a:b :c; do
		exits 0 rbac --group "system:bootstrappers$group" --no-renewal
		is "$(objects | cut -d ' ' -f 4 | sort -u)" \
			"system:bootstrappers$group"
		names+=$(objects | cut -d ' ' -f 2)$'\n'
	done
	is "$(sort -u <<<"$names" | grep -c .)" 8
	has "$names" $'\ncreate-csrs-for-bootstrapping:a:b\n'
}

@test "tokens must be in a group that is bound" {
	token abcdef system:bootstrappers:a authentication signing >a.yaml
	token fedcba system:bootstrappers:b authentication >b.yaml
	token 012345 system:bootstrappers:a signing >signing.yaml
	{ cat a.yaml; echo ---; cat b.yaml; } >both.yaml
	echo "000000.$secret" >plain

	exits 0 rbac --token-from both.yaml --token-from plain
	exits 0 rbac --token-from a.yaml --group system:bootstrappers:a
	lacks "$output$stderr" "$secret"
	exits 0 rbac --token-from - --group system:bootstrappers:a <a.yaml
	exits 0 rbac --token-from both.yaml --group system:bootstrappers:a \
		--group system:bootstrappers:b

	exits 4 rbac --token-from both.yaml --group system:bootstrappers:a
	is "$output" ""
	has "$stderr" 'both.yaml: token "fedcba": none of its groups'
	has "$stderr" '(system:bootstrappers,system:bootstrappers:b) is bound'
	lacks "$stderr" "$secret"
	exits 4 rbac --token-from a.yaml --token-from signing.yaml \
		--out rbac.yaml
	has "$stderr" 'token "012345": is not for authentication'
	[ ! -e rbac.yaml ]
	exits 4 rbac --token-from plain --group system:bootstrappers:a
	has "$stderr" 'token "000000": plain text does not say'
}

@test "a static token is in the groups of its line only" {
	local line='02b50b05283e98dd0fd71db496ef01e8,kubelet-bootstrap,10001'

	echo "$line,\"system:bootstrappers\"" >usual.csv
	echo "$line,\"system:bootstrappers:a\"" >other.csv
	exits 0 rbac --token-from usual.csv
	exits 0 rbac --token-from other.csv --group system:bootstrappers:a
	exits 4 rbac --token-from other.csv
	has "$stderr" 'none of its groups (system:bootstrappers:a) is bound'
	lacks "$stderr" 02b50b05
}

@test "a directory's templates take the place of the program's own" {
	local template=auto-approve-renewals-for-nodes.yaml

	mkdir own
	sed 's/^metadata:/&\n  labels: {owner: "${SUFFIX}x"}/' \
		"${top_srcdir:-$BATS_TEST_DIRNAME/../..}/templates/$template" \
		>own/$template
	exits 3 rbac --template-dir own
	has "$stderr" "own/$template:"
	has "$stderr" 'placeholder "${SUFFIX}": unknown'
	sed -i 's/${SUFFIX}//' own/$template
	exits 0 rbac --template-dir own
	is "$(objects | cut -d ' ' -f 2- | sort)" \
		"$(output=$(kpki rbac) objects | cut -d ' ' -f 2- | sort)"
	has "$output" 'owner: "x"'
	exits 3 rbac --template-dir own --no-renewal
	has "$stderr" '"own": has none of the templates that are used'
}
