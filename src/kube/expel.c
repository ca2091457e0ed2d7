/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/expel.h"

#include <string.h>

#include "base/printable.h"
#include "pki/names.h"
#include "pki/oid.h"

#define MASTERS "system:masters"

/* A comment ends with its line: what is said in one has none. */
static void put_until(
	const char *who, struct instant until, struct buffer *text)
{
	AUTO_TEXT shown = printable(who);
	char at[INSTANT_TEXT];

	buffer_format(text,
		"# %s: kube-apiserver accepts the certificate until %s,\n"
		"# or until the cluster has another CA.\n",
		shown, instant_format(until, at));
}

void expel_node(const char *node, struct instant until, struct buffer *text)
{
	AUTO_TEXT who = memory_format("node %s", node);

	put_until(who, until, text);
	buffer_format(text,
		"# A kubelet that still runs with it registers the Node again: "
		"stop it first.\n"
		"kubectl delete node %s --ignore-not-found\n",
		node);
}

void expel_bootstrap_token(const char *id, struct buffer *text)
{
	buffer_format(text,
		"kubectl --namespace kube-system delete secret "
		"bootstrap-token-%s --ignore-not-found\n",
		id);
}

void expel_static_token(const char *id, struct buffer *text)
{
	buffer_format(text,
		"# static token %s: take its line out of the file of "
		"--token-auth-file, and restart kube-apiserver.\n",
		id);
}

/* As one word of a shell. */
static void put_word(const char *word, struct buffer *text)
{
	buffer_add_byte(text, '\'');
	for (; *word; word++)
		if (*word == '\'')
			buffer_add_text(text, "'\\''");
		else
			buffer_add_byte(text, *word);
	buffer_add_byte(text, '\'');
}

static const char find_bindings[] =
	"kubectl get clusterrolebindings,rolebindings --all-namespaces "
	"--output json |\n"
	"    jq -r --arg user \"$user\" '.items[] |\n"
	"        select(any(.subjects[]?; .kind == \"User\" and .name == "
	"$user)) |\n"
	"        [(if all(.subjects[]; .kind == \"User\" and .name == $user) "
	"then \"delete\"\n"
	"          else \"edit\" end), .kind, (.metadata.namespace // "
	"\"default\"),\n"
	"         .metadata.name] | @tsv' |\n"
	"    while IFS=$(printf '\\t') read -r verb kind namespace name; do\n"
	"        if [ \"$verb\" = delete ]; then\n"
	"            kubectl --namespace \"$namespace\" delete \"$kind\" "
	"\"$name\"\n"
	"        else\n"
	"            echo \"$kind $namespace/$name has other subjects: take "
	"$user out of it\"\n"
	"        fi\n"
	"    done\n";

static bool put_groups(const struct certificate *certificate,
	struct buffer *text, struct error *err)
{
	struct name_attribute list[NAME_ATTRIBUTES_MAX];
	size_t n = 0;

	if (!name_attributes(certificate->subject, list, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		AUTO_TEXT value = memory_text_n(
			(const char *)list[i].value.bytes, list[i].value.len);
		AUTO_TEXT group = printable(value);

		if (!der_equal(list[i].type, OID_ORGANIZATION))
			continue;
		buffer_format(text,
			strcmp(group, MASTERS)
				? "# What is bound to its group \"%s\" stays "
				  "bound.\n"
				: "# In \"%s\" it may do everything, and no "
				  "binding is asked: only another CA ends "
				  "that.\n",
			group);
	}
	return true;
}

bool expel_user(const struct certificate *certificate, struct buffer *text,
	struct error *err)
{
	AUTO_TEXT who = memory_format("user \"%s\"", certificate->common_name);

	put_until(who, certificate->not_after, text);
	if (!put_groups(certificate, text, err))
		return false;
	buffer_add_text(text, "user=");
	put_word(certificate->common_name, text);
	buffer_add_byte(text, '\n');
	buffer_add_text(text, find_bindings);
	return true;
}

void expel_other(const char *profile, const char *name, struct instant until,
	struct buffer *text)
{
	AUTO_TEXT shown = printable(name);
	char at[INSTANT_TEXT];

	buffer_format(text,
		"# %s of \"%s\": accepted until %s, but by who reads the list "
		"of "
		"\"kpki crl\", as etcd does.\n",
		profile, shown, instant_format(until, at));
}
