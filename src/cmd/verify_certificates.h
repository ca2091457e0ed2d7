/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_VERIFY_CERTIFICATES_H
#define CMD_VERIFY_CERTIFICATES_H

#include "base/document.h"
#include "verify/unit.h"
#include <stdio.h>

/*
 * The certificates that verify has come by, and when they end: as a timeline,
 * and as metrics for node_exporter's textfile collector.
 */
struct certificate_list;
struct certificate_list *certificate_list_new(void);
/* What is needed of each certificate of the unit is copied. */
void certificate_list_add(struct certificate_list *list,
	const struct unit *unit);
void certificate_list_free(struct certificate_list *list);
DEFINE_AUTO_FREE(certificate_list)

/* A line a certificate, those that end first first; a bar of its life on a
 * terminal. */
void certificate_list_timeline(struct certificate_list *list,
	struct instant at, bool bars, FILE *out);
/* The same for JSON. */
struct document *certificate_list_document(struct certificate_list *list);

/* Prometheus' text format, with the names and labels of
 * x509-certificate-exporter. */
void certificate_list_metrics(struct certificate_list *list,
	struct instant at, FILE *out);

#endif
