#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Who hosts let in, and whom they believe: certificates of another authority, for another name, expired, replaced, and
# names that are not in PeerNames=. Runs outside of the hosts; speaks TAP.
set -euo pipefail

here=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
host=${AGENTHOST_HOST:-$here/host}
prefix=${AGENTHOST_HOST_PREFIX:-certs-$$}
group=certs$$

# shellcheck source=../lib/tap.sh
. "$here/../lib/tap.sh"
# shellcheck source=../../packaging/common.sh
. "$here/../../packaging/common.sh"
# shellcheck source=../lib/fleet.sh
. "$here/../lib/fleet.sh"

hosts=(one two)

# ask HOST OTHER: has it stop an agent on the other one, which that does not have; says how that went.
ask() {
        redis SET agent_location:asked "$prefix-$2:50051" >/dev/null
        manager "$1" StopAgentAnywhere su asked 0 2>&1 || true
        redis DEL agent_location:asked >/dev/null
}

# Whichever host's turn it is, two has the agent: one was not asked, as far as both can tell.
expect_agents_on_two() {
        local i
        for i in 1 2; do
                expect "ss \"$1-$i\" \"$prefix-two:50051\"" "$(run_agent two "$1-$i" 2>&1 || true)" "RunAgent"
                manager two StopAgent su "$1-$i" 5 >/dev/null
        done
}

# Connections that are kept have shown their certificates before.
forget_connections() {
        local name
        for name in "${hosts[@]}"; do
                run "$name" systemctl restart agenthostd.service
                wait_until 30 registry_is ok "$name"
        done
}

expect_answers() {
        expect 'b false' "$(ask one two)" "two's answer to one"
        expect 'b false' "$(ask two one)" "one's answer to two"
}

test_hosts_boot() {
        local name
        for name in redis "${hosts[@]}"; do
                boot "$name"
        done
        start_redis
        make_authority fleet
        make_authority foreign
        for name in "${hosts[@]}"; do
                configure "$name" "${hosts[@]}"
                give_certificate "$name"
                start_agenthost "$name"
        done
        expect_answers
}

test_certificate_of_a_foreign_authority_opens_nothing() {
        make_certificate foreign-two foreign "$(name_of two)"
        put_certificate two foreign-two fleet
        forget_connections
        expect_like "*Host $prefix-two *" "$(ask one two)" "who believes fleet only, of foreign"
        expect_like "*Host $prefix-one *" "$(ask two one)" "foreign, of who believes fleet only"
        expect_agents_on_two foreign
        expect 'u 0' "$(manager_property one AgentCount)" "one answers others"
}

test_authority_that_is_foreign_is_not_believed() {
        put_certificate two two foreign
        forget_connections
        expect_like "*Host $prefix-two *" "$(ask one two)" "of who believes foreign only"
        expect_like "*Host $prefix-one *" "$(ask two one)" "who believes foreign only"
}

test_certificate_of_another_name_is_not_the_hosts() {
        make_certificate other-name fleet "$(name_of three)"
        put_certificate two other-name fleet
        forget_connections
        expect_like "*Host $prefix-two *" "$(ask one two)" "of three that says it were two"
        # As a client it has a name that is let in.
        expect 'b false' "$(ask two one)" "as a client"
}

test_expired_certificate_opens_nothing() {
        make_certificate expired fleet "$(name_of two)" -1
        put_certificate two expired fleet
        forget_connections
        expect_like "*Host $prefix-two *" "$(ask one two)" "of who has expired"
        expect_like "*Host $prefix-one *" "$(ask two one)" "who has expired"
        expect_agents_on_two expired
}

# No reload, no restart: what is new counts from the next connection on, and kept ones are kept.
test_replaced_files_are_read_again() {
        local before
        before=$(run two systemctl show --property=MainPID agenthostd.service)
        put_certificate two two fleet
        expect_answers
        make_certificate two-new fleet "$(name_of two)"
        put_certificate two two-new fleet
        expect_answers
        run one systemctl restart agenthostd.service
        wait_until 30 registry_is ok one
        expect_answers
        expect "$before" "$(run two systemctl show --property=MainPID agenthostd.service)" "agenthostd on two"
}

# speaks_tls12 HOST OTHER: the host, as a client that knows no newer one, to the other.
speaks_tls12() {
        says 'New, TLSv1.2, Cipher is' run "$1" openssl s_client -tls1_2 -connect "$prefix-$2:50051" \
                -cert /etc/agenthost/tls/host.pem -key /etc/agenthost/tls/host.key </dev/null
}

test_tls12_is_spoken_by_those_who_are_told_to() {
        wait_until 30 says 'b false' ask one two
        ! speaks_tls12 one two || { echo "without its being told" && return 1; }
        config two version <<<$'[Peers]\nMinimumTls=1.2'
        reload two
        wait_until 30 speaks_tls12 one two
        expect_answers
        run two rm /etc/agenthost/agenthost.conf.d/version.conf
        reload two
        wait_until 30 says 'b false' ask one two
        ! speaks_tls12 one two || { echo "after it has been told not to" && return 1; }
}

test_broken_files_leave_what_is_there() {
        run two sh -c 'echo nonsense >/etc/agenthost/tls/new && mv /etc/agenthost/tls/new /etc/agenthost/tls/host.pem'
        run one systemctl restart agenthostd.service
        wait_until 30 registry_is ok one
        expect 'b false' "$(ask one two)" "two's answer to one"
        # Who starts with them says so, and tries again.
        run two systemctl restart agenthostd.service
        wait_until 30 says 'No other host can reach this one, trying again: CertFile=' \
                run two journalctl --output=cat --unit=agenthostd.service
        put_certificate two two fleet
        wait_until 30 says 'b false' ask one two
}

test_who_is_not_named_is_refused() {
        local said
        config one names <<END
[Peers]
PeerNames=$prefix-t?ree nobody
END
        reload one
        expect "Call failed: Access denied" "$(ask two one)" "two's question"
        said=$(run two busctl call org.agenthost.Host1 /org/agenthost/Host1 org.agenthost.Host1.Manager ListFleetAgents s "")
        expect_like "a(sssubtsos)a(ss) 0 1 \"$prefix-one:50051\" *" "$said" "ListFleetAgents"
        expect 'b false' "$(ask one two)" "one's question"
        run one journalctl --output=cat --unit=agenthostd.service --grep="with a certificate of '$prefix-two', is refused: no PeerNames= fits" >/dev/null
        config one names <<END
[Peers]
PeerNames=$prefix-t*
END
        reload one
        expect 'b false' "$(ask two one)" "two's question, when it is named"
}

undo_at_exit pull_plugs redis "${hosts[@]}"
tap_run
