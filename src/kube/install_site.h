/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_INSTALL_SITE_H
#define KUBE_INSTALL_SITE_H

#include "kube/bundle.h"
#include "kube/install.h"

/*
 * The place of one file of a bundle on a live host: what is there, and whether
 * it may stay or has to give way.  For kube/install.c.
 *
 * Paths go down from the root by descriptors and follow no link.
 */
struct install_site {
	const struct install_settings *settings;
	const struct tree_entry *entry;
	enum content content;
	/* The serving certificate that is in its place, or NULL; the key beside
	 * it is its. */
	const struct certificate *serving;
	int dir; /* where it is, or -1: there is no such directory yet */
	const char *name;
};
#define INSTALL_SITE_INIT {NULL, NULL, CONTENT_NONE, NULL, -1, NULL}

/* ERROR_REFUSED when something on the way is no directory, or a link. */
MUST_CHECK bool install_site_open(const struct install_settings *settings,
	const struct bundle *bundle, size_t entry,
	struct install_site *ret_site, struct error *err);
void install_site_release(struct install_site *site);
DEFINE_AUTO_RELEASE(install_site)

/* Nothing in the directory has its name. */
bool install_site_is_empty(const struct install_site *site);

/* Does the file that is there say what the entry does?  ERROR_REFUSED when it
 * is no regular file. */
MUST_CHECK bool install_site_compare(const struct install_site *site,
	struct stat *ret_status, bool *ret_same, struct error *err);

/* ERROR_REFUSED with the rule when what is there may not give way. */
MUST_CHECK bool install_site_decide(const struct install_site *site,
	enum placement_way *ret_way, struct error *err);

/* One certificate in the place of a file, or NULL. */
struct certificate *install_site_certificate(const struct install_site *site);

#endif
