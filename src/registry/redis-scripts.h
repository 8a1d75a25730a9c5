/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is done in the server at once, each with one key. Scripts are loaded after each connect and called by
 * their digest; a server that has forgotten one (SCRIPT FLUSH, a restart) is sent it whole. */

#include "redis-client.h"

typedef enum RedisScript {
        /* Location: ours from now on, if no other host has it. ARGV: our address, TTL in s, "hostname:",
         * former address, "1" to take it from another host. Returns 1; "+ADDRESS": taken from there;
         * "-ADDRESS": it is there, nothing was done; "!WHAT": that stood there and was none, it is ours now.
         */
        REDIS_SCRIPT_CLAIM,

        /* Location: gone, if it is ours. ARGV: "hostname:", former address. Returns how many went. */
        REDIS_SCRIPT_RELEASE,

        /* Location: renewed, if it is ours. ARGV: our address, TTL in s. Returns it. As GETEX does it, which
         * is cheaper, and which servers before 6.2 do not have. */
        REDIS_SCRIPT_RENEW,

        /* Hash: these fields, and a TTL. ARGV: TTL in s, field, value ... Replaces what is no hash.
         * Returns whether there was one. */
        REDIS_SCRIPT_STATUS,

        /* Spec: gone, if it is of this host and life. ARGV: hostname, life ("": any). Returns how many
         * went. */
        REDIS_SCRIPT_RELEASE_SPEC,
        _REDIS_SCRIPT_MAX,
} RedisScript;

#define REDIS_SCRIPT_ARGS_MAX 16u

/* whole: with its text, for a server that does not know it. As redis_client_send(). */
int redis_script_send(RedisClient *client,
        RedisScript script,
        bool whole,
        RedisWord key,
        const RedisWord *args,
        size_t n_args,
        RedisReplied replied,
        void *userdata,
        Fault *fault);

/* Has the server load all of them. */
void redis_scripts_load(RedisClient *client);
