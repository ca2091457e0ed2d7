/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/csr_object.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"

#define API_VERSION CSR_OBJECT_API
#define KIND CSR_OBJECT_KIND
#define LIST_KIND KIND "List"

/* -- the tables -- */

static const struct {
	const char *name, *profile;
} signers[] = {
	[CSR_SIGNER_KUBELET_CLIENT] = {"kubernetes.io/"
				       "kube-apiserver-client-kubelet",
		"kubelet-client"},
	[CSR_SIGNER_KUBELET_SERVING] = {"kubernetes.io/kubelet-serving",
		"kubelet-serving"},
	[CSR_SIGNER_CLIENT] = {"kubernetes.io/kube-apiserver-client",
		"kube-apiserver-client"},
};

const char *csr_signer_profile(enum csr_signer signer)
{
	return signer == CSR_SIGNER_OTHER ? NULL : signers[signer].profile;
}

/* Kubernetes: api/certificates/v1, KeyUsage */
static const struct {
	const char *name;
	enum csr_usage usage;
} usages[] = {
	{"digital signature", CSR_DIGITAL_SIGNATURE},
	{"key encipherment", CSR_KEY_ENCIPHERMENT},
	{"client auth", CSR_CLIENT_AUTH},
	{"server auth", CSR_SERVER_AUTH},
	{"signing", CSR_OTHER_USAGE},
	{"content commitment", CSR_OTHER_USAGE},
	{"key agreement", CSR_OTHER_USAGE},
	{"data encipherment", CSR_OTHER_USAGE},
	{"cert sign", CSR_OTHER_USAGE},
	{"crl sign", CSR_OTHER_USAGE},
	{"encipher only", CSR_OTHER_USAGE},
	{"decipher only", CSR_OTHER_USAGE},
	{"any", CSR_OTHER_USAGE},
	{"code signing", CSR_OTHER_USAGE},
	{"email protection", CSR_OTHER_USAGE},
	{"s/mime", CSR_OTHER_USAGE},
	{"ipsec end system", CSR_OTHER_USAGE},
	{"ipsec tunnel", CSR_OTHER_USAGE},
	{"ipsec user", CSR_OTHER_USAGE},
	{"timestamping", CSR_OTHER_USAGE},
	{"ocsp signing", CSR_OTHER_USAGE},
	{"microsoft sgc", CSR_OTHER_USAGE},
	{"netscape sgc", CSR_OTHER_USAGE},
};

/* -- reading one -- */

struct reading {
	const char *file;
	csr_object_visit *visit;
	void *data;
};

static bool broken(const struct reading *reading, const struct document *at,
	struct error *err, const char *format, ...) PRINTF(4, 5);

static bool broken(const struct reading *reading, const struct document *at,
	struct error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)error_vset(err, ERROR_INPUT, format, args);
	va_end(args);
	return error_at(err, reading->file, document_line(at));
}

static bool is_null(const struct document *node)
{
	return !node || document_kind(node) == DOCUMENT_NULL;
}

/* Kubernetes: api/validation/path, IsValidPathSegmentName.  The name becomes
 * that of a file, so it is visible ASCII, and does not hide. */
static bool read_name(const struct reading *reading, struct csr_object *out,
	struct error *err)
{
	const struct document *metadata = document_find(out->root, "metadata");
	const struct document *name = document_find(metadata, "name");

	if (!name)
		return broken(
			reading, out->root, err, "object: no metadata.name");
	if (!document_require(
		    name, DOCUMENT_TEXT, reading->file, "metadata.name", err))
		return false;
	out->name = document_text(name);
	for (const char *at = out->name; *at; at++)
		if (*at <= ' ' || *at > '~' || *at == '/' || *at == '%')
			return broken(reading, name, err,
				"metadata.name \"%s\": has a character that no "
				"name has",
				out->name);
	if (out->name[0] == '\0' || out->name[0] == '.' ||
		strlen(out->name) > 235)
		return broken(reading, name, err,
			"metadata.name \"%s\": empty, longer than 235 "
			"characters, or begins with a dot",
			out->name);
	return true;
}

/* Kubernetes: apis/certificates/validation, ValidateSignerName, in short. */
static bool read_signer(const struct reading *reading,
	const struct document *spec, struct csr_object *out, struct error *err)
{
	const struct document *signer = document_find(spec, "signerName");

	if (!signer)
		return broken(reading, spec, err, "spec: no signerName");
	if (!document_require(signer, DOCUMENT_TEXT, reading->file,
		    "spec.signerName", err))
		return false;
	out->signer_name = document_text(signer);
	out->signer = CSR_SIGNER_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(signers); i++)
		if (!strcmp(out->signer_name, signers[i].name))
			out->signer = (enum csr_signer)i;
	return true;
}

static bool read_usage(const struct reading *reading,
	const struct document *usage, struct csr_object *out, struct error *err)
{
	const char *text;

	if (!document_require(
		    usage, DOCUMENT_TEXT, reading->file, "spec.usages[]", err))
		return false;
	text = document_text(usage);
	for (size_t i = 0; i < ARRAY_SIZE(usages); i++) {
		if (strcmp(text, usages[i].name) != 0)
			continue;
		out->usages |= usages[i].usage;
		if (usages[i].usage == CSR_OTHER_USAGE && !out->other_usage)
			out->other_usage = text;
		return true;
	}
	return broken(reading, usage, err,
		"usage \"%s\": not one of Kubernetes", text);
}

static bool read_usages(const struct reading *reading,
	const struct document *spec, struct csr_object *out, struct error *err)
{
	const struct document *list = document_find(spec, "usages");

	if (!list)
		return broken(reading, spec, err, "spec: no usages");
	if (!document_require(
		    list, DOCUMENT_LIST, reading->file, "spec.usages", err))
		return false;
	for (size_t i = 0; i < document_count(list); i++) {
		const struct document *usage = document_at(list, i);

		if (!read_usage(reading, usage, out, err))
			return false;
		for (size_t j = 0; j < i; j++)
			if (!strcmp(document_text(usage),
				    document_text(document_at(list, j))))
				return broken(reading, usage, err,
					"usage \"%s\": there twice",
					document_text(usage));
	}
	return document_count(list) > 0 ||
	       broken(reading, list, err, "spec: no usages");
}

/* int32, at least ten minutes (Kubernetes: ValidateCertificateRequestSpec). */
static bool read_expiration(const struct reading *reading,
	const struct document *spec, struct csr_object *out, struct error *err)
{
	const struct document *node = document_find(spec, "expirationSeconds");
	const char *text;

	if (is_null(node))
		return true;
	if (!document_require(node, DOCUMENT_NUMBER, reading->file,
		    "spec.expirationSeconds", err))
		return false;
	text = document_text(node);
	if (strlen(text) > 10 || strspn(text, "0123456789") != strlen(text) ||
		strtoll(text, NULL, 10) > INT32_MAX)
		return broken(reading, node, err,
			"spec.expirationSeconds \"%s\": not a number of 32 "
			"bits",
			text);
	out->expiration = strtoll(text, NULL, 10);
	if (out->expiration < 600)
		return broken(reading, node, err,
			"spec.expirationSeconds \"%s\": less than 600", text);
	return true;
}

static bool read_requester(const struct reading *reading,
	const struct document *spec, struct csr_object *out, struct error *err)
{
	const struct document *username = document_find(spec, "username");
	const struct document *list = document_find(spec, "groups");

	if (username && !document_require(username, DOCUMENT_TEXT,
				reading->file, "spec.username", err))
		return false;
	if (username && *document_text(username))
		out->username = document_text(username);
	if (!list)
		return true;
	if (!document_require(
		    list, DOCUMENT_LIST, reading->file, "spec.groups", err))
		return false;
	if (document_count(list) > CSR_GROUPS_MAX)
		return broken(reading, list, err, "spec.groups: more than %d",
			CSR_GROUPS_MAX);
	for (size_t i = 0; i < document_count(list); i++) {
		const struct document *group = document_at(list, i);

		if (!document_require(group, DOCUMENT_TEXT, reading->file,
			    "spec.groups[]", err))
			return false;
		out->groups[out->n_groups++] = document_text(group);
	}
	return true;
}

static void read_request_text(
	const char *text, size_t len, struct csr_object *out)
{
	AUTO_RELEASE(buffer) pem = BUFFER_INIT;
	size_t pem_len = 0;

	if (len > 4 * REQUEST_MAX) {
		error_set(&out->request_error, ERROR_INPUT,
			"longer than %zu bytes", 4 * REQUEST_MAX);
		return;
	}
	if (len == 0 ||
		!base64_decode(text, len, buffer_room(&pem, len), &pem_len)) {
		error_set(&out->request_error, ERROR_INPUT, "not base64");
		return;
	}
	buffer_wrote(&pem, pem_len);
	if (!request_read_pem(
		    pem.data, pem.len, &out->request, &out->request_error))
		out->request = NULL;
}

static bool read_request(const struct reading *reading,
	const struct document *spec, struct csr_object *out, struct error *err)
{
	const struct document *request = document_find(spec, "request");

	if (!request)
		return broken(reading, spec, err, "spec: no request");
	if (!document_require(
		    request, DOCUMENT_TEXT, reading->file, "spec.request", err))
		return false;
	read_request_text(
		document_text(request), strlen(document_text(request)), out);
	if (!out->request)
		error_context(&out->request_error, "spec.request");
	return true;
}

static bool read_spec(const struct reading *reading, struct csr_object *out,
	struct error *err)
{
	static const char *const keys[] = {"request", "signerName", "usages",
		"expirationSeconds", "username", "uid", "groups", "extra"};
	const struct document *spec = document_find(out->root, "spec");

	if (!spec)
		return broken(reading, out->root, err, "object: no spec");
	return document_require(
		       spec, DOCUMENT_MAP, reading->file, "spec", err) &&
	       document_require_keys(
		       spec, keys, ARRAY_SIZE(keys), reading->file, err) &&
	       read_signer(reading, spec, out, err) &&
	       read_usages(reading, spec, out, err) &&
	       read_expiration(reading, spec, out, err) &&
	       read_requester(reading, spec, out, err) &&
	       read_request(reading, spec, out, err);
}

static bool text_is(const struct document *node, const char *text)
{
	return node && document_text(node) &&
	       !strcmp(document_text(node), text);
}

static bool read_status(const struct reading *reading, struct csr_object *out,
	struct error *err)
{
	const struct document *status = document_find(out->root, "status");
	const struct document *list = document_find(status, "conditions");
	const struct document *certificate =
		document_find(status, "certificate");

	if (!is_null(status) && !document_require(status, DOCUMENT_MAP,
					reading->file, "status", err))
		return false;
	if (is_null(list))
		list = NULL;
	if (list && !document_require(list, DOCUMENT_LIST, reading->file,
			    "status.conditions", err))
		return false;
	for (size_t i = 0; list && i < document_count(list); i++) {
		const struct document *type =
			document_find(document_at(list, i), "type");

		out->approved |= text_is(type, "Approved");
		out->denied |= text_is(type, "Denied");
		out->failed |= text_is(type, "Failed");
	}
	out->has_certificate = certificate && document_text(certificate) &&
			       *document_text(certificate);
	if (out->has_certificate)
		out->certificate = document_text(certificate);
	return true;
}

/* A List's items say what they are; those of a list of the kind need not. */
static bool complete_kind(const struct reading *reading, bool bare,
	struct document *root, struct error *err)
{
	if (bare && !document_find(root, "apiVersion") &&
		!document_find(root, "kind")) {
		document_put_text(root, "apiVersion", API_VERSION);
		document_put_text(root, "kind", KIND);
	}
	return document_require_kind(
		root, API_VERSION, KIND, reading->file, err);
}

static bool read_copy(const struct reading *reading, bool bare,
	const struct document *node, struct csr_object **ret_object,
	struct error *err)
{
	static const char *const keys[] = {
		"apiVersion", "kind", "metadata", "spec", "status"};
	AUTO_FREE(csr_object) out = NULL;

	if (!document_require(
		    node, DOCUMENT_MAP, reading->file, "an object", err))
		return false;
	out = memory_new(1, sizeof(*out));
	out->root = document_copy(node);
	out->line = document_line(node);
	if (!complete_kind(reading, bare, out->root, err) ||
		!document_require_keys(out->root, keys, ARRAY_SIZE(keys),
			reading->file, err) ||
		!read_name(reading, out, err) ||
		!read_spec(reading, out, err) ||
		!read_status(reading, out, err))
		return false;
	*ret_object = take(&out);
	return true;
}

static bool read_object(const struct reading *reading,
	const struct document *list, const struct document *node,
	struct error *err)
{
	AUTO_FREE(csr_object) object = NULL;
	bool bare = list && text_is(document_find(list, "kind"), LIST_KIND);

	return read_copy(reading, bare, node, &object, err) &&
	       reading->visit(reading->data, &object, err);
}

bool csr_object_of(const struct document *root, const char *file,
	struct csr_object **ret_object, struct error *err)
{
	const struct reading reading = {.file = file};

	return read_copy(&reading, true, root, ret_object, err);
}

void csr_object_free(struct csr_object *object)
{
	if (!object)
		return;
	document_free(object->root);
	request_free(object->request);
	error_release(&object->request_error);
	free(object);
}

/* -- reading all -- */

static bool is_list(const struct document *root)
{
	const struct document *kind = document_find(root, "kind");

	return text_is(kind, "List") || text_is(kind, LIST_KIND);
}

static bool read_list(const struct reading *reading,
	const struct document *root, struct error *err)
{
	static const char *const keys[] = {
		"apiVersion", "kind", "metadata", "items"};
	const struct document *kind = document_find(root, "kind");
	const struct document *items = document_find(root, "items");
	bool plain = text_is(kind, "List");

	if (!document_require_kind(root, plain ? "v1" : API_VERSION,
		    plain ? "List" : LIST_KIND, reading->file, err) ||
		!document_require_keys(
			root, keys, ARRAY_SIZE(keys), reading->file, err))
		return false;
	if (!items)
		return broken(reading, root, err, "list: no items");
	if (!document_require(
		    items, DOCUMENT_LIST, reading->file, "items", err))
		return false;
	for (size_t i = 0; i < document_count(items); i++)
		if (!read_object(reading, root, document_at(items, i), err))
			return false;
	return true;
}

static bool read_root(const struct reading *reading,
	const struct document *root, struct error *err)
{
	return is_list(root) ? read_list(reading, root, err)
			     : read_object(reading, NULL, root, err);
}

static bool is_json(struct source *source, bool *ret_json, struct error *err)
{
	const char *bytes;
	size_t len;

	if (!source_peek(source, &bytes, &len, err))
		return false;
	while (len > 0 && strchr(" \t\r\n", *bytes) && *bytes)
		bytes++, len--;
	*ret_json = len > 0 && *bytes == '{';
	return true;
}

bool csr_objects_read(struct source *source, csr_object_visit *visit,
	void *data, struct error *err)
{
	const struct reading reading = {source_name(source), visit, data};
	AUTO_FREE(document) root = NULL;
	bool json;

	if (!is_json(source, &json, err))
		return false;
	if (json)
		return json_read(source, &root, err) &&
		       read_root(&reading, root, err);
	if (!document_read_yaml_all(source, &root, err))
		return false;
	for (size_t i = 0; i < document_count(root); i++)
		if (!read_root(&reading, document_at(root, i), err))
			return false;
	return true;
}

bool csr_objects_look(const char *bytes, size_t len)
{
	static const char dashes[] = "-----BEGIN ";

	return !memmem(bytes, len, dashes, strlen(dashes));
}

/* -- what goes back -- */

/* A map without one of its keys. */
static struct document *without(
	const struct document *map, const char *const *keys, size_t n_keys)
{
	struct document *copy = document_new_map();

	for (size_t i = 0; i < document_count(map); i++) {
		bool left_out = false;

		for (size_t k = 0; k < n_keys; k++)
			left_out |= !strcmp(document_key(map, i), keys[k]);
		if (!left_out)
			document_put(copy, document_key(map, i),
				document_copy(document_at(map, i)));
	}
	return copy;
}

static struct document *go_back(const struct csr_object *object)
{
	static const char *const stale[] = {"resourceVersion", "managedFields"};
	struct document *root = document_copy(object->root);

	document_put(root, "metadata",
		without(document_find(object->root, "metadata"), stale,
			ARRAY_SIZE(stale)));
	return root;
}

/* The child for changing; made where there is none. */
static struct document *child(
	struct document *map, const char *key, struct document *(*make)(void))
{
	const struct document *there = document_find(map, key);

	if (is_null(there))
		return document_put(map, key, make());
	return document_edit(map, key);
}

static struct document *with_condition(
	const struct csr_object *object, const char *type, const char *message)
{
	struct document *root = go_back(object);
	struct document *status = child(root, "status", document_new_map);
	struct document *conditions =
		child(status, "conditions", document_new_list);
	struct document *condition =
		document_append(conditions, document_new_map());

	document_put_text(condition, "type", type);
	document_put_text(condition, "status", "True");
	document_put_text(condition, "reason", CSR_REASON);
	document_put_text(condition, "message", message);
	return root;
}

struct document *csr_object_approved(
	const struct csr_object *object, const char *message)
{
	return object->approved ? go_back(object)
				: with_condition(object, "Approved", message);
}

struct document *csr_object_denied(
	const struct csr_object *object, const char *message)
{
	return with_condition(object, "Denied", message);
}

void csr_object_add_certificate(
	struct document *approved, const struct buffer *pem)
{
	struct document *status = child(approved, "status", document_new_map);
	size_t len = BASE64_LEN(pem->len);
	char *text = memory_new(len + 1, 1);

	base64_encode(pem->data, pem->len, text);
	document_put_text(status, "certificate", text);
	free(text);
}
