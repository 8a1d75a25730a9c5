/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit-property-value.h"

#include <string.h>

#include "parse.h"

/* Hundredths of a percent. */
#define ONE_HUNDRED_PERCENT UINT64_C(10000)

int unit_property_refuse(const UnitPropertyRow *row, const char *value, const char *expected, Fault *fault)
{
        return fault_set(fault, FAULT_INVALID_ARGS, "%s=%s: expected %s", row->setting, value, expected);
}

bool unit_property_has_word(const UnitPropertyRow *row, const char *text)
{
        size_t n = strlen(text);

        if (n == 0 || strchr(text, ' '))
                return false;

        for (const char *p = row->words; p && (p = strstr(p, text)); p++)
                if (p[n] == ' ' && p > row->words && p[-1] == ' ')
                        return true;
        return false;
}

bool unit_property_is_scaled(const UnitPropertyRow *row, const char *value)
{
        return row->scale && strchr(value, '%');
}

int append_boolean(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault)
{
        bool b;

        if (parse_boolean(value, &b) < 0)
                return unit_property_refuse(row, value, "yes or no", fault);

        return m ? sd_bus_message_append(m, "(sv)", unit_property_row_name(row), "b", b) : 0;
}

int append_word(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault)
{
        if (!unit_property_has_word(row, value))
                return fault_set(fault, FAULT_INVALID_ARGS, "%s=%s: expected one of:%s", row->setting, value,
                        row->words);

        return m ? sd_bus_message_append(m, "(sv)", unit_property_row_name(row), "s", value) : 0;
}

int append_subgroup(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault)
{
        if (value[0] == '.' || strpbrk(value, "/ \t") || strlen(value) > 255)
                return unit_property_refuse(row, value, "a name for a control group", fault);

        return m ? sd_bus_message_append(m, "(sv)", unit_property_row_name(row), "s", value) : 0;
}

int append_weight(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault)
{
        uint64_t weight = 0;

        if (!unit_property_has_word(row, value) && parse_uint64(value, row->min, row->max, &weight) < 0)
                return fault_set(fault, FAULT_INVALID_ARGS, "%s=%s: expected a weight from %llu to %llu%s%s",
                        row->setting, value, (unsigned long long)row->min, (unsigned long long)row->max,
                        row->words ? ", or one of:" : "", row->words ? row->words : "");

        return m ? sd_bus_message_append(m, "(sv)", unit_property_row_name(row), "t", weight) : 0;
}

/* As systemd scales a percentage to the range of a uint32. */
static uint32_t scale_permyriad(uint64_t permyriad)
{
        return (uint32_t)((permyriad * UINT32_MAX + ONE_HUNDRED_PERCENT / 2) / ONE_HUNDRED_PERCENT);
}

/* A share of what the host has; no limit is so far below it that it means nothing. */
static int append_share(
        const UnitPropertyRow *row, const char *name, const char *value, sd_bus_message *m, Fault *fault)
{
        uint64_t share;

        if (parse_permyriad(value, &share) < 0 || share > ONE_HUNDRED_PERCENT ||
                (row->min > 0 && share == 0))
                return unit_property_refuse(row, value, "a percentage up to 100%", fault);

        return m ? sd_bus_message_append(m, "(sv)", name, "u", scale_permyriad(share)) : 0;
}

int append_scale(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault)
{
        return append_share(row, unit_property_row_name(row), value, m, fault);
}

int append_size(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault)
{
        uint64_t bytes;

        if (unit_property_is_scaled(row, value))
                return append_share(row, row->scale, value, m, fault);

        if (parse_size(value, &bytes) < 0 || bytes < row->min)
                return unit_property_refuse(row, value,
                        row->scale ? "bytes (suffix K, M, G, T), a percentage or infinity"
                                   : "bytes (suffix K, M, G, T) or infinity",
                        fault);

        return m ? sd_bus_message_append(m, "(sv)", unit_property_row_name(row), "t", bytes) : 0;
}

int append_count(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault)
{
        uint64_t count = UINT64_MAX;

        /* systemd takes no full share here; infinity says the same. */
        if (strcmp(value, "100%") == 0)
                return unit_property_refuse(row, value, "less than 100%, or infinity", fault);

        if (unit_property_is_scaled(row, value))
                return append_share(row, row->scale, value, m, fault);

        if (strcmp(value, "infinity") != 0 && parse_uint64(value, row->min, UINT64_MAX - 1, &count) < 0)
                return unit_property_refuse(row, value, "a number above 0, a percentage or infinity", fault);

        return m ? sd_bus_message_append(m, "(sv)", unit_property_row_name(row), "t", count) : 0;
}

int append_time(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault)
{
        uint64_t usec;

        if (parse_sec(value, &usec) < 0)
                return unit_property_refuse(row, value, "a time such as 100ms or 2s", fault);
        if (usec < row->min || usec > row->max)
                return fault_set(
                        fault, FAULT_INVALID_ARGS, "%s=%s: the time is out of range", row->setting, value);

        return m ? sd_bus_message_append(m, "(sv)", unit_property_row_name(row), "t", usec) : 0;
}

int append_quota(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault)
{
        uint64_t share;

        /* Above 100% it is more than one processor; the bound keeps the product below from overflowing. */
        if (parse_permyriad(value, &share) < 0 || share == 0 || share > UINT32_MAX)
                return unit_property_refuse(
                        row, value, "a percentage of one processor's time, above 0%", fault);

        return m ? sd_bus_message_append(m, "(sv)", unit_property_row_name(row), "t",
                           share * USEC_PER_SEC / ONE_HUNDRED_PERCENT)
                 : 0;
}
