/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t interrupt_flag;

/* What is ignored, as by nohup, stays so. */
static void handle(int number, void (*handler)(int))
{
	struct sigaction action = {
		.sa_handler = handler, .sa_flags = SA_RESTART};
	struct sigaction before;

	sigemptyset(&action.sa_mask);
	if (sigaction(number, NULL, &before) == 0 &&
		before.sa_handler != SIG_IGN)
		sigaction(number, &action, NULL);
}

/* Whichever of the two comes next ends the process. */
static void on_signal(int number)
{
	(void)number;
	interrupt_flag = 1;
	handle(SIGINT, SIG_DFL);
	handle(SIGTERM, SIG_DFL);
}

void interrupt_watch(void)
{
	handle(SIGINT, on_signal);
	handle(SIGTERM, on_signal);
}

bool interrupted(void)
{
	return interrupt_flag != 0;
}
