/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Resource-control settings: "Setting=value" on each line. What is accepted is sent as one well-formed item;
 * a list of them that was put together by assignments likewise. */

#include <string.h>

#include <glib.h>

#include "fuzz.h"
#include "unit-property.h"

static void expect_item(const UnitProperty *property)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = fuzz_message_new();
        const char *name;

        fuzz_must(sd_bus_message_open_container(m, 'a', "(sv)"), "properties");
        fuzz_must(unit_property_append(m, property), "a checked value can be sent");
        fuzz_must(sd_bus_message_close_container(m), "properties");
        fuzz_message_seal(m);

        fuzz_must(sd_bus_message_enter_container(m, 'a', "(sv)"), "entering");
        fuzz_expect(sd_bus_message_enter_container(m, 'r', "sv") > 0, "there is an item");
        fuzz_must(sd_bus_message_read(m, "s", &name), "reading the name");
        fuzz_expect(name[0] != '\0', "it has a name");
        fuzz_must(sd_bus_message_skip(m, "v"), "the value can be read");
        fuzz_must(sd_bus_message_exit_container(m), "leaving");
        fuzz_expect(sd_bus_message_at_end(m, false) > 0, "there is one item");
}

/* A value comes from a file, or from a caller: in both cases clean UTF-8. */
static bool split(char *line, UnitProperty *ret)
{
        char *equals = strchr(line, '=');

        if (!equals || !g_utf8_validate(line, -1, NULL))
                return false;
        *equals = '\0';
        *ret = (UnitProperty){ .setting = line, .value = equals + 1 };
        return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autofree char *text = fuzz_text(data, size);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        UnitProperty *items = NULL, one;
        size_t n_items = 0;

        for (char **line = lines; *line; line++) {
                _cleanup_fault_ Fault fault = FAULT_INIT, second_fault = FAULT_INIT;

                if (!split(*line, &one))
                        continue;
                if (unit_property_check(one.setting, one.value, &fault) >= 0) {
                        fuzz_expect(unit_property_known(one.setting), "what is accepted is known");
                        expect_item(&one);
                } else
                        fuzz_expect(fault.kind == FAULT_INVALID_ARGS, "what is refused is InvalidArgs");
                (void)unit_properties_assign(&items, &n_items, one.setting, one.value, &second_fault);
        }
        for (size_t i = 0; i < n_items; i++)
                expect_item(&items[i]);
        unit_properties_free(items, n_items);
        return 0;
}
