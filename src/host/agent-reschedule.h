/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Option "reschedule": an agent that is placed again on another host when its own is lost. Its spec, which
 * is all that its creation was given, is kept in the registry meanwhile, in the words in which hosts ask one
 * another for an agent (wire.h). The registry finds out who is lost, and which host is to do it. */

#include "host.h"

/* For the registry. */
char *host_spec_wanted(Host *host, const char *id);
void host_orphan_found(Host *host, const RegistryOrphan *orphan);
