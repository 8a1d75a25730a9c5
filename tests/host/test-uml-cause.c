/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The cause of death: whose limit of memory an agent was killed for, and what it had used, where the kernel
 * counts. */

#include <glib.h>
#include <signal.h>
#include <unistd.h>

#include "common/agents.h"
#include "common/cgroups.h"
#include "common/host-state.h"
#include "common/outcome.h"

#define HUNGRY "test-hungry"
#define MIB (UINT64_C(1) << 20)

/* An agent of HUNGRY eats when it is told to. */
static Client *begin_hungry(const char *actions, const char *settings)
{
        g_autofree char *all = g_strconcat("status=waiting wait ", actions, NULL);
        Client *c = agents_begin();

        runtime_add(HUNGRY, "exec", all, settings);
        host_reload();
        return c;
}

static void expect_killed(Client *c, const char *id, const char *level)
{
        agent_let_be_ready(c, id);
        agent_wait_end(c, id, "oom-kill", SIGKILL);
        agent_expect(c, id, "OOMLevel", level);
}

static uint64_t number_of(Client *c, const char *id, const char *name)
{
        g_autofree char *text = agent_property(c, id, name);

        return g_ascii_strtoull(text, NULL, 10);
}

static void test_own_limit_is_the_agents(void)
{
        _cleanup_client_ Client *c = begin_hungry("eat=200", "MemoryMax=24M\nMemorySwapMax=0");

        create(c, &(Create){ .id = "a1", .runtime = HUNGRY });
        agent_expect(c, "a1", "OOMLevel", "");
        expect_killed(c, "a1", "agent");
}

static void test_childs_death_is_the_agents_too(void)
{
        _cleanup_client_ Client *c = begin_hungry("child-eat=200", "MemoryMax=24M\nMemorySwapMax=0");

        create(c, &(Create){ .id = "a1", .runtime = HUNGRY });
        expect_killed(c, "a1", "agent");
}

static void test_limit_of_its_slice_is_the_guilds(void)
{
        _cleanup_client_ Client *c = begin_hungry("eat=200", "MemoryMax=1G");

        create(c, &(Create){ .id = "a1", .guild = "poor", .runtime = HUNGRY });
        cgroup_set("agents-poor.slice", "MemoryMax=48M MemorySwapMax=0");
        expect_killed(c, "a1", "guild");
}

static void test_limit_of_all_agents_is_the_fleets(void)
{
        _cleanup_client_ Client *c = begin_hungry("eat=200", NULL);

        create(c, &(Create){ .id = "a1", .guild = "any", .runtime = HUNGRY });
        cgroup_set("agents.slice", "MemoryMax=48M MemorySwapMax=0");
        expect_killed(c, "a1", "fleet");
        cgroup_set("agents.slice", "MemoryMax=infinity MemorySwapMax=infinity");
}

/* More than the machine has, in parts: the kernel refuses to promise more than all of it at once. */
static char *eat_everything(void)
{
        uint64_t all = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
        unsigned half = (unsigned)(all / MIB / 2);

        return g_strdup_printf("gulp=%u gulp=%u gulp=%u wait", half, half, half);
}

/* What the kernel says when it was nobody's limit. */
static void expect_killed_by_the_kernel_for_the_machine(pid_t pid)
{
        g_autofree char *killed = g_strdup_printf("] Out of memory: Killed process %d ", (int)pid);
        g_autofree char *log = command("dmesg");

        expect_part("the kernel's log", killed, log);
}

/* A launcher that has seen no limit hit: for a while it would take that for the cause. */
static void forget_what_was_hit(void)
{
        g_free(systemctl("restart agenthost-launcher.service"));
}

/* Nobody has a limit: the kernel looks for the largest in all of the machine. */
static void test_end_of_the_machines_memory_is_the_hosts(void)
{
        static const char *const services[] = { "agenthostd.service", "agenthost-launcher.service" };
        g_autofree char *actions = eat_everything();
        _cleanup_client_ Client *c = begin_hungry(actions, NULL);
        pid_t pid, service_pids[ELEMENTSOF(services)];

        forget_what_was_hit();
        create_when_possible(c, "near");
        create(c, &(Create){ .id = "far", .guild = "other" });
        pid = create(c, &(Create){ .id = "a1", .runtime = HUNGRY });
        cgroup_expect("agent-a1.scope", "memory.max", "max");
        for (size_t i = 0; i < ELEMENTSOF(services); i++)
                service_pids[i] = service_pid(services[i]);

        expect_killed(c, "a1", "host");
        expect_killed_by_the_kernel_for_the_machine(pid);
        agent_expect(c, "near", "Alive", "true");
        agent_expect(c, "far", "Alive", "true");
        expect_number("processes of agents", 2, agent_process_count());
        for (size_t i = 0; i < ELEMENTSOF(services); i++)
                expect_number(services[i], service_pids[i], service_pid(services[i]));
        create(c, &(Create){ .id = "next" });
}

/* A caller's own limit is a limit. */
static void test_unit_properties_of_a_caller_are_enforced(void)
{
        _cleanup_client_ Client *c = begin_hungry("eat=200", NULL);
        g_autofree char *spec = agent_spec_text("a1");
        _cleanup_message_ sd_bus_message *m = NULL;

        must(sd_bus_message_new_method_call(
                     client_bus(c), &m, BUS_NAME, HOST_PATH, MANAGER_INTERFACE, "CreateAgent"),
                "CreateAgent");
        must(sd_bus_message_append(m, "sssa{sv}", spec, "{\"id\":\"g\"}", "", 2, "runtime", "s", HUNGRY,
                     "unit_properties", "a(sv)", 3, "MemoryMax", "t", 24 * MIB, "CPUQuotaPerSecUSec", "t",
                     UINT64_C(250000), "TasksMax", "t", UINT64_C(9)),
                "CreateAgent");
        sd_bus_message_unref(call_success(client_send_message(c, m)));
        cgroup_expect("agent-a1.scope", "memory.max", "25165824");
        cgroup_expect("agent-a1.scope", "cpu.max", "25000 100000");
        cgroup_expect("agent-a1.scope", "pids.max", "9");
        expect_killed(c, "a1", "agent");
}

static void test_what_an_agent_has_used_is_told(void)
{
        _cleanup_client_ Client *c = begin_hungry("eat=64 busy=200 exit=3", NULL);

        create(c, &(Create){ .id = "a1", .runtime = HUNGRY });
        agent_let_be_ready(c, "a1");
        agent_wait_end(c, "a1", "exit-code", 3);
        expect_true("MemoryPeak is what it ate, at least",
                number_of(c, "a1", "MemoryPeak") >= 64 * MIB &&
                        number_of(c, "a1", "MemoryPeak") < 512 * MIB);
        expect_true("CPUUsageNSec is what it used, at least",
                number_of(c, "a1", "CPUUsageNSec") >= UINT64_C(200) * 1000 * 1000);
        agent_expect(c, "a1", "OOMLevel", "");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/cause/" name, test_##function)
        ADD("own-limit-is-the-agents", own_limit_is_the_agents);
        ADD("childs-death-is-the-agents-too", childs_death_is_the_agents_too);
        ADD("limit-of-its-slice-is-the-guilds", limit_of_its_slice_is_the_guilds);
        ADD("limit-of-all-agents-is-the-fleets", limit_of_all_agents_is_the_fleets);
        ADD("unit-properties-of-a-caller-are-enforced", unit_properties_of_a_caller_are_enforced);
        ADD("what-an-agent-has-used-is-told", what_an_agent_has_used_is_told);
        /* Last: whatever runs next is slow, as no file is in memory any more. */
        ADD("end-of-the-machines-memory-is-the-hosts", end_of_the_machines_memory_is_the_hosts);
#undef ADD

        return host_tests_run();
}
