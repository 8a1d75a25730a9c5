/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The resource-control properties that a caller may set for its agent (option unit_properties): an
 * allow-list of names as they are on D-Bus, with their types and ranges. agenthostd passes on what it is
 * given, and is not trusted: here it is decided. Not among them is whatever could loosen the control over an
 * agent or what its runtime says of it: where it is, what is delegated to it, how it is killed and accounted
 * for, which devices and addresses it reaches. Used by launch-prepare.c to check, by scope.c to send. */

#include "probe.h"

/* Where the properties stand in a Spawn. 0 when there are any, -ENODATA when not. */
int caller_properties_find(sd_bus_message *spawn);

/* Checks those of a Spawn. Faults: InvalidArgs for a name, a type or a value that is none; AccessDenied for
 * what only a runtime may set, or this one has set. Returns how many there are. */
int caller_properties_check(sd_bus_message *spawn, const Runtime *runtime, const Probe *probe, Fault *fault);

/* Appends them to an open a(sv), as far as systemd takes them. They have been checked. */
int caller_properties_append(sd_bus_message *m, sd_bus_message *spawn, Probe *probe);
