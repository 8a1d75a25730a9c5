/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a verb works with: the options, and the connection to the message bus that agenthostd is on. Errors
 * are told to the user here, so that they read alike everywhere. */

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "exit-code.h"
#include "options.h"

typedef struct Ctl {
        const Options *options; /* borrowed */
        sd_event *event; /* both: once connected */
        sd_bus *bus;

        bool incomplete; /* of the fleet: some hosts have not told what they have */

        /* Once connected to act. */
        pid_t password_agent; /* 0: none */
        bool may_act_freely; /* nobody asks for a password: several calls at once would do so as often */
} Ctl;

#define _cleanup_message_ _cleanup_(sd_bus_message_unrefp)
#define _cleanup_bus_error_ _cleanup_(sd_bus_error_free)

/* For calls that wait for what agents do: it is agenthostd that gives up. */
#define CALL_NO_LIMIT UINT64_MAX

/* EXIT_OK, or what to exit with: it has been told why. Connecting twice is no error. */
int ctl_connect(Ctl *ctl);

/* The same, for verbs that act: who may act only with a password can be asked for it. */
int ctl_connect_to_act(Ctl *ctl);

void ctl_done(Ctl *ctl);

/* From here on Ctrl-C and SIGTERM end the event loop: nothing else does but a bus that has gone. */
int ctl_catch_interrupt(sd_event *event);
bool ctl_is_over(sd_event *event);

/* What to exit with behind a loop that gave r: EXIT_OK after an interrupt or an end of our own; else it has
 * been told. */
int ctl_end_of(sd_event *event, int r);

/* Tells the user about an error ("SUBJECT: ..." if it is not NULL) and gives the exit code. */
int ctl_report(const char *subject, const sd_bus_error *error);
int ctl_report_errno(const char *what, int error);

/* Only the exit code of an error's name. */
int ctl_code_of(const sd_bus_error *error);

/* What the user is told: the error's text, and what to do where the service is not there. g_free(). */
char *ctl_text_of(const sd_bus_error *error);

/* A method of the Manager, waited for; EXIT_OK, or what to exit with after having told why. */
int ctl_call_manager(
        Ctl *ctl, const char *member, uint64_t limit_usec, sd_bus_message **ret, const char *types, ...);

/* The call alone; the same answers. */
int ctl_manager_call_new(Ctl *ctl, const char *member, sd_bus_message **ret, const char *types, va_list ap);

/* The object of an agent; -ENOMEM, aborts as GLib does. */
char *ctl_agent_path(const char *id);
