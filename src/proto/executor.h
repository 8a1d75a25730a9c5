/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The contract between agenthost-launcher and agenthost-executor.
 *
 * The launcher keeps some executors, the workers: starting a program anew costs several times as much as all
 * that is to be done for an agent, and the launcher itself is not to fork. All workers have the same
 * sequenced-packet socket, EXECUTOR_FD_REQUESTS; EOF there ends them. A message there is a request, which
 * one of them takes: the plan (below), and with it the following descriptors in this order. The worker makes
 * a process, with CLONE_PARENT, so that it is the launcher's child, which has these descriptors in these
 * places, and sleeps until that has executed the agent or has ended:
 *
 *   EXECUTOR_FD_GATE  a stream socket, gate and report in one: the process first says its pid (int32_t)
 *                     there; EOF instead means that it could not be made. Then it waits for one byte; EOF
 *                     means that the launcher is gone or wants no agent: it exits. Behind the gate, the
 * socket is close-on-exec: EOF on the launcher's side means executed; an ExecutorReport means failed.
 *   EXECUTOR_FD_TEXT0 + 0..3  the four texts (AGENT_TEXT_NAMES)
 *
 * What can be prepared before the gate opens is (looking up users, writing the credential files): systemd is
 * creating the scope meanwhile. Nothing that belongs to the agent happens before: no line of its own code,
 * nothing written to its journal stream.
 *
 * The plan is a sequence of NUL-terminated "KEY=value" texts, at most PLAN_SIZE_MAX bytes, keys as below;
 * those marked
 * * may come several times and keep their order. Times and sizes are decimal. Written by launcher/plan.c,
 * read by executor/plan.c. */

#include <stdint.h>

/* A message of this text, without descriptors, asks the worker that takes it for a further one, which is
 * like it. That says its pid (int32_t) there. */
#define EXECUTOR_MORE "More"

#define EXECUTOR_FD_REQUESTS 3 /* the worker's; it moves it away */

#define EXECUTOR_FD_GATE 3
#define EXECUTOR_FD_TEXT0 4
#define EXECUTOR_FD_COUNT 5

#define PLAN_SIZE_MAX (1024u * 1024u)

#define PLAN_UNIT "Unit" /* the scope's name: the journal stream's unit */
#define PLAN_IDENT "Ident" /* the journal stream's identifier: base name of argv[0] */
#define PLAN_USER "User" /* name or number; missing: stay who we are (user mode) */
#define PLAN_GROUP "Group"
#define PLAN_SUPPLEMENTARY_GROUP "SupplementaryGroup" /* * */
#define PLAN_WORKING_DIRECTORY "WorkingDirectory"
#define PLAN_UMASK "UMask" /* octal */
#define PLAN_RLIMIT "RLimit" /* * "RESOURCE_NUMBER:SOFT:HARD" */
#define PLAN_NO_NEW_PRIVILEGES "NoNewPrivileges" /* 0 or 1 */
#define PLAN_OUTPUT "Output" /* journal or null */
#define PLAN_CREDENTIALS                                                                 \
        "Credentials" /* the directory to make: root's, 0755; the files 0400, the user's \
                       */
#define PLAN_ENVIRONMENT                                                                    \
        "Environment" /* * "NAME=value", the whole environment but what depends on the user \
                       * (HOME, USER, LOGNAME, SHELL), which the executor adds unless set */
#define PLAN_ARGUMENT "Argument" /* * argv; the first is the absolute path that is executed */

/* What failed, in the order of the steps. */
typedef enum ExecutorStep {
        EXECUTOR_STEP_PLAN = 1,
        EXECUTOR_STEP_USER,
        EXECUTOR_STEP_GROUP,
        EXECUTOR_STEP_CREDENTIALS,
        EXECUTOR_STEP_OUTPUT,
        EXECUTOR_STEP_DESCRIPTORS,
        EXECUTOR_STEP_LIMITS,
        EXECUTOR_STEP_SETGROUPS,
        EXECUTOR_STEP_SETGID,
        EXECUTOR_STEP_SETUID,
        EXECUTOR_STEP_WORKING_DIRECTORY,
        EXECUTOR_STEP_NO_NEW_PRIVILEGES,
        EXECUTOR_STEP_EXEC,
        _EXECUTOR_STEP_MAX,
} ExecutorStep;

typedef struct ExecutorReport {
        uint32_t step; /* ExecutorStep */
        int32_t error; /* errno, positive */
        char subject[256]; /* what it was about: a path, a user's name; NUL-terminated */
} ExecutorReport;

/* For messages: "exec", "user", "working directory" ... */
static inline const char *executor_step_name(uint32_t step)
{
        static const char *const names[_EXECUTOR_STEP_MAX] = {
                [EXECUTOR_STEP_PLAN] = "plan",
                [EXECUTOR_STEP_USER] = "user",
                [EXECUTOR_STEP_GROUP] = "group",
                [EXECUTOR_STEP_CREDENTIALS] = "credentials",
                [EXECUTOR_STEP_OUTPUT] = "standard output",
                [EXECUTOR_STEP_DESCRIPTORS] = "file descriptors",
                [EXECUTOR_STEP_LIMITS] = "limits",
                [EXECUTOR_STEP_SETGROUPS] = "setgroups",
                [EXECUTOR_STEP_SETGID] = "setgid",
                [EXECUTOR_STEP_SETUID] = "setuid",
                [EXECUTOR_STEP_WORKING_DIRECTORY] = "working directory",
                [EXECUTOR_STEP_NO_NEW_PRIVILEGES] = "no new privileges",
                [EXECUTOR_STEP_EXEC] = "exec",
        };

        return step < _EXECUTOR_STEP_MAX && names[step] ? names[step] : "unknown step";
}
