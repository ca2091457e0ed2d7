/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/authorities.h"
#include "cmd/commands.h"
#include "cmd/context.h"
#include "cmd/product.h"
#include "kube/profile.h"
#include "pki/pem.h"

struct ca_bundle_settings {
	const char *out;
	const char *layout;
};

#define S struct ca_bundle_settings
static const struct option_spec ca_bundle_options[] = {
	OPTION_TEXT(S, out, "out", "DIR",
		"also write certificates, pins and fingerprints here",
		.value = OPTION_VALUE_DIRECTORY),
	OPTION_TEXT(S, layout, "layout", "kubeadm|pem",
		"names and places of files on hosts",
		.preset = "from the cluster file",
		.value = OPTION_VALUE_CHOICE),
	OPTION_END,
};

static const struct report_column ca_bundle_columns[] = {
	{"profile", "AUTHORITY", 14},
	{"place", "PLACE", 38},
	{"hosts", "HOSTS", 23},
	{"notAfter", "EXPIRES", 20},
	{"pin", "PIN", 71},
	{"readBy", "READ BY", 0},
	{"status", NULL, 0},
	{"path", NULL, 0},
	{"subject", NULL, 0},
	{"fingerprint", NULL, 0},
	{NULL, NULL, 0},
};

#define READERS_MAX 7

/* Kubernetes: PKI certificates and requirements, "Where certificates are
 * stored"; what reads the key is not in it. */
static const struct row {
	const char *profile;
	const char *file; /* in the PKI directory */
	const char *name; /* on a host, without its end */
	const char *hosts;
	const char *readers[READERS_MAX];
} rows[] = {
	{"ca", CA_CERTIFICATE, "ca", "control plane, nodes",
		{"kube-apiserver --client-ca-file",
			"kube-apiserver --kubelet-certificate-authority",
			"kube-controller-manager --client-ca-file",
			"kube-controller-manager --root-ca-file",
			"kubelet authentication.x509.clientCAFile",
			"kubeconfig certificate-authority",
			"kubeadm join --discovery-token-ca-cert-hash (pin)"}},
	{"front-proxy-ca", FRONT_PROXY_CA_CERTIFICATE, "front-proxy-ca",
		"control plane",
		{"kube-apiserver --requestheader-client-ca-file",
			"kube-controller-manager "
			"--requestheader-client-ca-file"}},
	{"etcd-ca", ETCD_CA_CERTIFICATE, "etcd/ca", "control plane, etcd",
		{"kube-apiserver --etcd-cafile", "etcd --trusted-ca-file",
			"etcd --peer-trusted-ca-file", "etcdctl --cacert"}},
};

static const struct {
	const char *directory, *end;
} layouts[] = {
	[LAYOUT_KUBEADM] = {"/etc/kubernetes/pki", "crt"},
	[LAYOUT_PEM] = {"/var/lib/kubernetes", "pem"},
};

struct run {
	const struct context *context;
	enum layout layout;
	const char *out; /* or NULL */
	struct report *report;
};

/* -- files -- */

static bool save(const struct run *run, const struct row *row, const char *end,
	const struct buffer *text, bool *fresh, struct error *err)
{
	AUTO_TEXT name = memory_format("%s.%s", row->name, end);
	bool is_new;

	if (!product_save_in(run->out, name, text, &is_new, err))
		return false;
	*fresh = *fresh || is_new;
	return true;
}

static bool save_all(const struct run *run, const struct row *row,
	const struct certificate *ca, bool *fresh, struct error *err)
{
	AUTO_RELEASE(buffer) pem = BUFFER_INIT;
	AUTO_RELEASE(buffer) pin = BUFFER_INIT;
	AUTO_RELEASE(buffer) fingerprint = BUFFER_INIT;
	AUTO_TEXT hex = hex_of(ca->fingerprint.bytes, SHA256_LEN);
	char text[PIN_TEXT];

	pem_write(&pem, "CERTIFICATE", ca->whole);
	buffer_format(&pin, "%s\n", sha256_pin(&ca->pin, text));
	buffer_format(&fingerprint, "%s\n", hex);
	return save(run, row, layouts[run->layout].end, &pem, fresh, err) &&
	       save(run, row, "pin", &pin, fresh, err) &&
	       save(run, row, "fingerprint", &fingerprint, fresh, err);
}

/* -- the table -- */

static struct document *row_of(const struct run *run, const struct row *row,
	const struct certificate *ca)
{
	AUTO_TEXT hex = hex_of(ca->fingerprint.bytes, SHA256_LEN);
	AUTO_TEXT place =
		memory_format("%s/%s.%s", layouts[run->layout].directory,
			row->name, layouts[run->layout].end);
	char pin[PIN_TEXT];
	struct document *to = document_new_map(), *readers;

	document_put_text(to, "profile", row->profile);
	document_put_text(to, "place", place);
	document_put_text(to, "hosts", row->hosts);
	document_put_text(to, "subject", ca->subject_text);
	document_put_text(to, "pin", sha256_pin(&ca->pin, pin));
	document_put_text(to, "fingerprint", hex);
	document_put_instant(to, "notAfter", ca->not_after);
	readers = document_put(to, "readBy", document_new_list());
	for (size_t i = 0; i < READERS_MAX && row->readers[i]; i++)
		document_append(readers, document_new_text(row->readers[i]));
	return to;
}

static bool show(const struct run *run, const struct row *row,
	const struct certificate *ca, struct error *err)
{
	AUTO_TEXT path = NULL;
	struct document *to;
	bool fresh = false;

	if (run->out && !save_all(run, row, ca, &fresh, err))
		return false;
	to = row_of(run, row, ca);
	if (run->out) {
		path = memory_format("%s/%s.%s", run->out, row->name,
			layouts[run->layout].end);
		document_put_text(to, "status", fresh ? "issued" : "unchanged");
		document_put_text(to, "path", path);
	}
	report_row(run->report, to);
	return true;
}

static bool show_each(const struct run *run, struct error *err)
{
	const struct context *context = run->context;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(certificate) ca = NULL;

		if (!file_exists(context->dir, rows[i].file))
			continue;
		if (!authority_read_certificate(
			    context->dir, rows[i].file, context->now, &ca, err))
			return error_context(err, "\"%s\"", context->path);
		if (!show(run, &rows[i], ca, err))
			return false;
	}
	return true;
}

static bool ca_bundle_run(const struct command_call *call, struct error *err)
{
	const S *settings = call->settings;
	AUTO_FREE(context) context = NULL;
	AUTO_FREE(report) report = NULL;
	struct run run = {.out = settings->out};

	if (product_is_stream(settings->out) && settings->out)
		return error_set(err, ERROR_USAGE,
			"--out -: several files go to a directory");
	if (!context_open(call, NEEDS_CLUSTER | NEEDS_CA_CERTIFICATE, &context,
		    err) ||
		!context_check_out(
			context, settings->out ? settings->out : "-", err))
		return false;
	run.layout = context->cluster->layout;
	if (settings->layout &&
		!layout_parse(settings->layout, &run.layout, err))
		return context_blame(err, "--layout");
	run.context = context;
	run.report = report = context_report(call, ca_bundle_columns,
		settings->out && call->shared->quiet ? REPORT_SILENT
						     : REPORT_TEXT,
		stdout);
	return report_close(report, show_each(&run, err), err);
}

const struct command command_ca_bundle = {
	.name = "ca-bundle",
	.summary = "tell which authority's certificate goes where, and write "
		   "them",
	.takes = TAKES_DIR | TAKES_JSON,
	.report_kind = "CABundleReport",
	.options = ca_bundle_options,
	.settings_size = sizeof(S),
	.run = ca_bundle_run,
};
