# shellcheck shell=bash disable=SC2154,SC2034  # set by tests/run
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# One test program: run it, count what it says in TAP, show its output when it failed.

total_passed=0 total_failed=0 total_skipped=0

# program_run SUITE NAME LIMIT COMMAND...; false when something in it failed. Its output is in $program_log then.
program_run() {
        local suite=$1 name=$2 limit=$3 status=0 start=$EPOCHREALTIME passed failed skipped log
        shift 3
        log=$suite-$name.log
        program_log=$build_root/logs/${log//\//-}
        program_title="$suite $name"

        program_limited "$limit" "$@" >"$program_log" 2>&1 </dev/null || status=$?
        read -r passed failed skipped < <(program_count "$program_log" "$status")
        program_counted=("$passed" "$failed" "$skipped")
        ((total_passed += passed, total_failed += failed, total_skipped += skipped)) || true

        program_report
        ((failed == 0)) || program_remember
        ((failed == 0))
}

# program_run_again FUNCTION ARGUMENT...: FUNCTION runs a program and is false when something in it failed; then, in a run of
# everything, it is called once more. What passes that time is counted as passed, and the end tells of it: the reason is still
# to be found.
program_run_again() {
        program_counted=()
        "$@" && return
        [[ $again == yes && ${#program_counted[@]} -gt 0 ]] || return
        # What else was found meanwhile, as by a sanitizer in a service, stays a failure.
        ((total_passed -= program_counted[0], total_failed -= program_counted[1], total_skipped -= program_counted[2])) || true
        "$@" || return
        program_tell "$program_title: passed when it was run again"
}

# What failed, and how, in a few lines: the end of a long output is what is read first.
program_remember() {
        local line
        program_tell "$program_title: exit status $status"
        program_failures "$program_log" | head -n 16 | cut -c 1-240 |
                while IFS= read -r line; do
                        program_tell "  $line"
                done
}

# What fails, with what is said of it: by GLib's tests before the line, by scripts behind it.
program_failures() {
        awk '
                /^not ok/ {
                        for (i = before > 3 ? before - 3 : 0; i < before; i++) print said[i]
                        print
                        before = 0; behind = 6
                        next
                }
                /^ok / { before = behind = 0; next }
                /^Bail out!|Sanitizer: |runtime error: / { print; next }
                /^# (Start|End) of |^# random seed/ { next }
                /^# / && behind > 0 { print; behind--; next }
                /^# / { said[before++] = $0 }' "$1"
}

# Variants run at the same time, in processes of their own.
program_tell() {
        printf '%s\n' "$1" >>"$build_root/logs/failures"
}

# timeout(1) cannot run shell functions; in the foreground, so that Ctrl-C reaches the program too.
program_limited() {
        local limit=$1
        shift
        case $1 in
        in_root)
                shift
                in_root timeout --foreground --kill-after=5 "$limit" "$@"
                ;;
        *)
                timeout --foreground --kill-after=5 "$limit" "$@"
                ;;
        esac
}

# Prints how many passed, failed and were skipped. A program that dies, or does less than it planned, has failed once more;
# one that speaks no TAP is a single test.
program_count() {
        awk -v status="$2" '
                /^ok / || /^not ok / {
                        spoke = 1; seen++
                        if (/# *(SKIP|TODO)/) skipped++
                        else if (/^ok /) passed++
                        else failed++
                }
                /^1\.\.[0-9]+/ { spoke = 1; planned = substr($1, 4) + 0; has_plan = 1 }
                /^Bail out!/ { spoke = 1; bailed = 1 }
                END {
                        if (!spoke && status == 0) passed = 1
                        else if (bailed || (status != 0 && !failed) || (has_plan ? seen != planned : spoke)) failed++
                        print passed + 0, failed + 0, skipped + 0
                }' "$1"
}

# In one piece: variants speak at the same time.
program_report() {
        local text
        text=$(program_report_text)
        printf '%s\n' "$text"
}

program_report_text() {
        local seconds word=ok details="$passed passed"
        [[ $verbose == no ]] || cat "$program_log"
        seconds=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
        ((skipped == 0)) || details+=", $skipped skipped"
        ((failed == 0)) || word=FAIL details+=", $failed failed, exit status $status"
        ((status != 124)) || details+=" (took longer than $limit s)"
        printf '%-5s %s %s: %s (%s s)\n' "$word" "$suite" "$name" "$details" "$seconds"
        if ((failed > 0)) && [[ $verbose == no ]]; then
                sed 's/^/      | /' "$program_log"
        fi
}

# For what is not a program of its own.
program_add_failure() {
        ((++total_failed))
        program_tell "$*"
        printf 'FAIL  %s\n' "$*"
}

program_summary() {
        [[ ! -s $build_root/logs/failures ]] || {
                echo "failed:"
                cat "$build_root/logs/failures"
        }
        ((total_skipped == 0)) || echo "$total_skipped skipped"
        echo "$total_passed passed, $total_failed failed"
        ((total_passed > 0 && total_failed == 0))
}
