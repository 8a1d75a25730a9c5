#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# agentctl and agents of several hosts, which are really there: started where it is their turn or where it is said, listed,
# stopped from anywhere. Runs outside of the hosts; speaks TAP.
set -euo pipefail

here=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
host=${AGENTHOST_HOST:-$here/host}
prefix=${AGENTHOST_HOST_PREFIX:-agentctl-$$}
group=agentctl$$

# shellcheck source=../lib/tap.sh
. "$here/../lib/tap.sh"
# shellcheck source=../../packaging/common.sh
. "$here/../../packaging/common.sh"
# shellcheck source=../lib/fleet.sh
. "$here/../lib/fleet.sh"

hosts=(one two three)

# spec ID...: of a guild with these agents.
spec() {
        local id agents=''
        for id; do
                agents+="${agents:+,}{\"id\":\"$id\",\"name\":\"$id\"}"
        done
        echo "{\"id\":\"g\",\"agents\":[$agents]}"
}

# agentctl_run HOST SPEC [OPTION]...: of a spec, on that host.
agentctl_run() {
        local name=$1 spec=$2
        shift 2
        run "$name" agentctl run --runtime=sleeper "$@" - <<<"$spec"
}

# fleet_list HOST: "ID HOST" of all agents, sorted, without what the names of hosts have in common.
fleet_list() {
        run "$1" agentctl list --fleet --no-legend --columns=id,host | sed "s/ *$prefix-/ /; s/:50051 *$//" | sort |
                paste --serial --delimiters=,
}

test_hosts_boot() {
        local name
        for name in redis "${hosts[@]}"; do
                boot "$name"
        done
        start_redis
        make_authority fleet
        for name in "${hosts[@]}"; do
                configure "$name" "${hosts[@]}"
                give_certificate "$name"
        done
        for name in "${hosts[@]}"; do
                start_agenthost "$name"
        done
}

test_hosts_are_listed() {
        local out
        out=$(run two agentctl hosts --no-legend --columns=address,ready,here | tr --squeeze-repeats ' ' |
                paste --serial --delimiters=,)
        expect "$prefix-one:50051 yes -,$prefix-three:50051 yes -,$prefix-two:50051 yes yes" "$out" "hosts"
}

test_a_guild_is_spread_and_every_agent_is_listed_with_its_host() {
        local out
        manager one ResetPlacementCounter
        out=$(agentctl_run one "$(spec a1 a2 a3 a4 a5 a6)" 2>&1)
        expect_like "*6 of 6 agents started*" "$out" "run"
        expect_like "* started on $prefix-three:50051*" "$out" "run"
        # In parallel: which of them is where is nobody's choice.
        expect "2 one,2 three,2 two" "$(fleet_list three | tr ',' '\n' | cut --delimiter=' ' --fields=2 | sort |
                uniq --count | sed 's/^ *//' | paste --serial --delimiters=,)" "agents of each host"
        expect "2" "$(run two agentctl --no-legend | wc --lines)" "agents of this host"
        expect "$(fleet_list one)" "$(fleet_list two)" "the same list from elsewhere"
}

test_hosts_have_the_number_of_their_agents() {
        expect "2 2 2" "$(run one agentctl hosts --no-legend --columns=agents | paste --serial --delimiters=' ' |
                tr --squeeze-repeats ' ' | sed 's/^ //')" "agents of hosts"
}

test_agents_are_stopped_wherever_they_are() {
        expect "6" "$(run three agentctl stop a1 a2 a3 a4 a5 a6 | grep --count ': stopped')" "stopped agents"
        expect "" "$(fleet_list one)" "what is left"
        expect 4 "$(run one agentctl stop a1 >/dev/null 2>&1 && echo 0 || echo $?)" "exit status of one that is gone"
}

test_a_host_can_be_chosen() {
        expect "b1: started on $prefix-three:50051" "$(agentctl_run one "$(spec b1)" --host="$prefix-three")" "run"
        expect "b2: started on $prefix-two:50051" "$(agentctl_run one "$(spec b2)" --host="$prefix-two:50051")" "run"
        expect_like "b3: started as process *" "$(agentctl_run one "$(spec b3)" --here)" "run"
        expect "b1 three,b2 two,b3 one" "$(fleet_list two)" "agents"
        expect_like "*There is no host*" "$(agentctl_run one "$(spec b4)" --host=nowhere 2>&1 || true)" "an unknown host"
}

test_stop_can_be_about_this_host_alone() {
        expect 4 "$(run one agentctl stop --here b1 >/dev/null 2>&1 && echo 0 || echo $?)" "exit status"
        expect "b1 three,b2 two,b3 one" "$(fleet_list one)" "agents"
}

test_a_guild_is_stopped_on_all_hosts() {
        run two agentctl stop --guild=g --fleet >/dev/null
        expect "" "$(fleet_list one)" "what is left"
}

test_a_full_host_is_passed_over_and_a_chosen_one_is_not() {
        config two full <<<$'[Host]\nMaxAgents=1'
        reload two
        agentctl_run one "$(spec c1)" --host="$prefix-two" >/dev/null
        expect_like "*No host takes agent c2: *Maximum number of processes*" \
                "$(agentctl_run one "$(spec c2)" --host="$prefix-two" 2>&1 || true)" "a full host"
        expect_like "*3 of 3 agents started*" "$(agentctl_run one "$(spec c3 c4 c5)")" "the others"
        expect "c1 two" "$(fleet_list one | tr ',' '\n' | grep two)" "agents of the full host"
}

test_a_host_that_is_gone_is_named() {
        local out code=0
        "$host" pull-plug "$prefix-three"
        out=$(run one agentctl list --fleet 2>&1) || code=$?
        expect 1 "$code" "exit status"
        expect_like "*The agents of $prefix-three:50051 are not known: *" "$out" "list"
        expect_like "*c1 *" "$out" "list"
}

undo_at_exit pull_plugs redis "${hosts[@]}"
tap_run
