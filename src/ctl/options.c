/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include <getopt.h>
#include <glib.h>
#include <string.h>

#include "parse.h"
#include "strv.h"

#define AT(field) offsetof(Options, field)
#define ACTING " stop restart kill freeze thaw "

/* Not check-config, which hands on what the services say. */
#define WITH_JSON                                       \
        " list status show logs monitor cat run" ACTING \
        "shutdown drain resume cleanup hosts place runtimes health version "

const OptionInfo option_table[] = {
        { "help", 'h', NULL, NULL, OPTION_FLAG, AT(help), "Show this text" },
        { "version", 0, NULL, NULL, OPTION_FLAG, AT(version), "Show the version of agentctl" },
        { "user", 0, NULL, NULL, OPTION_FLAG, AT(user), "Talk to the agenthost of the user who calls" },
        { "remote", 'H', "[USER@]HOST", NULL, OPTION_TEXT, AT(remote), "Talk to another host, over SSH" },
        { "json", 0, "short|pretty|off", WITH_JSON, OPTION_JSON, AT(json), "Output as JSON" },
        { "no-legend", 0, NULL, NULL, OPTION_FLAG, AT(no_legend), "No column titles and no hints" },
        { "no-pager", 0, NULL, NULL, OPTION_FLAG, AT(no_pager), "Do not pipe output into a pager" },
        { "no-ask-password", 0, NULL, NULL, OPTION_FLAG, AT(no_ask_password), "Ask for no password" },
        { "full", 'l', NULL, " list hosts runtimes status ", OPTION_FLAG, AT(full),
                "Cut nothing to fit the terminal" },
        { "quiet", 'q', NULL, " run shutdown drain resume cleanup" ACTING, OPTION_FLAG, AT(quiet),
                "Say nothing of what went well" },
        { "timeout", 0, "TIME", " run stop shutdown drain ", OPTION_SPAN, AT(timeout_usec),
                "run: until an agent must be ready; stop, shutdown, drain: until what is left of it is killed" },
        { "stop", 0, NULL, " drain ", OPTION_FLAG, AT(stop), "Stop all agents of the host, too" },

        { "guild", 0, "GUILD", " run list status logs monitor show" ACTING, OPTION_TEXT, AT(guild),
                "Only agents of this guild, or all of them; run: the file with the guild's spec" },
        { "columns", 0, "NAME,...", " list hosts runtimes ", OPTION_COMMA_LIST, AT(columns),
                "Show these columns; those that there are, are in agentctl(1)" },
        { "fleet", 0, NULL, " list stop ", OPTION_FLAG, AT(fleet),
                "list: the agents of all hosts; stop: with --guild=, those of the guild on all hosts" },
        { "state", 0, "STATE,...", " list ", OPTION_COMMA_LIST, AT(states), "Only agents in these states" },

        { "here", 0, NULL, " run stop ", OPTION_FLAG, AT(here), "On this host, and on no other" },
        { "host", 0, "HOST", " run ", OPTION_TEXT, AT(host), "Start it on this host: its name or address" },
        { "strategy", 0, "round-robin|least-agents", " run ", OPTION_CHOICE, AT(strategy),
                "Choose the host so, not as its settings say" },
        { "runtime", 0, "NAME", " run ", OPTION_TEXT, AT(runtime), "Start with this runtime" },
        { "restart", 0, "no|on-failure|always", " run ", OPTION_CHOICE, AT(restart),
                "Whether to start again what ended" },
        { "messaging", 0, "FILE", " run ", OPTION_TEXT, AT(messaging),
                "The messaging configuration; default: properties.messaging of the guild's spec" },
        { "environment", 'E', "NAME[=VALUE]", " run ", OPTION_ASSIGNMENT, AT(environment),
                "Set a variable that the runtime allows; without a value: as it is here" },
        { "client-type", 0, "NAME", " run ", OPTION_TEXT, AT(client_type), "Handed to the agent" },
        { "client-properties", 0, "FILE", " run ", OPTION_TEXT, AT(client_properties), "Likewise" },
        { "machine-id", 0, "NUMBER", " run ", OPTION_NUMBER, AT(machine_id), "Likewise" },
        { "request-id", 0, "TEXT", " run ", OPTION_TEXT, AT(request_id),
                "A repeat with the same text starts nothing twice; for one agent" },
        { "takeover", 0, NULL, " run ", OPTION_FLAG, AT(takeover),
                "Start it although the registry knows it on another host, which loses it" },
        { "reschedule", 0, NULL, " run ", OPTION_FLAG, AT(reschedule),
                "Start it on another host when its own is lost; with --restart=always" },
        { "no-block", 0, NULL, " run ", OPTION_FLAG, AT(no_block),
                "Do not wait until agents are ready, only until they are executed" },
        { "wait", 0, NULL, " run ", OPTION_FLAG, AT(wait), "Wait until the agents have ended" },
        { "follow", 'f', NULL, " run logs ", OPTION_FLAG, AT(follow),
                "Show log lines as they come; run: until the agents have ended" },

        { "signal", 's', "SIGNAL", " kill ", OPTION_SIGNAL, AT(signal_number),
                "The signal to send (default: SIGTERM)" },
        { "kill-whom", 0, "main|all", " kill ", OPTION_CHOICE, AT(whom),
                "Send it to the main process or to all (default: all)" },

        { "property", 'p', "NAME,...", " show ", OPTION_COMMA_LIST, AT(properties),
                "Only these properties" },
        { "value", 0, NULL, " show ", OPTION_FLAG, AT(value), "Values without names" },
        { "lines", 'n', "NUMBER", " status logs ", OPTION_NUMBER, AT(lines),
                "So many of the last log lines (status: 10; logs: all, with --follow 10)" },
        { 0 },
};

#define OPTION_COUNT (ELEMENTSOF(option_table) - 1)

/* getopt's return value for the option at an index: above all characters. */
#define FIRST_CODE 256

static void make_getopt_tables(struct option *longs, GString *shorts)
{
        /* Ours to tell what is wrong. */
        g_string_append(shorts, ":");
        for (size_t i = 0; i < OPTION_COUNT; i++) {
                const OptionInfo *info = &option_table[i];

                longs[i] = (struct option){
                        .name = info->name,
                        .has_arg = info->argument ? required_argument : no_argument,
                        .val = FIRST_CODE + (int)i,
                };
                if (info->letter)
                        g_string_append_printf(shorts, "%c%s", info->letter, info->argument ? ":" : "");
        }
        longs[OPTION_COUNT] = (struct option){ 0 };
}

static const OptionInfo *find_option(int code)
{
        if (code >= FIRST_CODE)
                return &option_table[code - FIRST_CODE];
        for (size_t i = 0; i < OPTION_COUNT; i++)
                if (option_table[i].letter == code)
                        return &option_table[i];
        return NULL;
}

static int bad_value(const OptionInfo *info, const char *value, const char *wanted, Fault *fault)
{
        return fault_set(fault, FAULT_INVALID_ARGS, "--%s must be %s, not '%s'", info->name, wanted, value);
}

/* "a, b or c" of "a|b|c". */
static char *list_choices(const char *choices)
{
        g_auto(GStrv) words = g_strsplit(choices, "|", -1);
        guint n = g_strv_length(words);
        GString *text = g_string_new(words[0]);

        for (guint i = 1; i < n; i++)
                g_string_append_printf(text, "%s%s", i + 1 < n ? ", " : " or ", words[i]);
        return g_string_free(text, false);
}

static int set_choice(const OptionInfo *info, const char *value, char **field, Fault *fault)
{
        g_auto(GStrv) words = g_strsplit(info->argument, "|", -1);
        g_autofree char *list = NULL;

        if (!g_strv_contains((const char *const *)words, value)) {
                list = list_choices(info->argument);
                return bad_value(info, value, list, fault);
        }
        g_free(*field);
        *field = g_strdup(value);
        return 0;
}

static int set_json(const OptionInfo *info, const char *value, JsonMode *field, Fault *fault)
{
        if (strcmp(value, "short") == 0)
                *field = JSON_SHORT;
        else if (strcmp(value, "pretty") == 0)
                *field = JSON_PRETTY;
        else if (strcmp(value, "off") == 0)
                *field = JSON_OFF;
        else
                return bad_value(info, value, "short, pretty or off", fault);
        return 0;
}

static int set_comma_list(const OptionInfo *info, const char *value, char ***field, Fault *fault)
{
        _cleanup_strv_free_ char **words = NULL;

        if (strv_split(value, ",", &words) < 0)
                return -ENOMEM;
        if (!words || !words[0])
                return bad_value(info, value, "a list with commas between its words", fault);
        for (char **w = words; *w; w++)
                if (strv_extend(field, *w) < 0)
                        return -ENOMEM;
        return 0;
}

/* Also "-5": those that may not be negative are looked at by who uses them. */
static int set_number(const OptionInfo *info, const char *value, int64_t *field, Fault *fault)
{
        bool is_negative = value[0] == '-';
        uint64_t number;

        if (parse_uint64(value + is_negative, 0, INT32_MAX, &number) < 0 ||
                (is_negative && strcmp(info->name, "machine-id") != 0))
                return bad_value(info, value, "a number", fault);
        *field = is_negative ? -(int64_t)number : (int64_t)number;
        return 0;
}

/* A secret may be in the environment, which others cannot see, but not in the arguments, which all can. */
static int add_assignment(const OptionInfo *info, const char *value, char ***field, Fault *fault)
{
        g_autofree char *assignment = NULL;
        const char *inherited;

        if (strchr(value, '='))
                return strv_extend(field, value);
        inherited = *value ? getenv(value) : NULL;
        if (!inherited)
                return fault_set(fault, FAULT_INVALID_ARGS,
                        "--%s: '%s' has no value, and is not in the environment of agentctl", info->name,
                        value);
        assignment = g_strconcat(value, "=", inherited, NULL);
        return strv_extend(field, assignment);
}

static int set_option(Options *o, const OptionInfo *info, const char *value, Fault *fault)
{
        void *field = (char *)o + info->offset;

        switch (info->kind) {
        case OPTION_FLAG:
                *(bool *)field = true;
                return 0;
        case OPTION_TEXT:
                g_free(*(char **)field);
                *(char **)field = g_strdup(value);
                return 0;
        case OPTION_ASSIGNMENT:
                return add_assignment(info, value, field, fault);
        case OPTION_COMMA_LIST:
                return set_comma_list(info, value, field, fault);
        case OPTION_CHOICE:
                return set_choice(info, value, field, fault);
        case OPTION_SPAN:
                if (parse_sec(value, field) < 0 || *(uint64_t *)field == 0)
                        return bad_value(info, value, "a time above 0, as in 30, 1min or 500ms", fault);
                return 0;
        case OPTION_SIGNAL:
                if (parse_signal(value, field) < 0)
                        return bad_value(info, value, "a signal's name or number", fault);
                return 0;
        case OPTION_NUMBER:
                if (field == &o->machine_id)
                        o->has_machine_id = true;
                return set_number(info, value, field, fault);
        case OPTION_JSON:
                return set_json(info, value, field, fault);
        }
        return -EINVAL;
}

static int unknown_option(char **argv, Fault *fault)
{
        if (optopt && optopt < FIRST_CODE)
                return fault_set(fault, FAULT_INVALID_ARGS, "There is no option '-%c'", optopt);
        if (optopt)
                return fault_set(
                        fault, FAULT_INVALID_ARGS, "--%s takes no value", find_option(optopt)->name);
        return fault_set(fault, FAULT_INVALID_ARGS, "Unknown or ambiguous option '%s'", argv[optind - 1]);
}

/* With o NULL, options are only looked at: whether they are for the verb. */
static int parse(int argc, char **argv, Options *o, const char *verb, Fault *fault)
{
        struct option longs[OPTION_COUNT + 1];
        g_autoptr(GString) shorts = g_string_new(NULL);
        int code, r;

        make_getopt_tables(longs, shorts);
        optind = 0;
        opterr = 0;
        while ((code = getopt_long(argc, argv, shorts->str, longs, NULL)) >= 0) {
                const OptionInfo *info;
                g_autofree char *word = NULL;

                if (code == '?')
                        return unknown_option(argv, fault);
                if (code == ':') {
                        info = find_option(optopt);
                        return fault_set(fault, FAULT_INVALID_ARGS, "--%s needs a value: --%s=%s",
                                info->name, info->name, info->argument);
                }

                info = find_option(code);
                word = verb ? g_strdup_printf(" %s ", verb) : NULL;
                if (word && info->verbs && !strstr(info->verbs, word))
                        return fault_set(
                                fault, FAULT_INVALID_ARGS, "--%s is not for '%s'", info->name, verb);
                r = o ? set_option(o, info, optarg, fault) : 0;
                if (r < 0)
                        return r;
        }
        return 0;
}

int options_parse(int argc, char **argv, Options *ret, Fault *fault)
{
        int r;

        *ret = (Options){ .lines = -1 };
        r = parse(argc, argv, ret, NULL, fault);
        if (r < 0)
                return r;
        ret->arguments = argv + optind;
        return 0;
}

int options_check_verb(int argc, char **argv, const char *verb, Fault *fault)
{
        return parse(argc, argv, NULL, verb, fault);
}

uint32_t options_timeout_sec(const Options *o)
{
        uint64_t sec = (o->timeout_usec + USEC_PER_SEC - 1) / USEC_PER_SEC;

        return o->timeout_usec == USEC_INFINITY || sec > UINT32_MAX ? UINT32_MAX : (uint32_t)sec;
}

void options_done(Options *o)
{
        g_free(o->remote);
        g_free(o->guild);
        strv_free(o->columns);
        strv_free(o->states);
        g_free(o->runtime);
        g_free(o->restart);
        g_free(o->host);
        g_free(o->strategy);
        g_free(o->client_type);
        g_free(o->client_properties);
        g_free(o->messaging);
        g_free(o->request_id);
        strv_free(o->environment);
        g_free(o->whom);
        strv_free(o->properties);
        *o = (Options){ 0 };
}
