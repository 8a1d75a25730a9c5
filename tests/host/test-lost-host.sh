#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Three hosts that share one Redis, which is on a fourth: what becomes of agents with option reschedule when their host, or
# the one that looks after it, loses power or is cut off; and that nothing comes of it when Redis was away.
# Runs outside of the hosts; speaks TAP.
set -euo pipefail

here=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
host=${AGENTHOST_HOST:-$here/host}
prefix=${AGENTHOST_HOST_PREFIX:-lost-$$}
group=lost$$
hosts=(one two three)
placed_message=$(sed -n 's/#define MESSAGE_AGENT_PLACED "\(.*\)"/\1/p' "$here/../../src/host/log-agent.h")
not_placed_message=$(sed -n 's/#define MESSAGE_AGENT_NOT_PLACED "\(.*\)"/\1/p' "$here/../../src/host/log-agent.h")

# shellcheck source=../lib/tap.sh
. "$here/../lib/tap.sh"
# shellcheck source=../../packaging/common.sh
. "$here/../../packaging/common.sh"
# shellcheck source=../lib/fleet.sh
. "$here/../lib/fleet.sh"

# create HOST ID [OPTION]...: one that is to be placed again.
create() {
        manager "$1" CreateAgent 'sssa{sv}' "{\"id\":\"$2\",\"name\":\"$2\",\"color\":\"blue\"}" '{"id":"g","x":1}' '{"backend":"b"}' \
                5 runtime s sleeper restart s always reschedule b true environment as 1 WHO=me machine_id i 7
}

# create_plain HOST ID
create_plain() {
        manager "$1" CreateAgent 'sssa{sv}' "{\"id\":\"$2\",\"name\":\"$2\"}" '{"id":"g"}' '{}' \
                2 runtime s sleeper restart s always
}

has() {
        says '"running"' manager "$1" GetAgentInfo s "$2"
}

# places ID HOST...: those of the hosts on which it runs.
places() {
        local id=$1 name found=()
        shift
        for name in "$@"; do
                ! has "$name" "$id" || found+=("$name")
        done
        echo "${found[*]}"
}

runs_on_one_of() {
        local found
        read -ra found <<<"$(places "$@")"
        [[ ${#found[@]} -eq 1 ]]
}

# The host that looks after lost ones; nothing if there is none.
watcher() {
        local holder
        holder=$(redis GET agenthost:lease:lost-hosts)
        echo "${holder%% *}"
}

watcher_is_one_of() {
        [[ " $* " == *" $(watcher) "* && -n $(watcher) ]]
}

configure() {
        local name=$1
        run "$name" sh -c 'mkdir -p /etc/agenthost/runtimes.d /etc/agenthost/agenthost.conf.d
                cat >/etc/agenthost/runtimes.d/sleeper.runtime' <<'END'
[Runtime]
User=daemon
AllowEnvironment=WHO
Exec=/bin/sleep 10000
END
        run "$name" sh -c 'cat >/etc/agenthost/agenthost.conf.d/registry.conf' <<END
[Host]
Hostname=$name
[Registry]
RedisUrl=redis://$prefix-redis:6379/0
HeartbeatSec=300ms
TtlSec=2
END
        run "$name" systemctl start agenthostd.service
        wait_until 30 registry_is ok "$name"
}

test_hosts_boot() {
        local name
        for name in redis "${hosts[@]}"; do
                boot "$name"
        done
        start_redis
        for name in "${hosts[@]}"; do
                configure "$name"
        done
}

test_only_agents_that_are_always_restarted_can_be_placed_again() {
        expect_like "*Option 'reschedule' is for agents that are always started again*" \
                "$(manager one CreateAgent 'sssa{sv}' '{"id":"r0","name":"r0"}' '{"id":"g"}' '{}' \
                        3 runtime s sleeper restart s on-failure reschedule b true 2>&1 || true)" "CreateAgent"
        expect "" "$(redis KEYS 'agent_spec:*')" "specs in Redis"
}

test_spec_is_gone_when_its_agent_has_been_stopped() {
        create one r0 >/dev/null
        wait_until 30 says one redis HGET agent_spec:r0 host
        manager one StopAgent su r0 0 >/dev/null
        wait_until 30 says 0 redis EXISTS agent_spec:r0
}

test_agents_of_a_host_without_power_are_placed_once() {
        local id found
        create one r1 >/dev/null
        create one r2 >/dev/null
        create_plain one p1 >/dev/null
        wait_until 30 says one redis HGET agent_spec:r1 host
        wait_until 30 says one redis HGET agent_spec:r2 host
        wait_until 30 watcher_is_one_of "${hosts[@]}"
        "$host" pull-plug "$prefix-one"
        for id in r1 r2; do
                wait_until 60 runs_on_one_of "$id" two three
                found=$(places "$id" two three)
                expect "s \"$found:50051\"" "$(manager two GetLocation s "$id")" "GetLocation of $id"
                wait_until 30 says "$found" redis HGET agent_spec:"$id" host
                expect_like "*Agent $id of lost host one was placed here*" \
                        "$(run "$found" journalctl --no-pager --output=cat MESSAGE_ID="$placed_message" AGENT_ID="$id")" "the journal of $found"
        done
        expect "" "$(places p1 two three)" "hosts of an agent without the option"
        wait_until 60 says 0 redis EXISTS host_agents:one
}

test_agent_is_what_it_was_created_as() {
        local found pid
        found=$(places r1 two three)
        expect 's "{\"id\":\"r1\",\"name\":\"r1\",\"color\":\"blue\"}"' "$(manager "$found" GetAgentSpec s r1)" "GetAgentSpec"
        pid=$(agent_property "$found" r1 MainPID)
        expect_like "*AGENTHOST_MACHINE_ID=7*WHO=me*" \
                "$(run "$found" sh -c "tr '\\0' '\\n' </proc/${pid#u }/environ | sort")" "its environment"
        expect '{"id":"g","x":1}' "$(run "$found" sh -c "cat /run/agenthost/credentials/*r1*/guild_spec")" "its guild_spec"
        expect '{"backend":"b"}' "$(run "$found" sh -c "cat /run/agenthost/credentials/*r1*/messaging_config")" "its messaging_config"
}

# is_told_of ID: with the fields by which one looks for it.
is_told_of() {
        run "$(watcher)" journalctl --no-pager --quiet --output=cat MESSAGE_ID="$not_placed_message" AGENT_ID="$1" \
                UNIT="agent-${1/-/\\x2d}.scope"
}

# Whoever can write to Redis can write this.
test_spec_that_is_none_is_not_placed() {
        local before name
        wait_until 60 watcher_is_one_of two three
        before=$(for name in two three; do run "$name" pidof agenthostd; done)
        redis HSET agent_spec:bad-1 host nobody life x spec '{"agent_spec":' >/dev/null
        redis HSET agent_spec:bad-2 host nobody life x spec \
                '{"agent_spec":"{\"id\":\"other\",\"name\":\"x\"}","guild_spec":"{\"id\":\"g\"}","options":{"restart":"always","reschedule":true}}' >/dev/null
        for name in bad-1 bad-2; do
                wait_until 60 says "Agent $name of lost host nobody is not placed here" is_told_of "$name"
        done
        redis DEL agent_spec:bad-1 agent_spec:bad-2 >/dev/null
        expect "$before" "$(for name in two three; do run "$name" pidof agenthostd; done)" "processes of agenthostd"
        expect "" "$(redis --scan --pattern 'agent_location:other')" "locations of the id in it"
}

# One is lost, and then at once the host that would have seen it.
test_host_that_would_have_placed_them_may_be_lost_too() {
        local first second third
        boot one
        configure one
        wait_until 60 watcher_is_one_of "${hosts[@]}"
        first=$(watcher)
        read -r second third <<<"$(printf '%s\n' "${hosts[@]}" | grep -vx "$first" | xargs)"
        create "$first" w1 >/dev/null
        create "$second" s1 >/dev/null
        wait_until 30 says "$second" redis HGET agent_spec:s1 host
        wait_until 30 says "$first" redis HGET agent_spec:w1 host
        "$host" pull-plug "$prefix-$second"
        "$host" pull-plug "$prefix-$first"
        wait_until 60 has "$third" s1
        wait_until 60 has "$third" w1
        wait_until 60 has "$third" r1
        wait_until 60 has "$third" r2
        boot "$first"
        boot "$second"
        configure "$first"
        configure "$second"
        expect "$third" "$(places s1 "${hosts[@]}")" "hosts of s1"
        expect "$third" "$(places w1 "${hosts[@]}")" "hosts of w1"
}

test_host_that_was_cut_off_ends_its_copy() {
        local others=(two three) found
        create one c1 >/dev/null
        wait_until 30 says one redis HGET agent_spec:c1 host
        "$host" link "$prefix-one" down
        wait_until 60 runs_on_one_of c1 "${others[@]}"
        found=$(places c1 "${others[@]}")
        expect one "$(places c1 one)" "where it runs on meanwhile"
        "$host" link "$prefix-one" up
        wait_until 60 says "not found" manager one GetAgentInfo s c1
        wait_until 60 registry_is ok one
        expect "$found" "$(places c1 "${hosts[@]}")" "hosts of c1"
        expect "s \"$found:50051\"" "$(manager one GetLocation s c1)" "GetLocation"
        expect "$found" "$(redis HGET agent_spec:c1 host)" "whose its spec is"
}

# A host that is up again before anybody has missed it has lost its agents all the same.
test_host_that_boots_quickly_has_its_agents_again() {
        create two q1 >/dev/null
        wait_until 30 says two redis HGET agent_spec:q1 host
        "$host" pull-plug "$prefix-two"
        boot two
        configure two
        wait_until 60 runs_on_one_of q1 "${hosts[@]}"
}

# pids: where they are, and as which processes.
pids() {
        local id name
        for id in r1 r2 s1 w1 c1 q1; do
                name=$(places "$id" "${hosts[@]}")
                echo "$id $name $(agent_property "$name" "$id" MainPID)"
        done
}

losses() {
        local name
        for name in "${hosts[@]}"; do
                run "$name" journalctl --no-pager --output=cat --since="$1" --grep='is lost: its agents' --unit=agenthostd.service 2>/dev/null || true
        done
}

# Hosts are trusted with a lease again when they believe what stands in Redis again; then some checks pass.
expect_nobody_lost() {
        local since=$1 before=$2
        wait_until 60 watcher_is_one_of "${hosts[@]}"
        create one witness >/dev/null
        wait_until 30 says one redis HGET agent_spec:witness host
        # It becomes one that no host has any more, which is seen by a later check.
        redis HSET agent_spec:stray host one life "$(redis HGET agent_spec:witness life)" spec x >/dev/null
        wait_until 60 says 0 redis EXISTS agent_spec:stray
        manager one StopAgent su witness 0 >/dev/null
        expect "" "$(losses "$since")" "hosts that were declared lost"
        expect "$before" "$(pids)" "agents and their processes"
}

test_nobody_is_lost_when_redis_has_been_emptied() {
        local before since
        before=$(pids)
        since=$(run one date '+%F %T')
        redis FLUSHALL >/dev/null
        expect_nobody_lost "$since" "$before"
}

test_nobody_is_lost_when_redis_was_away() {
        local before since name
        before=$(pids)
        since=$(run one date '+%F %T')
        run redis systemctl stop redis.service
        for name in "${hosts[@]}"; do
                wait_until 60 registry_is down "$name"
        done
        start_redis
        expect_nobody_lost "$since" "$before"
}

test_agents_of_a_host_that_is_shut_down_end() {
        create three e1 >/dev/null
        wait_until 30 says three redis HGET agent_spec:e1 host
        "$host" stop "$prefix-three"
        expect 0 "$(redis EXISTS agent_spec:e1 agent_location:e1)" "keys of e1"
}

undo_at_exit pull_plugs redis "${hosts[@]}"
tap_run
