/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch-prepare.h"

#include <string.h>

#include "caller-property.h"
#include "escape.h"
#include "file-util.h"
#include "launcher.h"
#include "plan.h"

static int check_request(const SpawnRequest *request, Fault *fault)
{
        static const char *const names[AGENT_TEXT_COUNT] = AGENT_TEXT_NAMES;

        if (!id_is_valid(request->agent_id))
                return fault_set(fault, FAULT_INVALID_ARGS, "Not a valid agent id");
        if (!id_is_valid(request->guild_id))
                return fault_set(fault, FAULT_INVALID_ARGS, "Not a valid guild id");
        for (size_t i = 0; i < AGENT_TEXT_COUNT; i++) {
                int r = memfd_check_sealed(request->texts[i]);

                if (r < 0 && error_may_pass(r))
                        return fault_set(
                                fault, FAULT_START_FAILED, "Cannot look at %s: %s", names[i], strerror(-r));
                if (r < 0)
                        return fault_set(
                                fault, FAULT_INVALID_ARGS, "%s is not a sealed memory file", names[i]);
        }
        return 0;
}

static int check_environment(const Runtime *runtime, char *const *environment, Fault *fault)
{
        for (; environment && *environment; environment++) {
                int r = runtime_check_environment(runtime, *environment, fault);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* NULL: there is a fault, or no memory. */
static Child *make_child(Launcher *l, const SpawnRequest *request, const Runtime *runtime, Fault *fault)
{
        _cleanup_(child_freep) Child *c = NULL;
        _cleanup_free_ char *unit = NULL;
        const Child *known;

        if (agent_unit_name(request->agent_id, &unit) < 0)
                return NULL;

        known = child_table_find(&l->children, unit);
        if (known) {
                fault_set(fault, FAULT_AGENT_EXISTS, "Agent %s already exists%s", request->agent_id,
                        known->state == CHILD_ENDED ? " (it has ended, but its end was not acknowledged)"
                                                    : "");
                return NULL;
        }

        if (child_new(l, unit, request->agent_id, request->guild_id, runtime->name, &c) < 0 ||
                child_join_guild(c) < 0)
                return NULL;
        child_set_runtime(c, runtime);
        return steal_ptr(c);
}

static int make_plan(Child *c,
        const SpawnRequest *request,
        const Runtime *runtime,
        char **ret,
        size_t *ret_size,
        Fault *fault)
{
        Launcher *l = c->launcher;

        c->has_stream = !runtime->output_null && streams_take(&l->streams);
        return plan_build(
                &(PlanInput){
                        .paths = l->settings.paths,
                        .runtime = runtime,
                        .unit = c->unit,
                        .agent_id = c->agent_id,
                        .guild_id = c->guild_id,
                        .machine_id = request->machine_id,
                        .client_type = request->client_type,
                        .environment = request->environment,
                        .journal = c->has_stream,
                        .nofile = &l->settings.nofile,
                },
                ret, ret_size, fault);
}

int launch_prepare(Launcher *l,
        const SpawnRequest *request,
        sd_bus_message *call,
        Child **ret,
        char **ret_plan,
        size_t *ret_plan_size,
        Fault *fault)
{
        _cleanup_(child_freep) Child *c = NULL;
        const Runtime *runtime = runtime_set_find(l->runtimes, request->runtime);
        int r, n_properties;

        r = check_request(request, fault);
        if (r < 0)
                return r;
        if (!runtime)
                return fault_set(
                        fault, FAULT_NO_SUCH_RUNTIME, "There is no runtime %.255s", request->runtime);
        r = check_environment(runtime, request->environment, fault);
        if (r < 0)
                return r;
        n_properties = caller_properties_check(call, runtime, l->probe, fault);
        if (n_properties < 0)
                return n_properties;

        c = make_child(l, request, runtime, fault);
        if (!c)
                return fault_set(fault, FAULT_START_FAILED, "Out of memory");
        r = make_plan(c, request, runtime, ret_plan, ret_plan_size, fault);
        if (r < 0)
                return fault_set(fault, FAULT_START_FAILED, "Cannot plan the start: %s", strerror(-r));

        if (n_properties > 0)
                c->properties = sd_bus_message_ref(call);
        *ret = steal_ptr(c);
        return 0;
}
