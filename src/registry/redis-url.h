/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where a Redis server is, as people write it:
 *
 *     redis://[user[:password]@][host][:port][/db]      rediss:// the same with TLS
 *     unix://[user[:password]@]/path/of/socket[?db=n]
 *
 * What the original's client takes (redis-py), as far as it means the same here: the options db= and
 * password= may follow a "?", names and passwords may be %-encoded, an IPv6 address stands in brackets. A
 * URL of Sentinel or Cluster is refused by name.
 *
 * A URL can hold a password. No fault quotes any part of the text, and what is shown of it (RedisUrl.shown)
 * is written anew, without the password. Used by redis-client.c; the configuration checks its value with
 * it. */

#include "fault.h"

typedef enum RedisTransport {
        REDIS_TRANSPORT_TCP,
        REDIS_TRANSPORT_TLS,
        REDIS_TRANSPORT_UNIX,
} RedisTransport;

typedef struct RedisUrl {
        RedisTransport transport;
        char *host; /* NULL with a unix socket; an IPv6 address without its brackets */
        unsigned port;
        char *path; /* of a unix socket */
        char *user; /* NULL: the server's default user */
        char *password; /* NULL: none is in the URL; never to be printed */
        unsigned db;
        char *shown; /* for messages */
} RedisUrl;

#define REDIS_URL_BYTES_MAX 4096u

/* Fault: InvalidArgs, and what is wrong. */
int redis_url_parse(const char *text, RedisUrl **ret, Fault *fault);
RedisUrl *redis_url_free(RedisUrl *url);
static inline void redis_url_freep(RedisUrl **url)
{
        redis_url_free(*url);
}

/* Overwrites a secret before it is freed. NULL is fine. */
void redis_secret_free(char *secret);
