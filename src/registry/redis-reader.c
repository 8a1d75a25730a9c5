/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "redis-reader.h"

#include <glib.h>

/* More than the largest reply of ours has. */
#define REPLY_ELEMENTS_MAX (4 * 1024 * 1024)

#if HIREDIS_MAJOR >= 1
static void bound(redisReader *reader)
{
        reader->maxelements = REPLY_ELEMENTS_MAX;
}
#else
static void *(*create_any_array)(const redisReadTask *task, int n);

static void *create_array(const redisReadTask *task, int n)
{
        return n > REPLY_ELEMENTS_MAX ? NULL : create_any_array(task, n);
}

/* The parser itself takes what an int holds, and memory for it. */
static void bound(redisReader *reader)
{
        static redisReplyObjectFunctions functions;

        if (!create_any_array) {
                functions = *reader->fn;
                create_any_array = functions.createArray;
                functions.createArray = create_array;
        }
        reader->fn = &functions;
}
#endif

redisReader *redis_reader_new(void)
{
        redisReader *reader = redisReaderCreate();

        if (!reader)
                g_error("Out of memory");
        bound(reader);
        return reader;
}
