# shellcheck shell=bash disable=SC2034  # used by who sources this
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What tests/run and packaging/quickstart share.

# su(1) keeps the PATH of a user, who has no use for these.
PATH=$PATH:/usr/sbin:/sbin

# shellcheck source=undo.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/undo.sh"

say() {
        echo "== $*"
}

die() {
        echo "${0##*/}: $*" >&2
        exit 1
}

# become_root "$0" ARGUMENTS: starts over with sudo where we are not root.
become_root() {
        [[ $EUID -ne 0 ]] || return 0
        command -v sudo >/dev/null || die "needs root, and there is no sudo: run it as root"
        exec sudo -- "$@"
}

build_packages=(gcc meson ninja-build pkgconf libsystemd-dev libjson-c-dev libinih-dev libglib2.0-dev
        libhiredis-dev libgnutls28-dev libcurl4-openssl-dev libyaml-dev libmicrohttpd-dev scdoc)
# Servers that tests start themselves: the file is in the tools too, which start none on the machine.
server_packages=(redis-tools)
# What tests of documents are written in.
test_packages=(python3-yaml python3-jsonschema zsh)
host_packages=(systemd dbus dbus-user-session polkitd libpam-systemd iproute2 util-linux procps)

# Installs what is missing, and only then asks for the network.
install_packages() {
        local missing=() package
        for package; do
                [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
                        missing+=("$package")
        done
        [[ ${#missing[@]} -gt 0 ]] || return 0
        command -v apt-get >/dev/null || die "these Debian packages are missing, install them by hand: ${missing[*]}"
        say "installing ${missing[*]}"
        apt_quietly update
        apt_quietly install --yes --no-install-recommends "${missing[@]}"
}

apt_quietly() {
        local log
        log=$(mktemp)
        if ! DEBIAN_FRONTEND=noninteractive apt-get "$@" >"$log" 2>&1 </dev/null; then
                cat "$log" >&2
                rm -f "$log"
                die "apt-get $1 failed, see above"
        fi
        rm -f "$log"
}

# dbus-broker enables itself: on a machine with a systemd of its own that would change its message bus at the next boot.
install_dbus_broker() {
        local link=/etc/systemd/system/dbus.service had=no
        [[ ! -e $link ]] || had=yes
        install_packages dbus-broker
        if [[ $had == no && -e $link ]]; then
                systemctl --quiet --root=/ disable dbus-broker.service
                systemctl --quiet --root=/ --global disable dbus-broker.service || true
        fi
}
