/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Agents by way of D-Bus, in the words that tests speak in. */

#include <sys/types.h>

#include "properties.h"

/* What nearly every test needs: these runtimes, and a connection. */
#define EXEC "test-exec" /* Type=exec, runs until SIGTERM */
#define NOTIFY "test-notify" /* the same, READY=1 */
#define SILENT "test-silent" /* Type=notify, READY=1 when it is told: agent_let_be_ready() */
#define STUBBORN "test-stubborn" /* Type=notify, READY=1 and a child; both ignore SIGTERM */
void agents_prepare(void);
Client *agents_begin(void); /* both */

/* A CreateAgent. What is NULL or 0 is left out, or is the default that stands behind it. */
typedef struct Create {
        const char *id;
        const char *name; /* "Agent of a test" */
        const char *class_name;
        const char *guild; /* "g" */
        const char *runtime; /* EXEC */
        const char *wait;
        const char *request_id;
        const char *client_type;
        const char *restart;
        const char *environment; /* NAME=value */
        uint64_t timeout_usec;
        int32_t machine_id;
        bool takeover;
        /* The texts as they are, instead of being made of the above. */
        const char *agent_spec, *guild_spec, *messaging_config, *client_properties;
} Create;

/* JSON text with this id. */
char *agent_spec_text(const char *id);

Call *create_send(Client *client, const Create *create);

/* Expects success; gives the main process. That the other answers fit is checked. */
pid_t create(Client *client, const Create *create);
void create_expect_error(Client *client, const Create *create, const char *name, const char *part);

/* One of EXEC. The first start after the launcher's crash may come before the two have found each other
 * again: once it works, the launcher has taken back all that run. */
pid_t create_when_possible(Client *client, const char *id);

char *agent_path(const char *id);
char *agent_unit(const char *id);

/* Properties of the Agent interface. */
char *agent_property(Client *client, const char *id, const char *name);
void agent_expect(Client *client, const char *id, const char *name, const char *expected);
void agent_wait(Client *client, const char *id, const char *name, const char *expected);

/* Waits for AgentExited, and checks how it ended. */
void agent_wait_end(Client *client, const char *id, const char *result, int exit_status);

/* For an agent of SILENT. */
void agent_let_be_ready(Client *client, const char *id);

/* Kill of the main process. An agent that is not ready may not yet have said what it does about signals. */
void agent_signal(Client *client, const char *id, int signal_number);

/* Restart() of its object, which is expected to do it. */
void agent_restart(Client *client, const char *id);

/* StopAgent's answer. */
bool agent_stop(Client *client, const char *id, unsigned timeout_sec);

typedef struct AgentInfo {
        char *id, *guild, *name, *state, *path;
        uint32_t pid;
        bool alive;
        uint64_t created_at_usec;
} AgentInfo;

/* GetAgentInfo; false for NoSuchAgent. */
bool agent_info(Client *client, const char *id, AgentInfo *ret);
void agent_info_done(AgentInfo *info);
#define _cleanup_agent_info_ _cleanup_(agent_info_done)

bool agent_is_known(Client *client, const char *id);

/* ListAgents: the ids, sorted. As one text, "a b c", they are easily compared. */
char *agent_list(Client *client, const char *guild);

/* CleanupDeadAgents, likewise. */
char *agents_clean_up(Client *client);
