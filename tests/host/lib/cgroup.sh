# shellcheck shell=bash disable=SC2154,SC2034  # set by who sources this
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Each host has a cgroup with two below it: "payload" is what the host takes for the root of the tree, "supervisor" holds
# the process that waits for its init (in the payload it would keep systemd from handing controllers down).

# Where cgroup v2 is mounted: /sys/fs/cgroup, or below it where v1 controllers are in use.
cgroup_mount() {
        local mount
        mount=$(findmnt --noheadings --raw --types cgroup2 --output TARGET | head --lines=1)
        [[ -n $mount ]] ||
                die "no cgroup2 file system is mounted (try: mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified)"
        echo "$mount"
}

# The tree of a running systemd is its own: we ask it for a delegated scope. Else we take a child of the root.
cgroup_is_managed() {
        [[ -d /run/systemd/system ]]
}

# Makes the host's cgroup with its two children and moves this process (not a subshell of it) into the payload.
cgroup_enter() {
        local mount
        mount=$(cgroup_mount)
        if cgroup_is_managed; then
                cgroup_make "$1" "$mount$(sed -n 's/^0:://p' /proc/self/cgroup)"
        else
                locked cgroup cgroup_take "$1" "$mount"
        fi
}

cgroup_take() {
        cgroup_hand_down "$2" >>"$hosts_dir/.controllers"
        cgroup_make "$1" "$2/agenthost-host-$1"
}

cgroup_make() {
        mkdir -p "$2/payload" "$2/supervisor"
        echo "$2" >"$hosts_dir/$1/cgroup"
        echo $$ >"$2/payload/cgroup.procs"
        cgroup_hand_down "$2" >/dev/null
}

# Says which controllers were not handed down before. Which there are differs from machine to machine, and some may be
# refused: a host lives with what it gets.
cgroup_hand_down() {
        local controller
        for controller in $(<"$1/cgroup.controllers"); do
                [[ " $(<"$1/cgroup.subtree_control") " != *" $controller "* ]] || continue
                { echo "+$controller" >"$1/cgroup.subtree_control"; } 2>/dev/null || continue
                echo "$controller"
        done
}

# The last host gives the root of the tree back as the first one found it.
cgroup_take_back() {
        local mount controller
        mount=$(cgroup_mount)
        ! compgen -G "$mount/agenthost-host-*" >/dev/null || return 0
        if [[ -f $hosts_dir/.controllers ]]; then
                while read -r controller; do
                        { echo "-$controller" >"$mount/cgroup.subtree_control"; } 2>/dev/null || true
                done <"$hosts_dir/.controllers"
        fi
        rm -f "$hosts_dir/.controllers" "$hosts_dir/.lock-cgroup"
}

cgroup_supervise() {
        echo "$2" >"$(state_get "$1" cgroup)/supervisor/cgroup.procs"
}

# What is run in a host from outside belongs into its tree: there it is seen as part of init.scope, and dies with the host.
cgroup_join() {
        local cgroup
        cgroup=$(state_get "$1" cgroup)
        { echo "$BASHPID" >"$cgroup/payload/init.scope/cgroup.procs"; } 2>/dev/null || true
}

cgroup_remove() {
        local cgroup
        cgroup=$(state_get "$1" cgroup)
        [[ -n $cgroup ]] || return 0
        [[ ! -d $cgroup ]] || cgroup_kill "$cgroup"
        [[ ! -f $hosts_dir/.controllers ]] || locked cgroup cgroup_take_back
}

cgroup_kill() {
        local tries=0
        { echo 1 >"$1/cgroup.kill"; } 2>/dev/null || true
        # Killed processes leave their cgroup a moment after the signal.
        until find "$1" -depth -type d -exec rmdir {} + 2>/dev/null; do
                [[ -d $1 ]] || return 0
                ((++tries < 500)) || die "cgroup $1 of a dead host cannot be removed: see its cgroup.procs"
                sleep 0.01
        done
}
