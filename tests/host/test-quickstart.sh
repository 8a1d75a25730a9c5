#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# packaging/quickstart as readers of README.md call it, build and all. Runs outside of the hosts; speaks TAP.
set -euo pipefail

here=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
source_dir=${here%/tests/host}

# shellcheck source=../lib/tap.sh
. "$here/../lib/tap.sh"

# What an installation would leave on this machine, and a user.
traces_on_machine() {
        getent passwd
        getent group
        compgen -G '/etc/agenthost*' || true
        compgen -G '/usr/bin/agent*' || true
        compgen -G '/usr/lib/agenthost*' || true
        compgen -G '/usr/lib/systemd/*/agent*' || true
        compgen -G '/var/lib/systemd/linger/*' || true
        compgen -G '/home/*' || true
}

traces_of_host() {
        pgrep --full --list-full "agenthost-hosts/$1/" || true
        grep -F "agenthost-hosts/$1/" /proc/self/mounts || true
        find /sys/fs/cgroup -type d -name "agenthost-host-$1" 2>/dev/null || true
        find /run/agenthost-hosts -name "$1" 2>/dev/null || true
}

# answer COMMAND: what quickstart shows of it, without what quickstart says itself.
answer() {
        awk -v end="$prompt $1" '
                /^quickstart-/ && substr($0, length($0) - length(end) + 1) == end { inside = 1; next }
                /^$|^== / { inside = 0 }
                inside' <<<"$output"
}

# shows_the_main_job [--user]
shows_the_main_job() {
        local before output prompt='#' option='' name
        [[ $# -eq 0 ]] || prompt='$' option=' --user'
        before=$(traces_on_machine)
        output=$("$source_dir/packaging/quickstart" "$@" 2>&1) || { echo "$output" && return 1; }
        expect "running running running running" "$(answer "agentctl$option" | awk '/support-desk/ { print $3 }' | xargs)" "the agents"
        expect_like "*agent-echo_agent.scope*" "$(answer "systemctl$option status agents.slice")" "the fleet as units"
        expect "echo_agent: stopped" "$(answer "agentctl$option stop echo_agent")" "the stop of one"
        expect "3 agents stopped" "$(answer "agentctl$option shutdown")" "the stop of the others"
        expect "0 agents listed." "$(answer "agentctl$option list")" "the list at the end"

        name=$(grep --only-matching --max-count=1 '^quickstart-[0-9]*' <<<"$output")
        expect "" "$(traces_of_host "$name")" "what is left of $name"
        expect "$before" "$(traces_on_machine)" "what is left on the machine"
}

test_it_shows_the_main_job() {
        shows_the_main_job
}

test_it_shows_the_main_job_of_a_user() {
        shows_the_main_job --user
}

# Once is enough, and a build takes long.
[[ ${AGENTHOST_VARIANT:-debug} == debug ]] || { echo "1..0 # SKIP in variant debug" && exit 0; }
tap_run
