/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a Redis server means by an error, and what people are told of it. Used by redis-client.c, and by who
 * gets its replies. */

#include <hiredis/hiredis.h>

#include "fault.h"

typedef enum RedisErrorKind {
        REDIS_ERROR_OTHER, /* of one command */
        REDIS_ERROR_NO_SCRIPT, /* it has forgotten a script: to be sent anew */
        REDIS_ERROR_WRONG_TYPE, /* something else stands in the key */
        REDIS_ERROR_UNKNOWN_COMMAND, /* an older server */
        REDIS_ERROR_DENIED, /* the ACL does not allow it */
        REDIS_ERROR_NO_MEMORY, /* it writes nothing, until there is memory again */
        REDIS_ERROR_AWAY, /* a server that is of no use to us now: the connection is made anew */
} RedisErrorKind;

/* REDIS_ERROR_OTHER also for what is no error at all. */
RedisErrorKind redis_error_kind(const redisReply *reply);

/* Whether it will be the same until somebody changes a setting: no reason to ask again soon. */
bool redis_error_is_lasting(const redisReply *reply);

/* What the error is, and what to do where that is known. Owned by the caller (g_free). */
char *redis_error_text(const redisReply *reply);

/* Whatever a server has sent, for people and for D-Bus: at most 200 bytes of UTF-8 without control
 * characters. Owned by the caller (g_free). */
char *redis_printable(const char *data, size_t size);
