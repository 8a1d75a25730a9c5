/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The options of CreateAgent. sd-bus takes messages from sockets only, so the bytes are not a message: they
 * say how one is built. Each item begins with two bytes, which pick key and type, and goes on with its text
 * up to a newline; of unit properties, as properties.h says. */

#include <string.h>

#include <glib.h>

#include "escape.h"
#include "options.h"
#include "properties.h"
#include "strv.h"
#include "unit-properties.h"

static const char *const keys[] = { "wait", "request_id", "machine_id", "client_type", "client_properties",
        "runtime", "timeout", "environment", "restart", "unit_properties", "nonsense", "", "takeover" };

static void append_number(sd_bus_message *m, char type, const char *text)
{
        uint64_t value = g_ascii_strtoull(text, NULL, 10);

        /* Types smaller than what is read from are at its beginning: this is for little-endian machines. */
        fuzz_must(sd_bus_message_append_basic(m, type, &value), "number");
}

static void append_value(sd_bus_message *m, char type, char *text, const uint8_t *data, size_t size)
{
        g_auto(GStrv) words = NULL;

        switch (type) {
        case 's':
                fuzz_must(sd_bus_message_append(m, "v", "s", text), "text");
                return;
        case 'A':
                words = g_strsplit(text, ";", -1);
                fuzz_must(sd_bus_message_open_container(m, 'v', "as"), "list");
                fuzz_must(sd_bus_message_append_strv(m, words), "list");
                break;
        case 'V':
                fuzz_must(sd_bus_message_open_container(m, 'v', "a(sv)"), "properties");
                (void)fuzz_append_properties(m, data, size);
                break;
        case 'v':
                fuzz_must(sd_bus_message_append(m, "v", "v", "s", text), "variant");
                return;
        default:
                fuzz_must(sd_bus_message_open_container(m, 'v', (char[]){ type, '\0' }), "number");
                append_number(m, type, text);
                break;
        }
        fuzz_must(sd_bus_message_close_container(m), "value");
}

static void append_item(sd_bus_message *m, uint8_t key, uint8_t type, const uint8_t *data, size_t size)
{
        static const char types[] = "sitAybnqxudVv";
        g_autofree char *text = fuzz_text(data, size);

        /* Who sends something else is cut off by the bus, or by sd-bus. */
        utf8_make_sendable(text);
        fuzz_must(sd_bus_message_open_container(m, 'e', "sv"), "item");
        /* Above the known ones: the text is the key. */
        fuzz_must(sd_bus_message_append(m, "s", key % 16 < ELEMENTSOF(keys) ? keys[key % 16] : text), "key");
        append_value(m, types[type % (sizeof(types) - 1)], text, data, size);
        fuzz_must(sd_bus_message_close_container(m), "item");
}

static sd_bus_message *build(const uint8_t *data, size_t size)
{
        sd_bus_message *m = fuzz_message_new();

        fuzz_must(sd_bus_message_open_container(m, 'a', "{sv}"), "options");
        while (size >= 2) {
                const uint8_t *text = data + 2, *newline = memchr(text, '\n', size - 2);
                size_t length = newline ? (size_t)(newline - text) : size - 2;

                append_item(m, data[0], data[1], text, length);
                size -= 2 + length + (newline ? 1 : 0);
                data = text + length + (newline ? 1 : 0);
        }
        fuzz_must(sd_bus_message_close_container(m), "options");
        fuzz_message_seal(m);
        return m;
}

static void expect_text(const char *text)
{
        fuzz_expect(!text || (strlen(text) >= 1 && strlen(text) <= 255), "a text has 1 to 255 bytes");
}

/* To the launcher, and into the state file. */
static void expect_passed_on(GVariant *properties)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = fuzz_message_new();
        g_autofree char *text = unit_properties_to_text(properties);
        g_autoptr(GVariant) sent = NULL, stored = unit_properties_from_text(text);

        fuzz_must(unit_properties_check(properties, NULL), "what is read passes the other check");
        fuzz_must(unit_properties_append(m, properties), "what is read can be sent");
        fuzz_message_seal(m);
        fuzz_must(unit_properties_read(m, &sent, NULL), "what is sent can be read");
        fuzz_expect(sent && g_variant_equal(sent, properties), "it is sent as it is");
        fuzz_expect(stored && g_variant_equal(stored, properties), "it is stored as it is");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = build(data, size);
        _cleanup_(create_options_done) CreateOptions options = { 0 };
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (create_options_read(m, &options, &fault) < 0) {
                fuzz_expect(fault.kind == FAULT_INVALID_ARGS, "refused options are InvalidArgs");
                fuzz_expect(utf8_is_sendable(fault_text(&fault)), "the fault can be sent");
                return 0;
        }
        expect_text(options.request_id);
        expect_text(options.client_type);
        expect_text(options.runtime);
        if (options.unit_properties)
                expect_passed_on(options.unit_properties);
        fuzz_expect(sd_bus_message_at_end(m, true) > 0, "all of it has been read");
        return 0;
}
