/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* agentctl's options: one table that the parser, --help and the tests of completions and manual page go by.
 */

#include "fault.h"

typedef enum JsonMode {
        JSON_OFF,
        JSON_SHORT,
        JSON_PRETTY,
} JsonMode;

typedef struct Options {
        char **arguments; /* verb and its arguments; borrowed from argv */

        bool help, version;
        bool user;
        char *remote; /* [USER@]HOST; NULL: here */
        JsonMode json;
        bool no_legend, no_pager, full, quiet, no_ask_password;
        uint64_t timeout_usec; /* 0: not given */
        bool stop;

        char *guild; /* an id; for run a file */
        char **columns, **states;

        char *runtime, *restart, *client_type, *client_properties, *messaging, *request_id;
        char **environment;
        int64_t machine_id;
        bool has_machine_id;
        bool takeover, reschedule, here, fleet;
        char *host, *strategy;
        bool no_block, wait, follow;

        int signal_number; /* 0: not given */
        char *whom; /* NULL: not given */

        char **properties;
        bool value;
        int64_t lines; /* -1: not given */
} Options;

typedef enum OptionKind {
        OPTION_FLAG,
        OPTION_TEXT,
        OPTION_ASSIGNMENT, /* may be given several times; of a name alone the value is in our environment */
        OPTION_COMMA_LIST, /* likewise; a value may hold several, with commas between them */
        OPTION_CHOICE, /* one of the words of its argument, "a|b|c" */
        OPTION_SPAN, /* time */
        OPTION_SIGNAL,
        OPTION_NUMBER,
        OPTION_JSON,
} OptionKind;

typedef struct OptionInfo {
        const char *name;
        char letter; /* 0: it has none */
        const char *argument; /* NULL: it takes none */
        const char *verbs; /* those that it is for, between spaces; NULL: all */
        OptionKind kind;
        size_t offset;
        const char *help;
} OptionInfo;

/* Ends with a name of NULL. */
extern const OptionInfo option_table[];

/* Fault: InvalidArgs, says what is wrong. --help and --version are only noted. */
int options_parse(int argc, char **argv, Options *ret, Fault *fault);
void options_done(Options *options);

/* --timeout= as D-Bus has it: whole seconds, of which 0 is the default of the runtime. */
uint32_t options_timeout_sec(const Options *options);

/* Whether each option that was given is for this verb. */
int options_check_verb(int argc, char **argv, const char *verb, Fault *fault);
