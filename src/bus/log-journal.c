/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include "log-journal.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#include "log.h"

static void sink_journal(int level, const LogField *fields, size_t n_fields, const char *text)
{
        char *owned[LOG_FIELDS_MAX + 2] = { NULL };
        struct iovec iov[LOG_FIELDS_MAX + 2];
        size_t n = 0;

        for (size_t i = 0; i < n_fields && i < LOG_FIELDS_MAX; i++)
                if (fields[i].value && asprintf(&owned[n], "%s=%s", fields[i].name, fields[i].value) >= 0)
                        n++;
        if (asprintf(&owned[n], "PRIORITY=%d", level) >= 0)
                n++;
        if (asprintf(&owned[n], "MESSAGE=%s", text) >= 0)
                n++;

        for (size_t i = 0; i < n; i++)
                iov[i] = (struct iovec){ owned[i], strlen(owned[i]) };
        /* It takes a descriptor the first time, and there may be none left. This one is the journal's too.
         */
        if (sd_journal_sendv(iov, (int)n) < 0)
                (void)dprintf(STDERR_FILENO, "<%d>%s\n", level, text);

        for (size_t i = 0; i < n; i++)
                free(owned[i]);
}

void log_open_journal(void)
{
        const char *stream = getenv("JOURNAL_STREAM");
        uintmax_t device, inode;
        struct stat st;

        if (stream && sscanf(stream, "%ju:%ju", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
                st.st_dev == device && st.st_ino == inode)
                log_set_sink(sink_journal);
}
