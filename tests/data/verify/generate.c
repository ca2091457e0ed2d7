/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "../notation.h"

#include "../bad/requests/keys.h"
#include "cases.h"

/*
 * Writes tests/data/verify: ID.fault and ID.near for each row of cases.h.
 *
 * `generate DIRECTORY serving` writes the same certificates for a server that is
 * called w1, and its key, key.pem: for TLS clients to judge.
 */
struct generator {
	const struct verify_part *instead;
	bool serving;
	struct key *keys[ARRAY_SIZE(bad_keys)];
};

static const char *find_part(
	const struct verify_part *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n && list[i].name; i++)
		if (!strcmp(list[i].name, name))
			return list[i].text;
	return NULL;
}

static const char *part_named(const void *data, const char *name)
{
	const struct generator *generator = data;
	const char *text = find_part(generator->instead, PARTS_MAX, name);

	if (!text && generator->serving)
		text = find_part(
			serving_parts, ARRAY_SIZE(serving_parts), name);
	return text ? text : find_part(parts, ARRAY_SIZE(parts), name);
}

static const struct key *key_named(const void *data, const char *name)
{
	const struct generator *generator = data;

	for (size_t i = 0; i < ARRAY_SIZE(bad_keys); i++)
		if (!strcmp(bad_keys[i].name, name))
			return generator->keys[i];
	return NULL;
}

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

static void write_file(const struct generator *generator, const char *directory,
	const char *id, const char *what)
{
	const struct notation notation = {part_named, key_named, generator};
	AUTO_TEXT path = memory_format("%s/%s.%s", directory, id, what);
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	FILE *file = fopen(path, "w");

	put_part(&notation, "text", &text);
	if (!file || fwrite(text.data, 1, text.len, file) != text.len ||
		fclose(file) != 0)
		give_up("cannot write", path);
}

/* "ID EXPECTED…": what is found in the fault. */
static void write_expected(const char *directory)
{
	AUTO_TEXT path = memory_format("%s/expected", directory);
	FILE *file = fopen(path, "w");

	if (!file)
		give_up("cannot write", path);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		fprintf(file, "%s%s%s\n", cases[i].id,
			cases[i].also ? " " : "",
			cases[i].also ? cases[i].also : "");
	if (fclose(file) != 0)
		give_up("cannot write", path);
}

/* Of the certificates, "ed25519". */
static void write_key(const char *directory)
{
	AUTO_TEXT path = memory_format("%s/key.pem", directory);
	FILE *file = fopen(path, "w");

	if (!file || fputs(bad_keys[0].pem, file) == EOF || fclose(file) != 0)
		give_up("cannot write", path);
}

int main(int argc, char **argv)
{
	struct generator generator = {.serving = argc == 3};

	if (argc != 2 && (argc != 3 || strcmp(argv[2], "serving") != 0))
		give_up("usage", "generate DIRECTORY [serving]");
	read_keys(&generator);
	if (generator.serving)
		write_key(argv[1]);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		generator.instead = cases[i].fault;
		write_file(&generator, argv[1], cases[i].id, "fault");
		generator.instead = cases[i].near;
		write_file(&generator, argv[1], cases[i].id, "near");
	}
	write_expected(argv[1]);
	for (size_t i = 0; i < ARRAY_SIZE(bad_keys); i++)
		key_free(generator.keys[i]);
	return 0;
}
