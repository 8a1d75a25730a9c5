# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The table of SelectHost.

BEGIN { output = "select" }

END {
        choose_rounds()
        n = m = 0
        for (r in rounds) {
                list[++n] = value[r, "ours", "all", "select_usec"] / value[r, "ours", "all", "floor_usec"]
                gain[++m] = value[r, "ours", "all", "original_usec"] / value[r, "ours", "all", "select_usec"]
        }
        printf "%-38s %9.0f\n", "a D-Bus call, us", median("ours", "all", "ping_usec")
        printf "%-38s %9.0f\n", "an INCR, us", median("ours", "all", "incr_usec")
        printf "%-38s %9.0f   %5.2f  %s\n", "SelectHost, us, and to both", median("ours", "all", "select_usec"),
                middle(list, n), "(at most 1.5)"
        printf "%-38s %9.0f   %5.1f  %s\n", "the original's way, us, and to ours", median("ours", "all", "original_usec"),
                middle(gain, m), "(at least 20)"
        printf "%-38s %9.0f\n", "a change, us after a bare client, p50", median("ours", "all", "change_p50_usec")
        printf "%-38s %9.0f          %s\n", "                                  p99", median("ours", "all", "change_p99_usec"), "(at most 5000)"
}
