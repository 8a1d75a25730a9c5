/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry.h"

#include <glib.h>
#include <string.h>

/* The texts, wherever they are. */
static const size_t texts[] = {
        offsetof(RegistrySettings, url),
        offsetof(RegistrySettings, password),
        offsetof(RegistrySettings, password_file),
        offsetof(RegistrySettings, ca_file),
        offsetof(RegistrySettings, cert_file),
        offsetof(RegistrySettings, key_file),
};

static char **text_of(const RegistrySettings *settings, size_t i)
{
        return (char **)((char *)settings + texts[i]);
}

void registry_settings_done(RegistrySettings *settings)
{
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                g_free(*text_of(settings, i));
        *settings = (RegistrySettings){ 0 };
}

void registry_settings_copy(const RegistrySettings *settings, RegistrySettings *ret)
{
        *ret = *settings;
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                *text_of(ret, i) = g_strdup(*text_of(settings, i));
}

bool registry_settings_equal(const RegistrySettings *a, const RegistrySettings *b)
{
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (g_strcmp0(*text_of(a, i), *text_of(b, i)) != 0)
                        return false;
        return a->heartbeat_usec == b->heartbeat_usec && a->ttl_usec == b->ttl_usec;
}
