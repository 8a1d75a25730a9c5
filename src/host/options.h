/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The options of CreateAgent: as a{sv}, where an unknown key, a key given twice or a value of another type
 * is an error that names it; and as another host asks for them. */

#include <systemd/sd-bus.h>

#include <glib.h>

#include "fault.h"
#include "peer.h"
#include "placement.h"
#include "restart.h"

typedef struct CreateOptions {
        bool wait_ready;
        char *request_id; /* NULL: not given; so for all texts */
        char *client_type;
        char *client_properties;
        char *runtime;
        char **environment;
        GVariant *unit_properties; /* a(sv); NULL: none */
        int32_t machine_id;
        uint64_t timeout_usec; /* 0: the runtime's */
        RestartPolicy restart; /* RESTART_UNSET: the runtime's */
        bool takeover;
        bool reschedule; /* agent-reschedule.h */
        char *host; /* which one is to run it: of RunAgent only */
        bool has_strategy;
        PlacementStrategy strategy; /* with has_strategy; else it is Strategy= that counts */
} CreateOptions;

/* Reads the dictionary the message is at. Faults: InvalidArgs. */
int create_options_read(sd_bus_message *m, CreateOptions *ret, Fault *fault);

/* What another host has asked for: ret borrows from it, and is not to be released. Faults: InvalidArgs. */
int create_options_from_peer(const PeerCreate *create, CreateOptions *ret, Fault *fault);

/* The other way: moves them, all but host and strategy, which are not for the host that creates. */
void create_options_to_peer(CreateOptions *options, PeerCreate *create);

void create_options_done(CreateOptions *options);
