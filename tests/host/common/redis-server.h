/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A real Redis on the host, as a unit of its own, and agenthostd that uses it; and what the original's
 * clients would see there. One at a time: the next one takes its place, with nothing in it. */

#include "client.h"

#define REDIS_UNIT "test-redis.service"
#define REDIS_URL "redis://127.0.0.1:6399/0"

/* Short, so that tests need not wait long. */
#define REDIS_SETTINGS "[Registry]\nRedisUrl=" REDIS_URL "\nHeartbeatSec=200ms\nTtlSec=3\n"

/* Returns when it takes connections. options: more arguments of redis-server, or "". */
void redis_server_start(const char *options);

/* Killed, with all that it knew. */
void redis_server_kill(void);
void redis_server_hang(bool hang);

/* Starts it, and lets agenthostd use it with these settings; returns when both are in order. */
void redis_server_begin(Client *client, const char *settings);

/* What redis-cli prints for a command, without its last newline; lists are sorted and joined by blanks. */
char *redis_ask(const char *format, ...) _printf_(1, 2);
void redis_expect(const char *expected, const char *format, ...) _printf_(2, 3);

/* Asks again and again: nobody tells. */
void redis_wait(const char *expected, const char *format, ...) _printf_(2, 3);
