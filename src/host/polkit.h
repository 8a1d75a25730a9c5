/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Asking polkit whether the sender of a call may do something. As we are not root, polkit answers only for
 * actions that name our user as their owner (data/polkit). Used by access.c. */

#include <systemd/sd-bus.h>

typedef enum PolkitAnswer {
        POLKIT_ALLOWED,
        POLKIT_DENIED,
        POLKIT_CHALLENGE, /* it would be for an authentication to decide, and there was none */
        POLKIT_UNAVAILABLE, /* not there, too slow, or it refused to say */
} PolkitAnswer;

/* text: of POLKIT_UNAVAILABLE, what is wrong. */
typedef void (*PolkitDone)(PolkitAnswer answer, const char *text, void *userdata);

typedef struct PolkitQuestion PolkitQuestion;

/* details: names and values in turn, ending with NULL; a name whose value is NULL cannot be in there.
 * Whether somebody may be asked for a password is what the call says (ALLOW_INTERACTIVE_AUTHORIZATION); he
 * gets minutes for it, polkit alone seconds. done is called once, from the loop, unless the question is
 * freed before: polkit is told then that nobody waits any more. Returns 0 or -errno. */
int polkit_ask(sd_bus *bus,
        sd_bus_message *call,
        const char *action,
        char *const *details,
        PolkitDone done,
        void *userdata,
        PolkitQuestion **ret);
PolkitQuestion *polkit_question_free(PolkitQuestion *question);
