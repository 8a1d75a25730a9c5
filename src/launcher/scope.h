/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is asked of systemd about one scope. All calls are asynchronous; those without a callback expect no
 * answer, because what they cause (an exit, a removed unit) tells more than it would. */

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "probe.h"
#include "runtime.h"

typedef struct ScopeSpec {
        const char *unit;
        const char *slice;
        const char *description;
        pid_t pid;
        const Runtime *runtime; /* its stop signal, its time to stop, its resource-control properties */
        sd_bus_message *properties; /* the Spawn with those of the caller; NULL: there are none */
        Probe *probe; /* what systemd does not know is left out */
} ScopeSpec;

/* done is given the answer to StartTransientUnit. */
int scope_start(sd_bus *bus,
        const ScopeSpec *spec,
        sd_bus_message_handler_t done,
        void *userdata,
        sd_bus_slot **ret_slot);

/* Reads the number of the job out of the answer. */
int scope_start_read_job(sd_bus_message *reply, uint32_t *ret_job);

/* A signal to every process of the scope. */
int scope_kill(sd_bus *bus, const char *unit, int signal_number);

/* Ends it with whatever is in it. Also for a scope that nothing is in: one made around a process that had
 * just died would stay for ever. */
int scope_stop(sd_bus *bus, const char *unit);

int scope_thaw(sd_bus *bus, const char *unit);

/* Freezes or thaws: done is given the answer, which comes when it is done. */
int scope_freeze(sd_bus *bus,
        const char *unit,
        bool freeze,
        uint64_t limit_usec,
        sd_bus_message_handler_t done,
        void *userdata,
        sd_bus_slot **ret_slot);

/* Which unit a process is in: done is given the answer to GetUnitByPID. */
int scope_find(
        sd_bus *bus, pid_t pid, sd_bus_message_handler_t done, void *userdata, sd_bus_slot **ret_slot);

/* Whether anything is in it: done is given the answer to GetUnitProcesses. */
int scope_look_into(sd_bus *bus,
        const char *unit,
        sd_bus_message_handler_t done,
        void *userdata,
        sd_bus_slot **ret_slot);

/* Reads that answer: 1 when it is empty, 0 when it is not, an error when this is not known. */
int scope_look_into_read(sd_bus_message *reply);

/* Reads the answer of scope_find(): 1 when the process is in the unit, 0 when it is not, an error when this
 * is not known.
 */
int scope_find_read(sd_bus_message *reply, const char *unit);
