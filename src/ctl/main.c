/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* agentctl: looks after the agents of a host, over D-Bus. */

#include <signal.h>
#include <string.h>

#include "log.h"
#include "pager.h"
#include "strv.h"
#include "term.h"
#include "verbs.h"

static int wrong(const char *text)
{
        log_error("%s (see: agentctl --help)", text);
        return EXIT_USAGE;
}

static int check_arguments(const Verb *verb, char **arguments)
{
        int n = (int)strv_length(arguments);

        if (n >= verb->min && (verb->max < 0 || n <= verb->max))
                return EXIT_OK;
        log_error("agentctl %s%s%s takes %s (see: agentctl --help)", verb->name, *verb->arguments ? " " : "",
                verb->arguments, n < verb->min ? "at least one argument" : "no argument");
        return EXIT_USAGE;
}

static int run(int argc, char **argv, Options *options)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        _cleanup_(ctl_done) Ctl ctl = { .options = options };
        const Verb *verb = &verb_table[0];
        char **arguments;
        int r;

        if (options_parse(argc, argv, options, &fault) < 0)
                return wrong(fault_text(&fault));
        if (options->help)
                return verb_help(&ctl, options->arguments);
        if (options->version) {
                puts("agentctl " AGENTHOST_VERSION);
                return EXIT_OK;
        }

        arguments = options->arguments;
        if (arguments[0]) {
                verb = verb_find(*arguments++);
                if (!verb) {
                        log_error("There is no verb '%s' (see: agentctl --help)", options->arguments[0]);
                        return EXIT_USAGE;
                }
        }
        if (options_check_verb(argc, argv, verb->name, &fault) < 0)
                return wrong(fault_text(&fault));
        r = check_arguments(verb, arguments);
        return r == EXIT_OK ? verb->run(&ctl, arguments) : r;
}

/* Where a write has failed before the last one, its errno is not known any more. */
static int finish_output(int code)
{
        if (fflush(stdout) != 0) {
                if (errno == EPIPE || code != EXIT_OK)
                        return code;
                log_error("Cannot write the output: %s", strerror(errno));
                return EXIT_FAILED;
        }
        if (!ferror(stdout) || code != EXIT_OK)
                return code;
        log_error("Cannot write all of the output");
        return EXIT_FAILED;
}

int main(int argc, char **argv)
{
        Options options = { 0 };
        int r;

        term_begin();
        r = run(argc, argv, &options);
        pager_close();
        options_done(&options);
        return finish_output(r);
}
