/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Values of runtime files that need more than base/parse.h: limits, users, variables, the command line. Each
 * sets a fault without file and line, which runtime-parse.c adds. */

#include "runtime.h"

/* LimitNOFILE=1024:4096 and the like, as in systemd.exec(5). Gives the RLIMIT_* of a key, -ENOENT for a key
 * that is no limit. */
int limit_resource(const char *key);
int limit_parse(const char *key, const char *value, RuntimeLimit *ret, Fault *fault);

/* A name or number that can stand for a user or group. */
bool user_name_is_valid(const char *name);

/* Whether an agent that runs as this user (name or number) would be agenthost itself, by name or by uid,
 * going by the given passwd(5) file. No NSS: the launcher must not wait for a network. */
bool user_is_service(const char *user, FILE *passwd);

/* The length of the variable's name in NAME=value, 0 when it is not of that form. */
size_t environment_name_length(const char *assignment);

/* Whether the variable is one of those that agenthost itself sets. */
bool environment_is_reserved(const char *assignment, size_t name_length);

/* Puts an assignment into a list, in place of an earlier one of the same variable. 0 or -ENOMEM. */
int environment_set(char ***environment, const char *assignment);

/* Splits and checks a command line. */
int exec_parse(const char *value, char ***ret, Fault *fault);
