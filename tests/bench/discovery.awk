# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The table of discovery.

BEGIN { output = "discovery" }

function per_bookmark(name,    list, n, r) {
        n = 0
        for (r in rounds)
                list[++n] = value[r, "ours", "all", name] / value[r, "ours", "all", "bookmarks"]
        return middle(list, n)
}

function times_json_c(prefix,    list, n, r) {
        n = 0
        for (r in rounds)
                list[++n] = value[r, "ours", "all", prefix "take_in_usec"] / value[r, "ours", "all", prefix "parse_usec"]
        return middle(list, n)
}

function list_rows(title, prefix) {
        printf "%-46s %9.0f\n", title, median("ours", "all", prefix "parse_usec")
        printf "%-46s %9.0f   %5.2f  %s\n", "  taken in, us", median("ours", "all", prefix "take_in_usec"),
                times_json_c(prefix), "(at most 2)"
}

END {
        choose_rounds()
        list_rows("5,000 endpoints, json-c, us", "")
        list_rows("  the same in used memory", "again_")
        printf "%-46s %9.0f\n", "a quiet watch, 20 s: wake-ups", median("ours", "all", "quiet_wakeups")
        printf "%-46s %9.0f\n", "  CPU, us", median("ours", "all", "quiet_cpu_usec")
        printf "%-46s %9.1f\n", "for each bookmark: wake-ups", per_bookmark("bookmark_wakeups")
        printf "%-46s %9.0f\n", "  CPU, us", per_bookmark("bookmark_cpu_usec")
}
