/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs. Each is a function in verb-*.c that does all of its work, has told the user what went wrong,
 * and returns what agentctl exits with (exit-code.h). */

#include "ctl.h"

typedef struct Verb {
        const char *name;
        const char *arguments; /* for --help */
        int min, max; /* how many arguments; max -1: any number */
        int (*run)(Ctl *ctl, char **arguments);
        const char *help;
} Verb;

/* Ends with a name of NULL. The first is what agentctl without a verb does. */
extern const Verb verb_table[];

const Verb *verb_find(const char *name);

void help_print(FILE *out);

int verb_list(Ctl *ctl, char **arguments);
int verb_status(Ctl *ctl, char **arguments);
int verb_show(Ctl *ctl, char **arguments);
int verb_cat(Ctl *ctl, char **arguments);
int verb_logs(Ctl *ctl, char **arguments);
int verb_monitor(Ctl *ctl, char **arguments);
int verb_run(Ctl *ctl, char **arguments);
int verb_stop(Ctl *ctl, char **arguments);
int verb_restart(Ctl *ctl, char **arguments);
int verb_kill(Ctl *ctl, char **arguments);
int verb_freeze(Ctl *ctl, char **arguments);
int verb_thaw(Ctl *ctl, char **arguments);
int verb_shutdown(Ctl *ctl, char **arguments);
int verb_drain(Ctl *ctl, char **arguments);
int verb_resume(Ctl *ctl, char **arguments);
int verb_cleanup(Ctl *ctl, char **arguments);
int verb_hosts(Ctl *ctl, char **arguments);
int verb_place(Ctl *ctl, char **arguments);
int verb_runtimes(Ctl *ctl, char **arguments);
int verb_health(Ctl *ctl, char **arguments);
int verb_check_config(Ctl *ctl, char **arguments);
int verb_version(Ctl *ctl, char **arguments);
int verb_help(Ctl *ctl, char **arguments);
