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
        if [[ ${#programs[@]} -gt 0 ]]; then
                uml_suite_run_inside "${programs[@]}"
                for program in "${programs[@]}"; do
                        program_run_again uml_suite_result_of "$program" || true
                done
        fi

        for program in "$source_dir"/tests/host/test-uml-*.sh; do
                if [[ -x $program ]] && wanted uml "$(basename "$program")"; then
                        program_run_again program_run "$variant_name/uml" "$(basename "$program")" 900 "$program" || true
                fi
        done
}

# What each of them said, and how it ended, is in files of its name then.
uml_suite_run_inside() {
        local results=$build_root/logs/uml machine=$build_root/logs/uml-machine number options name part lines=()
        rm -rf -- "${machine:?}"
        mkdir -p "$results" "$machine"
        options=(--bus "$variant_bus" --install "$build_dir/install-tree" --bind "$source_dir" --bind "$build_dir"
                --timeout "$uml_program_limit" --results "$machine")
        for name in AGENTHOST_SOURCE_DIR AGENTHOST_BUILD_DIR AGENTHOST_TEST_ALL; do
                [[ ! -v $name ]] || options+=(--env "$name=${!name}")
        done
        for name in "$@"; do
                lines+=("$(printf '%q --tap' "$name")")
                rm -f -- "$results/${name##*/}".*
        done

        say "$variant_name: running $# programs under User Mode Linux"
        program_limited $(($# * uml_program_limit + 300)) "$uml_command" "${options[@]}" "${lines[@]}" || true
        for ((number = 0; $# > 0; number++)); do
                for part in log status; do
                        [[ ! -e $machine/$number.$part ]] || mv "$machine/$number.$part" "$results/${1##*/}.$part"
                done
                shift
        done
}

# uml_suite_result_of PROGRAM: what has been run with the others is judged; asked for again, it is run again, alone.
uml_suite_result_of() {
        local result=$build_root/logs/uml/${1##*/}
        [[ -e $result.log ]] || uml_suite_run_inside "$1"
        if program_run "$variant_name/uml" "${1##*/}" 60 bash -c "$uml_suite_result" uml "$result"; then
                return
        fi
        rm -f -- "$result".*
        return 1
}

# What a program that has been run in there said, and how it ended.
# shellcheck disable=SC2016
uml_suite_result='
        cat "$1.log" || exit
        [[ -f $1.status ]] || { echo "it did not end" && exit 1; }
        exit "$(<"$1.status")"'
