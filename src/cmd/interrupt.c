/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t interrupt_flag;

/* Whichever of the two comes next ends the process. */
static void on_signal(int number)
{
	(void)number;
	interrupt_flag = 1;
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
}

void interrupt_watch(void)
{
	struct sigaction action = {
		.sa_handler = on_signal, .sa_flags = SA_RESTART};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool interrupted(void)
{
	return interrupt_flag != 0;
}
