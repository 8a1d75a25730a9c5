# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For tests that are shell scripts: functions named test_* are run in their order, each in a subshell under set -e;
# what they print is shown as comments. tap_on_failure SECONDS, where there is such a function, says more about one that
# has failed and began at this time.

tap_run() {
        local test number=0 output status failed=0 start tests=()
        mapfile -t tests < <(shopt -s extdebug && declare -F | while read -r _ _ test; do
                [[ $test != test_* ]] || declare -F "$test"
        done | sort --key=2n | cut --delimiter=' ' --fields=1)

        echo "1..${#tests[@]}"
        for test in "${tests[@]}"; do
                ((++number))
                start=$EPOCHSECONDS
                # Not as a condition: there set -e does not hold.
                set +e
                output=$(set -e && "$test" 2>&1)
                status=$?
                set -e
                if ((status == 0)); then
                        echo "ok $number $test"
                else
                        echo "not ok $number $test"
                        failed=1
                fi
                [[ -z $output ]] || echo "# ${output//$'\n'/$'\n'# }"
                ((status == 0)) || [[ $(type -t tap_on_failure) != function ]] ||
                        tap_on_failure "$start" 2>&1 | sed 's/^/# /' || true
        done
        return "$failed"
}

# expect WANTED GOT WHAT
expect() {
        [[ $1 == "$2" ]] || { echo "$3: expected '$1', got '$2'" && return 1; }
}

# expect_like GLOB GOT WHAT
expect_like() {
        # shellcheck disable=SC2053
        [[ $2 == $1 ]] || { echo "$3: expected '$1', got '$2'" && return 1; }
}

# expect_failure STATUS TEXT COMMAND...: it fails with this status, and says this.
expect_failure() {
        local wanted=$1 text=$2 said status=0
        shift 2
        said=$("$@" 2>&1) || status=$?
        expect "$wanted" "$status" "exit status of $*"
        expect_like "*$text*" "$said" "output of $*"
}
