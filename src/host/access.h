/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who may act: root, our own user and members of group agenthost, and whomever else polkit lets. The bus
 * tells who a caller is (GetConnectionCredentials, asked asynchronously); the answer is kept, as a unique
 * name belongs to one connection for as long as the bus lives. What polkit says is not: it is asked for each
 * call, and remembers itself what it wants to. */

#include <systemd/sd-bus.h>

typedef struct Access Access;

#define ACCESS_ACTION "org.agenthost.host1.manage-agents"

/* What rules of polkit may look at: the method, and ids where the call names an agent. NULL: not told. */
typedef struct AccessDetails {
        char *verb, *agent, *guild;
} AccessDetails;

/* Finds out what a call is about. The texts become the caller's, to be freed with g_free(). */
typedef void (*AccessDescribe)(sd_bus_message *call, AccessDetails *ret, void *userdata);

/* Looks up the group once (NSS may block, which only the start may). The bus is borrowed; describe may be
 * NULL. */
Access *access_new(sd_bus *bus, AccessDescribe describe, void *userdata);
Access *access_free(Access *access);

/* Calls handler(call, userdata, error) if the caller may act, at once or when bus and polkit have answered;
 * else the caller gets AccessDenied, or InteractiveAuthorizationRequired where asking him for a password
 * could help and his call did not allow it. For a method handler to return: its result is what sd-bus
 * expects. A caller who leaves meanwhile is not acted for. access may be NULL: everybody may act (user
 * mode). */
int access_require(Access *access,
        sd_bus_message *call,
        sd_bus_message_handler_t handler,
        void *userdata,
        sd_bus_error *error);

/* The bus was restarted (bus: the new connection) or is away (NULL). Those who waited have gone with it, and
 * their names may be somebody else's next. */
void access_set_bus(Access *access, sd_bus *bus);
