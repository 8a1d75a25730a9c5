# shellcheck shell=bash disable=SC2154,SC2034  # set by tests/run
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What Prometheus itself says of our metrics (../lib/check_metrics.py asks it). Debian has promtool in the package of the
# server, which would be started on the machine: only the tool is taken out of it.

promtool_get() {
        local work
        tools_dir=$build_root/tools
        export AGENTHOST_PROMTOOL=$tools_dir/promtool
        [[ ! -x $AGENTHOST_PROMTOOL ]] || return 0
        command -v apt-get >/dev/null || die "promtool is missing: put it into $tools_dir"

        say "taking promtool out of Debian's package prometheus"
        work=$(mktemp --directory)
        promtool_download "$work" || {
                apt_quietly update
                promtool_download "$work"
        } || die "Debian's package prometheus cannot be downloaded; put promtool into $tools_dir"
        mkdir -p "$tools_dir"
        dpkg-deb --fsys-tarfile "$work"/prometheus_*.deb | tar --extract --directory="$work" ./usr/bin/promtool
        mv "$work/usr/bin/promtool" "$AGENTHOST_PROMTOOL"
        rm -rf -- "$work"
}

promtool_download() (
        cd -- "$1" && apt-get download prometheus >/dev/null 2>&1
)
