/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A look at all agents' scopes as systemd has them, to be compared with what signals have told. */

#include <systemd/sd-bus.h>

#include "macros.h"

typedef struct ScopeEntry {
        const char *unit; /* borrowed from the message */
        bool alive; /* neither inactive nor failed; or about to start: it has a job */
        bool started; /* past its start job */
        uint32_t job; /* 0: none */
} ScopeEntry;

typedef struct ScopeList {
        sd_bus_message *message;
        ScopeEntry *entries; /* sorted by unit */
        size_t n_entries;
        uint64_t number; /* 1 for the first that was asked for, and so on */
} ScopeList;

int scope_list_request(sd_bus *bus,
        uint64_t limit_usec,
        sd_bus_message_handler_t done,
        void *userdata,
        sd_bus_slot **ret_slot);

/* Reads the answer, which the list keeps a reference of. */
int scope_list_read(sd_bus_message *reply, ScopeList *ret);
void scope_list_done(ScopeList *list);

/* NULL: systemd does not know it. */
const ScopeEntry *scope_list_find(const ScopeList *list, const char *unit);
