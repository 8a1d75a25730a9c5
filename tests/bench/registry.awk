# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The table of the registry in Redis.

BEGIN { output = "registry" }

# The median over the rounds of how much more the one takes than the other.
function times(one, other, name,    list, n, r) {
        n = 0
        for (r in rounds)
                list[++n] = value[r, one, "all", name] / value[r, other, "all", name]
        return middle(list, n)
}

function row(title, name,    w, i) {
        printf "%-28s", title
        for (i = 1; i <= 4; i++)
                printf " %9.1f", median(who[i], "all", name) / 1000
        print ""
}

# How long a turn of the loop takes: the longest of all rounds, as none is to take longer.
function tick(title, name,    r, most, busiest) {
        for (r in rounds) {
                if (value[r, "ticks", "all", name "_tick_max_usec"] > most)
                        most = value[r, "ticks", "all", name "_tick_max_usec"]
                if (value[r, "ticks", "all", name "_tick_cpu_max_usec"] > busiest)
                        busiest = value[r, "ticks", "all", name "_tick_cpu_max_usec"]
        }
        printf "  %-26s %9d %9d %9d %9d  %s\n", title, median("ticks", "all", name "_ticks"),
                median("ticks", "all", name "_tick_mean_usec"), busiest, most, "(at most 5000)"
}

function verdict(title, one, other, name, limit) {
        printf "%-50s %6.2f  %s\n", title, times(one, other, name), limit
}

END {
        choose_rounds()
        split("sync python bare ours", who, " ")
        printf "%-28s %9s %9s %9s %9s\n", "registry, in ms", "hiredis", "redis-py", "bare", "ours"
        row("register", "register_usec")
        row("  client CPU", "register_cpu_usec")
        row("one heartbeat round", "beat_usec")
        row("  client CPU", "beat_cpu_usec")
        print ""
        verdict("register: hiredis, synchronous / ours", "sync", "ours", "register_usec", "(at least 10)")
        verdict("register: redis-py / ours", "python", "ours", "register_usec", "(at least 15)")
        verdict("heartbeat: hiredis, synchronous / ours", "sync", "ours", "beat_usec", "(at least 10)")
        verdict("heartbeat: redis-py / ours", "python", "ours", "beat_usec", "(at least 15)")
        verdict("CPU of a heartbeat round: ours / bare", "ours", "bare", "beat_cpu_usec", "(at most 3)")
        print ""
        printf "%-28s %9s %9s %9s %9s\n", "turns of the loop, in us", "number", "mean", "most CPU", "longest"
        tick("20 heartbeat rounds", "beat")
        tick("all was gone", "rewrite")
        tick("reconnected", "reconnect")
        tick("registered", "register")
}
