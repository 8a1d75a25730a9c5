/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "access-credentials.h"

#include <string.h>

static int read_uid(sd_bus_message *m, const AccessInsiders *insiders, bool *allowed)
{
        uint32_t uid;
        int r;

        r = sd_bus_message_read(m, "v", "u", &uid);
        if (r >= 0 && (uid == 0 || uid == insiders->own_uid))
                *allowed = true;
        return r;
}

static int read_gids(sd_bus_message *m, const AccessInsiders *insiders, bool *allowed)
{
        const uint32_t *gids = NULL;
        size_t size = 0;
        int r;

        r = sd_bus_message_enter_container(m, 'v', "au");
        if (r >= 0)
                r = sd_bus_message_read_array(m, 'u', (const void **)&gids, &size);
        if (r < 0)
                return r;

        for (size_t i = 0; i < size / sizeof(*gids); i++)
                if (insiders->have_group && gids[i] == insiders->group)
                        *allowed = true;
        return sd_bus_message_exit_container(m);
}

int access_read_credentials(sd_bus_message *m, const AccessInsiders *insiders, bool *ret_allowed)
{
        bool allowed = false;
        const char *key;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read(m, "s", &key);
                if (r < 0)
                        return r;
                if (strcmp(key, "UnixUserID") == 0)
                        r = read_uid(m, insiders, &allowed);
                else if (strcmp(key, "UnixGroupIDs") == 0)
                        r = read_gids(m, insiders, &allowed);
                else
                        r = sd_bus_message_skip(m, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        if (r < 0)
                return r;

        *ret_allowed = allowed;
        return 0;
}
