/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* agentctl, run as a user runs it: with pipes, or on a terminal. In user mode it is told so. */

#include <json-c/json.h>
#include <sys/types.h>

#include "macros.h"

typedef struct CtlResult {
        int code; /* exit status; -1: ended by a signal */
        char *out, *err;
} CtlResult;

/* A line for a shell, in which "agentctl" does what it says; with arguments as in printf. */
CtlResult ctl(const char *format, ...) _printf_(1, 2);
void ctl_result_done(CtlResult *result);
#define _cleanup_ctl_ _cleanup_(ctl_result_done)

/* The same as another user, in system mode: with his own groups. */
CtlResult ctl_as(const char *user, const char *format, ...) _printf_(2, 3);

/* Expects the exit status; gives what was said to standard output. */
char *ctl_expect(int code, const char *format, ...) _printf_(2, 3);

/* Expects failure with this status, nothing on standard output, and this in the error's text. */
void ctl_expect_error(int code, const char *part, const char *format, ...) _printf_(3, 4);

/* Expects success and JSON. json_object_put(). */
struct json_object *ctl_json(const char *format, ...) _printf_(1, 2);

/* One that goes on: what it says comes line by line. */
typedef struct CtlStream CtlStream;
CtlStream *ctl_stream_new(const char *format, ...) _printf_(1, 2);

/* The next line, without its newline, that has this in it; others are skipped. Ends the test when none
 * comes.
 */
char *ctl_stream_find(CtlStream *stream, const char *part);

/* Ctrl-C, and what is said after it. Gives the exit status. */
int ctl_stream_interrupt(CtlStream *stream);

/* Waits for its end by itself. */
int ctl_stream_wait(CtlStream *stream);
CtlStream *ctl_stream_free(CtlStream *stream);
static inline void ctl_stream_freep(CtlStream **stream)
{
        ctl_stream_free(*stream);
}
#define _cleanup_stream_ _cleanup_(ctl_stream_freep)

/* On a terminal of so many columns, as a user (NULL: who the test is): both outputs in one. typed (may be
 * NULL) is typed once this prompt has been seen, and the echo is off: a password, or into a shell. */
CtlResult ctl_on_terminal(
        unsigned columns, const char *user, const char *prompt, const char *typed, const char *line);
