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
}
