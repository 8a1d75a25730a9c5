/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Warns of secrets that everybody on the machine can read: it is their files' owner who has to see to that.
 * Used by config.c. */

#include "config.h"

/* Files that settings name. */
void config_warn_of_files(const Config *config);

/* A setting of this file is such a secret itself. url: of RedisUrl=. */
void config_warn_of_url(const char *path, unsigned line, const char *url);
