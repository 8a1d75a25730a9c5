/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kinds of values that resource-control settings have: each function reads one text and, if m is there,
 * appends it as an "(sv)" item. Without m it only checks. Used by the table in unit-property.c. Single
 * values are in unit-property-value.c, lists and pairs in unit-property-list.c, what is about the network in
 * unit-property-net.c. */

#include <systemd/sd-bus.h>

#include "fault.h"

typedef struct UnitPropertyRow UnitPropertyRow;
typedef int (*UnitPropertyAppend)(
        const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault);

/* What a second assignment of a setting does. */
typedef enum UnitPropertyRepeat {
        UNIT_PROPERTY_REPLACES,
        UNIT_PROPERTY_JOINS, /* one more part of the same list of words */
        UNIT_PROPERTY_ADDS, /* one more item of its own; systemd adds them up */
} UnitPropertyRepeat;

struct UnitPropertyRow {
        const char *setting;
        const char *property; /* on D-Bus; NULL: as the setting */
        const char *scale; /* on D-Bus, for a percentage; NULL: none is taken */
        UnitPropertyAppend append;
        UnitPropertyRepeat repeat;
        uint64_t min, max; /* of the number, where there is one */
        const char *words; /* the words that are taken, between spaces */
        const char *controller; /* the cgroup controller without which it has no effect; NULL: none */
};

/* The table, whose places are what probe.c keeps account of. */
const UnitPropertyRow *unit_property_rows(size_t *ret_n);

/* The row of a setting, or NULL. */
const UnitPropertyRow *unit_property_find(const char *setting);

/* The row that a name on D-Bus belongs to, be it the scaled one, or NULL. */
const UnitPropertyRow *unit_property_find_on_bus(const char *name);

static inline const char *unit_property_row_name(const UnitPropertyRow *row)
{
        return row->property ? row->property : row->setting;
}

/* Whether the value is a percentage, and the setting's D-Bus name thus another one. */
bool unit_property_is_scaled(const UnitPropertyRow *row, const char *value);

/* "MemoryMax=12x: expected ...". */
int unit_property_refuse(const UnitPropertyRow *row, const char *value, const char *expected, Fault *fault);

/* Whether text is one of row's words. */
bool unit_property_has_word(const UnitPropertyRow *row, const char *text);

/* Open an item of this name whose variant is of the type, or an array of items of the type, and close it. */
int unit_property_open(sd_bus_message *m, const char *name, const char *type);
int unit_property_close(sd_bus_message *m);
int unit_property_open_array(sd_bus_message *m, const char *name, const char *item);
int unit_property_close_array(sd_bus_message *m);

/* b */
int append_boolean(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault);
/* s: one of the row's words */
int append_word(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault);
/* s: the name of a subgroup */
int append_subgroup(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault);
/* t: a number, or one of the row's words, which is 0 */
int append_weight(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault);
/* t: bytes; u under the scaled name: a percentage */
int append_size(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault);
/* t: a count; u under the scaled name: a percentage */
int append_count(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault);
/* t: a time in us */
int append_time(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault);
/* t: a percentage of one processor, in us of its time a second */
int append_quota(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault);
/* u: a percentage, scaled to 2^32 - 1 */
int append_scale(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault);

/* ay: numbers and ranges as a bit map */
int append_bitmap(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault);
/* as: some of the row's words */
int append_words(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault);
/* b, or as under DelegateControllers */
int append_delegate(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault);
/* (bas): names of interfaces, ~ in front to invert */
int append_interfaces(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault);
/* a(ss): a device and what may be done with it */
int append_device(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault);
/* a(st): a path with a weight, a rate, a time */
int append_device_weight(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault);
int append_device_rate(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault);
int append_device_time(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault);
/* a(iayu): addresses with their prefix lengths */
int append_addresses(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault);
/* a(iiqq): a rule for bind(2) */
int append_bind_rule(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault);
/* a(iiss): sets of nftables */
int append_nft_sets(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault);
