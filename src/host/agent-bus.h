/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.agenthost.Host1.Agent: one object an agent, found by its path, none of them registered. The interface
 * is described in data/dbus/org.agenthost.Host1.Agent.xml. */

#include "host.h"

int agent_bus_register(Host *host);

/* What changed together, for one PropertiesChanged; Location is told with whatever else is, if it has
 * changed. Nothing is sent for an agent that is not announced yet. */
typedef enum AgentChanged {
        AGENT_CHANGED_STATE,
        AGENT_CHANGED_STATUS,
        AGENT_CHANGED_READY,
        AGENT_CHANGED_ENDED, /* for good or not */
        AGENT_CHANGED_RESTARTING, /* its next start is at another time, or under way */
        AGENT_CHANGED_LAUNCHED, /* again */
        AGENT_CHANGED_LOCATION,
} AgentChanged;

void agent_bus_changed(Agent *agent, AgentChanged what);
