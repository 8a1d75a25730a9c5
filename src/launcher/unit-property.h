/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Resource-control settings of a runtime file as properties of a scope, with the types that systemd's D-Bus
 * interface gives them. The table in unit-property.c is also the allow-list: what it does not name cannot be
 * set. Settings and forms: systemd.resource-control(5), OOMPolicy= from systemd.scope(5). Used by runtime.c
 * to read them, by scope.c to send them. */

#include <systemd/sd-bus.h>

#include "fault.h"

typedef struct UnitProperty {
        char *setting; /* as in the file: MemoryMax */
        char *value; /* the text, as given */
} UnitProperty;

/* Whether a setting of this name can be set on a scope. */
bool unit_property_known(const char *setting);

/* Checks the value without a bus. Fault: InvalidArgs with what is expected, also for an unknown setting. */
int unit_property_check(const char *setting, const char *value, Fault *fault);

/* Appends one "(sv)" item to an open a(sv). The value has passed unit_property_check(). */
int unit_property_append(sd_bus_message *m, const UnitProperty *property);

/* One assignment of a file to a list of properties, with systemd's meaning: an empty value drops what came
 * before; a setting that is a list adds up (one that names a device or a rule each time stands several times
 * then); any other replaces. Checks the value. -ENOMEM, or as unit_property_check(). */
int unit_properties_assign(
        UnitProperty **items, size_t *n_items, const char *setting, const char *value, Fault *fault);

bool unit_properties_contain(const UnitProperty *items, size_t n_items, const char *setting);
void unit_properties_free(UnitProperty *items, size_t n_items);
