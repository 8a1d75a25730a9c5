# shellcheck shell=bash disable=SC2154,SC2034  # set by tests/bench/run, which sources this
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What a fleet costs that is there: memory, wake-ups of an idle one, ListAgents, further launches. Those are made by both
# sides beside the same fleet, which runs on when our services are stopped.

fleet_idle_sec=10
# The launcher keeps processes ready for 10 s after the last launch: until they are gone, it is not idle.
fleet_settle_sec=12

measure_fleet() {
        local round
        for ((round = 1; round <= rounds; round++)); do
                say "a fleet of $fleet agents, round $round of $rounds"
                there systemctl restart agenthost-launcher.service agenthostd.service
                measure_memory "$round" before
                run_program bench-create-agents --keep --name fleet null "$fleet" "$fleet_guilds" "$in_flight" >"$work/fleet"
                measure_memory "$round" after
                measure_wakeups "$round"
                measure_list "$round"

                measure "$round" fleet ours further bench-create-agents --name further null "$lone" "$guilds" 1
                stop_services
                measure "$round" fleet bare further bench-bare-launch null "$lone" "$guilds" 1
                start_services
                shut_down_agents
        done
}

# measure_memory ROUND WHEN: private memory of the services, in KiB.
measure_memory() {
        local service
        for service in agenthostd agenthost-launcher; do
                # shellcheck disable=SC2016
                there awk -v labels="$1 fleet ours $2 ${service##*-}_kib" \
                        '/^Private_/ { kib += $2 } END { print labels, kib }' "/proc/$(main_pid "$service")/smaps_rollup"
        done >>"$samples"
}

measure_wakeups() {
        local service
        sleep "$fleet_settle_sec"
        list_wakeups >"$work/before"
        sleep "$fleet_idle_sec"
        list_wakeups >"$work/after"
        for service in agenthostd agenthost-launcher; do
                # shellcheck disable=SC2016
                awk -v service="$service" -v labels="$1 fleet ours idle ${service##*-}_wakeups" '
                        $1 != service { next }
                        FNR == NR { before[$2] = $3; next }
                        { n += $3 - before[$2] }
                        END { print labels, n + 0 }' "$work/before" "$work/after"
        done >>"$samples"
}

# Of each process of the services: how often it has gone to sleep.
list_wakeups() {
        # shellcheck disable=SC2016
        there sh -c 'for service; do
                sed "s:.*:/proc/&/status:" "/sys/fs/cgroup/system.slice/$service.service/cgroup.procs" |
                        xargs awk -v service="$service" "/^Pid/ { pid = \$2 }
                                /^voluntary_ctxt_switches/ { print service, pid, \$2 }"
                done' sh agenthostd agenthost-launcher
}

main_pid() {
        there systemctl show --property=MainPID --value "$1.service"
}

measure_list() {
        there systemd-run --quiet --collect --service-type=notify --unit=bench-bare-list \
                "$build_dir/tests/bench/bench-bare-list"
        run_program bench-list-agents 20 "$fleet" | sed "s/^/$1 fleet /" >>"$samples"
        there systemctl stop bench-bare-list.service
}

shut_down_agents() {
        there busctl --quiet --timeout=300 call org.agenthost.Host1 /org/agenthost/Host1 org.agenthost.Host1.Manager \
                ShutdownAgents u 0
}

print_fleet() {
        echo "a fleet of $fleet agents in $fleet_guilds guilds; $lone further launches, one after the other"
        print_table fleet.awk "agents=$fleet"
}
