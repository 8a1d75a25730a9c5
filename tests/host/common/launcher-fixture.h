/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For tests that speak to a running agenthost-launcher by its own socket, as root in a booted host. Whatever
 * goes wrong in here ends the test. */

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include <glib.h>

#include "macros.h"
#include "proto/launcher.h"

/* The longest that anything in these tests is waited for. */
#define TEST_LIMIT_USEC (60 * G_USEC_PER_SEC)

/* A directory where every user may write. */
#define TEST_DIR "/run/agenthost-test"

typedef struct Spawned {
        char *unit;
        pid_t pid;
        int pidfd;
        char *error; /* name of the D-Bus error; NULL: started */
        char *text; /* its message */
} Spawned;

typedef struct End {
        char *result;
        int code, status, requested;
        uint64_t when_usec;
        char *oom_level;
        uint64_t memory_peak, cpu_nsec;
} End;

typedef struct Fixture {
        sd_bus *bus;
        GHashTable *ends; /* unit -> End, as signalled */
        GPtrArray *launched; /* units of Launched signals */
        GPtrArray *runtimes; /* paths of the files that were written */
        int texts[AGENT_TEXT_COUNT];
} Fixture;

/* Starts the services unless they run. */
Fixture *fixture_new(void);
void fixture_free(Fixture *f);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fixture, fixture_free)

/* Writes NAME.runtime; lines besides [Runtime] and User=daemon. The launcher reads it at once. */
void fixture_runtime(Fixture *f, const char *name, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Without waiting: the answer comes while something else is waited for. */
Spawned *fixture_spawn_begin(Fixture *f, const char *id, const char *guild, const char *runtime);
void fixture_wait(Fixture *f, const Spawned *s);

Spawned *fixture_spawn(Fixture *f, const char *id, const char *runtime);
Spawned *fixture_spawn_with(
        Fixture *f, const char *id, const char *runtime, const char *const *environment, const int *texts);

/* In two pieces: a Spawn as far as its unit properties, which are for the test to append, well-formed or
 * not; and the rest, with the answer. The message is taken. */
sd_bus_message *fixture_spawn_open(
        Fixture *f, const char *id, const char *guild, const char *runtime, const char *const *environment);
Spawned *fixture_spawn_close(Fixture *f, sd_bus_message *m);

/* Of agent "a" in guild "g", with one unit property: its name, its type, its value. */
Spawned *fixture_spawn_with_property(
        Fixture *f, const char *runtime, const char *name, const char *type, ...);
void spawned_free(Spawned *s);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Spawned, spawned_free)

/* A call with simple arguments; NULL or the name of the error. */
char *fixture_call(Fixture *f, const char *member, const char *types, ...);
void fixture_stop(Fixture *f, const char *unit, uint64_t timeout_usec);
void fixture_acknowledge(Fixture *f, const char *unit);

/* Waits for Ended; the End lives until the fixture goes. */
const End *fixture_wait_end(Fixture *f, const char *unit);

/* Waits, stating what is expected, and acknowledges. */
void fixture_expect_end(
        Fixture *f, const Spawned *s, const char *result, int code, int status, bool requested);

/* Handles what has come, for at most a while. */
void fixture_process(Fixture *f, uint64_t limit_usec);

typedef struct Listed {
        char *unit, *agent_id, *guild_id, *runtime;
        pid_t pid;
        int pidfd;
        unsigned phase;
        End end;
} Listed;

/* All pages. */
GPtrArray *fixture_list(Fixture *f, unsigned *ret_pages);

/* Gives agents back, as listed or kept; the refused. */
GStrv fixture_adopt(Fixture *f, GPtrArray *agents);

/* Connects again after the launcher has been away. */
void fixture_reconnect(Fixture *f);

/* The same, as this user. */
void fixture_reconnect_as(Fixture *f, const char *user);

/* Standard output of a shell command that must succeed. */
char *shell(const char *format, ...) G_GNUC_PRINTF(1, 2);
bool shell_succeeds(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* Waits until the command succeeds. */
void shell_await(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* The content of a file below TEST_DIR once it ends in a newline. */
char *await_file(const char *name);
