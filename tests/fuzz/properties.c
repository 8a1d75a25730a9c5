/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "properties.h"

#include <string.h>

#include <glib.h>

#include "escape.h"

#define DEPTH_MAX 8u

typedef struct Bytes {
        const uint8_t *data;
        size_t size;
} Bytes;

static const char *const names[] = {
        /* For callers; */
        "CPUWeight", "CPUQuotaPerSecUSec", "AllowedCPUs", "AllowedMemoryNodes", "MemoryMin", "MemoryLow",
        "MemoryHigh", "MemoryMax", "MemorySwapMax", "MemoryZSwapMax", "TasksMax", "IOWeight",
        "IODeviceWeight", "IOReadBandwidthMax", "IOWriteBandwidthMax", "IOReadIOPSMax", "IOWriteIOPSMax",
        "IODeviceLatencyTargetUSec", "MemoryMinScale", "MemoryLowScale", "MemoryHighScale", "MemoryMaxScale",
        "MemorySwapMaxScale", "MemoryZSwapMaxScale",
        /* for runtimes; */
        "TasksMaxScale", "OOMPolicy", "Delegate", "DeviceAllow", "IPAddressAllow", "CPUQuotaPeriodUSec",
        /* for nobody. */
        "Slice", "PIDs", "KillMode", "CPUQuota", ""
};

static const char *const types[] = { "t", "u", "ay", "a(st)", "s", "b", "y", "n", "q", "i", "x", "d", "v",
        "as", "au", "at", "aat", "(st)", "(t)", "a(su)", "a(ss)", "a(sv)", "a{st}", "a{sv}", "av", "a(iayu)",
        "aaaaat", "((((t))))" };

/* Zeros where there are no more. */
static void take(Bytes *from, void *to, size_t size)
{
        size_t n = MIN(size, from->size);

        memset(to, 0, size);
        if (n > 0)
                memcpy(to, from->data, n);
        from->data += n;
        from->size -= n;
}

static uint8_t take_byte(Bytes *from)
{
        uint8_t byte;

        take(from, &byte, 1);
        return byte;
}

static char *take_text(Bytes *from)
{
        size_t size = take_byte(from);
        char *text = g_malloc0(size + 1);

        take(from, text, size);
        utf8_make_sendable(text);
        return text;
}

/* Of the first complete type. */
static size_t type_length(const char *type)
{
        unsigned depth = 0;
        size_t n = 0;

        while (type[n] == 'a')
                n++;
        do {
                if (type[n] == '(' || type[n] == '{')
                        depth++;
                else if (type[n] == ')' || type[n] == '}')
                        depth--;
                n++;
        } while (depth > 0);
        return n;
}

static void append_values(sd_bus_message *m, const char *type, Bytes *from, unsigned depth);

static void append_array(sd_bus_message *m, const char *item, Bytes *from, unsigned depth)
{
        unsigned n = take_byte(from);

        /* A bit map may have more. */
        if (item[0] == 'y')
                n *= 5;
        fuzz_must(sd_bus_message_open_container(m, 'a', item), "array");
        for (unsigned i = 0; i < n && from->size > 0; i++)
                append_values(m, item, from, depth);
        fuzz_must(sd_bus_message_close_container(m), "array");
}

static void append_variant(sd_bus_message *m, Bytes *from, unsigned depth)
{
        const char *type = types[depth < DEPTH_MAX ? take_byte(from) % G_N_ELEMENTS(types) : 0];

        fuzz_must(sd_bus_message_open_container(m, 'v', type), "variant");
        append_values(m, type, from, depth + 1);
        fuzz_must(sd_bus_message_close_container(m), "variant");
}

static void append_struct(
        sd_bus_message *m, char container, const char *contents, Bytes *from, unsigned depth)
{
        fuzz_must(sd_bus_message_open_container(m, container, contents), "structure");
        append_values(m, contents, from, depth);
        fuzz_must(sd_bus_message_close_container(m), "structure");
}

static void append_basic(sd_bus_message *m, char type, Bytes *from)
{
        static const char small[] = "y1n2q2i4u4b4";
        const char *row = strchr(small, type);
        g_autofree char *text = NULL;
        uint64_t number = 0;

        if (type == 's') {
                text = take_text(from);
                fuzz_must(sd_bus_message_append_basic(m, 's', text), "text");
                return;
        }
        /* Types smaller than what is read from are at its beginning: this is for little-endian machines. */
        take(from, &number, row ? (size_t)(row[1] - '0') : sizeof(number));
        fuzz_must(sd_bus_message_append_basic(m, type, &number), "number");
}

static void append_values(sd_bus_message *m, const char *type, Bytes *from, unsigned depth)
{
        for (size_t n; *type; type += n) {
                g_autofree char *contents = NULL;

                n = type_length(type);
                switch (*type) {
                case 'a':
                        contents = g_strndup(type + 1, n - 1);
                        append_array(m, contents, from, depth);
                        break;
                case 'v':
                        append_variant(m, from, depth);
                        break;
                case '(':
                case '{':
                        contents = g_strndup(type + 1, n - 2);
                        append_struct(m, *type == '(' ? 'r' : 'e', contents, from, depth);
                        break;
                default:
                        append_basic(m, *type, from);
                        break;
                }
        }
}

unsigned fuzz_append_properties(sd_bus_message *m, const uint8_t *data, size_t size)
{
        Bytes from = { data, size };
        unsigned n = 0;

        fuzz_must(sd_bus_message_open_container(m, 'a', "(sv)"), "properties");
        for (; from.size > 0; n++) {
                uint8_t name = take_byte(&from);
                g_autofree char *own = name < G_N_ELEMENTS(names) ? NULL : take_text(&from);

                fuzz_must(sd_bus_message_open_container(m, 'r', "sv"), "property");
                fuzz_must(sd_bus_message_append(m, "s", own ? own : names[name]), "name");
                append_variant(m, &from, 0);
                fuzz_must(sd_bus_message_close_container(m), "property");
        }
        fuzz_must(sd_bus_message_close_container(m), "properties");
        return n;
}
