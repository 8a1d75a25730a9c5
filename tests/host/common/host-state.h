/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host that a test runs in: runtimes, settings and services as the test needs them, what is to be seen
 * of agents from outside of agenthost, and all of it undone afterwards. All of this is of the mode (mode.h).
 */

#include <sys/types.h>

#include "macros.h"

#define AGENT_USER "agents"
#define AGENT_PROGRAM "/run/agenthost-tests/agent"
#define RUNTIMES_DIR "/etc/agenthost/runtimes.d" /* in system mode */

/* Once for a test program: checks that the host may be used, installs the agent (../agent.c) and its user,
 * starts the services. */
void host_prepare(void);

/* After each test: stops the agents, takes back what the functions below have done, and looks whether
 * anything is left. */
void host_clean(void);

/* The file NAME.runtime; names begin with "test-". In effect after host_reload(). */
void runtime_write(const char *name, const char *format, ...) _printf_(2, 3);

/* The line that says who agents run as: in user mode an empty one. */
const char *runtime_user(void);

/* A runtime of the agent in ../agent.c: type as in Type=, what it does in words as that file says. More
 * settings (may be NULL) are lines. */
void runtime_add(const char *name, const char *type, const char *actions, const char *settings);
void runtime_remove(const char *name);

/* Settings of agenthost.conf, as a drop-in. In effect after host_reload(). */
void config_write(const char *text);

/* A drop-in for agenthostd.service or agenthost-launcher.service; known to systemd on return, in effect
 * after a restart. */
void unit_write(const char *unit, const char *text);

/* A rule of polkit, in effect on return: the body of a JavaScript function of action and subject. NULL:
 * none. */
void polkit_rule(const char *body);

/* A whole file of rules, likewise. */
void polkit_rules_file(const char *path);

/* polkit cannot be reached any more. */
void polkit_mask(void);

/* systemctl reload agenthostd.service; settings and runtimes are in effect on return. */
void host_reload(void);

/* Runs a command, gives what it printed. That it fails ends the test. */
char *command(const char *format, ...) _printf_(1, 2);

/* The same of systemctl, which is told whose service manager to ask. */
char *systemctl(const char *format, ...) _printf_(1, 2);

pid_t service_pid(const char *unit);
void service_signal(const char *unit, int signal_number);

/* Ended by SIGKILL; back at work on return. */
void agenthostd_crash(void);
void launcher_crash(void);

/* agent-*.scope in the order of their names; what systemd knows of one (NULL: nothing). */
char **scope_list(void);
char *scope_property(const char *unit, const char *interface, const char *name);

/* Files of a directory with this suffix, without it. */
char **directory_list(const char *path, const char *suffix);

/* Agents that have a state file, as unit names. */
char **state_list(void);

/* Processes of AGENT_PROGRAM. That each is in a scope of an agent is checked. */
unsigned agent_process_count(void);

/* Whether how a process ended can be known by who is not its parent. */
bool kernel_tells_exits(void);

/* Whether a process is there and has not ended. */
bool process_is_alive(pid_t pid);
void process_wait_end(pid_t pid);

/* That it was started with this, NAME=value, in its environment. */
void process_expect_variable(pid_t pid, const char *assignment);

/* Whether a service has logged this since it was last started. */
bool journal_has(const char *unit, const char *part);
