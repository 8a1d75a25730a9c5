# shellcheck shell=bash disable=SC2154,SC2034  # set by who sources this
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The fuzzers, with libFuzzer: each goes through its corpus and then tries so many inputs of its own, the same ones every
# time. (Without libFuzzer, the other variants go through the corpus.) Longer, by hand: tests/fuzz/run.

fuzz_packages=(clang libclang-rt-dev)
fuzz_options=(-Dfuzz=true '-Db_sanitize=address,undefined' -Db_lundef=false --buildtype=debugoptimized)
fuzz_runs=20000

fuzz_targets() {
        find "$source_dir/tests/fuzz/corpus" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort
}

# fuzz_setup DIR
fuzz_setup() {
        CC=clang meson setup "${fuzz_options[@]}" "$1" "$source_dir"
}

fuzz_suite_run() {
        local target discovered=$build_dir/discovered
        for target in $(fuzz_targets); do
                wanted fuzz "fuzz-$target" || continue
                # What it discovers goes into the first directory: not into the corpus.
                rm -rf -- "${discovered:?}"
                mkdir -p "$discovered"
                program_run fuzz "fuzz-$target" 300 "$build_dir/tests/fuzz/fuzz-$target" -runs="$fuzz_runs" -seed=1 \
                        -max_total_time=60 -artifact_prefix="$build_root/logs/fuzz-$target-" \
                        "$discovered" "$source_dir/tests/fuzz/corpus/$target" || true
        done
}
