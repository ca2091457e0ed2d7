/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * fill DIR ROWS
 *
 * Fills the ledger of a PKI directory with live certificates that never were:
 * a client and a serving row for each node of another fleet, with bodies of a
 * real one's length that no command of the benchmark looks into.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "pki/certificate.h"
#include "pki/ledger.h"

#define ROWS_A_TRANSACTION 20000
#define BODY_LEN 600

static bool find_authority(struct ledger *ledger, const char *dir,
	int64_t *ret_ca, struct error *err)
{
	AUTO_CLOSE fd = -1;
	AUTO_RELEASE(buffer) pem = BUFFER_INIT;
	AUTO_FREE(certificate) certificate = NULL;

	if (!directory_open(AT_FDCWD, dir, &fd, err) ||
		!file_read(fd, "ca.crt", 65536, &pem, err) ||
		!certificate_read_pem(
			pem.data, pem.len, true, &certificate, err) ||
		!ledger_authority(ledger, &certificate->pin, ret_ca, err))
		return false;
	if (*ret_ca == 0)
		return error_set(err, ERROR_INPUT,
			"\"%s\": its ledger does not know its CA", dir);
	return true;
}

/* Even rows are clients, odd ones the serving certificates of the same node. */
static bool add_row(struct ledger *ledger, int64_t ca, struct instant now,
	unsigned long row, struct error *err)
{
	static const unsigned char body[BODY_LEN];
	bool serving = row % 2 == 1;
	unsigned long n = row / 2;
	unsigned char serial[SERIAL_MAX];
	size_t serial_len;
	char name[32], ip[48], dns[64];
	const char *addresses[] = {ip, dns};
	struct ledger_issue issue = {.ca = ca,
		.profile = serving ? "kubelet-serving" : "kubelet-client",
		.name = name,
		.detail = "https://api.example:6443",
		.not_before = now,
		.not_after = instant_add(now, 5 * SPAN_YEAR),
		.body = {body, sizeof(body)},
		.addresses = addresses,
		.n_addresses = serving ? ARRAY_SIZE(addresses) : 0};
	int64_t event;

	snprintf(name, sizeof(name), "old-%07lu", n);
	snprintf(ip, sizeof(ip), "20.%lu.%lu.%lu", n >> 16 & 255, n >> 8 & 255,
		n & 255);
	snprintf(dns, sizeof(dns), "%s.example.internal", name);
	if (!certificate_serial(serial, &serial_len, err))
		return false;
	issue.serial = (struct der){serial, serial_len};
	return ledger_issue(ledger, &issue, &event, err);
}

static bool fill(const char *dir, unsigned long rows, struct error *err)
{
	AUTO_FREE(ledger) ledger = NULL;
	struct instant now = instant_now();
	int64_t ca;

	if (!ledger_open(dir, LEDGER_WRITE, &ledger, err) ||
		!ledger_lock(ledger, FILE_LOCK_EXCLUSIVE, 0, err) ||
		!find_authority(ledger, dir, &ca, err))
		return false;
	for (unsigned long row = 0; row < rows;) {
		unsigned long end = row + ROWS_A_TRANSACTION;

		if (!ledger_begin(ledger, now, false, err))
			return false;
		for (; row < end && row < rows; row++)
			if (!add_row(ledger, ca, now, row, err))
				return false;
		if (!ledger_commit(ledger, err))
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (argc != 3) {
		fprintf(stderr, "usage: fill DIR ROWS\n");
		return 2;
	}
	if (!fill(argv[1], strtoul(argv[2], NULL, 10), &err)) {
		fprintf(stderr, "fill: %s\n", err.message);
		return 1;
	}
	return 0;
}
