/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-life.h"

#include <fcntl.h>
#include <string.h>
#include <systemd/sd-id128.h>

#include <glib.h>

#include "file-util.h"
#include "log.h"
#include "parse.h"

#define STAT_MAX 4096u

/* Which field of /proc/PID/stat it is, behind the name of the program: field 22 of proc(5). */
#define START_FIELD 20u

/* When a process was started, in ticks since the boot. */
static char *start_time(pid_t pid)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
        _cleanup_free_ char *text = NULL;
        g_auto(GStrv) fields = NULL;
        const char *behind_name;
        size_t size;

        if (read_file_at(AT_FDCWD, path, STAT_MAX, &text, &size) < 0)
                return NULL;
        behind_name = strrchr(text, ')');
        if (!behind_name)
                return NULL;
        fields = g_strsplit(behind_name, " ", -1);
        return g_strv_length(fields) > START_FIELD ? g_strdup(fields[START_FIELD]) : NULL;
}

char *host_life_new(pid_t manager)
{
        g_autofree char *start = start_time(manager);
        char boot[SD_ID128_STRING_MAX];
        sd_id128_t id;

        if (start && sd_id128_get_boot(&id) >= 0)
                return g_strconcat(sd_id128_to_string(id, boot), "-", start, NULL);

        /* Agents that may be placed again are told anew then, and no more. */
        log_warning("It cannot be found out since when the service manager runs; each start of agenthostd "
                    "counts as a boot for other hosts");
        g_assert_cmpint(sd_id128_randomize(&id), >=, 0);
        return g_strdup(sd_id128_to_string(id, boot));
}
