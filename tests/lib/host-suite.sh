# shellcheck shell=bash disable=SC2154,SC2034  # set by tests/run
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The host suite: programs that run in a booted host (one for all of them, as long as nothing fails), and scripts that boot
# hosts themselves.

host_command=$source_dir/tests/host/host
host_prefix=agenthost-test-$$

# These are run once more, as NAME@user, with agenthost as a user's services.
host_user_mode_programs=(test-process-manager test-drain test-objects test-restart test-restart-calls test-restart-launcher
        test-retention test-location test-agentctl test-agentctl-act test-agentctl-fleet
        test-agentctl-run test-events)

# These trace the services. strace and LeakSanitizer are both tracers, and a process has one.
host_tracing_programs=(test-crash-points test-error-points test-launcher-killed test-unsent-answers)

# These look for what happens rarely: nothing that they find is to go away by another run.
host_once_programs=(test-crash-points test-error-points)

host_suite_run() {
        local program
        host_name=$host_prefix-shared
        host_options=(--root "$variant_root" --bus "$variant_bus" --install "$build_dir/install-tree"
                --bind "$source_dir" --bind "$build_dir" --bind "$tools_dir"
                --env "ASAN_OPTIONS=$ASAN_OPTIONS" --env "UBSAN_OPTIONS=$UBSAN_OPTIONS")

        for program in "$build_dir"/tests/host/test-*; do
                [[ $variant_name != sanitize || " ${host_tracing_programs[*]} " != *" ${program##*/} "* ]] || continue
                if [[ ${program##*/} != test-uml-* && -f $program && -x $program ]] && wanted host "$(basename "$program")"; then
                        host_suite_run_program "$program" "$(basename "$program")" || true
                fi
        done
        for program in "${host_user_mode_programs[@]}"; do
                if wanted host "$program@user"; then
                        host_suite_run_program "$build_dir/tests/host/$program" "$program@user" \
                                --env AGENTHOST_TEST_MODE=user || true
                fi
        done
        host_suite_end_host

        for program in "$source_dir"/tests/host/test-*.sh; do
                if [[ ${program##*/} != test-uml-* && -x $program ]] && wanted host "$(basename "$program")"; then
                        program_run_again host_suite_run_outside "$program" || true
                fi
        done
}

# host_suite_run_program PROGRAM TITLE [OPTION]...: inside, and again when something in it failed.
host_suite_run_program() {
        if [[ " ${host_once_programs[*]} " == *" ${1##*/} "* ]]; then
                host_suite_run_inside "$@"
        else
                program_run_again host_suite_run_inside "$@"
        fi
}

# host_suite_run_inside PROGRAM TITLE [OPTION]...: the options are those of "host run".
host_suite_run_inside() {
        local program=$1 title=$2 limit=600 since=$EPOCHSECONDS environment=("${@:3}") name
        # Sweeps have no end soon if nothing of them is left out.
        [[ $all == no ]] || limit=7200
        if ! "$host_command" pid "$host_name" >/dev/null 2>&1; then
                "$host_command" boot "$host_name" "${host_options[@]}" || {
                        program_add_failure "$variant_name/host $title: no host to run it in"
                        return 1
                }
        fi
        # One variant looks closely; the other sweeps over fewer points.
        [[ $all == yes || $variant_name == debug || -v AGENTHOST_TEST_POINTS ]] ||
                environment+=(--env AGENTHOST_TEST_POINTS=70)
        for name in AGENTHOST_SOURCE_DIR AGENTHOST_BUILD_DIR AGENTHOST_PROMTOOL AGENTHOST_TEST_ALL AGENTHOST_TEST_POINTS \
                ASAN_OPTIONS UBSAN_OPTIONS; do
                [[ ! -v $name ]] || environment+=(--env "$name=${!name}")
        done

        program_run "$variant_name/host" "$title" $((limit + 20)) "$host_command" run "$host_name" \
                --timeout "$limit" "${environment[@]}" "$program" --tap && return
        # What the services had to say about it; and the next program gets a host that nothing has happened to.
        host_suite_show_journal "$since"
        host_suite_end_host
        return 1
}

host_suite_show_journal() {
        echo "      the services' journal meanwhile:"
        "$host_command" run "$host_name" --timeout 20 journalctl --no-pager --output=short-precise --lines=200 \
                --since="@$1" --unit=agenthostd.service --unit=agenthost-launcher.service --unit='user@*.service' 2>&1 |
                sed 's/^/      | /' || true
}

host_suite_end_host() {
        "$host_command" pid "$host_name" >/dev/null 2>&1 || return 0
        # They look for leaks when they end.
        "$host_command" run "$host_name" --timeout 60 systemctl --quiet stop \
                agenthostd.socket agenthostd.service agenthost-launcher.socket agenthost-launcher.service || true
        host_suite_check_journal
        "$host_command" pull-plug "$host_name"
}

# A service that a sanitizer ended has been restarted, and its tests may have passed all the same.
host_suite_check_journal() {
        local found
        found=$("$host_command" run "$host_name" --timeout 60 journalctl --no-pager --output=cat \
                --grep='(Address|Leak|UndefinedBehavior)Sanitizer|runtime error:' 2>&1) || true
        [[ $found == *Sanitizer* || $found == *'runtime error:'* ]] || return 0
        program_add_failure "$variant_name/host: sanitizers found something in the services"
        "$host_command" run "$host_name" --timeout 60 journalctl --no-pager --output=cat \
                --unit='agenthost*' --unit='user@*.service' 2>&1 | grep -A 30 -E 'Sanitizer|runtime error:' | head -n 200 | sed 's/^/      | /' || true
}

host_suite_run_outside() {
        local status=0
        AGENTHOST_VARIANT=$variant_name AGENTHOST_HOST=$host_command AGENTHOST_HOST_PREFIX=$host_prefix AGENTHOST_HOST_OPTIONS=$(printf '%q ' "${host_options[@]}") \
                program_run "$variant_name/host" "$(basename "$1")" 900 "$1" || status=1
        host_suite_cleanup
        return "$status"
}

# Whatever of ours is still up, be it that a script was interrupted.
host_suite_cleanup() {
        local name
        while read -r name _; do
                [[ $name != "$host_prefix"-* ]] || "$host_command" pull-plug "$name"
        done < <("$host_command" list)
}
