#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A fleet of one host with Debian 12 and two with Debian 13, each with what was built there: they run, stop, list and take
# over each other's agents. Runs outside of the hosts; speaks TAP.
set -euo pipefail

here=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
host=${AGENTHOST_HOST:-$here/host}
prefix=${AGENTHOST_HOST_PREFIX:-mixed-$$}
group=mixed$$
hosts=(one two three)

# Elsewhere there is nothing to be mixed.
[[ ${AGENTHOST_VARIANT:-} == trixie ]] || { echo "1..0" && exit; }
older=$(dirname -- "$AGENTHOST_BUILD_DIR")/debug/install-tree
[[ -d $older ]] || { echo "1..0 # SKIP variant debug, which is for Debian 12, has not been built" && exit; }

# shellcheck source=../lib/tap.sh
. "$here/../lib/tap.sh"
# shellcheck source=../../packaging/common.sh
. "$here/../../packaging/common.sh"
# shellcheck source=../lib/fleet.sh
. "$here/../lib/fleet.sh"

# run_there FROM TO ID: asks one for an agent on the other.
run_there() {
        run_agent "$1" "$3" host s "$prefix-$2"
}

runs_on_a_newer_one() {
        says '"running"' manager two GetAgentInfo s "$1" || says '"running"' manager three GetAgentInfo s "$1"
}

test_hosts_of_both_kinds_boot() {
        local name
        "$host" boot "$prefix-one" --bus daemon --install "$older" --net "$group"
        for name in redis two three; do
                boot "$name"
        done
        start_redis
        make_authority fleet
        for name in "${hosts[@]}"; do
                configure "$name" "${hosts[@]}"
                config "$name" times <<<$'[Registry]\nTtlSec=3'
                give_certificate "$name"
                start_agenthost "$name"
        done
        expect_like "systemd 252 *" "$(run one systemctl --version)" "systemd of one"
        expect_like "systemd 257 *" "$(run two systemctl --version)" "systemd of two"
}

test_each_runs_and_stops_agents_on_each() {
        local from to
        for from in "${hosts[@]}"; do
                for to in "${hosts[@]}"; do
                        expect "ss \"$from-$to\" \"$prefix-$to:50051\"" "$(run_there "$from" "$to" "$from-$to")" "RunAgent on $to of $from"
                done
        done
        for from in "${hosts[@]}"; do
                expect_like "a(sssubtsos)a(ss) 9 *" "$(manager "$from" ListFleetAgents s "")" "ListFleetAgents of $from"
        done
        for from in "${hosts[@]}"; do
                for to in "${hosts[@]}"; do
                        expect "b true" "$(manager "$from" StopAgentAnywhere su "$to-$from" 5)" "StopAgentAnywhere of $to-$from"
                done
        done
}

test_turns_are_shared() {
        local i
        manager two ResetPlacementCounter
        for ((i = 0; i < 6; i++)); do
                run_agent "${hosts[i % 3]}" "turn-$i" >/dev/null
        done
        for i in "${hosts[@]}"; do
                expect 2 "$(count_on "$i")" "agents on $i"
        done
}

test_options_arrive() {
        local pid
        run_agent two options host s "$prefix-one" machine_id i 7 >/dev/null
        pid=$(agent_property one options MainPID)
        expect_like "*AGENTHOST_MACHINE_ID=7*" "$(run one sh -c "tr '\\0' '\\n' </proc/${pid#u }/environ")" "environment"
}

test_host_that_drains_is_passed_over_by_the_others() {
        local i
        run one agentctl drain >/dev/null
        for ((i = 0; i < 3; i++)); do
                [[ $(host_of "$(run_agent two "drained-$i")") != one ]]
        done
        run one agentctl resume >/dev/null
}

test_agent_of_a_lost_host_runs_on_one_of_the_other_kind() {
        run_agent three lost host s "$prefix-one" restart s always reschedule b true >/dev/null
        wait_until 30 says "$prefix-one" redis HGET agent_spec:lost host
        "$host" pull-plug "$prefix-one"
        wait_until 60 runs_on_a_newer_one lost
}

undo_at_exit pull_plugs redis "${hosts[@]}"
tap_run
