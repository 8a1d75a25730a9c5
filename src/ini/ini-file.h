/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Settings files in systemd's syntax, read with inih: sections, Key=value, lines that begin with # or ; are
 * comments, a backslash at the end joins lines; values of any length. inih as Debian builds it cuts lines at
 * 200 bytes, ends values at " ;" and joins indented lines, none of which a user of systemd expects: the
 * reader that feeds it hands it each logical line without its value and keeps the value aside. */

#include <stdio.h>

#include "fault.h"

/* Called for each assignment, in order; section is "" before the first header. line is where the assignment
 * begins. Returns 0 to go on, or a negative errno to stop, which ini_read() then returns. */
typedef int (*IniHandler)(
        const char *section, const char *key, const char *value, unsigned line, void *userdata);

/* Reads path. Keys and sections are of letters, digits, "-", "_" and "."; values are UTF-8 without control
 * characters but tabs. 0, -errno of opening and reading, the handler's error, or -EBADMSG for a line that is
 * no setting (fault: "PATH:LINE: ..."). A file above 1 MiB is -EFBIG. */
int ini_read(const char *path, IniHandler handler, void *userdata, Fault *fault);

/* The same for a file that is open already (its owner can be looked at first); path is for messages. */
int ini_read_fd(int fd, const char *path, IniHandler handler, void *userdata, Fault *fault);
