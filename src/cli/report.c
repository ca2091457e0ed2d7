/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/report.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/printable.h"
#include "base/utf8.h"

struct report {
	enum report_format format;
	const struct report_column *columns;
	bool headings; /* still to be written */
	bool in_items; /* a row went out: of JSON and of a page */
	bool ended;
	FILE *out;
	int failure; /* the first errno of writing */
};

static void emit(struct report *report, const struct buffer *text)
{
	if (report->failure)
		return;
	errno = 0;
	if (fwrite(text->data, 1, text->len, report->out) != text->len)
		report->failure = errno ? errno : EIO;
}

/* -- JSON -- */

static bool is_absent(const struct document *value)
{
	return !value || document_kind(value) == DOCUMENT_NULL;
}

static void add_member(
	struct buffer *text, const char *key, const struct document *value)
{
	document_quote(key, text);
	buffer_add_byte(text, ':');
	json_write(value, JSON_COMPACT, text);
}

/* Without its absent members. */
static void add_object(struct buffer *text, const struct document *map)
{
	const char *before = "{";

	for (size_t i = 0; i < document_count(map); i++) {
		const struct document *value = document_at(map, i);

		if (is_absent(value))
			continue;
		buffer_add_text(text, before);
		add_member(text, document_key(map, i), value);
		before = ",";
	}
	buffer_add_text(text, *before == '{' ? "{}" : "}");
}

static void add_json_row(
	struct report *report, struct buffer *text, const struct document *row)
{
	buffer_add_text(text, report->in_items ? ",\n" : ",\"items\":[\n");
	report->in_items = true;
	add_object(text, row);
}

static struct document *error_document(const struct error *error)
{
	struct document *map = document_new_map();

	document_put(map, "code", document_new_integer(error->kind));
	if (error->file)
		document_put_text(map, "file", error->file);
	if (error->line)
		document_put(map, "line", document_new_integer(error->line));
	if (error->rule)
		document_put_text(map, "rule", error->rule);
	if (error->message)
		document_put_text(map, "message", error->message);
	return map;
}

static void add_json_end(
	struct report *report, struct buffer *text, const struct error *error)
{
	AUTO_FREE(document) map = NULL;

	buffer_add_text(text, report->in_items ? "\n]" : ",\"items\":[]");
	if (error && error->kind != ERROR_NONE) {
		map = error_document(error);
		buffer_add_byte(text, ',');
		add_member(text, "error", map);
	}
	buffer_add_text(text, "}\n");
}

/* -- text and CSV -- */

/* A scalar's spelling, a list's joined by ","; nothing when there is none. */
static void join(struct buffer *text, const struct document *value)
{
	if (is_absent(value))
		return;
	if (document_kind(value) != DOCUMENT_LIST) {
		const char *scalar = document_text(value);

		buffer_add_text(text, scalar ? scalar : "");
		return;
	}
	for (size_t i = 0; i < document_count(value); i++) {
		const char *item = document_text(document_at(value, i));

		if (text->len > 0)
			buffer_add_byte(text, ',');
		buffer_add_text(text, item ? item : "");
	}
}

static char *cell_text(const struct document *value)
{
	AUTO_RELEASE(buffer) cell = BUFFER_INIT;

	join(&cell, value);
	return printable(cell.data);
}

/* Blanks go before a cell only, so that no line ends in them. */
static void add_cell(struct buffer *text, const char *cell, size_t *padding,
	const struct report_column *column)
{
	size_t len = utf8_count(cell);

	for (; *padding > 0; --*padding)
		buffer_add_byte(text, ' ');
	buffer_add_text(text, cell);
	*padding = 2 + (len < column->width ? column->width - len : 0);
}

/* The headings when row is NULL. */
static void add_text_line(struct buffer *text,
	const struct report_column *column, const struct document *row)
{
	size_t padding = 0;

	for (; column && column->key; column++) {
		AUTO_TEXT cell = NULL;

		if (!column->heading)
			continue;
		cell = row ? cell_text(document_find(row, column->key))
			   : memory_text(column->heading);
		add_cell(text, *cell ? cell : "-", &padding, column);
	}
	buffer_add_byte(text, '\n');
}

static void add_record(struct buffer *text,
	const struct report_column *column, const struct document *row)
{
	for (; column && column->key; column++) {
		AUTO_TEXT cell = cell_text(document_find(row, column->key));

		if (column->heading)
			buffer_format(text, "%-12s %s\n", column->heading,
				*cell ? cell : "-");
	}
}

static void add_page_line(
	struct buffer *text, const char *heading, const struct document *value)
{
	AUTO_TEXT cell = cell_text(value);

	if (*cell)
		buffer_format(text, "%-12s %s\n", heading, cell);
}

static void add_paragraph(struct report *report, struct buffer *text,
	const struct document *row)
{
	if (report->in_items)
		buffer_add_byte(text, '\n');
	report->in_items = true;
	for (const struct report_column *column = report->columns;
		column->key; column++) {
		const struct document *value = document_find(row, column->key);

		if (!column->heading || is_absent(value))
			continue;
		if (document_kind(value) != DOCUMENT_LIST) {
			add_page_line(text, column->heading, value);
			continue;
		}
		for (size_t i = 0; i < document_count(value); i++)
			add_page_line(text, i == 0 ? column->heading : "",
				document_at(value, i));
	}
}

/* RFC 4180, 2. */
static void add_csv_field(struct buffer *text, const char *field)
{
	if (!strpbrk(field, ",\"\r\n")) {
		buffer_add_text(text, field);
		return;
	}
	buffer_add_byte(text, '"');
	for (; *field; field++) {
		if (*field == '"')
			buffer_add_byte(text, '"');
		buffer_add_byte(text, *field);
	}
	buffer_add_byte(text, '"');
}

/* The keys when row is NULL. */
static void add_csv_line(struct buffer *text,
	const struct report_column *columns, const struct document *row)
{
	for (const struct report_column *column = columns;
		column && column->key; column++) {
		AUTO_TEXT cell =
			row ? cell_text(document_find(row, column->key))
			    : memory_text(column->key);

		if (column != columns)
			buffer_add_byte(text, ',');
		add_csv_field(text, cell);
	}
	buffer_add_text(text, "\r\n");
}

/* -- the report -- */

struct report *report_new(const char *kind, enum report_format format,
	const struct report_column *columns, bool headings, FILE *out)
{
	struct report *report = memory_new(1, sizeof(*report));
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	report->format = format;
	report->columns = columns;
	report->headings = headings && columns;
	report->out = out;
	switch (format) {
	case REPORT_TEXT:
	case REPORT_RECORD:
	case REPORT_PAGE:
	case REPORT_SILENT:
		break;
	case REPORT_CSV:
		add_csv_line(&text, columns, NULL);
		break;
	case REPORT_JSON:
		buffer_add_text(&text, "{\"apiVersion\":\"kpki/v1\",\"kind\":");
		document_quote(kind, &text);
		break;
	}
	emit(report, &text);
	return report;
}

void report_member(
	struct report *report, const char *key, struct document *taken_value)
{
	AUTO_FREE(document) value = taken_value;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	assert(!report->in_items && !report->ended);
	if (report->format != REPORT_JSON || is_absent(value))
		return;
	buffer_add_byte(&text, ',');
	add_member(&text, key, value);
	emit(report, &text);
}

void report_row(struct report *report, struct document *taken_row)
{
	AUTO_FREE(document) row = taken_row;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	assert(!report->ended);
	switch (report->format) {
	case REPORT_TEXT:
		if (!report->columns)
			return;
		if (report->headings)
			add_text_line(&text, report->columns, NULL);
		report->headings = false;
		add_text_line(&text, report->columns, row);
		break;
	case REPORT_RECORD:
		add_record(&text, report->columns, row);
		break;
	case REPORT_PAGE:
		add_paragraph(report, &text, row);
		break;
	case REPORT_SILENT:
		break;
	case REPORT_CSV:
		add_csv_line(&text, report->columns, row);
		break;
	case REPORT_JSON:
		add_json_row(report, &text, row);
		break;
	}
	emit(report, &text);
}

bool report_end(
	struct report *report, const struct error *error, struct error *err)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	assert(!report->ended);
	report->ended = true;
	if (report->format == REPORT_JSON)
		add_json_end(report, &text, error);
	emit(report, &text);
	if (!report->failure && fflush(report->out) != 0)
		report->failure = errno;
	if (!report->failure)
		return true;
	errno = report->failure;
	return error_errno(err, "standard output");
}

bool report_close(struct report *report, bool done, struct error *err)
{
	AUTO_RELEASE(error) why = ERROR_INIT;

	if (done)
		return report_end(report, NULL, err);
	/* The work's failure counts, unless this one is worse. */
	if (!report_end(report, err, &why) && err->kind != ERROR_USAGE &&
		error_worse(err->kind, why.kind) != err->kind) {
		error_release(err);
		error_move(err, &why);
	}
	return false;
}

void report_free(struct report *report)
{
	free(report);
}
