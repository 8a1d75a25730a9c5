/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry-methods.h"

#include "agent-end.h"
#include "answer.h"
#include "fault-bus.h"
#include "host-address.h"
#include "host.h"
#include "strv.h"

/* Who waits for an answer of the registry. */
typedef struct Question {
        Host *host;
        sd_bus_message *call;
        char *text; /* its first argument */
} Question;

static void question_done(Question *q)
{
        sd_bus_message_unref(q->call);
        g_free(q->text);
        g_free(q);
}

static inline void question_donep(Question **q)
{
        question_done(*q);
}

static Question *question_new(Host *host, sd_bus_message *call, const char *text)
{
        Question *q = g_new0(Question, 1);

        *q = (Question){ .host = host, .call = sd_bus_message_ref(call), .text = g_strdup(text) };
        return q;
}

/* r: whether the answer could be made. */
static void reply(sd_bus_message *call, sd_bus_message *answer, int r)
{
        if (r >= 0)
                (void)bus_send_answer(answer);
        else
                (void)bus_check_sent(sd_bus_message_get_bus(call), sd_bus_reply_method_errno(call, r, NULL));
}

static void on_found(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        _cleanup_(question_donep) Question *q = userdata;
        _cleanup_fault_ Fault nowhere = FAULT_INIT;

        if (answer && !answer->address) {
                fault_set(&nowhere, FAULT_NO_SUCH_AGENT, "Agent %s not found in location registry", q->text);
                fault = &nowhere;
        }
        if (fault)
                (void)fault_reply(fault, q->call);
        else
                (void)bus_answer(q->call, "s", answer->address);
}

int host_method_get_location(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Host *host = userdata;
        const char *id;
        int r;

        (void)error;

        r = sd_bus_message_read(m, "s", &id);
        if (r < 0)
                return r;

        registry_find(host->registry, id, on_found, question_new(host, m, id), NULL);
        return 1;
}

/* What the registry says of this host we know better. */
static void on_maybe_running(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        _cleanup_(question_donep) Question *q = userdata;
        const Agent *a;
        bool running;

        if (fault) {
                (void)fault_reply(fault, q->call);
                return;
        }

        a = host_find(q->host, q->text);
        running = (a && agent_is_alive(a)) ||
                (answer->address && !host_address_is_same_host(answer->address, q->host->config->address));
        (void)bus_answer(q->call, "b", running);
}

int host_method_is_agent_running(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Host *host = userdata;
        const char *id;
        const Agent *a;
        int r;

        (void)error;

        r = sd_bus_message_read(m, "s", &id);
        if (r < 0)
                return r;
        a = host_find(host, id);
        if (a && agent_is_alive(a))
                return sd_bus_reply_method_return(m, "b", true);

        registry_find(host->registry, id, on_maybe_running, question_new(host, m, id), NULL);
        return 1;
}

static int append_load(sd_bus_message *m, const RegistryAnswer *answer)
{
        int r;

        r = sd_bus_message_open_container(m, 'a', "{su}");
        for (size_t i = 0; r >= 0 && i < answer->n_load; i++)
                r = sd_bus_message_append(
                        m, "{su}", answer->load[i].hostname, (uint32_t)answer->load[i].n_agents);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void on_load(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(question_donep) Question *q = userdata;
        int r;

        if (fault) {
                (void)fault_reply(fault, q->call);
                return;
        }

        r = sd_bus_message_new_method_return(q->call, &m);
        if (r >= 0)
                r = append_load(m, answer);
        reply(q->call, m, r);
}

int host_method_get_host_load(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Host *host = userdata;

        (void)error;

        registry_load(host->registry, on_load, question_new(host, m, NULL), NULL);
        return 1;
}

static void reply_ids(sd_bus_message *call, char *const *ids)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_return(call, &m);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, (char **)ids);
        reply(call, m, r);
}

static void on_members(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        _cleanup_(question_donep) Question *q = userdata;

        if (fault)
                (void)fault_reply(fault, q->call);
        else
                reply_ids(q->call, answer->ids);
}

int host_method_get_host_agents(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Host *host = userdata;
        const char *hostname;
        int r;

        (void)error;

        r = sd_bus_message_read(m, "s", &hostname);
        if (r < 0)
                return r;

        registry_members(host->registry, hostname, on_members, question_new(host, m, NULL), NULL);
        return 1;
}

/* Without the registry nothing is cleaned up: a caller is told all that is gone, or that nothing is. */
static void on_cleaned(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        _cleanup_(question_donep) Question *q = userdata;
        g_autoptr(GHashTable) all = g_hash_table_new(g_str_hash, g_str_equal);
        _cleanup_strv_free_ char **local = NULL;
        g_autofree gpointer *ids = NULL;

        if (fault) {
                (void)fault_reply(fault, q->call);
                return;
        }

        local = host_cleanup_dead(q->host);
        for (char **id = local; *id; id++)
                g_hash_table_add(all, *id);
        for (char *const *id = answer->ids; *id; id++)
                g_hash_table_add(all, *id);
        ids = g_hash_table_get_keys_as_array(all, NULL);
        reply_ids(q->call, (char **)ids);
}

static int cleanup_allowed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Host *host = userdata;

        (void)error;

        registry_cleanup(host->registry, on_cleaned, question_new(host, m, NULL), NULL);
        return 1;
}

int host_method_cleanup_dead_agents(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Host *host = userdata;

        return access_require(host->access, m, cleanup_allowed, host, error);
}
