#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The harness itself: what the other tests rely on. Runs outside of the hosts; speaks TAP.
set -euo pipefail

here=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
host=${AGENTHOST_HOST:-$here/host}
prefix=${AGENTHOST_HOST_PREFIX:-harness-$$}
root=/ bus=broker

# shellcheck source=../lib/tap.sh
. "$here/../lib/tap.sh"
# shellcheck source=../../packaging/common.sh
. "$here/../../packaging/common.sh"

# The suite's own options say which root and bus; it is told in words quoted for a shell.
read_options() {
        local words=()
        eval "words=(${AGENTHOST_HOST_OPTIONS:-})"
        set -- ${words[@]+"${words[@]}"}
        while (($#)); do
                case $1 in
                --root) root=$2 ;;
                --bus) bus=$2 ;;
                esac
                shift
        done
}

boot() {
        local name=$1
        shift
        "$host" boot "$prefix-$name" --root "$root" --bus "$bus" "$@"
}

run() {
        local name=$1
        shift
        "$host" run "$prefix-$name" "$@"
}

gone() {
        local name=$1
        shift
        "$host" "$@"
        [[ ! -e /run/agenthost-hosts/$prefix-$name ]]
}

# All that a host could leave: names of processes, mounts, cgroups, interfaces, state.
traces() {
        pgrep --full --list-full "agenthost-hosts/$prefix-" || true
        grep -F "agenthost-hosts/$prefix-" /proc/self/mounts || true
        find /sys/fs/cgroup -type d -name "agenthost-host-$prefix-*" 2>/dev/null
        find /run/agenthost-hosts -name "*$prefix-*" 2>/dev/null || true
}

test_host_boots_without_failed_units() {
        local said
        said=$(boot one 2>&1)
        expect "" "$said" "what boot says"
        expect running "$(run one systemctl is-system-running)" state
        expect_like "*$([[ $bus == broker ]] && echo dbus-broker || echo dbus-daemon)*" \
                "$(run one ps -eo comm)" "the message bus"
        run one busctl --system list >/dev/null
}

test_run_passes_status_input_and_output() {
        expect_failure 7 "" run one sh -c 'exit 7'
        expect "through" "$(echo through | run one cat)" "standard input"
        expect_failure 124 "" run one --timeout 1 sleep 60
        expect "x y" "$(run one --env 'A=x y' printenv A)" environment
}

test_run_takes_on_a_user() {
        expect nobody "$(run one --user nobody id -un)" "user"
        expect nogroup "$(run one --user nobody id -gn)" "group"
        expect /nonexistent "$(run one --user nobody printenv HOME)" "home"
        expect_failure 1 "no such user" run one --user nobody-at-all true
}

test_scopes_and_journal_work() {
        expect_like "0::/system.slice/probe.scope" \
                "$(run one systemd-run --quiet --scope --unit=probe grep ^0:: /proc/self/cgroup)" "its cgroup"
        run one systemd-run --quiet --wait --unit=probe2 echo hello
        run one journalctl --sync
        expect_like "*hello*" "$(run one journalctl --output=cat --unit=probe2)" journal
}

test_name_is_taken_once() {
        expect_failure 1 "already there" boot one
        expect_failure 1 "cannot be a host's name" "$host" boot ../x
        expect_failure 1 "there is no host" "$host" run "$prefix-none" true
}

test_stop_is_orderly_and_complete() {
        gone one stop "$prefix-one"
        expect "" "$(traces)" "what is left"
}

test_tree_and_directories_are_in_the_host() {
        local made
        made=$(mktemp --directory)
        mkdir -p "$made/tree/usr/lib/sysusers.d" "$made/tree/etc" "$made/shown"
        chmod 0700 "$made/tree"
        echo 'u harness-probe - "Probe"' >"$made/tree/usr/lib/sysusers.d/probe.conf"
        echo installed >"$made/tree/etc/probe"
        echo shown >"$made/shown/file"
        boot two --install "$made/tree" --bind "$made/shown" --env PROBE=given --mask systemd-logind.service
        expect installed "$(run two cat /etc/probe)" "a file of the tree"
        expect "755 root" "$(run two stat --format='%a %U' /)" "the root directory"
        run two id harness-probe
        expect shown "$(run two cat "$made/shown/file")" "a file below /tmp"
        expect_failure 1 "Read-only" run two touch "$made/shown/file"
        expect given "$(run two systemd-run --quiet --pipe --wait printenv PROBE)" "services' environment"
        expect inactive "$(run two systemctl is-active systemd-logind || true)" "the masked unit"
        gone two pull-plug "$prefix-two"
        rm -rf "$made"
        [[ ! -e /etc/probe ]]
}

test_three_hosts_at_once_reach_each_other_by_name() {
        local name pids=()
        for name in a b c; do
                boot "$name" --net "$prefix" &
                pids+=($!)
        done
        for name in "${pids[@]}"; do
                wait "$name"
        done
        for name in a b c; do
                refuses a "$name" || [[ $name == a ]]
        done
}

# Nobody listens there: whoever can be reached says so at once.
refuses() {
        expect_failure 1 "refused" run "$1" --timeout 5 bash -c ": >/dev/tcp/$prefix-$2/9"
}

test_cut_link_is_silent_and_heals() {
        "$host" link "$prefix-c" down
        expect_like "*$prefix-c"$'\t'*$'\t'*$'\t'"down"* "$("$host" list)" list
        expect_failure 124 "" run a --timeout 1 bash -c ": >/dev/tcp/$prefix-c/9"
        refuses a b
        "$host" link "$prefix-c" up
        refuses a c
}

test_power_loss_takes_everything_at_once() {
        local pid
        run b systemd-run --quiet --property=Type=exec sleep "1000.$$"
        pid=$(pgrep --full "sleep 1000.$$" | head --lines=1)
        [[ -n $pid ]]
        gone b pull-plug "$prefix-b"
        [[ ! -e /proc/$pid ]]
        refuses a c
        boot b --net "$prefix"
        refuses a b
}

test_interrupted_boot_leaves_nothing() {
        local delay
        for delay in 0.02 0.05 0.1 0.2 0.3; do
                if timeout --signal=INT "$delay" "$host" boot "$prefix-cut" --root "$root" --bus "$bus" --net "$prefix"; then
                        gone cut pull-plug "$prefix-cut"
                fi
                [[ ! -e /run/agenthost-hosts/$prefix-cut ]]
        done
}

# There systemd owns the cgroup tree, which is the unified one.
test_host_boots_in_a_host() {
        # Where the checkout is below /tmp, the host does not see it of itself.
        boot outer --bind "$(readlink -f "$here/../..")"
        run outer "$host" boot inner --root / --bus "$bus"
        expect running "$(run outer "$host" run inner systemctl is-system-running)" "state of the inner host"
        run outer "$host" stop inner
        expect "" "$(run outer find /run/agenthost-hosts /sys/fs/cgroup/system.slice -name '*inner*' 2>&1 | grep -v 'No such' || true)" \
                "what the inner one leaves"
        gone outer stop "$prefix-outer"
}

test_nothing_is_left() {
        local name
        for name in a b c; do
                gone "$name" pull-plug "$prefix-$name"
        done
        expect "" "$(traces)" "what is left"
}

cleanup() {
        local name
        while read -r name _; do
                [[ $name != "$prefix"-* ]] || "$host" pull-plug "$name"
        done < <("$host" list)
}

undo_at_exit cleanup
read_options
tap_run
