/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fault-bus.h"

#include <string.h>

#include "answer.h"

static const char *const names[_FAULT_KIND_MAX] = {
        [FAULT_INVALID_ARGS] = SD_BUS_ERROR_INVALID_ARGS,
        [FAULT_ACCESS_DENIED] = SD_BUS_ERROR_ACCESS_DENIED,
        [FAULT_NO_SUCH_AGENT] = ERROR_PREFIX "NoSuchAgent",
        [FAULT_AGENT_EXISTS] = ERROR_PREFIX "AgentExists",
        [FAULT_LIMIT_REACHED] = ERROR_PREFIX "LimitReached",
        [FAULT_DRAINING] = ERROR_PREFIX "Draining",
        [FAULT_INVALID_SPEC] = ERROR_PREFIX "InvalidSpec",
        [FAULT_NO_SUCH_RUNTIME] = ERROR_PREFIX "NoSuchRuntime",
        [FAULT_START_FAILED] = ERROR_PREFIX "StartFailed",
        [FAULT_START_TIMEOUT] = ERROR_PREFIX "StartTimeout",
        [FAULT_STOP_TIMEOUT] = ERROR_PREFIX "StopTimeout",
        [FAULT_LAUNCHER_UNAVAILABLE] = ERROR_PREFIX "LauncherUnavailable",
        [FAULT_REGISTRY_UNAVAILABLE] = ERROR_PREFIX "RegistryUnavailable",
        [FAULT_DISCOVERY_UNAVAILABLE] = ERROR_PREFIX "DiscoveryUnavailable",
        [FAULT_NO_HOSTS] = ERROR_PREFIX "NoHosts",
        [FAULT_PEER_UNREACHABLE] = ERROR_PREFIX "PeerUnreachable",
        [FAULT_FAILED] = SD_BUS_ERROR_FAILED,
};

const char *fault_name(FaultKind kind)
{
        return names[kind];
}

FaultKind fault_kind_from_name(const char *name)
{
        for (FaultKind k = FAULT_NONE + 1; k < _FAULT_KIND_MAX; k++)
                if (strcmp(names[k], name) == 0)
                        return k;

        return FAULT_NONE;
}

int fault_to_bus_error(const Fault *f, sd_bus_error *error)
{
        sd_bus_error_set(error, names[f->kind], fault_text(f));
        return fault_errno(f->kind);
}

int fault_reply(const Fault *f, sd_bus_message *call)
{
        return bus_check_sent(sd_bus_message_get_bus(call),
                sd_bus_reply_method_errorf(call, names[f->kind], "%s", fault_text(f)));
}

void fault_from_bus_error(Fault *f, const sd_bus_error *error, FaultKind fallback)
{
        FaultKind kind = fault_kind_from_name(error->name);

        fault_set(f, kind == FAULT_NONE ? fallback : kind, "%s",
                error->message ? error->message : error->name);
}
