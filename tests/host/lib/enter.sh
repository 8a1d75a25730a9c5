# shellcheck shell=bash disable=SC2154,SC2034  # set by who sources this
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Running things in a host from outside.

enter_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# Becomes a command in the host.
enter_exec() {
        local name=$1 pid
        shift
        pid=$(init_pid "$name")
        cgroup_join "$name"
        exec nsenter --target "$pid" --mount --pid --uts --ipc --net --cgroup --root --wd -- \
                /usr/bin/env -i "PATH=$enter_path" LANG=C.UTF-8 HOME=/root USER=root LOGNAME=root "$@"
}

# Does not return: to call it from the harness itself, put it into a subshell.
verb_run() {
        local name=${1:-} user='' limit='' env=() wrap=()
        [[ -n $name ]] || die "usage: host run NAME [--user USER] [--timeout SEC] [--env NAME=VALUE]... CMD..."
        shift
        while [[ ${1:-} == --* ]]; do
                (($# > 1)) || [[ $1 == -- ]] || die "$1 needs a value"
                case $1 in
                --) shift && break ;;
                --user) user=$2 ;;
                --timeout) limit=$2 ;;
                --env) env+=("$2") ;;
                *) die "run: unknown option '$1' (see: host help)" ;;
                esac
                shift 2
        done
        (($#)) || die "run: what? (see: host help)"
        [[ -z $limit ]] || wrap=(timeout --kill-after=5 "$limit")
        [[ -z $user ]] || wrap+=("${enter_as[@]}" "$user")
        # The command must not outlive a harness that was interrupted.
        enter_exec "$name" "${env[@]}" setpriv --pdeathsig TERM -- "${wrap[@]}" "$@"
}

# shellcheck disable=SC2016
enter_as=(sh -c '
        user=$1 && shift
        uid=$(id -u "$user") || exit
        exec env USER="$user" LOGNAME="$user" HOME="$(getent passwd "$user" | cut -d: -f6)" XDG_RUNTIME_DIR="/run/user/$uid" \
                setpriv --reuid "$uid" --regid "$(id -g "$user")" --init-groups -- "$@"' sh)

verb_shell() {
        [[ $# -eq 1 ]] || die "usage: host shell NAME"
        # A terminal of the host's own: ours is not visible in there.
        enter_exec "$1" "TERM=${TERM:-dumb}" script --quiet --return --command 'bash -l' /dev/null
}
