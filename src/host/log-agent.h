/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lines about one agent, with AGENT_ID=, GUILD_ID=, UNIT= (USER_UNIT= in user mode; and AGENT_RESULT=,
 * EXIT_STATUS= once it has ended), so that "journalctl AGENT_ID=x" finds them. */

#include "agent.h"
#include "log.h"

/* Ids of the messages that tools look for; they never change their meaning. */
#define MESSAGE_AGENT_LAUNCHED "e236866e314d49d8b952c47ad6ff82c6"
#define MESSAGE_AGENT_READY "01833dfb54dc4d0195df458b69d151c7"
#define MESSAGE_AGENT_ENDED "d6f36b74bd4343beb0702fa252773038"
#define MESSAGE_AGENT_START_FAILED "0032fc9cd853495d8beac1e8fd32efca"
#define MESSAGE_AGENT_RESTARTING "1e8072b5f74449cb8aa6ded3f287e8f7"
#define MESSAGE_AGENT_WATCHDOG "cabcd657787a47ac848d20fb38a09272"
#define MESSAGE_AGENT_LOST_LOCATION "dc05cabcd4ef482d9bc85d57d929c2eb"

void agent_log_id(const Agent *agent, int level, const char *message_id, const char *format, ...)
        _printf_(4, 5);

#define agent_log(agent, level, ...) agent_log_id(agent, level, NULL, __VA_ARGS__)
