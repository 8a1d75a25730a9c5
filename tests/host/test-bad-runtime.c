/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runtimes with something wrong in them: such a file is not offered, the others are; such a start fails with
 * its step and cause, and leaves nothing. */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"

#define BAD "test-bad"
#define BAD_FILE RUNTIMES_DIR "/" BAD ".runtime"

static void expect_no_agent(Client *c)
{
        g_autofree char *list = agent_list(c, "");
        g_auto(GStrv) scopes = scope_list(), states = state_list();

        expect_text("ListAgents", "", list);
        expect_text("scopes", NULL, scopes[0]);
        expect_text("state files", NULL, states[0]);
}

static void test_unknown_runtime_is_refused(void)
{
        static const char *const names[] = { "nobody-made-it", "../test-exec", "../x", "/etc/passwd",
                "test-exec.runtime", "test-exec/", "." };
        _cleanup_client_ Client *c = agents_begin();

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                g_autofree char *part = g_strdup_printf("No runtime '%s'", names[i]);

                create_expect_error(
                        c, &(Create){ .id = "a1", .runtime = names[i] }, ERROR_("NoSuchRuntime"), part);
        }
        expect_no_agent(c);
}

static void test_class_name_that_nothing_matches_is_refused(void)
{
        _cleanup_client_ Client *c = agents_begin();

        call_expect_error(client_send(c, MANAGER, "CreateAgent", "sssa{sv}",
                                  "{\"id\":\"a1\",\"name\":\"n\",\"class_name\":\"no.such.Class\"}",
                                  "{\"id\":\"g\"}", "", 0),
                ERROR_("NoSuchRuntime"), "No runtime matches class_name 'no.such.Class'");
        expect_no_agent(c);
}

/* The first by name whose Match= fits, else the default. */
static void test_class_name_picks_the_runtime(void)
{
        static const char spec[] = "{\"id\":\"a1\",\"name\":\"n\",\"class_name\":\"%s\"}";
        static const struct {
                const char *class_name, *runtime;
        } cases[] = {
                { "my.agents.First", "test-match-a" },
                { "my.agents.Second", "test-match-b" },
                { "other.Agent", EXEC },
                { "", EXEC },
        };
        _cleanup_client_ Client *c = agents_begin();

        runtime_add("test-match-b", "exec", "wait", "Match=my.*");
        runtime_add("test-match-a", "exec", "wait", "Match=no.*\nMatch=my.agents.First");
        config_write("[Host]\nDefaultRuntime=" EXEC "\n");
        host_reload();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                g_autofree char *text = g_strdup_printf(spec, cases[i].class_name);

                sd_bus_message_unref(
                        client_call(c, MANAGER, "CreateAgent", "sssa{sv}", text, "{\"id\":\"g\"}", "", 0));
                agent_expect(c, "a1", "Runtime", cases[i].runtime);
                expect_true("StopAgent", agent_stop(c, "a1", 0));
        }
}

/* Not offered, its line is in the journal, and the others are offered all the same. */
static void expect_file_refused(Client *c, const char *text, const char *part)
{
        runtime_write(BAD, "%s", text);
        host_reload();
        create_expect_error(
                c, &(Create){ .id = "a1", .runtime = BAD }, ERROR_("NoSuchRuntime"), "No runtime '" BAD "'");
        if (!journal_has("agenthostd.service", part))
                fail("the journal of agenthostd: expected '%s' in it, it is not", part);
        create(c, &(Create){ .id = "other" });
        expect_true("StopAgent", agent_stop(c, "other", 0));
}

static void test_bad_files_are_not_offered(void)
{
        static const struct {
                const char *text, *part;
        } cases[] = {
                { "[Runtime]\nExec=/bin/true\nUser=agents\nColour=red\n", ":4: Unknown setting Colour=" },
                { "[Runtime]\nExec=bin/true\nUser=agents\n",
                        ":2: Exec=: 'bin/true' is not an absolute path" },
                { "[Runtime]\nExec=true\nUser=agents\n", ":2: Exec=: 'true' is not an absolute path" },
                { "[Runtime]\nExec=/bin/true\n", ": User= is missing" },
                { "[Runtime]\nUser=agents\n", ": Exec= is missing" },
                { "[Runtime]\nExec=/bin/true\nUser=agenthost\n",
                        ":3: User=agenthost: agents cannot run as" },
                { "[Runtime]\nExec=/bin/true %x\nUser=agents\n", ":2: Exec=: unknown specifier in '%x'" },
                { "[Runtime]\nExec=/bin/true \"x\nUser=agents\n", ":2: Exec=: a quote is not closed" },
                { "[Runtime]\nExec=/bin/true\nUser=agents\nMemoryMax=much\n",
                        ":4: MemoryMax=much: expected" },
                { "[Runtime]\nExec=/bin/true\nUser=agents\nType=forking\n", ":4: Type=forking: expected" },
                { "[Runtime]\nExec=/bin/true\nUser=agents\nSlice=x.slice\n", ":4: Slice= cannot be set" },
                { "[Runtime]\nExec=/bin/true\nUser=agents\nRequire=MemoryMax\n",
                        ": Require=MemoryMax names no" },
                { "[Service]\nExec=/bin/true\nUser=agents\n", ":2: Unknown section [Service]" },
                { "Exec=/bin/true\nUser=agents\n", ":1: Exec= stands before the header" },
                { "[Runtime\nExec=/bin/true\n", ":1: " },
                { "", ": Exec= is missing" },
        };
        _cleanup_client_ Client *c = agents_begin();

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                g_autofree char *part = g_strconcat("Runtime not offered: " BAD_FILE, cases[i].part, NULL);

                expect_file_refused(c, cases[i].text, part);
        }
        expect_no_agent(c);
}

static void test_files_that_others_could_write_are_not_offered(void)
{
        _cleanup_client_ Client *c = agents_begin();

        runtime_add(BAD, "exec", "wait", NULL);
        if (g_chmod(BAD_FILE, 0664) < 0)
                fail(BAD_FILE ": %m");
        host_reload();
        create_expect_error(c, &(Create){ .id = "a1", .runtime = BAD }, ERROR_("NoSuchRuntime"), NULL);
        expect_true("journal", journal_has("agenthostd.service", BAD_FILE ": writable by others"));

        if (g_chmod(BAD_FILE, 0644) < 0 || chown(BAD_FILE, 65534, 0) < 0)
                fail(BAD_FILE ": %m");
        host_reload();
        create_expect_error(c, &(Create){ .id = "a1", .runtime = BAD }, ERROR_("NoSuchRuntime"), NULL);
        expect_true("journal", journal_has("agenthostd.service", BAD_FILE ": not owned by root"));
        expect_no_agent(c);
}

static void test_link_to_dev_null_masks_a_runtime(void)
{
        static const char file[] = RUNTIMES_DIR "/test-masked.runtime";
        _cleanup_client_ Client *c = agents_begin();

        if (symlink("/dev/null", file) < 0)
                fail("%s: %m", file);
        host_reload();
        create_expect_error(
                c, &(Create){ .id = "a1", .runtime = "test-masked" }, ERROR_("NoSuchRuntime"), NULL);
        expect_false("the journal has a complaint", journal_has("agenthostd.service", file));
}

/* Refused by the executor, with its step and cause. */
static void test_starts_fail_with_step_and_cause(void)
{
        static const struct {
                const char *text, *part;
        } cases[] = {
                { "Exec=/usr/bin/nobody-made-it\nUser=agents",
                        "exec /usr/bin/nobody-made-it: No such file or directory" },
                { "Exec=/etc/passwd\nUser=agents", "exec /etc/passwd: Permission denied" },
                { "Exec=/usr/bin\nUser=agents", "exec /usr/bin: Permission denied" },
                { "Exec=/bin/true\nUser=nobody-at-all", "user nobody-at-all: there is none of this name" },
                { "Exec=/bin/true\nUser=agents\nGroup=nobody-at-all",
                        "group nobody-at-all: there is none of this name" },
                { "Exec=/bin/true\nUser=agents\nWorkingDirectory=/nowhere",
                        "working directory /nowhere: No such file or directory" },
        };
        _cleanup_client_ Client *c = agents_begin();

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                runtime_write(BAD, "[Runtime]\n%s\n", cases[i].text);
                host_reload();
                create_expect_error(
                        c, &(Create){ .id = "a1", .runtime = BAD }, ERROR_("StartFailed"), cases[i].part);
                expect_false("a1", agent_is_known(c, "a1"));
        }
        expect_no_agent(c);
}

static void test_property_that_systemd_refuses_fails_the_start(void)
{
        _cleanup_client_ Client *c = agents_begin();

        runtime_add(BAD, "exec", "wait", "IODeviceWeight=/dev/../dev/null 100");
        host_reload();
        create_expect_error(
                c, &(Create){ .id = "a1", .runtime = BAD }, ERROR_("StartFailed"), "is not normalized");
        expect_no_agent(c);
}

static void test_runtime_that_was_removed_is_not_offered_any_more(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1" });
        if (g_remove(RUNTIMES_DIR "/" EXEC ".runtime") < 0)
                fail(EXEC ": %m");
        host_reload();
        create_expect_error(c, &(Create){ .id = "a2" }, ERROR_("NoSuchRuntime"), "No runtime '" EXEC "'");
        agent_expect(c, "a1", "State", "running");
        expect_true("StopAgent", agent_stop(c, "a1", 0));
}

static void test_unknown_client_type_falls_back_or_is_refused(void)
{
        _cleanup_client_ Client *c = agents_begin();

        runtime_add("test-client-types", "exec", "wait", "ClientTypes=First Second");
        host_reload();
        create(c, &(Create){ .id = "a1", .runtime = "test-client-types", .client_type = "Second" });
        create(c, &(Create){ .id = "a2", .runtime = "test-client-types", .client_type = "Third" });
        expect_true("journal",
                journal_has("agenthostd.service",
                        "client_type 'Third' is not one of runtime 'test-client-types'; agent a2 gets 'First'"));

        config_write("[Host]\nUnknownClientType=reject\n");
        host_reload();
        create_expect_error(c,
                &(Create){ .id = "a3", .runtime = "test-client-types", .client_type = "Third" },
                INVALID_ARGS,
                "client_type 'Third' is not one of ClientTypes= of runtime 'test-client-types'");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/bad-runtime/" name, test_##function)
        ADD("unknown-runtime-is-refused", unknown_runtime_is_refused);
        ADD("class-name-that-nothing-matches-is-refused", class_name_that_nothing_matches_is_refused);
        ADD("class-name-picks-the-runtime", class_name_picks_the_runtime);
        ADD("bad-files-are-not-offered", bad_files_are_not_offered);
        ADD("files-that-others-could-write-are-not-offered", files_that_others_could_write_are_not_offered);
        ADD("link-to-dev-null-masks-a-runtime", link_to_dev_null_masks_a_runtime);
        ADD("starts-fail-with-step-and-cause", starts_fail_with_step_and_cause);
        ADD("property-that-systemd-refuses-fails-the-start", property_that_systemd_refuses_fails_the_start);
        ADD("runtime-that-was-removed-is-not-offered-any-more",
                runtime_that_was_removed_is_not_offered_any_more);
        ADD("unknown-client-type-falls-back-or-is-refused", unknown_client_type_falls_back_or_is_refused);
#undef ADD

        return host_tests_run();
}
