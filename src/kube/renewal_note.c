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

void renewal_note_ca(
	enum layout layout, struct instant before, struct buffer *text)
{
	bool pem = layout == LAYOUT_PEM;
	char at[INSTANT_TEXT];

	buffer_format(text,
		"The cluster's CA has another certificate with the same key: "
		"what it signed, and its\npin, stay valid.  Every host needs "
		"ca.crt before %s.\n\n"
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
		instant_format(before, at),
		pem ? "/var/lib/kubernetes/ca.pem"
		    : "/etc/kubernetes/pki/ca.crt",
		pem ? "/var/lib/kubernetes/ca.pem"
		    : "/etc/kubernetes/pki/ca.crt");
}
