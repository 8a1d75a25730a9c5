/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The connection to systemd: its private socket, which sends every signal without being asked and stays up
 * when the message bus does not. It is made again whenever it breaks (PID 1 re-executing itself does that).
 * What is missed meanwhile is found by listing (scope-list.h): listed() comes once after each connect, after
 * each reload, and after each manager_list(). Only what concerns agents' scopes is handed on. Used by
 * launcher.c. */

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "macros.h"
#include "scope-list.h"

typedef struct Manager Manager;

typedef struct ManagerHandlers {
        /* Before anything is asked on it. */
        void (*connected)(sd_bus *bus, void *userdata);
        void (*disconnected)(void *userdata);
        void (*listed)(const ScopeList *list, void *userdata);
        void (*job_new)(const char *unit, uint32_t job, void *userdata);
        void (*job_removed)(const char *unit, uint32_t job, const char *result, void *userdata);
        /* Scope.Result turned into something else than success. */
        void (*failed)(const char *unit, const char *result, void *userdata);
        void (*unit_removed)(const char *unit, void *userdata);
} ManagerHandlers;

/* The longest that an answer of systemd is waited for where giving up earlier would mean not to know whether
 * it still acts on the question. */
#define MANAGER_ANSWER_LIMIT_USEC (10 * 60 * USEC_PER_SEC)

/* Signals are handled before events of lower priority: systemd's word about a stop job is sent before the
 * stop signal, and so is seen before the exit that it causes. */
#define MANAGER_PRIORITY SD_EVENT_PRIORITY_IMPORTANT

/* Begins to connect; that it fails for now is no error. */
int manager_new(sd_event *event,
        const char *address,
        const ManagerHandlers *handlers,
        void *userdata,
        Manager **ret);
Manager *manager_free(Manager *manager);

/* NULL while there is no connection. */
sd_bus *manager_bus(const Manager *manager);

/* Handles what has come by now. */
void manager_process(Manager *manager);

/* Reads from now on no more than once in this time (0: what comes at once). Returns whether it was another
 * time before. */
bool manager_set_pace(Manager *manager, uint64_t usec);

/* Writes what waits to be written, as far as that is done in this time. */
void manager_flush(Manager *manager, uint64_t limit_usec);

/* Asks for a listing; several wishes make one. */
void manager_list(Manager *manager);

/* The number of the last one that was asked for. systemd answers in turn: with the answer to a later one,
 * what has been asked before has been answered, or never will be. */
uint64_t manager_list_number(const Manager *manager);
