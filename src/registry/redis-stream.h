/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One connection to a Redis server on an event loop: a non-blocking socket, TLS on it where wanted, commands
 * out, replies in, which hiredis's parser takes apart. It knows nothing of what is said; redis-client.c
 * does.
 *
 * Only the parser of hiredis is used. Its asynchronous API ends the process (assert()) at a reply that
 * nobody asked for, resolves names in the caller's thread, has no limits of time in version 0.14, and no
 * TLS.
 *
 * What is sent within one turn of the loop leaves in one write. A turn reads a bounded piece of what has
 * come, so that a flood of replies does not hold up the loop. */

#include <hiredis/hiredis.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "fault.h"
#include "redis-tls.h"

typedef struct RedisStream RedisStream;

typedef struct RedisStreamHandlers {
        /* The server has been reached, and TLS is on. What was sent before goes out now. */
        void (*opened)(void *userdata);

        /* In the order of the commands, as far as the server keeps to the protocol. The reply is freed
         * afterwards. */
        void (*replied)(const redisReply *reply, void *userdata);

        /* All replies that a turn has brought have been told: time to send more. */
        void (*drained)(void *userdata);

        /* It is over: nothing follows. The stream is still to be freed. */
        void (*closed)(const Fault *why, void *userdata);
} RedisStreamHandlers;

/* Begins to connect. tls: NULL for none; host: whom TLS must prove, ignored else. Handlers are called from
 * the loop only; in each of them the stream may be freed. Fault: RegistryUnavailable. */
int redis_stream_new(sd_event *event,
        const struct sockaddr *address,
        socklen_t address_size,
        const RedisTlsSettings *tls,
        const char *host,
        const RedisStreamHandlers *handlers,
        void *userdata,
        RedisStream **ret,
        Fault *fault);
RedisStream *redis_stream_free(RedisStream *stream);

/* Whoever has brought it up may hand it over to another. */
void redis_stream_set_handlers(RedisStream *stream, const RedisStreamHandlers *handlers, void *userdata);

/* One word of a command, of any bytes. */
typedef struct RedisWord {
        const char *data;
        size_t size;
} RedisWord;

void redis_stream_send(RedisStream *stream, const RedisWord *words, size_t n_words);
