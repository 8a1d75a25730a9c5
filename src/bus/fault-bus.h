/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The one place where faults and D-Bus errors meet: names of org.agenthost.Host1.Error.* and the standard
 * ones. */

#include <systemd/sd-bus.h>

#include "fault.h"

#define ERROR_PREFIX "org.agenthost.Host1.Error."

/* The D-Bus name of a kind; not of FAULT_NONE. Between hosts faults have the same names. */
const char *fault_name(FaultKind kind);

/* FAULT_NONE for a name that is not ours. */
FaultKind fault_kind_from_name(const char *name);

/* Fills an sd_bus_error for a handler to return; gives its negative errno. */
int fault_to_bus_error(const Fault *f, sd_bus_error *error);

/* Answers the call with the fault (answer.h). Returns as sd_bus_reply_method_error. */
int fault_reply(const Fault *f, sd_bus_message *call);

/* Turns a received error into a fault; names that are not ours become fallback. */
void fault_from_bus_error(Fault *f, const sd_bus_error *error, FaultKind fallback);
