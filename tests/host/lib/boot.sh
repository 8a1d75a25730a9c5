# shellcheck shell=bash disable=SC2154,SC2034  # set by who sources this
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Booting: host-init prepares the file system in the new namespaces and waits; we connect what can only be connected from
# outside, then let it become systemd. The boot_* variables are the order; host-init reads them as they are.

verb_boot() {
        boot_parse "$@"
        boot_check
        undo_at_exit boot_undo
        claim_name "$boot_name"
        boot_save
        [[ -z $boot_net ]] || net_join "$boot_name" "$boot_net"
        boot_spawn
        boot_connect
        boot_await
        # From here on it stays up, whatever comes.
        trap '' INT TERM HUP
        trap - EXIT
}

boot_parse() {
        boot_name=${1:-}
        [[ -n $boot_name ]] || die "usage: host boot NAME [OPTION]... (see: host help)"
        shift
        boot_root=/ boot_bus=broker boot_net='' boot_size=2G boot_limit=60 boot_aslr=yes
        boot_installs=() boot_binds=() boot_masks=() boot_env=()
        while (($#)); do
                if [[ $1 == --no-aslr ]]; then
                        boot_aslr=no
                        shift
                        continue
                fi
                (($# > 1)) || die "$1 needs a value"
                case $1 in
                --root) boot_root=$(readlink -e -- "$2") || die "--root $2: no such directory" ;;
                --install) boot_installs+=("$(readlink -e -- "$2")") || die "--install $2: no such directory" ;;
                --bind) boot_binds+=("$(readlink -e -- "$2")") || die "--bind $2: no such directory" ;;
                --bus) boot_bus=$2 ;;
                --net) boot_net=$2 ;;
                --size) boot_size=$2 ;;
                --mask) boot_masks+=("$2") ;;
                --env) boot_env+=("$2") ;;
                --limit) boot_limit=$2 ;;
                *) die "boot: unknown option '$1' (see: host help)" ;;
                esac
                shift 2
        done
}

boot_check() {
        state_dir "$boot_name" >/dev/null
        [[ $boot_bus =~ ^(broker|daemon)$ ]] || die "--bus is broker or daemon, not '$boot_bus'"
        [[ $boot_limit =~ ^[1-9][0-9]*$ ]] || die "--limit takes seconds, not '$boot_limit'"
        [[ $boot_root != *[:,\\]* ]] || die "--root $boot_root: its path must not contain ':', ',' or '\\'"
        boot_need "usr/lib/systemd/systemd" systemd
        if [[ $boot_bus == broker ]]; then
                boot_need usr/bin/dbus-broker-launch dbus-broker
        else
                boot_need usr/bin/dbus-daemon dbus-daemon
        fi
        [[ -z $boot_net ]] || command -v ip >/dev/null || die "--net needs ip (Debian: apt-get install iproute2)"
}

boot_need() {
        [[ -x $boot_root/$1 ]] || die "$boot_root has no /$1 (Debian: install the package $2 there)"
}

boot_save() {
        local dir=$hosts_dir/$boot_name
        # A host of this name may have died and never been removed.
        net_leave "$boot_name"
        cgroup_remove "$boot_name"
        find "$dir" -mindepth 1 ! -name alive -delete
        mkdir "$dir/mnt"
        echo "$boot_root" >"$dir/root"
        declare -p "${!boot_@}" >"$dir/config"
}

boot_spawn() {
        local dir=$hosts_dir/$boot_name scope=()
        ! cgroup_is_managed ||
                scope=(systemd-run --quiet --collect --scope --property Delegate=yes --unit "agenthost-host-$boot_name")

        # Both ends of both pipes stay open here, so that no open() waits for a host that failed; reading has a limit.
        mkfifo "$dir/prepared" "$dir/go"
        exec {prepared_fd}<>"$dir/prepared" {go_fd}<>"$dir/go"
        rm "$dir/prepared" "$dir/go"

        (
                boot_close_fds
                exec setsid "${scope[@]}" "$here/host-init" enter "$dir" 3<&"$lock_fd" 4>&"$prepared_fd" 5<&"$go_fd" \
                        {lock_fd}>&- {prepared_fd}>&- {go_fd}>&- </dev/null >"$dir/console" 2>&1
        ) &
        boot_supervisor=$!
        disown
}

# A host outlives us: it must not keep pipes and locks of our caller.
boot_close_fds() {
        local fd
        for fd in /proc/"$BASHPID"/fd/*; do
                fd=${fd##*/}
                ((fd <= 2 || fd == lock_fd || fd == prepared_fd || fd == go_fd)) || eval "exec $fd>&-"
        done
}

boot_connect() {
        local dir=$hosts_dir/$boot_name said pid
        read -r -t "$boot_limit" -u "$prepared_fd" said pid || boot_failed "is not prepared after $boot_limit s"
        [[ $said == prepared ]] || boot_failed "cannot be prepared"
        echo "$pid" >"$dir/pid"
        cgroup_supervise "$boot_name" "$boot_supervisor"
        net_plug "$boot_name" "$pid"
        echo go >&"$go_fd"
        exec {prepared_fd}>&- {go_fd}>&-
        # From here on the supervisor alone holds the lock.
        exec {lock_fd}>&-
        boot_pid=$pid
}

boot_await() {
        local end=$((SECONDS + boot_limit)) state=
        while ((SECONDS < end)); do
                is_alive "$boot_name" || boot_failed "ended while booting"
                # Waiting inside (is-system-running --wait) needs a message bus, which may be what does not come up.
                if [[ -S /proc/$boot_pid/root/run/systemd/private ]]; then
                        state=$(verb_run "$boot_name" --timeout 10 systemctl is-system-running 2>/dev/null) || true
                fi
                case $state in
                running) return ;;
                degraded)
                        echo "host: $boot_name is up, but these units failed: $(boot_failed_units)" >&2
                        return
                        ;;
                esac
                sleep 0.02
        done
        boot_failed "is not up after $boot_limit s (state: ${state:-no systemd})"
}

boot_failed_units() {
        verb_run "$boot_name" systemctl list-units --failed --plain --no-legend | cut --delimiter=' ' --fields=1 | xargs
}

boot_failed() {
        {
                echo "host: $boot_name $1"
                cat "$hosts_dir/$boot_name/console"
                if [[ -n ${boot_pid:-} ]] && is_alive "$boot_name"; then
                        (verb_run "$boot_name" --timeout 10 systemctl list-jobs --no-pager) || true
                        (verb_run "$boot_name" --timeout 10 systemctl list-units --failed --plain --no-pager) || true
                        (verb_run "$boot_name" --timeout 10 journalctl --no-pager --lines=100) || true
                fi
        } >&2
        exit 1
}

boot_undo() {
        local pid=${boot_pid:-${boot_supervisor:-${!:-}}}
        [[ -z ${lock_fd:-} ]] || { exec {lock_fd}>&-; } 2>/dev/null || true
        if [[ -n $pid ]]; then
                kill -KILL "$pid" 2>/dev/null || true
                await_end "$boot_name" 30 || die "host $boot_name cannot be removed (try: host pull-plug $boot_name)"
        else
                # Whoever has the lock now has the name, too.
                await_end "$boot_name" 0 || return 0
        fi
        remove_remains "$boot_name"
}
