/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a user waits for at a command line: two commands in turns, each from its start until it has ended.
 *
 * bench-ctl list COUNT: "agentctl list", and the "busctl call" of what it asks for;
 * bench-ctl run COUNT RUNTIME PROGRAM: "agentctl run --wait" of an agent of this runtime, which is PROGRAM,
 * and "systemd-run --scope PROGRAM".
 *
 * Their output is thrown away. Prints "WHOSE KIND NAME VALUE" in microseconds. */

#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "measure.h"
#include "parse.h"
#include "proto/names.h"
#include "time-util.h"

#define SPEC_DIR "/run/bench-ctl"
#define COUNT_MAX 10000u
#define PATH_BYTES 64

static uint64_t ours_usec[COUNT_MAX], bare_usec[COUNT_MAX];

/* From before it is started until it has ended, which it has to do well. */
static uint64_t run(const char *const *argv, posix_spawn_file_actions_t *files)
{
        uint64_t begin = now_usec(CLOCK_MONOTONIC);
        int r, status;
        pid_t pid;

        r = posix_spawnp(&pid, argv[0], files, NULL, (char *const *)argv, environ);
        check(-r, argv[0]);
        if (waitpid(pid, &status, 0) < 0)
                die("waitpid: %s", strerror(errno));
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                die("%s has failed", argv[0]);
        return now_usec(CLOCK_MONOTONIC) - begin;
}

/* Whoever is measured next is not to pay for what the one before has left to do. */
static uint64_t run_quietly(const char *const *argv, posix_spawn_file_actions_t *files)
{
        await_idle();
        return run(argv, files);
}

/* Agents have ids of their own: none makes way for the next. */
static void write_spec(unsigned number, char *path)
{
        _cleanup_fclose_ FILE *f = NULL;

        (void)snprintf(path, PATH_BYTES, SPEC_DIR "/%u.json", number);
        f = fopen(path, "we");
        if (!f ||
                fprintf(f,
                        "{\"id\":\"ctl%u\",\"name\":\"Bench\",\"class_name\":\"bench.Agent\",\"guild_id\":\"ctl\"}",
                        number) < 0)
                die("cannot write %s", path);
}

static void measure_list(unsigned count, posix_spawn_file_actions_t *files)
{
        static const char *const ours[] = { "agentctl", "list", NULL };
        static const char *const bare[] = { "busctl", "call", BUS_NAME, HOST_PATH, MANAGER_INTERFACE,
                "ListAgents", "s", "", NULL };

        for (unsigned i = 0; i < count; i++) {
                ours_usec[i] = run(ours, files);
                bare_usec[i] = run(bare, files);
        }
}

static void measure_run(
        unsigned count, const char *runtime, const char *program, posix_spawn_file_actions_t *files)
{
        const char *const bare[] = { "systemd-run", "--quiet", "--scope", program, NULL };
        char path[PATH_BYTES];
        const char *const ours[] = { "agentctl", "run", "--wait", "--runtime", runtime, path, NULL };

        (void)mkdir(SPEC_DIR, 0755);
        for (unsigned i = 0; i < count; i++) {
                write_spec(i, path);
                ours_usec[i] = run_quietly(ours, files);
                bare_usec[i] = run_quietly(bare, files);
        }
}

static void print(const char *kind, unsigned count)
{
        printf("ours %s command_usec %" PRIu64 "\nbare %s command_usec %" PRIu64 "\n", kind,
                median(ours_usec, count), kind, median(bare_usec, count));
}

int main(int argc, char *argv[])
{
        posix_spawn_file_actions_t files;
        unsigned count;

        if (argc < 3 || parse_uint(argv[2], 1, COUNT_MAX, &count) < 0)
                die("usage: bench-ctl list COUNT, or bench-ctl run COUNT RUNTIME PROGRAM");
        check(-posix_spawn_file_actions_init(&files), "files");
        check(-posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0), "files");
        if (strcmp(argv[1], "list") == 0 && argc == 3)
                measure_list(count, &files);
        else if (strcmp(argv[1], "run") == 0 && argc == 5)
                measure_run(count, argv[3], argv[4], &files);
        else
                die("there is nothing called '%s' to be measured so", argv[1]);
        print(argv[1], count);
        return 0;
}
