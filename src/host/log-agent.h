/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lines about one agent, with AGENT_ID=, GUILD_ID=, UNIT= (USER_UNIT= in user mode; and RESULT=,
 * EXIT_STATUS= of one that has ended, also if it is to be started again, or could not be started), so that
 * "journalctl AGENT_ID=x" finds them. */

#include "agent.h"
#include "log.h"

/* Ids of the messages that tools look for; they never change their meaning. data/catalog/agenthost.catalog
 * says it. */
#define MESSAGE_AGENT_LAUNCHED "e236866e314d49d8b952c47ad6ff82c6"
#define MESSAGE_AGENT_READY "01833dfb54dc4d0195df458b69d151c7"
#define MESSAGE_AGENT_ENDED "d6f36b74bd4343beb0702fa252773038"
#define MESSAGE_AGENT_START_FAILED "0032fc9cd853495d8beac1e8fd32efca"
#define MESSAGE_AGENT_RESTARTING "1e8072b5f74449cb8aa6ded3f287e8f7"
#define MESSAGE_AGENT_GIVEN_UP "c7f91540c0fa4a1abc73378f42c39dae"
#define MESSAGE_AGENT_STOPPING "c83555ce719d47dda06127379040580f"
#define MESSAGE_AGENT_NOT_RESTARTED "3fad2aae49584032ae188e314752022c"
#define MESSAGE_AGENT_FROZEN "7fe0ac1c45ae4171b87f21b4538b8ef1"
#define MESSAGE_AGENT_THAWED "f806c72a316c4703826e26394ca02373"
#define MESSAGE_AGENT_WATCHDOG "cabcd657787a47ac848d20fb38a09272"
#define MESSAGE_AGENT_LOST_LOCATION "dc05cabcd4ef482d9bc85d57d929c2eb"
#define MESSAGE_AGENT_PLACED "3ab2fcd7c1084de48a18146baef83788"
#define MESSAGE_AGENT_NOT_PLACED "0fe5d65b448a46c89ea2723fac95d1d3"

void agent_log_id(const Agent *agent, int level, const char *message_id, const char *format, ...)
        _printf_(4, 5);

/* Of one that is not among the host's agents, of which only the id is known. */
void host_log_agent(
        const Host *host, const char *agent_id, int level, const char *message_id, const char *format, ...)
        _printf_(5, 6);

/* Of an event that systemd tells of already ("Started ...", "Stopping ..."), with the unit. Twice as many
 * lines would cost as much again, and at some hundred launches a second make journald drop the ones that
 * matter: debug, unless LogAllEvents= wants them. */
int agent_event_level(const Agent *agent);

#define agent_log(agent, level, ...) agent_log_id(agent, level, NULL, __VA_ARGS__)
