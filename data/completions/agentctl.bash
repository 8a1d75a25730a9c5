# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Completion of agentctl(1) for bash.

# What the service knows, by the verb that lists it and a column: ids, guilds, runtimes, hosts. Quietly, and asking for
# nothing.
_agentctl_list() {
        # Nobody waits for SSH at the touch of a key.
        [[ $is_remote == no ]] || return 0
        agentctl ${mode[@]+"${mode[@]}"} --no-ask-password --no-pager --no-legend "$1" --columns="$2" 2>/dev/null | sort --unique
}

# _agentctl_offer WORD...: those that begin like the current word, quoted where the shell wants it (as what has been typed
# of it may be).
_agentctl_offer() {
        local word quoted
        for word; do
                printf -v quoted %q "$word"
                [[ $quoted != "$current"* && $word != "$current"* ]] || COMPREPLY+=("$quoted")
        done
}

# The same for the last word of a list with commas: those that are not there yet.
_agentctl_offer_commas() {
        local kept=${current%"${current##*,}"} word
        for word; do
                [[ ,$kept == *",$word,"* || $kept$word != "$current"* ]] || COMPREPLY+=("$kept$word")
        done
}

_agentctl_offer_list() {
        local words
        mapfile -t words < <(_agentctl_list "$1" "$2")
        _agentctl_offer ${words[@]+"${words[@]}"}
}

_agentctl_offer_files() {
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
}

# The value of an option.
_agentctl_offer_value() {
        case $1 in
        --json) _agentctl_offer short pretty off ;;
        --restart) _agentctl_offer no on-failure always ;;
        --kill-whom) _agentctl_offer main all ;;
        --signal | -s)
                mapfile -t COMPREPLY < <(compgen -A signal -- "$current")
                ;;
        --state) _agentctl_offer_commas queued starting running stopping restarting frozen exited failed lost ;;
        --columns)
                case $verb in
                hosts) _agentctl_offer_commas address ready agents capacity draining here zone node ip ;;
                runtimes)
                        _agentctl_offer_commas name default type user match executable restart file client-types environment \
                                properties
                        ;;
                *) _agentctl_offer_commas id host guild name state pid created age alive unit object ;;
                esac
                ;;
        --property | -p)
                # Of agents, and of the host.
                _agentctl_offer_commas Id GuildId Name ClassName Runtime Unit State Result OOMLevel StatusText HostAddress \
                        Location MainPID Alive ExitStatus Restarts CreatedAt ReadyAt ExitedAt NextStartAt MemoryPeak \
                        CPUUsageNSec \
                        Hostname Address Version AgentCount MaxAgents Draining HostCount RegistryState DiscoveryState \
                        PlacementCounter UnsupportedProperties
                ;;
        --runtime) _agentctl_offer_list runtimes name ;;
        --host) _agentctl_offer_list hosts address ;;
        --strategy) _agentctl_offer round-robin least-agents ;;
        --guild) if [[ $verb == run ]]; then _agentctl_offer_files; else _agentctl_offer_list list guild; fi ;;
        --messaging | --client-properties) _agentctl_offer_files ;;
        --remote | -H)
                mapfile -t COMPREPLY < <(compgen -A hostname -- "$current")
                ;;
        esac
}

_agentctl_offer_options() {
        local common='--help --version --user --remote --no-legend --no-pager --no-ask-password' more=''
        case $verb in
        list | '') more='--guild --fleet --columns --state --full' ;;
        hosts | runtimes) more='--columns --full' ;;
        status) more='--guild --lines --full' ;;
        show) more='--guild --property --value' ;;
        logs) more='--guild --lines --follow' ;;
        monitor) more='--guild' ;;
        run)
                more='--guild --here --host --strategy --runtime --restart --messaging --environment --client-type --client-properties
                        --machine-id --request-id --takeover --reschedule --no-block --wait --follow --timeout --quiet'
                ;;
        stop) more='--guild --fleet --here --timeout --quiet' ;;
        restart | freeze | thaw) more='--guild --quiet' ;;
        kill) more='--guild --signal --kill-whom --quiet' ;;
        shutdown) more='--timeout --quiet' ;;
        drain) more='--stop --timeout --quiet' ;;
        resume | cleanup) more='--quiet' ;;
        esac
        case $verb in
        check-config | help) ;;
        *) more+=' --json' ;;
        esac
        # shellcheck disable=SC2086
        _agentctl_offer $common $more
}

_agentctl_offer_arguments() {
        case $verb in
        '')
                _agentctl_offer list status show logs monitor cat run stop restart kill freeze thaw shutdown drain \
                        resume cleanup hosts place runtimes health check-config version help
                ;;
        status | show | logs | monitor | cat | stop | restart | kill | freeze | thaw) _agentctl_offer_list list id ;;
        run | place) _agentctl_offer_files ;;
        esac
}

# Those that take a value, which may be a word of its own.
_agentctl_takes_value() {
        case $1 in
        -H | -E | -s | -p | -n) return 0 ;;
        --remote | --json | --timeout | --guild | --columns | --state | --host | --strategy | --runtime | --restart | --messaging | \
                --environment | --client-type | --client-properties | --machine-id | --request-id | --signal | \
                --kill-whom | --property | --lines) return 0 ;;
        *) return 1 ;;
        esac
}

# The current word, whose parts are words of their own where there is a colon in it.
_agentctl_join_current() {
        local i
        current=${COMP_WORDS[COMP_CWORD]} first=$COMP_CWORD
        while ((first > 1)) && [[ ${COMP_WORDS[first]} == :* || ${COMP_WORDS[first - 1]} == *: ]]; do
                ((--first))
        done
        for ((i = COMP_CWORD - 1; i >= first; i--)); do
                current=${COMP_WORDS[i]}$current
        done
}

# What is before the last colon stays as it is on the line.
_agentctl_cut_replies() {
        local kept=${current%"${current##*:}"} i
        [[ -n $kept ]] || return 0
        for i in "${!COMPREPLY[@]}"; do
                COMPREPLY[i]=${COMPREPLY[i]#"$kept"}
        done
}

_agentctl() {
        local current first previous verb='' mode=() is_remote=no i word
        COMPREPLY=()
        _agentctl_join_current
        previous=${COMP_WORDS[first - 1]}

        # "--guild=x" are three words here.
        for ((i = 1; i < first; i++)); do
                word=${COMP_WORDS[i]}
                [[ $word != --user ]] || mode=(--user)
                [[ $word != -H* && $word != --remote ]] || is_remote=yes
                if _agentctl_takes_value "$word"; then
                        [[ ${COMP_WORDS[i + 1]:-} != '=' ]] || ((++i))
                        ((++i))
                elif [[ $word != -* && -z $verb ]]; then
                        verb=$word
                fi
        done

        if [[ $current == '=' ]]; then
                current=''
        elif [[ $previous == '=' ]]; then
                previous=${COMP_WORDS[first - 2]}
        fi
        if _agentctl_takes_value "$previous"; then
                _agentctl_offer_value "$previous"
        elif [[ $current == -* ]]; then
                _agentctl_offer_options
        else
                _agentctl_offer_arguments
        fi
        _agentctl_cut_replies
}

complete -F _agentctl agentctl
