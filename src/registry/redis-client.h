/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A client of one Redis server that is always there for its user: it connects, says who it is, finds out
 * what the server is, notices when it hangs, and connects again, for as long as it lives. Used by redis.c.
 *
 * Commands are answered in their order. Each has a limit of time, and their number is bounded: a server that
 * answers too late is given up, and everything that waits for it is told why. An attempt waits longer after
 * each failure (redis-backoff.h); names are resolved and secrets read anew for each. There is one timer.
 *
 * It logs nothing: its user knows what a failure means to whom. */

#include <hiredis/hiredis.h>
#include <systemd/sd-event.h>

#include "redis-hello.h"
#include "redis-stream.h"
#include "redis-url.h"

typedef struct RedisClient RedisClient;

/* How many commands may wait for their answers, and how many of these for those who have a great many. */
#define REDIS_CALLS_MAX 4096u
#define REDIS_BULK_CALLS_MAX 512u

typedef struct RedisClientSettings {
        RedisUrl *url; /* taken over */
        const char *client_name; /* of CLIENT LIST: no blanks */
        const char *password, *password_file;
        RedisTlsSettings tls;
        uint64_t attempt_limit_usec; /* from the name to the first command; 0: the default, as below */
        uint64_t command_limit_usec;
        uint64_t idle_usec; /* after so long without a word the server is asked whether it is there */
        uint64_t backoff_last_usec;
} RedisClientSettings;

typedef struct RedisClientHandlers {
        /* Commands can be sent. */
        void (*ready)(const RedisServer *server, void *userdata);

        /* An attempt to connect has failed, or the connection has ended; what had been sent has been
         * answered with the same fault. why is kept for redis_client_why(). */
        void (*away)(const Fault *why, void *userdata);

        /* Some answers have come and been told. */
        void (*drained)(void *userdata);
} RedisClientHandlers;

/* Begins to connect. Handlers are called from the loop only. Fault: InvalidArgs, for settings that cannot be
 * used; the url is released then, too. */
int redis_client_new(sd_event *event,
        const RedisClientSettings *settings,
        const RedisClientHandlers *handlers,
        void *userdata,
        RedisClient **ret,
        Fault *fault);

/* Nobody is answered any more. Not to be called in one of its handlers or of its answers. */
RedisClient *redis_client_free(RedisClient *client);

bool redis_client_is_ready(const RedisClient *client);

/* Why it is not ready: RegistryUnavailable. */
const Fault *redis_client_why(const RedisClient *client);

/* For messages. */
const char *redis_client_shown(const RedisClient *client);

/* Whether one who has much to send may go on. */
bool redis_client_has_room(const RedisClient *client);

/* Of reply and fault, one is NULL. A reply may be an error of the server (redis-error.h). */
typedef void (*RedisReplied)(const redisReply *reply, const Fault *fault, void *userdata);

/* Sends a command; replied is called from the loop, once. Words are copied. Fault: RegistryUnavailable, and
 * nothing is sent. */
int redis_client_send(RedisClient *client,
        const RedisWord *words,
        size_t n_words,
        RedisReplied replied,
        void *userdata,
        Fault *fault);

/* What was sent with this userdata stays sent, but nobody waits for its answer. */
void redis_client_forget(RedisClient *client, const void *userdata);
