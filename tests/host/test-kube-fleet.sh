#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Three hosts that find one another by one API server (tests/fake), with one Redis: agents go where it says that there are
# hosts, at the addresses that it tells. Runs outside of the hosts; speaks TAP.
set -euo pipefail

here=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
host=${AGENTHOST_HOST:-$here/host}
prefix=${AGENTHOST_HOST_PREFIX:-kube-$$}
group=kube$$
hosts=(one two three)
serve_kube=${AGENTHOST_BUILD_DIR:-$here/../../build/debug}/tests/fake/serve-kube
kube_port=6443

# shellcheck source=../lib/tap.sh
. "$here/../lib/tap.sh"
# shellcheck source=../../packaging/common.sh
. "$here/../../packaging/common.sh"
# shellcheck source=../lib/fleet.sh
. "$here/../lib/fleet.sh"

ip_of() {
        run "$1" hostname --all-ip-addresses | cut --delimiter=' ' --fields=1
}

# It serves loopback only.
start_kube() {
        run redis mkdir -p /run/kube
        run redis systemd-run --quiet --collect --unit=kube bash -c \
                ": >/run/kube/hosts; tail --lines=+1 --follow /run/kube/hosts | '$serve_kube' /run/kube"
        wait_until 30 run redis test -s /run/kube/port
        run redis systemd-run --quiet --collect --unit=kube-proxy --socket-property=ListenStream=$kube_port \
                /lib/systemd/systemd-socket-proxyd "127.0.0.1:$(run redis cat /run/kube/port)"
}

# api_says [-]HOST...: which hosts there are; "-": not ready.
api_says() {
        local name line=''
        for name; do
                line+="${name%"${name#-}"}$(name_of "${name#-}")=$(ip_of "${name#-}") "
        done
        run redis sh -c 'cat >>/run/kube/hosts' <<<"${line% }"
}

use_kube() {
        local file
        run "$1" mkdir -p /etc/agenthost/kube
        for file in ca.pem token; do
                run redis cat "/run/kube/$file" | run "$1" sh -c "cat >/etc/agenthost/kube/$file; chmod 0644 /etc/agenthost/kube/$file"
        done
        # The name in its certificate.
        run "$1" sh -c "echo '$(ip_of redis) kubernetes.default.svc' >>/etc/hosts"
        config "$1" kube <<END
[Discovery]
Source=kubernetes
Peers=
Namespace=demo
Server=https://kubernetes.default.svc:$kube_port
TokenFile=/etc/agenthost/kube/token
CaFile=/etc/agenthost/kube/ca.pem
END
}

# knows HOST COUNT: how many it can place agents on.
knows() {
        local ready
        ready=$(manager "$1" ListHosts | grep --only-matching ' true ' | wc --lines)
        ((ready == $2))
}

all_know() {
        local name
        for name in "${hosts[@]}"; do
                knows "$name" "$1"
        done
}

stop_agents() {
        local name
        for name in "${hosts[@]}"; do
                manager "$name" ShutdownAgents u 5 >/dev/null
        done
}

test_hosts_boot() {
        local name
        for name in redis "${hosts[@]}"; do
                boot "$name"
        done
        start_redis
        start_kube
        make_authority fleet
}

test_hosts_find_one_another() {
        local name
        api_says one two three
        for name in "${hosts[@]}"; do
                configure "$name" "${hosts[@]}"
                give_certificate "$name"
                use_kube "$name"
                start_agenthost "$name"
        done
        wait_until 30 all_know 3
        expect 's "ok"' "$(manager_property one DiscoveryState)" "DiscoveryState"
}

test_agents_are_spread_evenly() {
        local i
        manager one ResetPlacementCounter
        for ((i = 0; i < 6; i++)); do
                run_agent "${hosts[i % 2]}" "spread-$i" >/dev/null
        done
        for i in "${hosts[@]}"; do
                expect 2 "$(count_on "$i")" "agents on $i"
        done
        stop_agents
}

test_host_that_is_not_ready_gets_none() {
        local i
        api_says one -two three
        wait_until 30 all_know 2
        for ((i = 0; i < 4; i++)); do
                run_agent two "unready-$i" >/dev/null
        done
        expect 0 "$(count_on two)" "agents on two"
        expect 2 "$(count_on three)" "agents on three"
        stop_agents
}

test_host_that_is_gone_gets_none_until_it_is_back() {
        local i
        api_says one two
        wait_until 30 all_know 2
        for ((i = 0; i < 4; i++)); do
                run_agent three "gone-$i" >/dev/null
        done
        expect 0 "$(count_on three)" "agents on three"
        stop_agents

        api_says one two three
        wait_until 30 all_know 3
        for ((i = 0; i < 3; i++)); do
                run_agent three "back-$i" >/dev/null
        done
        expect 1 "$(count_on three)" "agents on three"
        stop_agents
}

# forget_name HOST OF: it does not resolve there any more, as names of nodes and pods often do not.
forget_name() {
        # It is mounted there: written, not replaced.
        # shellcheck disable=SC2016  # for the shell in the host
        run "$1" sh -c 'left=$(grep --invert-match --word-regexp --regexp="$1" /etc/hosts) && echo "$left" >/etc/hosts' \
                sh "$(name_of "$2")"
}

resolves() {
        run "$1" getent hosts "$(name_of "$2")"
}

# Its certificate has but its name. Nobody has a connection to it from before.
test_host_is_called_at_the_address_that_the_api_tells() {
        local i name answer called=0
        for name in one three; do
                resolves "$name" two >/dev/null
                forget_name "$name" two
                ! resolves "$name" two || return 1
                run "$name" systemctl restart agenthostd.service
        done
        wait_until 30 all_know 3
        # Each asks for three, and stops what the other has started on two.
        for ((i = 0; i < 6; i++)); do
                answer=$(run_agent "${hosts[i / 3 * 2]}" "called-$i")
                [[ $(host_of "$answer") == two ]] || continue
                expect 'b true' "$(manager "${hosts[2 - i / 3 * 2]}" StopAgentAnywhere su "called-$i" 5)" \
                        "StopAgentAnywhere of called-$i"
                ((++called))
        done
        expect 2 "$called" "agents that were started on two"
        expect 0 "$(count_on two)" "agents on two that are left"
        stop_agents
}

# What the API said last serves.
test_agents_are_placed_without_the_api() {
        local i
        run redis systemctl stop kube.service kube-proxy.socket kube-proxy.service
        wait_until 60 says stale manager_property one DiscoveryState
        manager one ResetPlacementCounter
        for ((i = 0; i < 3; i++)); do
                run_agent one "cut-$i" >/dev/null
        done
        for i in "${hosts[@]}"; do
                expect 1 "$(count_on "$i")" "agents on $i"
        done
        expect "b true" "$(manager two StopAgentAnywhere su cut-0 5)" "StopAgentAnywhere"
}

undo_at_exit pull_plugs redis "${hosts[@]}"
tap_run
