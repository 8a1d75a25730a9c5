/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's side of the API between hosts: its server, from when it is known what runs here, and its
 * client, both by the settings and changed with them. That no other host can reach this one is no harm to
 * its agents: what is wrong is said, and tried again. */

#include "host.h"

/* The client; needs no settings to be right. */
int host_peers_open(Host *host);

/* Listens, if there are certificates. */
void host_peers_listen(Host *host);

/* The configuration has been read again. Peers whose connections are closed by that come again. */
void host_peers_reload(Host *host);

/* Nothing that others have begun here ends by it. */
void host_peers_close(Host *host);
