/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Addresses of a host by its name, without a wait. getaddrinfo(3) blocks for as long as name servers let it,
 * so it runs in a thread, and the answer comes through an eventfd. Why not getaddrinfo_a(3): it cannot
 * cancel what it has begun (EAI_NOTCANCELED), and who waited would have to keep its memory until then; here
 * the thread owns what it works on, and a look-up that is freed is simply not listened to any more. Threads
 * that hang are bounded in number. Used by redis-client.c. */

#include <netdb.h>
#include <systemd/sd-event.h>

#include "macros.h"

typedef struct RedisResolve RedisResolve;

/* From the loop, once. error: 0, or EAI_... as of getaddrinfo(3), with EAI_SYSTEM errno is set. The
 * addresses become the handler's, to be freed with freeaddrinfo(3). The look-up may be freed here. */
typedef void (*RedisResolved)(int error, struct addrinfo *addresses, void *userdata);

/* An address in digits is answered from the loop as well. -EAGAIN: too many look-ups hang. */
int redis_resolve_start(sd_event *event,
        const char *host,
        unsigned port,
        RedisResolved done,
        void *userdata,
        RedisResolve **ret);

/* Its handler never comes. */
RedisResolve *redis_resolve_free(RedisResolve *resolve);
