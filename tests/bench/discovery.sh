# shellcheck shell=bash disable=SC2154  # set by tests/bench/run, which sources this
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Discovery: a list of many endpoints is taken in, and what a watch costs where nothing changes. The program makes its
# settings itself, as its API server is a new one each time.

measure_discovery() {
        local round
        there systemctl start agenthostd.service
        for ((round = 1; round <= rounds; round++)); do
                say "discovery, round $round of $rounds"
                measure "$round" discovery ours all bench-discovery 100
                there systemctl restart agenthostd.service
        done
}

print_discovery() {
        print_table discovery.awk
}
