# shellcheck shell=bash disable=SC2154,SC2034  # set by tests/bench/run, which sources this
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Launching agents, on a host without any.

measure_launch() {
        local round output
        for ((round = 1; round <= rounds; round++)); do
                for output in "${outputs[@]}"; do
                        say "launches, round $round of $rounds, output to $output"
                        stop_services
                        measure "$round" "$output" bare lone bench-bare-launch "$output" "$lone" "$guilds" 1
                        measure "$round" "$output" bare flight bench-bare-launch "$output" "$count" "$guilds" "$in_flight"
                        start_services
                        measure "$round" "$output" ours lone bench-create-agents "$output" "$lone" "$guilds" 1
                        measure "$round" "$output" ours flight bench-create-agents "$output" "$count" "$guilds" "$in_flight"
                done
        done
}

print_launch() {
        local output
        echo "lone: $lone launches one after the other; in flight: $count launches, $in_flight at a time;" \
                "$guilds guilds"
        for output in "${outputs[@]}"; do
                print_table launch.awk "output=$output"
        done
}
