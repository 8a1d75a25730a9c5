# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The table of GetLocation.

BEGIN { output = "locate" }

END {
        choose_rounds()
        n = 0
        for (r in rounds)
                list[++n] = value[r, "ours", "all", "locate_usec"] / value[r, "ours", "all", "floor_usec"]
        printf "%-34s %9.0f\n", "a D-Bus call, us", median("ours", "all", "ping_usec")
        printf "%-34s %9.0f\n", "a GET, us", median("ours", "all", "get_usec")
        printf "%-34s %9.0f   %5.2f  %s\n", "GetLocation, us, and to both", median("ours", "all", "locate_usec"),
                middle(list, n), "(at most 1.5)"
}
