# shellcheck shell=bash disable=SC2154,SC2034  # set by who sources this
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What happens inside of a User Mode Linux: stages of host-init. Its root is this machine's, read-only, by way of hostfs;
# "uml" is its PID 1 until systemd is, "uml_work" is run there by a unit. The harness's half is ../uml.

# Where the unit finds the results' directory.
uml_shared=/run/agenthost-uml

uml() {
        export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin
        trap 'uml_give_up' EXIT
        mount -t proc -o nosuid,nodev,noexec proc /proc
        mount -t sysfs -o nosuid,nodev,noexec sysfs /sys

        # shellcheck source=/dev/null
        . "$dir/config"
        # hostfs cannot be the upper layer of an overlay: a tmpfs is.
        insmod "$uml_modules/kernel/fs/overlayfs/overlay.ko"
        mount_root
        uml_mount_api
        clean_root
        mask_units
        choose_bus
        install_trees
        mount_binds
        uml_add_unit

        trap - EXIT
        # Whatever says "container" to systemd would keep it from being the machine's.
        rm -f "$root/.dockerenv"
        boot_mark=machine
        become_systemd
}

# The rest is mounted by systemd.
uml_mount_api() {
        mkdir -p "$root"/{proc,sys,dev,run,tmp,mnt}
        mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
        mount -t devtmpfs -o nosuid,mode=0755 devtmpfs "$root/dev"
        mount -t tmpfs -o nosuid,nodev,mode=0755 tmpfs "$root/run"
        mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs "$root/tmp"
        mkdir "$root$uml_shared"
        # Synchronous: who looks from outside shall see what has been written.
        mount -t hostfs -o "$dir/shared,sync" agenthost-host "$root$uml_shared"
        ip link set lo up
}

uml_add_unit() {
        local units=$root/etc/systemd/system
        mkdir -p "$units/multi-user.target.wants"
        ln -s ../agenthost-uml.service "$units/multi-user.target.wants/"
        cat >"$units/agenthost-uml.service" <<END
[Unit]
Description=What this machine was booted for
After=basic.target dbus.socket systemd-user-sessions.service
[Service]
Type=oneshot
ExecStart=$here/host-init uml_work $uml_shared
# Nothing here needs an orderly end, which takes its time.
ExecStopPost=/usr/bin/systemctl poweroff --force --force
Environment=LANG=C.UTF-8 HOME=/root USER=root LOGNAME=root
TimeoutStartSec=infinity
END
}

uml_give_up() {
        echo "host-init: line ${BASH_LINENO[0]} failed, the machine is not up"
        sync
        systemctl poweroff --force --force
}

uml_work() {
        local number
        # shellcheck source=/dev/null
        . "$dir/config"
        cd /
        touch "$dir/up"
        for number in "${!uml_commands[@]}"; do
                uml_run_command "$number" "${uml_commands[$number]}"
        done
        sync
}

# uml_run_command NUMBER LINE
uml_run_command() {
        local status=0 since=$EPOCHSECONDS
        timeout --kill-after=5 "$uml_timeout" bash -c "$2" >"$dir/$1.log" 2>&1 </dev/null || status=$?
        ((status == 0)) || uml_show_journal "$since" >>"$dir/$1.log" 2>&1 || true
        echo "$status" >"$dir/$1.status"
}

uml_show_journal() {
        echo "# the services' journal meanwhile, and what the kernel killed:"
        timeout 60 journalctl --no-pager --output=short-precise --lines=200 --since="@$1" \
                --unit=agenthostd.service --unit=agenthost-launcher.service | sed 's/^/# /'
        timeout 60 journalctl --no-pager --output=short-precise --since="@$1" --dmesg \
                --grep='oom-kill:|Killed process|segfault' | sed 's/^/# /'
}
