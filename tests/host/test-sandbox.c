/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the services may not do; and that agents, which are started from within one of them, have nothing of
 * it. */

#include <glib.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"

#define FREE "test-free"
#define SERVICE "agenthostd.service"
#define LAUNCHER "agenthost-launcher.service"

/* In tenths, as systemd-analyze counts. */
#define EXPOSURE_MAX 20

static char *read_link_of(pid_t pid, const char *name)
{
        return g_strstrip(command("readlink /proc/%d/%s", (int)pid, name));
}

/* A line of /proc/PID/status. */
static char *status_of(pid_t pid, const char *key)
{
        g_autofree char *text = command("grep '^%s:' /proc/%d/status", key, (int)pid);

        return g_strdup(g_strstrip(text + strlen(key) + 1));
}

static char *unit_property(const char *unit, const char *name)
{
        return g_strstrip(command("systemctl show --property=%s --value %s", name, unit));
}

static void test_exposure_of_agenthostd_is_low(void)
{
        /* It fails, and prints what is missing, where it is more. */
        g_free(command("systemd-analyze security --no-pager --threshold=%d " SERVICE, EXPOSURE_MAX));
}

static void test_agenthostd_has_no_privileges(void)
{
        static const struct {
                const char *key, *expected;
        } cases[] = {
                { "NoNewPrivs", "1" },
                { "Seccomp", "2" },
                { "CapEff", "0000000000000000" },
                { "CapPrm", "0000000000000000" },
                { "CapBnd", "0000000000000000" },
                { "CapAmb", "0000000000000000" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                g_autofree char *got = status_of(service_pid(SERVICE), cases[i].key);

                expect_text(cases[i].key, cases[i].expected, got);
        }
}

/* Among the agents the kernel looks first. What a container's systemd may not set is seen as a property
 * only.
 */
static void test_services_are_the_last_to_go_for_want_of_memory(void)
{
        g_autofree char *host = unit_property(SERVICE, "OOMScoreAdjust"),
                        *launcher = unit_property("agenthost-launcher.service", "OOMScoreAdjust");

        expect_text("of agenthostd", "-900", host);
        expect_text("of agenthost-launcher", "-1000", launcher);
}

/* One by one, as the exposure is a sum: one of them may be lost and another gained. */
static void test_agenthostd_may_only_talk(void)
{
        static const struct {
                const char *name, *expected;
        } cases[] = {
                { "ProtectSystem", "strict" },
                { "ProtectHome", "yes" },
                { "PrivateDevices", "yes" },
                { "PrivateTmp", "yes" },
                { "DevicePolicy", "closed" },
                { "MemoryDenyWriteExecute", "yes" },
                { "LockPersonality", "yes" },
                { "RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX" },
                { "RestrictSUIDSGID", "yes" },
                { "RestrictRealtime", "yes" },
                { "SystemCallArchitectures", "native" },
                { "LimitCORE", "0" },
                { "UMask", "0077" },
        };
        static const char *const refused[] = { "mount", "bpf", "setuid", "reboot", "init_module",
                "setrlimit" };
        g_autofree char *filter = unit_property(SERVICE, "SystemCallFilter");
        g_auto(GStrv) calls = g_strsplit(filter, " ", -1);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                g_autofree char *got = unit_property(SERVICE, cases[i].name);

                expect_text(cases[i].name, cases[i].expected, got);
        }
        expect_true("system calls are listed", g_strv_contains((const char *const *)calls, "read"));
        for (size_t i = 0; i < ELEMENTSOF(refused); i++)
                expect_false(refused[i], g_strv_contains((const char *const *)calls, refused[i]));
}

/* By the control group, which agents leave. */
static void test_the_launcher_is_cut_off_from_network_and_devices(void)
{
        static const struct {
                const char *name, *expected;
        } cases[] = {
                { "IPAddressDeny", "0.0.0.0/0" },
                { "IPAddressDeny", "::/0" },
                { "SocketBindDeny", "any" },
                { "DevicePolicy", "closed" },
                { "NotifyAccess", "main" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                g_autofree char *got = unit_property(LAUNCHER, cases[i].name);

                expect_part(cases[i].name, cases[i].expected, got);
        }
}

static Client *begin_free(const char *type, const char *exec)
{
        Client *c = agents_begin();

        runtime_write(FREE, "[Runtime]\nType=%s\nUser=root\nNoNewPrivileges=no\nExec=%s\n", type, exec);
        host_reload();
        return c;
}

/* As PID 1 has it. */
static void test_agents_have_nothing_of_it(void)
{
        static const char *const namespaces[] = { "ns/mnt", "ns/uts", "ns/ipc", "ns/net", "ns/pid",
                "ns/user", "ns/cgroup", "root" };
        static const char *const lines[] = { "CapBnd", "CapAmb", "CapInh", "NoNewPrivs", "Seccomp" };
        _cleanup_client_ Client *c = begin_free("exec", AGENT_PROGRAM " wait");
        pid_t pid = create(c, &(Create){ .id = "a1", .runtime = FREE });

        for (size_t i = 0; i < ELEMENTSOF(namespaces); i++) {
                g_autofree char *expected = read_link_of(1, namespaces[i]);
                g_autofree char *got = read_link_of(pid, namespaces[i]);

                expect_text(namespaces[i], expected, got);
        }
        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                g_autofree char *expected = status_of(1, lines[i]), *got = status_of(pid, lines[i]);

                expect_text(lines[i], expected, got);
        }
}

/* A runtime's own setting takes one thing away. */
static void test_agents_get_no_new_privileges_from_their_runtime(void)
{
        _cleanup_client_ Client *c = agents_begin();
        pid_t pid = create(c, &(Create){ .id = "a1" });
        g_autofree char *got = status_of(pid, "NoNewPrivs"), *filters = status_of(pid, "Seccomp");

        expect_text("NoNewPrivs", "1", got);
        expect_text("Seccomp", "0", filters);
}

/* It listens, and connects to itself: the launcher may do neither. */
static void test_agents_may_use_the_network(void)
{
        _cleanup_client_ Client *c = begin_free("notify",
                "/usr/bin/python3 -c \"import socket, subprocess, signal;"
                "s = socket.create_server(('127.0.0.1', 0));"
                "socket.create_connection(s.getsockname());"
                "subprocess.run(['systemd-notify', '--ready'], check=True);"
                "signal.pause()\"");

        create(c, &(Create){ .id = "a1", .runtime = FREE, .wait = "ready" });
        expect_true("StopAgent", agent_stop(c, "a1", 0));
}

/* The launcher may not make these. */
static void test_agents_may_use_devices(void)
{
        _cleanup_client_ Client *c = begin_free("notify",
                "/bin/sh -c \"mknod /run/agenthost-tests/full c 1 7 && mknod /run/agenthost-tests/mem c 1 1 && "
                "systemd-notify --ready && exec sleep 1000\"");

        g_free(command("rm -f /run/agenthost-tests/full /run/agenthost-tests/mem"));
        create(c, &(Create){ .id = "a1", .runtime = FREE, .wait = "ready" });
        g_free(command("rm /run/agenthost-tests/full /run/agenthost-tests/mem"));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/sandbox/" name, test_##function)
        ADD("exposure-of-agenthostd-is-low", exposure_of_agenthostd_is_low);
        ADD("agenthostd-has-no-privileges", agenthostd_has_no_privileges);
        ADD("services-are-the-last-to-go-for-want-of-memory",
                services_are_the_last_to_go_for_want_of_memory);
        ADD("agenthostd-may-only-talk", agenthostd_may_only_talk);
        ADD("the-launcher-is-cut-off-from-network-and-devices",
                the_launcher_is_cut_off_from_network_and_devices);
        ADD("agents-have-nothing-of-it", agents_have_nothing_of_it);
        ADD("agents-get-no-new-privileges-from-their-runtime",
                agents_get_no_new_privileges_from_their_runtime);
        ADD("agents-may-use-the-network", agents_may_use_the_network);
        ADD("agents-may-use-devices", agents_may_use_devices);
#undef ADD

        return host_tests_run();
}
