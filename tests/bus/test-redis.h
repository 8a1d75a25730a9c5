/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A Redis server of a test's own: a real one, on a socket in a directory of its own and on a free port of
 * loopback. Which one is AGENTHOST_TEST_REDIS' choice: "redis-server" (the default) or "valkey-server". */

#include <hiredis/hiredis.h>

#include <glib.h>
#include <stdbool.h>

typedef struct TestRedis TestRedis;

/* Whether there is such a server; else the test is skipped. */
bool test_redis_is_there(void);

/* options: more arguments, NULL-terminated, or NULL. Returns when it takes connections. */
TestRedis *test_redis_new(const char *const *options);
void test_redis_free(TestRedis *redis);

/* Killed, and started again: with what it has saved, which is nothing unless somebody told it to. */
void test_redis_stop(TestRedis *redis);
void test_redis_start(TestRedis *redis, const char *const *options);

/* The same, while it still reads what it has saved. */
void test_redis_start_loading(TestRedis *redis, const char *const *options);

/* It hangs, and no more. */
void test_redis_pause(TestRedis *redis);
void test_redis_resume(TestRedis *redis);

const char *test_redis_directory(const TestRedis *redis);
unsigned test_redis_port(const TestRedis *redis);

/* Of the socket, and of the port: the caller's (g_free). */
char *test_redis_url(const TestRedis *redis);
char *test_redis_tcp_url(const TestRedis *redis);

/* Asks it, over a connection of the test's own: format as of redisCommand(). The first fails the test for an
 * error; the answer as a text ("" for nil), a number, or sorted and joined by blanks is the caller's. */
char *test_redis_ask(TestRedis *redis, const char *format, ...);
char *test_redis_try(TestRedis *redis, const char *format, ...);

/* The port of loopback that nobody has, for the moment. */
unsigned test_free_port(void);
