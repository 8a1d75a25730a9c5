# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Cleaning up, however a script ends. Used by packaging/common.sh and by the test hosts.

# undo_at_exit FUNCTION: run at the end, however we end. Ctrl-C reaches us more than once (impatient people; timeout(1)
# signals both us and our process group), and the second must not end the cleanup of the first.
undo_at_exit() {
        undo=$1
        ending=no
        trap 'undo_now' EXIT
        trap 'undo_interrupted' INT TERM HUP
}

undo_interrupted() {
        [[ $ending == no ]] || return 0
        ending=yes
        exit 130
}

undo_now() {
        ending=yes
        trap '' INT TERM HUP
        "$undo"
}
