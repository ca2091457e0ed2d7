/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_INTERRUPT_H
#define CMD_INTERRUPT_H

#include <stdbool.h>

/*
 * Ctrl-C: the first SIGINT or SIGTERM asks a batch to stop at the next place
 * where nothing is half done; a second one ends the process at once, which is
 * as safe, only less tidy.  One that the process was started to ignore stays
 * ignored.  The flag behind it is the program's one global.
 */
void interrupt_watch(void);
bool interrupted(void);

#endif
