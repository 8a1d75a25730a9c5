/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A client of agenthostd, on the bus of the mode (mode.h). Calls are answered while signals are collected:
 * nothing that happens between two looks is lost. Whatever does not happen within LIMIT_SEC, or is not as
 * expected, ends the test (outcome.h). */

#include <systemd/sd-bus.h>

#include "macros.h"
#include "proto/names.h"

#define LIMIT_SEC 60

/* Two arguments in one: object and interface. */
#define MANAGER HOST_PATH, MANAGER_INTERFACE

#define ERROR_(name) "org.agenthost.Host1.Error." name
#define INVALID_ARGS SD_BUS_ERROR_INVALID_ARGS

typedef struct Client Client;

Client *client_new(void);

/* As this user, in no group but his own and, if it is not NULL, this one. */
Client *client_new_as(const char *user, const char *group);

Client *client_free(Client *client);
static inline void client_freep(Client **client)
{
        client_free(*client);
}
#define _cleanup_client_ _cleanup_(client_freep)
#define _cleanup_message_ _cleanup_(sd_bus_message_unrefp)

sd_bus *client_bus(Client *client);

/* A call whose answer comes later. It is freed with its answer, or with client_forget_call(). */
typedef struct Call Call;

Call *client_send(
        Client *client, const char *path, const char *interface, const char *member, const char *types, ...);
Call *client_send_message(Client *client, sd_bus_message *m);

/* Whether it has been answered; looks at what has arrived, does not wait. */
bool call_is_answered(Call *call);

/* Waits for the answer, which may be an error. */
sd_bus_message *call_answer(Call *call);

/* The same, where an error ends the test. */
sd_bus_message *call_success(Call *call);

/* The same, where only this error does not; part (may be NULL) is in its text. */
void call_expect_error(Call *call, const char *name, const char *part);

void call_forget(Call *call);

/* Both in one. */
sd_bus_message *client_call(
        Client *client, const char *path, const char *interface, const char *member, const char *types, ...);

/* Processes messages until it holds. Looked at again after each of them. */
typedef bool (*ClientCondition)(Client *client, void *userdata);
void client_wait(Client *client, ClientCondition condition, void *userdata, const char *what);

/* Waits until more signals have come than these, to look at something again. */
unsigned client_signal_count(Client *client);
void client_wait_more_signals(Client *client, unsigned seen, const char *what);

/* Takes the first signal of this name whose first argument is this text, or waits for it. */
sd_bus_message *client_take_signal(Client *client, const char *member, const char *first);

/* Takes the first signal of this name that has come; NULL: none has. */
sd_bus_message *client_take_received(Client *client, const char *member);

/* The members and first arguments of the signals that came and were not taken, one by one: "AgentAdded a1".
 * Those whose first argument is not a text are left out. */
char **client_list_signals(Client *client);

void client_drop_signals(Client *client);

/* Signals of others too; agenthostd's come anyway. */
void client_add_match(Client *client, const char *match);
