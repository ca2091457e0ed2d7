/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/libarchive_private.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

#include "base/memory.h"

/* The interface of libarchive 3. */
#define LIBARCHIVE_SONAME "libarchive.so.13"

static const struct {
	const char *symbol;
	size_t offset;
} calls[] = {
#define LIBARCHIVE_ROW(name)                                                   \
	{"archive_" #name, offsetof(struct libarchive, name)},
	LIBARCHIVE_CALLS(LIBARCHIVE_ROW)
#undef LIBARCHIVE_ROW
};

/* Filled once; `missing` stays NULL when all went well. */
static struct {
	pthread_once_t once;
	struct libarchive library;
	const char *missing;
} loaded = {.once = PTHREAD_ONCE_INIT};

static void load(void)
{
	void *library = dlopen(LIBARCHIVE_SONAME, RTLD_NOW | RTLD_LOCAL);

	if (!library) {
		loaded.missing = LIBARCHIVE_SONAME;
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		void *call = dlsym(library, calls[i].symbol);

		if (!call)
			loaded.missing = calls[i].symbol;
		*(void **)((char *)&loaded.library + calls[i].offset) = call;
	}
}

bool libarchive_load(const struct libarchive **ret_library, struct error *err)
{
	(void)pthread_once(&loaded.once, load);
	if (loaded.missing)
		return error_set(err, ERROR_FAILED,
			"tar needs libarchive: \"%s\" is missing",
			loaded.missing);
	*ret_library = &loaded.library;
	return true;
}
