/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What other hosts ask of this one (server.h), done by the same code as what comes by the bus. */

#include "host.h"
#include "server.h"

/* Their userdata is the Host. */
extern const PeerHandlers peer_calls_handlers;
