/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fuzz.h"

#include <string.h>

#include "kube/kubeconfig_read.h"

/* What is named is found by its name, and is the first of it. */
static void look_up(const struct kubeconfig_file *file)
{
	for (size_t i = 0; i < file->n_clusters; i++)
		hold(kubeconfig_find_cluster(file, file->clusters[i].name) ==
			&file->clusters[i]);
	for (size_t i = 0; i < file->n_users; i++)
		hold(kubeconfig_find_user(file, file->users[i].name) ==
			&file->users[i]);
	for (size_t i = 0; i < file->n_contexts; i++)
		hold(kubeconfig_find_context(file, file->contexts[i].name) ==
			&file->contexts[i]);
}

/* No secret is left in the document. */
static void require_redacted(const struct kubeconfig_file *file)
{
	const struct document *users = document_find(file->root, "users");

	for (size_t i = 0; i < file->n_users; i++) {
		const struct document *user =
			document_find(document_at(users, i), "user");
		const struct document *token = document_find(user, "token");

		if (file->users[i].token)
			hold(!strncmp(document_text(token), "<secret ", 8));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO_FREE(source) source = source_of_text("input", data, len);
	AUTO_FREE(kubeconfig_file) file = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (!kubeconfig_read(source, &file, &err)) {
		hold_refusal(&err);
		return 0;
	}
	look_up(file);
	require_redacted(file);
	(void)kubeconfig_current(file);
	return 0;
}
