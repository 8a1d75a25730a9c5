/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What hosts say to one another: a request that is accepted means the same when it is sent on, and no answer
 * does harm, whatever it is. */

#include <string.h>

#include "escape.h"
#include "fuzz.h"
#include "wire.h"

static void check_create(const char *text, size_t size)
{
        _cleanup_peer_create_ PeerCreate first = { 0 }, second = { 0 };
        _cleanup_fault_ Fault fault = FAULT_INIT;
        g_autoptr(GBytes) written = NULL, again = NULL;
        const char *data;
        gsize length;

        if (wire_read_create(text, size, &first, &fault) < 0) {
                fuzz_expect(fault.kind == FAULT_INVALID_ARGS, "a refused request is InvalidArgs");
                fuzz_expect(utf8_is_sendable(fault_text(&fault)), "its fault is a text");
                return;
        }
        fuzz_expect(
                first.agent_spec && first.guild_spec && first.messaging_config && first.client_properties,
                "a request has its texts");
        written = wire_write_create(&first);
        data = g_bytes_get_data(written, &length);
        fuzz_must(wire_read_create(data, length, &second, NULL), "what was written is a good request");
        again = wire_write_create(&second);
        fuzz_expect(g_bytes_equal(written, again), "what was written and read is written the same");
}

static void check_answers(const char *text, size_t size)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        PeerCreated created = { 0 };
        PeerHealth health = { 0 };
        PeerAgent agent = { 0 };
        GArray *agents = NULL;
        bool stopped;

        if (wire_read_created(text, size, &created, NULL) >= 0)
                fuzz_expect(created.agent_id && created.object_path, "an answer has its texts");
        if (wire_read_health(text, size, &health, NULL) >= 0)
                fuzz_expect(health.hostname, "an answer has its texts");
        if (wire_read_agent(text, size, &agent, NULL) >= 0)
                fuzz_expect(
                        agent.agent_id && agent.guild_id && agent.name && agent.state && agent.object_path,
                        "an agent has its texts");
        if (wire_read_agents(text, size, &agents, NULL) >= 0)
                g_array_unref(agents);
        (void)wire_read_stopped(text, size, &stopped, NULL);
        wire_read_problem(text, size, 500, &fault);
        fuzz_expect(fault.kind != FAULT_NONE, "a problem is a fault");

        peer_created_done(&created);
        peer_health_done(&health);
        peer_agent_done(&agent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_free_ char *text = fuzz_text(data, size);

        check_create(text, size);
        check_answers(text, size);
        return 0;
}
