/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/bundle_detail.h"

#include <stdlib.h>
#include <string.h>

#define EMBEDDED " embedded"

char *bundle_detail_write(const char *server, enum layout layout, bool embedded)
{
	return memory_format("%s\n%s%s", server ? server : "",
		layout_name(layout), embedded ? EMBEDDED : "");
}

char *bundle_detail_server(const char *detail)
{
	const char *text = detail ? detail : "";

	return memory_text_n(text, strcspn(text, "\n"));
}

struct bundle_detail bundle_detail_read(const char *detail)
{
	const char *end = detail ? strchr(detail, '\n') : NULL;
	struct bundle_detail is = {0};
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* of another version */
	AUTO_TEXT layout = NULL;

	if (!end)
		return is;
	layout = memory_text_n(end + 1, strcspn(end + 1, " "));
	is.is_bundle = layout_parse(layout, &is.layout, &ignored);
	is.embedded = strstr(end, EMBEDDED) != NULL;
	return is;
}
