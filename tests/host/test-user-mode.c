/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* agenthost as the services of an ordinary user: what is different from the system's. That agents are
 * created, found again and stopped as ever is shown by the other programs that run in this mode too. */

#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/mode.h"
#include "common/outcome.h"
#include "pidfd.h"

#define AGENTHOSTD "agenthostd.service"
#define LAUNCHER "agenthost-launcher.service"
#define PROGRAMS "/usr/lib/agenthost/"
#define EXAMPLE "test-example"
#define USER_RUNTIMES "/home/" TEST_USER "/.config/agenthost/runtimes.d"

static char *below_runtime_dir(const char *name)
{
        return g_build_filename(g_getenv("XDG_RUNTIME_DIR"), "agenthost", name, NULL);
}

/* The root of the user's own cgroups. */
static char *user_cgroup(void)
{
        return g_strdup_printf(
                "/user.slice/user-%u.slice/user@%u.service", (unsigned)geteuid(), (unsigned)geteuid());
}

static void expect_users(pid_t pid, const char *program)
{
        g_autofree char *got = command("grep '^[UG]id:' /proc/%d/status", (int)pid);
        g_autofree char *expected =
                g_strdup_printf("Uid:\t%1$u\t%1$u\t%1$u\t%1$u\nGid:\t%2$u\t%2$u\t%2$u\t%2$u\n",
                        (unsigned)geteuid(), (unsigned)getegid());

        expect_text(program, expected, got);
}

/* Of all that runs of ours; whose a process is, only root sees of others' ones. */
static unsigned expect_all_users(void)
{
        g_autofree char *list =
                mode_command_as_root("find /proc -maxdepth 2 -path '/proc/[0-9]*/exe' -printf '%h %l\\n'");
        g_auto(GStrv) lines = g_strsplit(g_strstrip(list), "\n", -1);
        unsigned n = 0;

        for (char **line = lines; *line; line++) {
                const char *program = strchr(*line, ' ');

                if (!program ||
                        (!g_str_has_prefix(program + 1, PROGRAMS) &&
                                strcmp(program + 1, AGENT_PROGRAM) != 0))
                        continue;
                expect_users(atoi(*line + strlen("/proc/")), program + 1);
                n++;
        }
        return n;
}

/* Others may have tested the system's services on this host. */
static void test_no_process_of_root_is_involved(void)
{
        _cleanup_client_ Client *c = NULL;
        _cleanup_agent_info_ AgentInfo info = { 0 };

        g_free(mode_command_as_root(
                "systemctl stop agenthostd.socket " AGENTHOSTD " agenthost-launcher.socket " LAUNCHER));
        c = agents_begin();
        create(c, &(Create){ .id = "a1", .runtime = STUBBORN, .wait = "ready" });
        expect_number("processes", 2, agent_process_count());
        /* With agenthostd, the launcher, and an executor at least. */
        expect_true("processes of ours", expect_all_users() >= 2 + 3);
        expect_true("GetAgentInfo", agent_info(c, "a1", &info));
        expect_text("state", "running", info.state);
}

static char *read_spec(const char *name)
{
        const char *source = getenv("AGENTHOST_SOURCE_DIR");

        if (!source)
                fail("AGENTHOST_SOURCE_DIR is not set");
        return command("cat %s/tests/data/specs/%s", source, name);
}

/* What journalctl shows the user of a unit of his. */
static char *journal_of(const char *unit)
{
        g_free(mode_command_as_root("journalctl --sync"));
        return command("journalctl --quiet --output=cat --user-unit=%s", unit);
}

static void test_main_job_is_done_with_real_specs(void)
{
        g_autofree char *agent = read_spec("agent_spec-echo.json"), *guild = read_spec("guild_spec.json"),
                        *messaging = read_spec("messaging_config-memory.json"), *log = NULL, *cgroup = NULL,
                        *root = user_cgroup(), *expected = NULL;
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_agent_info_ AgentInfo info = { 0 };
        pid_t pid;

        runtime_write(EXAMPLE, "[Runtime]\nMatch=*\nExec=" PROGRAMS "example-agent\nType=notify\n");
        host_reload();
        pid = create(c,
                &(Create){ .agent_spec = agent,
                        .guild_spec = guild,
                        .messaging_config = messaging,
                        .runtime = EXAMPLE,
                        .wait = "ready" });
        expect_true("GetAgentInfo", agent_info(c, "echo_agent", &info));
        expect_text("guild", "support-desk", info.guild);
        expect_text("state", "running", info.state);
        expect_users(pid, "example-agent");

        must(pid_get_cgroup(pid, &cgroup), "cgroup");
        expected = g_strconcat(
                root, "/agents.slice/agents-support\\x2ddesk.slice/agent-echo_agent.scope", NULL);
        expect_text("cgroup", expected, cgroup);

        expect_true("StopAgent", agent_stop(c, "echo_agent", 0));
        log = journal_of("agent-echo_agent.scope");
        expect_part("the agent's lines", "Agent echo_agent of guild support-desk starts\n", log);
        expect_part("agenthostd's lines about it", "Agent echo_agent is ready\n", log);
        expect_part("the agent's last words", "Ending on Terminated\n", log);
}

static void test_slice_of_a_guild_goes_with_its_last_agent(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *before = NULL, *after = NULL;

        create(c, &(Create){ .id = "a1", .guild = "passing" });
        before = systemctl("show --property=ActiveState --value agents-passing.slice");
        expect_text("with an agent", "active\n", before);
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        /* systemd looks after what is not needed when it has nothing better to do. */
        g_free(command("timeout %d sh -c 'while systemctl --user --quiet is-active agents-passing.slice; do "
                       "sleep 0.1; done'",
                LIMIT_SEC));
}

/* systemd-notify is a process of its own, which is known by its cgroup only. */
static void test_other_processes_of_an_agent_may_speak_for_it(void)
{
        _cleanup_client_ Client *c = agents_begin();

        runtime_write("test-helper",
                "[Runtime]\nType=notify\nStartTimeoutSec=1h\n"
                "Exec=/bin/sh -c 'systemd-notify --ready --status=helped; exec sleep infinity'\n");
        host_reload();
        create(c, &(Create){ .id = "a1", .runtime = "test-helper", .wait = "ready" });
        agent_wait(c, "a1", "StatusText", "helped");
}

static void test_agents_live_in_the_user_s_surroundings(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *credentials = below_runtime_dir("credentials/agent-a1.scope"),
                        *notify = below_runtime_dir("notify"), *link = NULL, *cwd = NULL, *variable = NULL;
        pid_t pid = create(c, &(Create){ .id = "a1" });

        process_expect_variable(pid, "HOME=/home/" TEST_USER);
        process_expect_variable(pid, "USER=" TEST_USER);
        process_expect_variable(pid, "LOGNAME=" TEST_USER);
        process_expect_variable(pid, "SHELL=/bin/sh");
        variable = g_strconcat("XDG_RUNTIME_DIR=", g_getenv("XDG_RUNTIME_DIR"), NULL);
        process_expect_variable(pid, variable);
        g_free(variable);
        variable = g_strconcat("CREDENTIALS_DIRECTORY=", credentials, NULL);
        process_expect_variable(pid, variable);
        g_free(variable);
        variable = g_strconcat("NOTIFY_SOCKET=", notify, NULL);
        process_expect_variable(pid, variable);

        link = g_strdup_printf("/proc/%d/cwd", (int)pid);
        cwd = g_file_read_link(link, NULL);
        expect_text("working directory", "/home/" TEST_USER, cwd);
}

static void expect_same_file(const char *name, pid_t pid, pid_t other)
{
        g_autofree char *got = command("cat /proc/%d/%s", (int)pid, name);
        g_autofree char *expected = command("cat /proc/%d/%s", (int)other, name);

        expect_text(name, expected, got);
}

/* What any program has that the user's service manager starts. */
static void test_agents_have_what_the_user_s_services_have(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *seccomp = NULL;
        pid_t pid = create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" }), other;

        g_free(command(
                "systemd-run --user --quiet --unit=test-other.service --property=Type=exec sleep infinity"));
        other = service_pid("test-other.service");
        expect_same_file("oom_score_adj", pid, other);
        expect_same_file("limits", pid, other);
        seccomp = command("grep '^Seccomp:' /proc/%d/status", (int)pid);
        expect_text("system call filter", "Seccomp:\t0\n", seccomp);
        g_free(systemctl("stop test-other.service"));
}

static void test_users_in_runtimes_are_refused(void)
{
        static const char *const keys[] = { "User", "Group", "SupplementaryGroups" };
        _cleanup_client_ Client *c = agents_begin();

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                g_autofree char *said =
                        g_strdup_printf("/home/" TEST_USER
                                        "/.config/agenthost/runtimes.d/test-other.runtime:3: %s= cannot be "
                                        "set in user mode: the agents of a user run as that user",
                                keys[i]);

                runtime_write("test-other", "[Runtime]\nExec=/bin/true\n%s=root\n", keys[i]);
                host_reload();
                create_expect_error(c, &(Create){ .id = "a1", .runtime = "test-other" },
                        ERROR_("NoSuchRuntime"),
                        "/home/" TEST_USER
                        "/.config/agenthost/runtimes.d, read by 'systemctl --user reload");
                expect_true(said, journal_has(AGENTHOSTD, said));
        }
        expect_number("processes", 0, agent_process_count());
}

static void give_runtime_to(const char *name, const char *user)
{
        g_autofree char *line = g_strdup_printf("chown %s " USER_RUNTIMES "/%s.runtime", user, name);

        g_free(mode_command_as_root(line));
}

static void test_runtimes_are_the_user_s_or_root_s(void)
{
        _cleanup_client_ Client *c = agents_begin();

        runtime_write("test-roots", "[Runtime]\nExec=/bin/true\n");
        give_runtime_to("test-roots", "root");
        runtime_write("test-nobodys", "[Runtime]\nExec=/bin/true\n");
        give_runtime_to("test-nobodys", "nobody");
        host_reload();
        create(c, &(Create){ .id = "a1", .runtime = "test-roots" });
        create_expect_error(
                c, &(Create){ .id = "a2", .runtime = "test-nobodys" }, ERROR_("NoSuchRuntime"), NULL);
        expect_true("journal", journal_has(AGENTHOSTD, "test-nobodys.runtime: owned by another user"));
}

/* What an administrator gives to all users; the user's own of the same name goes first. */
static void test_runtimes_for_all_users_are_found(void)
{
        _cleanup_client_ Client *c = agents_begin();

        runtime_write("test-all", "[Runtime]\nExec=/bin/sh -c \"exit 3\"\n");
        g_free(mode_command_as_root(
                "install -D -m 0644 -t /etc/agenthost/user/runtimes.d " USER_RUNTIMES "/test-all.runtime"));
        if (g_remove(USER_RUNTIMES "/test-all.runtime") < 0)
                fail(USER_RUNTIMES "/test-all.runtime: %m");
        host_reload();
        create(c, &(Create){ .id = "a1", .runtime = "test-all" });
        agent_wait_end(c, "a1", "exit-code", 3);

        runtime_write("test-all", "[Runtime]\nExec=/bin/sh -c \"exit 4\"\n");
        host_reload();
        create(c, &(Create){ .id = "a2", .runtime = "test-all" });
        agent_wait_end(c, "a2", "exit-code", 4);
        g_free(mode_command_as_root("rm -r /etc/agenthost/user"));
}

static void test_sockets_and_state_are_closed_to_others(void)
{
        static const struct {
                const char *name, *expected;
        } cases[] = {
                { "", "700 " TEST_USER },
                { "launcher.sock", "600 " TEST_USER },
                { "notify", "600 " TEST_USER },
                { "agents", "700 " TEST_USER },
                { "credentials/agent-a1.scope/agent_spec", "400 " TEST_USER },
        };
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1" });
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                g_autofree char *path = below_runtime_dir(cases[i].name);
                g_autofree char *seen = command("stat --format='%%a %%U' %s", path);

                expect_text(path, cases[i].expected, g_strstrip(seen));
        }
}

/* Who passes the socket's mode, as root does, is looked at all the same. */
/* What can be had without root. The launcher has none of it, as agents would have it too. */
static void test_agenthostd_is_confined(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *status =
                command("grep -E '^(NoNewPrivs|Seccomp):' /proc/%d/status", (int)service_pid(AGENTHOSTD));
        g_autofree char *families = systemctl("show --property=RestrictAddressFamilies --value " AGENTHOSTD);

        (void)c;
        expect_text("its status", "NoNewPrivs:\t1\nSeccomp:\t2\n", status);
        expect_text("its sockets", "AF_INET AF_INET6 AF_UNIX\n", families);
}

static void test_agenthostd_is_watched_as_the_system_s_is(void)
{
        g_autofree char *usec = systemctl("show --property=WatchdogUSec --value " AGENTHOSTD);

        expect_text("WatchdogUSec", "3min\n", usec);
}

static void test_launcher_talks_to_the_user_only(void)
{
        g_autofree char *path = below_runtime_dir("launcher.sock");
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        uid_t uid = geteuid();
        char byte;

        snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        if (seteuid(0) < 0)
                fail("cannot become root: %m");
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                fail("%s: %m", path);
        if (seteuid(uid) < 0)
                fail("cannot become a user again: %m");
        expect_number("bytes read", 0, read(fd, &byte, 1));
        expect_true("journal", journal_has(LAUNCHER, "of user 0 may not connect"));
}

static void test_first_call_starts_the_services(void)
{
        _cleanup_client_ Client *c = client_new();

        g_free(systemctl("stop " AGENTHOSTD " " LAUNCHER));
        sd_bus_message_unref(client_call(c, MANAGER, "Health", ""));
        expect_true("agenthostd", process_is_alive(service_pid(AGENTHOSTD)));
        expect_true("the launcher", process_is_alive(service_pid(LAUNCHER)));
}

static void test_agents_last_over_crashes_of_both_services(void)
{
        _cleanup_client_ Client *c = agents_begin();
        pid_t pid = create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        g_autofree char *text = g_strdup_printf("%d", (int)pid);

        agenthostd_crash();
        agent_expect(c, "a1", "MainPID", text);
        launcher_crash();
        agenthostd_crash();
        agent_expect(c, "a1", "MainPID", text);
        agent_expect(c, "a1", "State", "running");
        expect_true("its process", process_is_alive(pid));
        expect_true("StopAgent", agent_stop(c, "a1", 0));
}

/* A user's sockets hold less than root's. */
static void test_burst_of_launches_is_taken(void)
{
        enum { AGENTS = 600 };
        _cleanup_client_ Client *c = NULL;
        Call *calls[AGENTS];

        runtime_add("test-quiet", "exec", "wait", "StandardOutput=null");
        config_write("[Host]\nMaxAgents=1000\n");
        c = agents_begin();
        for (unsigned i = 0; i < AGENTS; i++) {
                g_autofree char *id = g_strdup_printf("a%u", i);

                calls[i] = create_send(c, &(Create){ .id = id, .runtime = "test-quiet" });
        }
        for (unsigned i = 0; i < AGENTS; i++)
                sd_bus_message_unref(call_success(calls[i]));
        expect_number("processes", AGENTS, agent_process_count());
}

static void expect_in(const char *log, const char *first, const char *second)
{
        const char *one = strstr(log, first), *two = strstr(log, second);

        if (!one || !two || one > two)
                fail("journal: expected '%s' before '%s', it is:\n%s", first, second, log);
}

/* When the user's last session ends, or the machine. */
static void test_agents_end_before_their_services(void)
{
        g_autofree char *log = NULL, *manager = NULL;
        Client *c = agents_begin();
        pid_t pid = create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        pid_t agenthostd = service_pid(AGENTHOSTD);

        client_free(c);
        manager = g_strdup_printf("systemctl restart user@%u.service", (unsigned)geteuid());
        g_free(mode_command_as_root(manager));
        expect_false("its process is alive", process_is_alive(pid));
        g_free(mode_command_as_root("journalctl --sync"));
        /* Which unit its last words are of the journal may have looked at too late. */
        log = command("journalctl --quiet --output=cat _PID=%d", (int)agenthostd);
        expect_in(log, "Agent a1 exited with status 0 after a requested stop (success)", "Stopping;");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_setenv("AGENTHOST_TEST_MODE", "user", true);

#define ADD(name, function) host_test_add("/user-mode/" name, test_##function)
        ADD("no-process-of-root-is-involved", no_process_of_root_is_involved);
        ADD("main-job-is-done-with-real-specs", main_job_is_done_with_real_specs);
        ADD("slice-of-a-guild-goes-with-its-last-agent", slice_of_a_guild_goes_with_its_last_agent);
        ADD("other-processes-of-an-agent-may-speak-for-it", other_processes_of_an_agent_may_speak_for_it);
        ADD("agents-live-in-the-user-s-surroundings", agents_live_in_the_user_s_surroundings);
        ADD("agents-have-what-the-user-s-services-have", agents_have_what_the_user_s_services_have);
        ADD("users-in-runtimes-are-refused", users_in_runtimes_are_refused);
        ADD("runtimes-are-the-user-s-or-root-s", runtimes_are_the_user_s_or_root_s);
        ADD("runtimes-for-all-users-are-found", runtimes_for_all_users_are_found);
        ADD("sockets-and-state-are-closed-to-others", sockets_and_state_are_closed_to_others);
        ADD("agenthostd-is-confined", agenthostd_is_confined);
        ADD("agenthostd-is-watched-as-the-system-s-is", agenthostd_is_watched_as_the_system_s_is);
        ADD("launcher-talks-to-the-user-only", launcher_talks_to_the_user_only);
        ADD("first-call-starts-the-services", first_call_starts_the_services);
        ADD("agents-last-over-crashes-of-both-services", agents_last_over_crashes_of_both_services);
        ADD("burst-of-launches-is-taken", burst_of_launches_is_taken);
        ADD("agents-end-before-their-services", agents_end_before_their_services);
#undef ADD

        return host_tests_run();
}
