/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The registry of a host that has none to share: in its own memory. Everything is answered at once, nothing
 * expires, its state is "off". Several of them on one MemoryStore are a fleet in one process, which is what
 * tests need. */

#include "memory-store.h"
#include "registry.h"

/* store: borrowed, must outlive us; NULL: one of its own. The address must be valid. */
Registry *registry_memory_new(sd_event *event,
        MemoryStore *store,
        const char *address,
        const RegistryHandlers *handlers,
        void *userdata);
