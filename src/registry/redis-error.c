/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "redis-error.h"

#include <glib.h>
#include <string.h>

#include "escape.h"

#define PRINTABLE_BYTES_MAX 200u

static const struct Known {
        const char *prefix;
        RedisErrorKind kind;
        bool lasting;
        const char *text; /* what people are told; NULL: what the server says alone */
} known_errors[] = {
        { "NOSCRIPT", REDIS_ERROR_NO_SCRIPT, false, NULL },
        { "WRONGTYPE", REDIS_ERROR_WRONG_TYPE, false, NULL },
        { "ERR unknown command", REDIS_ERROR_UNKNOWN_COMMAND, false, NULL },
        { "NOPERM", REDIS_ERROR_DENIED, true,
                "its ACL does not let our user do what we have to; README.md says what a user needs" },
        { "OOM", REDIS_ERROR_NO_MEMORY, false,
                "it is full (maxmemory) and takes nothing new; give it more, or delete what is not needed" },
        { "MISCONF", REDIS_ERROR_NO_MEMORY, false,
                "it cannot write its data to its disk, and takes nothing new until it can" },
        { "NOREPLICAS", REDIS_ERROR_NO_MEMORY, false, "it takes nothing without its replicas" },
        { "READONLY", REDIS_ERROR_AWAY, false,
                "it is a read-only replica; set RedisUrl= to the primary server" },
        { "LOADING", REDIS_ERROR_AWAY, false, "it is loading its data" },
        { "MASTERDOWN", REDIS_ERROR_AWAY, false, "it is a replica without its primary server" },
        { "BUSY", REDIS_ERROR_AWAY, false, "it is busy with somebody's script (see SCRIPT KILL)" },
        { "ERR max number of clients", REDIS_ERROR_AWAY, false,
                "it has as many clients as it may have (maxclients)" },
        { "NOAUTH", REDIS_ERROR_AWAY, true,
                "it wants a password; give one as credential redis-password, or in the file that "
                "RedisPasswordFile= names" },
        { "WRONGPASS", REDIS_ERROR_AWAY, true,
                "it does not accept our user and password; check RedisUrl= and the password (credential "
                "redis-password, or RedisPasswordFile=)" },
        { "ERR invalid password", REDIS_ERROR_AWAY, true,
                "it does not accept our password (credential redis-password, or RedisPasswordFile=)" },
        { "ERR invalid username-password", REDIS_ERROR_AWAY, true,
                "it does not accept our user and password (credential redis-password, or "
                "RedisPasswordFile=)" },
        { "ERR AUTH", REDIS_ERROR_AWAY, true,
                "we have a password for it, and it has none; take ours away, or set one there" },
        { "ERR Client sent AUTH", REDIS_ERROR_AWAY, true,
                "we have a password for it, and it has none; take ours away, or set one there" },
        { "ERR DB index", REDIS_ERROR_AWAY, true, "it has no database of that number; check RedisUrl=" },
        { "DENIED", REDIS_ERROR_AWAY, true,
                "it runs in protected mode and lets only programs of its own machine in; set a password or "
                "'bind' there" },
        { "MOVED", REDIS_ERROR_AWAY, true,
                "it belongs to a Redis Cluster, which is not supported yet; use a server of its own" },
        { "ASK", REDIS_ERROR_AWAY, true,
                "it belongs to a Redis Cluster, which is not supported yet; use a server of its own" },
        { "CLUSTERDOWN", REDIS_ERROR_AWAY, true,
                "it belongs to a Redis Cluster, which is not supported yet; use a server of its own" },
        { "CROSSSLOT", REDIS_ERROR_AWAY, true,
                "it belongs to a Redis Cluster, which is not supported yet; use a server of its own" },
};

static const struct Known *find(const redisReply *reply)
{
        if (reply->type != REDIS_REPLY_ERROR)
                return NULL;

        for (size_t i = 0; i < ELEMENTSOF(known_errors); i++)
                if (strncmp(reply->str, known_errors[i].prefix, strlen(known_errors[i].prefix)) == 0)
                        return &known_errors[i];
        return NULL;
}

RedisErrorKind redis_error_kind(const redisReply *reply)
{
        const struct Known *known = find(reply);

        return known ? known->kind : REDIS_ERROR_OTHER;
}

bool redis_error_is_lasting(const redisReply *reply)
{
        const struct Known *known = find(reply);

        return known && known->lasting;
}

char *redis_error_text(const redisReply *reply)
{
        g_autofree char *said = redis_printable(reply->str, reply->len);
        const struct Known *known = find(reply);

        return known && known->text ? g_strdup_printf("%s (%s)", known->text, said)
                                    : g_strdup_printf("it answers: %s", said);
}

char *redis_printable(const char *data, size_t size)
{
        g_autofree char *text = g_utf8_make_valid(data, (gssize)MIN(size, PRINTABLE_BYTES_MAX));
        GString *out = g_string_new(NULL);

        for (const char *p = text; *p; p = g_utf8_next_char(p)) {
                gunichar c = g_utf8_get_char(p);

                g_string_append_unichar(out, g_unichar_iscntrl(c) || utf8_is_noncharacter(c) ? '?' : c);
        }
        if (size > PRINTABLE_BYTES_MAX)
                g_string_append(out, "...");
        return g_string_free(out, FALSE);
}
