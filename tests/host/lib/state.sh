# shellcheck shell=bash disable=SC2154,SC2034  # set by who sources this
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is known about each host: a directory per name. Its file "alive" is locked for as long as the host lives (the
# lock is held by the process that waits for its init), so that a host that died is told from one that runs, and its end
# can be waited for, without anyone watching.

# su(1) keeps the PATH of a user, who has no use for these.
PATH=$PATH:/usr/sbin:/sbin

# shellcheck source=../../../packaging/undo.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../../../packaging/undo.sh"

hosts_dir=/run/agenthost-hosts

die() {
        echo "host: $*" >&2
        exit 1
}

state_dir() {
        [[ $1 =~ ^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$ ]] ||
                die "'$1' cannot be a host's name: letters, digits and dashes, at most 63"
        echo "$hosts_dir/$1"
}

# state_get NAME KEY: empty when it was never set
state_get() {
        local file=$hosts_dir/$1/$2
        [[ ! -f $file ]] || cat -- "$file"
}

is_alive() {
        local file=$hosts_dir/$1/alive
        [[ -f $file ]] && ! flock --nonblock "$file" true
}

# Locks a file that others may remove while they hold its lock: a lock on a file that has lost its name is none.
# lock_file FILE [flock's options]: the lock stays with $lock_fd, and so goes to whoever inherits it.
lock_file() {
        local file=$1 tries
        shift
        for ((tries = 0; tries < 100; tries++)); do
                mkdir -p "${file%/*}"
                { exec {lock_fd}>>"$file"; } 2>/dev/null || continue
                flock "$@" "$lock_fd" || return 1
                [[ ! $file -ef /proc/self/fd/$lock_fd ]] || return 0
                exec {lock_fd}>&-
        done
        return 1
}

# locked WHAT COMMAND...: one at a time, over all harnesses that run. Who holds the lock may remove its file.
locked() {
        local what=$1
        shift
        (
                lock_file "$hosts_dir/.lock-$what" --timeout 30 || die "$hosts_dir/.lock-$what stays locked"
                "$@"
        )
}

# Takes the name for us; fails when a host of this name lives, or is being booted or removed.
claim_name() {
        lock_file "$(state_dir "$1")/alive" --nonblock || die "host $1 is already there (to remove it: host stop $1)"
}

# Waits for the end of a host whose init was told to go, and takes its name.
# await_end NAME SECONDS
await_end() {
        lock_file "$hosts_dir/$1/alive" --timeout "$2"
}

init_pid() {
        local pid
        state_dir "$1" >/dev/null
        [[ -d $hosts_dir/$1 ]] || die "there is no host $1 (there are: $(host_names | xargs))"
        is_alive "$1" || die "host $1 is dead (to remove what is left of it: host stop $1)"
        pid=$(state_get "$1" pid)
        [[ -n $pid ]] || die "host $1 is still being prepared"
        echo "$pid"
}

host_names() {
        [[ -d $hosts_dir ]] || return 0
        find "$hosts_dir" -mindepth 1 -maxdepth 1 -type d -name '[A-Za-z0-9]*' -printf '%f\n' | sort
}

# Everything that a dead host leaves outside of its namespaces. The caller holds its name.
remove_remains() {
        net_leave "$1"
        cgroup_remove "$1"
        rm -rf -- "${hosts_dir:?}/$1"
        exec {lock_fd}>&-
        rmdir --ignore-fail-on-non-empty "$hosts_dir" 2>/dev/null || true
}

verb_pid() {
        [[ $# -eq 1 ]] || die "usage: host pid NAME"
        init_pid "$1"
}

verb_list() {
        local name pid address
        for name in $(host_names); do
                pid=-
                ! is_alive "$name" || pid=$(state_get "$name" pid)
                address=$(state_get "$name" address)
                printf '%s\t%s\t%s\t%s\t%s\n' "$name" "${pid:--}" "${address:--}" "$(net_link_state "$name")" \
                        "$(state_get "$name" root)"
        done
}

verb_pull_plug() {
        [[ $# -eq 1 ]] || die "usage: host pull-plug NAME"
        local dir
        dir=$(state_dir "$1")
        [[ -d $dir ]] || die "there is no host $1"
        kill_init "$1"
        await_end "$1" 30 || die "host $1 does not die: see /proc/$(state_get "$1" pid)/stack"
        remove_remains "$1"
}

kill_init() {
        local pid
        pid=$(state_get "$1" pid)
        # A dead host's PID may be somebody else's by now.
        [[ -z $pid ]] || ! is_alive "$1" || kill -KILL "$pid" 2>/dev/null || true
}

verb_stop() {
        local name=${1:-} limit=30
        [[ -n $name ]] || die "usage: host stop NAME [--limit SEC]"
        shift
        [[ ${1:-} != --limit ]] || limit=${2:?--limit needs seconds}
        state_dir "$name" >/dev/null
        [[ -d $hosts_dir/$name ]] || die "there is no host $name"

        if is_alive "$name" && [[ -n $(state_get "$name" pid) ]]; then
                # systemd's own signal for poweroff.target: nothing in the host has to work for it.
                kill -s RTMIN+4 "$(state_get "$name" pid)"
                if ! await_end "$name" "$limit"; then
                        echo "host: $name did not shut down within $limit s: pulling its plug" >&2
                        verb_pull_plug "$name"
                        return 1
                fi
        else
                await_end "$name" 5 || die "host $name is just being booted or removed"
        fi
        remove_remains "$name"
}

verb_stop_all() {
        local name
        for name in $(host_names); do
                verb_pull_plug "$name"
        done
}
