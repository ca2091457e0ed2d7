/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * raw -n COUNT -t THREADS [-k ecdsa-p256|rsa-2048] [-w both|generate|sign]
 *
 * The floor: COUNT times GnuTLS makes a key pair and signs 600 bytes with one
 * shared CA key, and nothing else.  Starting up and the CA key are not in the
 * figures.
 */
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "figures.h"

#define THREADS_MAX 64
#define BODY_LEN 600 /* of a leaf's TBSCertificate, about */

static const struct kind {
	const char *name;
	gnutls_pk_algorithm_t algorithm;
	unsigned bits;
	gnutls_sign_algorithm_t signature;
} kinds[] = {
	{"ecdsa-p256", GNUTLS_PK_ECDSA,
		GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
		GNUTLS_SIGN_ECDSA_SHA256},
	{"rsa-2048", GNUTLS_PK_RSA, 2048, GNUTLS_SIGN_RSA_SHA256},
	{NULL, GNUTLS_PK_UNKNOWN, 0, GNUTLS_SIGN_UNKNOWN},
};

struct job {
	const struct kind *kind;
	gnutls_privkey_t ca;
	unsigned long count;
	bool generates, signs;
};

static void must(int code, const char *what)
{
	if (code >= 0)
		return;
	fprintf(stderr, "raw: %s: %s\n", what, gnutls_strerror(code));
	exit(1);
}

static void generate(const struct kind *kind)
{
	gnutls_x509_privkey_t key;

	must(gnutls_x509_privkey_init(&key), "key");
	must(gnutls_x509_privkey_generate(key, kind->algorithm, kind->bits, 0),
		"key generation");
	gnutls_x509_privkey_deinit(key);
}

static void sign(const struct kind *kind, gnutls_privkey_t ca,
	const gnutls_datum_t *body)
{
	gnutls_datum_t signature;

	must(gnutls_privkey_sign_data2(
		     ca, kind->signature, 0, body, &signature),
		"signature");
	gnutls_free(signature.data);
}

static void *work(void *data)
{
	const struct job *job = data;
	unsigned char bytes[BODY_LEN];
	gnutls_datum_t body = {bytes, sizeof(bytes)};

	memset(bytes, 0x5a, sizeof(bytes));
	for (unsigned long i = 0; i < job->count; i++) {
		memcpy(bytes, &i, sizeof(i));
		if (job->generates)
			generate(job->kind);
		if (job->signs)
			sign(job->kind, job->ca, &body);
	}
	return NULL;
}

static void run(const struct job *whole, unsigned threads)
{
	struct job jobs[THREADS_MAX];
	pthread_t ids[THREADS_MAX];

	for (unsigned i = 0; i < threads; i++) {
		jobs[i] = *whole;
		jobs[i].count =
			whole->count / threads + (i < whole->count % threads);
		if (pthread_create(&ids[i], NULL, work, &jobs[i]) != 0) {
			fprintf(stderr, "raw: cannot start a thread\n");
			exit(1);
		}
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
}

static bool read_options(
	int argc, char **argv, struct job *job, unsigned *threads)
{
	int option;

	while ((option = getopt(argc, argv, "n:t:k:w:")) != -1) {
		if (option == 'n')
			job->count = strtoul(optarg, NULL, 10);
		else if (option == 't')
			*threads = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'k')
			while (job->kind->name &&
				strcmp(job->kind->name, optarg) != 0)
				job->kind++;
		else if (option == 'w') {
			job->generates = strcmp(optarg, "sign") != 0;
			job->signs = strcmp(optarg, "generate") != 0;
		} else
			return false;
	}
	return job->count && job->kind->name && *threads &&
	       *threads <= THREADS_MAX && optind == argc;
}

int main(int argc, char **argv)
{
	struct job job = {.kind = kinds, .generates = true, .signs = true};
	unsigned threads = 1;
	struct figures start;

	if (!read_options(argc, argv, &job, &threads)) {
		fprintf(stderr, "usage: raw -n COUNT -t THREADS [-k KEY-TYPE]"
				" [-w both|generate|sign]\n");
		return 2;
	}
	must(gnutls_privkey_init(&job.ca), "CA key");
	must(gnutls_privkey_generate(
		     job.ca, job.kind->algorithm, job.kind->bits, 0),
		"CA key");
	start = figures_now();
	run(&job, threads);
	figures_print_since(&start);
	gnutls_privkey_deinit(job.ca);
	return fflush(stdout) == 0 ? 0 : 1;
}
