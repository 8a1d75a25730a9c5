/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The directories with the agents' texts. The executor makes them; they are removed here, when the agent's
 * end is stated; at start, for agents that ended while no launcher ran; and once more where that failed. */

#include "proto/paths.h"

/* Silent where there is none; logs what cannot be removed, and returns why. */
int credentials_remove(const Paths *paths, const char *unit);

/* Removes those of every unit that is not to be kept. Returns why they could not be looked through, which it
 * logs. */
typedef bool (*CredentialsKeep)(const char *unit, void *userdata);
int credentials_sweep(const Paths *paths, CredentialsKeep keep, void *userdata);
