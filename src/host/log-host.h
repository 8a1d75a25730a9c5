/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ids of messages about the host itself that tools look for; they never change their meaning. Those about
 * agents are in log-agent.h. */

#define MESSAGE_HOST_READY "2559074f72fe41bc97a6577308851490"
#define MESSAGE_HOST_STOPPING "11dbeac12df34b11977a979c97b92f9c"
#define MESSAGE_LAUNCHER_AWAY "c4606093a2184ee9a6ceb8f3f3b2f060"
