/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/stream.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/tree.h"
#include "cli/note.h"

#define LABEL "standard output"

void stream_warn(void)
{
	struct stat status;

	if (!fstat(STDOUT_FILENO, &status) && S_ISREG(status.st_mode) &&
		status.st_mode & (S_IRGRP | S_IROTH))
		warning(LABEL " is a file that others can read, and gets a "
			      "secret");
}

bool stream_copy(int fd, struct error *err)
{
	return file_copy(fd, STDOUT_FILENO, LABEL, err);
}

bool stream_end(struct error *err)
{
	struct stat status;

	if (!tree_end_tar(STDOUT_FILENO, LABEL, err))
		return false;
	if (fstat(STDOUT_FILENO, &status))
		return error_errno(err, LABEL);
	if (S_ISREG(status.st_mode) && fsync(STDOUT_FILENO))
		return error_errno(err, LABEL);
	return true;
}
