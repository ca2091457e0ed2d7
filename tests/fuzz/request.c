/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fuzz.h"

#include <string.h>

#include "pki/public_key.h"
#include "pki/request.h"
#include "pki/signed.h"

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void hold_same(const struct request *a, const struct request *b)
{
	const struct certificate *one = a->asked, *two = b->asked;

	hold(der_equal(one->whole, two->whole) &&
		der_equal(one->subject, two->subject) &&
		der_equal(one->public_key, two->public_key) &&
		is_same_text(one->subject_text, two->subject_text) &&
		is_same_text(one->common_name, two->common_name));
	hold(a->has_extensions == b->has_extensions &&
		is_same_text(a->other_attribute, b->other_attribute) &&
		is_same_text(one->other_extension, two->other_extension) &&
		one->is_ca == two->is_ca && one->path_len == two->path_len &&
		one->key_usage == two->key_usage &&
		one->purposes == two->purposes);
	hold(one->n_alt_names == two->n_alt_names);
	for (size_t i = 0; i < one->n_alt_names; i++)
		hold(one->alt_names[i].kind == two->alt_names[i].kind &&
			is_same_text(one->alt_names[i].text,
				two->alt_names[i].text));
}

/* Its key, though nobody signed it: few inputs have a signature that holds. */
static void read_key(struct der der)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct signed_parts parts;
	struct der version, spki;
	struct public_key key;

	if (!signed_split(der, &parts) ||
		!der_take_unsigned(&parts.inside, &version) ||
		!der_take(&parts.inside, DER_SEQUENCE, NULL, NULL) ||
		!der_take(&parts.inside, DER_SEQUENCE, NULL, &spki))
		return;
	if (!public_key_read(spki, &key, &err))
		hold_refusal(&err);
}

/* What is taken is read the same again. */
static bool read_twice(void *data, struct der der, struct error *err)
{
	AUTO_FREE(request) request = NULL;
	AUTO_FREE(request) again = NULL;
	AUTO_RELEASE(error) why = ERROR_INIT;

	(void)data;
	(void)err;
	read_key(der);
	if (!request_read(der, &request, &why)) {
		hold_refusal(&why);
		return true;
	}
	hold(der_equal(request->asked->whole, der));
	hold(request_read(request->asked->whole, &again, &why));
	hold_same(request, again);
	return true;
}

/* As DER, and as PEM in both of its readers. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	AUTO_FREE(request) request = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	hold(read_twice(NULL, (struct der){data, len}, &err));
	if (!request_each_pem(text, len, read_twice, NULL, &err))
		hold_refusal(&err);
	if (!request_read_pem(text, len, &request, &err))
		hold_refusal(&err);
	return 0;
}
