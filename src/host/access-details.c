/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "access-details.h"

#include <string.h>

#include "escape.h"
#include "host.h"
#include "proto/names.h"
#include "spec.h"

/* Reads the agent's spec that is next in the call. */
static void describe_spec(sd_bus_message *call, AccessDetails *ret)
{
        _cleanup_(agent_spec_done) AgentSpec spec = { 0 };
        const char *text;

        if (sd_bus_message_read(call, "s", &text) > 0 && agent_spec_parse(text, &spec, NULL) >= 0)
                ret->agent = g_strdup(spec.id);
}

/* Both ids stand in texts that the caller wrote. */
static void describe_creation(sd_bus_message *call, AccessDetails *ret)
{
        _cleanup_free_ char *guild_id = NULL;
        const char *guild_spec;

        describe_spec(call, ret);
        if (sd_bus_message_read(call, "s", &guild_spec) > 0 &&
                guild_spec_parse(guild_spec, &guild_id, NULL) >= 0)
                ret->guild = g_strdup(guild_id);
}

static void describe_agent(Host *host, const char *id, AccessDetails *ret)
{
        const Agent *a = host_find(host, id);

        if (!id_is_valid(id))
                return;
        ret->agent = g_strdup(id);
        if (a)
                ret->guild = g_strdup(a->guild->guild_id);
}

void host_describe_call(sd_bus_message *call, AccessDetails *ret, void *userdata)
{
        _cleanup_free_ char *id = NULL;
        const char *first;

        ret->verb = g_strdup(sd_bus_message_get_member(call));
        if (sd_bus_path_decode(sd_bus_message_get_path(call), AGENT_PATH_PREFIX, &id) > 0)
                describe_agent(userdata, id, ret);
        else if (strcmp(ret->verb, "CreateAgent") == 0 || strcmp(ret->verb, "RunAgent") == 0)
                describe_creation(call, ret);
        else if (strcmp(ret->verb, "SelectHost") == 0)
                describe_spec(call, ret);
        /* Of the other methods those that begin with a text begin with an agent's id. */
        else if (g_str_has_prefix(sd_bus_message_get_signature(call, true), "s") &&
                sd_bus_message_read(call, "s", &first) > 0)
                describe_agent(userdata, first, ret);
        (void)sd_bus_message_rewind(call, true);
}
