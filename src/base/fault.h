/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A Fault is an error that a user will read: made where the cause is known, turned into a D-Bus error only
 * at the edge (bus/fault-bus.h). Inside, functions go on returning -errno; fault_set() gives the errno that
 * fits its kind, so that "return fault_set(...)" is the usual form. */

#include "macros.h"

typedef enum FaultKind {
        FAULT_NONE,
        FAULT_INVALID_ARGS,
        FAULT_ACCESS_DENIED,
        FAULT_NO_SUCH_AGENT,
        FAULT_AGENT_EXISTS,
        FAULT_LIMIT_REACHED,
        FAULT_DRAINING,
        FAULT_INVALID_SPEC,
        FAULT_NO_SUCH_RUNTIME,
        FAULT_START_FAILED,
        FAULT_START_TIMEOUT,
        FAULT_STOP_TIMEOUT,
        FAULT_LAUNCHER_UNAVAILABLE,
        FAULT_REGISTRY_UNAVAILABLE,
        FAULT_DISCOVERY_UNAVAILABLE,
        FAULT_NO_HOSTS,
        FAULT_PEER_UNREACHABLE,
        FAULT_FAILED,
        _FAULT_KIND_MAX,
} FaultKind;

typedef struct Fault {
        FaultKind kind;
        char *text; /* owned; NULL only while kind is FAULT_NONE, or when memory ran out */
} Fault;

#define FAULT_INIT ((Fault){ 0 })

/* Sets what went wrong; a fault that is set already keeps its first text. f may be NULL. Always returns the
 * negative errno of the kind. What D-Bus does not take is replaced in the text (half a character, where a
 * name was cut): else the caller would wait for ever. */
int fault_set(Fault *f, FaultKind kind, const char *format, ...) _printf_(3, 4);

/* The negative errno of a kind; 0 for FAULT_NONE. */
int fault_errno(FaultKind kind);

const char *fault_text(const Fault *f);

/* Releases the text; the fault is FAULT_NONE afterwards. */
void fault_done(Fault *f);

/* Moves the fault, leaving the source empty. */
Fault fault_steal(Fault *f);

#define _cleanup_fault_ _cleanup_(fault_done)
