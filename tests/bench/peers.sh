# shellcheck shell=bash disable=SC2154,SC2034  # set by tests/bench/run, which sources this
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Between hosts: three of them, with one Redis and certificates. An agent that is started on another host; many on all of
# them, beside the bare program, which runs on all three at once; and how often a host wakes up where nothing happens.

peers_hosts=(one two three)
peers_idle_sec=60
# As for a fleet that is there (fleet.sh), and for what the last start has to be told to others.
peers_settle_sec=25

# In a shell of its own: what it uses of the tests has names that are others' here, and hosts to be taken down again.
measure_peers() (
        host_options=(--bus "$bus" --install "$build_dir/install-tree" --install "$work/settings" --bind "$source_dir"
                --bind "$build_dir")
        AGENTHOST_HOST_OPTIONS=$(printf '%q ' "${host_options[@]}")
        prefix=peers-$$ group=peers$$
        # shellcheck source=../lib/fleet.sh
        . "$source_dir/tests/lib/fleet.sh"
        trap 'pull_plugs redis "${peers_hosts[@]}"' EXIT

        peers_boot
        for ((round = 1; round <= rounds; round++)); do
                say "between hosts, round $round of $rounds"
                peers_program one bench-elsewhere "$(name_of two)" "$lone" | peers_keep "$round" ours elsewhere
                peers_all_at_once "$round"
                peers_idle "$round"
        done
)

peers_boot() {
        local name
        for name in redis "${peers_hosts[@]}"; do
                boot "$name"
        done
        start_redis
        make_authority fleet
        for name in "${peers_hosts[@]}"; do
                configure "$name" "${peers_hosts[@]}"
                # Those of the tests are for who waits for heartbeats.
                config "$name" times <<'END'
[Registry]
HeartbeatSec=20s
TtlSec=60s
END
                give_certificate "$name"
                start_agenthost "$name"
        done
}

# peers_keep ROUND WHOSE KIND: samples, from standard input.
peers_keep() {
        sed "s/^/$1 peers $2 $3 /" >>"$samples"
}

# peers_program HOST PROGRAM ARGUMENT...
peers_program() {
        local name=$1 program=$2
        shift 2
        run "$name" "$build_dir/tests/bench/$program" "$@" || die "$program failed on $name, see above"
}

peers_services() {
        local name
        for name in "${peers_hosts[@]}"; do
                run "$name" systemctl --quiet "$1" agenthostd.service agenthost-launcher.service
        done
}

# Each of the three launches a third, a third of them at a time, and begins at the same moment.
peers_all_at_once() {
        local name kind each=$((peers_count / 3)) begin children=()
        peers_services stop
        begin=$(($(date +%s) + 5))
        for name in "${peers_hosts[@]}"; do
                peers_program "$name" bench-bare-launch --begin "$begin" null "$each" "$guilds" $((in_flight / 3)) >"$work/peers-$name" &
                children+=($!)
        done
        for name in "${children[@]}"; do
                wait "$name"
        done
        # The slowest is when all are done.
        awk '$1 == "rate" && (!n++ || $2 < rate) { rate = $2 } END { print "rate", n * rate }' \
                "${peers_hosts[@]/#/$work/peers-}" | peers_keep "$1" bare all

        peers_services start
        for name in "${peers_hosts[@]}"; do
                start_agenthost "$name"
        done
        for kind in first all; do
                peers_program one bench-create-agents --anywhere null "$peers_count" "$guilds" "$in_flight" |
                        peers_keep "$1" ours "$kind"
        done
}

peers_idle() {
        sleep "$peers_settle_sec"
        peers_wakeups >"$work/before"
        sleep "$peers_idle_sec"
        peers_wakeups >"$work/after"
        awk 'FNR == NR { before[$1] = $2; next } { print $1 "_wakeups", $2 - before[$1] }' "$work/before" "$work/after" |
                peers_keep "$1" ours idle
}

# How often the main process of each service has gone to sleep on one of the hosts, with all of its threads.
peers_wakeups() {
        # shellcheck disable=SC2016  # for the shell in the host
        run two sh -c 'for service in agenthostd agenthost-launcher; do
                cat "/proc/$(systemctl show --property=MainPID --value $service.service)"/task/*/status |
                        awk -v name="${service##*-}" "/^voluntary_ctxt_switches/ { n += \$2 } END { print name, n }"
        done'
}

print_peers() {
        echo "$lone agents on another host, one after the other; $peers_count on three hosts, $in_flight at a time"
        print_table peers.awk "idle=$peers_idle_sec"
}
