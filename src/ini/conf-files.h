/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which files of a drop-in directory count, as systemd decides it: over several directories in falling
 * precedence the first file of a name wins; a link to /dev/null, or an empty file, masks it. */

#include "macros.h"

/* Paths of the files whose name ends in suffix, sorted by name (bytewise), masked ones left out. A missing
 * directory is no error. dirs is NULL-terminated, highest precedence first; hidden files do not count. */
int conf_files_list(const char *const *dirs, const char *suffix, char ***ret_paths);
