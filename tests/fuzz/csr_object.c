/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fuzz.h"

#include <string.h>

#include "base/json.h"
#include "kube/csr_object.h"

static bool is_approved(
	void *data, struct csr_object **object, struct error *err)
{
	const struct csr_object *before = data;

	(void)err;
	hold(!strcmp((*object)->name, before->name) && (*object)->approved &&
		(*object)->usages == before->usages &&
		(*object)->expiration == before->expiration &&
		(*object)->n_groups == before->n_groups &&
		!(*object)->request == !before->request);
	return true;
}

/* What goes back is read again, and is approved. */
static void approve(struct csr_object *object)
{
	AUTO_FREE(document) root = csr_object_approved(object, "why");
	AUTO_FREE(source) source = NULL;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	json_write(root, JSON_INDENTED, &text);
	source = source_of_text("again", text.data, text.len);
	hold(csr_objects_read(source, is_approved, object, &err));
}

static bool take_object(
	void *data, struct csr_object **object, struct error *err)
{
	AUTO_FREE(csr_object) taken = take(object);

	(void)data;
	(void)err;
	hold(taken->name && taken->signer_name);
	if (!taken->request)
		hold_refusal(&taken->request_error);
	if (!taken->denied && !taken->failed && !taken->has_certificate)
		approve(taken);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO_FREE(source) source = source_of_text("input", data, len);
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)csr_objects_look((const char *)data, len);
	if (!csr_objects_read(source, take_object, NULL, &err))
		hold_refusal(&err);
	return 0;
}
