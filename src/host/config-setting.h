/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The table of all settings: what each takes, where it is kept, which environment variable wins over it.
 * Used by config.c, which knows the files. */

#include "config.h"

/* Sets what stands in a file; the empty text brings the default back, as everywhere in systemd. On failure
 * the setting is as it was, and the fault says why it is ignored, for the end of a line. */
int config_set(Config *config, const char *section, const char *key, const char *value, Fault *fault);

/* Brings all defaults. */
void config_set_defaults(Config *config);

/* The environment's. What is wrong is logged. */
void config_set_variables(Config *config);
