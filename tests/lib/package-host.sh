# shellcheck shell=bash disable=SC2034  # used by who sources this
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For tests of packages: what they need to build one, and a host to install it on. Runs outside of the hosts.

here=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../host" && pwd)
source_dir=${here%/tests/host}
host=${AGENTHOST_HOST:-$here/host}
prefix=${AGENTHOST_HOST_PREFIX:-packages-$$}
name=$prefix-package
root=/ bus=broker

# shellcheck source=tap.sh
. "$here/../lib/tap.sh"
# shellcheck source=../../packaging/common.sh
. "$source_dir/packaging/common.sh"

manager="org.agenthost.Host1 /org/agenthost/Host1 org.agenthost.Host1.Manager"

# skip_all WHY: says so instead of tests, and ends.
skip_all() {
        echo "1..0 # SKIP $*"
        exit 0
}

# The suite's own options say which root and bus; it is told in words quoted for a shell.
package_read_options() {
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
        # shellcheck source=/dev/null
        release=$(. "$root/etc/os-release" && echo "${VERSION_CODENAME:-}")
        [[ $release == bookworm || $release == trixie ]] || skip_all "packages are for Debian 12 and 13"
}

package_begin() {
        work=$(mktemp --directory)
        chmod 0755 "$work"
        undo_at_exit package_end
}

package_end() {
        ! "$host" pid "$name" >/dev/null 2>&1 || "$host" pull-plug "$name"
        rm -rf -- "$work"
}

# A host without anything of ours. What keeps packages from starting services, in images for containers, is taken away, and
# what leaves out documentation.
boot() {
        "$host" boot "$name" --root "$root" --bus "$bus" --bind "$work" --bind "$source_dir"
        run sh -c 'rm -rf /usr/sbin/policy-rc.d /etc/dpkg/dpkg.cfg.d/*'
}

run() {
        "$host" run "$name" --timeout 120 "$@"
}

# In a shell there.
there() {
        run bash -c "set -euo pipefail; manager='$manager'; $1" bash "${@:2}"
}

# repack DEB VERSION NEW: the same package as another version.
repack() {
        local tree=$work/repack
        rm -rf -- "$tree"
        dpkg-deb --raw-extract "$1" "$tree"
        sed -i "s/^Version: .*/Version: $2/" "$tree/DEBIAN/control"
        dpkg-deb --root-owner-group --build "$tree" "$3"
}

# The agents of these tests end when their file goes: each with the status that stands in it. In "started" is who has read it.
add_runtime() {
        mkdir -p "$work/ends"
        # shellcheck disable=SC2016
        printf '%s\n' '#!/bin/sh' 'read -r status <"/run/ends/$1"' 'echo "$1" >>/run/ends/started' \
                'while [ -e "/run/ends/$1" ]; do sleep 0.02; done' 'exit "$status"' >"$work/ends/agent"
        printf '%s\n' '[Runtime]' 'Match=*' 'Exec=/run/ends/agent %a' 'User=nobody' >"$work/ends/ends.runtime"
        run install -D --mode=0755 --target-directory=/run/ends "$work/ends/agent"
        run install --mode=0666 /dev/null /run/ends/started
        run install --mode=0644 --target-directory=/etc/agenthost/runtimes.d "$work/ends/ends.runtime"
        run systemctl reload agenthostd.service
}

# create ID STATUS: an agent that will end with it.
create() {
        # shellcheck disable=SC2016
        there 'echo "$2" >"/run/ends/$1"
                busctl --timeout=60 call $manager CreateAgent "sssa{sv}" "{\"id\": \"$1\", \"name\": \"$1\"}" "{\"id\": \"g\"}" "{}" 0' \
                "$@" >/dev/null
}

# property ID NAME: without its type.
property() {
        run busctl --timeout=60 get-property org.agenthost.Host1 "/org/agenthost/Host1/agent/$1" org.agenthost.Host1.Agent "$2" |
                cut --delimiter=' ' --fields=2- | tr --delete '"'
}
