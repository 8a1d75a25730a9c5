/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "redis-scripts.h"

#include <assert.h>
#include <glib.h>
#include <string.h>

static const char *const sources[_REDIS_SCRIPT_MAX] = {
        [REDIS_SCRIPT_CLAIM] = "local v = redis.pcall('GET', KEYS[1])\n"
                               "local result = 1\n"
                               "if v and type(v) ~= 'string' then\n"
                               "  result = '!' .. v.err\n"
                               "elseif v and (#v > 300 or not (string.find(v, '^[%w.-]+:%d+$') or\n"
                               "    string.find(v, '^%[[%x:.]+%]:%d+$'))) then\n"
                               "  result = '!' .. string.sub(v, 1, 100)\n"
                               "elseif v and string.sub(v, 1, #ARGV[3]) ~= ARGV[3] and v ~= ARGV[4] then\n"
                               "  if ARGV[5] ~= '1' then return '-' .. v end\n"
                               "  result = '+' .. v\n"
                               "end\n"
                               "redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])\n"
                               "return result\n",
        [REDIS_SCRIPT_RELEASE] =
                "local v = redis.pcall('GET', KEYS[1])\n"
                "if type(v) == 'string' and (string.sub(v, 1, #ARGV[1]) == ARGV[1] or v == ARGV[2]) then\n"
                "  return redis.call('DEL', KEYS[1])\n"
                "end\n"
                "return 0\n",
        [REDIS_SCRIPT_RENEW] = "local v = redis.call('GET', KEYS[1])\n"
                               "if v == ARGV[1] then redis.call('EXPIRE', KEYS[1], ARGV[2]) end\n"
                               "return v\n",
        [REDIS_SCRIPT_STATUS] = "local stood = redis.call('TYPE', KEYS[1]).ok == 'hash'\n"
                                "if not stood then redis.call('DEL', KEYS[1]) end\n"
                                "redis.call('HSET', KEYS[1], unpack(ARGV, 2))\n"
                                "redis.call('EXPIRE', KEYS[1], ARGV[1])\n"
                                "return stood and 1 or 0\n",
        [REDIS_SCRIPT_RELEASE_SPEC] =
                "if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return 0 end\n"
                "local v = redis.call('HMGET', KEYS[1], 'host', 'life')\n"
                "if v[1] ~= ARGV[1] or ARGV[2] ~= '' and v[2] ~= ARGV[2] then return 0 end\n"
                "return redis.call('DEL', KEYS[1])\n",
};

static const char *digest(RedisScript script)
{
        static char *digests[_REDIS_SCRIPT_MAX];

        if (!digests[script])
                digests[script] = g_compute_checksum_for_string(G_CHECKSUM_SHA1, sources[script], -1);
        return digests[script];
}

int redis_script_send(RedisClient *client,
        RedisScript script,
        bool whole,
        RedisWord key,
        const RedisWord *args,
        size_t n_args,
        RedisReplied replied,
        void *userdata,
        Fault *fault)
{
        const char *text = whole ? sources[script] : digest(script);
        RedisWord words[4 + REDIS_SCRIPT_ARGS_MAX] = {
                { whole ? "EVAL" : "EVALSHA", whole ? 4 : 7 },
                { text, strlen(text) },
                { "1", 1 },
                key,
        };

        assert(n_args <= REDIS_SCRIPT_ARGS_MAX);
        memcpy(words + 4, args, n_args * sizeof(*args));
        return redis_client_send(client, words, 4 + n_args, replied, userdata, fault);
}

/* What could not be loaded is sent when it is needed. */
static void on_loaded(const redisReply *reply, const Fault *fault, void *userdata)
{
        (void)reply;
        (void)fault;
        (void)userdata;
}

void redis_scripts_load(RedisClient *client)
{
        for (RedisScript script = 0; script < _REDIS_SCRIPT_MAX; script++) {
                const RedisWord words[] = {
                        { "SCRIPT", 6 },
                        { "LOAD", 4 },
                        { sources[script], strlen(sources[script]) },
                };

                (void)redis_client_send(client, words, ELEMENTSOF(words), on_loaded, NULL, NULL);
        }
}
