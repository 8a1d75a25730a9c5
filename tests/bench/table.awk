# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The table of one output setting, from lines "ROUND OUTPUT WHOSE KIND NAME VALUE". A ratio is taken within each round,
# as what else the machine does differs from round to round; then the median of the ratios. Rounds in which others took
# more than CALM percent of the machine do not count, unless there is no other.

BEGIN { CALM = 15 }

$2 == output {
        value[$1, $3, $4, $5] = $6
        all[$1]
        if ($5 == "others_percent" && $6 > CALM)
                disturbed[$1]
}

function choose_rounds(    n_all, n_calm, r) {
        for (r in all) {
                n_all++
                if (!(r in disturbed)) {
                        n_calm++
                        rounds[r]
                }
        }
        if (n_calm == 0)
                for (r in all)
                        rounds[r]
        if (n_calm < n_all)
                printf "(In %u of %u rounds others took more than %u %% of the machine: %s.)\n", n_all - n_calm, n_all,
                        CALM, n_calm ? "they are left out" : "rates and times say little"
}

# Sorts the first n of list.
function sort(list, n,    i, j, swap) {
        for (i = 2; i <= n; i++)
                for (j = i; j > 1 && list[j - 1] > list[j]; j--) {
                        swap = list[j]; list[j] = list[j - 1]; list[j - 1] = swap
                }
}

function middle(list, n) {
        sort(list, n)
        return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

function median(whose, kind, name,    list, n, r) {
        n = 0
        for (r in rounds)
                list[++n] = value[r, whose, kind, name]
        return middle(list, n)
}

function ratio(kind, name,    list, n, r) {
        n = 0
        for (r in rounds)
                list[++n] = value[r, "ours", kind, name] / value[r, "bare", kind, name]
        return middle(list, n)
}

# Of our services' CPU time to what PID 1 spends on the same launches.
function share(kind,    list, n, r) {
        n = 0
        for (r in rounds)
                list[++n] = (value[r, "ours", kind, "cpu_agenthostd_usec"] + \
                        value[r, "ours", kind, "cpu_launcher_usec"]) / value[r, "ours", kind, "cpu_pid1_usec"]
        return middle(list, n)
}

function line(title, kind, name, format, limit) {
        printf "%-34s %9s %9s   %5.2f  %s\n", title, sprintf(format, median("bare", kind, name)),
                sprintf(format, median("ours", kind, name)), ratio(kind, name), limit
}

function cost(title, kind, name) {
        printf "%-34s %9s %9.0f\n", title, "", median("ours", kind, "cpu_" name "_usec")
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
        cost("    agenthostd", "flight", "agenthostd")
        cost("    agenthost-launcher", "flight", "launcher")
        printf "%-34s %9s %9s   %5.2f  %s\n", "  services to PID 1, in flight", "", "", share("flight"), "(at most 0.6)"
        printf "%-34s %9s %9s   %5.2f\n", "  services to PID 1, lone", "", "", share("lone")
}
