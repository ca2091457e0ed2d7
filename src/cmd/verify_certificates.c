/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/verify_certificates.h"

#include <stdlib.h>
#include <string.h>

#include "base/printable.h"
#include "pki/names.h"
#include "pki/oid.h"
#include "verify/duty.h"

struct line {
	struct instant not_before, not_after;
	char *path, *subject, *labels;
	const struct duty *duty;
};

struct certificate_list {
	struct line *lines;
	size_t n_lines, allocated;
};

struct certificate_list *certificate_list_new(void)
{
	return memory_new(1, sizeof(struct certificate_list));
}

void certificate_list_free(struct certificate_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->n_lines; i++) {
		free(list->lines[i].path);
		free(list->lines[i].subject);
		free(list->lines[i].labels);
	}
	free(list->lines);
	free(list);
}

/* -- labels -- */

/* Prometheus' text format: backslash, quote and newline are escaped. */
static void put_label(
	struct buffer *labels, const char *name, const char *value)
{
	AUTO_TEXT shown = printable(value);

	buffer_format(labels, "%s%s=\"", labels->len > 0 ? "," : "", name);
	for (const char *at = shown; *at; at++) {
		if (*at == '"' || *at == '\\')
			buffer_add_byte(labels, '\\');
		buffer_add_byte(labels, *at);
	}
	buffer_add_byte(labels, '"');
}

/* Any number of octets, in decimal; for free(). */
static char *decimal(struct der number)
{
	unsigned char *digits = memory_new(1, 3 * number.len + 2);
	size_t n = 1;
	char *text;

	for (size_t i = 0; i < number.len; i++) {
		unsigned carry = number.bytes[i];

		for (size_t k = 0; k < n; k++) {
			carry += 256u * digits[k];
			digits[k] = (unsigned char)(carry % 10);
			carry /= 10;
		}
		for (; carry > 0; carry /= 10)
			digits[n++] = (unsigned char)(carry % 10);
	}
	text = memory_new(1, n + 1);
	for (size_t k = 0; k < n; k++)
		text[k] = (char)('0' + digits[n - 1 - k]);
	free(digits);
	return text;
}

static const struct {
	const char *name;
	struct der oid;
} fields[] = {
	{"C", DER_LITERAL("\x55\x04\x06")},
	{"ST", DER_LITERAL("\x55\x04\x08")},
	{"L", DER_LITERAL("\x55\x04\x07")},
	{"O", DER_LITERAL("\x55\x04\x0a")},
	{"OU", DER_LITERAL("\x55\x04\x0b")},
	{"CN", DER_LITERAL("\x55\x04\x03")},
};

/* The last of several, as Go has it for a common name. */
static void put_name(struct buffer *labels, const char *prefix, struct der name)
{
	struct name_attribute list[NAME_ATTRIBUTES_MAX];
	AUTO_RELEASE(error) passed_over = ERROR_INIT;
	size_t n = 0;

	if (!name_attributes(name, list, &n, &passed_over))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct name_attribute *last = NULL;
		AUTO_TEXT label = NULL;
		AUTO_TEXT value = NULL;

		for (size_t k = 0; k < n; k++)
			if (der_equal(list[k].type, fields[i].oid))
				last = &list[k];
		if (!last)
			continue;
		label = memory_format("%s_%s", prefix, fields[i].name);
		value = memory_text_n(
			(const char *)last->value.bytes, last->value.len);
		put_label(labels, label, value);
	}
}

static char *labels_of(const struct artifact *artifact)
{
	const struct certificate *certificate = artifact->certificate;
	const char *path = artifact->file->path;
	const char *slash = strrchr(path, '/');
	AUTO_RELEASE(buffer) labels = BUFFER_INIT;
	AUTO_TEXT serial = decimal(certificate->serial);

	put_label(&labels, "filename", slash ? slash + 1 : path);
	put_label(&labels, "filepath", path);
	if (artifact->embedded_kind) {
		put_label(&labels, "embedded_kind", artifact->embedded_kind);
		put_label(&labels, "embedded_key", artifact->embedded_key);
	}
	put_name(&labels, "issuer", certificate->issuer);
	put_label(&labels, "serial_number", serial);
	put_name(&labels, "subject", certificate->subject);
	return buffer_detach(&labels);
}

/* -- the list -- */

static char *path_of(const struct artifact *artifact)
{
	if (!artifact->embedded_kind)
		return memory_text(artifact->file->path);
	return memory_format("%s (%s \"%s\")", artifact->file->path,
		artifact->embedded_kind, artifact->embedded_key);
}

void certificate_list_add(
	struct certificate_list *list, const struct unit *unit)
{
	const struct artifact *artifact = NULL;

	while ((artifact = unit_next(
			unit, artifact, ARTIFACT_CERTIFICATE, NULL))) {
		const struct certificate *certificate = artifact->certificate;

		list->lines = memory_grow(list->lines, &list->allocated,
			list->n_lines + 1, sizeof(struct line));
		list->lines[list->n_lines++] = (struct line){
			.not_before = certificate->not_before,
			.not_after = certificate->not_after,
			.path = path_of(artifact),
			.subject = memory_text(certificate->subject_text),
			.labels = labels_of(artifact),
			.duty = artifact->duty,
		};
	}
}

/* -- as a timeline -- */

static int compare_ends(const void *a, const void *b)
{
	const struct line *one = a, *two = b;

	if (one->not_after.seconds != two->not_after.seconds)
		return one->not_after.seconds < two->not_after.seconds ? -1 : 1;
	return strcmp(one->path, two->path);
}

static void sort(struct certificate_list *list)
{
	if (list->n_lines > 0)
		qsort(list->lines, list->n_lines, sizeof(struct line),
			compare_ends);
}

enum { BAR = 20 };

/* What is over of a life. */
static void write_bar(
	const struct line *line, struct instant at, char bar[static BAR + 1])
{
	int64_t whole = line->not_after.seconds - line->not_before.seconds;
	int64_t over = at.seconds - line->not_before.seconds;
	int64_t full = whole > 0 ? over * BAR / whole : BAR;

	for (int i = 0; i < BAR; i++)
		bar[i] = i < full ? '#' : '.';
	bar[BAR] = '\0';
}

static char *left(const struct line *line, struct instant at)
{
	int64_t seconds = line->not_after.seconds - at.seconds;

	if (seconds < 0)
		return memory_text("expired");
	if (seconds < 2 * SPAN_DAY)
		return memory_format("%lldh", (long long)(seconds / SPAN_HOUR));
	return memory_format("%lldd", (long long)(seconds / SPAN_DAY));
}

void certificate_list_timeline(
	struct certificate_list *list, struct instant at, bool bars, FILE *out)
{
	sort(list);
	for (size_t i = 0; i < list->n_lines; i++) {
		const struct line *line = &list->lines[i];
		AUTO_TEXT path = printable(line->path);
		AUTO_TEXT rest = left(line, at);
		char end[INSTANT_TEXT], bar[BAR + 1];

		write_bar(line, at, bar);
		fprintf(out, "%s  %7s  ", instant_format(line->not_after, end),
			rest);
		if (bars)
			fprintf(out, "[%s]  ", bar);
		fprintf(out, "%s: %s\n", path,
			line->duty ? line->duty->stops : "whoever uses it");
	}
}

struct document *certificate_list_document(struct certificate_list *list)
{
	struct document *items = document_new_list();

	sort(list);
	for (size_t i = 0; i < list->n_lines; i++) {
		const struct line *line = &list->lines[i];
		struct document *row =
			document_append(items, document_new_map());

		document_put_text(row, "path", line->path);
		document_put_text(row, "subject", line->subject);
		document_put_instant(row, "notBefore", line->not_before);
		document_put_instant(row, "notAfter", line->not_after);
		if (!line->duty)
			continue;
		document_put_text(row, "use", line->duty->name);
		document_put_text(row, "stops", line->duty->stops);
	}
	return items;
}

/* -- as metrics -- */

typedef int64_t metric(const struct line *line, struct instant at);

static int64_t not_before(const struct line *line, struct instant at)
{
	(void)at;
	return line->not_before.seconds;
}

static int64_t not_after(const struct line *line, struct instant at)
{
	(void)at;
	return line->not_after.seconds;
}

static int64_t is_expired(const struct line *line, struct instant at)
{
	return line->not_after.seconds < at.seconds;
}

static const struct {
	const char *name, *help;
	metric *value;
} metrics[] = {
	{"x509_cert_not_before",
		"Indicates the certificate's not before timestamp", not_before},
	{"x509_cert_not_after",
		"Indicates the certificate's not after timestamp", not_after},
	{"x509_cert_expired", "Indicates if the certificate is expired",
		is_expired},
};

static int compare_labels(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->labels,
		((const struct line *)b)->labels);
}

/* Two of the same labels would spoil the whole file. */
static void drop_doubles(struct certificate_list *list)
{
	size_t n = 0;

	if (list->n_lines > 0)
		qsort(list->lines, list->n_lines, sizeof(struct line),
			compare_labels);
	for (size_t i = 0; i < list->n_lines; i++) {
		if (n > 0 && strcmp(list->lines[n - 1].labels,
				     list->lines[i].labels) == 0) {
			free(list->lines[i].path);
			free(list->lines[i].subject);
			free(list->lines[i].labels);
			continue;
		}
		list->lines[n++] = list->lines[i];
	}
	list->n_lines = n;
}

void certificate_list_metrics(
	struct certificate_list *list, struct instant at, FILE *out)
{
	drop_doubles(list);
	for (size_t k = 0; k < ARRAY_SIZE(metrics); k++) {
		fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", metrics[k].name,
			metrics[k].help, metrics[k].name);
		for (size_t i = 0; i < list->n_lines; i++)
			fprintf(out, "%s{%s} %lld\n", metrics[k].name,
				list->lines[i].labels,
				(long long)metrics[k].value(
					&list->lines[i], at));
	}
}
