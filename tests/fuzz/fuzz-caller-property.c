/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The unit properties of a Spawn, as the launcher looks at them: the one who sends them may have taken
 * agenthostd over. What is taken is of few names, leads systemd nowhere, and is sent on as it is. */

#include <string.h>

#include "caller-property.h"
#include "properties.h"

static UnitProperty of_runtime[] = {
        { (char *)"OOMPolicy", (char *)"kill" },
        { (char *)"MemoryHigh", (char *)"1G" },
};
static const Runtime runtime = {
        .name = (char *)"r",
        .path = (char *)"/r.runtime",
        .properties = of_runtime,
        .n_properties = ELEMENTSOF(of_runtime),
};

static void on_changed(void *userdata)
{
        (void)userdata;
}

static sd_bus_message *build_spawn(const uint8_t *data, size_t size, int *ret_n)
{
        sd_bus_message *m = fuzz_message_new();

        fuzz_must(sd_bus_message_append(m, "sssisas", "a", "g", "r", 1, "T", 1, "A=1"), "spawn");
        *ret_n = (int)fuzz_append_properties(m, data, size);
        fuzz_message_seal(m);
        return m;
}

/* Limits and shares, of what the runtime leaves open. How many tasks systemd allows is not known here. */
static void expect_allowed(const char *name)
{
        static const char *const beginnings[] = { "CPUWeight", "CPUQuotaPerSec", "Allowed", "Memory", "IO" };
        bool found = false;

        for (size_t i = 0; i < ELEMENTSOF(beginnings); i++)
                found = found || strncmp(name, beginnings[i], strlen(beginnings[i])) == 0;
        fuzz_expect(found, "it has one of few names");
        fuzz_expect(strncmp(name, "MemoryHigh", strlen("MemoryHigh")) != 0, "the runtime has not set it");
}

static void expect_same_number(sd_bus_message *m, sd_bus_message *spawn, char type)
{
        uint64_t sent = 0, given = 0;

        fuzz_must(sd_bus_message_read_basic(m, type, &sent), "number");
        fuzz_must(sd_bus_message_read_basic(spawn, type, &given), "number");
        fuzz_expect(sent == given, "the number is sent as it is");
}

static void expect_same_bytes(sd_bus_message *m, sd_bus_message *spawn)
{
        const void *sent, *given;
        size_t sent_size, given_size;

        fuzz_must(sd_bus_message_read_array(m, 'y', &sent, &sent_size), "bit map");
        fuzz_must(sd_bus_message_read_array(spawn, 'y', &given, &given_size), "bit map");
        fuzz_expect(sent_size > 0 && sent_size == given_size && memcmp(sent, given, sent_size) == 0,
                "the bit map is sent as it is");
}

static void expect_same_devices(sd_bus_message *m, sd_bus_message *spawn)
{
        uint64_t sent_amount, given_amount;
        const char *sent, *given;
        unsigned n = 0;

        fuzz_must(sd_bus_message_enter_container(m, 'a', "(st)"), "devices");
        fuzz_must(sd_bus_message_enter_container(spawn, 'a', "(st)"), "devices");
        for (; sd_bus_message_read(m, "(st)", &sent, &sent_amount) > 0; n++) {
                fuzz_expect(sd_bus_message_read(spawn, "(st)", &given, &given_amount) > 0, "it was given");
                fuzz_expect(strcmp(sent, given) == 0 && sent_amount == given_amount, "it is as given");
                fuzz_expect(strncmp(sent, "/dev/", 5) == 0 && !strstr(sent, "/."), "the path stays in /dev");
        }
        fuzz_expect(n > 0, "there are devices");
        fuzz_must(sd_bus_message_exit_container(m), "devices");
        fuzz_must(sd_bus_message_exit_container(spawn), "all devices are sent");
}

static void expect_same_value(sd_bus_message *m, sd_bus_message *spawn)
{
        const char *sent, *given;

        fuzz_must(sd_bus_message_peek_type(m, NULL, &sent), "type");
        fuzz_must(sd_bus_message_peek_type(spawn, NULL, &given), "type");
        fuzz_expect(strcmp(sent, given) == 0, "it is of the same type");
        fuzz_must(sd_bus_message_enter_container(m, 'v', sent), "value");
        fuzz_must(sd_bus_message_enter_container(spawn, 'v', given), "value");
        if (strcmp(given, "ay") == 0)
                expect_same_bytes(m, spawn);
        else if (strcmp(given, "a(st)") == 0)
                expect_same_devices(m, spawn);
        else {
                fuzz_expect(strcmp(given, "t") == 0 || strcmp(given, "u") == 0, "it has one of few types");
                expect_same_number(m, spawn, given[0]);
        }
        fuzz_must(sd_bus_message_exit_container(m), "value");
        fuzz_must(sd_bus_message_exit_container(spawn), "value");
}

static void expect_same(sd_bus_message *m, sd_bus_message *spawn, int n)
{
        const char *sent, *given;

        fuzz_must(sd_bus_message_enter_container(m, 'a', "(sv)"), "properties");
        fuzz_must(caller_properties_find(spawn), "properties");
        for (int i = 0; i < n; i++) {
                fuzz_expect(sd_bus_message_enter_container(m, 'r', "sv") > 0, "it is sent");
                fuzz_must(sd_bus_message_enter_container(spawn, 'r', "sv"), "property");
                fuzz_must(sd_bus_message_read(m, "s", &sent), "name");
                fuzz_must(sd_bus_message_read(spawn, "s", &given), "name");
                fuzz_expect(strcmp(sent, given) == 0, "it has the same name");
                expect_allowed(sent);
                expect_same_value(m, spawn);
                fuzz_must(sd_bus_message_exit_container(m), "property");
                fuzz_must(sd_bus_message_exit_container(spawn), "property");
        }
        fuzz_expect(sd_bus_message_at_end(m, false) > 0, "nothing else is sent");
}

static void expect_sent(sd_bus_message *spawn, Probe *probe, int n)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = fuzz_message_new();

        fuzz_must(sd_bus_message_open_container(m, 'a', "(sv)"), "properties");
        fuzz_must(caller_properties_append(m, spawn, probe), "what is taken can be sent");
        fuzz_must(sd_bus_message_close_container(m), "properties");
        fuzz_message_seal(m);
        expect_same(m, spawn, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *spawn = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        Probe *probe;
        int n, taken;

        spawn = build_spawn(data, size, &n);
        fuzz_must(probe_new(NULL, false, on_changed, NULL, &probe), "probe");
        taken = caller_properties_check(spawn, &runtime, probe, &fault);
        if (taken < 0) {
                fuzz_expect(fault.kind == FAULT_INVALID_ARGS || fault.kind == FAULT_ACCESS_DENIED,
                        "what is refused is told");
                fuzz_expect(strlen(fault_text(&fault)) < 1024, "in few words");
        } else {
                fuzz_expect(taken == n, "all of them were looked at");
                if (n > 0)
                        expect_sent(spawn, probe, n);
        }
        probe_free(probe);
        return 0;
}
