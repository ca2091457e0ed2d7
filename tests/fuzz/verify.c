/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fuzz.h"

#include <string.h>

#include "verify/examination.h"

/* The two readers are one: what the strict one takes has no flaws, and what has
 * none it takes. */
static void hold_readers(struct der der)
{
	AUTO_RELEASE(flaws) flaws = FLAWS_INIT;
	AUTO_RELEASE(error) strict_err = ERROR_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(certificate) strict = NULL;
	AUTO_FREE(certificate) certificate = NULL;
	bool taken = certificate_read(der, &strict, &strict_err);

	if (!certificate_examine(der, &flaws, &certificate, &err)) {
		hold_refusal(&err);
		hold(!taken);
		return;
	}
	hold(taken == (flaws.n_items == 0));
	if (!taken)
		hold(!strcmp(flaws.items[0].text, strict_err.message));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct verify_settings settings = {
		.at = {INT64_C(1796083200)}};
	AUTO_FREE(secret) bytes = secret_new(size);
	AUTO_FREE(unit) unit = unit_new(UNIT_FILES, "", NULL);
	AUTO_FREE(seen) seen = seen_new();
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(examination) x = {
		.settings = &settings, .unit = unit, .seen = seen};

	hold_readers((struct der){data, size});
	memcpy(secret_bytes(bytes), data, size);
	file_classify(unit_add(unit, "input"), bytes);
	unit_seal(unit);
	hold(examine(&x, &err));
	for (size_t i = 0; i < x.findings.n_items; i++)
		hold(x.findings.items[i].rule && x.findings.items[i].text);
	return 0;
}
