/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/gap.h"

#include <assert.h>
#include <string.h>

bool gap_write(const struct document *root, const char *key,
	struct gap *ret_gap, struct error *err)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_TEXT empty = memory_format(" %s: \"\"\n", key);
	size_t head_len;
	const char *at;

	if (!document_write_yaml(root, &text, err))
		return false;
	at = strstr(text.data, empty);
	assert(at && !strstr(at + 1, empty));
	head_len = (size_t)(at - text.data) + strlen(empty) - strlen("\"\n");
	buffer_add(&ret_gap->head, text.data, head_len);
	buffer_add_text(&ret_gap->tail, text.data + head_len);
	return true;
}

void gap_fill(const struct gap *gap, const struct secret *secret,
	struct file_part parts[static GAP_PARTS])
{
	parts[0] = (struct file_part){gap->head.data, gap->head.len, NULL};
	parts[1] = (struct file_part){.secret = secret};
	parts[2] = (struct file_part){gap->tail.data, gap->tail.len, NULL};
}

void gap_release(struct gap *gap)
{
	buffer_release(&gap->head);
	buffer_release(&gap->tail);
}
