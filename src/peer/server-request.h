/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One HTTP request, from its head to the last byte of its answer: who may ask, what is asked, the body
 * within its limits; then it waits for its call, suspended in libmicrohttpd, and watches that its client is
 * still there. Used by the server. */

#include "server-call.h"

/* Callbacks of libmicrohttpd, with the server as closure. */
enum MHD_Result server_request_on_access(void *server,
        struct MHD_Connection *mhd,
        const char *url,
        const char *method,
        const char *version,
        const char *data,
        size_t *size,
        void **context);
void server_request_on_completed(
        void *server, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code);

/* For server-call.c: what it waits for is over. */
void server_request_answer(ServerRequest *r, Reply *reply);
void server_request_abandon(ServerRequest *r);
