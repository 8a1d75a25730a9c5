/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How agents ended, as AgentExited told it. */

#include "client.h"

/* Looks at all that has been told, in texts of the kind "a1 exit-code 42" (id, result, exit status): nothing
 * but these ends, up to NULL, and each once; and stops of what a start came to that was not answered
 * (insist.h). Ends that fell between two lives of agenthostd may not have been told; if it has had only one,
 * all have. service: who was killed or failed; what the kernel does not tell may be lost with the launcher.
 */
void ends_expect(Client *client, const char *service, const char *const *expected);

/* Whether an end may be lost with this service. */
bool end_may_be_lost(const char *service);
