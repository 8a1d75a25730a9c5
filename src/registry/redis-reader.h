/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* hiredis's parser, which takes no array of more elements than a reply of ours can have: else a few bytes
 * would make it ask for any amount of memory. Used by redis-stream.c. */

#include <hiredis/hiredis.h>

/* To be freed with redisReaderFree(). */
redisReader *redis_reader_new(void);
