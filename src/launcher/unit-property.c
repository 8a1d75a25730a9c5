/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit-property.h"

#include <assert.h>
#include <string.h>

#include "unit-property-value.h"

#define CONTROLLERS " cpu cpuacct cpuset io blkio memory devices pids bpf-firewall bpf-devices "

/* What a scope takes, on any systemd from 252 on: which of it this host's does is found out in scope.c. The
 * Startup* sizes have no scaled form on D-Bus (257). */
static const UnitPropertyRow rows[] = {
        { .setting = "CPUAccounting", .append = append_boolean },
        { .setting = "CPUWeight",
                .controller = "cpu",
                .append = append_weight,
                .min = 1,
                .max = 10000,
                .words = " idle " },
        { .setting = "StartupCPUWeight",
                .controller = "cpu",
                .append = append_weight,
                .min = 1,
                .max = 10000,
                .words = " idle " },
        { .setting = "CPUQuota",
                .controller = "cpu",
                .property = "CPUQuotaPerSecUSec",
                .append = append_quota },
        { .setting = "CPUQuotaPeriodSec",
                .controller = "cpu",
                .property = "CPUQuotaPeriodUSec",
                .append = append_time,
                .min = USEC_PER_MSEC,
                .max = USEC_PER_SEC },
        { .setting = "AllowedCPUs",
                .controller = "cpuset",
                .append = append_bitmap,
                .repeat = UNIT_PROPERTY_JOINS },
        { .setting = "StartupAllowedCPUs",
                .controller = "cpuset",
                .append = append_bitmap,
                .repeat = UNIT_PROPERTY_JOINS },
        { .setting = "AllowedMemoryNodes",
                .controller = "cpuset",
                .append = append_bitmap,
                .repeat = UNIT_PROPERTY_JOINS },
        { .setting = "StartupAllowedMemoryNodes",
                .controller = "cpuset",
                .append = append_bitmap,
                .repeat = UNIT_PROPERTY_JOINS },

        { .setting = "MemoryAccounting", .controller = "memory", .append = append_boolean },
        { .setting = "MemoryMin", .controller = "memory", .scale = "MemoryMinScale", .append = append_size },
        { .setting = "MemoryLow", .controller = "memory", .scale = "MemoryLowScale", .append = append_size },
        { .setting = "StartupMemoryLow", .controller = "memory", .append = append_size },
        { .setting = "DefaultMemoryMin",
                .controller = "memory",
                .scale = "DefaultMemoryMinScale",
                .append = append_size },
        { .setting = "DefaultMemoryLow",
                .controller = "memory",
                .scale = "DefaultMemoryLowScale",
                .append = append_size },
        { .setting = "DefaultStartupMemoryLow", .controller = "memory", .append = append_size },
        { .setting = "MemoryHigh",
                .controller = "memory",
                .scale = "MemoryHighScale",
                .append = append_size,
                .min = 1 },
        { .setting = "StartupMemoryHigh", .controller = "memory", .append = append_size, .min = 1 },
        { .setting = "MemoryMax",
                .controller = "memory",
                .scale = "MemoryMaxScale",
                .append = append_size,
                .min = 1 },
        { .setting = "StartupMemoryMax", .controller = "memory", .append = append_size, .min = 1 },
        { .setting = "MemorySwapMax",
                .controller = "memory",
                .scale = "MemorySwapMaxScale",
                .append = append_size },
        { .setting = "StartupMemorySwapMax", .controller = "memory", .append = append_size },
        { .setting = "MemoryZSwapMax",
                .controller = "memory",
                .scale = "MemoryZSwapMaxScale",
                .append = append_size },
        { .setting = "StartupMemoryZSwapMax", .controller = "memory", .append = append_size },
        { .setting = "MemoryZSwapWriteback", .controller = "memory", .append = append_boolean },
        { .setting = "MemoryPressureWatch", .append = append_word, .words = " auto on off skip " },
        { .setting = "MemoryPressureThresholdSec",
                .property = "MemoryPressureThresholdUSec",
                .append = append_time,
                .min = 1,
                .max = USEC_INFINITY - 1 },

        { .setting = "TasksAccounting", .controller = "pids", .append = append_boolean },
        { .setting = "TasksMax",
                .controller = "pids",
                .scale = "TasksMaxScale",
                .append = append_count,
                .min = 1 },

        { .setting = "IOAccounting", .controller = "io", .append = append_boolean },
        { .setting = "IOWeight", .controller = "io", .append = append_weight, .min = 1, .max = 10000 },
        { .setting = "StartupIOWeight",
                .controller = "io",
                .append = append_weight,
                .min = 1,
                .max = 10000 },
        { .setting = "IODeviceWeight",
                .controller = "io",
                .append = append_device_weight,
                .repeat = UNIT_PROPERTY_ADDS,
                .min = 1,
                .max = 10000 },
        { .setting = "IOReadBandwidthMax",
                .controller = "io",
                .append = append_device_rate,
                .repeat = UNIT_PROPERTY_ADDS },
        { .setting = "IOWriteBandwidthMax",
                .controller = "io",
                .append = append_device_rate,
                .repeat = UNIT_PROPERTY_ADDS },
        { .setting = "IOReadIOPSMax",
                .controller = "io",
                .append = append_device_rate,
                .repeat = UNIT_PROPERTY_ADDS },
        { .setting = "IOWriteIOPSMax",
                .controller = "io",
                .append = append_device_rate,
                .repeat = UNIT_PROPERTY_ADDS },
        { .setting = "IODeviceLatencyTargetSec",
                .controller = "io",
                .property = "IODeviceLatencyTargetUSec",
                .append = append_device_time,
                .repeat = UNIT_PROPERTY_ADDS },

        { .setting = "IPAccounting", .append = append_boolean },
        { .setting = "IPAddressAllow", .append = append_addresses, .repeat = UNIT_PROPERTY_JOINS },
        { .setting = "IPAddressDeny", .append = append_addresses, .repeat = UNIT_PROPERTY_JOINS },
        { .setting = "SocketBindAllow", .append = append_bind_rule, .repeat = UNIT_PROPERTY_ADDS },
        { .setting = "SocketBindDeny", .append = append_bind_rule, .repeat = UNIT_PROPERTY_ADDS },
        { .setting = "RestrictNetworkInterfaces",
                .append = append_interfaces,
                .repeat = UNIT_PROPERTY_JOINS },
        { .setting = "NFTSet", .append = append_nft_sets, .repeat = UNIT_PROPERTY_JOINS },

        { .setting = "DeviceAllow", .append = append_device, .repeat = UNIT_PROPERTY_ADDS },
        { .setting = "DevicePolicy", .append = append_word, .words = " auto closed strict " },

        { .setting = "Delegate",
                .append = append_delegate,
                .repeat = UNIT_PROPERTY_JOINS,
                .words = CONTROLLERS },
        { .setting = "DelegateSubgroup", .append = append_subgroup },
        { .setting = "DisableControllers",
                .append = append_words,
                .repeat = UNIT_PROPERTY_JOINS,
                .words = CONTROLLERS },

        { .setting = "ManagedOOMSwap", .append = append_word, .words = " auto kill " },
        { .setting = "ManagedOOMMemoryPressure", .append = append_word, .words = " auto kill " },
        { .setting = "ManagedOOMMemoryPressureLimit", .append = append_scale },
        { .setting = "ManagedOOMMemoryPressureDurationSec",
                .property = "ManagedOOMMemoryPressureDurationUSec",
                .append = append_time,
                .min = USEC_PER_SEC,
                .max = USEC_INFINITY - 1 },
        { .setting = "ManagedOOMPreference", .append = append_word, .words = " none avoid omit " },
        { .setting = "OOMPolicy",
                .controller = "memory",
                .append = append_word,
                .words = " continue stop kill " },
        { .setting = "CoredumpReceive", .append = append_boolean },
};

/* Settings of systemd.resource-control(5) that are refused, and why. */
static const struct {
        const char *setting;
        const char *reason;
} refused[] = {
        { "Slice", "an agent's slice is its guild's" },
        { "BPFProgram", "it names a program that systemd would run in the kernel" },
        { "IPIngressFilterPath", "it names a program that systemd would run in the kernel" },
        { "IPEgressFilterPath", "it names a program that systemd would run in the kernel" },
        { "CPUShares", "it is for cgroup v1, use CPUWeight=" },
        { "StartupCPUShares", "it is for cgroup v1, use StartupCPUWeight=" },
        { "MemoryLimit", "it is for cgroup v1, use MemoryMax=" },
        { "BlockIOAccounting", "it is for cgroup v1, use IOAccounting=" },
        { "BlockIOWeight", "it is for cgroup v1, use IOWeight=" },
        { "StartupBlockIOWeight", "it is for cgroup v1, use StartupIOWeight=" },
        { "BlockIODeviceWeight", "it is for cgroup v1, use IODeviceWeight=" },
        { "BlockIOReadBandwidth", "it is for cgroup v1, use IOReadBandwidthMax=" },
        { "BlockIOWriteBandwidth", "it is for cgroup v1, use IOWriteBandwidthMax=" },
};

const UnitPropertyRow *unit_property_rows(size_t *ret_n)
{
        *ret_n = ELEMENTSOF(rows);
        return rows;
}

const UnitPropertyRow *unit_property_find(const char *setting)
{
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (strcmp(rows[i].setting, setting) == 0)
                        return &rows[i];
        return NULL;
}

const UnitPropertyRow *unit_property_find_on_bus(const char *name)
{
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (strcmp(unit_property_row_name(&rows[i]), name) == 0 ||
                        (rows[i].scale && strcmp(rows[i].scale, name) == 0))
                        return &rows[i];
        return NULL;
}

bool unit_property_known(const char *setting)
{
        return unit_property_find(setting);
}

int unit_property_check(const char *setting, const char *value, Fault *fault)
{
        const UnitPropertyRow *row = unit_property_find(setting);

        if (!row) {
                for (size_t i = 0; i < ELEMENTSOF(refused); i++)
                        if (strcmp(refused[i].setting, setting) == 0)
                                return fault_set(fault, FAULT_INVALID_ARGS, "%s= cannot be set: %s", setting,
                                        refused[i].reason);
                return fault_set(fault, FAULT_INVALID_ARGS, "Unknown setting %s=", setting);
        }

        if (value[0] == '\0')
                return fault_set(fault, FAULT_INVALID_ARGS, "%s= needs a value", setting);

        return row->append(row, value, NULL, fault);
}

int unit_property_append(sd_bus_message *m, const UnitProperty *property)
{
        const UnitPropertyRow *row = unit_property_find(property->setting);

        assert(m && row);

        return row->append(row, property->value, m, NULL);
}

static void property_done(UnitProperty *property)
{
        free(property->setting);
        free(property->value);
}

static UnitProperty *find_item(UnitProperty *items, size_t n_items, const char *setting)
{
        for (size_t i = 0; i < n_items; i++)
                if (strcmp(items[i].setting, setting) == 0)
                        return &items[i];
        return NULL;
}

bool unit_properties_contain(const UnitProperty *items, size_t n_items, const char *setting)
{
        for (size_t i = 0; i < n_items; i++)
                if (strcmp(items[i].setting, setting) == 0)
                        return true;
        return false;
}

static void drop_setting(UnitProperty *items, size_t *n_items, const char *setting)
{
        size_t kept = 0;

        for (size_t i = 0; i < *n_items; i++)
                if (strcmp(items[i].setting, setting) == 0)
                        property_done(&items[i]);
                else
                        items[kept++] = items[i];
        *n_items = kept;
}

/* value's ownership is taken. */
static int add_item(UnitProperty **items, size_t *n_items, const char *setting, char *value)
{
        _cleanup_free_ char *name = strdup(setting), *owned = value;
        UnitProperty *grown;

        if (!name)
                return -ENOMEM;

        grown = reallocarray(*items, *n_items + 1, sizeof(UnitProperty));
        if (!grown)
                return -ENOMEM;

        grown[(*n_items)++] = (UnitProperty){ .setting = steal_ptr(name), .value = steal_ptr(owned) };
        *items = grown;
        return 0;
}

int unit_properties_assign(
        UnitProperty **items, size_t *n_items, const char *setting, const char *value, Fault *fault)
{
        const UnitPropertyRow *row = unit_property_find(setting);
        _cleanup_free_ char *text = NULL;
        UnitProperty *old;
        int r;

        if (row && value[0] == '\0') {
                drop_setting(*items, n_items, setting);
                return 0;
        }

        old = row && row->repeat != UNIT_PROPERTY_ADDS ? find_item(*items, *n_items, setting) : NULL;
        if (old && row->repeat == UNIT_PROPERTY_JOINS) {
                if (asprintf(&text, "%s %s", old->value, value) < 0)
                        text = NULL;
        } else
                text = strdup(value);
        if (!text)
                return -ENOMEM;

        r = unit_property_check(setting, text, fault);
        if (r < 0)
                return r;

        if (!old)
                return add_item(items, n_items, setting, steal_ptr(text));

        free(old->value);
        old->value = steal_ptr(text);
        return 0;
}

void unit_properties_free(UnitProperty *items, size_t n_items)
{
        for (size_t i = 0; i < n_items; i++)
                property_done(&items[i]);
        free(items);
}
