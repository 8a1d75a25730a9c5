# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The table of what is done to many agents at once.

BEGIN { output = "restart"; others = "stop_others_percent" }

# What the agents take in a restart, without what any takes; bare: in the program itself.
function agents_part(title,    list, ratios, n, r, took) {
        n = 0
        for (r in rounds) {
                took = value[r, "ours", "restart", "took_usec"] - value[r, "ours", "empty", "took_usec"]
                list[++n] = took
                ratios[n] = took / value[r, "bare", "inside", "took_usec"]
        }
        printf "%-34s %9.0f %9.0f   %5.2f\n", title, median("bare", "inside", "took_usec"), middle(list, n),
                middle(ratios, n)
}

END {
        choose_rounds()
        printf "%-34s %9s %9s   %5s\n", "many agents", "bare", "ours", "ratio"
        line("restart until ready, in us", "restart", "took_usec", "%.0f", "(at most 2)")
        agents_part("  the agents' part of that")
        line("stops a second", "stop", "stop_rate", "%.0f", "(at least 0.7)")
        line("  CPU us a stop: whole host", "stop", "stop_cpu_host_usec", "%.0f", "")
        line("    PID 1", "stop", "stop_cpu_pid1_usec", "%.0f", "")
        line("    message bus", "stop", "stop_cpu_broker_usec", "%.0f", "")
        line("    bare program, client", "stop", "stop_cpu_self_usec", "%.0f", "")
        cost("    agenthostd", "stop", "stop_cpu_agenthostd_usec")
        cost("    agenthost-launcher", "stop", "stop_cpu_launcher_usec")
}
