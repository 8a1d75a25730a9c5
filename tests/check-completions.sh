#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Completion of agentctl, used in a real bash. (That verbs and options are those of agentctl: tests/unit/ctl/test-texts.c.)
# Speaks TAP.
set -euo pipefail

here=$(dirname -- "$(readlink -f -- "$0")")
. "$here/lib/tap.sh"
data=$here/../data/completions
# complete_bash WORD...: what is offered for the last of the words that a line has; the service is played.
complete_bash() {
        bash -c '
                agentctl() {
                        case $* in
                        *--columns=id*) printf "%s\n" "a1" "a b" "x:y" "x:z" ;;
                        *--columns=guild*) printf "%s\n" "g" "g" "support-desk" ;;
                        *runtimes\ --columns=name*) printf "%s\n" "echo" "rustic" ;;
                        *hosts\ --columns=address*) printf "%s\n" "host-1:50051" "host-2:50051" ;;
                        esac
                }
                . "$1"
                COMP_WORDS=(agentctl "${@:2}") COMP_CWORD=$(($# - 1))
                _agentctl 2>/dev/null
                printf "%s\n" ${COMPREPLY[@]+"${COMPREPLY[@]}"}' bash "$data/agentctl.bash" "$@"
}

# expect_offer WANTED WORD...
expect_offer() {
        expect "$1" "$(complete_bash "${@:2}" | LC_ALL=C sort | paste --serial --delimiter=' ')" "completion of '${*:2}'"
}

test_bash_offers_what_begins_so() {
        expect_offer "show shutdown" sh
        expect_offer "--no-ask-password --no-block --no-legend --no-pager" run --no
        expect_offer "" frob
}

test_bash_offers_ids_and_guilds() {
        expect_offer "a1 a\\ b" stop a
        expect_offer "a1 a\\ b" stop other a
        expect_offer "a\\ b" stop 'a\ '
        expect_offer "y z" stop x :
        expect_offer "z" status x : z
        expect_offer "g support-desk" list --guild ''
        expect_offer "support-desk" list --guild = s
        expect_offer "g support-desk" list --guild =
        expect_offer "a1 a\\ b x:y x:z" --user --guild = g stop ''
        expect_offer "" -H there stop ''
}

test_bash_offers_runtimes() {
        expect_offer "echo rustic" run --runtime ''
        expect_offer "rustic" run --runtime = r
}

test_bash_offers_hosts() {
        expect_offer "50051" run --host = host-1 : 5
        expect_offer "host-1:50051 host-2:50051" run --host ho
}

test_bash_offers_the_columns_of_each_verb() {
        expect_offer "id" --columns = i
        expect_offer "ip" hosts --columns = i
        expect_offer "match" runtimes --columns m
}

test_bash_offers_values() {
        expect_offer "off pretty short" --json = ''
        expect_offer "always no on-failure" run --restart ''
        expect_offer "frozen" list --state fr
        expect_offer "SIGKILL" kill -s SIGK
        cd "$here/data/specs"
        expect_offer "guild_spec-crowd.json guild_spec-small.json guild_spec.json" run guild_
        expect_offer "messaging_config-memory.json" run x.json --messaging = messaging_config-m
}

test_zsh_can_read_it() {
        command -v zsh >/dev/null || { echo "no zsh here" && return 0; }
        zsh -n "$data/_agentctl"
}

tap_run
