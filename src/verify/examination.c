/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verify/examination.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/affix.h"

/* -- findings -- */

void findings_release(struct findings *findings)
{
	for (size_t i = 0; i < findings->n_items; i++)
		free(findings->items[i].text);
	free(findings->items);
	*findings = (struct findings)FINDINGS_INIT;
}

/* Which of several in a file, and of whom. */
static void write_where(const struct artifact *artifact, struct buffer *text)
{
	if (!artifact)
		return;
	if (artifact->embedded_kind)
		buffer_format(text, "%s \"%s\": ", artifact->embedded_kind,
			artifact->embedded_key ? artifact->embedded_key : "");
	if (!artifact->certificate)
		return;
	if (!artifact->embedded_kind && artifact->number > 1)
		buffer_format(text, "certificate %u ", artifact->number);
	buffer_format(text, "\"%s\": ", artifact->certificate->subject_text);
}

static enum severity severity_of(
	const struct examination *x, enum severity most)
{
	unsigned char chosen = x->settings->severities[x->rule_index];

	if (chosen > 0)
		return (enum severity)(chosen - 1);
	return x->rule->severity < most ? x->rule->severity : most;
}

PRINTF(3, 0)
static void add(struct examination *x, enum severity most, const char *format,
	va_list args)
{
	const struct artifact *artifact = x->artifact;
	struct findings *findings = &x->findings;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_TEXT sentence = memory_vformat(format, args);
	struct finding item = {
		.rule = x->rule,
		.severity = severity_of(x, most),
		.file = artifact ? artifact->file : x->file,
		.artifact = artifact,
	};

	write_where(artifact, &text);
	buffer_add_text(&text, sentence);
	item.text = buffer_detach(&text);
	findings->items = memory_grow(findings->items, &findings->allocated,
		findings->n_items + 1, sizeof(item));
	findings->items[findings->n_items++] = item;
}

void finding(struct examination *x, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(x, SEVERITY_ERROR, format, args);
	va_end(args);
}

void finding_at_most(
	struct examination *x, enum severity most, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(x, most, format, args);
	va_end(args);
}

void examination_release(struct examination *x)
{
	findings_release(&x->findings);
	for (size_t i = 0; i < x->n_chains; i++)
		free(x->chains[i]);
	free(x->chains);
	x->chains = NULL;
	x->n_chains = x->chains_allocated = 0;
}

/* -- asking -- */

static bool is_off(const struct examination *x)
{
	return x->settings->severities[x->rule_index] == 1 + SEVERITY_OFF;
}

/* The CA in a kubeconfig of a host is most often that of its file, of which all
 * is said there. */
static bool is_told_elsewhere(
	const struct unit *unit, const struct artifact *artifact)
{
	const struct artifact *other = NULL;

	if (artifact->kind != ARTIFACT_CERTIFICATE || !artifact->embedded_kind ||
		strcmp(artifact->embedded_kind, "cluster") != 0)
		return false;
	while ((other = unit_next(unit, other, ARTIFACT_CERTIFICATE, NULL)))
		if (!other->embedded_kind &&
			der_equal(other->certificate->whole,
				artifact->certificate->whole))
			return true;
	return false;
}

static void ask_artifacts(struct examination *x, const struct file *file)
{
	for (size_t i = 0; i < file->n_artifacts && !x->broken; i++) {
		const struct artifact *artifact = file->artifacts[i];

		if (!(x->rule->kinds & 1u << artifact->kind) ||
			is_told_elsewhere(x->unit, artifact))
			continue;
		x->artifact = artifact;
		x->rule->check(x, artifact);
	}
	x->artifact = NULL;
}

static void ask_directories(struct examination *x)
{
	for (size_t i = 0; i < x->unit->n_directories && !x->broken; i++) {
		x->file = x->unit->directories[i];
		x->rule->check(x, NULL);
	}
}

static void ask(struct examination *x)
{
	const struct unit *unit = x->unit;

	x->file = NULL;
	x->artifact = NULL;
	if (x->rule->kinds == 0 && !x->rule->per_file) {
		x->rule->check(x, NULL);
		return;
	}
	for (size_t i = 0; i < unit->n_files && !x->broken; i++) {
		x->file = unit->files[i];
		if (x->rule->per_file)
			x->rule->check(x, NULL);
		else
			ask_artifacts(x, unit->files[i]);
	}
	if (x->rule->per_file)
		ask_directories(x);
}

/* -- the order of what is found -- */

struct order {
	const struct file *file;
	enum severity worst;
	size_t place;
};

static int compare_findings(const void *a, const void *b)
{
	const struct finding *one = a, *two = b;

	if (one->severity != two->severity)
		return one->severity > two->severity ? -1 : 1;
	if (one->rule != two->rule)
		return strcmp(one->rule->id, two->rule->id);
	return strcmp(one->text, two->text);
}

static size_t place_of(const struct unit *unit, const struct file *file)
{
	size_t place = 0;

	while (place < unit->n_files && unit->files[place] != file)
		place++;
	return file ? place + 1 : 0;
}

static int compare_orders(const void *a, const void *b)
{
	const struct order *one = a, *two = b;

	if (one->worst != two->worst)
		return one->worst > two->worst ? -1 : 1;
	return one->place < two->place ? -1 : one->place > two->place;
}

/* Findings by severity come in; each file stands where its worst is. */
static void group_by_file(const struct unit *unit, struct findings *findings)
{
	size_t n = findings->n_items, n_orders = 0, n_out = 0;
	struct order *orders = memory_new(n, sizeof(*orders));
	struct finding *out = memory_new(n, sizeof(*out));

	for (size_t i = 0; i < n; i++) {
		const struct finding *item = &findings->items[i];
		size_t k = 0;

		while (k < n_orders && orders[k].file != item->file)
			k++;
		if (k == n_orders)
			orders[n_orders++] = (struct order){item->file,
				item->severity, place_of(unit, item->file)};
	}
	qsort(orders, n_orders, sizeof(*orders), compare_orders);
	for (size_t k = 0; k < n_orders; k++)
		for (size_t i = 0; i < n; i++)
			if (findings->items[i].file == orders[k].file)
				out[n_out++] = findings->items[i];
	memcpy(findings->items, out, n * sizeof(*out));
	free(out);
	free(orders);
}

bool examine(struct examination *x, struct error *err)
{
	x->err = err;
	x->rule_index = 0;
	for (x->rule = NULL; (x->rule = rule_next(x->rule)) && !x->broken;) {
		if (!is_off(x))
			ask(x);
		x->rule_index++;
	}
	if (x->broken)
		return false;
	if (x->findings.n_items == 0)
		return true;
	qsort(x->findings.items, x->findings.n_items, sizeof(struct finding),
		compare_findings);
	group_by_file(x->unit, &x->findings);
	return true;
}

/* -- relations -- */

static unsigned role_of(const struct artifact *artifact)
{
	static const char *const server_duties[] = {"kube-apiserver",
		"etcd-server", "controller-manager", "scheduler"};
	const struct duty *duty = artifact->duty;

	if (!duty)
		return 0;
	if (duty->is_ca)
		return artifact->kind == ARTIFACT_KEY ? ROLE_CA : 0;
	for (size_t i = 0; i < ARRAY_SIZE(server_duties); i++)
		if (strcmp(duty->name, server_duties[i]) == 0)
			return ROLE_CONTROL_PLANE;
	return text_begins(duty->name, "kubelet-") ||
			       strcmp(duty->name, "bootstrap") == 0
		       ? ROLE_NODE
		       : 0;
}

/* What others have beside them makes no node of a control plane. */
unsigned examination_roles(const struct examination *x)
{
	unsigned roles = 0;

	if (x->settings->roles)
		return x->settings->roles;
	for (size_t i = 0; i < x->unit->n_files; i++)
		for (size_t k = 0; k < x->unit->files[i]->n_artifacts; k++)
			roles |= role_of(x->unit->files[i]->artifacts[k]);
	return roles;
}

static bool is_authority(
	const struct artifact *artifact, const struct duty *duty, bool embedded)
{
	if (artifact->kind != ARTIFACT_CERTIFICATE ||
		embedded != (artifact->embedded_kind != NULL))
		return false;
	if (!duty || !duty->issuer)
		return artifact->certificate->is_ca;
	return duty_is(artifact, duty->issuer);
}

static const struct artifact *next_in(const struct unit *unit,
	const struct duty *duty, bool embedded, const struct artifact *previous)
{
	const struct artifact *artifact = previous;

	while ((artifact =
			unit_next(unit, artifact, ARTIFACT_CERTIFICATE, NULL)))
		if (is_authority(artifact, duty, embedded))
			return artifact;
	return NULL;
}

/* The others count as one list. */
static const struct artifact *next_elsewhere(const struct examination *x,
	const struct duty *duty, const struct artifact *previous)
{
	bool passed = !previous;

	for (size_t i = 0; i < x->n_others; i++) {
		const struct artifact *found;
		bool here = previous && previous->file->unit == x->others[i];

		if (x->others[i] == x->unit || (!passed && !here))
			continue;
		found = next_in(
			x->others[i], duty, false, here ? previous : NULL);
		if (found)
			return found;
		passed |= here;
	}
	return NULL;
}

const struct artifact *authority_next(const struct examination *x,
	const struct artifact *of, const struct artifact *previous)
{
	const struct duty *duty = of->duty;
	const struct artifact *first;

	/* one leads to the next of its own kind */
	if (previous && previous->file->unit != x->unit)
		return next_elsewhere(x, duty, previous);
	if (previous)
		return next_in(x->unit, duty, previous->embedded_kind != NULL,
			previous);
	first = next_in(x->unit, duty, false, NULL);
	if (!first)
		first = next_elsewhere(x, duty, NULL);
	return first ? first : next_in(x->unit, duty, true, NULL);
}

const struct artifact *authority_named(const struct examination *x,
	const char *duty, const struct artifact *previous)
{
	const struct duty signed_by = {.issuer = duty};

	const struct artifact *first;

	if (previous && previous->file->unit == x->unit)
		return next_in(x->unit, &signed_by, false, previous);
	first = previous ? NULL : next_in(x->unit, &signed_by, false, NULL);
	return first ? first : next_elsewhere(x, &signed_by, previous);
}

static bool is_beside(const struct artifact *a, const struct artifact *b)
{
	if (!a->embedded_kind || !b->embedded_kind)
		return a->embedded_kind == b->embedded_kind;
	return strcmp(a->embedded_kind, b->embedded_kind) == 0 &&
	       strcmp(a->embedded_key, b->embedded_key) == 0;
}

const struct artifact *chain_next(
	const struct artifact *of, const struct artifact *previous)
{
	const struct file *file = of->file;

	for (size_t i = previous ? previous->place + 1 : 0;
		i < file->n_artifacts; i++) {
		const struct artifact *artifact = file->artifacts[i];

		if (artifact->kind == ARTIFACT_CERTIFICATE && artifact != of &&
			is_beside(artifact, of))
			return artifact;
	}
	return NULL;
}

bool is_first(const struct artifact *certificate)
{
	const struct file *file = certificate->file;

	for (size_t i = 0; i < file->n_artifacts; i++)
		if (file->artifacts[i]->kind == ARTIFACT_CERTIFICATE &&
			is_beside(file->artifacts[i], certificate))
			return file->artifacts[i] == certificate;
	return false;
}

/* -- pairs -- */

static const struct artifact *key_beside(
	const struct file *file, const struct artifact *certificate)
{
	for (size_t i = 0; i < file->n_artifacts; i++)
		if (file->artifacts[i]->kind == ARTIFACT_KEY &&
			is_beside(file->artifacts[i], certificate))
			return file->artifacts[i];
	return NULL;
}

static char *key_path(const char *path, size_t stem, const char *end)
{
	return memory_format("%.*s%s", (int)stem, path, end);
}

static const struct artifact *key_in_other_file(
	const struct examination *x, const struct artifact *certificate)
{
	static const char *const ends[] = {".key", "-key.pem", ".key.pem"};
	const char *path = certificate->file->inside;
	const char *dot = strrchr(path, '.');
	size_t stem = dot ? (size_t)(dot - path) : strlen(path);

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		AUTO_TEXT name = key_path(path, stem, ends[i]);
		const struct file *file = unit_find(x->unit, name);

		if (file && file != certificate->file)
			return key_beside(file, certificate);
	}
	return NULL;
}

/* One certificate and one key, of whatever names. */
static const struct artifact *only_key(
	const struct examination *x, const struct artifact *certificate)
{
	const struct artifact *key =
		unit_next(x->unit, NULL, ARTIFACT_KEY, NULL);
	const struct artifact *other = NULL;

	if (x->unit->kind != UNIT_FILES || certificate->certificate->is_ca ||
		!key || key->embedded_kind || certificate->embedded_kind ||
		unit_next(x->unit, key, ARTIFACT_KEY, NULL))
		return NULL;
	while ((other = unit_next(x->unit, other, ARTIFACT_CERTIFICATE, NULL)))
		if (other != certificate && !other->certificate->is_ca)
			return NULL;
	return key;
}

const struct artifact *key_of(
	const struct examination *x, const struct artifact *certificate)
{
	const struct artifact *key;

	if (!is_first(certificate))
		return NULL;
	key = key_beside(certificate->file, certificate);
	if (!key && !certificate->embedded_kind)
		key = key_in_other_file(x, certificate);
	return key ? key : only_key(x, certificate);
}

bool is_since(const struct examination *x, unsigned minor)
{
	return x->settings->minor == 0 || x->settings->minor >= minor;
}
