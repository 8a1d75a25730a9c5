/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The files that run and place are given, made into what CreateAgent takes. A file is the spec of an agent,
 * or that of a guild, of which all "agents" are meant. The texts go to the service as they are; here it is
 * only looked at what they are. */

#include <glib.h>

#include "options.h"

typedef struct RunSpec {
        char *id; /* for messages, and to know it again: "" if the spec has none */
        char *agent;
        char *guild; /* shared by all of a guild: owned by RunSpecs.texts */
        char *messaging; /* likewise */
        char *request_id;
} RunSpec;

typedef struct RunSpecs {
        GPtrArray *items; /* RunSpec */
        GPtrArray *texts;
        char *client_properties; /* NULL: not given */
        bool guilds_optional;
} RunSpecs;

/* Fault: InvalidSpec with file, line and column, or InvalidArgs. "-" is standard input, once. */
int run_specs_read(const Options *options, char *const *paths, RunSpecs *ret, Fault *fault);

/* The same, for who needs no guilds. */
int run_specs_read_agents(const Options *options, char *const *paths, RunSpecs *ret, Fault *fault);

void run_specs_done(RunSpecs *specs);
