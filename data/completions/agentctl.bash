# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Completion of agentctl(1) for bash.

# What the service knows: ids, guilds. Quietly, and asking for nothing.
_agentctl_list() {
        agentctl "${mode[@]}" --no-ask-password --no-pager --no-legend list --columns="$1" 2>/dev/null | sort --unique
}

# _agentctl_offer WORD...: those that begin like the current word, quoted where the shell wants it.
_agentctl_offer() {
        local word
        for word; do
                [[ $word != "$current"* ]] || COMPREPLY+=("$(printf %q "$word")")
        done
}

_agentctl_offer_list() {
        local words
        mapfile -t words < <(_agentctl_list "$1")
        _agentctl_offer ${words[@]+"${words[@]}"}
}

_agentctl_offer_files() {
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
}

_agentctl_runtimes() {
        local dirs=(/etc/agenthost /run/agenthost /usr/lib/agenthost) file dir
        [[ " ${mode[*]} " != *" --user "* ]] ||
                dirs=("${XDG_CONFIG_HOME:-$HOME/.config}/agenthost" /etc/agenthost/user /usr/lib/agenthost/user)
        for dir in "${dirs[@]}"; do
                for file in "$dir"/runtimes.d/*.runtime; do
                        file=${file##*/}
                        [[ $file == '*.runtime' ]] || echo "${file%.runtime}"
                done
        done
}

# The value of an option.
_agentctl_offer_value() {
        local runtimes
        case $1 in
        --json) _agentctl_offer short pretty off ;;
        --restart) _agentctl_offer no on-failure always ;;
        --kill-whom) _agentctl_offer main all ;;
        --signal | -s)
                mapfile -t COMPREPLY < <(compgen -A signal -- "$current")
                ;;
        --state) _agentctl_offer queued starting running stopping restarting frozen exited failed lost ;;
        --columns) _agentctl_offer id guild name state pid created age alive unit object ;;
        --property | -p)
                _agentctl_offer Id GuildId Name ClassName Runtime Unit State Result OOMLevel StatusText HostAddress \
                        MainPID Alive ExitStatus Restarts CreatedAt ReadyAt ExitedAt NextStartAt MemoryPeak CPUUsageNSec
                ;;
        --runtime)
                mapfile -t runtimes < <(_agentctl_runtimes)
                _agentctl_offer ${runtimes[@]+"${runtimes[@]}"}
                ;;
        --guild) if [[ $verb == run ]]; then _agentctl_offer_files; else _agentctl_offer_list guild; fi ;;
        --messaging | --client-properties) _agentctl_offer_files ;;
        --remote | -H)
                mapfile -t COMPREPLY < <(compgen -A hostname -- "$current")
                ;;
        esac
}

_agentctl_offer_options() {
        local common='--help --version --user --remote --json --no-legend --no-pager --no-ask-password' words=''
        case $verb in
        list | '') words='--guild --columns --state --full' ;;
        status) words='--guild --lines --full' ;;
        show) words='--guild --property --value' ;;
        logs) words='--guild --lines --follow' ;;
        monitor) words='--guild' ;;
        run)
                words='--guild --runtime --restart --messaging --environment --client-type --client-properties
                        --machine-id --request-id --no-block --wait --follow --timeout --quiet'
                ;;
        stop) words='--guild --timeout --quiet' ;;
        restart | freeze | thaw) words='--guild --quiet' ;;
        kill) words='--guild --signal --kill-whom --quiet' ;;
        shutdown) words='--timeout --quiet' ;;
        cleanup) words='--quiet' ;;
        esac
        # shellcheck disable=SC2086
        _agentctl_offer $common $words
}

_agentctl_offer_arguments() {
        case $verb in
        '')
                _agentctl_offer list status show logs monitor cat run stop restart kill freeze thaw shutdown cleanup \
                        health check-config version help
                ;;
        status | show | logs | monitor | cat | stop | restart | kill | freeze | thaw) _agentctl_offer_list id ;;
        run) _agentctl_offer_files ;;
        esac
}

# Those that take a value, which may be a word of its own.
_agentctl_takes_value() {
        case $1 in
        -H | -E | -s | -p | -n) return 0 ;;
        --remote | --json | --timeout | --guild | --columns | --state | --runtime | --restart | --messaging | \
                --environment | --client-type | --client-properties | --machine-id | --request-id | --signal | \
                --kill-whom | --property | --lines) return 0 ;;
        *) return 1 ;;
        esac
}

_agentctl() {
        local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} verb='' mode=() i word
        COMPREPLY=()

        # "--guild=x" are three words here.
        for ((i = 1; i < COMP_CWORD; i++)); do
                word=${COMP_WORDS[i]}
                if [[ $word == --user ]]; then
                        mode+=(--user)
                elif [[ $word == -H || $word == --remote ]]; then
                        # Nobody waits for SSH at the touch of a key.
                        mode=(--version)
                        ((++i))
                elif _agentctl_takes_value "$word"; then
                        [[ ${COMP_WORDS[i + 1]:-} != '=' ]] || ((++i))
                        ((++i))
                elif [[ $word != -* && -z $verb ]]; then
                        verb=$word
                fi
        done

        if [[ $current == '=' ]]; then
                current=''
        elif [[ $previous == '=' ]]; then
                previous=${COMP_WORDS[COMP_CWORD - 2]}
        fi
        if _agentctl_takes_value "$previous"; then
                _agentctl_offer_value "$previous"
        elif [[ $current == -* ]]; then
                _agentctl_offer_options
        else
                _agentctl_offer_arguments
        fi
}

complete -F _agentctl agentctl
