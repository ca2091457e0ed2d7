/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/control_place.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/file.h"
#include "pki/issuers.h"
#include "pki/pem.h"

static const char pem_begin[] = "-----BEGIN CERTIFICATE-----";
static const char pem_end[] = "-----END CERTIFICATE-----";
static const char data_begin[] = "client-certificate-data: \"";

struct view {
	const char *bytes;
	size_t len;
};

static struct view view_of(const struct secret *secret)
{
	return (struct view){
		(const char *)secret_view(secret), secret_len(secret)};
}

static bool has_text(struct view view, const char *text, size_t len)
{
	return memmem(view.bytes, view.len, text, len);
}

static void take_certificate(
	const char *pem, size_t len, struct control_place *place)
{
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* not this one */
	AUTO_FREE(certificate) certificate = NULL;
	AUTO_RELEASE(issuers) chain = {.n_items = 0};

	if (!issuers_read_behind((struct der){(const unsigned char *)pem, len},
		    &certificate, &chain, &ignored))
		return;
	place->certificates = memory_grow(place->certificates,
		&place->allocated, place->n_certificates + 1,
		sizeof(*place->certificates));
	place->certificates[place->n_certificates++] = take(&certificate);
}

/* The next text between two others, taken off the front of the view. */
static bool next_between(struct view *view, const char *begin, const char *end,
	struct view *ret_inner)
{
	const char *stop = view->bytes + view->len, *from, *to;

	from = memmem(view->bytes, view->len, begin, strlen(begin));
	if (!from)
		return false;
	from += strlen(begin);
	to = memmem(from, (size_t)(stop - from), end, strlen(end));
	if (!to)
		return false;
	*ret_inner = (struct view){from, (size_t)(to - from)};
	to += strlen(end);
	*view = (struct view){to, (size_t)(stop - to)};
	return true;
}

static void collect_blocks(struct view view, struct control_place *place)
{
	struct view inner;

	while (next_between(&view, pem_begin, pem_end, &inner))
		take_certificate(inner.bytes - strlen(pem_begin),
			inner.len + strlen(pem_begin) + strlen(pem_end), place);
}

static void collect_embedded(struct view view, struct control_place *place)
{
	struct view inner;

	while (next_between(&view, data_begin, "\"", &inner)) {
		AUTO_TEXT pem = memory_new(inner.len + 1, 1);
		size_t len = 0;

		if (base64_decode(inner.bytes, inner.len, pem, &len))
			take_certificate(pem, len, place);
	}
}

static void collect(const struct secret *bytes, struct control_place *place)
{
	collect_blocks(view_of(bytes), place);
	collect_embedded(view_of(bytes), place);
}

static struct der live_of(const struct control_plan *plan,
	const struct der *live, const struct control_file *file)
{
	for (size_t i = 0; i < plan->n_certificates; i++)
		if (plan->certificates[i].profile == file->profile)
			return live[i];
	return (struct der){0};
}

/* The key of one certificate is good where it is: only the certificate tells
 * whose it is. */
static bool has_shared_secret(const struct control_plan *plan,
	const struct control_file *file, const struct secret *bytes)
{
	const struct secret *wanted = control_shared_secret(plan->kit, file);

	return !wanted || has_text(view_of(bytes), view_of(wanted).bytes,
				  view_of(wanted).len);
}

/* One with the same name and key, which the one of now took the place of, makes
 * good all that is checked by it. */
static bool has_predecessor(struct view view, const struct certificate *wanted)
{
	struct view inner;

	while (next_between(&view, pem_begin, pem_end, &inner)) {
		AUTO_RELEASE(error) ignored = ERROR_INIT; /* not this one */
		AUTO_FREE(certificate) is = NULL;

		if (certificate_read_pem(inner.bytes - strlen(pem_begin),
			    inner.len + strlen(pem_begin) + strlen(pem_end),
			    true, &is, &ignored) &&
			der_equal(is->subject, wanted->subject) &&
			der_equal(is->public_key, wanted->public_key))
			return true;
	}
	return false;
}

static bool is_as_wanted(const struct control_plan *plan,
	const struct der *live, const struct control_file *file,
	const struct secret *bytes, bool *ret_current)
{
	bool leaf =
		file->part == PART_CERTIFICATE || file->part == PART_KUBECONFIG;
	struct der certificate = live_of(plan, live, file);
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	if (!bytes || (leaf && certificate.len == 0) ||
		!has_shared_secret(plan, file, bytes))
		return false;
	control_public_text(plan->kit, file, certificate, &text);
	if (!has_text(view_of(bytes), text.data, text.len) &&
		(file->part != PART_AUTHORITY ||
			!has_predecessor(view_of(bytes),
				control_authority_certificate(
					plan->kit, file->profile))))
		return false;
	*ret_current = *ret_current || leaf;
	return true;
}

static void look_at(const struct control_plan *plan, const struct der *live,
	const struct control_file *file, const struct secret *bytes,
	struct control_place *place)
{
	if (is_as_wanted(plan, live, file, bytes, &place->current) ||
		place->missing)
		return;
	place->missing = memory_text(file->path);
}

static bool look_into_directory(int out, const struct control_plan *plan,
	const struct der *live, struct control_place *place, struct error *err)
{
	AUTO_RELEASE(control_files) files = control_files_of(plan);

	for (size_t i = 0; i < files.n_items; i++) {
		const struct control_file *file = &files.items[i];
		AUTO_TEXT path = memory_format("%s/%s", plan->name, file->path);
		AUTO_FREE(secret) bytes = NULL;

		if (!place_read_file(out, path, &bytes, err))
			return false;
		if (bytes)
			collect(bytes, place);
		look_at(plan, live, file, bytes, place);
	}
	return true;
}

/* Of a file in a tar only its name is looked for, and what it should say. */
static bool look_into_tar(int out, const char *target,
	const struct control_plan *plan, const struct der *live,
	struct control_place *place, struct error *err)
{
	AUTO_RELEASE(control_files) files = control_files_of(plan);
	AUTO_FREE(secret) bytes = NULL;

	if (!place_read_file(out, target, &bytes, err))
		return false;
	if (!bytes)
		return true;
	collect(bytes, place);
	for (size_t i = 0; i < files.n_items; i++) {
		const struct control_file *file = &files.items[i];
		bool there = has_text(
			view_of(bytes), file->path, strlen(file->path) + 1);

		look_at(plan, live, file, there ? bytes : NULL, place);
	}
	return true;
}

bool control_place_look(int out, const struct control_plan *plan,
	enum bundle_format format, const struct der *live,
	struct control_place *ret_place, struct error *err)
{
	AUTO_RELEASE(control_place) place = CONTROL_PLACE_INIT;
	AUTO_TEXT target = place_target(plan->name, format);
	bool done = true;

	place.taken = out >= 0 && file_exists(out, target);
	if (place.taken)
		done = format == BUNDLE_DIRECTORY
			       ? look_into_directory(
					 out, plan, live, &place, err)
			       : look_into_tar(
					 out, target, plan, live, &place, err);
	if (!done)
		return error_context(err, "\"%s\"", target);
	*ret_place = place;
	place = (struct control_place)CONTROL_PLACE_INIT;
	return true;
}

void control_place_release(struct control_place *place)
{
	for (size_t i = 0; i < place->n_certificates; i++)
		certificate_free(place->certificates[i]);
	free(place->certificates);
	free(place->missing);
}
