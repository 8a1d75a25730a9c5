/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The registry of a host whose settings for one cannot be used: down for good, every question is answered
 * with why. Agents run all the same; where they are nobody else learns. */

#include "registry.h"

/* The address must be valid. why is copied; it becomes RegistryUnavailable. */
Registry *registry_unusable_new(sd_event *event,
        const char *address,
        const Fault *why,
        const RegistryHandlers *handlers,
        void *userdata);
