# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The table of agentctl's commands.

BEGIN { output = "ctl" }

END {
        choose_rounds()
        printf "%-34s %9s %9s   %5s\n", "a command, us", "bare", "ours", "ratio"
        line("list, and busctl call", "list", "command_usec", "%.0f", "(at most 1.5)")
        line("run --wait, and systemd-run --scope", "run", "command_usec", "%.0f", "(at most 1.3)")
}
