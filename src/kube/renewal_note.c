/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/renewal_note.h"

#include <stdlib.h>

void renewal_note_bundle(const struct node *node, enum layout layout,
	const struct bundle_kit *kit, struct buffer *text)
{
	size_t at = 0;

	buffer_format(text,
		"%s: its certificates were renewed, with new keys.\n\n"
		"1. Lay what is in %s/ over / of the host.  These files "
		"change:\n",
		node->name, node->name);
	for (;;) {
		AUTO_TEXT path = bundle_next_file(kit, node, &at);

		if (!path)
			break;
		buffer_format(text, "     /%s\n", path);
	}
	buffer_format(text,
		"     /%s, a link to a new file beside it\n"
		"2. systemctl restart kubelet\n"
		"   The node stays Ready, and its pods run on.\n"
		"3. When the node is Ready again, delete the client file that "
		"the link named before.\n",
		bundle_current_path(layout));
}

/* What every tree of a cluster has stays as it is. */
static void list_changes(const struct control_plan *plan, struct buffer *text)
{
	AUTO_RELEASE(control_files) files = control_files_of(plan);

	for (size_t i = 0; i < files.n_items; i++) {
		enum control_part part = files.items[i].part;

		if (part == PART_CERTIFICATE || part == PART_KEY ||
			part == PART_KUBECONFIG)
			buffer_format(text, "     %s%s\n",
				plan->roles & ROLE_ADMIN ? "" : "/",
				files.items[i].path);
	}
}

/* Whoever reads the files only when it starts comes behind what it asks. */
static void list_restarts(const struct control_plan *plan, struct buffer *text)
{
	if (plan->roles & ROLE_ETCD)
		buffer_format(text,
			"     etcd; go on when etcdctl endpoint health says "
			"that it is healthy\n");
	if (plan->roles & ROLE_CONTROL)
		buffer_format(text,
			"     kube-apiserver; go on when its /readyz says "
			"ok\n"
			"     kube-controller-manager\n"
			"     kube-scheduler\n"
			"     kubelet, by systemctl restart kubelet\n");
}

static void note_administrator(
	const struct control_plan *plan, struct buffer *text)
{
	buffer_format(text,
		"%s: the administrator's certificates were renewed, with new "
		"keys.\n\n"
		"1. These files change, wherever an administrator has "
		"them:\n",
		plan->name);
	list_changes(plan, text);
	buffer_format(text, "2. Nothing is restarted.\n");
}

void renewal_note_tree(const struct control_plan *plan, struct buffer *text)
{
	if (plan->roles & ROLE_ADMIN) {
		note_administrator(plan, text);
		return;
	}
	buffer_format(text,
		"%s: its certificates were renewed, with new keys.  Hosts of "
		"the control plane go one\nafter the other.\n\n"
		"1. Lay what is in %s/ over / of the host.  These files "
		"change:\n",
		plan->name, plan->name);
	list_changes(plan, text);
	buffer_format(text,
		"2. Restart, in this order; a static pod by moving its "
		"manifest out of its\n"
		"   directory for 20 seconds, and back:\n");
	list_restarts(plan, text);
	buffer_format(text,
		"3. The next host.  Until then the old certificates are good "
		"as well.\n");
}

void renewal_note_certificates(const struct node *node, struct buffer *text)
{
	buffer_format(text,
		"%s: its certificates were renewed, for the keys that it "
		"has.\n\n"
		"1. Carry %s.yaml to the host; nothing in it is secret.\n"
		"2. There, in the directory above that of its keys and "
		"requests:\n"
		"     kpki node-csr --complete %s.yaml\n"
		"3. systemctl restart kubelet\n"
		"   The node stays Ready, and its pods run on.\n",
		node->name, node->name, node->name);
}

static void note_cluster_ca(enum layout layout, struct buffer *text)
{
	const char *path = layout == LAYOUT_PEM ? "/var/lib/kubernetes/ca.pem"
						: "/etc/kubernetes/pki/ca.crt";

	buffer_format(text,
		"1. Hosts of the control plane, one after the other:\n"
		"     %s\n"
		"     restart kube-apiserver, then kube-controller-manager\n"
		"2. Every node:\n"
		"     %s\n"
		"     restart kubelet\n"
		"3. Kubeconfigs, which have it in certificate-authority-data: "
		"kubelets', of the\n   components, of admins and users.\n"
		"4. ConfigMaps: kube-root-ca.crt follows by itself; "
		"cluster-info in kube-public\n   by kpki cluster-info "
		"--format configmap.\n",
		path, path);
}

static void note_front_proxy_ca(enum layout layout, struct buffer *text)
{
	buffer_format(text,
		"1. Hosts of the control plane, one after the other:\n"
		"     %s\n"
		"     restart kube-apiserver\n"
		"   Extension API servers learn of it from the ConfigMap "
		"extension-apiserver-authentication\n   in kube-system.\n",
		layout == LAYOUT_PEM
			? "/var/lib/kubernetes/front-proxy-ca.pem"
			: "/etc/kubernetes/pki/front-proxy-ca.crt");
}

static void note_etcd_ca(enum layout layout, struct buffer *text)
{
	const char *path = layout == LAYOUT_PEM
				   ? "/var/lib/kubernetes/etcd/ca.pem"
				   : "/etc/kubernetes/pki/etcd/ca.crt";

	buffer_format(text,
		"1. Members of etcd, one after the other:\n"
		"     %s\n"
		"     restart etcd; go on when etcdctl endpoint health says "
		"that it is healthy\n"
		"2. Hosts of the control plane, one after the other:\n"
		"     %s\n"
		"     restart kube-apiserver\n",
		path, path);
}

void renewal_note_ca(enum control_authority which, enum layout layout,
	struct instant before, struct buffer *text)
{
	char at[INSTANT_TEXT];

	buffer_format(text,
		"%s has another certificate with the same key: what it "
		"signed, and its pin, stay\nvalid.  Every host below needs it "
		"before %s.\n\n",
		control_authority_name(which), instant_format(before, at));
	switch (which) {
	case CONTROL_CA:
		note_cluster_ca(layout, text);
		break;
	case CONTROL_FRONT_PROXY_CA:
		note_front_proxy_ca(layout, text);
		break;
	case CONTROL_ETCD_CA:
		note_etcd_ca(layout, text);
		break;
	case CONTROL_AUTHORITIES:
		break;
	}
}
