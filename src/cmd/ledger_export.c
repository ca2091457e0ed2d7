/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "cmd/ledger.h"
#include "cmd/product.h"

#define FULL ((size_t)1 << 16)

static bool flush(struct buffer *lines, struct error *err)
{
	if (!product_print(lines, err))
		return false;
	buffer_reset(lines);
	return true;
}

static void put_text(struct document *map, const char *key, const char *text)
{
	if (text)
		document_put_text(map, key, text);
}

static void put_number(struct document *map, const char *key, int64_t number)
{
	if (number)
		document_put(map, key, document_new_integer(number));
}

static void put_lines(struct document *map, const char *key, const char *text)
{
	struct document *list;

	if (!text)
		return;
	list = document_put(map, key, document_new_list());
	while (*text) {
		size_t len = strcspn(text, "\n");
		AUTO_TEXT line = memory_text_n(text, len);

		document_append(list, document_new_text(line));
		text += len + (text[len] == '\n');
	}
}

/* Of a rotation: those of the key before and of the one after it. */
static void put_pins(struct document *map, struct der body)
{
	static const char *const keys[] = {"oldPin", "newPin"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct sha256 pin;
		char text[PIN_TEXT];

		if (body.len != ARRAY_SIZE(keys) * sizeof(pin))
			return;
		memcpy(&pin, body.bytes + i * sizeof(pin), sizeof(pin));
		document_put_text(map, keys[i], sha256_pin(&pin, text));
	}
}

/* A certificate as everybody reads it; a token's is text. */
static void put_body(struct document *map, const struct ledger_entry *entry)
{
	AUTO_TEXT text = NULL;

	if (!entry->body.len)
		return;
	if (!strcmp(entry->kind, "rotation")) {
		put_pins(map, entry->body);
		return;
	}
	if (!strcmp(entry->kind, "token")) {
		text = memory_text_n(
			(const char *)entry->body.bytes, entry->body.len);
		document_put_text(map, "server", text);
		return;
	}
	text = memory_new(1, BASE64_LEN(entry->body.len) + 1);
	base64_encode(entry->body.bytes, entry->body.len, text);
	document_put_text(map, "certificate", text);
}

static void put_serial(struct document *map, const struct ledger_entry *entry)
{
	AUTO_TEXT text = NULL;

	if (!entry->serial.len)
		return;
	if (!strcmp(entry->kind, "token")) {
		text = memory_text_n(
			(const char *)entry->serial.bytes, entry->serial.len);
		document_put_text(map, "id", text);
		return;
	}
	text = hex_of(entry->serial.bytes, entry->serial.len);
	document_put_text(map, "serial", text);
}

static bool export_entry(
	void *data, const struct ledger_entry *entry, struct error *err)
{
	struct buffer *lines = data;
	AUTO_FREE(document) map = document_new_map();
	AUTO_TEXT hash = hex_of(entry->hash.bytes, SHA256_LEN);

	put_number(map, "entry", entry->seq);
	document_put_text(map, "kind", entry->kind);
	document_put_instant(map, "at", entry->at);
	put_number(map, "ca", entry->ca);
	put_serial(map, entry);
	put_text(map, "profile", entry->profile);
	put_text(map, "name", entry->name);
	put_text(map, "detail", entry->detail);
	if (entry->has_lifetime) {
		document_put_instant(map, "notBefore", entry->not_before);
		document_put_instant(map, "notAfter", entry->not_after);
	}
	put_number(map, "ref", entry->ref);
	put_lines(map, "addresses", entry->addresses);
	put_body(map, entry);
	document_put_text(map, "hash", hash);
	json_write(map, JSON_COMPACT, lines);
	buffer_add_byte(lines, '\n');
	return lines->len < FULL || flush(lines, err);
}

bool ledger_run_export(const struct command_call *call, struct error *err)
{
	AUTO_FREE(context) context = NULL;
	AUTO_RELEASE(buffer) lines = BUFFER_INIT;

	return context_open(call, NEEDS_LEDGER, &context, err) &&
	       ledger_lock(context->ledger, FILE_LOCK_SHARED,
		       context->lock_timeout, err) &&
	       ledger_entries(context->ledger, 1, export_entry, &lines, err) &&
	       flush(&lines, err);
}
