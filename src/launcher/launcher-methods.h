/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The methods of proto/launcher.h; their userdata is the Launcher. Registered by launcher-bus.c. */

#include <systemd/sd-bus.h>

extern const sd_bus_vtable launcher_methods[];
