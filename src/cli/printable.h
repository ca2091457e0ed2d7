/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CLI_PRINTABLE_H
#define CLI_PRINTABLE_H

#include "base/printable.h"

#endif
