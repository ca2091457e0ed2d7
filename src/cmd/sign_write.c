/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/sign_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/draft.h"
#include "base/file.h"
#include "base/json.h"
#include "cmd/product.h"
#include "kube/node_certificates.h"
#include "pki/pem.h"

#define FILE_MAX ((size_t)4 << 20)

/* -- opening -- */

static bool check_kinds(struct sign_output *output, struct error *err)
{
	const struct sign *sign = output->sign;
	size_t n_objects = 0, n_requests = 0;

	for (size_t i = 0; i < sign->n_items; i++) {
		struct sign_item *item = &sign->items[i];

		n_objects += item->object != NULL;
		n_requests += !item->object && item->request;
		if (!output->bundle || !item->object || item->error.kind)
			continue;
		item->rule = "output";
		error_set(&item->error, ERROR_INPUT,
			"--bundle is for requests in PEM, not for objects");
	}
	if (!product_is_stream(output->out) || !n_objects || !n_requests)
		return true;
	return error_set(err, ERROR_INPUT,
		"requests in PEM and objects: standard output can have one "
		"kind of answer only");
}

bool sign_output_open(struct sign_output *output, struct error *err)
{
	output->dir = -1;
	if (!check_kinds(output, err))
		return false;
	if (product_is_stream(output->out))
		return true;
	output->dir = open(output->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return output->dir >= 0 || errno == ENOENT ||
	       error_errno(err, "output directory \"%s\"", output->out);
}

void sign_output_release(struct sign_output *output)
{
	if (output->dir >= 0)
		close(output->dir);
}

/* -- names -- */

/* A user's name may have any characters: those that no file should have are
 * written as %XX. */
static char *file_stem(const char *name)
{
	AUTO_RELEASE(buffer) stem = BUFFER_INIT;

	for (const unsigned char *at = (const unsigned char *)name; *at; at++) {
		bool plain = (*at >= 'a' && *at <= 'z') ||
			     (*at >= 'A' && *at <= 'Z') ||
			     (*at >= '0' && *at <= '9') || strchr("-_.@", *at);

		if (plain && !(*at == '.' && stem.len == 0))
			buffer_add_byte(&stem, (char)*at);
		else
			buffer_format(&stem, "%%%02X", *at);
	}
	return buffer_detach(&stem);
}

enum answer {
	ANSWER_APPROVAL,
	ANSWER_STATUS,
	ANSWER_CERTIFICATE,
	ANSWER_BUNDLE
};

static char *file_name(const struct sign_item *item, enum answer answer)
{
	AUTO_TEXT stem = NULL;

	switch (answer) {
	case ANSWER_APPROVAL:
		return memory_format("%s.approval.json", item->object->name);
	case ANSWER_STATUS:
		return memory_format("%s.status.json", item->object->name);
	case ANSWER_CERTIFICATE:
		stem = file_stem(sign_item_name(item));
		return memory_format("%s.%s.crt", stem, item->profile->name);
	case ANSWER_BUNDLE:
		break;
	}
	return memory_format("%s.yaml", sign_item_name(item));
}

static enum answer answer_of(
	const struct sign_output *output, const struct sign_item *item)
{
	if (item->object)
		return ANSWER_STATUS;
	return output->bundle ? ANSWER_BUNDLE : ANSWER_CERTIFICATE;
}

/* -- what is there already -- */

static bool is_earlier_certificate(const struct sign_output *output,
	const struct sign_item *item, const struct buffer *text)
{
	const struct sign *sign = output->sign;
	AUTO_FREE(certificate) there = NULL;
	AUTO_RELEASE(issuers) issuers = {.n_items = 0};
	AUTO_RELEASE(buffer) subject = BUFFER_INIT;
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* then it is none */

	return issuers_read_behind(der_of(text), &there, &issuers, &ignored) &&
	       der_equal(there->issuer,
		       authority_certificate(sign->context->ca)->subject) &&
	       profile_subject(item->profile, &item->grant.holder, &subject,
		       &ignored) &&
	       der_equal(there->subject,
		       (struct der){(const unsigned char *)subject.data,
			       subject.len});
}

/* Is there a text under this key, and is it this? */
static bool says(
	const struct document *map, const char *key, const char *expected)
{
	const struct document *node = document_find(map, key);
	const char *text = node ? document_text(node) : NULL;

	return text && !strcmp(text, expected);
}

static bool is_earlier_object(
	const struct sign_item *item, const struct buffer *text)
{
	AUTO_FREE(source)
	source = source_of_text("answer", text->data, text->len);
	AUTO_FREE(document) root = NULL;
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* then it is none */

	return json_read(source, &root, &ignored) &&
	       says(document_find(root, "metadata"), "name",
		       item->object->name);
}

/* One that has expired meanwhile, too: so it is not held to all rules. */
static bool is_earlier_bundle(
	const struct sign_item *item, const struct buffer *text)
{
	AUTO_FREE(source)
	source = source_of_text("answer", text->data, text->len);
	AUTO_FREE(document) root = NULL;
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* then it is none */

	return document_read_yaml(source, &root, &ignored) &&
	       says(root, "kind", "NodeCertificates") &&
	       says(root, "node", sign_item_name(item));
}

static bool is_earlier(const struct sign_output *output,
	const struct sign_item *item, enum answer answer,
	const struct buffer *text)
{
	switch (answer) {
	case ANSWER_APPROVAL:
	case ANSWER_STATUS:
		return is_earlier_object(item, text);
	case ANSWER_CERTIFICATE:
		return is_earlier_certificate(output, item, text);
	case ANSWER_BUNDLE:
		break;
	}
	return is_earlier_bundle(item, text);
}

static bool check_place(const struct sign_output *output,
	const struct sign_item *item, enum answer answer, struct error *err)
{
	AUTO_TEXT name = file_name(item, answer);
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	if (output->dir < 0 || !file_exists(output->dir, name))
		return true;
	if (!file_read(output->dir, name, FILE_MAX, &text, err) &&
		err->kind != ERROR_INPUT)
		return false;
	if (!err->kind && is_earlier(output, item, answer, &text))
		return true;
	error_release(err);
	return error_set(err, ERROR_REFUSED,
		"\"%s/%s\": is there, and no earlier answer to this",
		output->out, name);
}

/* A bundle on standard output is one node's. */
static bool accept_in_stream(struct sign_output *output,
	const struct sign_item *item, struct error *err)
{
	const char *name = sign_item_name(item);

	if (!output->bundle)
		return true;
	if (!output->node)
		output->node = name;
	return !strcmp(output->node, name) ||
	       error_set(err, ERROR_REFUSED,
		       "standard output has the bundle of node \"%s\" already",
		       output->node);
}

bool sign_output_accept(void *data, struct sign_item *item, struct error *err)
{
	struct sign_output *output = data;
	AUTO_TEXT name = NULL;

	if (output->bundle && item->profile->for_user)
		return error_set(err, ERROR_REFUSED,
			"a bundle is a node's, not a user's");
	if (product_is_stream(output->out))
		return accept_in_stream(output, item, err);
	if (item->object && !check_place(output, item, ANSWER_APPROVAL, err))
		return false;
	if (!check_place(output, item, answer_of(output, item), err))
		return false;
	name = file_name(item, answer_of(output, item));
	item->path = memory_format("%s/%s", output->out, name);
	return true;
}

/* -- texts -- */

/* For free(). */
static char *approval_message(const struct sign_item *item)
{
	const char *note = item->grant.note;

	return memory_format("signed offline by kpki (%s)%s%s", item->rule,
		note ? "; asked for " : "", note ? note : "");
}

static void write_json(const struct document *root, struct buffer *text)
{
	json_write(root, JSON_INDENTED, text);
	buffer_add_byte(text, '\n');
}

/* A CA needs to know who signed it, a leaf to show it. */
static void write_certificate(const struct context *context,
	const struct sign_item *item, struct buffer *text)
{
	if (!item->profile->is_ca) {
		authority_write_leaf(
			context->ca, item->certificate->whole, text);
		return;
	}
	pem_write(text, "CERTIFICATE", item->certificate->whole);
	pem_write(text, "CERTIFICATE",
		authority_certificate(context->ca)->whole);
	issuers_write(&context->issuers, text);
}

/* The object as it should be in the end. */
static struct document *finished_object(
	const struct context *context, const struct sign_item *item)
{
	AUTO_RELEASE(buffer) pem = BUFFER_INIT;
	AUTO_TEXT message = NULL;
	struct document *root;

	if (!item->certificate)
		return csr_object_denied(item->object, item->error.message);
	message = approval_message(item);
	root = csr_object_approved(item->object, message);
	write_certificate(context, item, &pem);
	csr_object_add_certificate(root, &pem);
	return root;
}

static bool is_denied(const struct sign *sign, const struct sign_item *item)
{
	return sign->deny && item->object && !item->object->approved &&
	       item->error.kind && strcmp(item->rule, "output") != 0;
}

static bool has_answer(
	const struct sign_output *output, const struct sign_item *item)
{
	return !item->finished && ((item->certificate && !item->error.kind) ||
					  is_denied(output->sign, item));
}

static enum kubelet_pair pair_of(const struct sign_item *item)
{
	return item->profile == profile_of_pair(KUBELET_CLIENT)
		       ? KUBELET_CLIENT
		       : KUBELET_SERVING;
}

/* Client and serving certificate of one node in one file: those of all items
 * with its name. */
static bool write_bundle(const struct sign_output *output,
	const struct sign_item *item, struct buffer *text, struct error *err)
{
	const struct sign *sign = output->sign;
	struct node_certificates file = {
		.node = sign_item_name(item),
		.layout = output->layout,
		.cluster = sign->context->cluster,
		.ca_pem = authority_pem(sign->context->ca),
		.chain_pem = authority_chain(sign->context->ca),
	};

	for (size_t i = 0; i < sign->n_items; i++) {
		const struct sign_item *other = &sign->items[i];

		if (has_answer(output, other) &&
			!strcmp(sign_item_name(other), file.node))
			file.certificates[pair_of(other)] =
				other->certificate->whole;
	}
	return node_certificates_write(&file, text, err);
}

/* -- standard output -- */

static void add_objects(const struct sign_output *output, struct buffer *text)
{
	const struct sign *sign = output->sign;
	AUTO_FREE(document) root = document_new_map();
	struct document *items;

	document_put_text(root, "apiVersion", "v1");
	document_put_text(root, "kind", "List");
	items = document_put(root, "items", document_new_list());
	for (size_t i = 0; i < sign->n_items; i++)
		if (sign->items[i].object &&
			has_answer(output, &sign->items[i]))
			document_append(
				items, finished_object(
					sign->context, &sign->items[i]));
	if (document_count(items))
		write_json(root, text);
}

/* sign_output_accept saw to it that all are of one node. */
static bool add_bundle(const struct sign_output *output, struct buffer *text,
	struct error *err)
{
	const struct sign *sign = output->sign;

	for (size_t i = 0; i < sign->n_items; i++)
		if (has_answer(output, &sign->items[i]))
			return write_bundle(output, &sign->items[i], text, err);
	return true;
}

static void add_certificates(
	const struct sign_output *output, struct buffer *text)
{
	const struct sign *sign = output->sign;

	for (size_t i = 0; i < sign->n_items; i++)
		if (!sign->items[i].object &&
			has_answer(output, &sign->items[i]))
			write_certificate(
				sign->context, &sign->items[i], text);
}

static bool write_stream(const struct sign_output *output, struct error *err)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	if (output->bundle && !add_bundle(output, &text, err))
		return false;
	if (!output->bundle) {
		add_certificates(output, &text);
		add_objects(output, &text);
	}
	return product_print(&text, err);
}

/* -- files -- */

static bool save(const struct sign_output *output, const char *name,
	const struct buffer *text, struct error *err)
{
	const struct file_part part = {text->data, text->len, NULL};
	AUTO_RELEASE(draft) draft = DRAFT_INIT;
	AUTO_RELEASE(buffer) is = BUFFER_INIT;
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* then it is replaced */
	bool exists = false;

	if (file_exists(output->dir, name) &&
		file_read(output->dir, name, FILE_MAX, &is, &ignored) &&
		is.len == text->len && !memcmp(is.data, text->data, is.len))
		return true;
	return draft_open(output->dir, 0644, &draft, err) &&
	       file_write_parts(draft.fd, &part, 1, name, err) &&
	       draft_publish(&draft, name, true, &exists, err);
}

static bool save_object(const struct sign_output *output,
	const struct sign_item *item, struct error *err)
{
	AUTO_TEXT approval = file_name(item, ANSWER_APPROVAL);
	AUTO_TEXT status = file_name(item, ANSWER_STATUS);
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_FREE(document) finished = finished_object(output->sign->context, item);
	AUTO_FREE(document) approved = NULL;
	AUTO_TEXT message = NULL;

	if (!item->certificate) {
		write_json(finished, &text);
		return check_place(output, item, ANSWER_APPROVAL, err) &&
		       save(output, approval, &text, err);
	}
	if (!item->object->approved) {
		message = approval_message(item);
		approved = csr_object_approved(item->object, message);
		write_json(approved, &text);
		if (!save(output, approval, &text, err))
			return false;
		buffer_reset(&text);
	}
	write_json(finished, &text);
	return save(output, status, &text, err);
}

static bool save_item(const struct sign_output *output,
	const struct sign_item *item, struct error *err)
{
	AUTO_TEXT name = NULL;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	if (item->object)
		return save_object(output, item, err);
	name = file_name(item, answer_of(output, item));
	if (!output->bundle)
		write_certificate(output->sign->context, item, &text);
	else if (!write_bundle(output, item, &text, err))
		return false;
	return save(output, name, &text, err);
}

bool sign_output_write(struct sign_output *output, struct error *err)
{
	const struct sign *sign = output->sign;

	if (product_is_stream(output->out))
		return write_stream(output, err);
	for (size_t i = 0; i < sign->n_items; i++) {
		if (!has_answer(output, &sign->items[i]))
			continue;
		if (output->dir < 0 &&
			!directory_ensure(output->out, &output->dir, err))
			return false;
		if (!save_item(output, &sign->items[i], err))
			return error_context(err, "\"%s\"", output->out);
	}
	return true;
}
