/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cgroups.h"

#include <glib.h>
#include <string.h>

#include "host-state.h"
#include "outcome.h"

char *cgroup_read(const char *unit, const char *file)
{
        g_autofree char *group =
                g_strchomp(command("systemctl show --property=ControlGroup --value %s", unit));
        g_autofree char *path = g_strdup_printf("/sys/fs/cgroup%s/%s", group, file);
        g_autoptr(GError) error = NULL;
        char *content;

        if (!g_file_get_contents(path, &content, NULL, &error))
                fail("%s", error->message);
        content[strcspn(content, "\n")] = '\0';
        return content;
}

void cgroup_expect(const char *unit, const char *file, const char *expected)
{
        g_autofree char *what = g_strdup_printf("%s of %s", file, unit), *got = cgroup_read(unit, file);

        expect_text(what, expected, got);
}

void cgroup_set(const char *unit, const char *properties)
{
        g_free(command("systemctl set-property --runtime %s %s", unit, properties));
}
