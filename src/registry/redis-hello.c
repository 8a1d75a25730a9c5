/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "redis-hello.h"

#include <glib.h>
#include <string.h>

#include "redis-error.h"

#define LIBRARY "agenthost"

void redis_hello_init(RedisHello *h, const RedisUrl *url, const char *password, const char *client_name)
{
        *h = (RedisHello){ .url = url, .password = password, .client_name = client_name };
        (void)snprintf(h->db, sizeof(h->db), "%u", url->db);
        while (h->step < _REDIS_HELLO_STEP_MAX && redis_hello_words(h, h->step, NULL) == 0)
                h->step++;
}

void redis_hello_done(RedisHello *h)
{
        g_free(h->refusal);
        g_free(h->info);
        *h = (RedisHello){ 0 };
}

static size_t fill(RedisWord *words, const char *const *texts)
{
        size_t n = 0;

        for (; n < REDIS_HELLO_WORDS_MAX && texts[n]; n++)
                if (words)
                        words[n] = (RedisWord){ texts[n], strlen(texts[n]) };
        return n;
}

size_t redis_hello_words(const RedisHello *h, RedisHelloStep step, RedisWord *words)
{
        const char *user = h->url->user;

        switch (step) {
        case REDIS_HELLO_AUTH:
                if (!h->password)
                        return 0;
                /* Servers before version 6 know passwords only. */
                return user ? fill(words, (const char *[]){ "AUTH", user, h->password, NULL })
                            : fill(words, (const char *[]){ "AUTH", h->password, NULL });
        case REDIS_HELLO_NAME:
                return fill(words, (const char *[]){ "CLIENT", "SETNAME", h->client_name, NULL });
        case REDIS_HELLO_LIBRARY:
                return fill(words, (const char *[]){ "CLIENT", "SETINFO", "LIB-NAME", LIBRARY, NULL });
        case REDIS_HELLO_LIBRARY_VERSION:
                return fill(
                        words, (const char *[]){ "CLIENT", "SETINFO", "LIB-VER", AGENTHOST_VERSION, NULL });
        case REDIS_HELLO_SELECT:
                return h->url->db > 0 ? fill(words, (const char *[]){ "SELECT", h->db, NULL }) : 0;
        case REDIS_HELLO_INFO:
                return fill(words, (const char *[]){ "INFO", NULL });
        default:
                return 0;
        }
}

/* A name in CLIENT LIST and what INFO tells are worth having, and no more. But errors which say that the
 * server is of no use come to them too. */
static bool is_needed(RedisHelloStep step)
{
        return step == REDIS_HELLO_AUTH || step == REDIS_HELLO_SELECT;
}

bool redis_hello_take(RedisHello *h, const redisReply *reply)
{
        if (reply->type == REDIS_REPLY_ERROR && !h->refusal &&
                (is_needed(h->step) || redis_error_kind(reply) == REDIS_ERROR_AWAY)) {
                h->refusal = redis_error_text(reply);
                h->lasting = redis_error_is_lasting(reply);
        }
        if (h->step == REDIS_HELLO_INFO && reply->type == REDIS_REPLY_STRING)
                h->info = g_strndup(reply->str, reply->len);

        do
                h->step++;
        while (h->step < _REDIS_HELLO_STEP_MAX && redis_hello_words(h, h->step, NULL) == 0);
        return h->step == _REDIS_HELLO_STEP_MAX;
}

/* A value of INFO: lines of "name:value". */
static void info_value(const char *info, const char *name, char *ret, size_t size)
{
        size_t n_name = strlen(name);

        ret[0] = '\0';
        for (const char *line = info; line && *line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (strncmp(line, name, n_name) != 0 || line[n_name] != ':')
                        continue;
                line += n_name + 1;
                for (size_t i = 0; i + 1 < size && g_ascii_isgraph(line[i]); i++) {
                        ret[i] = line[i];
                        ret[i + 1] = '\0';
                }
                return;
        }
}

static int refuse(Fault *fault, bool lasting, bool *ret_lasting, const char *text)
{
        *ret_lasting = lasting;
        return fault_set(fault, FAULT_REGISTRY_UNAVAILABLE, "%s", text);
}

static int judge_role(const char *info, bool *ret_lasting, Fault *fault)
{
        char role[16], read_only[4], host[256], port[8];

        info_value(info, "role", role, sizeof(role));
        info_value(info, "slave_read_only", read_only, sizeof(read_only));
        if (strcmp(role, "slave") != 0 || strcmp(read_only, "0") == 0)
                return 0;

        info_value(info, "master_host", host, sizeof(host));
        info_value(info, "master_port", port, sizeof(port));
        *ret_lasting = false;
        return fault_set(fault, FAULT_REGISTRY_UNAVAILABLE,
                "it is a read-only replica of %s port %s; set RedisUrl= to the primary server", host, port);
}

static int judge_info(const char *info, bool *ret_lasting, Fault *fault)
{
        char mode[16], cluster[4], loading[4];

        info_value(info, "redis_mode", mode, sizeof(mode));
        info_value(info, "cluster_enabled", cluster, sizeof(cluster));
        info_value(info, "loading", loading, sizeof(loading));
        if (strcmp(mode, "sentinel") == 0)
                return refuse(fault, true, ret_lasting,
                        "it is a Sentinel, which is not supported yet; set RedisUrl= to the primary server "
                        "itself");
        if (strcmp(mode, "cluster") == 0 || strcmp(cluster, "1") == 0)
                return refuse(fault, true, ret_lasting,
                        "it belongs to a Redis Cluster, which is not supported yet; use a server of its own");
        if (loading[0] && strcmp(loading, "0") != 0)
                return refuse(fault, false, ret_lasting, "it is loading its data");
        return judge_role(info, ret_lasting, fault);
}

static void describe(const char *info, RedisServer *ret)
{
        char limit[24];

        info_value(info, "valkey_version", ret->version, sizeof(ret->version));
        g_strlcpy(ret->product, ret->version[0] ? "Valkey" : "Redis", sizeof(ret->product));
        if (!ret->version[0])
                info_value(info, "redis_version", ret->version, sizeof(ret->version));

        info_value(info, "maxmemory_policy", ret->eviction, sizeof(ret->eviction));
        info_value(info, "maxmemory", limit, sizeof(limit));
        /* Without a limit nothing is evicted. */
        if (strcmp(ret->eviction, "noeviction") == 0 || strcmp(limit, "0") == 0)
                ret->eviction[0] = '\0';
}

int redis_hello_judge(const RedisHello *h, RedisServer *ret, bool *ret_lasting, Fault *fault)
{
        int r;

        *ret_lasting = false;
        *ret = (RedisServer){ .product = "Redis" };
        /* What it is says more than what it has answered to the rest: a Sentinel knows no SELECT. */
        if (h->info) {
                r = judge_info(h->info, ret_lasting, fault);
                if (r < 0)
                        return r;
                describe(h->info, ret);
        }
        return h->refusal ? refuse(fault, h->lasting, ret_lasting, h->refusal) : 0;
}
