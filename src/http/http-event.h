/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* libcurl's transfers on an sd-event loop: its sockets are io sources, its timer a time source. Nothing here
 * blocks, and an idle transfer costs nothing. Used by http-client.c only. */

#include <curl/curl.h>
#include <systemd/sd-event.h>

typedef struct HttpEvent HttpEvent;

/* A transfer is over, and has been taken out. Runs from the loop, never inside a call. */
typedef void (*HttpEventDone)(CURL *easy, CURLcode code, void *userdata);

int http_event_new(sd_event *event, HttpEventDone done, void *userdata, HttpEvent **ret);

/* There must be no transfers any more, and it must not be freed inside the callback. */
HttpEvent *http_event_free(HttpEvent *e);

/* The easy handle stays the caller's. */
int http_event_add(HttpEvent *e, CURL *easy);

/* Its callback does not come any more. Not inside libcurl's own callbacks. */
void http_event_remove(HttpEvent *e, CURL *easy);
