/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/bundle_detail.h"

#include <stdlib.h>
#include <string.h>

#define EMBEDDED " embedded"
#define CONTROL_PLANE " control-plane"
#define CA_KEY " ca-key"

char *bundle_detail_write(const char *server, enum layout layout, bool embedded)
{
	return memory_format("%s\n%s%s", server ? server : "",
		layout_name(layout), embedded ? EMBEDDED : "");
}

char *bundle_detail_write_tree(
	const char *server, enum layout layout, bool ca_key)
{
	return memory_format("%s\n%s" CONTROL_PLANE "%s", server,
		layout_name(layout), ca_key ? CA_KEY : "");
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
	is.control_plane = strstr(end, CONTROL_PLANE) != NULL;
	is.ca_key = strstr(end, CA_KEY) != NULL;
	return is;
}
