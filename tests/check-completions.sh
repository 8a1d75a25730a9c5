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
        expect_offer "" -Hthere stop ''
        expect_offer "" --remote = there stop ''
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
        expect_offer "running,failed running,frozen" list --state running,f
        expect_offer "id,guild" list --columns = id,g
        expect_offer "" list --columns = id,i
        expect_offer "address,here,ready" hosts --columns address,here,r
        expect_offer "Id,GuildId,Name" show -p Id,GuildId,Na
        cd "$here/data/specs"
        expect_offer "guild_spec-crowd.json guild_spec-small.json guild_spec.json" run guild_
        expect_offer "messaging_config-memory.json" run x.json --messaging = messaging_config-m
}

# complete_zsh LINE...: what zsh makes of each line and a Tab: they are typed into one, on a terminal; the service is played
# by a program.
complete_zsh() {
        # shellcheck disable=SC2016  # for that zsh
        PATH=$work:$PATH TERM=dumb timeout 60 zsh -f -c '
                zmodload zsh/zpty
                zpty shell "zsh -f -i"
                zpty -w shell "PROMPT= RPROMPT= LISTMAX=1000; unsetopt beep; fpath=($1 \$fpath)
                        autoload -Uz compinit && compinit -D -u
                        show() { print -r -- \"<<\$BUFFER>>\"; BUFFER= }; zle -N show; bindkey ^X show
                        bindkey ^I complete-word; print REA\DY"
                zpty -r shell said "*READY*"
                for line in "${@:2}"; do
                        zpty -w -n shell "$line"$'\''\t\x18'\''
                        zpty -r shell said "*<<*>>*"
                        print -r -- "$said"
                done' zsh "$(readlink -f -- "$data")" "$@" 2>&1 |
                tr --delete '\r\033\007' | grep --only-matching '<<.*>>' | sed 's/^<<//; s/>>$//'
}

# expect_lines LINE-AFTER-TAB LINE [LINE-AFTER-TAB LINE]...
expect_lines() {
        local wanted=() typed=() got i
        while (($#)); do
                wanted+=("$1") typed+=("$2")
                shift 2
        done
        mapfile -t got < <(complete_zsh "${typed[@]}")
        for i in "${!wanted[@]}"; do
                expect "${wanted[i]}" "${got[i]:-}" "'${typed[i]}' and a Tab"
        done
}

test_zsh_completes_verbs_and_options() {
        expect_lines \
                "agentctl stop " "agentctl sto" \
                "agentctl stop --guild=" "agentctl stop --gui" \
                "agentctl --json=short " "agentctl --json=sh" \
                "agentctl hosts --columns=address," "agentctl hosts --columns=add" \
                "agentctl runtimes --columns=executable," "agentctl runtimes --columns=exe"
}

test_zsh_completes_ids_guilds_runtimes_and_hosts() {
        expect_lines \
                "agentctl stop 'a b' " "agentctl stop 'a " \
                "agentctl stop a1 x:" "agentctl stop a1 x" \
                "agentctl list --guild=support-desk " "agentctl list --guild=s" \
                "agentctl run --runtime=rustic " "agentctl run --runtime=r" \
                "agentctl run --host=host-1:50051 " "agentctl run --host=host-1"
}

# What is here is not there.
test_zsh_offers_nothing_of_this_host_for_another() {
        expect_lines \
                "agentctl -H there stop a" "agentctl -H there stop a" \
                "agentctl -Hthere stop a" "agentctl -Hthere stop a" \
                "agentctl --remote=there list --guild=s" "agentctl --remote=there list --guild=s" \
                "agentctl stop a -H there x" "agentctl stop a -H there x"
}

test_zsh_completes_options_of_the_verb() {
        expect_lines \
                "agentctl kill --signal=" "agentctl kill --si" \
                "agentctl stop --si" "agentctl stop --si" \
                "agentctl -H list kill --signal=" "agentctl -H list kill --si" \
                "agentctl --columns=" "agentctl --col"
}

test_zsh_completes_properties_and_lists() {
        expect_lines \
                "agentctl show --property=GuildId," "agentctl show --property=Gu" \
                "agentctl show -p Id,MainPID," "agentctl show -p Id,MainP" \
                "agentctl list --state=running,frozen," "agentctl list --state=running,fr"
}

tap_run
