/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent-reschedule.h"

#include <string.h>

#include "agent-start.h"
#include "log-agent.h"
#include "spec.h"
#include "wire.h"

char *host_spec_wanted(Host *host, const char *id)
{
        const Agent *a = host_find(host, id);
        g_autoptr(GBytes) text = NULL;
        gsize size;

        if (!a || !a->reschedule)
                return NULL;

        /* Borrowed, all of it. The policy as it is here: the other host's runtime may say something else. */
        text = wire_write_create(&(const PeerCreate){
                .agent_spec = a->texts[AGENT_TEXT_SPEC],
                .guild_spec = a->guild->text,
                .messaging_config = a->texts[AGENT_TEXT_MESSAGING],
                .client_properties = a->texts[AGENT_TEXT_CLIENT],
                .machine_id = a->machine_id,
                .client_type = a->client_type_option,
                .request_id = a->request_id,
                .runtime = a->runtime_option,
                .restart = (char *)restart_policy_name(a->restart),
                .timeout_usec = a->timeout_option_usec,
                .environment = a->environment,
                .unit_properties = a->unit_properties,
                .reschedule = true,
        });
        size = g_bytes_get_size(text);
        return g_strndup(g_bytes_get_data(text, NULL), size);
}

#define NOT_PLACED "Agent %s of lost host %s is not placed here: %s"

/* An agent of a lost host, on its way to be ours. */
typedef struct Orphan {
        Host *host;
        char *id;
        char *hostname;
} Orphan;

static void orphan_free(Orphan *o)
{
        g_free(o->id);
        g_free(o->hostname);
        g_free(o);
}

static void orphan_freep(Orphan **o)
{
        orphan_free(*o);
}

/* That somebody has it by now is as good. */
static bool exists_already(const Fault *fault)
{
        return fault && fault->kind == FAULT_AGENT_EXISTS;
}

/* a: what should have become of it, as far as it was there. */
static void log_not_placed(const Orphan *o, const Agent *a, const Fault *fault)
{
        bool exists = exists_already(fault);
        int level = exists ? LOG_INFO : LOG_WARNING;
        const char *message_id = exists ? NULL : MESSAGE_AGENT_NOT_PLACED;

        if (a)
                agent_log_id(a, level, message_id, NOT_PLACED, o->id, o->hostname, fault_text(fault));
        else
                host_log_agent(o->host, o->id, level, message_id, NOT_PLACED, o->id, o->hostname,
                        fault_text(fault));
}

static void tell_done(const Orphan *o, const Fault *fault)
{
        registry_orphan_done(o->host->registry, o->id, !fault || exists_already(fault));
}

static void on_created(Agent *a, const Fault *fault, void *userdata)
{
        _cleanup_(orphan_freep) Orphan *o = userdata;

        if (!fault)
                agent_log_id(a, LOG_NOTICE, MESSAGE_AGENT_PLACED, "Agent %s of lost host %s was placed here",
                        a->id, o->hostname);
        else
                log_not_placed(o, a, fault);
        tell_done(o, fault);
}

/* What stands in Redis need not be what one of us has written there. */
static int check_kept(const Orphan *o, const PeerCreate *kept, Fault *fault)
{
        _cleanup_(agent_spec_done) AgentSpec spec = { 0 };
        int r;

        r = agent_spec_parse(kept->agent_spec, &spec, fault);
        if (r < 0)
                return r;
        if (strcmp(spec.id, o->id) != 0 || !kept->reschedule)
                return fault_set(fault, FAULT_INVALID_SPEC,
                        "what is kept of it in Redis is of another agent, or of one that is not to be placed again");
        return 0;
}

static int create(Orphan *o, PeerCreate *kept, Fault *fault)
{
        CreateOptions options;
        Agent *former = host_find(o->host, o->id);
        int r;

        r = check_kept(o, kept, fault);
        if (r >= 0)
                r = create_options_from_peer(kept, &options, fault);
        if (r < 0)
                return r;
        /* It is not to answer for the one that is to be. */
        if (former && agent_has_ended(former))
                host_forget(o->host, former);
        return host_create_agent(o->host,
                &(CreateRequest){
                        .agent_spec = kept->agent_spec,
                        .guild_spec = kept->guild_spec,
                        .messaging_config = kept->messaging_config ? kept->messaging_config : "",
                        .options = &options,
                        .needs_claim = true,
                },
                on_created, o, fault);
}

void host_orphan_found(Host *host, const RegistryOrphan *orphan)
{
        _cleanup_peer_create_ PeerCreate kept = { 0 };
        _cleanup_fault_ Fault fault = FAULT_INIT;
        Orphan *o = g_new0(Orphan, 1);
        int r;

        *o = (Orphan){ host, g_strdup(orphan->id), g_strdup(orphan->hostname) };
        r = wire_read_create(orphan->spec, strlen(orphan->spec), &kept, &fault);
        if (r >= 0)
                r = create(o, &kept, &fault);
        if (r >= 0)
                return;
        log_not_placed(o, NULL, &fault);
        tell_done(o, &fault);
        orphan_free(o);
}
