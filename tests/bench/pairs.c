/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * pairs -n NODES -t THREADS [-s]
 *
 * kpki's work without files: NODES bundles are made in memory (key,
 * certificate, lint, every file's text; one in 512 with its signature verified,
 * as in a batch) and dropped.  -s makes the serving pair too.  Starting up, the
 * CA and what all bundles share are not in the figures.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "kube/bundle.h"
#include "kube/cluster.h"
#include "kube/profile.h"
#include "pki/authority.h"

#include "figures.h"

#define THREADS_MAX 64
#define VERIFIED_EVERY 512

struct job {
	const struct bundle_kit *kit;
	unsigned long first, end;
	struct error err;
};

static void fill_node(
	struct node *node, char *text, size_t size, unsigned long i)
{
	int len = snprintf(text, size, "node-%06lu", i);
	char *addresses = text + len + 1;
	size_t left = size - (size_t)len - 1;

	len = snprintf(addresses, left, "10.%lu.%lu.%lu", i >> 16 & 31,
		i >> 8 & 255, i & 255);
	snprintf(addresses + len + 1, left - (size_t)len - 1,
		"node-%06lu.example.internal", i);
	*node = (struct node){.name = text,
		.file = "nodes",
		.line = 1,
		.addresses = addresses,
		.n_addresses = 2};
}

static void *work(void *data)
{
	struct job *job = data;
	char text[128];
	struct node node;

	for (unsigned long i = job->first; i < job->end; i++) {
		AUTO_FREE(bundle) bundle = NULL;

		fill_node(&node, text, sizeof(text), i);
		if (!bundle_make(job->kit,
			    &(struct bundle_order){
				    &node, NULL, i % VERIFIED_EVERY == 0},
			    &bundle, &job->err))
			break;
	}
	return NULL;
}

static bool run(const struct bundle_kit *kit, unsigned long nodes,
	unsigned threads, struct error *err)
{
	struct job jobs[THREADS_MAX];
	pthread_t ids[THREADS_MAX];
	bool done = true;

	for (unsigned i = 0; i < threads; i++) {
		jobs[i] = (struct job){kit, nodes * i / threads,
			nodes * (i + 1) / threads, ERROR_INIT};
		if (pthread_create(&ids[i], NULL, work, &jobs[i]) != 0)
			abort();
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		if (done && jobs[i].err.kind != ERROR_NONE) {
			error_move(err, &jobs[i].err);
			done = false;
		}
		error_release(&jobs[i].err);
	}
	return done;
}

static bool make_authority(
	struct instant now, struct authority **ret_ca, struct error *err)
{
	struct authority_request request = {.common_name = "kubernetes",
		.key_type = KEY_ECDSA_P256,
		.not_before = instant_add(now, -PROFILE_BACKDATE),
		.not_after = instant_add(now, 10 * SPAN_YEAR)};

	return authority_create(&request, ret_ca, err);
}

static bool measure(
	unsigned long nodes, unsigned threads, bool serving, struct error *err)
{
	AUTO_FREE(cluster) cluster = cluster_new();
	AUTO_FREE(authority) ca = NULL;
	AUTO_FREE(bundle_kit) kit = NULL;
	struct bundle_settings settings = {.layout = LAYOUT_KUBEADM,
		.key_type = KEY_ECDSA_P256,
		.now = instant_now(),
		.serving = serving,
		.kubelet_config = true};
	struct figures start;
	bool clamped;

	if (!cluster_set(cluster, "server", "https://api.example:6443", err) ||
		!make_authority(settings.now, &ca, err) ||
		!profile_lifetime(authority_certificate(ca), NULL, SPAN_YEAR,
			settings.now, &settings.lifetime, &clamped, err))
		return false;
	settings.cluster = cluster;
	settings.ca = ca;
	if (!bundle_kit_new(&settings, &kit, err))
		return false;
	start = figures_now();
	if (!run(kit, nodes, threads, err))
		return false;
	figures_print_since(&start);
	return true;
}

int main(int argc, char **argv)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	unsigned long nodes = 0;
	unsigned threads = 1;
	bool serving = false;
	int option;

	while ((option = getopt(argc, argv, "n:t:s")) != -1) {
		if (option == 'n')
			nodes = strtoul(optarg, NULL, 10);
		else if (option == 't')
			threads = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 's')
			serving = true;
		else
			nodes = 0;
	}
	if (!nodes || !threads || threads > THREADS_MAX || optind != argc) {
		fprintf(stderr, "usage: pairs -n NODES -t THREADS [-s]\n");
		return 2;
	}
	if (!measure(nodes, threads, serving, &err)) {
		fprintf(stderr, "pairs: %s\n", err.message);
		return 1;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
