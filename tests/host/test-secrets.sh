#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What nobody is to learn: the password of Redis, and the texts that agents are given. All of them have a word in them that
# is then looked for wherever somebody could find it whom they are not for. Runs outside of the host; speaks TAP.
set -euo pipefail

here=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
host=${AGENTHOST_HOST:-$here/host}
name=${AGENTHOST_HOST_PREFIX:-secrets-$$}-secrets
secret=s3cr3t-$RANDOM$RANDOM

# shellcheck source=../lib/tap.sh
. "$here/../lib/tap.sh"
# shellcheck source=../lib/redis-host.sh
. "$here/../lib/redis-host.sh"
# shellcheck source=../../packaging/common.sh
. "$here/../../packaging/common.sh"

# The suite's options are words quoted for a shell; among them is what is to be installed.
options=()
eval "options=(${AGENTHOST_HOST_OPTIONS:-})"

run() {
        "$host" run "$name" --timeout 60 "$@"
}

# As one who is in no group of ours.
as_other() {
        "$host" run "$name" --timeout 60 --user other "$@"
}

manager() {
        run busctl --timeout=60 call org.agenthost.Host1 /org/agenthost/Host1 org.agenthost.Host1.Manager "$@"
}

manager_property() {
        run busctl get-property org.agenthost.Host1 /org/agenthost/Host1 org.agenthost.Host1.Manager "$1"
}

await_property() {
        local tries
        for ((tries = 0; tries < 600; tries++)); do
                [[ $(manager_property "$1") != *"\"$2\""* ]] || return 0
                sleep 0.05
        done
        echo "$1 is not $2 but $(manager_property "$1")" && return 1
}

await_registry() {
        await_property RegistryState "$1"
}

# write MODE OWNER PATH: standard input.
write() {
        # shellcheck disable=SC2016  # for the shell in the host
        run sh -c 'umask 077 && mkdir -p -m 0755 "$(dirname "$3")" && cat >"$3" && chown "$2" "$3" && chmod "$1" "$3"' sh "$@"
}

create() {
        manager CreateAgent 'sssa{sv}' "$@"
}

# What is said of a secret is shown without what stands around it.
expect_none() {
        local what=$1 said
        shift
        said=$("$@" 2>&1 || true)
        [[ $said != *"$secret"* ]] || { echo "$what has a secret:" && grep --text --only-matching ".\{0,60\}$secret.\{0,20\}" <<<"$said" | head -n 5 && return 1; }
}

test_host_boots() {
        local unit
        "$host" boot "$name" ${options[@]+"${options[@]}"}
        run useradd other
        run systemd-sysusers --inline 'u agents -'
        install_redis run
        echo "requirepass $secret-password" | write 0600 root /etc/redis/redis.conf
        run systemctl start redis-server.service
        for unit in agenthostd agenthost-launcher; do
                printf '[Service]\nEnvironment=LOG_LEVEL=debug\n' | write 0644 root "/etc/systemd/system/$unit.service.d/debug.conf"
        done
        # As where people look for crashes. agenthostd has a limit of its own.
        printf '[Service]\nLimitCORE=infinity\n' | write 0644 root /etc/systemd/system/agenthost-launcher.service.d/core.conf
        printf '[Runtime]\nExec=/usr/lib/agenthost/example-agent\nType=notify\nUser=agents\nAllowEnvironment=TEST_*\n' |
                write 0644 root /etc/agenthost/runtimes.d/test.runtime
        printf '[Runtime]\nExec=/bin/false\nUser=agents\nType=notify\nAllowEnvironment=TEST_*\n' |
                write 0644 root /etc/agenthost/runtimes.d/fails.runtime
        printf '[Registry]\nRedisUrl=redis://127.0.0.1\nRedisPasswordFile=/etc/agenthost/redis-password\nHeartbeatSec=200ms\nTtlSec=2\n' |
                write 0644 root /etc/agenthost/agenthost.conf.d/test.conf
        echo "$secret-password" | write 0400 agenthost /etc/agenthost/redis-password
        run systemctl daemon-reload
        run systemctl start agenthostd.service
        await_registry ok
}

# Each way that an agent's texts can go: it runs, is started again, fails, is refused for one of them, is found again.
test_agents_get_their_secrets() {
        local spec="{\"id\":\"a1\",\"name\":\"a1\",\"properties\":{\"key\":\"$secret-spec\"}}" guild="{\"id\":\"g\",\"key\":\"$secret-guild\"}"
        local messaging="{\"key\":\"$secret-messaging\"}" properties="{\"key\":\"$secret-client\"}" refused

        create "$spec" "$guild" "$messaging" 4 wait s ready runtime s test client_properties s "$properties" \
                environment as 1 "TEST_KEY=$secret-variable"
        run agentctl restart a1
        refused=$(
                exec 2>&1
                create "$spec" "$guild" "$messaging" 1 runtime s test
                create "${spec/a1/a2}" "$guild" "$messaging" 4 wait s ready runtime s fails client_properties s "$properties" \
                        environment as 1 "TEST_KEY=$secret-variable"
                create "{\"id\":\"a3\",\"name\":[\"$secret-type\"]}" "$guild" "$messaging" 1 runtime s test
                create "${spec/a1/a3}" "$guild$secret" "$messaging" 1 runtime s test
                create "${spec/a1/a3}" "$guild" "{\"$secret-cut" 1 runtime s test
                create "${spec/a1/a3}" "$guild" "$messaging" 2 runtime s test client_properties s "[\"$secret-list\"]"
                create "${spec/a1/a3}" "$guild" "$messaging" 2 runtime s test environment as 1 "OTHER=$secret-variable"
                create "${spec/a1/a3}" "$guild" "$messaging" 2 runtime s test environment as 1 "$secret-without-value"
        ) || true
        expect 8 "$(wc --lines <<<"$refused")" "how many were refused"
        run systemctl kill --signal=SIGKILL --kill-whom=main agenthostd.service
        run systemctl kill --signal=SIGKILL --kill-whom=main agenthost-launcher.service
        await_registry ok
        run agentctl kill --signal=SIGKILL a1
        run agentctl restart a1

        # So that what follows looks for the right thing.
        expect_like "*$secret-spec*" "$(run sh -c 'cat /run/agenthost/credentials/agent-a1.scope/agent_spec')" "the agent's text"
        # shellcheck disable=SC2016  # for the shell in the host
        expect_like "*$secret-variable*" "$(run sh -c 'cat "/proc/$(agentctl show --value -p MainPID a1)/environ"' | tr '\0' '\n')" "its environment"
}

test_nothing_is_in_the_journal() {
        run journalctl --sync
        expect_like "*Agent a1*" "$(run journalctl --unit=agenthostd.service --output=cat)" "the journal"
        expect_none "the journal" run journalctl --all --output=export
}

test_nothing_is_in_arguments() {
        # shellcheck disable=SC2016  # for the shell in the host
        expect_none "an argument of a process" run sh -c 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/comm | tr "\0" " "'
}

test_nothing_is_in_files_that_others_can_read() {
        expect_like "*/run/agenthost/agents/*" "$(run grep --recursive --files-with-matches --no-messages "$secret" /run /etc)" "what root finds"
        expect "" "$(as_other grep --recursive --files-with-matches --no-messages --devices=skip "$secret" /run /var /etc /tmp /dev/shm || true)" "what others find"
}

test_nothing_is_told_by_systemd() {
        expect_like "*agent-a1.scope*" "$(as_other systemctl status 'agent*')" "what systemctl tells"
        expect_none "systemctl status" as_other systemctl status --full 'agent*'
        expect_none "systemctl show" as_other systemctl show 'agent*'
}

test_nothing_is_told_on_the_bus() {
        expect_like "*a1*" "$(as_other agentctl --no-pager)" "what agentctl tells"
        expect_none "the objects" as_other busctl call org.agenthost.Host1 /org/agenthost/Host1 org.freedesktop.DBus.ObjectManager GetManagedObjects
        expect_none "agentctl" as_other sh -c 'agentctl show; agentctl show a1 a2; agentctl status --full a1 a2; agentctl --json=short'
        expect_none "the spec of an agent" as_other sh -c 'agentctl --no-ask-password cat a1; busctl call org.agenthost.Host1 /org/agenthost/Host1 org.agenthost.Host1.Manager GetAgentSpec s a1'
}

test_memory_and_environment_are_closed() {
        local unit pid file
        for unit in agenthostd.service agenthost-launcher.service; do
                pid=$(run systemctl show --property=MainPID --value "$unit")
                for file in environ mem maps fd; do
                        expect "root 0" "$(run stat --format='%U %u' "/proc/$pid/$file")" "owner of $file of $unit"
                done
                expect_failure 1 "" as_other cat "/proc/$pid/environ"
        done
}

# SIGQUIT, as the launcher answers other signals of crashes by executing itself again.
test_a_crash_leaves_no_core() {
        local unit said
        # shellcheck disable=SC2016  # for the shell in the host
        said=$(run systemd-run --wait --collect --property=WorkingDirectory=/tmp --property=LimitCORE=infinity sh -c 'kill -QUIT $$$$' 2>&1 || true)
        [[ $said == *code=dumped* ]] || echo "(the kernel of this machine writes no core of anybody)"
        for unit in agenthostd.service agenthost-launcher.service; do
                run systemctl kill --signal=SIGQUIT --kill-whom=main "$unit"
                # shellcheck disable=SC2016  # for the shell in the host
                run sh -c 'until journalctl --quiet --output=cat --unit="$1" --grep "code=(killed|dumped), status=3/QUIT"; do sleep 0.1; done' sh "$unit"
                expect_like "*code=killed, status=3/QUIT*" "$(run journalctl --output=cat --unit="$unit" --grep=status=3/QUIT)" "the end of $unit"
        done
        await_registry ok
        expect "" "$(run find / -xdev -name 'core*' -newer /etc/machine-id -type f -size +100k)" "cores"
}

# A password that is wrong, and URLs that have one or are not understood.
test_nothing_is_told_of_a_wrong_password() {
        local said
        echo "$secret-wrong" | write 0400 agenthost /etc/agenthost/redis-password
        run systemctl restart redis-server.service
        await_registry down
        said=$(manager GetLocation s a1 2>&1 || true)
        expect_like "*WRONGPASS*" "$said" "an error"
        expect_none "an error" echo "$said"
        test_nothing_is_in_the_journal
}

test_nothing_is_told_of_passwords_in_urls() {
        local url
        for url in "redis://:$secret-password@127.0.0.1" "redis://:$secret-wrong@127.0.0.1" "redis://u:$secret-port@127.0.0.1:x" \
                "redis://u:$secret%zz@127.0.0.1" "redis://127.0.0.1/0?password=$secret-query" "http://u:$secret-scheme@127.0.0.1"; do
                printf '[Registry]\nRedisUrl=%s\n' "$url" | write 0640 root:agenthost /etc/agenthost/agenthost.conf.d/test.conf
                run systemctl restart agenthostd.service
                [[ $url != *-password@* ]] || await_registry ok
                expect_none "check-config" run agentctl check-config
                expect_none "an error" manager GetLocation s a1
        done
        test_nothing_is_in_the_journal
        test_nothing_is_told_on_the_bus
        test_nothing_is_in_files_that_others_can_read
}

# What is read of others' forms has secrets in it too, and may be broken right there.
test_nothing_is_told_of_tokens_and_keys() {
        local text
        echo "$secret-token" | write 0400 agenthost /etc/agenthost/token
        printf -- '-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n' "$secret-key" | write 0400 agenthost /etc/agenthost/key
        write 0640 root:agenthost /etc/agenthost/agenthost.conf.d/test.conf <<'END'
[Discovery]
Source=kubernetes
Server=https://127.0.0.1:1
TokenFile=/etc/agenthost/token
[Peers]
CertFile=/etc/agenthost/key
KeyFile=/etc/agenthost/key
CaFile=/etc/agenthost/key
END
        run systemctl restart agenthostd.service
        await_property DiscoveryState down
        printf '[Discovery]\nSource=kubernetes\nKubeConfig=/etc/agenthost/kubeconfig\n' | write 0640 root:agenthost /etc/agenthost/agenthost.conf.d/test.conf
        for text in "token: $secret-good" "token: \"$secret-open" "token: [$secret-list" "tokn: $secret-typo" "client-key-data: $secret-base64" \
                "client-key: /$secret-path/key" "password: $secret-basic" $'token: "\\x0'"$secret-escape\""; do
                printf 'apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{name: a, context: {cluster: a, user: a}}]\nclusters: [{name: a, cluster: {server: "https://127.0.0.1:1"}}]\nusers:\n- name: a\n  user:\n    %s\n' "$text" |
                        write 0400 agenthost /etc/agenthost/kubeconfig
                run systemctl restart agenthostd.service
                await_property DiscoveryState down
                # What is to be a path is shown.
                [[ $text != *-path/* ]] || continue
                expect_none "an error" manager SelectHost s '{"id":"a1","name":"a1"}'
                expect_none "check-config" run agentctl check-config
        done
        run rm /etc/agenthost/agenthost.conf.d/test.conf
        run journalctl --sync
        expect_none "the journal" run sh -c "journalctl --all --output=export | grep --text --invert-match $secret-path"
}

cleanup() {
        ! "$host" pid "$name" >/dev/null 2>&1 || "$host" pull-plug "$name"
}

undo_at_exit cleanup
tap_run
