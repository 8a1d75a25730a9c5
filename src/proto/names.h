/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Names that others rely on: of the bus, of objects, of files. */

#define BUS_NAME "org.agenthost.Host1"
#define HOST_PATH "/org/agenthost/Host1"
#define AGENT_PATH_PREFIX "/org/agenthost/Host1/agent"
#define MANAGER_INTERFACE "org.agenthost.Host1.Manager"
#define AGENT_INTERFACE "org.agenthost.Host1.Agent"

#define AGENTHOST_USER "agenthost"
#define AGENTHOST_GROUP "agenthost"

/* In system mode; the rest, and user mode: proto/paths.h. */
#define STATE_DIR "/run/agenthost/agents"
#define CREDENTIALS_DIR "/run/agenthost/credentials"
#define NOTIFY_SOCKET_PATH "/run/agenthost/notify"
