/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include <string.h>

#define ANY (-1)

const Verb verb_table[] = {
        { "list", "", 0, 0, verb_list, "List the agents (this is what agentctl alone does)" },
        { "status", "[ID...]", 0, ANY, verb_status, "Show how agents are, or how the host is" },
        { "show", "[ID...]", 0, ANY, verb_show, "Show properties of agents, or of the host" },
        { "logs", "[ID...]", 0, ANY, verb_logs, "Show what agents, and agenthost about them, have logged" },
        { "monitor", "[ID...]", 0, ANY, verb_monitor, "Show what happens, as it happens" },
        { "cat", "ID...", 1, ANY, verb_cat, "Show the specs that agents were created with" },
        { "run", "SPEC...", 1, ANY, verb_run, "Start the agents of files; - is standard input" },
        { "stop", "ID...", 0, ANY, verb_stop, "Stop agents" },
        { "restart", "ID...", 0, ANY, verb_restart, "Stop agents and start them again" },
        { "kill", "ID...", 0, ANY, verb_kill, "Send a signal to agents" },
        { "freeze", "ID...", 0, ANY, verb_freeze, "Halt all processes of agents" },
        { "thaw", "ID...", 0, ANY, verb_thaw, "Let frozen agents go on" },
        { "shutdown", "", 0, 0, verb_shutdown, "Stop all agents of the host" },
        { "drain", "", 0, 0, verb_drain, "Let the host take no new agents" },
        { "resume", "", 0, 0, verb_resume, "Let it take new agents again" },
        { "cleanup", "", 0, 0, verb_cleanup, "Forget the agents that have ended" },
        { "hosts", "", 0, 0, verb_hosts, "List the hosts that agents can be placed on" },
        { "place", "SPEC...", 1, ANY, verb_place, "Say where the next agents are to run; start nothing" },
        { "runtimes", "", 0, 0, verb_runtimes, "List the runtimes that agents can be started with" },
        { "health", "", 0, 0, verb_health, "Tell whether agents can be started" },
        { "check-config", "", 0, 0, verb_check_config, "Check the settings and the runtimes of this host" },
        { "version", "", 0, 0, verb_version, "Show the versions of agentctl and of the service" },
        { "help", "", 0, 0, verb_help, "Show this text" },
        { 0 },
};

const Verb *verb_find(const char *name)
{
        for (const Verb *v = verb_table; v->name; v++)
                if (strcmp(v->name, name) == 0)
                        return v;
        return NULL;
}

static void print_option(FILE *out, const OptionInfo *o)
{
        char left[64], letter[4] = "  ";

        if (o->letter)
                (void)snprintf(letter, sizeof(letter), "-%c", o->letter);
        (void)snprintf(left, sizeof(left), "%s --%s%s%s", letter, o->name, o->argument ? "=" : "",
                o->argument ? o->argument : "");
        fprintf(out, "  %-33s %s\n", left, o->help);
}

static void print_verbs(FILE *out)
{
        for (const Verb *v = verb_table; v->name; v++) {
                char left[64];

                (void)snprintf(left, sizeof(left), "%s %s", v->name, v->arguments);
                fprintf(out, "  %-20s %s\n", left, v->help);
        }
}

void help_print(FILE *out)
{
        fprintf(out, "%s [OPTION...] VERB [ARGUMENT...]\n\n", program_invocation_short_name);
        fprintf(out, "Look after the agents of this host.\n\nVerbs:\n");
        print_verbs(out);
        fprintf(out, "\nOptions:\n");
        for (const OptionInfo *o = option_table; o->name; o++)
                print_option(out, o);
        fprintf(out,
                "\nSPEC is a file of JSON: of an agent, or of a guild, whose agents are all started.\n"
                "Instead of ID, --guild=GUILD stands for all agents of a guild.\n"
                "\nExit status:\n"
                "  0  all was done; status: the agents run\n"
                "  1  something failed\n"
                "  2  wrong use: a verb, an option or a file; nothing was done\n"
                "  3  status: an agent does not run\n"
                "  4  there is no such agent\n"
                "  5  access denied\n"
                "  6  the service, or the message bus, cannot be reached\n"
                "run with --wait, of one agent: what the agent exited with; 1 if it ended otherwise.\n");
}
