/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "caller-property.h"

#include <inttypes.h>
#include <string.h>

#define DEVICES_MAX 64u
#define BITMAP_BYTES_MAX 1024u

/* So that it can still be multiplied by a period: as CPUQuota= in a runtime. */
#define QUOTA_MAX ((uint64_t)UINT32_MAX * 100)

#define EXPECTED_DEVICE "devices such as /dev/sda, /dev/mapper/NAME or /dev/disk/by-id/NAME"

typedef struct CallerRow CallerRow;

/* The message is inside the variant. 1 for a value that is taken; 0 for one that is not, with what would be;
 * negative when it cannot be read. */
typedef int (*CheckValue)(
        sd_bus_message *m, const UnitPropertyRow *row, const Probe *probe, const char **ret_expected);

struct CallerRow {
        const char *setting;
        const char *type;
        CheckValue check;
};

static int check_weight(
        sd_bus_message *m, const UnitPropertyRow *row, const Probe *probe, const char **ret_expected)
{
        uint64_t weight;
        int r;

        (void)probe;

        *ret_expected = row->words ? "a weight from 1 to 10000, or 0 for idle" : "a weight from 1 to 10000";
        r = sd_bus_message_read(m, "t", &weight);
        return r < 0 ? r : (weight >= row->min && weight <= row->max) || (row->words && weight == 0);
}

static int check_quota(
        sd_bus_message *m, const UnitPropertyRow *row, const Probe *probe, const char **ret_expected)
{
        uint64_t usec;
        int r;

        (void)row;
        (void)probe;

        *ret_expected = "microseconds of processor time a second, above 0";
        r = sd_bus_message_read(m, "t", &usec);
        return r < 0 ? r : (usec > 0 && usec <= QUOTA_MAX) || usec == UINT64_MAX;
}

static int check_size(
        sd_bus_message *m, const UnitPropertyRow *row, const Probe *probe, const char **ret_expected)
{
        uint64_t bytes;
        int r;

        (void)probe;

        *ret_expected = "bytes, above 0";
        r = sd_bus_message_read(m, "t", &bytes);
        return r < 0 ? r : bytes >= row->min;
}

/* Under the scaled name: a share of 2^32 - 1. */
static int check_share(
        sd_bus_message *m, const UnitPropertyRow *row, const Probe *probe, const char **ret_expected)
{
        uint32_t share;
        int r;

        (void)probe;

        *ret_expected = "a share of 4294967295, above 0";
        r = sd_bus_message_read(m, "u", &share);
        return r < 0 ? r : share > 0 || row->min == 0;
}

/* systemd gives every unit a limit; a caller can only lower it. */
static int check_tasks(
        sd_bus_message *m, const UnitPropertyRow *row, const Probe *probe, const char **ret_expected)
{
        uint64_t count;
        int r;

        *ret_expected =
                "a number above 0 and not above DefaultTasksMax= of systemd (more is for a runtime to give)";
        r = sd_bus_message_read(m, "t", &count);
        return r < 0 ? r : count >= row->min && count <= probe_default_tasks_max(probe);
}

static int check_bitmap(
        sd_bus_message *m, const UnitPropertyRow *row, const Probe *probe, const char **ret_expected)
{
        const void *data;
        size_t size;
        int r;

        (void)row;
        (void)probe;

        *ret_expected = "a bit map with at least one bit set and at most 8192 bits";
        r = sd_bus_message_read_array(m, 'y', &data, &size);
        if (r < 0)
                return r;
        if (size > BITMAP_BYTES_MAX)
                return 0;
        for (size_t i = 0; i < size; i++)
                if (((const uint8_t *)data)[i] != 0)
                        return 1;
        return 0;
}

static bool is_name(const char *text)
{
        return text[0] != '\0' && text[0] != '.' && !strchr(text, '/');
}

/* systemd looks at the path, as root and blocking: it is not to be led anywhere by links of an agent's. */
static bool is_device_path(const char *path)
{
        static const char *const folders[] = { "/dev/", "/dev/mapper/", "/dev/block/", "/dev/disk/by-id/",
                "/dev/disk/by-label/", "/dev/disk/by-partlabel/", "/dev/disk/by-partuuid/",
                "/dev/disk/by-path/", "/dev/disk/by-uuid/" };

        for (size_t i = 0; i < ELEMENTSOF(folders); i++)
                if (strncmp(path, folders[i], strlen(folders[i])) == 0 && is_name(path + strlen(folders[i])))
                        return true;
        return false;
}

static int check_devices(
        sd_bus_message *m, uint64_t min, uint64_t max, const char *expected, const char **ret_expected)
{
        size_t n = 0;
        const char *path;
        uint64_t amount;
        int r;

        *ret_expected = expected;
        r = sd_bus_message_enter_container(m, 'a', "(st)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(m, "(st)", &path, &amount)) > 0)
                if (!is_device_path(path) || amount < min || amount > max || ++n > DEVICES_MAX)
                        return 0;
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(m);
        return r < 0 ? r : n > 0;
}

static int check_device_weights(
        sd_bus_message *m, const UnitPropertyRow *row, const Probe *probe, const char **ret_expected)
{
        (void)probe;

        return check_devices(
                m, row->min, row->max, EXPECTED_DEVICE ", each with a weight from 1 to 10000", ret_expected);
}

static int check_device_amounts(
        sd_bus_message *m, const UnitPropertyRow *row, const Probe *probe, const char **ret_expected)
{
        (void)row;
        (void)probe;

        return check_devices(m, 1, UINT64_MAX, EXPECTED_DEVICE ", each with a number above 0", ret_expected);
}

static const CallerRow callers[] = {
        { "CPUWeight", "t", check_weight },
        { "CPUQuota", "t", check_quota },
        { "AllowedCPUs", "ay", check_bitmap },
        { "AllowedMemoryNodes", "ay", check_bitmap },
        { "MemoryMin", "t", check_size },
        { "MemoryLow", "t", check_size },
        { "MemoryHigh", "t", check_size },
        { "MemoryMax", "t", check_size },
        { "MemorySwapMax", "t", check_size },
        { "MemoryZSwapMax", "t", check_size },
        { "TasksMax", "t", check_tasks },
        { "IOWeight", "t", check_weight },
        { "IODeviceWeight", "a(st)", check_device_weights },
        { "IOReadBandwidthMax", "a(st)", check_device_amounts },
        { "IOWriteBandwidthMax", "a(st)", check_device_amounts },
        { "IOReadIOPSMax", "a(st)", check_device_amounts },
        { "IOWriteIOPSMax", "a(st)", check_device_amounts },
        { "IODeviceLatencyTargetSec", "a(st)", check_device_amounts },
};

_Static_assert(ELEMENTSOF(callers) <= 64, "the places of a uint64_t");

static const CallerRow scaled = { NULL, "u", check_share };

/* NULL for what callers may not set. *ret_place: the same for all names of one setting. */
static const CallerRow *find_caller_row(const UnitPropertyRow *row, const char *name, unsigned *ret_place)
{
        for (unsigned i = 0; i < ELEMENTSOF(callers); i++) {
                if (strcmp(callers[i].setting, row->setting) != 0)
                        continue;
                *ret_place = i;
                if (strcmp(name, unit_property_row_name(row)) == 0)
                        return &callers[i];
                /* Of tasks it is the share of what the machine could have: far above systemd's default. */
                return callers[i].check == check_size ? &scaled : NULL;
        }
        return NULL;
}

static int refuse_unknown(const char *name, Fault *fault)
{
        _cleanup_free_ char *list = strdup("");

        for (size_t i = 0; list && i < ELEMENTSOF(callers); i++) {
                char *longer;

                if (asprintf(&longer, "%s%s%s", list, i > 0 ? ", " : "",
                            unit_property_row_name(unit_property_find(callers[i].setting))) < 0)
                        longer = NULL;
                free(list);
                list = longer;
        }
        return fault_set(fault, FAULT_INVALID_ARGS,
                "unit_properties: '%.255s' is no property that a caller may set; there are: %s", name,
                list ? list : "");
}

static int check_value(sd_bus_message *m,
        const char *name,
        const UnitPropertyRow *row,
        const CallerRow *caller,
        const Probe *probe,
        Fault *fault)
{
        const char *contents, *expected;
        char type;
        int r;

        r = sd_bus_message_peek_type(m, &type, &contents);
        if (r < 0)
                return r;
        if (strcmp(contents, caller->type) != 0)
                return fault_set(fault, FAULT_INVALID_ARGS,
                        "unit_properties: %s must be of type '%s', not '%s'", name, caller->type, contents);

        r = sd_bus_message_enter_container(m, 'v', contents);
        if (r < 0)
                return r;
        r = caller->check(m, row, probe, &expected);
        if (r == 0)
                return fault_set(
                        fault, FAULT_INVALID_ARGS, "unit_properties: %s: expected %s", name, expected);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* The message is inside "(sv)". */
static int check_property(
        sd_bus_message *m, const Runtime *runtime, const Probe *probe, uint64_t *seen, Fault *fault)
{
        const UnitPropertyRow *row;
        const CallerRow *caller;
        unsigned place = 0;
        const char *name;
        int r;

        r = sd_bus_message_read(m, "s", &name);
        if (r < 0)
                return r;
        row = unit_property_find_on_bus(name);
        if (!row)
                return refuse_unknown(name, fault);
        caller = find_caller_row(row, name, &place);
        if (!caller)
                return fault_set(fault, FAULT_ACCESS_DENIED,
                        "unit_properties: %s cannot be set by a caller; a runtime can set it (%s= in %s)",
                        name, row->setting, runtime->path);
        if (unit_properties_contain(runtime->properties, runtime->n_properties, row->setting))
                return fault_set(fault, FAULT_ACCESS_DENIED,
                        "unit_properties: %s cannot be changed: runtime %s sets it (%s= in %s)", name,
                        runtime->name, row->setting, runtime->path);
        if (*seen & (UINT64_C(1) << place))
                return fault_set(fault, FAULT_INVALID_ARGS, "unit_properties: %s= is given twice (%s)",
                        row->setting, name);
        *seen |= UINT64_C(1) << place;
        return check_value(m, name, row, caller, probe, fault);
}

int caller_properties_find(sd_bus_message *spawn)
{
        int r;

        r = sd_bus_message_rewind(spawn, true);
        if (r >= 0)
                r = sd_bus_message_skip(spawn, "sssisas");
        if (r >= 0)
                r = sd_bus_message_enter_container(spawn, 'a', "(sv)");
        if (r < 0)
                return r;
        r = sd_bus_message_at_end(spawn, false);
        return r > 0 ? -ENODATA : r;
}

int caller_properties_check(sd_bus_message *spawn, const Runtime *runtime, const Probe *probe, Fault *fault)
{
        uint64_t seen = 0;
        int r, n = 0;

        r = caller_properties_find(spawn);
        if (r < 0)
                return r == -ENODATA ? 0 : r;

        while ((r = sd_bus_message_enter_container(spawn, 'r', "sv")) > 0) {
                r = check_property(spawn, runtime, probe, &seen, fault);
                if (r >= 0)
                        r = sd_bus_message_exit_container(spawn);
                if (r < 0)
                        return r;
                n++;
        }
        return r < 0 ? r : n;
}

static int append_property(sd_bus_message *m, sd_bus_message *spawn, Probe *probe)
{
        const UnitPropertyRow *row;
        const char *name;
        int r;

        r = sd_bus_message_read(spawn, "s", &name);
        if (r < 0)
                return r;
        row = unit_property_find_on_bus(name);
        if (!row || !probe_takes(probe, row))
                return sd_bus_message_skip(spawn, "v");

        r = sd_bus_message_open_container(m, 'r', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", name);
        if (r >= 0)
                r = sd_bus_message_copy(m, spawn, false);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int caller_properties_append(sd_bus_message *m, sd_bus_message *spawn, Probe *probe)
{
        int r;

        r = caller_properties_find(spawn);
        while (r >= 0 && (r = sd_bus_message_enter_container(spawn, 'r', "sv")) > 0) {
                r = append_property(m, spawn, probe);
                if (r >= 0)
                        r = sd_bus_message_exit_container(spawn);
        }
        return r == -ENODATA ? 0 : r;
}
