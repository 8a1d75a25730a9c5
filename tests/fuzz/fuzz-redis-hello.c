/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a server answers to the greeting, byte for byte: whatever it is, what people are told can be printed.
 */

#include <hiredis/hiredis.h>

#include "fuzz.h"
#include "redis-error.h"
#include "redis-hello.h"
#include "redis-reader.h"

static void check_text(char *text)
{
        fuzz_expect(fuzz_is_printable(text), "what a server says is made printable");
        free(text);
}

static void check_reply(const redisReply *reply)
{
        (void)redis_error_kind(reply);
        (void)redis_error_is_lasting(reply);
        if (reply->type == REDIS_REPLY_ERROR)
                check_text(redis_error_text(reply));
        if (reply->type == REDIS_REPLY_STRING)
                check_text(redis_printable(reply->str, reply->len));
}

static void check_verdict(const RedisHello *hello)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        RedisServer server;
        bool lasting;

        if (redis_hello_judge(hello, &server, &lasting, &fault) < 0) {
                fuzz_expect(fault.kind == FAULT_REGISTRY_UNAVAILABLE, "it is said why");
                fuzz_expect(fuzz_is_printable(fault_text(&fault)), "why can be printed");
                return;
        }
        fuzz_expect(fuzz_is_printable(server.version), "the version can be printed");
        fuzz_expect(fuzz_is_printable(server.eviction), "the policy can be printed");
}

static void take_replies(redisReader *reader, RedisHello *hello)
{
        bool done = false;
        void *reply;

        while (!done && redisReaderGetReply(reader, &reply) == REDIS_OK && reply) {
                check_reply(reply);
                done = redis_hello_take(hello, reply);
                freeReplyObject(reply);
        }
        if (done)
                check_verdict(hello);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(redis_url_freep) RedisUrl *url = NULL;
        redisReader *reader = redis_reader_new();
        RedisHello hello;

        fuzz_must(redis_url_parse("redis://u@h/1", &url, NULL), "a URL");
        redis_hello_init(&hello, url, "password", "name");
        if (redisReaderFeed(reader, (const char *)data, size) == REDIS_OK)
                take_replies(reader, &hello);
        redis_hello_done(&hello);
        redisReaderFree(reader);
        return 0;
}
