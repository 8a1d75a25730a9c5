/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's registry: made by its settings, made anew when these change, and what it tells is passed on. */

#include "host.h"

void host_registry_open(Host *host);

/* The configuration has been read again. */
void host_registry_reload(Host *host);

/* Others are told what they may know of this host besides its agents: something of it has changed. */
void host_registry_describe(Host *host);

/* Calls back once: when the registry has all that it was told, or cannot be reached, or does not answer in
 * time (REGISTRY_FLUSH_LIMIT_USEC), or is closed; possibly before this returns. */
void host_registry_flush(Host *host, void (*done)(void *userdata), void *userdata);
