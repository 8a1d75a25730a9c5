/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The URL of the Redis server: what is shown of it leads to the same place, and never shows the password. */

#include <string.h>

#include <glib.h>

#include "fuzz.h"
#include "redis-url.h"

static bool is_same(const RedisUrl *a, const RedisUrl *b)
{
        return a->transport == b->transport && a->port == b->port && a->db == b->db &&
                g_strcmp0(a->host, b->host) == 0 && g_strcmp0(a->path, b->path) == 0 &&
                g_strcmp0(a->user, b->user) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_free_ char *text = fuzz_text(data, size);
        _cleanup_(redis_url_freep) RedisUrl *url = NULL, *again = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (redis_url_parse(text, &url, &fault) < 0) {
                fuzz_expect(fault.kind == FAULT_INVALID_ARGS, "it is said that the URL is wrong");
                fuzz_expect(fuzz_is_printable(fault_text(&fault)), "what is wrong can be printed");
                return 0;
        }
        fuzz_expect(
                (url->host && url->port >= 1 && url->port <= 65535) || (url->path && url->path[0] == '/'),
                "there is a place");
        fuzz_expect(fuzz_is_printable(url->shown), "what is shown can be printed");
        fuzz_must(redis_url_parse(url->shown, &again, &fault), "what is shown is a URL");
        fuzz_expect(is_same(url, again), "what is shown leads to the same place");
        fuzz_expect(!again->password, "no password is shown");
        return 0;
}
