/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* logs */

#include <glib.h>

#include "agents.h"
#include "journal.h"
#include "log.h"
#include "pager.h"
#include "verbs.h"

#define FOLLOW_LINES 10

/* The fleet: the services, and the slices of the guilds that have agents now. */
static int add_fleet(Ctl *ctl, Journal *j)
{
        g_autoptr(GPtrArray) rows = NULL;
        const char *last = NULL;
        int r;

        r = ctl_connect(ctl);
        if (r == EXIT_OK)
                r = agents_list(ctl, NULL, &rows);
        if (r != EXIT_OK)
                return r;

        r = journal_add_services(j);
        for (guint i = 0; r >= 0 && i < rows->len; i++) {
                const AgentRow *row = rows->pdata[i];

                if (g_strcmp0(last, row->guild) != 0)
                        r = journal_add_guild(j, row->guild);
                last = row->guild;
        }
        return r < 0 ? ctl_report_errno("The journal cannot be searched", r) : EXIT_OK;
}

/* Agents need not be there any more: the journal knows them by their names. */
static int add_wanted(Ctl *ctl, Journal *j, char **ids)
{
        const char *guild = ctl->options->guild;
        int r = 0;

        if (!guild && !ids[0])
                return add_fleet(ctl, j);
        if (guild)
                r = journal_add_guild(j, guild);
        for (char **id = ids; r >= 0 && *id; id++)
                r = journal_add_agent(j, *id);
        return r < 0 ? ctl_report_errno("The journal cannot be searched", r) : EXIT_OK;
}

static int follow(Journal *j)
{
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        int r = sd_event_default(&event);

        if (r >= 0)
                r = ctl_catch_interrupt(event);
        if (r >= 0)
                r = journal_follow(j, event);
        if (r < 0)
                return ctl_report_errno("The journal cannot be followed", r);
        return ctl_end_of(event, MIN(sd_event_loop(event), 0));
}

int verb_logs(Ctl *ctl, char **arguments)
{
        _cleanup_(journal_freep) Journal *j = NULL;
        const Options *o = ctl->options;
        const char *hint = journal_hint();
        int r;

        if (o->remote) {
                log_error("The journal is read where agentctl runs; try 'ssh %s agentctl logs ...'",
                        o->remote);
                return EXIT_USAGE;
        }
        r = journal_new(o, &j);
        if (r < 0)
                return ctl_report_errno("The journal cannot be opened", r);
        r = add_wanted(ctl, j, arguments);
        if (r != EXIT_OK)
                return r;

        if (hint && !o->no_legend && !o->user)
                log_notice("%s", hint);
        if (!o->follow)
                pager_open(o);
        r = journal_print(j, o->lines >= 0 ? o->lines : o->follow ? FOLLOW_LINES : -1);
        if (r < 0)
                return ctl_report_errno("The journal cannot be read", r);
        if (r == 0 && !o->follow && o->json == JSON_OFF && !o->no_legend)
                puts("-- No entries --");
        return o->follow ? follow(j) : EXIT_OK;
}
