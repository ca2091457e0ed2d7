/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "../../notation.h"

#include "cases.h"
#include "keys.h"

/*
 * Writes tests/data/bad/requests: one file for each row of cases.h, in the
 * notation of notation.h.  A case replaces some parts of a good request.
 */

struct generator {
	const struct request_bad *row;
	struct key *keys[ARRAY_SIZE(bad_keys)];
};

/* -- parts -- */

static const char *find_part(
	const struct request_part *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n && list[i].name; i++)
		if (!strcmp(list[i].name, name))
			return list[i].text;
	return NULL;
}

static const struct key *key_named(const void *data, const char *name)
{
	const struct generator *generator = data;

	for (size_t i = 0; i < ARRAY_SIZE(bad_keys); i++)
		if (!strcmp(bad_keys[i].name, name))
			return generator->keys[i];
	return NULL;
}

static const char *part_named(const void *data, const char *name)
{
	const struct generator *generator = data;
	const char *text =
		find_part(generator->row->instead, CASE_PARTS_MAX, name);

	if (!text && generator->row->profile == SERVING)
		text = find_part(
			serving_parts, ARRAY_SIZE(serving_parts), name);
	if (!text)
		text = find_part(parts, ARRAY_SIZE(parts), name);
	return text;
}

/* -- files -- */

static void read_keys(struct generator *generator)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(bad_keys); i++) {
		size_t len = strlen(bad_keys[i].pem);
		AUTO_FREE(secret) pem = secret_new(len);

		memcpy(secret_bytes(pem), bad_keys[i].pem, len);
		if (!key_read(pem, &generator->keys[i], &err))
			give_up(bad_keys[i].name, err.message);
	}
}

static void write_case(const struct generator *generator, const char *directory)
{
	const struct notation notation = {part_named, key_named, generator};
	const struct request_bad *row = generator->row;
	AUTO_TEXT path = memory_format("%s/%s.csr", directory, row->name);
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	FILE *file = fopen(path, "w");

	buffer_format(&text, "# expect: %d %s\n# profile: %s\n", row->status,
		row->message,
		row->profile == SERVING ? "kubelet-serving" : "kubelet-client");
	put_part(&notation, "text", &text);
	if (!file || fwrite(text.data, 1, text.len, file) != text.len ||
		fclose(file) != 0)
		give_up("cannot write", path);
}

int main(int argc, char **argv)
{
	struct generator generator = {.row = NULL};

	if (argc != 2)
		give_up("usage", "generate DIRECTORY");
	read_keys(&generator);
	for (size_t i = 0; i < ARRAY_SIZE(bad_requests); i++) {
		generator.row = &bad_requests[i];
		write_case(&generator, argv[1]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad_keys); i++)
		key_free(generator.keys[i]);
	return 0;
}
