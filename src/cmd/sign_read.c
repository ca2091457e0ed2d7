/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/sign_read.h"

#include <stdlib.h>
#include <string.h>

struct reading {
	struct sign *sign;
	const char *file;
	size_t n; /* of this file */
};

/* -- PEM -- */

static bool add_request(void *data, struct der der, struct error *err)
{
	struct reading *reading = data;
	size_t n = ++reading->n;
	AUTO_TEXT label = n == 1 ? memory_text(reading->file)
				 : memory_format("%s:%zu", reading->file, n);
	struct sign_item *item =
		sign_add(reading->sign, label, reading->file, 0);

	(void)err;
	if (!request_read(der, &item->request, &item->error))
		item->rule = "form";
	return true;
}

/* -- objects -- */

static bool has_name(const struct sign *sign, const char *name)
{
	for (size_t i = 0; i < sign->n_items; i++)
		if (sign->items[i].object &&
			!strcmp(sign->items[i].object->name, name))
			return true;
	return false;
}

static bool add_object(
	void *data, struct csr_object **object, struct error *err)
{
	struct reading *reading = data;
	struct csr_object *it = *object;
	struct sign_item *item;

	if (has_name(reading->sign, it->name)) {
		error_set(err, ERROR_INPUT, "request \"%s\": there twice",
			it->name);
		return error_at(err, reading->file, it->line);
	}
	item = sign_add(reading->sign, it->name, reading->file, it->line);
	item->object = take(object);
	item->request = it->request;
	item->finished = it->denied || it->failed || it->has_certificate;
	if (!it->request && !item->finished) {
		item->rule = "form";
		error_move(&item->error, &it->request_error);
	}
	return true;
}

/* -- a file -- */

static bool read_text(
	struct source *source, struct buffer *text, struct error *err)
{
	char bytes[4096];
	size_t len;

	do {
		if (!source_read(source, bytes, sizeof(bytes), &len, err))
			return false;
		buffer_add(text, bytes, len);
	} while (len > 0);
	return true;
}

/* The whole is read before it is told what it is: text may stand before the
 * first block of PEM. */
static bool read_all(
	struct reading *reading, struct source *source, struct error *err)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_FREE(source) again = NULL;

	reading->file = source_name(source);
	if (!read_text(source, &text, err))
		return false;
	if (!csr_objects_look(text.data, text.len))
		return request_each_pem(text.data, text.len, add_request,
			       reading, err) ||
		       error_at(err, reading->file, 0);
	again = source_of_text(reading->file, text.data, text.len);
	return csr_objects_read(again, add_object, reading, err);
}

bool sign_read(struct sign *sign, const char *file, struct error *err)
{
	AUTO_FREE(source) source = NULL;
	AUTO_RELEASE(error) why = ERROR_INIT;
	struct reading reading = {.sign = sign};
	size_t n_before = sign->n_items;
	struct sign_item *item;

	if (source_open(file, CSR_SOURCE_MAX, &source, &why) &&
		read_all(&reading, source, &why))
		return true;
	if (why.kind == ERROR_FAILED) {
		error_move(err, &why);
		return false;
	}
	/* what was read of it before it broke */
	sign_forget(sign, n_before);
	item = sign_add(sign, source ? source_name(source) : file, file, 0);
	item->rule = "form";
	error_move(&item->error, &why);
	return true;
}
