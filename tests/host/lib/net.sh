# shellcheck shell=bash disable=SC2154,SC2034  # set by who sources this
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Hosts of one group share a bridge in a network namespace of its own, so that nothing of it is seen on the machine. The
# namespace is held by a bind mount below $hosts_dir/.net-GROUP; the last host to leave takes it down.

net_dir() {
        echo "$hosts_dir/.net-$1"
}

net_in() {
        local group=$1
        shift
        nsenter --net="$(net_dir "$group")/ns" -- "$@"
}

# Takes the lowest free number for NAME in GROUP: it is the last byte of its address.
net_join() {
        [[ $2 =~ ^[A-Za-z0-9-]+$ ]] || die "'$2' cannot be a network's name: letters, digits and dashes"
        # First, so that whatever is interrupted from here on is known to belong to the group.
        echo "$2" >"$hosts_dir/$1/group"
        locked "net-$2" net_take_number "$1" "$2"
}

net_take_number() {
        local name=$1 group=$2 dir number
        dir=$(net_dir "$group")
        mkdir -p "$dir/members"
        mountpoint --quiet "$dir/ns" || net_make_bridge "$group"
        for ((number = 1; number < 255; number++)); do
                [[ -e $dir/members/$number ]] || break
        done
        ((number < 255)) || die "network $group is full"
        echo "10.98.0.$number" >"$hosts_dir/$name/address"
        echo "$number" >"$hosts_dir/$name/number"
        echo "$name" >"$dir/members/$number"
        net_tell_names "$group"
}

net_make_bridge() {
        local dir
        dir=$(net_dir "$1")
        : >"$dir/ns"
        unshare --net="$dir/ns" true
        net_in "$1" ip link add name br0 type bridge
        net_in "$1" ip link set br0 up
}

# Connects a host that is about to boot.
net_plug() {
        local name=$1 pid=$2 group number mac
        group=$(state_get "$name" group)
        [[ -n $group ]] || return 0
        number=$(state_get "$name" number)
        # A machine that comes back after a power loss has the address its neighbours remember.
        printf -v mac '02:00:0a:62:00:%02x' "$number"
        net_in "$group" ip link add name "v$number" type veth peer name eth0 address "$mac" netns "$pid"
        net_in "$group" ip link set "v$number" master br0 up
        nsenter --target "$pid" --net -- ip address add "10.98.0.$number/24" dev eth0
        nsenter --target "$pid" --net -- ip link set eth0 up
}

# Writes the names of all members into the hosts file of each (the hosts have it mounted as their /etc/hosts).
net_tell_names() {
        local dir file names=$'127.0.0.1 localhost\n::1 localhost\n'
        dir=$(net_dir "$1")
        for file in "$dir"/members/*; do
                names+="10.98.0.${file##*/} $(<"$file")"$'\n'
        done
        for file in "$dir"/members/*; do
                printf '%s' "$names" >"$hosts_dir/$(<"$file")/hosts"
        done
}

net_leave() {
        local group
        group=$(state_get "$1" group)
        [[ -n $group ]] || return 0
        locked "net-$group" net_drop_member "$group" "$(state_get "$1" number)"
}

net_drop_member() {
        local group=$1 number=$2 dir
        dir=$(net_dir "$group")
        if [[ -n $number ]]; then
                # The kernel removes a dead namespace's interfaces when it gets to it: the next host of this number needs
                # it now.
                net_in "$group" ip link delete "v$number" 2>/dev/null || true
                rm -f "$dir/members/$number"
        fi
        if [[ -d $dir/members ]] && ! rmdir "$dir/members" 2>/dev/null; then
                net_tell_names "$group"
                return
        fi
        ! mountpoint --quiet "$dir/ns" || umount "$dir/ns"
        rm -rf -- "$dir"
        rm -f "$hosts_dir/.lock-net-$group"
}

net_link_state() {
        local group number flags
        group=$(state_get "$1" group)
        [[ -n $group ]] || { echo -; return; }
        number=$(state_get "$1" number)
        flags=$(net_in "$group" ip -brief link show dev "v$number" 2>/dev/null) || { echo -; return; }
        case $flags in
        *[\<,]UP[,\>]*) echo up ;;
        *) echo down ;;
        esac
}

verb_link() {
        [[ $# -eq 2 && $2 =~ ^(up|down)$ ]] || die "usage: host link NAME up|down"
        local group
        init_pid "$1" >/dev/null
        group=$(state_get "$1" group)
        [[ -n $group ]] || die "host $1 has no network (boot it with --net GROUP)"
        net_in "$group" ip link set "v$(state_get "$1" number)" "$2"
}
