#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What of the packages is not looked at in every run: that builds can be repeated, what lintian and rpmlint say, that the
# RPM package has the files of Debian's, and an upgrade between builds that differ. Runs outside of the hosts; speaks TAP.
set -euo pipefail

# shellcheck source=../lib/package-host.sh
. "$(dirname -- "$(readlink -f -- "$0")")/../lib/package-host.sh"

build_deb() {
        "$source_dir/packaging/build-deb" --release "$release" "$@"
}

test_lintian_finds_nothing() {
        build_deb --output "$work/first" --lint
}

test_builds_are_the_same_byte_for_byte() {
        local package
        # Another umask and another time zone, and later.
        (umask 0077 && TZ=Asia/Tokyo LC_ALL=C build_deb --output "$work/second")
        for package in "$work"/first/*.deb; do
                cmp "$package" "$work/second/${package##*/}"
        done
}

# Files of an unpacked package: path, type, mode, and what is in those that are not programs.
list_files() {
        (
                cd "$1"
                # Where each puts them for itself.
                find . ! -path './usr/share/doc/agenthost*/*' ! -path './usr/share/licenses*' ! -path './usr/share/doc/agenthost-*' \
                        -type f -printf '%P %m\n' -o -type l -printf '%P -> %l\n'
                find etc -type d -printf '%p %m\n'
                find usr/share/doc/agenthost -type f ! -name copyright ! -name 'changelog*' -exec md5sum {} + -printf '%p %m\n'
                find . -type f ! -path './usr/share/doc/agenthost*/*' ! -path './usr/share/licenses/*' ! -path './usr/lib/agenthost/*' ! -path './usr/bin/*' \
                        ! -name '*.gz' -exec md5sum {} +
                # Which scdoc has made a page is in its first line.
                # shellcheck disable=SC2016
                find . -name '*.[1-8].gz' -exec sh -c 'for page; do echo "$page $(gzip -cd "$page" | sed 1d | md5sum)"; done' sh {} +
        ) | sort
}

test_rpm_has_the_files_of_the_deb() {
        mkdir "$work/deb" "$work/rpm"
        "$source_dir/packaging/build-rpm" --output "$work"
        dpkg-deb --extract "$work"/first/agenthost_*.deb "$work/deb"
        # Which is Debian's own place for them.
        [[ ! -d $work/deb/usr/share/zsh ]] || mv "$work/deb/usr/share/zsh/vendor-completions" "$work/deb/usr/share/zsh/site-functions"
        rpm2cpio "$work"/agenthost-*.x86_64.rpm | (cd "$work/rpm" && cpio --extract --make-directories --quiet)
        diff <(list_files "$work/deb") <(list_files "$work/rpm")
}

test_rpm_builds_are_the_same_byte_for_byte() {
        local package
        (umask 0077 && "$source_dir/packaging/build-rpm" --output "$work/again")
        # The source package has the path of its build in it.
        for package in "$work"/agenthost-*.x86_64.rpm; do
                cmp "$package" "$work/again/${package##*/}"
        done
}

test_rpmlint_finds_no_errors() {
        rpmlint --rpmlintrc "$source_dir/packaging/rpm/agenthost.rpmlintrc" "$work"/agenthost-*.rpm \
                "$source_dir/packaging/rpm/agenthost.spec"
}

# Of this one the programs differ: the launcher is another build of itself afterwards.
test_upgrade_between_builds_keeps_agents() {
        local launcher
        build_deb --output "$work/newer" --version 9.9.9
        boot
        run dpkg --install "$work"/first/agenthost_*.deb
        add_runtime
        create stays 0
        create ends 33
        launcher=$(run systemctl show --property=MainPID --value agenthost-launcher.service)
        run dpkg --install "$work"/newer/agenthost_*.deb
        run journalctl --sync
        expect_like "*as version 9.9.9, with 2 agents of version *" "$(run journalctl --output=cat --unit=agenthost-launcher.service)" \
                "what the launcher says"
        expect "$launcher" "$(run systemctl show --property=MainPID --value agenthost-launcher.service)" "its process"
        run rm /run/ends/ends
        run dpkg --install "$work"/first/agenthost_*.deb
        expect "exit-code 33" "$(property ends Result) $(property ends ExitStatus)" "how it has ended"
        expect true "$(property stays Alive)" "whether the other one is alive"
}

# Debian's own tool for it, in a host that is as good as a machine of its own, which its null back-end does not know.
test_autopkgtest_itself_passes() {
        [[ $root == / ]] || { echo "(autopkgtest is not installed on $root)" && return 0; }
        "$host" pull-plug "$name"
        boot
        # shellcheck disable=SC2016
        there 'rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
                mkdir -p /root/source && cp -r "$1/packaging/debian" /root/source/debian
                autopkgtest --ignore-restrictions=isolation-machine --output-dir=/root/results "$2"/agenthost_*.deb /root/source -- null
                grep --line-regexp "run-agent *PASS" /root/results/summary' "$source_dir" "$work/first"
}

package_read_options
[[ -v AGENTHOST_TEST_ALL ]] || skip_all "with --all"
[[ ${AGENTHOST_VARIANT:-debug} == debug || ${AGENTHOST_VARIANT:-} == trixie ]] || skip_all "in variants debug and trixie"
install_packages autopkgtest mmdebstrap rpm rpmlint cpio desktop-file-utils
package_begin
tap_run
