# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The table of launches with one output setting (output).

# Of our services' CPU time to what PID 1 spends on the same launches.
function share(kind,    list, n, r) {
        n = 0
        for (r in rounds)
                list[++n] = (value[r, "ours", kind, "cpu_agenthostd_usec"] + \
                        value[r, "ours", kind, "cpu_launcher_usec"]) / value[r, "ours", kind, "cpu_pid1_usec"]
        return middle(list, n)
}

END {
        choose_rounds()
        printf "%-34s %9s %9s   %5s\n", "output to " output, "bare", "ours", "ratio"
        line("lone, p50 in us", "lone", "p50_usec", "%.0f", "(at most 1.5)")
        line("lone, p99 in us", "lone", "p99_usec", "%.0f", "")
        line("in flight, launches a second", "flight", "rate", "%.0f", "(at least 0.8)")
        line("  CPU us a launch: whole host", "flight", "cpu_host_usec", "%.0f", "")
        line("    PID 1", "flight", "cpu_pid1_usec", "%.0f", "")
        line("    message bus", "flight", "cpu_broker_usec", "%.0f", "")
        line("    bare program, client", "flight", "cpu_self_usec", "%.0f", "")
        cost("    agenthostd", "flight", "cpu_agenthostd_usec")
        cost("    agenthost-launcher", "flight", "cpu_launcher_usec")
        printf "%-34s %9s %9s   %5.2f  %s\n", "  services to PID 1, in flight", "", "", share("flight"), "(at most 0.6)"
        printf "%-34s %9s %9s   %5.2f\n", "  services to PID 1, lone", "", "", share("lone")
}
