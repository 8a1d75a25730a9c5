/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The option unit_properties, an a(sv), on its way from the caller to the launcher, and into the state file,
 * as an agent may be started again. What may be set, and with which values, is the launcher's to say: here
 * it has only to be something that can be kept. */

#include <systemd/sd-bus.h>

#include <glib.h>

#include "fault.h"

/* Reads the a(sv) that the message is at. NULL for an empty one. Fault: InvalidArgs for a value of a type
 * that no property has, or for too many of them. */
int unit_properties_read(sd_bus_message *m, GVariant **ret, Fault *fault);

/* The same of one that came another way. NULL is fine. */
int unit_properties_check(GVariant *properties, Fault *fault);

/* Appends an a(sv); NULL: an empty one. */
int unit_properties_append(sd_bus_message *m, GVariant *properties);

/* As a text, and back; NULL for one that is no such text. */
char *unit_properties_to_text(GVariant *properties);
GVariant *unit_properties_from_text(const char *text);
