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
# shellcheck source=../lib/fleet.sh
. "$here/../lib/fleet.sh"

hosts=(one two)

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

# set_up HOST: by a short name, and with a short time for who is gone.
set_up() {
        configure "$1"
        run "$1" sh -c 'cat >/etc/agenthost/runtimes.d/stubborn.runtime' <<'END'
[Runtime]
User=daemon
Restart=always
RestartSec=1ms
StopTimeoutSec=1
Exec=/bin/sh -c 'trap "" TERM; while :; do sleep 0.1; done'
END
        config "$1" pair <<END
[Host]
Hostname=$1
[Registry]
TtlSec=2
[Discovery]
Peers=one:50051 two:50051
END
        start_agenthost "$1"
}

test_hosts_boot() {
        local name
        for name in redis one two; do
                boot "$name"
        done
        start_redis
        set_up one
        set_up two
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
        wait_until 30 registry_is down one
        wait_until 30 says "not found" manager two GetLocation s moves
        expect_like "*Redis at redis://$prefix-redis:6379/0: *" "$(manager one GetLocation s moves 2>&1 || true)" \
                "GetLocation on one"
        create two moves >/dev/null
        create one meanwhile >/dev/null
        "$host" link "$prefix-one" up
        wait_until 60 registry_is ok one
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
        set_up two
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

undo_at_exit pull_plugs redis "${hosts[@]}"
tap_run
