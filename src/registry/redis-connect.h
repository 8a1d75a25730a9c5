/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One attempt to get at a Redis server that can be worked with: secret, name, the addresses one after the
 * other, TLS, and the greeting that tells what the server is. It ends by itself, by its limit at the latest.
 * Used by redis-client.c. */

#include "redis-hello.h"
#include "redis-stream.h"
#include "redis-url.h"

typedef struct RedisConnect RedisConnect;

/* All borrowed, for the time of the attempt. */
typedef struct RedisConnectSettings {
        const RedisUrl *url;
        const char *client_name;
        const char *password, *password_file;
        RedisTlsSettings tls;
        uint64_t limit_usec;
} RedisConnectSettings;

/* From the loop, once; the attempt is to be freed here or later. stream: the handler's, which must set its
 * own handlers at once; NULL for a failure, with its cause (RegistryUnavailable). lasting: trying again soon
 * is no use. */
typedef void (*RedisConnected)(
        RedisStream *stream, const RedisServer *server, bool lasting, const Fault *cause, void *userdata);

RedisConnect *redis_connect_new(
        sd_event *event, const RedisConnectSettings *settings, RedisConnected done, void *userdata);
RedisConnect *redis_connect_free(RedisConnect *connect);
