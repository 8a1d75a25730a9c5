/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The socket on which agents say READY=1 and the like (sd_notify(3)). One socket for all: who speaks is
 * decided by the kernel's credentials, and a message counts only for the agent whose main process, or whose
 * scope, its sender is of. */

#include <systemd/sd-event.h>

#include "macros.h"

typedef struct Notify Notify;
typedef struct Host Host;

/* What one message says. Texts are borrowed, valid during the callback. */
typedef struct NotifyMessage {
        bool ready;
        bool stopping;
        bool main_pid; /* a MAINPID= was in it */
        bool watchdog; /* WATCHDOG=1 */
        bool watchdog_trigger;
        bool watchdog_set; /* to watchdog_usec */
        uint64_t watchdog_usec;
        uint64_t extend_usec; /* 0: no EXTEND_TIMEOUT_USEC= */
        const char *status; /* NULL: none */
        const char *bad; /* an assignment whose value is none; NULL: none */
} NotifyMessage;

/* Parses size bytes of text, which is changed (newlines become NUL). Unknown assignments are ignored, a
 * status is cut at NOTIFY_STATUS_MAX bytes and freed of control characters and broken UTF-8. */
#define NOTIFY_STATUS_MAX 512u
void notify_parse(char *text, size_t size, NotifyMessage *ret);

/* Takes over fd, a bound datagram socket with SO_PASSCRED. It is served before anything else in the loop: a
 * READY=1 followed by an exit must be seen in that order. */
int notify_new(sd_event *event, int fd, Host *host, Notify **ret);
Notify *notify_free(Notify *notify);
