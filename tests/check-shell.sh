#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Every shell script of the project passes shellcheck.
set -euo pipefail

cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."
command -v shellcheck >/dev/null || { echo "shellcheck is missing (Debian: apt-get install shellcheck)" >&2; exit 1; }

scripts=()
while IFS= read -r -d '' file; do
        ! head --lines=1 "$file" | grep --quiet --extended-regexp '^#!.*\b(ba)?sh\b|^# shellcheck shell=' || scripts+=("$file")
done < <(find .ci packaging tests data -type f -print0 | sort --zero-terminated)

shellcheck "${scripts[@]}"
echo "${#scripts[@]} scripts"
