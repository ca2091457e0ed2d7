/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/printable.h"
#include "cmd/commands.h"
#include "cmd/context.h"
#include "cmd/nodes.h"
#include "cmd/verify_certificates.h"
#include "cmd/verify_rules.h"
#include "verify/collection.h"
#include "verify/policy.h"

#define POLICY_MAX ((size_t)1 << 16)

struct verify_options {
	const char *role;
	const char *inventory;
	bool ledger;
	const char *policy;
	const char *severity;
	bool timeline;
	const char *format;
	bool list_rules;
};

#define S struct verify_options
static const struct option_spec verify_options[] = {
	OPTION_TEXT(S, role, "role", "auto|node|control-plane|ca",
		"what the files are for", .preset = "auto",
		.value = OPTION_VALUE_CHOICE),
	OPTION_TEXT(S, inventory, "inventory", "FILE",
		"hold nodes to this inventory", .value = OPTION_VALUE_FILE),
	OPTION_FLAG(S, ledger, "ledger",
		"hold certificates to the ledger of the PKI directory"),
	OPTION_TEXT(S, policy, "policy", "FILE", "severities of one's own",
		.value = OPTION_VALUE_FILE),
	OPTION_TEXT(S, severity, "severity", "info|warning|error",
		"what counts as a failure", .preset = "error",
		.value = OPTION_VALUE_CHOICE),
	OPTION_TEXT(S, format, "format", "text|prometheus",
		"how to report", .preset = "text",
		.value = OPTION_VALUE_CHOICE),
	OPTION_FLAG(S, timeline, "timeline",
		"what expires when, and what stops then"),
	OPTION_FLAG(S, list_rules, "list-rules",
		"show all that may be found, and look at nothing"),
	OPTION_END,
};

struct verification {
	const struct command_call *call;
	struct verify_settings settings;
	enum severity threshold;
	bool prometheus;
	struct collection collection;
	struct inventory *inventory;
	struct context *context;
	struct seen *seen;
	struct certificate_list *certificates; /* NULL: nobody asks */
	struct document *rows;                 /* of JSON */
	size_t n_by_severity[SEVERITY_ERROR + 1];
	size_t n_files, n_certificates, n_artifacts, n_failures;
};

static void verification_release(struct verification *run)
{
	collection_release(&run->collection);
	inventory_free(run->inventory);
	context_free(run->context);
	seen_free(run->seen);
	certificate_list_free(run->certificates);
	document_free(run->rows);
}
DEFINE_AUTO_RELEASE(verification)

/* -- what was asked for -- */

static const struct {
	const char *name;
	unsigned roles;
} roles[] = {
	{"auto", 0},
	{"node", ROLE_NODE},
	{"control-plane", ROLE_CONTROL_PLANE},
	{"ca", ROLE_CA},
};

static bool read_policy(
	const char *path, struct verify_settings *settings, struct error *err)
{
	AUTO_FREE(source) source = NULL;

	return !path || (source_open(path, POLICY_MAX, &source, err) &&
				verify_policy_read(source, settings, err));
}

static bool read_inventory(struct verification *run, const char *path,
	struct error *err)
{
	const struct nodes_wanted wanted = {.inventory = path};

	if (!path)
		return true;
	if (!nodes_read(&wanted, &run->inventory, err))
		return false;
	run->settings.inventory = run->inventory;
	return true;
}

static bool open_ledger(struct verification *run, struct error *err)
{
	if (!context_open(run->call, NEEDS_CLUSTER | NEEDS_LEDGER,
		    &run->context, err))
		return false;
	run->settings.cluster = run->context->cluster;
	if (!ledger_lock(run->context->ledger, FILE_LOCK_SHARED,
		    run->context->lock_timeout, err))
		return false;
	run->settings.ledger = run->context->ledger;
	return true;
}

static bool check_options(const struct command_call *call, struct error *err)
{
	const S *options = call->settings;
	bool prometheus =
		options->format && strcmp(options->format, "prometheus") == 0;

	if (options->list_rules && call->n_operands > 0)
		return error_set(err, ERROR_USAGE,
			"--list-rules looks at no PATH");
	if (!options->list_rules && call->n_operands == 0)
		return error_set(err, ERROR_USAGE, "a PATH is missing");
	if (prometheus && (call->shared->json || options->timeline))
		return error_set(err, ERROR_USAGE,
			"--format prometheus excludes --json and --timeline");
	return true;
}

static bool prepare(struct verification *run, struct error *err)
{
	const S *options = run->call->settings;

	run->threshold = SEVERITY_ERROR;
	if (options->severity &&
		!severity_parse(options->severity, &run->threshold, err))
		return false;
	for (size_t i = 0; options->role && i < ARRAY_SIZE(roles); i++)
		if (strcmp(roles[i].name, options->role) == 0)
			run->settings.roles = roles[i].roles;
	run->prometheus =
		options->format && strcmp(options->format, "prometheus") == 0;
	if (options->timeline || run->prometheus)
		run->certificates = certificate_list_new();
	run->rows = document_new_list();
	run->seen = seen_new();
	return context_at(run->call, &run->settings.at, err) &&
	       read_policy(options->policy, &run->settings, err) &&
	       read_inventory(run, options->inventory, err) &&
	       (!options->ledger || open_ledger(run, err));
}

/* -- the cluster, where a PKI directory is among the PATHs -- */

static unsigned minor_of(const struct cluster *cluster)
{
	const char *version = cluster->kubernetes_version;
	const char *dot = version ? strchr(version, '.') : NULL;

	return dot ? (unsigned)strtoul(dot + 1, NULL, 10) : 0;
}

static void find_cluster(struct verification *run)
{
	const struct artifact *artifact = NULL;

	for (size_t i = 0; i < run->collection.n_units && !artifact; i++)
		artifact = unit_next(run->collection.units[i], NULL,
			ARTIFACT_CLUSTER, NULL);
	if (artifact && !run->settings.cluster)
		run->settings.cluster = artifact->cluster;
	if (run->settings.cluster)
		run->settings.minor = minor_of(run->settings.cluster);
}

/* -- what is found -- */

static void put(struct document *row, const char *key, const char *text)
{
	if (text)
		document_put_text(row, key, text);
}

static struct document *row_of(
	const struct unit *unit, const struct finding *finding)
{
	const struct rule *rule = finding->rule;
	const struct artifact *artifact = finding->artifact;
	struct document *row = document_new_map();

	put(row, "id", rule->id);
	put(row, "severity", severity_name(finding->severity));
	put(row, "path", finding->file ? finding->file->path : unit->path);
	put(row, "reason", finding->text);
	if (artifact && artifact->certificate) {
		AUTO_TEXT serial = hex_of(artifact->certificate->serial.bytes,
			artifact->certificate->serial.len);

		put(row, "subject", artifact->certificate->subject_text);
		put(row, "serial", serial);
	}
	if (artifact && artifact->duty)
		put(row, "use", artifact->duty->name);
	put(row, "title", rule->title);
	put(row, "meaning", rule->meaning);
	put(row, "message", rule->message);
	put(row, "mend", rule->mend);
	put(row, "source", rule->source);
	return row;
}

static void print_finding(
	const struct unit *unit, const struct finding *finding)
{
	AUTO_TEXT path = printable(
		finding->file ? finding->file->path : unit->path);
	AUTO_TEXT text = printable(finding->text);

	printf("%s: %s %s: %s: %s; %s\n", path,
		severity_name(finding->severity), finding->rule->id,
		finding->rule->title, text, finding->rule->mend);
}

static void report_finding(struct verification *run, const struct unit *unit,
	const struct finding *finding)
{
	bool counts = finding->severity >= run->threshold;

	run->n_by_severity[finding->severity]++;
	run->n_failures += counts;
	if (run->call->shared->json)
		document_append(run->rows, row_of(unit, finding));
	else if (!run->prometheus && (counts || !run->call->shared->quiet))
		print_finding(unit, finding);
}

static void count(struct verification *run, const struct unit *unit)
{
	run->n_files += unit->n_files;
	for (size_t i = 0; i < unit->n_files; i++)
		for (size_t k = 0; k < unit->files[i]->n_artifacts; k++) {
			run->n_artifacts++;
			run->n_certificates +=
				unit->files[i]->artifacts[k]->kind ==
				ARTIFACT_CERTIFICATE;
		}
}

static bool examine_unit(void *data, struct unit *unit, struct error *err)
{
	struct verification *run = data;
	AUTO_RELEASE(examination) x = {
		.settings = &run->settings,
		.unit = unit,
		.others = run->collection.units,
		.n_others = run->collection.n_units,
		.seen = run->seen,
	};

	count(run, unit);
	if (run->certificates)
		certificate_list_add(run->certificates, unit);
	if (!examine(&x, err))
		return false;
	for (size_t i = 0; i < x.findings.n_items; i++)
		report_finding(run, unit, &x.findings.items[i]);
	return true;
}

static bool examine_all(struct verification *run, struct error *err)
{
	struct collection *collection = &run->collection;

	if (!collection_read(collection, run->call->operands,
		    run->call->n_operands, err))
		return false;
	find_cluster(run);
	for (size_t i = 0; i < collection->n_units; i++)
		if (!examine_unit(run, collection->units[i], err))
			return false;
	if (!collection_each(collection, examine_unit, run, err))
		return false;
	return run->n_artifacts > 0 || run->n_by_severity[SEVERITY_ERROR] ||
	       error_set(err, ERROR_INPUT,
		       "\"%s\": nothing in it that Kubernetes would read",
		       run->call->operands[0]);
}

/* -- the answer -- */

static void add_count(
	struct buffer *text, size_t n, const char *one, const char *many)
{
	if (n > 0)
		buffer_format(text, "%s%zu %s", text->len > 0 ? ", " : "", n,
			n == 1 ? one : many);
}

static void count_findings(
	const struct verification *run, struct buffer *text)
{
	add_count(text, run->n_by_severity[SEVERITY_ERROR], "error", "errors");
	add_count(text, run->n_by_severity[SEVERITY_WARNING], "warning",
		"warnings");
	add_count(text, run->n_by_severity[SEVERITY_INFO], "info", "info");
	if (text->len == 0)
		buffer_add_text(text, "no findings");
}

static void print_answer(const struct verification *run)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	count_findings(run, &text);
	printf("%s: %s in %zu file%s, %zu certificate%s\n",
		run->n_failures ? "no" : "yes", text.data, run->n_files,
		run->n_files == 1 ? "" : "s", run->n_certificates,
		run->n_certificates == 1 ? "" : "s");
}

static void print_findings_metric(const struct verification *run)
{
	printf("# HELP kpki_verify_findings Findings of kpki verify\n"
	       "# TYPE kpki_verify_findings gauge\n");
	for (int severity = SEVERITY_INFO; severity <= SEVERITY_ERROR;
		severity++)
		printf("kpki_verify_findings{severity=\"%s\"} %zu\n",
			severity_name((enum severity)severity),
			run->n_by_severity[severity]);
}

static bool require_none(const struct verification *run, struct error *err)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	if (run->n_failures == 0)
		return true;
	count_findings(run, &text);
	return error_set(err, ERROR_FINDINGS, "%s", text.data);
}

static bool report_json(
	struct verification *run, bool done, struct error *err)
{
	AUTO_FREE(report) report =
		context_report(run->call, NULL, REPORT_SILENT, stdout);

	report_member(report, "ok",
		document_new_boolean(done && run->n_failures == 0));
	report_member(report, "files",
		document_new_integer((int64_t)run->n_files));
	report_member(report, "certificates",
		document_new_integer((int64_t)run->n_certificates));
	if (run->certificates)
		report_member(report, "timeline",
			certificate_list_document(run->certificates));
	for (size_t i = 0; i < document_count(run->rows); i++)
		report_row(report, document_copy(document_at(run->rows, i)));
	return report_close(report, done && require_none(run, err), err);
}

static bool report_text(
	struct verification *run, bool done, struct error *err)
{
	struct instant at = run->settings.at;

	if (!done)
		return false;
	if (run->prometheus) {
		certificate_list_metrics(run->certificates, at, stdout);
		print_findings_metric(run);
	} else {
		if (run->certificates)
			certificate_list_timeline(run->certificates, at,
				isatty(STDOUT_FILENO), stdout);
		print_answer(run);
	}
	return require_none(run, err);
}

static bool verify_run(const struct command_call *call, struct error *err)
{
	const S *options = call->settings;
	AUTO_RELEASE(verification) run = {.call = call};
	bool done;

	if (!check_options(call, err))
		return false;
	if (options->list_rules)
		return verify_list_rules(call, err);
	if (!prepare(&run, err))
		return false;
	done = examine_all(&run, err);
	return call->shared->json ? report_json(&run, done, err)
				  : report_text(&run, done, err);
}

const struct command command_verify = {
	.name = "verify",
	.summary = "tell whether it will work, and if not, why",
	.operands = "PATH...",
	.least = 0,
	.most = UINT_MAX,
	.takes = TAKES_DIR | TAKES_JSON | TAKES_AT,
	.report_kind = "VerificationReport",
	.options = verify_options,
	.settings_size = sizeof(S),
	.run = verify_run,
};
