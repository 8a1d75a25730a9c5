# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The table of a fleet of so many (agents).

BEGIN { output = "fleet" }

# Private memory for each agent, in KiB.
function memory(title, service, limit,    list, n, r) {
        n = 0
        for (r in rounds)
                list[++n] = (value[r, "ours", "after", service "_kib"] - value[r, "ours", "before", service "_kib"]) / agents
        printf "%-34s %9s %9.2f   %5s  %s\n", title, "", middle(list, n), "", limit
}

function wakeups(title, service) {
        printf "%-34s %9s %9.0f\n", title, "", median("ours", "idle", service "_wakeups")
}

END {
        choose_rounds()
        printf "%-34s %9s %9s   %5s\n", "fleet of " agents, "bare", "ours", "ratio"
        memory("KiB an agent: agenthostd", "agenthostd", "(below 6)")
        memory("              agenthost-launcher", "launcher", "")
        wakeups("wake-ups in 10 s: agenthostd", "agenthostd")
        wakeups("          agenthost-launcher", "launcher")
        line("ListAgents, p50 in us", "list", "p50_usec", "%.0f", "(at most 2)")
        line("lone launch, p50 in us", "further", "p50_usec", "%.0f", "(at most 1.5)")
        line("lone launch, p99 in us", "further", "p99_usec", "%.0f", "")
}
