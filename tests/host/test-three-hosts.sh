#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Three hosts that start and stop agents on one another: whose turn it is, who is passed over, what comes of answers that
# do not come. Runs outside of the hosts; speaks TAP.
set -euo pipefail

here=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
host=${AGENTHOST_HOST:-$here/host}
prefix=${AGENTHOST_HOST_PREFIX:-three-$$}
group=three$$

# shellcheck source=../lib/tap.sh
. "$here/../lib/tap.sh"
# shellcheck source=../../packaging/common.sh
. "$here/../../packaging/common.sh"
# shellcheck source=../lib/fleet.sh
. "$here/../lib/fleet.sh"

hosts=(one two three)
agent=${AGENTHOST_BUILD_DIR:-$here/../../build/debug}/tests/host/agent

# add_runtime NAME WORDS [SETTING...]: on all hosts, one whose agents do what the words say.
add_runtime() {
        local name
        for name in "${hosts[@]}"; do
                printf '%s\n' '[Runtime]' User=daemon Type=notify "Exec=$agent $2" "${@:3}" |
                        run "$name" sh -c "cat >/etc/agenthost/runtimes.d/$1.runtime"
        done
}

# reach HOST: says whether somebody listens there.
reach() {
        run "$1" bash -c '</dev/tcp/127.0.0.1/50051 && echo connected' 2>/dev/null
}

# signal_agent HOST ID SIGNAL: SIGUSR1 makes one of runtime slow ready.
signal_agent() {
        run "$1" systemctl kill --signal="$3" "$(agent_property "$1" "$2" Unit | cut --delimiter='"' --fields=2)"
}

stop_all() {
        local name
        for name in "${hosts[@]}"; do
                manager "$name" ShutdownAgents u 5 >/dev/null
        done
        # Nobody is passed over any more.
        for name in "${hosts[@]}"; do
                run "$name" systemctl restart agenthostd.service
        done
        manager one ResetPlacementCounter
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
        done
        add_runtime stubborn 'ignore-term ready wait' StopTimeoutSec=1h
        add_runtime slow 'wait ready wait' StartTimeoutSec=1h
}

test_host_without_certificates_listens_nowhere_and_says_so_once() {
        local name said
        for name in "${hosts[@]}"; do
                start_agenthost "$name"
        done
        says_nothing_of connected reach one
        reload one
        said=$(run one journalctl --output=cat --unit=agenthostd.service --grep='No other host can reach this one')
        expect 1 "$(wc --lines <<<"$said")" "lines about it"
        redis SET agent_location:elsewhere "$prefix-two:50051" >/dev/null
        expect_like '*CertFile=, KeyFile= and CaFile= are not all set here' \
                "$(manager one StopAgentAnywhere su elsewhere 0 2>&1 || true)" "StopAgentAnywhere"
        redis DEL agent_location:elsewhere >/dev/null
}

test_certificates_are_taken_by_a_reload() {
        local name
        for name in "${hosts[@]}"; do
                give_certificate "$name"
                reload "$name"
                says connected reach "$name"
        done
}

test_agents_are_spread_evenly() {
        local i name answer
        manager one ResetPlacementCounter
        for ((i = 0; i < 9; i++)); do
                name=${hosts[i % 2]}
                answer=$(run_agent "$name" "spread-$i")
                expect_like "ss \"spread-$i\" \"$prefix-*:50051\"" "$answer" "RunAgent"
                expect "s ${answer##* }" "$(manager three GetLocation s "spread-$i")" "GetLocation"
        done
        for name in "${hosts[@]}"; do
                expect 3 "$(count_on "$name")" "agents on $name"
        done
}

test_fleet_is_listed() {
        local listed
        guild=others run_agent one listed >/dev/null
        listed=$(manager two ListFleetAgents s others)
        expect_like 'a(sssubtsos)a(ss) 1 "listed" "others" "listed" * true * "running" "/org/agenthost/Host1/agent/listed" "*:50051" 0' \
                "$listed" "ListFleetAgents of a guild"
        listed=$(manager three ListFleetAgents s "")
        expect_like 'a(sssubtsos)a(ss) 10 *' "$listed" "ListFleetAgents"
        expect_like "*\"spread-0\"*\"$prefix-one:50051\"*" "$listed" "ListFleetAgents"
}

test_agents_are_stopped_from_anywhere() {
        local i
        for ((i = 0; i < 9; i++)); do
                expect 'b true' "$(manager "${hosts[i % 3]}" StopAgentAnywhere su "spread-$i" 5)" "StopAgentAnywhere of spread-$i"
        done
        expect_like '*Agent spread-0 not found in location registry' \
                "$(manager one StopAgentAnywhere su spread-0 5 2>&1 || true)" "a second one"
        expect_like 'a(sssubtsos)a(ss) 1 *' "$(manager three ListFleetAgents s "")" "ListFleetAgents"
        manager three StopAgentAnywhere su listed 0 >/dev/null
}

test_agent_that_ignores_sigterm_is_killed_from_anywhere() {
        runtime=stubborn run_agent one stubborn host s "$prefix-two" wait s ready >/dev/null
        expect 'b true' "$(manager three StopAgentAnywhere su stubborn 1)" "StopAgentAnywhere"
        run two journalctl --quiet --output=cat --unit=agenthostd.service \
                --grep='^Agent stubborn was killed by signal 9 \(SIGKILL\) after a requested stop'
        expect 'u 0' "$(manager_property two AgentCount)" "agents on two"
}

# Longer than any request that need not wait for it.
test_agent_that_takes_long_to_be_ready_or_to_stop_is_waited_for() {
        local answers
        [[ -v AGENTHOST_TEST_ALL ]] || { echo "takes minutes: with --all" && return; }
        answers=$(mktemp)
        call_limit=300 runtime=slow run_agent one long host s "$prefix-two" wait s ready >"$answers" 2>&1 &
        wait_until 30 says '"starting"' manager two GetAgentInfo s long
        sleep 65
        signal_agent two long SIGUSR1
        wait
        expect "ss \"long\" \"$prefix-two:50051\"" "$(<"$answers")" "RunAgent"

        runtime=stubborn run_agent one reluctant host s "$prefix-two" wait s ready >/dev/null
        call_limit=300 manager one StopAgentAnywhere su reluctant 0 >"$answers" 2>&1 &
        wait_until 30 says '"stopping"' manager two GetAgentInfo s reluctant
        sleep 65
        signal_agent two reluctant SIGKILL
        wait
        expect 'b true' "$(<"$answers")" "StopAgentAnywhere"
        rm -f "$answers"
        stop_all
}

# What each of two hosts is asked for at the same time, one of them gives.
test_id_runs_once_whoever_is_asked() {
        local i answers
        answers=$(mktemp)
        for ((i = 0; i < 10; i++)); do
                run_agent one "once-$i" >>"$answers" 2>&1 &
                run_agent two "once-$i" >>"$answers" 2>&1 &
        done
        wait
        expect 10 "$(grep --count '^ss "once-' "$answers")" "answers"
        expect 10 "$(grep --count 'Agent once-[0-9] already exists' "$answers")" "refusals"
        rm -f "$answers"
        expect_like '*Agent once-0 already exists*' "$(run_agent three once-0 2>&1 || true)" "RunAgent later"
        stop_all
}

test_same_request_is_answered_the_same_by_all() {
        local first name
        first=$(run_agent one again request_id s r-1)
        for name in one two three one two three; do
                expect "$first" "$(run_agent "$name" again request_id s r-1)" "RunAgent on $name"
        done
        expect_like '*Agent again already exists*' "$(run_agent two again request_id s r-2 2>&1 || true)" \
                "another request for it"
        stop_all
}

test_full_host_is_passed_over() {
        local i name answer
        config two limit <<<$'[Host]\nMaxAgents=1'
        reload two
        for ((i = 0; i < 7; i++)); do
                run_agent "${hosts[i % 3]}" "full-$i" >/dev/null
        done
        expect 1 "$(count_on two)" "agents on two"
        expect 7 $(($(count_on one) + $(count_on two) + $(count_on three))) "agents"
        for name in one three; do
                config "$name" limit <<<$'[Host]\nMaxAgents=1'
                reload "$name"
        done
        answer=$(run_agent one full-too-much 2>&1 || true)
        for name in "${hosts[@]}"; do
                expect_like "*No host takes agent full-too-much: *$prefix-$name: Maximum number of processes (1) reached*" \
                        "$answer" "RunAgent when all are full"
                run "$name" rm /etc/agenthost/agenthost.conf.d/limit.conf
                reload "$name"
        done
        stop_all
}

# told_draining HOST OF BOOLEAN: what it knows of another.
told_draining() {
        [[ $(manager "$1" GetHostStatuses) =~ \"$prefix-$2\"\ [0-9]+\ [0-9]+\ $3 ]]
}

resume_all() {
        local name
        for name in "${hosts[@]}"; do
                manager "$name" Resume >/dev/null
        done
        stop_all
}

test_draining_host_is_passed_over() {
        local i name
        manager two Drain bu false 0 >/dev/null
        for name in one three; do
                wait_until 30 told_draining "$name" two true
        done
        for ((i = 0; i < 6; i++)); do
                run_agent "${hosts[i % 3]}" "drained-$i" >/dev/null
        done
        expect 0 "$(count_on two)" "agents on two"
        expect 6 $(($(count_on one) + $(count_on three))) "agents"
        resume_all
}

# One reads only once in an hour what the others say of themselves.
test_host_that_is_found_to_be_draining_is_passed_over() {
        local i
        config one hourly <<<$'[Registry]\nHeartbeatSec=1h\nTtlSec=3h'
        stop_all
        wait_until 30 told_draining one two false
        manager two Drain bu false 0 >/dev/null
        # Each has its turn.
        for i in 1 2 3; do
                run_agent one "refused-$i" >/dev/null
        done
        told_draining one two false
        expect 0 "$(count_on two)" "agents on two"
        expect 3 $(($(count_on one) + $(count_on three))) "agents"
        run one rm /etc/agenthost/agenthost.conf.d/hourly.conf
        resume_all
}

test_when_all_are_draining_the_error_says_so() {
        local name answer
        for name in "${hosts[@]}"; do
                manager "$name" Drain bu false 0 >/dev/null
        done
        answer=$(run_agent one nowhere 2>&1 || true)
        for name in "${hosts[@]}"; do
                expect_like "*No host takes agent nowhere: *$prefix-$name: Host $prefix-$name is draining and takes no new agents*" \
                        "$answer" "RunAgent when all are draining"
        done
        expect_like '*Agent nowhere not found*' "$(manager two GetLocation s nowhere 2>&1 || true)" "GetLocation"
        resume_all
        expect_like 'ss "nowhere" *' "$(run_agent one nowhere)" "RunAgent when they take agents again"
        stop_all
}

test_other_errors_are_the_answer() {
        local name answers=''
        # On two, there is no such runtime; nobody else is asked for it.
        run two mv /etc/agenthost/runtimes.d/sleeper.runtime /root/
        reload two
        for name in a b c; do
                answers+=$(run_agent one "other-$name" 2>&1 || true)$'\n'
        done
        expect 2 "$(grep --count '^ss ' <<<"$answers")" "agents"
        expect_like "*No runtime 'sleeper'; *" "$answers" "the answer of two"
        run two mv /root/sleeper.runtime /etc/agenthost/runtimes.d/
        reload two
        stop_all
}

test_caller_who_leaves_cancels() {
        local i
        # Three of them, so that each host has its turn.
        for i in 1 2 3; do
                run one timeout 1 busctl call org.agenthost.Host1 /org/agenthost/Host1 org.agenthost.Host1.Manager \
                        RunAgent 'sssa{sv}' "{\"id\":\"left-$i\",\"name\":\"l\"}" '{"id":"g"}' '{}' \
                        2 runtime s never-ready wait s ready >/dev/null 2>&1 || true
        done
        # The other hosts wait a while for who asked to come back.
        for i in "${hosts[@]}"; do
                wait_until 30 says 'u 0' manager_property "$i" AgentCount
        done
        expect 'a(sssubtsos)a(ss) 0 0' "$(manager one ListFleetAgents s "")" "agents that are left"
}

# The agent is there once. The answer is right, or that it is not known: systemd may need longer for the restart than is
# waited.
test_host_that_dies_while_it_is_asked_has_the_agent_once() {
        local answer answers name there=0
        answers=$(mktemp)
        runtime=slow run_agent one orphan host s "$prefix-two" wait s ready >"$answers" 2>&1 &
        wait_until 30 says '"starting"' manager two GetAgentInfo s orphan
        run two systemctl kill --kill-whom=main --signal=SIGKILL agenthostd.service
        wait_until 30 registry_is ok two
        signal_agent two orphan SIGUSR1
        wait
        answer=$(<"$answers")
        rm -f "$answers"
        [[ $answer == "ss \"orphan\" \"$prefix-two:50051\"" || $answer == *"Host $prefix-two has not answered"* ]] ||
                { echo "RunAgent: $answer" && return 1; }
        wait_until 30 says '"running"' manager two GetAgentInfo s orphan
        for name in "${hosts[@]}"; do
                there=$((there + $(count_on "$name")))
        done
        expect 1 "$there" "agents"
        expect 1 "$(run two systemctl list-units --plain --no-legend 'agent-*.scope' | wc --lines)" "scopes on two"
        stop_all
}

test_host_cut_off_is_passed_over() {
        local i answer
        stop_all
        for i in 1 2 3; do
                run_agent one "before-$i" >/dev/null
        done
        expect "s \"$prefix-three:50051\"" "$(manager one GetLocation s before-2)" "GetLocation"
        "$host" link "$prefix-three" down
        # Its keys stand for a while: it may live.
        answer=$(manager one StopAgentAnywhere su before-2 5 2>&1 || true)
        expect_like "*Host $prefix-three *[Cc]onnect*" "$answer" "StopAgentAnywhere"
        expect "s \"$prefix-three:50051\"" "$(manager one GetLocation s before-2)" "GetLocation afterwards"
        for ((i = 0; i < 6; i++)); do
                answer=$(run_agent one "cut-$i")
                expect_like 'ss "cut-*' "$answer" "RunAgent without three"
                [[ $(host_of "$answer") != three ]]
        done
        answer=$(manager one ListFleetAgents s "")
        expect_like "*\"before-1\"*1 \"$prefix-three:50051\" \"Host $prefix-three cannot be reached*" "$answer" \
                "ListFleetAgents without three"
        "$host" link "$prefix-three" up
        wait_until 30 registry_is ok three
        wait_until 30 says 'b true' manager one StopAgentAnywhere su before-2 5
}

test_host_that_is_gone_leaves_no_place_behind() {
        redis SET agent_location:ghost "$prefix-nobody:50051" >/dev/null
        redis SADD "host_agents:$prefix-nobody" ghost >/dev/null
        expect 'b false' "$(manager one StopAgentAnywhere su ghost 5)" "StopAgentAnywhere"
        expect "" "$(redis GET agent_location:ghost)" "its location"
        expect "" "$(redis SMEMBERS "host_agents:$prefix-nobody")" "the set of that host"
        # The registry may be behind of one that is there.
        redis SET agent_location:ghost "$prefix-two:50051" >/dev/null
        expect 'b false' "$(manager one StopAgentAnywhere su ghost 5)" "StopAgentAnywhere of one that two has not"
        redis DEL agent_location:ghost >/dev/null
}

test_plain_http_is_closed_without_an_answer() {
        local said
        # Closed with what was sent unread, a connection is reset: an error of printf or cat, if they come late enough.
        # shellcheck disable=SC2016  # for the shell in the host
        said=$(run one bash -c 'trap "" PIPE
                exec 3<>/dev/tcp/127.0.0.1/50051
                printf "GET /v1/health HTTP/1.1\r\nHost: a\r\n\r\n" >&3 || true
                cat <&3 || true' 2>&1 | tr --delete --complement '[:print:]')
        [[ $said != *HTTP* ]] || { echo "it has answered: $said" && return 1; }
        expect_like '*"running"*' "$(run_agent two after-http; manager two ListFleetAgents s "")" "ListFleetAgents"
}

test_host_without_power_is_passed_over() {
        local i answer lost=0
        stop_all
        for i in 1 2 3; do
                run_agent two "plug-$i" >/dev/null
        done
        expect "s \"$prefix-three:50051\"" "$(manager one GetLocation s plug-2)" "GetLocation"
        "$host" pull-plug "$prefix-three"
        # What was sent on a connection that it had may have arrived, as far as anybody knows.
        for ((i = 0; i < 7; i++)); do
                answer=$(run_agent two "dead-$i" 2>&1) || ((++lost))
                [[ $answer == 'ss "dead-'* || $answer == *"Host $prefix-three has not answered"* ]] ||
                        { echo "RunAgent without three: $answer" && return 1; }
                [[ $(host_of "$answer") != three ]]
        done
        ((lost <= 1))
        wait_until 60 says "not found" manager one GetLocation s plug-2
}

undo_at_exit pull_plugs redis "${hosts[@]}"
tap_run
