/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fuzz.h"

#include <stdio.h>

#include "base/file.h"
#include <fcntl.h>

#define FILE_MAX ((size_t)16 << 20)

/* Hands the files that are named to a harness, one after the other; prints each
 * first, so that the last one is the one to blame. */
int main(int argc, char **argv)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	for (int i = 1; i < argc; i++) {
		AUTO_RELEASE(buffer) text = BUFFER_INIT;

		puts(argv[i]);
		fflush(stdout);
		if (!file_read(AT_FDCWD, argv[i], FILE_MAX, &text, &err)) {
			fprintf(stderr, "replay: %s\n", err.message);
			return 1;
		}
		LLVMFuzzerTestOneInput((const uint8_t *)text.data, text.len);
	}
	return 0;
}
