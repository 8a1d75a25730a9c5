/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the bus says of who a caller is, read for the one question whether he is one of those who may act by
 * themselves. Used by access.c. */

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "macros.h"

/* Besides root. */
typedef struct AccessInsiders {
        uid_t own_uid;
        gid_t group;
        bool have_group;
} AccessInsiders;

/* Reads an answer to GetConnectionCredentials. Returns 0 or -errno. */
int access_read_credentials(sd_bus_message *reply, const AccessInsiders *insiders, bool *ret_allowed);
