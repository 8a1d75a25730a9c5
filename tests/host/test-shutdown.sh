#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The machine's shutdown with agents on it: they end first, orderly, and nobody takes that for failures or starts them
# again. What was said meanwhile is read from the host's journal when the host is gone. Runs outside of the hosts; TAP.
set -euo pipefail

here=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
host=${AGENTHOST_HOST:-$here/host}
name=${AGENTHOST_HOST_PREFIX:-shutdown-$$}-down
said=$(mktemp)

# shellcheck source=../lib/tap.sh
. "$here/../lib/tap.sh"
# shellcheck source=../../packaging/common.sh
. "$here/../../packaging/common.sh"

# The suite's options are words quoted for a shell; among them is what is to be installed.
options=()
eval "options=(${AGENTHOST_HOST_OPTIONS:-})"

run() {
        "$host" run "$name" --timeout 60 "$@"
}

# add_runtime NAME SETTINGS SCRIPT: what the agent does at SIGTERM, and says before, is the script.
add_runtime() {
        run sh -c "mkdir -p /etc/agenthost/runtimes.d && cat >/etc/agenthost/runtimes.d/$1.runtime" <<END
[Runtime]
Type=exec
User=daemon
Restart=always
RestartSec=1ms
$2
Exec=/bin/sh -c '$3; echo $1 runs; while :; do sleep 0.1; done'
END
}

create() {
        run busctl call org.agenthost.Host1 /org/agenthost/Host1 org.agenthost.Host1.Manager CreateAgent 'sssa{sv}' \
                "{\"id\":\"$1\",\"name\":\"$1\"}" '{"id":"g"}' '{}' 1 runtime s "$1" >/dev/null
}

# Lines of the journal, in their order, of one unit or of all: "UNIT: TEXT".
journal() {
        run_journal --output=json | python3 -c '
import json, sys
for line in sys.stdin:
    entry = json.loads(line)
    unit = entry.get("UNIT") if entry.get("_PID") == "1" else entry.get("_SYSTEMD_UNIT")
    print(unit, entry.get("MESSAGE"), sep=": ")'
}

run_journal() {
        journalctl --directory="/proc/$BASHPID/fd/$kept" --quiet "$@"
}

# The number of the last line that has this in it.
line_of() {
        grep --fixed-strings --line-number -- "$1" "$said" | tail --lines=1 | cut --delimiter=: --fields=1
}

expect_before() {
        local first second
        first=$(line_of "$1") second=$(line_of "$2")
        [[ -n $first && -n $second ]] || { echo "expected in the journal: '$1' ($first), '$2' ($second)" && return 1; }
        ((first < second)) || { echo "expected '$1' (line $first) before '$2' (line $second)" && return 1; }
}

test_host_shuts_down_with_its_agents() {
        local agent
        "$host" boot "$name" ${options[@]+"${options[@]}"}
        add_runtime calm '' 'trap "echo calm ends; exit 0" TERM'
        add_runtime broken '' 'trap "echo broken ends; exit 9" TERM'
        add_runtime stubborn 'StopTimeoutSec=1' 'trap "" TERM'
        run systemctl start agenthostd.service
        for agent in calm broken stubborn; do
                create "$agent"
        done
        for agent in calm broken stubborn; do
                run sh -c "until journalctl --quiet --output=cat --unit=agent-$agent.scope | grep --quiet '$agent runs'; do sleep 0.1; done"
        done

        # What is open stays readable when it is nowhere mounted any more.
        exec {kept}<"/proc/$("$host" pid "$name")/root/var/log/journal"
        "$host" stop "$name" --limit 60
        journal >"$said"
}

test_agents_have_their_time_to_end() {
        expect_before "agent-calm.scope: calm runs" "agent-calm.scope: calm ends"
        expect_before "agent-broken.scope: broken runs" "agent-broken.scope: broken ends"
}

test_ends_are_no_failures() {
        local agent
        for agent in calm broken stubborn; do
                expect 1 "$(grep --count "agenthostd.service: Agent $agent .*after a requested stop" "$said")" \
                        "how often the end of $agent was told"
        done
        expect_like "*Agent calm exited with status 0 after*Agent broken exited with status 9 after*" \
                "$(grep "Agent calm " "$said") $(grep "Agent broken " "$said")" "how they ended"
        expect_like "*was killed by signal 9*" "$(grep "Agent stubborn " "$said")" "how the stubborn one ended"
}

test_nothing_is_started_again() {
        local agent
        for agent in calm broken stubborn; do
                expect 1 "$(grep --count "agent-$agent.scope: Started " "$said")" "starts of $agent"
                expect 1 "$(grep --count "agent-$agent.scope: $agent runs" "$said")" "lives of $agent"
        done
        expect "" "$(grep "Agent .* is started again" "$said" || true)" "restarts"
}

test_agents_end_before_the_services() {
        local agent
        for agent in calm broken stubborn; do
                expect_before "agenthostd.service: Agent $agent " "agenthostd.service: Stopping; the agents run on"
                expect_before "agent-$agent.scope: Stopped " "agenthost-launcher.service: Stopping agenthost-launcher"
        done
        expect_before "agents.slice: Removed slice" "agenthostd.service: Stopping agenthostd"
}

test_services_end_orderly_too() {
        expect_before "agenthostd.service: Stopping; the agents run on" "agenthostd.service: Stopped "
        expect "" "$(grep -E "^agenthost(d|-launcher).service: .*(Failed|timed out|killed|SIGKILL)" "$said" | grep --invert-match stubborn || true)" \
                "complaints"
}

cleanup() {
        rm --force "$said"
        ! "$host" pid "$name" >/dev/null 2>&1 || "$host" pull-plug "$name"
}

undo_at_exit cleanup
tap_run
