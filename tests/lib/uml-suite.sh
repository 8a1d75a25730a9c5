# shellcheck shell=bash disable=SC2154,SC2034  # set by tests/run
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The uml suite: programs that need a kernel with resource controllers, all of them in one User Mode Linux, and scripts
# that boot such machines themselves. One variant has it: it is slow, and what it looks at is the kernel.

uml_command=$source_dir/tests/host/uml
uml_program_limit=900
uml_variant=debug
uml_packages=(user-mode-linux kmod)

uml_suite_is_wanted() {
        local program
        for program in "$source_dir"/tests/host/test-uml-*; do
                ! wanted uml "$(basename "${program%.c}")" || return 0
        done
        return 1
}

uml_suite_run() {
        local program programs=()
        [[ $variant_name == "$uml_variant" ]] || return 0
        for program in "$build_dir"/tests/host/test-uml-*; do
                if [[ -f $program && -x $program ]] && wanted uml "$(basename "$program")"; then
                        programs+=("$program")
                fi
        done
        [[ ${#programs[@]} -eq 0 ]] || uml_suite_run_inside "${programs[@]}"

        for program in "$source_dir"/tests/host/test-uml-*.sh; do
                if [[ -x $program ]] && wanted uml "$(basename "$program")"; then
                        program_run "$variant_name/uml" "$(basename "$program")" 900 "$program" || true
                fi
        done
}

uml_suite_run_inside() {
        local results=$build_root/logs/uml number options name lines=()
        rm -rf -- "${results:?}"
        mkdir -p "$results"
        options=(--bus "$variant_bus" --install "$build_dir/install-tree" --bind "$source_dir" --bind "$build_dir"
                --timeout "$uml_program_limit" --results "$results")
        for name in AGENTHOST_SOURCE_DIR AGENTHOST_BUILD_DIR AGENTHOST_TEST_ALL; do
                [[ ! -v $name ]] || options+=(--env "$name=${!name}")
        done
        for number in "${!programs[@]}"; do
                lines+=("$(printf '%q --tap' "${programs[$number]}")")
        done

        say "$variant_name: running ${#programs[@]} programs under User Mode Linux"
        program_limited $((${#programs[@]} * uml_program_limit + 300)) "$uml_command" "${options[@]}" "${lines[@]}" || true
        for number in "${!programs[@]}"; do
                program_run "$variant_name/uml" "$(basename "${programs[$number]}")" 60 \
                        bash -c "$uml_suite_result" uml "$results/$number" || true
        done
}

# What a program that has been run in there said, and how it ended.
# shellcheck disable=SC2016
uml_suite_result='
        cat "$1.log" || exit
        [[ -f $1.status ]] || { echo "it did not end" && exit 1; }
        exit "$(<"$1.status")"'
