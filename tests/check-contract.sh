#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/data/contract.txt: every case of the original has a line, every test that is named there exists. Speaks TAP.
set -euo pipefail

here=$(dirname -- "$(readlink -f -- "$0")")
. "$here/lib/tap.sh"
list=$here/data/contract.txt

# "CASE WHAT" of every line that says something.
lines() {
        grep --extended-regexp --invert-match '^(#|$)' "$list"
}

expect_cases() {
        local letter=$1 last=$2 more=$3 number case wrong=0
        for number in $(seq "$last") $(seq --format='+%g' "$more"); do
                case=$letter$number
                # No pipe: whoever writes into one that grep --quiet has left fails.
                grep --quiet --fixed-strings "$(printf '%-5s' "$case")" <<<"$(lines)" || { echo "$case has no line" && wrong=1; }
        done
        return "$wrong"
}

test_every_case_has_a_line() {
        expect_cases M 16 5
        expect_cases R 15 5
        expect_cases P 14 2
        expect_cases S 14 0
        expect_cases V 2 0
        expect_cases E 11 0
}

test_every_line_says_what_becomes_of_the_case() {
        local case what wrong=0
        while read -r case what; do
                [[ $what == /* || $what == differs:\ * ]] ||
                        { echo "$case: '$what' is neither a test nor 'differs:'" && wrong=1; }
        done < <(lines)
        return "$wrong"
}

# A program has it in its own source, whole, or its group ("/objects/") and its name.
test_every_named_test_exists() {
        local case what group name wrong=0
        while read -r case what; do
                [[ $what == /* ]] || continue
                group=/$(cut --delimiter=/ --fields=2 <<<"$what")/ name=${what##*/}
                ! grep --recursive --quiet --fixed-strings "\"$what\"" "$here" --include='test-*.c' || continue
                grep --recursive --files-with-matches --fixed-strings "\"$group\"" "$here" --include='test-*.c' |
                        xargs --no-run-if-empty grep --quiet --fixed-strings "\"$name\"" ||
                        { echo "$case: there is no test $what" && wrong=1; }
        done < <(lines)
        return "$wrong"
}

tap_run
