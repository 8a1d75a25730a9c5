/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.agenthost.Host1.Manager and the ObjectManager, on the host's object. The interface is described in
 * data/dbus/org.agenthost.Host1.Manager.xml. A handler reads, checks, makes one call. */

#include "host.h"

int manager_bus_register(Host *host);

/* AgentAdded with InterfacesAdded; AgentExited; AgentRemoved with InterfacesRemoved. Only announced agents
 * are spoken of. */
void manager_bus_added(Host *host, Agent *agent);
void manager_bus_exited(Host *host, const Agent *agent);
void manager_bus_removed(Host *host, const Agent *agent);

/* PropertiesChanged on the manager. */
void manager_bus_count_changed(Host *host);
void manager_bus_draining_changed(Host *host);
void manager_bus_registry_changed(Host *host);
void manager_bus_hosts_changed(Host *host);
void manager_bus_counter_changed(Host *host);
void manager_bus_unsupported_changed(Host *host);
void manager_bus_config_changed(Host *host);
