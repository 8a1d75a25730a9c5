#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Two hosts that share one Redis, which is on a third: whose agent it is, through partitions, power losses and shutdowns.
# Runs outside of the hosts; speaks TAP.
set -euo pipefail

here=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
host=${AGENTHOST_HOST:-$here/host}
prefix=${AGENTHOST_HOST_PREFIX:-two-$$}
group=two$$

# shellcheck source=../lib/tap.sh
. "$here/../lib/tap.sh"
# shellcheck source=../../packaging/common.sh
. "$here/../../packaging/common.sh"

# The suite's options are words quoted for a shell; among them is what is to be installed.
options=()
eval "options=(${AGENTHOST_HOST_OPTIONS:-})"

boot() {
        "$host" boot "$prefix-$1" ${options[@]+"${options[@]}"} --net "$group"
}

run() {
        local name=$1
        shift
        "$host" run "$prefix-$name" --timeout 60 "$@"
}

redis() {
        run redis redis-cli "$@"
}

# wait_until SECONDS COMMAND...: there is nobody to tell.
wait_until() {
        local end=$((EPOCHSECONDS + $1))
        shift
        until "$@" >/dev/null 2>&1; do
                ((EPOCHSECONDS < end)) || { echo "has not come: $*" && return 1; }
                sleep 0.1
        done
}

manager() {
        local name=$1
        shift
        run "$name" busctl call org.agenthost.Host1 /org/agenthost/Host1 org.agenthost.Host1.Manager "$@"
}

manager_property() {
        run "$1" busctl get-property org.agenthost.Host1 /org/agenthost/Host1 org.agenthost.Host1.Manager "$2"
}

agent_property() {
        run "$1" busctl get-property org.agenthost.Host1 "/org/agenthost/Host1/agent/$2" org.agenthost.Host1.Agent "$3"
}

# create HOST ID [TAKEOVER [RUNTIME]]
create() {
        manager "$1" CreateAgent 'sssa{sv}' "{\"id\":\"$2\",\"name\":\"$2\"}" '{"id":"g"}' '{}' \
                2 runtime s "${4:-sleeper}" takeover b "${3:-false}"
}

select_host() {
        manager "$1" SelectHost s '{"id":"x","name":"x"}'
}

# turns HOST: which hosts have the next two, "one two".
turns() {
        manager "$1" ResetPlacementCounter
        { select_host "$1" && select_host "$1"; } | sed 's/^s "//; s/:.*//' | xargs
}

has_turns() {
        [[ $(turns "$1") == "$2" ]]
}

says() {
        [[ $("${@:2}" 2>&1) == *"$1"* ]]
}

configure() {
        local name=$1
        run "$name" sh -c 'mkdir -p /etc/agenthost/runtimes.d /etc/agenthost/agenthost.conf.d
                cat >/etc/agenthost/runtimes.d/sleeper.runtime' <<'END'
[Runtime]
User=daemon
Exec=/bin/sleep 10000
END
        run "$name" sh -c 'cat >/etc/agenthost/runtimes.d/stubborn.runtime' <<'END'
[Runtime]
User=daemon
Restart=always
RestartSec=1ms
StopTimeoutSec=1
Exec=/bin/sh -c 'trap "" TERM; while :; do sleep 0.1; done'
END
        run "$name" sh -c 'cat >/etc/agenthost/agenthost.conf.d/registry.conf' <<END
[Host]
Hostname=$name
[Registry]
RedisUrl=redis://$prefix-redis:6379/0
HeartbeatSec=300ms
TtlSec=2
[Discovery]
Source=static
Peers=one:50051 two:50051
END
        run "$name" systemctl start agenthostd.service
        wait_until 30 says '"ok"' manager_property "$name" RegistryState
}

# The server and the checker of its files are one program, which goes by its name; only the latter comes with the tools.
test_hosts_boot() {
        local name
        for name in redis one two; do
                boot "$name"
        done
        # shellcheck disable=SC2016  # for the shell in the host
        run redis systemd-run --quiet --unit=redis --property=Type=notify /bin/bash -c \
                'exec -a redis-server "$(command -v redis-server redis-check-rdb | head -n 1)" --supervised systemd --protected-mode no --save "" --appendonly no'
        configure one
        configure two
}

test_each_knows_the_others_agents() {
        create one a1 >/dev/null
        create two a2 >/dev/null
        expect 's "one:50051"' "$(manager two GetLocation s a1)" "GetLocation of a1 on two"
        expect 's "two:50051"' "$(manager one GetLocation s a2)" "GetLocation of a2 on one"
        expect 'b true' "$(manager one IsAgentRunning s a2)" "IsAgentRunning of a2 on one"
        expect_like '*"one" 1*' "$(manager two GetHostLoad)" "GetHostLoad on two"
        expect 'as 1 "a1"' "$(manager two GetHostAgents s one)" "GetHostAgents of one on two"
}

test_an_id_is_launched_on_one_host_only() {
        expect_like "*Agent a1 already exists on host one:50051*" "$(create two a1 2>&1 || true)" "CreateAgent on two"
        expect 'b true' "$(manager one IsAgentRunning s a1)" "IsAgentRunning on one"
}

test_agent_that_was_taken_over_is_stopped() {
        create two a1 true >/dev/null
        expect 's "two:50051"' "$(manager one GetLocation s a1)" "GetLocation"
        wait_until 30 says "not found" manager one GetAgentInfo s a1
        expect 's "two:50051"' "$(manager one GetLocation s a1)" "GetLocation when one has stopped it"
        expect "" "$(redis SMEMBERS host_agents:one)" "agents of one"
}

# Each believes to have it. Who has registered last keeps it.
test_agent_that_moved_during_a_partition_is_not_fought_over() {
        create one moves >/dev/null
        "$host" link "$prefix-one" down
        wait_until 30 says '"down"' manager_property one RegistryState
        wait_until 30 says "not found" manager two GetLocation s moves
        expect_like "*Redis at redis://$prefix-redis:6379/0: *" "$(manager one GetLocation s moves 2>&1 || true)" \
                "GetLocation on one"
        create two moves >/dev/null
        create one meanwhile >/dev/null
        "$host" link "$prefix-one" up
        wait_until 60 says '"ok"' manager_property one RegistryState
        wait_until 30 says "not found" manager one GetAgentInfo s moves
        expect 's "two:50051"' "$(manager one GetLocation s moves)" "GetLocation of what has moved"
        expect 's "one:50051"' "$(manager two GetLocation s meanwhile)" "GetLocation of what was created meanwhile"
        expect 's "running"' "$(agent_property two moves State)" "its state on two"
}

test_draining_host_comes_last_for_the_other() {
        wait_until 30 has_turns one "one two"
        manager two Drain bu false 0 >/dev/null
        wait_until 30 has_turns one "one one"
        expect "one one" "$(turns two)" "turns on two"
        expect_like "*Host two is draining*" "$(create two a9 2>&1 || true)" "CreateAgent on two"
        expect 'b true' "$(manager one IsAgentRunning s a2)" "IsAgentRunning of what it has"

        # Nobody else is left.
        manager one Drain bu false 0 >/dev/null
        wait_until 30 has_turns two "one two"
        manager one Resume
}

# Two of them do not want to end, and would be started again. Its draining does not outlive the boot.
test_shutdown_of_a_host_leaves_nothing_of_it() {
        local id
        manager two Resume
        create two last >/dev/null
        create two last-1 false stubborn >/dev/null
        create two last-2 false stubborn >/dev/null
        manager two Drain bu false 0 >/dev/null
        expect_like "*last last-1 last-2*" "$(redis SMEMBERS host_agents:two | sort | xargs)" "agents of two before"
        "$host" stop "$prefix-two"
        expect "" "$(redis SMEMBERS host_agents:two)" "agents of two"
        for id in a2 last last-1 last-2; do
                expect "" "$(redis GET "agent_location:$id")" "location of $id"
        done
        boot two
        configure two
        expect 'b false' "$(manager_property two Draining)" "Draining after the boot"
}

test_host_without_power_is_cleaned_up_after() {
        create two gone >/dev/null
        "$host" pull-plug "$prefix-two"
        wait_until 30 says "not found" manager one GetLocation s gone
        # Which of itself it does too, now and then: what it tells here may be nothing.
        manager one CleanupDeadAgents >/dev/null
        expect "" "$(redis SMEMBERS host_agents:two)" "agents of two"
        create one gone >/dev/null
}

test_redis_that_comes_back_empty_learns_everything() {
        redis FLUSHALL >/dev/null
        wait_until 30 says '"one:50051"' manager one GetLocation s meanwhile
        wait_until 30 says '"one:50051"' manager one GetLocation s gone
        expect "gone meanwhile" "$(redis SMEMBERS host_agents:one | sort | xargs)" "agents of one"
}

cleanup() {
        local name
        for name in redis one two; do
                ! "$host" pid "$prefix-$name" >/dev/null 2>&1 || "$host" pull-plug "$prefix-$name"
        done
}

undo_at_exit cleanup
tap_run
