/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/csr_object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/json.h"
#include "pki/pem.h"

#define HEAD                                                                   \
	"apiVersion: certificates.k8s.io/v1\n"                                 \
	"kind: CertificateSigningRequest\n"
#define CLIENT "  signerName: kubernetes.io/kube-apiserver-client-kubelet\n"
#define USAGES "  usages: [digital signature, client auth]\n"
#define REQUEST "  request: AAAA\n"
#define OBJECT                                                                 \
	HEAD "metadata:\n  name: node-csr-A_b\n"                               \
	     "spec:\n" REQUEST CLIENT USAGES

/* A line for each object. */
static bool describe(void *data, struct csr_object **object, struct error *err)
{
	struct buffer *text = data;
	const struct csr_object *it = *object;

	(void)err;
	buffer_format(text,
		"%s signer=%d usages=%x for=%lld by=%s/%zu%s%s%s%s;", it->name,
		(int)it->signer, it->usages, (long long)it->expiration,
		it->username ? it->username : "-", it->n_groups,
		it->approved ? " approved" : "", it->denied ? " denied" : "",
		it->failed ? " failed" : "",
		it->has_certificate ? " issued" : "");
	return true;
}

static bool read_text(const char *text, struct buffer *found, struct error *err)
{
	AUTO_FREE(source) source = source_of_text("c", text, strlen(text));

	return csr_objects_read(source, describe, found, err);
}

static void objects_come_in_many_shapes(void **state)
{
	static const struct {
		const char *text, *found;
	} rows[] = {
		{OBJECT, "node-csr-A_b signer=0 usages=5 for=0 by=-/0;"},
		{OBJECT "---\n" HEAD "metadata: {name: b, uid: u}\n"
			"spec:\n" REQUEST
			"  signerName: kubernetes.io/kubelet-serving\n"
			"  usages: [server auth, key encipherment, signing]\n"
			"  expirationSeconds: 600\n"
			"  username: system:node:b\n"
			"  uid: x\n"
			"  groups: [system:nodes, system:authenticated]\n"
			"  extra: {a: [b]}\n"
			"status: {}\n",
			"node-csr-A_b signer=0 usages=5 for=0 by=-/0;"
			"b signer=1 usages=1a for=600 by=system:node:b/2;"},
		{"{\"apiVersion\":\"v1\",\"kind\":\"List\",\"metadata\":"
		 "{\"resourceVersion\":\"\"},\"items\":[{\"apiVersion\":"
		 "\"certificates.k8s.io/v1\",\"kind\":"
		 "\"CertificateSigningRequest\",\"metadata\":{\"name\":\"x\"},"
		 "\"spec\":{\"request\":\"AAAA\",\"signerName\":\"a.b/c\","
		 "\"usages\":[\"any\"]},\"status\":{\"conditions\":[{\"type\":"
		 "\"Denied\"}],\"certificate\":\"AAAA\"}}]}",
			"x signer=3 usages=10 for=0 by=-/0 denied issued;"},
		{"apiVersion: certificates.k8s.io/v1\n"
		 "kind: CertificateSigningRequestList\n"
		 "items:\n"
		 "- metadata: {name: yy}\n"
		 "  spec:\n"
		 "    request: AAAA\n"
		 "    signerName: kubernetes.io/kube-apiserver-client\n"
		 "    usages: [client auth]\n"
		 "  status: {conditions: [{type: Approved}, {type: Failed}]}\n",
			"yy signer=2 usages=4 for=0 by=-/0 approved failed;"},
		{"apiVersion: v1\nkind: List\nitems: []\n", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(buffer) found = BUFFER_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;

		if (!read_text(rows[i].text, &found, &err))
			fail_msg("row %zu: %s", i, err.message);
		assert_string_equal(found.data, rows[i].found);
	}
}

#define NAMED(name)                                                            \
	HEAD "metadata: {name: " name "}\nspec:\n" REQUEST CLIENT USAGES
#define SPEC(spec) HEAD "metadata: {name: x}\nspec:\n" spec

static void what_the_api_server_would_not_have_is_refused(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"kind: Secret\napiVersion: v1\n",
			"apiVersion \"v1\": must be"},
		{"apiVersion: v1\nkind: List\nitems:\n- kind: Secret\n"
		 "  apiVersion: v1\n",
			"apiVersion \"v1\": must be"},
		{"apiVersion: v1\nkind: List\n", "list: no items"},
		{OBJECT "more: 1\n", "more"},
		{HEAD "spec:\n" REQUEST CLIENT USAGES, "no metadata.name"},
		{NAMED("a/b"), "has a character that no name has"},
		{NAMED("\"a\\nb\""), "has a character that no name has"},
		{NAMED("\"a%2fb\""), "has a character that no name has"},
		{NAMED("\"a b\""), "has a character that no name has"},
		{NAMED("\"\xc3\xa9\""), "has a character that no name has"},
		{NAMED(".."), "begins with a dot"},
		{NAMED("\"\""), "empty"},
		{NAMED("12"), "metadata.name \"12\": must be text"},
		{HEAD "metadata: {name: x}\n", "object: no spec"},
		{SPEC(REQUEST CLIENT), "spec: no usages"},
		{SPEC(REQUEST USAGES), "spec: no signerName"},
		{SPEC(CLIENT USAGES), "spec: no request"},
		{SPEC(REQUEST CLIENT "  usages: []\n"), "spec: no usages"},
		{SPEC(REQUEST CLIENT "  usages: [digital signatures]\n"),
			"\"digital signatures\": not one of Kubernetes"},
		{SPEC(REQUEST CLIENT "  usages: [any, any]\n"),
			"usage \"any\": there twice"},
		{SPEC(REQUEST CLIENT USAGES "  extra_: {}\n"), "extra_"},
		{SPEC(REQUEST CLIENT USAGES "  isCA: true\n"), "isCA"},
		{SPEC(REQUEST CLIENT USAGES "  expirationSeconds: 599\n"),
			"\"599\": less than 600"},
		{SPEC(REQUEST CLIENT USAGES "  expirationSeconds: -1\n"),
			"\"-1\": not a number of 32 bits"},
		{SPEC(REQUEST CLIENT USAGES
			 "  expirationSeconds: 2147483648\n"),
			"not a number of 32 bits"},
		{SPEC(REQUEST CLIENT USAGES "  expirationSeconds: \"600\"\n"),
			"spec.expirationSeconds"},
		{SPEC(REQUEST CLIENT USAGES "  expirationSeconds: 6e2\n"),
			"not a number of 32 bits"},
		{SPEC(REQUEST CLIENT USAGES "  username: [x]\n"),
			"spec.username"},
		{SPEC(REQUEST CLIENT USAGES "  groups: x\n"), "spec.groups"},
		{SPEC(REQUEST CLIENT USAGES "  groups: [{}]\n"),
			"spec.groups[]"},
		{OBJECT "status: x\n", "status"},
		{OBJECT "status: {conditions: {}}\n", "status.conditions"},
		{OBJECT "spec: {}\n", "spec"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(buffer) found = BUFFER_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;

		if (read_text(rows[i].text, &found, &err))
			fail_msg("row %zu is taken", i);
		assert_int_equal(err.kind, ERROR_INPUT);
		if (!strstr(err.message, rows[i].message))
			fail_msg("row %zu: %s", i, err.message);
		assert_string_equal(err.file, "c");
	}
}

/* -- the request inside -- */

static bool keep(void *data, struct csr_object **object, struct error *err)
{
	(void)err;
	*(struct csr_object **)data = take(object);
	return true;
}

static struct csr_object *with_request(const char *base64)
{
	AUTO_TEXT text = memory_format(HEAD
		"metadata: {name: x, uid: u, resourceVersion: '9', "
		"managedFields: [{a: b}], labels: {c: d}}\n"
		"spec:\n  request: \"%s\"\n" CLIENT USAGES,
		base64);
	AUTO_FREE(source) source = source_of_text("c", text, strlen(text));
	struct error err = ERROR_INIT;
	struct csr_object *object = NULL;

	if (!csr_objects_read(source, keep, &object, &err))
		fail_msg("%s", err.message);
	return object;
}

static char *encode(const char *label, bool twice)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_RELEASE(buffer) name = BUFFER_INIT;
	AUTO_RELEASE(buffer) pem = BUFFER_INIT;
	AUTO_FREE(key) key = NULL;
	struct request_plan plan = {.key_usage = 0};
	struct der view;
	char *text;

	assert_true(key_generate(KEY_ED25519, &key, &err));
	assert_true(certificate_name(NULL, 0, "x", &name, &err));
	plan.subject = (struct der){(unsigned char *)name.data, name.len};
	assert_true(request_sign(&plan, key, &der, &err));
	view = (struct der){(unsigned char *)der.data, der.len};
	pem_write(&pem, label, view);
	if (twice)
		pem_write(&pem, label, view);
	text = memory_new(BASE64_LEN(pem.len) + 1, 1);
	base64_encode(pem.data, pem.len, text);
	return text;
}

static void a_request_that_is_none_is_its_objects_trouble(void **state)
{
	AUTO_TEXT good = encode("CERTIFICATE REQUEST", false);
	AUTO_TEXT old = encode("NEW CERTIFICATE REQUEST", false);
	AUTO_TEXT twice = encode("CERTIFICATE REQUEST", true);
	const struct {
		const char *base64, *message;
	} rows[] = {
		{good, NULL},
		{old, "wanted is \"CERTIFICATE REQUEST\""},
		{twice, "a second one"},
		{"AAAA", "no \"-----BEGIN CERTIFICATE REQUEST-----\""},
		{"", "not base64"},
		{"A", "not base64"},
		{"QUFB\\n", "not base64"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(csr_object) object = with_request(rows[i].base64);

		assert_int_equal(
			object->request == NULL, rows[i].message != NULL);
		if (rows[i].message &&
			!strstr(object->request_error.message, rows[i].message))
			fail_msg("row %zu: %s", i,
				object->request_error.message);
	}
}

static void a_request_of_a_megabyte_is_not_even_decoded(void **state)
{
	size_t len = 1 << 20;
	AUTO_TEXT text = memory_new(len + 1, 1);

	(void)state;
	memset(text, 'A', len);
	AUTO_FREE(csr_object) object = with_request(text);

	assert_null(object->request);
	assert_non_null(strstr(object->request_error.message, "longer than"));
}

/* -- what goes back -- */

static void assert_json(const struct document *root, const char *expected)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	json_write(root, JSON_COMPACT, &text);
	assert_string_equal(text.data, expected);
}

static void an_answer_is_the_object_and_what_was_decided(void **state)
{
	AUTO_FREE(csr_object) object = with_request("AAAA");
	AUTO_FREE(document) approved = csr_object_approved(object, "fine");
	AUTO_FREE(document) denied = csr_object_denied(object, "no");
	AUTO_RELEASE(buffer) pem = BUFFER_INIT;
	const struct document *status = document_find(approved, "status");

	(void)state;
	assert_json(document_find(approved, "metadata"),
		"{\"name\":\"x\",\"uid\":\"u\",\"labels\":{\"c\":\"d\"}}");
	assert_json(status,
		"{\"conditions\":[{\"type\":\"Approved\",\"status\":\"True\","
		"\"reason\":\"KpkiPolicy\",\"message\":\"fine\"}]}");
	assert_json(document_find(denied, "status"),
		"{\"conditions\":[{\"type\":\"Denied\",\"status\":\"True\","
		"\"reason\":\"KpkiPolicy\",\"message\":\"no\"}]}");
	buffer_add_text(&pem, "abc");
	csr_object_add_certificate(approved, &pem);
	assert_string_equal(
		document_text(document_find(status, "certificate")), "YWJj");
	object->approved = true;
	AUTO_FREE(document) again = csr_object_approved(object, "fine");

	assert_null(document_find(again, "status"));
}

static void pem_is_told_from_objects(void **state)
{
	static const char pem[] = "text\n-----BEGIN CERTIFICATE REQUEST-----\n";

	(void)state;
	assert_true(csr_objects_look(OBJECT, strlen(OBJECT)));
	assert_true(csr_objects_look("---\nkind: x\n", 12));
	assert_false(csr_objects_look(pem, strlen(pem)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_come_in_many_shapes),
		cmocka_unit_test(what_the_api_server_would_not_have_is_refused),
		cmocka_unit_test(a_request_that_is_none_is_its_objects_trouble),
		cmocka_unit_test(a_request_of_a_megabyte_is_not_even_decoded),
		cmocka_unit_test(an_answer_is_the_object_and_what_was_decided),
		cmocka_unit_test(pem_is_told_from_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
