# shellcheck shell=bash disable=SC2154  # set by tests/bench/run, which sources this
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# agentctl: what a user waits for at a command line.

measure_ctl() {
        local round
        for ((round = 1; round <= rounds; round++)); do
                say "agentctl with $listed agents, round $round of $rounds"
                there systemctl restart agenthost-launcher.service agenthostd.service
                measure_command "$round" run "$commands" bench-true /usr/bin/true
                run_program bench-create-agents --keep --name ctl null "$listed" "$guilds" "$in_flight" >"$work/ctl"
                measure_command "$round" list "$commands"
                shut_down_agents
        done
}

# measure_command ROUND ARGUMENT...
measure_command() {
        local round=$1
        shift
        run_program bench-ctl "$@" | sed "s/^/$round ctl /" >>"$samples"
}

print_ctl() {
        echo "$listed agents, each command $commands times"
        print_table ctl.awk "agents=$listed"
}
