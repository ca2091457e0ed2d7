/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Linked to GnuTLS and doing nothing: what loading it costs. */
int main(void)
{
	return 0;
}
