/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How a connection to Redis begins: who we are (AUTH, CLIENT SETNAME, CLIENT SETINFO), which database
 * (SELECT), and what kind of server it is (INFO). All of it is sent at once; when everything is answered, it
 * is judged whether the server can be worked with. Pure: what to send, and what to make of the answers.
 * Used by redis-client.c. */

#include "redis-stream.h"
#include "redis-url.h"

typedef enum RedisHelloStep {
        REDIS_HELLO_AUTH,
        REDIS_HELLO_NAME,
        REDIS_HELLO_LIBRARY,
        REDIS_HELLO_LIBRARY_VERSION,
        REDIS_HELLO_SELECT,
        REDIS_HELLO_INFO,
        _REDIS_HELLO_STEP_MAX,
} RedisHelloStep;

#define REDIS_HELLO_WORDS_MAX 4u

typedef struct RedisHello {
        const RedisUrl *url;
        const char *password; /* NULL: none */
        const char *client_name;
        char db[16];

        RedisHelloStep step; /* that the next answer belongs to */
        char *refusal; /* what the first step that failed has been answered; owned */
        bool lasting; /* it will be, until somebody changes a setting */
        char *info; /* owned; NULL: not told */
} RedisHello;

/* What is known of a server that can be worked with. */
typedef struct RedisServer {
        char product[16]; /* "Redis", "Valkey" */
        char version[32]; /* "" if it does not say */
        char eviction[32]; /* its maxmemory_policy, if that may take our keys away; else "" */
} RedisServer;

/* Borrows its texts. */
void redis_hello_init(RedisHello *hello, const RedisUrl *url, const char *password, const char *client_name);
void redis_hello_done(RedisHello *hello);

/* The words of a step; 0: there is nothing to be said at it. */
size_t redis_hello_words(const RedisHello *hello, RedisHelloStep step, RedisWord *words);

/* Takes the next answer. Returns whether it was the last one. */
bool redis_hello_take(RedisHello *hello, const redisReply *reply);

/* Fault: RegistryUnavailable; lasting: as redis_error_is_lasting(). */
int redis_hello_judge(const RedisHello *hello, RedisServer *ret, bool *ret_lasting, Fault *fault);
