/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * power_cut DIR
 *
 * Stops the ext4 file system that has DIR on the spot, without writing its
 * journal out: what was not made durable is gone after the next mount.  Until
 * then every call on it fails.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

/* In the kernel's fs/ext4/ext4.h only, until Linux 6.8 put it into a header. */
#define EXT4_SHUTDOWN _IOR('X', 125, uint32_t)
#define EXT4_SHUTDOWN_NOLOGFLUSH 2

int main(int argc, char *argv[])
{
	uint32_t how = EXT4_SHUTDOWN_NOLOGFLUSH;
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_DIRECTORY) : -1;

	if (fd >= 0 && ioctl(fd, EXT4_SHUTDOWN, &how) == 0)
		return 0;
	perror("power_cut");
	return 1;
}
