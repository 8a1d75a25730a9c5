/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a call is about, for those who write polkit rules: the method, the agent, its guild. */

#include "access.h"

/* An AccessDescribe; userdata is the Host. What cannot be told (a call with broken arguments) stays NULL:
 * its method will refuse it. The message is rewound. */
void host_describe_call(sd_bus_message *call, AccessDetails *ret, void *userdata);
