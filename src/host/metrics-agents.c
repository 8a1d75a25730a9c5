/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "metrics-agents.h"

#include "agent-usage.h"

typedef struct Counts {
        unsigned by_state[_AGENT_STATE_MAX];
        unsigned n_guilds;
} Counts;

/* A guild is known by its id: its agents may have come with different specs of it. */
static void count(const Host *host, Counts *ret)
{
        g_autoptr(GHashTable) guilds = g_hash_table_new(g_str_hash, g_str_equal);
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, host->agents);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                const Agent *a = value;

                ret->by_state[a->state]++;
                if (!agent_has_ended(a))
                        g_hash_table_add(guilds, a->guild->guild_id);
        }
        ret->n_guilds = g_hash_table_size(guilds);
}

static void write_counts(MetricsText *t, const Host *host)
{
        Counts counts = { 0 };

        count(host, &counts);
        metrics_text_begin(t, "agenthost_agents", METRIC_GAUGE,
                "Agents that this host knows, by state; exited, failed and lost ones are retained for a while.");
        for (AgentState s = 0; s < _AGENT_STATE_MAX; s++) {
                const MetricLabel labels[] = { { "state", agent_state_name(s) }, { NULL, NULL } };

                metrics_text_number(t, labels, counts.by_state[s]);
        }
        metrics_text_one(t, "agenthost_agents_max", METRIC_GAUGE,
                "How many agents may run on this host (MaxAgents=).", host->config->max_agents);
        metrics_text_one(t, "agenthost_guilds", METRIC_GAUGE,
                "Guilds that have agents on this host which have not ended.", counts.n_guilds);
}

/* --- single agents --- */

static gint compare_age(gconstpointer a, gconstpointer b)
{
        const Agent *one = *(const Agent *const *)a, *other = *(const Agent *const *)b;

        if (one->created_at_usec != other->created_at_usec)
                return one->created_at_usec < other->created_at_usec ? -1 : 1;
        return g_strcmp0(one->id, other->id);
}

/* The oldest, so that they are the same ones each time. */
static GPtrArray *choose(const Host *host)
{
        unsigned n_max = host->config->metrics.n_agents_max;
        GPtrArray *agents = g_ptr_array_new();
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, host->agents);
        while (g_hash_table_iter_next(&i, NULL, &value))
                if (agent_is_alive(value))
                        g_ptr_array_add(agents, value);
        g_ptr_array_sort(agents, compare_age);
        if (agents->len > n_max)
                g_ptr_array_set_size(agents, (gint)n_max);
        return agents;
}

/* What is not known, because there is no controller for it, is left out. */
static void write_of_each(MetricsText *t,
        const GPtrArray *agents,
        uint64_t (*read)(const Agent *agent),
        void (*write)(MetricsText *t, const MetricLabel *labels, uint64_t value))
{
        for (guint i = 0; i < agents->len; i++) {
                const Agent *a = agents->pdata[i];
                const MetricLabel labels[] = {
                        { "agent_id", a->id },
                        { "guild_id", a->guild->guild_id },
                        { NULL, NULL },
                };
                uint64_t value = read(a);

                if (value != UINT64_MAX)
                        write(t, labels, value);
        }
}

static void write_nsec(MetricsText *t, const MetricLabel *labels, uint64_t nsec)
{
        metrics_text_seconds(t, labels, nsec / NSEC_PER_USEC);
}

static void write_usage(MetricsText *t, const Host *host)
{
        g_autoptr(GPtrArray) agents = choose(host);

        metrics_text_begin(t, "agenthost_agent_cpu_seconds_total", METRIC_COUNTER,
                "Processor time of all processes of an agent, since it was last started.");
        write_of_each(t, agents, agent_cpu_nsec, write_nsec);
        metrics_text_begin(t, "agenthost_agent_memory_bytes", METRIC_GAUGE,
                "Memory that all processes of an agent use.");
        write_of_each(t, agents, agent_memory, metrics_text_number);
}

void metrics_agents_write(MetricsText *t, Host *host)
{
        write_counts(t, host);
        if (host->config->metrics.n_agents_max > 0)
                write_usage(t, host);
}
