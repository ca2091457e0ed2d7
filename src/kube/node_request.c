/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/node_request.h"

#include <fcntl.h>
#include <stdlib.h>

#include "pki/pem.h"
#include "pki/request.h"

#define KEY_FILE_MAX ((size_t)64 * 1024)

static char *name_of(enum kubelet_pair pair, const char *suffix)
{
	return memory_format("%s.%s", profile_of_pair(pair)->name, suffix);
}

/* -- keys -- */

bool node_request_read_key(enum kubelet_pair pair, int dir,
	struct key **ret_key, struct error *err)
{
	AUTO_TEXT name = name_of(pair, "key");
	AUTO_FREE(secret) pem = NULL;

	if (!file_exists(dir, name))
		return error_set(
			err, ERROR_INPUT, "file \"%s\": not there", name);
	if (!file_read_private(dir, name, KEY_FILE_MAX, &pem, err))
		return false;
	return key_read(pem, ret_key, err) ||
	       error_context(err, "file \"%s\"", name);
}

static bool require_type(const struct node_request_settings *settings,
	const struct node_request *request, struct error *err)
{
	if (!settings->has_key_type ||
		key_type(request->key) == settings->key_type)
		return true;
	return error_set(err, ERROR_REFUSED,
		"file \"%s\": a key of type \"%s\", not \"%s\", and no key is "
		"ever overwritten",
		request->key_name, key_describe(request->key),
		key_type_name(settings->key_type));
}

static bool prepare_key(const struct node_request_settings *settings,
	enum kubelet_pair pair, int dir, struct node_request *request,
	struct error *err)
{
	enum key_type type =
		settings->has_key_type ? settings->key_type : KEY_ECDSA_P256;

	if (file_exists(dir, request->key_name))
		return node_request_read_key(pair, dir, &request->key, err) &&
		       require_type(settings, request, err);
	request->key_way = PLACEMENT_NEW;
	return key_generate(type, &request->key, err) &&
	       key_write(request->key, &request->key_pem, err);
}

/* -- requests -- */

/* As much as a request of the largest size takes in PEM. */
#define REQUEST_FILE_MAX (2 * REQUEST_MAX)

static bool read_request(int dir, const char *name,
	struct request **ret_request, struct error *err)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	struct stat status;

	if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return error_errno(err, "file \"%s\": cannot open", name);
	if (!S_ISREG(status.st_mode))
		return error_set(err, ERROR_INPUT,
			"file \"%s\": not a regular file", name);
	if (!file_read(dir, name, REQUEST_FILE_MAX, &text, err))
		return false;
	return request_read_pem(text.data, text.len, ret_request, err) ||
	       error_context(err, "file \"%s\"", name);
}

/* The signature aside, which need not be the same twice. */
static bool look_for_request(const struct request *wanted, int dir,
	struct node_request *request, struct error *err)
{
	AUTO_FREE(request) found = NULL;

	request->request_way = PLACEMENT_NEW;
	if (!file_exists(dir, request->request_name))
		return true;
	if (!read_request(dir, request->request_name, &found, err))
		return false;
	request->request_way = der_equal(found->asked->tbs, wanted->asked->tbs)
				       ? PLACEMENT_KEEP
				       : PLACEMENT_REPLACE;
	return true;
}

/* What was made is read back before anybody sees it. */
static bool prepare_request(const struct node_request_settings *settings,
	int dir, struct node_request *request, struct error *err)
{
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_FREE(request) made = NULL;

	if (!profile_request(request->profile, settings->node, request->key,
		    &der, err) ||
		!request_read(der_of(&der), &made, err) ||
		!look_for_request(made, dir, request, err))
		return false;
	request->pin = made->asked->pin;
	pem_write(&request->request_pem, "CERTIFICATE REQUEST", der_of(&der));
	return true;
}

bool node_request_prepare(const struct node_request_settings *settings,
	enum kubelet_pair pair, int dir, struct node_request *ret_request,
	struct error *err)
{
	AUTO_RELEASE(node_request) request = NODE_REQUEST_INIT;

	request.profile = profile_of_pair(pair);
	request.key_name = name_of(pair, "key");
	request.request_name = name_of(pair, "csr");
	if (!prepare_key(settings, pair, dir, &request, err) ||
		!prepare_request(settings, dir, &request, err))
		return false;
	*ret_request = request;
	request = (struct node_request)NODE_REQUEST_INIT;
	return true;
}

bool node_request_place(const struct node_request *requests, size_t n_requests,
	int dir, struct error *err)
{
	struct placement list[2 * KUBELET_PAIRS] = {0};
	struct file_part parts[2 * KUBELET_PAIRS] = {0};

	for (size_t i = 0; i < n_requests; i++) {
		const struct node_request *request = &requests[i];
		const struct buffer *pem = &request->request_pem;

		parts[i].secret = request->key_pem;
		parts[n_requests + i] =
			(struct file_part){pem->data, pem->len, NULL};
		list[i] = (struct placement){.way = request->key_way,
			.dir = dir,
			.name = request->key_name,
			.mode = 0600,
			.parts = &parts[i],
			.n_parts = 1};
		list[n_requests + i] =
			(struct placement){.way = request->request_way,
				.dir = dir,
				.name = request->request_name,
				.mode = 0644,
				.parts = &parts[n_requests + i],
				.n_parts = 1};
	}
	return placement_all(list, 2 * n_requests, err);
}

void node_request_release(struct node_request *request)
{
	key_free(request->key);
	secret_free(request->key_pem);
	buffer_release(&request->request_pem);
	free(request->key_name);
	free(request->request_name);
	*request = (struct node_request)NODE_REQUEST_INIT;
}
