/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runtime files. They are root's, but nobody writes them without a slip, and the launcher must not fall over
 * one. What is accepted can be sent to systemd, and makes a plan that the executor accepts. */

#include <string.h>

#include "executor/plan.h"
#include "fuzz.h"
#include "launcher/plan.h"
#include "launcher/runtime-parse.h"

static void expect_same_plan(const Plan *plan, const Runtime *runtime)
{
        size_t n = 0;

        while (plan->arguments[n] && runtime->exec[n])
                n++;
        fuzz_expect(!plan->arguments[n] && !runtime->exec[n], "the plan has all arguments");
        fuzz_expect(plan->arguments[0][0] == '/', "the program is an absolute path");
        fuzz_expect(plan->umask == runtime->umask, "the plan has the umask");
        fuzz_expect(plan->no_new_privileges == runtime->no_new_privileges, "the plan has the flag");
        for (size_t i = 0; i < RLIM_NLIMITS; i++)
                if (runtime->limits[i].set)
                        fuzz_expect(memcmp(&plan->limits[i].value, &runtime->limits[i].value,
                                            sizeof(struct rlimit)) == 0,
                                "the plan has the limits");
        fuzz_expect(plan_has_variable(plan, "PATH", strlen("PATH")), "there is always a PATH");
}

static void check_plan(const Runtime *runtime, bool user_mode)
{
        const Paths paths = { .user_mode = user_mode,
                .credentials_dir = (char *)"/run/agenthost/credentials",
                .notify_socket = (char *)"/run/agenthost/notify" };
        static const struct rlimit nofile = { 1024, 4096 };
        const PlanInput input = { .paths = &paths,
                .runtime = runtime,
                .unit = "agent-a.scope",
                .agent_id = "a=\n%a",
                .guild_id = "%g",
                .machine_id = INT32_MIN,
                .client_type = "",
                .nofile = &nofile };
        _cleanup_free_ char *text = NULL;
        const char *wrong;
        size_t size;
        Plan plan;

        fuzz_must(plan_build(&input, &text, &size, NULL), "a runtime makes a plan");
        fuzz_must(plan_parse(text, size, &plan, &wrong), "the executor takes the plan");
        expect_same_plan(&plan, runtime);
        plan_done(&plan);
}

static void check_properties(const Runtime *runtime)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = fuzz_message_new();

        fuzz_must(sd_bus_message_open_container(m, 'a', "(sv)"), "properties");
        for (size_t i = 0; i < runtime->n_properties; i++)
                fuzz_must(unit_property_append(m, &runtime->properties[i]), "a property can be sent");
        fuzz_must(sd_bus_message_close_container(m), "properties");
        fuzz_expect(unit_properties_contain(runtime->properties, runtime->n_properties, "OOMPolicy"),
                "OOMPolicy= is set");
        for (char **name = runtime->require; name && *name; name++)
                fuzz_expect(unit_properties_contain(runtime->properties, runtime->n_properties, *name),
                        "what is required is set");
}

static void check(const char *path, bool user_mode)
{
        _cleanup_(runtime_freep) Runtime *runtime = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (runtime_parse(path, "fuzz", user_mode, &runtime, &fault) < 0) {
                fuzz_expect(fault.kind == FAULT_INVALID_ARGS, "a refused runtime is InvalidArgs");
                fuzz_expect(
                        strncmp(fault_text(&fault), path, strlen(path)) == 0, "the fault names the file");
                return;
        }
        fuzz_expect(user_mode ? !runtime->user : !!runtime->user, "User= is of the system's mode only");
        fuzz_expect(runtime->start_timeout_usec > 0, "a start may take some time");
        check_plan(runtime, user_mode);
        check_properties(runtime);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        FuzzFile *file = fuzz_file();

        fuzz_file_fill(file, data, size);
        check(file->path, true);
        check(file->path, false);
        return 0;
}
