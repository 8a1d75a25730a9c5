/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What listens where a Redis server should, and is none, or a bad one: it answers whatever comes with bytes
 * that the test has given it. On the test's own event loop. */

#include <systemd/sd-event.h>

#include <glib.h>
#include <stdbool.h>

typedef enum FakeHabit {
        FAKE_ANSWERS, /* to the first thing that a connection says */
        FAKE_ANSWERS_AND_CLOSES,
        FAKE_SPEAKS_FIRST, /* without having been asked, as soon as somebody connects */
        FAKE_IS_SILENT,
} FakeHabit;

typedef struct FakeRedis {
        sd_event *event;
        sd_event_source *source;
        unsigned port;
        FakeHabit habit;
        GString *answer;
        unsigned n_connections;
        GPtrArray *connections;
} FakeRedis;

/* answer: NULL for nothing; may be changed later. */
FakeRedis *fake_redis_new(sd_event *event, FakeHabit habit, const char *answer);
void fake_redis_free(FakeRedis *fake);
char *fake_redis_url(const FakeRedis *fake);

/* Says this on all connections. */
void fake_redis_say(FakeRedis *fake, const char *text);

/* The answers to a greeting without password and database: what INFO tells is given. To be g_free()d. */
char *fake_greeting(const char *info);
