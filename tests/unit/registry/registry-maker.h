/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What makes registries for test-registry.c, which is built once for each backend: with memory-maker.c, and
 * with another maker for another one. A store is what a fleet shares; each test has an empty one. */

#include "registry.h"

typedef struct RegistryMaker {
        /* Skips the test and returns NULL where the store cannot be had. */
        void *(*open)(void);
        void (*close)(void *store);

        /* At once usable, or soon: the tests wait for its state. ttl_usec: 0 for the usual one. */
        Registry *(*new_registry)(void *store,
                sd_event *event,
                const char *address,
                uint64_t ttl_usec,
                const RegistryHandlers *handlers,
                void *userdata);

        /* As if the location of an id had expired. */
        void (*expire)(void *store, const char *id);

        /* Until the location of an id expires; 0: there is none. NULL: nothing expires here. */
        uint64_t (*ttl_usec)(void *store, const char *id);

        /* Does what a heartbeat does, and returns when it has been done. NULL: there is nothing to do. */
        void (*beat)(Registry *registry);
} RegistryMaker;

extern const RegistryMaker registry_maker;
