/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/renew.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cmd/interrupt.h"
#include "kube/node_certificates.h"
#include "kube/renewal_note.h"
#include "pki/names.h"
#include "pki/oid.h"
#include "pki/pem.h"
#include "pki/release.h"

enum { CHUNK = 512 };

/* What an item becomes: one file, and a row of the ledger a certificate. */
struct product {
	struct renew_item *item;
	struct inventory *inventory; /* with its node, or NULL */
	struct node node;
	char *target, *detail;
	struct buffer ders[KUBELET_PAIRS];
	struct certificate *made[KUBELET_PAIRS];
	const char **addresses;
	struct ledger_issue issues[KUBELET_PAIRS];
	size_t n_issues;
	struct sha256 hash;
};

struct run {
	struct renew *renew;
	struct release *release;
	struct product products[CHUNK];
	size_t n_products;
};

static void forget_products(struct run *run)
{
	for (size_t i = 0; i < run->n_products; i++) {
		struct product *product = &run->products[i];

		inventory_free(product->inventory);
		free(product->target);
		free(product->detail);
		free(product->addresses);
		for (size_t k = 0; k < KUBELET_PAIRS; k++) {
			buffer_release(&product->ders[k]);
			certificate_free(product->made[k]);
		}
	}
	run->n_products = 0;
}

static void run_free(struct run *run)
{
	if (!run)
		return;
	forget_products(run);
	release_free(run->release);
	free(run);
}
DEFINE_AUTO_FREE(run)

/* -- one certificate -- */

/* The user's own groups, which stand behind the row's. */
static size_t read_groups(const struct renew_item *item,
	char *groups[static NAME_ATTRIBUTES_MAX], struct error *err)
{
	struct name_attribute list[NAME_ATTRIBUTES_MAX];
	size_t n = 0, n_groups = 0;

	if (!name_attributes(item->certificates[0]->subject, list, &n, err))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (der_equal(list[i].type, OID_ORGANIZATION))
			groups[n_groups++] =
				memory_text_n((const char *)list[i].value.bytes,
					list[i].value.len);
	return n_groups;
}

static bool issue(const struct run *run, struct product *product,
	const struct profile *profile, size_t i, struct holder holder)
{
	const struct certificate *old = product->item->certificates[i];
	struct error *err = &product->item->error;
	unsigned char serial[SERIAL_MAX];
	size_t serial_len;
	const struct profile_order order = {.profile = profile,
		.ca = run->renew->context->ca,
		.holder = holder,
		.public_key = old->public_key,
		.lifetime = run->renew->lifetime,
		.verify = true};

	if (!profile_issue(
		    &order, &product->ders[i], serial, &serial_len, err) ||
		!certificate_read(
			der_of(&product->ders[i]), &product->made[i], err))
		return false;
	if (holder.user && !der_equal(product->made[i]->subject, old->subject))
		return error_set(err, ERROR_REFUSED,
			"\"%s\": %s would make \"%s\" of it", old->subject_text,
			profile->name, product->made[i]->subject_text);
	return true;
}

static bool make_user(const struct run *run, struct product *product)
{
	const struct profile *profile = product->item->profile;
	char *groups[NAME_ATTRIBUTES_MAX] = {0};
	size_t n = read_groups(product->item, groups, &product->item->error);
	size_t own = n > 0 && profile->organization &&
		     !strcmp(groups[0], profile->organization);
	bool done = !product->item->error.kind &&
		    issue(run, product, profile, 0,
			    (struct holder){.user = product->item->name,
				    .groups = (const char *const *)groups + own,
				    .n_groups = n - own});

	for (size_t i = 0; i < n; i++)
		free(groups[i]);
	return done;
}

static bool make_node(const struct run *run, struct product *product)
{
	const struct renew_item *item = product->item;

	for (size_t i = 0; i < KUBELET_PAIRS; i++)
		if (item->certificates[i] &&
			!issue(run, product, profile_of_pair(i), i,
				(struct holder){.node = &product->node}))
			return false;
	return true;
}

/* -- its file -- */

static bool write_node(const struct run *run, const struct product *product,
	struct buffer *text, struct error *err)
{
	const struct context *context = run->renew->context;
	const struct renew_item *item = product->item;
	struct node_certificates file = {.node = item->name,
		.cluster = context->cluster,
		.layout = item->detail.is_bundle ? item->detail.layout
						 : context->cluster->layout,
		.ca_pem = authority_pem(context->ca),
		.chain_pem = authority_chain(context->ca)};

	for (size_t i = 0; i < KUBELET_PAIRS; i++)
		if (product->made[i])
			file.certificates[i] = product->made[i]->whole;
	return node_certificates_write(&file, text, err);
}

static bool stage(const struct run *run, struct product *product)
{
	struct error *err = &product->item->error;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	struct file_part part;

	if (!product->item->of_node)
		authority_write_leaf(run->renew->context->ca,
			product->made[0]->whole, &text);
	else if (!write_node(run, product, &text, err))
		return false;
	part = (struct file_part){text.data, text.len, NULL};
	return sha256_of(text.data, text.len, &product->hash, err) &&
	       file_create(release_directory(run->release, 0), product->target,
		       0644, &part, 1, err);
}

/* -- and its rows -- */

static void fill_issue(const struct run *run, struct product *product, size_t i)
{
	const struct renew_item *item = product->item;
	const struct certificate *made = product->made[i];
	bool of_node = item->of_node;

	product->issues[product->n_issues++] =
		(struct ledger_issue){.ca = run->renew->context->ca_number,
			.profile = of_node ? profile_of_pair(i)->name
					   : item->profile->name,
			.name = item->name,
			.detail = product->detail,
			.serial = made->serial,
			.not_before = made->not_before,
			.not_after = made->not_after,
			.body = made->whole,
			.addresses = product->addresses,
			.n_addresses = !of_node ? 0
				       : i == KUBELET_SERVING
					       ? 1 + product->node.n_addresses
					       : 1,
			.supersedes = item->events[i]};
}

static void fill_issues(const struct run *run, struct product *product)
{
	const char *server = run->renew->context->cluster->server;
	const struct bundle_detail *is = &product->item->detail;
	size_t n = product->item->of_node ? product->node.n_addresses : 0;

	product->detail = is->is_bundle ? bundle_detail_write(server,
						  is->layout, is->embedded)
					: memory_text(server);
	product->addresses = memory_new(n + 1, sizeof(*product->addresses));
	product->addresses[0] = product->item->name;
	for (size_t i = 0; i < n; i++)
		product->addresses[1 + i] = node_address(&product->node, i);
	for (size_t i = 0; i < KUBELET_PAIRS; i++)
		if (product->made[i])
			fill_issue(run, product, i);
}

/* -- a chunk -- */

static bool require_place(const struct run *run, struct product *product)
{
	return !file_exists(release_output(run->release), product->target) ||
	       error_set(&product->item->error, ERROR_REFUSED,
		       "\"%s/%s\": is there: move it away", run->renew->out,
		       product->target);
}

static bool find_node(struct run *run, struct product *product)
{
	struct renew_item *item = product->item;

	if (!item->of_node)
		return true;
	product->inventory = inventory_new(NULL);
	if (!renew_node(run->renew, item, product->inventory) ||
		!inventory_seal(product->inventory, &item->error))
		return false;
	product->node = inventory_node(product->inventory, 0);
	return true;
}

static void make(struct run *run, struct renew_item *item)
{
	struct product *product = &run->products[run->n_products++];

	*product = (struct product){.item = item,
		.target = item->of_node ? memory_format("%s.yaml", item->name)
					: memory_format("%s.%s.crt", item->name,
						  item->profile->name)};
	for (size_t i = 0; i < KUBELET_PAIRS; i++)
		product->ders[i] = (struct buffer)BUFFER_INIT;
	if (require_place(run, product) && find_node(run, product) &&
		(item->of_node ? make_node(run, product)
			       : make_user(run, product)) &&
		stage(run, product))
		fill_issues(run, product);
}

static bool write_note(
	const struct run *run, const struct product *product, struct error *err)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	if (!product->item->of_node)
		return true;
	renewal_note_certificates(&product->node, &text);
	return renew_write_note(run->renew, release_output(run->release),
		product->item->name, &text, err);
}

static void report(const struct run *run, struct product *product)
{
	struct renew_item *item = product->item;
	AUTO_TEXT path =
		memory_format("%s/%s", run->renew->out, product->target);

	for (size_t i = 0; i < KUBELET_PAIRS && !item->error.kind; i++)
		if (product->made[i]) {
			certificate_free(item->certificates[i]);
			item->certificates[i] = take(&product->made[i]);
			item->not_after = run->renew->lifetime.not_after;
		}
	renew_report(run->renew, item, "issued", path);
}

static bool commit(struct run *run, struct error *err)
{
	struct release_item *offers =
		memory_new(run->n_products + 1, sizeof(*offers));
	struct product *offered[CHUNK];
	size_t n = 0;
	bool done = true;

	for (size_t i = 0; done && i < run->n_products; i++) {
		struct product *product = &run->products[i];

		if (product->item->error.kind)
			continue;
		done = write_note(run, product, err);
		offered[n] = product;
		offers[n++] = (struct release_item){.name = product->item->name,
			.staged = product->target,
			.target = product->target,
			.witness = "",
			.hash = product->hash,
			.issues = product->issues,
			.n_issues = product->n_issues};
	}
	done = done && (n == 0 || release_commit(run->release, offers, n, err));
	for (size_t i = 0; i < n; i++)
		if (done && offers[i].error.kind)
			error_move(&offered[i]->item->error, &offers[i].error);
	free(offers);
	return done;
}

static bool run_chunk(struct run *run, size_t from, struct error *err)
{
	struct renew *renew = run->renew;
	bool done;

	for (size_t i = from; i < renew->n_items && i < from + CHUNK; i++)
		if (!renew->items[i].done)
			make(run, &renew->items[i]);
	done = commit(run, err);
	for (size_t i = 0; i < run->n_products; i++) {
		struct renew_item *item = run->products[i].item;

		if (!done && !item->error.kind)
			error_set(&item->error, err->kind, "%s", err->message);
		report(run, &run->products[i]);
	}
	forget_products(run);
	return done;
}

static bool is_left(const struct renew *renew)
{
	for (size_t i = 0; i < renew->n_items; i++)
		if (!renew->items[i].done)
			return true;
	return false;
}

bool renew_same_key(struct renew *renew, struct error *err)
{
	AUTO_FREE(run) run = memory_new(1, sizeof(*run));
	const struct release_settings settings = {
		.lock_timeout = renew->context->lock_timeout,
		.clock_back = renew->clock_back,
		.n_workers = 1,
		.warn = context_warn};

	run->renew = renew;
	if (!is_left(renew))
		return true;
	if (!context_require_one_ca(renew->context, err))
		return false;
	interrupt_watch();
	if (!release_open(renew->context->ledger, renew->out, &settings,
		    &run->release, err))
		return false;
	for (size_t from = 0; from < renew->n_items; from += CHUNK)
		if (interrupted() ? !error_set(err, ERROR_FAILED, "interrupted")
				  : !run_chunk(run, from, err))
			return false;
	return release_close(run->release, err);
}
