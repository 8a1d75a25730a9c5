#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# ./uml itself: what the tests under User Mode Linux rely on. Speaks TAP.
set -euo pipefail

here=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
uml=$here/uml

# shellcheck source=../lib/tap.sh
. "$here/../lib/tap.sh"

traces() {
        find /run -maxdepth 1 -name 'agenthost-uml-*' -newer "$began"
        pgrep --full --list-full "uml_dir=/run/agenthost-uml-" || true
}

test_machine_has_a_kernel_and_all_controllers() {
        local said made
        made=$(mktemp --directory)
        mkdir -p "$made/tree/etc"
        echo installed >"$made/tree/etc/probe"
        said=$("$uml" --install "$made/tree" --env PROBE=given \
                'uname -m; cat /sys/fs/cgroup/cgroup.controllers /etc/probe' \
                'systemd-run --quiet --wait --pipe printenv PROBE' \
                'echo >/usr/probe && systemctl --failed --plain --no-legend')
        rm -r "$made"
        expect "x86_64 cpu io memory pids installed given" "$(xargs <<<"${said/$(uname -m)/x86_64}")" "what they say"
        [[ ! -e /usr/probe && ! -e /etc/probe ]]
}

test_results_tell_one_command_from_the_other() {
        local made status=0
        made=$(mktemp --directory)
        "$uml" --results "$made" --timeout 5 'echo one' 'echo two; exit 7' 'sleep 100' || status=$?
        expect 1 "$status" "exit status of it all"
        expect "one" "$(<"$made/0.log")" "what the first says"
        expect_like "two*journal*" "$(<"$made/1.log")" "what the second says"
        expect "0 7 124" "$(cat "$made"/{0,1,2}.status | xargs)" "their exit statuses"
        rm -r "$made"
}

test_machine_that_does_not_come_up_is_a_failure() {
        expect_failure 2 "not up after 1 s" "$uml" --limit 1 true
        expect_failure 2 "Its console" "$uml" 'systemctl poweroff --force --force; sleep 100'
}

test_interrupted_machine_is_gone() {
        local delay
        for delay in 0.1 1 3; do
                expect_failure 124 "" timeout --signal=INT --foreground "$delay" "$uml" 'sleep 100'
        done
        expect "" "$(traces)" "what is left"
}

test_wrong_words_are_refused() {
        expect_failure 1 "run what?" "$uml"
        expect_failure 1 "unknown option '--wrong'" "$uml" --wrong x true
        expect_failure 1 "no such directory" "$uml" --install /nonexistent true
}

test_nothing_is_left() {
        expect "" "$(traces)" "what is left"
}

began=$(mktemp)
trap 'rm -f "$began"' EXIT
tap_run
