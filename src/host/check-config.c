/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check-config.h"

#include <stdio.h>

#include "config.h"
#include "log.h"

static unsigned n_findings;

static void count_finding(int level, const LogField *fields, size_t n_fields, const char *text)
{
        (void)fields;
        (void)n_fields;

        if (level > LOG_WARNING)
                return;
        n_findings++;
        fprintf(stderr, "%s\n", text);
}

int check_config(const Paths *paths)
{
        _cleanup_(config_freep) Config *config = NULL;
        int r;

        n_findings = 0;
        log_set_sink(count_finding);
        r = config_load((const char *const *)paths->config_dirs, &config);
        log_set_sink(NULL);
        if (r < 0)
                return r;

        if (n_findings == 0)
                printf("Settings: nothing is wrong\n");
        return n_findings > 0 ? -EINVAL : 0;
}
