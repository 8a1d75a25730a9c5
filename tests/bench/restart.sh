# shellcheck shell=bash disable=SC2154,SC2034  # set by tests/bench/run, which sources this
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is done to many agents at once: agenthostd comes back to them, and they are stopped. Most of the time of a restart
# systemd takes, to put the new process into its sandbox, whatever that is going to do. So the floor is a service with the
# same settings; and what the agents take, without the rest, is told too.

# install_bare_service TREE: agenthostd's own, with the bare program, which is root to be let onto systemd's private socket.
install_bare_service() {
        mkdir -p "$1/etc/systemd/system" "$1/usr/lib/agenthost"
        cp "$build_dir/tests/bench/bench-bare-restart" "$1/usr/lib/agenthost"
        sed -e "s:^ExecStart=.*:ExecStart=/usr/lib/agenthost/bench-bare-restart /run/agenthost/agents $count:" \
                -e 's:^CapabilityBoundingSet=$:&CAP_DAC_READ_SEARCH:' \
                -e '/^\(BusName\|Sockets\|User\|Group\|Restart\|RuntimeDirectory.*\)=/d' \
                "$build_dir/install-tree/usr/lib/systemd/system/agenthostd.service" \
                >"$1/etc/systemd/system/bench-bare-restart.service"
}

measure_restart() {
        measure_restarts
        measure_stops
}

measure_restarts() {
        local round
        say "restarts with $count agents"
        for ((round = 1; round <= rounds; round++)); do
                measure_comeback "$round" ours empty agenthostd
        done
        run_program bench-create-agents --keep null "$count" "$guilds" "$in_flight" >"$work/fleet"
        for ((round = 1; round <= rounds; round++)); do
                measure "$round" restart bare inside bench-bare-restart /run/agenthost/agents "$count"
                measure_comeback "$round" bare restart bench-bare-restart
                measure_comeback "$round" ours restart agenthostd
        done
        shut_down_agents
}

# measure_comeback ROUND WHOSE KIND SERVICE: from the time when systemd has made the process to the time when it has heard
# READY=1.
measure_comeback() {
        local started ready
        there systemctl restart "$4.service"
        started=$(timestamp "$4" ExecMainStart)
        ready=$(timestamp "$4" ActiveEnter)
        echo "$1 restart $2 $3 took_usec $((ready - started))" >>"$samples"
}

timestamp() {
        there systemctl show --property="$2TimestampMonotonic" --value "$1.service"
}

# All at once, as far as the bus lets one connection wait for answers.
measure_stops() {
        local round stops=$count
        [[ $bus == broker ]] || stops=100
        for ((round = 1; round <= rounds; round++)); do
                say "stops, round $round of $rounds"
                stop_services
                measure "$round" restart bare stop bench-bare-launch --stops "$stops" null "$count" "$guilds" "$in_flight"
                start_services
                measure "$round" restart ours stop bench-create-agents --stops "$stops" null "$count" "$guilds" "$in_flight"
        done
}

print_restart() {
        echo "$count agents in $guilds guilds"
        print_table restart.awk
}
