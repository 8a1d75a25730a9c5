#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Completion of agentctl, used in a real bash and a real zsh. (That verbs and options are those of agentctl: tests/unit/ctl/test-texts.c.)
# Speaks TAP.
set -euo pipefail

here=$(dirname -- "$(readlink -f -- "$0")")
. "$here/lib/tap.sh"
data=$here/../data/completions
work=$(mktemp --directory)
trap 'rm -rf -- "$work"' EXIT

# What the service would tell.
cat >"$work/agentctl" <<'END'
#!/bin/sh
case $* in
*'list --columns=id'*) printf '%s\n' 'a1' 'a b' 'x:y' 'x:z' ;;
*'list --columns=guild'*) printf '%s\n' 'g' 'g' 'support-desk' ;;
*'runtimes --columns=name'*) printf '%s\n' 'echo' 'rustic' ;;
*'hosts --columns=address'*) printf '%s\n' 'host-1:50051' 'host-2:50051' ;;
esac
END
chmod +x "$work/agentctl"

# complete_bash WORD...: what is offered for the last of the words that a line has; the service is played.
complete_bash() {
        PATH=$work:$PATH bash -c '
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

# What zsh makes of a line and a Tab: it is typed into one, on a terminal; the service is played by a program.
complete_zsh() {
        # shellcheck disable=SC2016  # for that zsh
        PATH=$work:$PATH TERM=dumb timeout 30 zsh -f -c '
                zmodload zsh/zpty
                zpty shell "zsh -f -i"
                zpty -w shell "PROMPT= RPROMPT= LISTMAX=1000; unsetopt beep; fpath=($1 \$fpath)
                        autoload -Uz compinit && compinit -D -u
                        show() { print -r -- \"<<\$BUFFER>>\" }; zle -N show; bindkey ^X show
                        bindkey ^I complete-word; print REA\DY"
                zpty -r shell said "*READY*"
                zpty -w -n shell "$2"$'\''\t\x18'\''
                zpty -r shell said "*<<*>>*"
                print -r -- "$said"' zsh "$(readlink -f -- "$data")" "$1" 2>&1 |
                tr --delete '\r\033\007' | grep --only-matching '<<.*>>' | tail -n 1 | sed 's/^<<//; s/>>$//'
}

# expect_line LINE-AFTER-TAB LINE
expect_line() {
        expect "$1" "$(complete_zsh "$2")" "'$2' and a Tab"
}

test_zsh_completes_verbs_and_options() {
        expect_line "agentctl stop " "agentctl sto"
        expect_line "agentctl stop --guild=" "agentctl stop --gui"
        expect_line "agentctl --json=short " "agentctl --json=sh"
        expect_line "agentctl hosts --columns=address," "agentctl hosts --columns=add"
        expect_line "agentctl runtimes --columns=executable," "agentctl runtimes --columns=exe"
}

test_zsh_completes_ids_guilds_runtimes_and_hosts() {
        expect_line "agentctl stop 'a b' " "agentctl stop 'a "
        expect_line "agentctl stop a1 x:" "agentctl stop a1 x"
        expect_line "agentctl list --guild=support-desk " "agentctl list --guild=s"
        expect_line "agentctl run --runtime=rustic " "agentctl run --runtime=r"
        expect_line "agentctl run --host=host-1:50051 " "agentctl run --host=host-1"
}

tap_run
