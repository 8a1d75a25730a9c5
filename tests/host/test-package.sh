#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The Debian package, from its build to its purge, on a host of the release that it is built for. Runs outside of the
# hosts; speaks TAP. What takes longer is in test-package-more.sh.
set -euo pipefail

# shellcheck source=../lib/package-host.sh
. "$(dirname -- "$(readlink -f -- "$0")")/../lib/package-host.sh"

test_package_builds() {
        "$source_dir/packaging/build-deb" --release "$release" --output "$work"
        mv "$work"/agenthost_*.deb "$work/agenthost.deb"
        repack "$work/agenthost.deb" 0.0.1 "$work/older.deb"
        repack "$work/agenthost.deb" 9.9.9 "$work/newer.deb"
}

# What must be the same when the package has been purged. What others write when one is installed is not ours.
state_of_host() {
        # shellcheck disable=SC2016
        there 'find /etc /usr /var /run -xdev \( -path /var/lib/dpkg -o -path /var/log -o -path /var/cache -o -path /run/systemd \
                        -o -path /run/log -o -path /run/dbus -o -path /run/user -o -path /var/lib/systemd/catalog \
                        -o -path /run/credentials -o -path /var/tmp -o -path /run/udev \) -prune -o -printf "%p %m %u %l\n" |
                        grep --invert-match --extended-regexp "^/etc/(passwd|group|shadow|gshadow|subuid|subgid)-? |^/(var|usr|etc|run) " | sort
                cut --delimiter=: --fields=1 /etc/passwd /etc/group | sort'
}

test_host_boots_without_it() {
        boot
        expect_failure 2 "" run getent passwd agenthost
        state_of_host >"$work/before"
}

test_installed_package_runs() {
        local unit
        run dpkg --install "$work/agenthost.deb"
        expect active "$(run systemctl is-active agenthostd.service)" agenthostd.service
        expect "" "$(run systemctl list-units --failed --plain --no-legend)" "failed units"
        for unit in agenthostd.service agenthostd.socket agenthost-launcher.socket; do
                expect enabled "$(run systemctl is-enabled "$unit")" "$unit"
        done
        expect_failure 1 disabled run systemctl --global is-enabled agenthostd.service
        expect "" "$(run dpkg --verify agenthost)" "files that differ from the package's"
        expect /etc/agenthost/agenthost.conf \
                "$(run dpkg-query --show --showformat='${Conffiles}' agenthost | awk 'NF { print $1 }')" conffiles
}

# Where the README of the package sends its readers.
test_documentation_is_there() {
        local file
        for file in README.md SECURITY.md docs kubernetes examples; do
                run test -e "/usr/share/doc/agenthost/$file"
        done
        for file in $(cd "$source_dir/docs" && echo *.md); do
                run cmp "$source_dir/docs/$file" "/usr/share/doc/agenthost/docs/$file"
        done
        run diff --recursive "$source_dir/data/kubernetes" /usr/share/doc/agenthost/kubernetes
}

# packaging/debian/tests is what Debian's autopkgtest runs.
test_autopkgtest_passes() {
        local test
        while read -r test <&3; do
                run "$source_dir/packaging/debian/tests/$test"
        done 3< <(sed -n 's/^Tests: //p' "$source_dir/packaging/debian/tests/control")
}

# systemd's own package sees to it when one installs a catalog.
test_journal_explains_our_messages() {
        local wanted id
        wanted=$(sed -n 's/^-- //p' "$source_dir/data/catalog/agenthost.catalog" | sort)
        for id in $wanted; do
                expect_like "*Defined-By: agenthost*" "$(run journalctl --dump-catalog "$id")" "$id"
        done
}

test_members_of_the_group_need_no_password() {
        run useradd operator1
        expect_failure 1 "" as_operator --init-groups
        run usermod --append --groups agenthost operator1
        expect "b false" "$(as_operator --init-groups)" "its answer"
        # One who became a member since he logged in. polkit of Debian 13 asks the process for its groups.
        if [[ $release == bookworm ]]; then
                expect "b false" "$(as_operator --clear-groups)" "its answer without a new session"
        else
                expect_failure 1 "" as_operator --clear-groups
        fi
}

as_operator() {
        # shellcheck disable=SC2016
        there 'exec setpriv --reuid=operator1 --regid=operator1 "$1" busctl --timeout=60 call $manager StopAgent su nobody 0' "$1"
}

# await_end ID: the last may just be on its way.
await_end() {
        local tries
        for ((tries = 0; tries < 200; tries++)); do
                [[ $(property "$1" Alive) == true ]] || return 0
        done
        echo "$1 has not ended" && return 1
}

main_pid() {
        run systemctl show --property=MainPID --value "$1"
}

# install_while_asked PACKAGE NAME: agents end meanwhile, and others, NAME1 NAME2 ..., are asked for all the time: each by the
# same request until it is answered. Every other one of these ends at once, the rest later.
install_while_asked() {
        # shellcheck disable=SC2016
        there 'ask() {
                        busctl --timeout=60 call $manager CreateAgent "sssa{sv}" "{\"id\": \"$1\", \"name\": \"$1\"}" "{\"id\": \"asked\"}" "{}" \
                                1 request_id s "of $1" >/dev/null
                }
                ask_on() {
                        local n=0 tries id
                        until [[ -e /run/asked/enough ]]; do
                                id=$1$((++n)) tries=0
                                echo "$id" >>/run/asked/ids
                                echo 41 >"/run/ends/$id"
                                until ask "$id" 2>>/run/asked/refusals || ((++tries > 1000)); do :; done
                                until grep --quiet --line-regexp "$id" /run/ends/started; do sleep 0.01; done
                                ((n % 2)) || rm "/run/ends/$id"
                                rm -f "/run/ends/$1$((n - 41))"
                        done
                }
                rm -rf /run/asked
                mkdir /run/asked
                touch /run/asked/refusals
                >/run/ends/started
                trap "touch /run/asked/enough; wait" EXIT
                ask_on "$2" &
                (for i in 1 2 3 4 5 6 7 8 9 10; do rm "/run/ends/ends$i"; sleep 0.1; done) &
                dpkg --install "$1"' "$@"
}

# What was asked for is there, each once: those whose time has come ended as they should, the others with scope and process.
expect_all_asked_for() {
        # shellcheck disable=SC2016
        there 'words() { sort --version-sort | xargs; }
                running() { agentctl list --no-legend --guild=asked --state=running --columns=id | words; }
                asked=$(words </run/asked/ids) left=$(cd /run/ends && ls "$1"* | words)
                for ((tries = 0; tries < 200; tries++)); do
                        [[ $(running) != "$left" ]] || break
                        sleep 0.1
                done
                same() { [[ $1 == "$2" ]] || { echo "$3: expected [$1], got [$2]" && exit 1; }; }
                same "$asked" "$(agentctl list --no-legend --guild=asked --columns=id | words)" listed
                same "$asked" "$(grep "^$1" /run/ends/started | words)" started
                same "$left" "$(running)" running
                same "$left" "$(systemctl list-units --plain --no-legend "agent-$1*.scope" | sed "s/^agent-//; s/\.scope .*//" | words)" scopes
                same "$left" "$(pgrep --full --list-full "/run/ends/[a]gent $1" | sed "s/.* //" | words)" processes
                ended=$(comm -23 <(sort /run/asked/ids) <(tr " " "\n" <<<"$left" | sort))
                same "Result=exit-code ExitStatus=41" \
                        "$(agentctl show --property=Result --property=ExitStatus $ended | grep . | paste --delimiters=" " - - | sort --unique)" "how others ended"
                echo "$(wc --words <<<"$asked") agents, refused meanwhile:"
                sort /run/asked/refusals | uniq --count' "$1"
}

# exits_while PACKAGE NAME: agents end while it is being installed, others run on, and further ones begin.
exits_while() {
        local launcher daemon stayed i
        launcher=$(main_pid agenthost-launcher.service) daemon=$(main_pid agenthostd.service)
        stayed=$(property stays MainPID)
        for ((i = 1; i <= 10; i++)); do
                create "ends$i" "$((i + 20))"
        done
        install_while_asked "$@"

        for ((i = 1; i <= 10; i++)); do
                await_end "ends$i"
                expect exit-code "$(property "ends$i" Result)" "result of ends$i"
                expect "$((i + 20))" "$(property "ends$i" ExitStatus)" "exit status of ends$i"
        done
        expect "$stayed" "$(property stays MainPID)" "the process of an agent that has nothing to do with it"
        expect true "$(property stays Alive)" "whether it is alive"
        expect running "$(property stays State)" "its state"
        expect "$launcher" "$(main_pid agenthost-launcher.service)" "the launcher's process"
        expect /usr/lib/agenthost/agenthost-launcher "$(run readlink "/proc/$launcher/exe")" "what it executes"
        [[ $(main_pid agenthostd.service) != "$daemon" ]] || { echo "agenthostd has not been restarted" && return 1; }
        expect_all_asked_for "$2"
        run agentctl --quiet cleanup
        run agentctl --quiet stop --guild=asked
}

test_upgrade_keeps_agents_and_exit_statuses() {
        add_runtime
        create stays 0
        exits_while "$work/newer.deb" up
        expect 9.9.9 "$(run dpkg-query --show --showformat='${Version}' agenthost)" version
}

test_downgrade_keeps_agents_and_exit_statuses() {
        exits_while "$work/older.deb" down
        expect 0.0.1 "$(run dpkg-query --show --showformat='${Version}' agenthost)" version
}

test_what_was_disabled_stays_so() {
        run systemctl --quiet disable agenthostd.service
        run systemctl stop agenthostd.service
        run dpkg --install "$work/agenthost.deb"
        expect_failure 1 disabled run systemctl is-enabled agenthostd.service
        expect_failure 3 inactive run systemctl is-active agenthostd.service
        run systemctl --quiet enable agenthostd.service
        run systemctl start agenthostd.service
        expect true "$(property stays Alive)" "whether an agent from before is alive"
}

test_changed_settings_are_kept() {
        there 'echo "MaxAgents=7" >>/etc/agenthost/agenthost.conf'
        run dpkg --install --force-confdef "$work/newer.deb"
        expect_like "*MaxAgents=7*" "$(run cat /etc/agenthost/agenthost.conf)" agenthost.conf
}

test_removal_ends_what_runs_and_keeps_settings() {
        run dpkg --remove agenthost
        # The links that enabled them stay until the purge.
        expect "" "$(run systemctl list-units --state=loaded --plain --no-legend 'agent*' '*agenthost*')" units
        expect_failure 1 "" run pgrep --full '/run/ends/[a]gent'
        expect_failure 1 "" run test -e /run/agenthost
        run test -e /etc/agenthost/runtimes.d/ends.runtime
}

test_purge_leaves_nothing() {
        run dpkg --purge agenthost
        run rm -r /run/ends /run/asked
        run userdel operator1
        state_of_host >"$work/after"
        diff "$work/before" "$work/after"
}

package_read_options
# Others look at other things than packages: once for a release is enough.
[[ ${AGENTHOST_VARIANT:-debug} == debug || (${AGENTHOST_VARIANT:-} == trixie && -v AGENTHOST_TEST_ALL) ]] ||
        skip_all "in variant debug, with --all also on Debian 13"
install_packages mmdebstrap
package_begin
tap_run
