/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launcher-signals.h"

#include <string.h>

#include "log-host.h"
#include "log.h"

int launcher_read_end(sd_bus_message *m, AgentEnd *ret)
{
        const char *result, *oom_level;
        int code, status, requested, r;
        CgroupUsage usage;
        uint64_t when;

        r = sd_bus_message_read(m, LAUNCHER_END, &result, &code, &status, &requested, &when, &oom_level,
                &usage.memory_peak, &usage.cpu_nsec);
        if (r < 0)
                return r;

        *ret = (AgentEnd){
                .result = agent_result_intern(result),
                .code = code,
                .status = status,
                .requested = requested,
                .when_usec = when,
                .oom_level = agent_oom_level_intern(oom_level),
                .usage = usage,
        };
        return 0;
}

static int on_ended(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        const LauncherListener *l = userdata;
        const char *unit;
        AgentEnd end;
        int r;

        (void)ret_error;

        r = sd_bus_message_read(m, "s", &unit);
        if (r >= 0)
                r = launcher_read_end(m, &end);
        if (r < 0) {
                log_error("Malformed Ended from agenthost-launcher: %s", strerror(-r));
                return 0;
        }

        l->handlers.ended(unit, &end, l->userdata);
        return 0;
}

static int on_launched(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        const LauncherListener *l = userdata;
        const char *unit;
        uint32_t pid;
        int r;

        (void)ret_error;

        r = sd_bus_message_read(m, LAUNCHER_LAUNCHED_SIGNATURE, &unit, &pid);
        if (r < 0) {
                log_error("Malformed Launched from agenthost-launcher: %s", strerror(-r));
                return 0;
        }

        l->handlers.launched(unit, (pid_t)pid, l->userdata);
        return 0;
}

static int on_unsupported(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        const LauncherListener *l = userdata;

        (void)ret_error;

        l->handlers.unsupported(m, l->userdata);
        return 0;
}

int launcher_signals_add(sd_bus *bus, LauncherListener *l)
{
        int r;

        r = sd_bus_add_match(bus, NULL, LAUNCHER_MATCH(LAUNCHER_ENDED), on_ended, l);
        if (r >= 0)
                r = sd_bus_add_match(bus, NULL, LAUNCHER_MATCH(LAUNCHER_LAUNCHED), on_launched, l);
        if (r >= 0)
                r = sd_bus_add_match(bus, NULL, LAUNCHER_MATCH(LAUNCHER_UNSUPPORTED), on_unsupported, l);
        return r;
}
