# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The table of what happens between hosts, of which idle is how long none did anything, in seconds. Three hosts are on one
# machine: that others than one of them are busy says nothing.

BEGIN { output = "peers"; others = "none" }

END {
        choose_rounds()
        n = 0
        for (r in rounds)
                list[++n] = value[r, "ours", "elsewhere", "elsewhere_usec"] / value[r, "ours", "elsewhere", "floor_usec"]
        printf "%-46s %9.0f\n", "a launch here, us", median("ours", "elsewhere", "here_usec")
        printf "%-46s %9.0f\n", "an HTTPS request to another host, us", median("ours", "elsewhere", "request_usec")
        printf "%-46s %9.0f   %5.2f  %s\n", "a launch there, us, and to both", median("ours", "elsewhere", "elsewhere_usec"),
                middle(list, n), "(at most 1.3)"
        printf "%-46s %9.0f\n", "on three hosts, bare, launches a second", median("bare", "all", "rate")
        printf "%-46s %9.0f   %5.2f  %s\n", "  ours, and to bare", median("ours", "all", "rate"), ratio("all", "rate"),
                "(at least 0.6)"
        printf "%-46s %9.0f\n", "  while connections are made", median("ours", "first", "rate")
        printf "%-46s %9.0f\n", "an idle host, " idle " s: wake-ups of agenthostd", median("ours", "idle", "agenthostd_wakeups")
        printf "%-46s %9.0f\n", "  of agenthost-launcher", median("ours", "idle", "launcher_wakeups")
}
