/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The lease of the host that looks after lost hosts, so that the others need not look. It is renewed with
 * every heartbeat; when its holder has vanished, it expires. It saves work and no more: that an agent is
 * placed once only is seen to by the claim on its id. */

#include <inttypes.h>

#include "redis-error.h"
#include "redis-registry.h"
#include "time-util.h"

/* In heartbeats: for how long it is given; and for how long one who could not place an agent leaves it to
 * others, so that one of them gets around to it. */
#define LEASE_BEATS 3u
#define STAND_BACK_BEATS 6u

static char *holder(const RedisRegistry *r)
{
        return g_strconcat(r->registry.hostname, " ", r->life, NULL);
}

static uint64_t lease_seconds(const RedisRegistry *r)
{
        return (LEASE_BEATS * r->heartbeat_usec + USEC_PER_SEC - 1) / USEC_PER_SEC;
}

static void become(RedisRegistry *r, bool held)
{
        if (held != r->lease_held)
                redis_lost_forget(r);
        r->lease_held = held;
        if (held)
                redis_lost_look(r);
}

static void on_taken(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisRegistry *r = userdata;

        r->lease_asked = false;
        become(r, !fault && reply->type == REDIS_REPLY_STATUS);
}

static void take(RedisRegistry *r)
{
        g_autofree char *me = holder(r), *seconds = g_strdup_printf("%" PRIu64, lease_seconds(r));
        const RedisWord words[] = {
                { "SET", 3 },
                { LOST_LEASE_KEY, sizeof(LOST_LEASE_KEY) - 1 },
                redis_word(me),
                { "NX", 2 },
                { "EX", 2 },
                redis_word(seconds),
        };

        r->lease_asked = redis_client_send(r->client, words, ELEMENTSOF(words), on_taken, r, NULL) >= 0;
}

static void renew(RedisRegistry *r, bool whole);

static void on_renewed(const redisReply *reply, const Fault *fault, void *userdata)
{
        RedisRegistry *r = userdata;
        g_autofree char *me = holder(r);

        r->lease_asked = false;
        if (fault)
                become(r, false);
        else if (redis_error_kind(reply) == REDIS_ERROR_NO_SCRIPT)
                renew(r, true);
        else if (reply->type == REDIS_REPLY_NIL)
                take(r);
        else
                become(r, redis_word_is(reply, me));
}

static void renew(RedisRegistry *r, bool whole)
{
        g_autofree char *me = holder(r), *seconds = g_strdup_printf("%" PRIu64, lease_seconds(r));
        const RedisWord args[] = { redis_word(me), redis_word(seconds) };

        r->lease_asked = redis_script_send(r->client, REDIS_SCRIPT_RENEW, whole, redis_word(LOST_LEASE_KEY),
                                 args, ELEMENTSOF(args), on_renewed, r, NULL) >= 0;
}

/* One who could not take an agent leaves the lease to those who can. */
static bool can_place(const RedisRegistry *r)
{
        return r->registry.handlers.orphan_found && !r->info.draining && r->n_put < r->info.capacity &&
                now_usec(CLOCK_MONOTONIC) >= MAX(r->trusted_usec, r->stand_back_usec);
}

void redis_lease_beat(RedisRegistry *r)
{
        if (!redis_client_is_ready(r->client) || r->lease_asked)
                return;
        if (can_place(r))
                renew(r, false);
        else if (r->lease_held)
                redis_lease_give_up(r);
}

void redis_lease_give_up(RedisRegistry *r)
{
        g_autofree char *me = holder(r);
        const RedisWord args[] = { redis_word(me), { "", 0 } };

        if (!r->lease_held)
                return;
        become(r, false);
        (void)redis_script_send(r->client, REDIS_SCRIPT_RELEASE, false, redis_word(LOST_LEASE_KEY), args,
                ELEMENTSOF(args), redis_ignore, NULL, NULL);
}

void redis_lease_stand_back(RedisRegistry *r)
{
        r->stand_back_usec = now_usec(CLOCK_MONOTONIC) + STAND_BACK_BEATS * r->heartbeat_usec;
        redis_lease_give_up(r);
}

void redis_lease_away(RedisRegistry *r)
{
        r->lease_asked = false;
        become(r, false);
}
