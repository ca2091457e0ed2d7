#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What `kpki verify` says is what the components say: each fault is shown to
# both, and so is what has it not.  A disagreement is a failure, whichever is
# right.

load cluster

setup_file()
{
	export agreed=$BATS_FILE_TMPDIR/agreed conf=base.conf

	umask 077
	new_cluster manual && make_authorities && make_base &&
		start_api_server --client-ca-file=control/clients.crt \
			--enable-bootstrap-token-auth=true
}

teardown_file()
{
	end_cluster
}

# Making faults

# The administrator's kubeconfig, in a form that is easily edited.
make_base()
{
	from_admin client-certificate-data >base.crt &&
		from_admin client-key-data >base.key &&
		cat >base.conf <<-END
			apiVersion: v1
			kind: Config
			clusters:
			- name: demo
			  cluster:
			    server: https://api.demo.example:6443
			    certificate-authority-data: $(base64 -w 0 pki/ca.crt)
			users:
			- name: admin
			  user:
			    client-certificate-data: $(base64 -w 0 base.crt)
			    client-key-data: $(base64 -w 0 base.key)
			contexts:
			- name: demo
			  context: {cluster: demo, user: admin}
			current-context: demo
		END
}

from_admin()
{
	sed -nE "s/.*$1: \"?([^\"]*)\"?\$/\1/p" control/admin.conf | base64 -d
}

# Authorities that kube-apiserver is told to trust beside kpki's, whatever is
# wrong with them.
make_authorities()
{
	authority plain 'basicConstraints=critical,CA:TRUE' \
		'keyUsage=critical,keyCertSign' &&
		authority server-only 'basicConstraints=critical,CA:TRUE' \
			'keyUsage=critical,keyCertSign' \
			'extendedKeyUsage=serverAuth' &&
		authority no-sign 'basicConstraints=critical,CA:TRUE' \
			'keyUsage=critical,cRLSign' &&
		authority no-ca 'basicConstraints=critical,CA:FALSE' &&
		authority shallow 'basicConstraints=critical,CA:TRUE,pathlen:0' \
			'keyUsage=critical,keyCertSign' &&
		cat control/ca.crt ca-*.crt >control/clients.crt
}

# A root: NAME EXTENSION...
authority()
{
	local name=ca-$1

	shift
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$name.key" -out "$name.csr" -subj "/CN=$name" \
		2>>"$log/openssl.log" &&
		printf '%s\n' "$@" 'subjectKeyIdentifier=hash' >"$name.ext" &&
		openssl x509 -req -in "$name.csr" -out "$name.crt" -days 9 \
			-signkey "$name.key" -extfile "$name.ext" \
			2>>"$log/openssl.log" &&
		mkdir -p "$name/pki" && cp "$name.crt" "$name/pki/ca.crt"
}

client='basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=clientAuth'
server='basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth'

# A pair NAME.crt, NAME.key: NAME SUBJECT EXTENSIONS [CA [START END [HASH]]]
pair()
{
	local name=$1 ca=${4:-pki/ca} start=${5:-$(stamp -1day)}

	openssl req -new -newkey "${algorithm:-rsa:2048}" -nodes \
		-keyout "$name.key" -out "$name.csr" -subj "$2" \
		2>>"$log/openssl.log" || return
	printf '%s\n' '[ca]' 'default_ca=d' '[d]' 'database=index' \
		'new_certs_dir=.' 'policy=p' 'rand_serial=yes' \
		'unique_subject=no' 'email_in_dn=no' '[p]' \
		'commonName=optional' 'organizationName=optional' '[e]' "$3" \
		>"$name.cnf"
	: >index
	openssl ca -batch -notext -preserveDN -config "$name.cnf" \
		-extensions e -in "$name.csr" -out "$name.crt" \
		-cert "$ca.crt" -keyfile "$ca.key" -startdate "$start" \
		-enddate "${6:-$(stamp +5days)}" -md "${7:-sha256}" \
		2>>"$log/openssl.log"
}

stamp()
{
	date -u -d "$1" +%Y%m%d%H%M%SZ
}

# The admin's kubeconfig, edited: NAME SED-SCRIPT
edited()
{
	sed -E "$2" "$conf" >"$1.conf"
	chmod 600 "$1.conf"
}

# Asking both

# The rules of errors that verify finds: PATH...
errors()
{
	kpki verify --json "$@" 2>/dev/null |
		jq -r '.items[] | select(.severity == "error").id' |
		sort -u | xargs
}

message_of()
{
	kpki verify --list-rules --json |
		jq -r --arg id "$1" '.items[] | select(.id == $id).message'
}

# What a command says, and what kube-apiserver logs of it.
said=
attempt()
{
	local before status

	before=$(stat -c %s "$log/kube-apiserver.log")
	said=$("$@" 2>&1 </dev/null)
	status=$?
	sleep 0.3
	said+=$(tail -c "+$((before + 1))" "$log/kube-apiserver.log")
	return "$status"
}

# Verify finds this error and no other, and the component refuses, both in
# these words: ID WORDS PATH... -- COMMAND...
refused()
{
	local id=$1 words=$2 paths=()

	shift 2
	while [[ $1 != -- ]]; do
		paths+=("$1")
		shift
	done
	shift
	is "$(errors "${paths[@]}")" "$id"
	has "$(message_of "$id")" "$words"
	! attempt "$@" || complain "$id: refused" "accepted: $*"
	has "$said" "$words"
	echo "$id" >>"$agreed"
}

# Neither finds anything: PATH... -- COMMAND...
accepted()
{
	local paths=()

	while [[ $1 != -- ]]; do
		paths+=("$1")
		shift
	done
	shift
	is "$(errors "${paths[@]}")" ""
	attempt "$@" || complain "accepted: $*" "$said"
}

# A request that needs no role: KUBECONFIG [ARGUMENT...]
ask()
{
	timeout 30 "$bin/kubectl" --kubeconfig "$@" get --raw /version
}

# A request that needs one.
nodes()
{
	timeout 30 "$bin/kubectl" --kubeconfig "$@" get nodes
}

# The same as whom a pair makes one: NAME
ask_as()
{
	as ask "$1"
}

nodes_as()
{
	as nodes "$1"
}

as()
{
	"$1" /dev/null --server https://api.demo.example:6443 \
		--certificate-authority pki/ca.crt \
		--client-certificate "$2.crt" --client-key "$2.key"
}

# A component that starts with a kubeconfig: KUBECONFIG
manage()
{
	timeout 30 "$bin/kube-controller-manager" --kubeconfig "$1" \
		--leader-elect=false
}

# A pair as a client: ID WORDS NAME [CA]
refused_client()
{
	refused "$1" "$2" "${4:-}pki/ca.crt" "$3.crt" "$3.key" -- ask_as "$3"
}

accepted_client()
{
	accepted "${2:-}pki/ca.crt" "$1.crt" "$1.key" -- ask_as "$1"
}

@test "kubeconfigs: contexts and clusters" {
	accepted pki/ca.crt control/apiserver.crt "$conf" -- ask "$conf"
	edited k001 's/^- name: admin/&\n  user: {token: 42}\n- name: x/'
	refused KPKI-K001 'error loading config file' k001.conf -- ask k001.conf
	edited k002 's/^current-context: .*/current-context: other/'
	refused KPKI-K002 'was not found for specified context' k002.conf -- \
		ask k002.conf
	edited k003 's/cluster: demo, /cluster: other, /'
	refused KPKI-K003 'no configuration has been provided' k003.conf -- \
		manage k003.conf
	edited k004 's/user: admin\}/user: other}/'
	refused KPKI-K004 'Please enter Username' k004.conf -- nodes k004.conf
	edited k005 's/user: admin\}/user: admin, namespace: Kube_System}/'
	accepted k005.conf -- ask k005.conf
	edited k006 '/^    server:/d'
	refused KPKI-K006 'no server found for cluster' k006.conf -- \
		manage k006.conf
	edited k007 's,server: .*,server: api.demo.example:6443/x,'
	refused KPKI-K007 'host must be a URL or a host:port pair' k007.conf -- \
		ask k007.conf
	edited k008-bare 's,server: .*,server: api.demo.example:6443,'
	refused KPKI-K008 'Client sent an HTTP request to an HTTPS server' \
		k008-bare.conf -- ask k008-bare.conf -v=8
}

@test "kubeconfigs: TLS" {
	edited k008 's,server: https,server: http,'
	refused KPKI-K008 'Client sent an HTTP request to an HTTPS server' \
		k008.conf -- ask k008.conf -v=8
	edited k009 's/certificate-authority-data: .*/insecure-skip-tls-verify: true/'
	accepted k009.conf -- ask k009.conf
	edited k010 's/server: .*/&\n    insecure-skip-tls-verify: true/'
	refused KPKI-K010 'specifying a root certificates file with the insecure flag is not allowed' \
		k010.conf -- ask k010.conf
	edited k012 "s/(certificate-authority-data): .*/\1: $(
		base64 -w 0 ca-plain.crt)/"
	refused KPKI-K012 'x509: certificate signed by unknown authority' \
		pki/ca.crt k012.conf -- ask k012.conf
	edited k013 "s/(certificate-authority-data): .*/\1: $(
		echo hello | base64)/"
	refused KPKI-K013 'x509: certificate signed by unknown authority' \
		k013.conf -- ask k013.conf
	edited k015 's/server: .*/&\n    tls-server-name: other.example/'
	refused KPKI-K015 'x509: certificate is valid for' \
		pki/ca.crt control/apiserver.crt control/apiserver.key \
		k015.conf -- ask k015.conf
}

@test "kubeconfigs: credentials" {
	edited k016 's,(client-key)-data: .*,&\n    \1: /etc/hostname,'
	refused KPKI-K016 'are both specified for' k016.conf -- ask k016.conf
	edited k017 '/client-key-data/d'
	refused KPKI-K017 'must be specified' k017.conf -- ask k017.conf
	edited k018 "s/(client-certificate-data): .*/\1: $(
		echo hello | base64)/"
	refused KPKI-K018 'tls: failed to find any PEM data in certificate input' \
		k018.conf -- ask k018.conf
	edited f013 "s/(client-key-data): .*/\1: $(
		base64 -w 0 ca-plain.key)/"
	refused KPKI-F013 'tls: private key does not match public key' \
		pki/ca.crt f013.conf -- ask f013.conf
	mkdir -p k019 && cp base.crt ca-plain.key k019
	edited k019/k019 's,(client-certificate)-data: .*,\1: base.crt,
		s,(client-key)-data: .*,\1: ca-plain.key,'
	refused KPKI-K019 'tls: private key does not match public key' k019 -- \
		ask k019/k019.conf
	edited k020 's/client-key-data: .*/&\n    token: xx\n    password: yy/'
	refused KPKI-K020 'more than one authentication method found' \
		k020.conf -- ask k020.conf
	edited k021 's/client-certificate-data: .*/username: xx/
		s/client-key-data: .*/password: yy/'
	refused KPKI-K021 'User "system:anonymous" cannot' k021.conf -- \
		nodes k021.conf
	mkdir -p k025
	edited k025/admin 's/(certificate-authority)-data: .*/\1: ca.crt/'
	refused KPKI-K025 'no such file or directory' k025 -- \
		ask k025/admin.conf
	cp pki/ca.crt k025
	accepted k025 -- ask k025/admin.conf
}

@test "certificates of clients" {
	pair good /CN=alice "$client"
	accepted_client good
	pair c001 /CN=alice "$client" pki/ca "$(stamp -3days)" "$(stamp -1day)"
	refused_client KPKI-C001 \
		'x509: certificate has expired or is not yet valid' c001
	pair c002 /CN=alice "$client" pki/ca "$(stamp +1day)" "$(stamp +2days)"
	refused_client KPKI-C002 \
		'x509: certificate has expired or is not yet valid' c002
	pair n009 /CN=system:kube-scheduler "$server"
	refused_client KPKI-N009 \
		'x509: certificate specifies an incompatible key usage' n009
	pair c017 /CN=alice "$client"$'\n''1.2.3.4=critical,ASN1:NULL'
	refused_client KPKI-C017 'x509: unhandled critical extension' c017
	pair c025 /CN=alice "$client" pki/ca '' '' sha1
	refused_client KPKI-C025 \
		'x509: cannot verify signature: insecure algorithm' c025
	pair n019 /O=nobody "$client"
	refused KPKI-N019 'User "system:anonymous" cannot' pki/ca.crt \
		n019.crt n019.key -- nodes_as n019
	algorithm=rsa:512 pair c027 /CN=alice "$client"
	refused_client KPKI-C027 \
		'tls: certificate RSA key size too small' c027
}

@test "certificates of authorities" {
	pair a-good /CN=alice "$client" ca-plain
	accepted_client a-good ca-plain/
	pair a006 /CN=alice "$client" ca-server-only
	refused_client KPKI-A006 \
		'x509: certificate specifies an incompatible key usage' a006 \
		ca-server-only/
	pair a012 /CN=alice "$client" ca-no-sign
	refused_client KPKI-A012 \
		'parent certificate cannot sign this kind of certificate' a012 \
		ca-no-sign/
	pair a011 /CN=alice "$client" ca-no-ca
	refused_client KPKI-A011 \
		'parent certificate cannot sign this kind of certificate' a011 \
		ca-no-ca/
	pair leaf /CN=bob "$client"
	pair a010 /CN=alice "$client" leaf
	cat leaf.crt >>a010.crt
	refused_client KPKI-A010 \
		'parent certificate cannot sign this kind of certificate' a010
	pair between /CN=between 'basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign' ca-shallow
	pair a007 /CN=alice "$client" between
	cat between.crt >>a007.crt
	refused_client KPKI-A007 \
		'x509: too many intermediates for path length constraint' a007 \
		ca-shallow/
	# the same name, and another key
	mkdir -p again && kpki init-ca --quiet --dir again/pki \
		--server https://api.demo.example:6443
	pair a001 /CN=alice "$client" again/pki/ca
	refused_client KPKI-A001 \
		'x509: certificate signed by unknown authority (possibly because of' \
		a001
	authority stranger 'basicConstraints=critical,CA:TRUE'
	pair a002 /CN=alice "$client" ca-stranger
	refused_client KPKI-A002 \
		'x509: certificate signed by unknown authority' a002
}

# kube-apiserver starts, or says why not: OPTION...
serve()
{
	local told

	mapfile -t told < <(told kube-apiserver)
	timeout 30 "$bin/kube-apiserver" "${told[@]}" \
		--etcd-servers=http://127.0.0.1:2379 --bind-address=10.0.0.9 \
		--service-cluster-ip-range=10.96.0.0/12 \
		--tls-cert-file=control/apiserver.crt \
		--tls-private-key-file=control/apiserver.key \
		--service-account-issuer=https://kubernetes.default.svc \
		--service-account-key-file=control/sa.pub \
		--service-account-signing-key-file=control/sa.key \
		--cert-dir=serve "$@"
}

# A host's pki directory with the API server's pair, and a fault: NAME
host()
{
	mkdir -p "$1/pki"
	cp pki/ca.crt control/{apiserver.{crt,key},sa.{pub,key}} "$1/pki"
}

serve_host()
{
	serve --tls-cert-file="$1/pki/apiserver.crt" \
		--tls-private-key-file="$1/pki/apiserver.key" \
		--service-account-key-file="$1/pki/sa.pub" \
		--service-account-signing-key-file="$1/pki/sa.key"
}

@test "the files of kube-apiserver" {
	host s-f013
	cp ca-plain.key s-f013/pki/apiserver.key
	refused KPKI-F013 'tls: private key does not match public key' s-f013 \
		-- serve_host s-f013
	host s-f011
	openssl pkey -in control/apiserver.key -aes128 -passout pass:x \
		-out s-f011/pki/apiserver.key
	refused KPKI-F011 'tls: failed to parse private key' s-f011 -- \
		serve_host s-f011
	host s-c014
	{
		echo '-----BEGIN CERTIFICATE-----'
		openssl x509 -in control/apiserver.crt -outform DER |
			head -c 300 | base64
		echo '-----END CERTIFICATE-----'
	} >s-c014/pki/apiserver.crt
	refused KPKI-C014 'x509: malformed certificate' s-c014 -- \
		serve_host s-c014
	host s-c013
	{
		echo '-----BEGIN CERTIFICATE-----'
		{
			openssl x509 -in control/apiserver.crt -outform DER
			printf x
		} | base64
		echo '-----END CERTIFICATE-----'
	} >s-c013/pki/apiserver.crt
	refused KPKI-C013 'x509: trailing data' s-c013 -- serve_host s-c013
	host s-c015
	openssl x509 -in control/apiserver.crt -outform DER \
		-out s-c015/pki/apiserver.crt
	refused KPKI-C015 \
		'tls: failed to find any PEM data in certificate input' s-c015 \
		-- serve_host s-c015
	host s-f018
	openssl genpkey -algorithm ed25519 -out s-f018/pki/sa.key \
		2>>"$log/openssl.log"
	openssl pkey -in s-f018/pki/sa.key -pubout -out s-f018/pki/sa.pub
	refused KPKI-F018 'unknown private key type ed25519.PrivateKey' \
		s-f018 -- serve_host s-f018
}

@test "files of static tokens" {
	local token=02b50b05283e98dd0fd71db496ef01e8

	echo "$token,u" >tokens-t016.csv
	refused KPKI-T016 'must have at least 3 columns' tokens-t016.csv -- \
		serve --token-auth-file=tokens-t016.csv
	echo "$token,u\"v,1" >tokens-t015.csv
	refused KPKI-T015 'parse error on line' tokens-t015.csv -- \
		serve --token-auth-file=tokens-t015.csv
}

# A kubeconfig with a token: NAME TOKEN
token_config()
{
	cat >"$1" <<-END
		apiVersion: v1
		kind: Config
		clusters:
		- name: demo
		  cluster:
		    server: https://api.demo.example:6443
		    certificate-authority-data: $(base64 -w 0 pki/ca.crt)
		users:
		- name: user
		  user: {token: "$2"}
		contexts:
		- name: demo
		  context: {cluster: demo, user: user}
		current-context: demo
	END
}

# A Secret with a fault that verify finds and the API server's authenticator
# too: ID WORDS SED-SCRIPT
refused_token()
{
	local id secret name=${1#KPKI-}

	tokens=$((tokens + 1))
	id=$(printf %06d "$tokens")
	secret=$(printf '%s' "$1" | md5sum | cut -c -16)
	cat >"$name.yaml" <<-END
		apiVersion: v1
		kind: Secret
		metadata:
		  name: bootstrap-token-$id
		  namespace: kube-system
		type: bootstrap.kubernetes.io/token
		stringData:
		  token-id: "$id"
		  token-secret: "$secret"
		  expiration: "$(date -u -d +1day +%Y-%m-%dT%H:%M:%SZ)"
		  usage-bootstrap-authentication: "true"
		  auth-extra-groups: "system:bootstrappers:a"
	END
	token_config "$name.conf" "$id.$secret"
	if [[ $1 == good ]]; then
		kubectl apply -f good.yaml && await 20 ask good.conf
		accepted good.yaml good.conf -- ask good.conf
		return
	fi
	sed -i -E "$3" "$name.yaml"
	kubectl apply -f "$name.yaml"
	sleep 1
	refused "$1" "$2" "$name.yaml" -- ask "$name.conf"
}

@test "Secrets of bootstrap tokens" {
	local tokens=0

	kubectl apply -f - <<<"$(printf '%s\n' 'apiVersion: v1' \
		'kind: Namespace' 'metadata: {name: elsewhere}')"
	refused_token good
	refused_token KPKI-T002 'Expired bootstrap token in kube-system' \
		's/expiration: .*/expiration: "2020-01-01T00:00:00Z"/'
	refused_token KPKI-T003 'Unparseable expiration time' \
		's/expiration: .*/expiration: "tomorrow"/'
	refused_token KPKI-T005 'to match bootstrap bearer token' \
		's/bootstrap-token-/bootstrap-tokens-/'
	refused_token KPKI-T006 'has invalid value for key token-id' \
		's/token-id: .*/token-id: "abcdef"/'
	refused_token KPKI-T007 \
		'has invalid type, expected bootstrap.kubernetes.io/token' \
		's/^type: .*/type: Opaque/'
	refused_token KPKI-T008 'to match bootstrap bearer token' \
		's/kube-system/elsewhere/'
	refused_token KPKI-T009 'has invalid value for key token-secret' \
		's/(token-secret: ".{15})./\1/'
	refused_token KPKI-T010 \
		'not marked usage-bootstrap-authentication=true' \
		's/authentication: .*/authentication: "True"/'
	refused_token KPKI-T012 'has invalid value for key auth-extra-groups' \
		's/groups: .*/groups: "system:bootstrappers:a, system:bootstrappers:b"/'
	sed 's/token-secret: .*/token-secret: 1234567890123456/
		s/000001/000099/' good.yaml >T001.yaml
	refused KPKI-T001 'cannot be handled as a Secret' T001.yaml -- \
		kubectl create --validate=false -f T001.yaml
	token_config T014.conf "$(sed -n 's/.*token-id: "\(.*\)"/\1/p' \
		good.yaml).abcdefghabcdefgh"
	refused KPKI-T014 Unauthorized good.yaml T014.conf -- ask T014.conf
}

# A binding with a fault, which the API server validates: ID WORDS SED-SCRIPT
refused_binding()
{
	local name=${1#KPKI-}

	cat >"$name.yaml" <<-END
		apiVersion: rbac.authorization.k8s.io/v1
		kind: ClusterRoleBinding
		metadata:
		  name: verify
		subjects:
		- kind: Group
		  name: "system:bootstrappers"
		- kind: ServiceAccount
		  name: default
		  namespace: default
		roleRef:
		  apiGroup: rbac.authorization.k8s.io
		  kind: ClusterRole
		  name: "system:node-bootstrapper"
	END
	if [[ $1 == good-binding ]]; then
		accepted "$name.yaml" -- kubectl apply --dry-run=server \
			-f "$name.yaml"
		return
	fi
	sed -i -E "$3" "$name.yaml"
	refused "$1" "$2" "$name.yaml" -- kubectl apply --dry-run=server \
		-f "$name.yaml" "${@:4}"
}

@test "bindings" {
	refused_binding good-binding
	refused_binding KPKI-R001 'error validating data' \
		's/^  kind: ClusterRole/  kind: [x]/'
	refused_binding KPKI-R002 'roleRef.kind: Unsupported value' \
		's/^  kind: ClusterRole/  kind: Role/' --validate=false
	refused_binding KPKI-R003 'Required value' \
		's/"system:node-bootstrapper"/""/' --validate=false
	refused_binding KPKI-R004 'apiGroup: Unsupported value' \
		's/apiGroup: .*/apiGroup: rbac/' --validate=false
	refused_binding KPKI-R005 'kind: Unsupported value' \
		's/kind: Group/kind: Node/' --validate=false
	refused_binding KPKI-R006 'namespace: Required value' \
		'/namespace:/d' --validate=false
}

@test "a group that is bound as a user gets nothing" {
	kubectl create clusterrolebinding as-user \
		--clusterrole=system:node-bootstrapper \
		--user=system:bootstrappers --dry-run=client -o yaml >R007.yaml
	kubectl apply -f R007.yaml
	refused KPKI-R007 'is forbidden' R007.yaml -- \
		kubectl get csr --as system:bootstrap:a \
		--as-group system:bootstrappers --as-group system:authenticated
	sed 's/kind: User/kind: Group/; s/as-user/as-group/' R007.yaml \
		>group.yaml
	kubectl apply -f group.yaml
	await 10 kubectl get csr --as system:bootstrap:a \
		--as-group system:bootstrappers
	accepted group.yaml -- kubectl get csr --as system:bootstrap:a \
		--as-group system:bootstrappers
}

# A server with this pair is on worker-2, and is called by one of its names: ID
# WORDS NAME HOST
refused_server()
{
	start "answer-$3" openssl s_server -accept 10.0.0.12:7443 -WWW \
		-cert "$3.crt" -key "$3.key"
	await 10 is_listening 10.0.0.12:7443
	refused "$1" "$2" pki/ca.crt "$3.crt" "$3.key" -- \
		ask "$conf" --server "https://$4:7443"
	stop "answer-$3"
}

@test "certificates of servers" {
	local subject=/O=system:nodes/CN=system:node:worker-2

	echo 10.0.0.12 kube-apiserver >>hosts
	pair n011 /CN=kube-apiserver "$server"
	refused_server KPKI-N011 \
		'x509: certificate relies on legacy Common Name field' n011 \
		kube-apiserver
	pair n017 "$subject" "$server"$'\n''subjectAltName=DNS:10.0.0.12'
	refused_server KPKI-N017 "because it doesn't contain any IP SANs" \
		n017 10.0.0.12
	pair s-c001 "$subject" "$server"$'\n''subjectAltName=IP:10.0.0.12' \
		pki/ca "$(stamp -3days)" "$(stamp -1day)"
	refused_server KPKI-C001 \
		'x509: certificate has expired or is not yet valid' s-c001 \
		10.0.0.12
}

@test "what kube-controller-manager signs with" {
	mkdir -p cm-a016/pki
	openssl req -x509 -newkey ed25519 -nodes -keyout cm-a016/pki/ca.key \
		-out cm-a016/pki/ca.crt -days 9 -subj /CN=kubernetes \
		-addext basicConstraints=critical,CA:TRUE \
		-addext keyUsage=critical,keyCertSign 2>>"$log/openssl.log"
	refused KPKI-A016 'neither in RSA nor ECDSA format' cm-a016 -- \
		timeout 30 "$bin/kubeadm" init phase certs apiserver \
		--cert-dir "$work/cm-a016/pki" \
		--apiserver-advertise-address 10.0.0.2 \
		--kubernetes-version v1.20.2
	mkdir -p cm-f013/pki && cp pki/ca.crt cm-f013/pki/ &&
		cp ca-plain.key cm-f013/pki/ca.key
	refused KPKI-F013 'tls: private key does not match public key' \
		cm-f013 -- sign_with cm-f013
}

sign_with()
{
	timeout 60 "$bin/kube-controller-manager" \
		--kubeconfig control/controller-manager.conf \
		--leader-elect=false --controllers=csrsigning \
		--cluster-signing-cert-file "$1/pki/ca.crt" \
		--cluster-signing-key-file "$1/pki/ca.key"
}

# A host of kpki control-plane, with a fault in etcd's files: NAME
etcd_host()
{
	if [[ ! -d planes ]]; then
		mkdir planes && kpki init-ca --quiet --dir planes/pki \
			--server https://10.0.0.1:6443 &&
			printf '%s\n' 'controlPlane:' '  hosts:' \
				'    - {name: cp-1, addresses: ["10.0.0.1"]}' \
				>>planes/pki/cluster.yaml &&
			kpki control-plane --quiet --dir planes/pki \
				--out planes/hosts || return
	fi
	cp -r planes/hosts/cp-1 "$1"
	etcd_pki=$1/etc/kubernetes/pki/etcd
}

# Becomes a member of etcd with a host's files, for so long: HOST SECONDS
run_etcd()
{
	local pki=$1/etc/kubernetes/pki/etcd url=https://127.0.0.1

	rm -rf "$1.data"
	exec timeout "$2" etcd --name one --data-dir "$1.data" \
		--listen-client-urls $url:24379 \
		--advertise-client-urls $url:24379 \
		--listen-peer-urls $url:24380 \
		--initial-advertise-peer-urls $url:24380 \
		--initial-cluster one=$url:24380 --client-cert-auth \
		--cert-file "$pki/server.crt" --key-file "$pki/server.key" \
		--trusted-ca-file "$pki/ca.crt" --peer-client-cert-auth \
		--peer-cert-file "$pki/peer.crt" \
		--peer-key-file "$pki/peer.key" \
		--peer-trusted-ca-file "$pki/ca.crt" >"$1.log" 2>&1
}

# Whether a client with this pair gets an answer of etcd, and what both say:
# HOST PAIR
ask_etcd()
{
	local member answer=1

	run_etcd "$1" 20 &
	member=$!
	if eventually 10 grep -q 'ready to serve client requests' "$1.log"; then
		etcdctl_of "$1" "$2"
		answer=$?
	fi
	kill "$member" 2>/dev/null
	wait "$member"
	cat "$1.log"
	return "$answer"
}

etcdctl_of()
{
	ETCDCTL_API=3 timeout 10 etcdctl --endpoints https://127.0.0.1:24379 \
		--dial-timeout=3s --command-timeout=4s \
		--cacert "$1/etc/kubernetes/pki/etcd/ca.crt" \
		--cert "$2.crt" --key "$2.key" endpoint health
}

# The host's own pair, by which kube-apiserver asks etcd.
asker()
{
	echo "$1/etc/kubernetes/pki/apiserver-etcd-client"
}

refused_etcd() # ID WORDS HOST
{
	refused "$1" "$2" "$3" -- ask_etcd "$3" "$(asker "$3")"
}

@test "the files of etcd, and who asks it" {
	local ca=planes/pki/etcd/ca

	etcd_host e-good
	accepted e-good -- ask_etcd e-good "$(asker e-good)"
	etcd_host e-f013
	cp planes/hosts/cp-1/etc/kubernetes/pki/etcd/healthcheck-client.key \
		"$etcd_pki/server.key"
	refused_etcd KPKI-F013 'tls: private key does not match public key' \
		e-f013
	etcd_host e-c015
	openssl x509 -in planes/hosts/cp-1/etc/kubernetes/pki/etcd/server.crt \
		-outform DER -out "$etcd_pki/server.crt"
	refused_etcd KPKI-C015 \
		'tls: failed to find any PEM data in certificate input' e-c015
	# What the API server shows etcd.
	asks e-c001 "$client" "$ca" "$(stamp -3days)" "$(stamp -1day)"
	refused_etcd KPKI-C001 \
		'x509: certificate has expired or is not yet valid' e-c001
	asks e-n009 "$server" "$ca"
	refused_etcd KPKI-N009 \
		'x509: certificate specifies an incompatible key usage' e-n009
	asks e-a002 "$client" planes/pki/ca
	refused_etcd KPKI-A002 \
		'x509: certificate signed by unknown authority' e-a002
	asks e-near "$client" "$ca"
	accepted e-near -- ask_etcd e-near "$(asker e-near)"
}

# A host whose API server has another pair for etcd: NAME EXTENSIONS CA …
asks()
{
	local name=$1 extensions=$2

	shift 2
	etcd_host "$name"
	pair "asks-$name" /CN=kube-apiserver-etcd-client \
		"$extensions" "$@"
	cp "asks-$name.crt" "$(asker "$name").crt"
	cp "asks-$name.key" "$(asker "$name").key"
}

# A node's bundle, to which a fault is to come: NAME
node_host()
{
	[[ -d bundles-v ]] || kpki node-bundle w1 --address 10.0.0.11 \
		--embed-certs --quiet --out bundles-v || return
	cp -r bundles-v/w1 "$1"
	kubelet_conf=$1/etc/kubernetes/kubelet.conf
}

# The kubelet goes as far as to ask for its runtime, which is not there: HOST
run_kubelet()
{
	timeout 60 "$bin/kubelet" --root-dir "$work/$1.root" \
		--cert-dir "$work/$1.root/pki" --hostname-override w1 \
		--kubeconfig "$1/etc/kubernetes/kubelet.conf" \
		--bootstrap-kubeconfig \
		"$1/etc/kubernetes/bootstrap-kubelet.conf" \
		--client-ca-file "$1/etc/kubernetes/pki/ca.crt" \
		--container-runtime=remote \
		--container-runtime-endpoint=unix:///nowhere \
		--fail-swap-on=false --cgroups-per-qos=false \
		--enforce-node-allocatable= >"$1.log" 2>&1
	grep '^[EF]' "$1.log"
	grep -q 'get remote runtime typed version failed' "$1.log"
}

refused_kubelet() # ID WORDS HOST
{
	refused "$1" "$2" --role node "$3" -- run_kubelet "$3"
}

accepted_kubelet() # HOST
{
	accepted --role node "$1" -- run_kubelet "$1"
}

@test "the files of the kubelet" {
	node_host k-good
	accepted_kubelet k-good
	node_host k-f020
	rm k-f020/etc/kubernetes/pki/ca.crt
	refused_kubelet KPKI-F020 'unable to load client CA file' k-f020
	node_host k-f019
	rm "$kubelet_conf" k-f019/var/lib/kubelet/pki/kubelet-client-*
	refused_kubelet KPKI-F019 'unable to load bootstrap kubeconfig' k-f019
	node_host k-k002
	sed -i 's/^current-context: .*/current-context: other/' "$kubelet_conf"
	refused_kubelet KPKI-K002 'was not found for specified context' k-k002
	node_host k-near
	sed -i "s/$(sed -n 's/^current-context: *"\?\([^"]*\)"\?$/\1/p' \
		"$kubelet_conf")/other/" "$kubelet_conf"
	accepted_kubelet k-near
	node_host k-k010
	sed -i 's/^\( *\)server: .*/&\n\1insecure-skip-tls-verify: true/' \
		"$kubelet_conf"
	refused_kubelet KPKI-K010 \
		'specifying a root certificates file with the insecure flag is not allowed' \
		k-k010
	node_host k-f013
	sed -i -E "s/(client-key-data:).*/\1 $(
		base64 -w 0 ca-plain.key)/" "$kubelet_conf"
	refused_kubelet KPKI-F013 \
		'tls: private key does not match public key' k-f013
}

@test "there was agreement on 40 faults and more" {
	local n

	n=$(sort -u "$agreed" | wc -l)
	echo "# $n faults: $(sort -u "$agreed" | sed 's/KPKI-//' | xargs)" >&3
	((n >= 40))
}
