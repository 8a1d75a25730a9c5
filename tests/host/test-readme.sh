#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The commands of README.md and of the tutorial, block by block as they stand there, on hosts like the reader's; and the
# settings, the runtimes and the program in the how-tos. Comments of HTML, which nobody sees, stand above a block of commands
# that is another host's, or that is not run here:
#
#     <!-- on host-2 -->  <!-- on every host -->       default: host-1
#     <!-- needs a cluster -->                         or whatever else a test has not got
#     <!-- run by tests/host/test-package.sh -->       who runs it instead
#     <!-- copies DIR from host-1 to host-2 host-3 --> done from outside, as these hosts have no ssh
#
# Runs outside of the hosts; speaks TAP.
set -euo pipefail

here=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
source_dir=${here%/tests/host}
host=${AGENTHOST_HOST:-$here/host}
prefix=${AGENTHOST_HOST_PREFIX:-readme-$$}
group=readme$$
work=$(mktemp --directory)

# shellcheck source=../lib/tap.sh
. "$here/../lib/tap.sh"
# shellcheck source=../lib/redis-host.sh
. "$here/../lib/redis-host.sh"
# shellcheck source=../../packaging/common.sh
. "$here/../../packaging/common.sh"

# The suite's options are words quoted for a shell; among them is what is to be installed.
options=()
eval "options=(${AGENTHOST_HOST_OPTIONS:-})"

run() {
        "$host" run "$prefix-$1" --timeout 120 "${@:2}"
}

# split DOCUMENT DIRECTORY: each fenced block as DIRECTORY/LINE.LANGUAGE, the comments right above it as LINE.notes.
split() {
        mkdir -p "$2"
        awk -v directory="$2" '
                /^```/ && inside { inside = 0; close(file); notes = ""; next }
                /^```/ {
                        inside = 1
                        file = sprintf("%s/%04d.%s", directory, NR, $0 == "```" ? "none" : substr($0, 4))
                        printf "" >file
                        printf "%s", notes >sprintf("%s/%04d.notes", directory, NR)
                        next
                }
                inside { print >file; next }
                /^<!-- .* -->$/ { notes = notes substr($0, 6, length($0) - 9) "\n"; next }
                { notes = "" }
                # Whose commands nobody would run.
                /^    / { printf "" >sprintf("%s/%04d.indented", directory, NR) }' "$1"
}

# run_block HOST FILE: as one would paste it into a shell of root; its output only when it fails.
run_block() {
        local output status=0
        # shellcheck disable=SC2016
        output=$(run "$1" bash -c 'cd && eval "set -euo pipefail; $1"' bash "$(<"$2")" 2>&1 </dev/null) || status=$?
        ((status == 0)) || { echo "on $1, exit status $status, of:" && cat "$2" && echo "it printed:" && echo "$output" && return 1; }
}

# copy DIRECTORY FROM TO...
copy() {
        local to
        run "$2" tar --create --directory=/ "${1#/}" >"$work/copied.tar"
        for to in "${@:3}"; do
                run "$to" tar --extract --directory=/ <"$work/copied.tar"
        done
}

# follow DOCUMENT HOST...: runs its blocks. The hosts are all that "every host" means.
follow() {
        local directory=$work/blocks-${1//\//-} every=("${@:2}") file note hosts words where line n=0
        split "$source_dir/$1" "$directory"
        for file in "$directory"/*; do
                [[ -e $file ]] || continue
                line=${file##*/} line=$((10#${line%%.*}))
                case $file in
                *.notes) continue ;;
                *.none | *.indented) echo "$1:$line: a block that does not say whether it is commands (sh) or else (text)" && return 1 ;;
                *.sh) ;;
                *) continue ;;
                esac
                hosts=("$2")
                while IFS= read -r note; do
                        read -ra words <<<"$note"
                        case $note in
                        'on every host') hosts=("${every[@]}") ;;
                        'on '*) hosts=("${words[@]:1}") ;;
                        'needs '*) hosts=() ;;
                        'run by '*)
                                [[ -x $source_dir/${words[2]} ]] || { echo "$1:$line: there is no ${words[2]} that would run it" && return 1; }
                                hosts=()
                                ;;
                        'copies '*' from '*' to '*)
                                copy "${words[1]}" "${words[3]}" "${words[@]:5}"
                                hosts=()
                                ;;
                        *) echo "$1:$line: what does '$note' mean?" && return 1 ;;
                        esac
                done <"${file%.sh}.notes"
                for where in ${hosts[@]+"${hosts[@]}"}; do
                        run_block "$where" "$file" || { echo "$1:$line: this block fails, see above" && return 1; }
                        ((++n))
                done
        done
        ((n > 0)) || { echo "$1: no block of it was run" && return 1; }
        echo "$n blocks"
}

boot() {
        "$host" boot "$prefix-$1" ${options[@]+"${options[@]}"} --net "$group"
        # Hosts know each other by the names they were booted with.
        # Like a container's, their mounts are private: what systemd mounts for a service, as its credentials, would be lost.
        # shellcheck disable=SC2016  # for the shell in the host
        run "$1" sh -c 'echo "$1" >/etc/hostname && hostname "$1" && mount --make-rshared /' sh "$1"
}

# What the reader has installed, or has had from his network.
tell_names() {
        local name other
        for name; do
                for other; do
                        # shellcheck disable=SC2016  # for the shell in the host
                        run "$name" sh -c 'getent hosts "$1" | { read -r address _ && echo "$address $2" >>/etc/hosts; }' sh \
                                "$prefix-$other" "$other"
                done
        done
}

test_commands_of_the_readme_work() {
        boot readme
        follow README.md readme
}

# Blocks that begin with the name of a file are such files.
test_settings_of_the_howtos_are_right() {
        local page file path n=0
        for page in "$source_dir"/docs/howto-*.md; do
                split "$page" "$work/${page##*/}"
                for file in "$work/${page##*/}"/*.ini; do
                        [[ -e $file ]] || continue
                        path=$(sed -n '1s,^# \(/etc/agenthost/.*\),\1,p' "$file")
                        [[ -n $path ]] || continue
                        # The program is the reader's.
                        # shellcheck disable=SC2016  # for the shell in the host
                        run readme sh -c 'install -D /bin/true "${1:-/tmp/none}"' sh "$(sed -n 's/^Exec=\([^ ]*\).*/\1/p' "$file")"
                        # shellcheck disable=SC2016  # for the shell in the host
                        run readme sh -c 'cat >"$1"; agentctl --no-pager check-config; status=$?; rm "$1"; exit $status' sh "$path" <"$file" ||
                                { echo "${page##*/}: see above what is wrong with $path" && return 1; }
                        ((++n))
                done
        done
        ((n > 0)) || { echo "no settings found" && return 1; }
        echo "$n files"
}

test_program_of_the_howto_is_an_agent() {
        local program
        split "$source_dir/docs/howto-runtime.md" "$work/program"
        program=$(echo "$work"/program/*.python)
        run readme sh -c 'cat >/usr/local/bin/example.py && chmod 0755 /usr/local/bin/example.py' <"$program"
        printf '[Runtime]\nMatch=howto.*\nExec=/usr/local/bin/example.py\nUser=agents\nType=notify\nWatchdogSec=1min\n' |
                run readme sh -c 'cat >/etc/agenthost/runtimes.d/10-howto.runtime'
        run readme systemctl reload agenthostd.service
        echo '{"id": "howto", "name": "Howto", "class_name": "howto.Agent"}' |
                run readme sh -c 'cat >/root/howto.json && cd && agentctl run --guild=guild_spec.json howto.json'
        expect idle "$(run readme agentctl show --value -p StatusText howto)" "what it says"
        run readme agentctl stop howto
        expect_like "*Howto begins*" "$(run readme journalctl --quiet --output=cat --unit=agent-howto.scope)" "what it prints"
        "$host" pull-plug "$prefix-readme"
}

test_commands_of_the_tutorial_work() {
        local name
        for name in host-1 host-2 host-3; do
                boot "$name"
        done
        tell_names host-1 host-2 host-3
        install_redis run host-1
        follow docs/tutorial.md host-1 host-2 host-3
}

cleanup() {
        local name
        for name in readme host-1 host-2 host-3; do
                ! "$host" pid "$prefix-$name" >/dev/null 2>&1 || "$host" pull-plug "$prefix-$name"
        done
        rm -rf -- "$work"
}

install_packages openssl libglib2.0-bin
undo_at_exit cleanup
tap_run
