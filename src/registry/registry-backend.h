/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a backend of registry.h implements, and what registry.c does for all of them: calls with their owner,
 * limit and cancel path, state, handlers. Included by backends only. */

#include "registry.h"

/* A call while it is open. */
struct RegistryCall {
        Registry *registry; /* borrowed: it lists us */
        RegistryCall *next, **at; /* at: what points to us */
        RegistryCall **holder;
        sd_event_source *timer;
        RegistryDone done;
        void *userdata;
        void *request; /* the backend's, whatever it needs to know who is answered */
};

typedef struct RegistryOps {
        /* Everything of the backend, which includes its Registry; calls have been answered. */
        void (*free)(Registry *registry);

        LocationState (*put)(Registry *registry, const char *id);
        void (*drop)(Registry *registry, const char *id);
        void (*describe)(Registry *registry, const RegistryHostInfo *info);
        void (*keep_spec)(Registry *registry, const char *id);
        void (*orphan_done)(Registry *registry, const char *id, bool placed);

        /* Questions. Each ends with one registry_call_finish(), at once or later, unless the call ceases to
         * exist before: then "cancelled" says so. Texts are the caller's for the time of the call. */
        void (*claim)(Registry *registry, RegistryCall *call, const char *id, bool takeover);
        void (*find)(Registry *registry, RegistryCall *call, const char *id);
        void (*load)(Registry *registry, RegistryCall *call);
        void (*agents)(Registry *registry, RegistryCall *call, const char *const *hostnames, size_t n);
        void (*evict)(Registry *registry, RegistryCall *call, const char *id, const char *address);
        void (*members)(Registry *registry, RegistryCall *call, const char *hostname);
        void (*cleanup)(Registry *registry, RegistryCall *call);
        void (*turn)(Registry *registry, RegistryCall *call);
        void (*reset_turn)(Registry *registry, RegistryCall *call);
        void (*flush)(Registry *registry, RegistryCall *call);

        /* The call is freed, or its time is up: it must not be finished any more, and a claim must not
         * stand. */
        void (*cancelled)(Registry *registry, RegistryCall *call);
} RegistryOps;

/* First member of every backend's own struct. */
struct Registry {
        const RegistryOps *ops;
        sd_event *event; /* referenced */
        RegistryHandlers handlers;
        void *userdata;
        char *address;
        char *hostname; /* the address without its port */
        RegistryState state;
        RegistryCall *calls;
};

/* Fills the common part. The address is known to be valid. */
void registry_init(Registry *registry,
        const RegistryOps *ops,
        sd_event *event,
        const char *address,
        const RegistryHandlers *handlers,
        void *userdata);

/* Releases the common part; for ops->free. */
void registry_done(Registry *registry);

/* Answers a call, which is gone afterwards. Of answer and fault, one is NULL. The callback may make calls of
 * this registry. */
void registry_call_finish(RegistryCall *call, const RegistryAnswer *answer, const Fault *fault);

/* From the loop: tells the handlers; a state that is no other is not told. */
void registry_set_state(Registry *registry, RegistryState state, const Fault *why);
void registry_tell_renewed(Registry *registry);
void registry_tell_location(
        Registry *registry, const char *id, LocationState state, const RegistryConflict *conflict);

/* From the loop: tells the handlers. */
void registry_observe(Registry *registry, RegistryEvent event, uint64_t usec);

/* The fault of a refused claim, the same for all backends. Returns its errno. */
int registry_fault_exists(Fault *fault, const char *id, const char *address);
