/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Makes a libcurl handle do what HttpOptions say. Used by http-client.c. */

#include <curl/curl.h>

#include "http-client.h"

/* The lists that a handle goes on using; freed after it. */
typedef struct HttpLists {
        struct curl_slist *headers;
        struct curl_slist *connect_to;
} HttpLists;

void http_lists_done(HttpLists *lists);

/* Fault: InvalidArgs. */
int http_setup(CURL *easy, const HttpOptions *options, HttpLists *lists, Fault *fault);
