/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verify/file.h"

#include <stdlib.h>
#include <string.h>

#include "pki/key.h"
#include "pki/pem.h"
#include "pki/public_key.h"

struct label {
	const char *kind, *key; /* of what is embedded, or NULL */
};

static void release_artifact(struct artifact *artifact)
{
	certificate_free(artifact->certificate);
	flaws_release(&artifact->flaws);
	request_free(artifact->request);
	csr_object_free(artifact->object);
	kubeconfig_file_free(artifact->kubeconfig);
	token_secret_free(artifact->token);
	rbac_object_free(artifact->rbac);
	static_token_free(artifact->static_token);
	free(artifact->token_id);
	cluster_free(artifact->cluster);
	buffer_release(&artifact->public_key);
	free(artifact->node);
	free(artifact->key_name);
	free(artifact->embedded_key);
	free(artifact->problem);
	free(artifact);
}

void file_free(struct file *file)
{
	if (!file)
		return;
	for (size_t i = 0; i < file->n_artifacts; i++)
		release_artifact(file->artifacts[i]);
	free(file->artifacts);
	free(file->path);
	free(file->inside);
	free(file->link);
	free(file->problem);
	free(file);
}

bool file_has_room(struct file *file)
{
	if (file->n_artifacts < FILE_ARTIFACTS_MAX)
		return true;
	if (!file->problem)
		file->problem = memory_format("more than %d things in it: the "
					      "rest was not looked at",
			FILE_ARTIFACTS_MAX);
	return false;
}

struct artifact *file_add(struct file *file, enum artifact_kind kind)
{
	struct artifact *artifact = memory_new(1, sizeof(*artifact));

	artifact->kind = kind;
	artifact->file = file;
	artifact->place = file->n_artifacts;
	artifact->number = 1;
	artifact->public_key = (struct buffer)BUFFER_INIT;
	for (size_t i = 0; i < file->n_artifacts; i++)
		if (file->artifacts[i]->kind == kind)
			artifact->number++;
	file->artifacts = memory_grow(file->artifacts, &file->allocated,
		file->n_artifacts + 1, sizeof(struct artifact *));
	file->artifacts[file->n_artifacts++] = artifact;
	return artifact;
}

static struct artifact *add_labelled(struct file *file,
	enum artifact_kind kind, const struct label *label)
{
	struct artifact *artifact = file_add(file, kind);

	artifact->embedded_kind = label->kind;
	if (label->key)
		artifact->embedded_key = memory_text(label->key);
	return artifact;
}

/* What should have been one of ours, and why it is not. */
static void add_broken(struct file *file, const struct label *label,
	const char *what, const struct error *err)
{
	struct artifact *artifact =
		add_labelled(file, ARTIFACT_UNREADABLE, label);

	artifact->problem = memory_format("%s: %s", what, err->message);
}

/* -- what is in a block -- */

typedef void add_block(
	struct file *file, const struct label *label, struct der der);

static void add_certificate(
	struct file *file, const struct label *label, struct der der)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(flaws) flaws = FLAWS_INIT;
	struct certificate *certificate = NULL;
	struct artifact *artifact;

	if (!certificate_examine(der, &flaws, &certificate, &err)) {
		add_broken(file, label, "certificate", &err);
		return;
	}
	artifact = add_labelled(file, ARTIFACT_CERTIFICATE, label);
	artifact->certificate = certificate;
	artifact->flaws = flaws;
	flaws = (struct flaws)FLAWS_INIT;
}

static void add_request(
	struct file *file, const struct label *label, struct der der)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(request) request = NULL;

	if (!request_read(der, &request, &err))
		add_broken(file, label, "request", &err);
	else
		add_labelled(file, ARTIFACT_REQUEST, label)->request =
			take(&request);
}

static void add_public_key(
	struct file *file, const struct label *label, struct der der)
{
	struct artifact *artifact =
		add_labelled(file, ARTIFACT_PUBLIC_KEY, label);
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct public_key key;

	if (public_key_read(der, &key, &err)) {
		buffer_add(&artifact->public_key, der.bytes, der.len);
		artifact->key_name = memory_text(key.name);
	} else {
		artifact->problem = memory_text(err.message);
	}
}

/* Of a private key only what others may know is kept. */
static void add_private_key(
	struct file *file, const struct label *label, struct der text)
{
	struct artifact *artifact = add_labelled(file, ARTIFACT_KEY, label);
	AUTO_FREE(secret) pem = secret_new(text.len);
	AUTO_FREE(key) key = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(error) passed_over = ERROR_INIT; /* it comes again */
	enum key_custody custody;

	memcpy(secret_bytes(pem), text.bytes, text.len);
	artifact->is_sealed = key_text_custody(pem, &custody, &passed_over) &&
			      custody == KEY_SEALED;
	if (!key_read(pem, &key, &err)) {
		artifact->problem = memory_text(err.message);
		return;
	}
	buffer_add(&artifact->public_key, key_public(key).bytes,
		key_public(key).len);
	artifact->key_name = memory_text(key_describe(key));
}

static bool is_private(const struct pem_block *block)
{
	static const char end[] = "PRIVATE KEY";
	size_t len = strlen(end);

	return block->label.len >= len &&
	       memcmp(block->label.bytes + block->label.len - len, end, len) ==
		       0;
}

static const struct {
	const char *label;
	add_block *add;
} blocks[] = {
	{"CERTIFICATE", add_certificate},
	{"CERTIFICATE REQUEST", add_request},
	{"NEW CERTIFICATE REQUEST", add_request},
	{"PUBLIC KEY", add_public_key},
};

static void add_decoded(struct file *file, const struct label *label,
	const struct pem_block *block, add_block *add)
{
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	size_t len;

	if (!pem_decode(block, buffer_room(&der, PEM_ROOM(block->body.len)),
		    &len, &err)) {
		add_broken(file, label,
			add == add_certificate ? "certificate" : "block", &err);
		return;
	}
	add(file, label, (struct der){(const unsigned char *)der.data, len});
}

static bool is_text(struct der text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!memchr(" \t\r\n", text.bytes[i], 4))
			return true;
	return false;
}

static void add_pem_block(struct file *file, const struct label *label,
	const struct pem_block *block, struct der whole)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (is_private(block)) {
		add_private_key(file, label, whole);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++)
		if (pem_is_labelled(block, blocks[i].label)) {
			add_decoded(file, label, block, blocks[i].add);
			return;
		}
	if (!pem_is_labelled(block, "TRUSTED CERTIFICATE") &&
		!pem_is_labelled(block, "X509 CERTIFICATE"))
		return;
	error_set(&err, ERROR_INPUT,
		"PEM block \"%.*s\": only \"CERTIFICATE\" is looked at",
		(int)block->label.len, block->label.bytes);
	add_broken(file, label, "certificate", &err);
}

/* How many blocks there were. */
static size_t add_pem(
	struct file *file, const struct label *label, struct der text)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	size_t n = 0;

	for (;;) {
		struct der start = text, whole;
		struct pem_block block;
		bool found;

		if (!pem_next(&text, &block, &found, &err)) {
			add_broken(file, label, "PEM", &err);
			return n + 1;
		}
		if (!found || !file_has_room(file))
			break;
		whole = (struct der){start.bytes + block.before.len,
			start.len - text.len - block.before.len};
		file->text_around |= is_text(block.before);
		add_pem_block(file, label, &block, whole);
		n++;
	}
	file->text_around |= n > 0 && is_text(text);
	return n;
}

size_t file_add_pem(struct file *file, const char *embedded_kind,
	const char *embedded_key, const struct secret *pem)
{
	const struct label label = {embedded_kind, embedded_key};

	return add_pem(file, &label,
		(struct der){secret_view(pem), secret_len(pem)});
}

/* -- the whole file -- */

/* Octets that are no text, and begin as a SEQUENCE of more than 127. */
static bool is_der(struct der bytes)
{
	return bytes.len > 4 && bytes.bytes[0] == DER_SEQUENCE &&
	       bytes.bytes[1] > 0x80 && bytes.bytes[1] < 0x85;
}

static void add_der(struct file *file, struct der der)
{
	static const struct label none = {NULL, NULL};
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(request) request = NULL;
	size_t first = file->n_artifacts;

	if (request_read(der, &request, &err))
		file_add(file, ARTIFACT_REQUEST)->request = take(&request);
	else
		add_certificate(file, &none, der);
	file->artifacts[first]->is_der = true;
}

void file_classify(struct file *file, const struct secret *bytes)
{
	static const struct label none = {NULL, NULL};
	struct der all = {secret_view(bytes), secret_len(bytes)};

	if (is_der(all))
		add_der(file, all);
	else if (add_pem(file, &none, all) == 0)
		file_add_documents(file, bytes);
}
