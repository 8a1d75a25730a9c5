/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime-key.h"

#include <string.h>

#include "file-util.h"
#include "parse.h"
#include "runtime-value.h"
#include "strv.h"

typedef struct KeyRow KeyRow;
typedef int (*SetKey)(Runtime *runtime, const KeyRow *row, const char *value, Fault *fault);

struct KeyRow {
        const char *key;
        SetKey set;
        size_t offset; /* of the field in Runtime */
        const char *initial; /* what an empty assignment gives back; NULL: nothing */
        bool list; /* assignments add up */
        bool system_only;
        uint64_t min; /* of a time */
};

static void *field(Runtime *runtime, const KeyRow *row)
{
        return (char *)runtime + row->offset;
}

static int refuse(const KeyRow *row, const char *value, const char *expected, Fault *fault)
{
        return fault_set(fault, FAULT_INVALID_ARGS, "%s=%s: expected %s", row->key, value, expected);
}

static int set_words(Runtime *runtime, const KeyRow *row, const char *value, Fault *fault)
{
        _cleanup_strv_free_ char **words = NULL;
        int r;

        (void)fault;

        r = strv_split(value, " \t", &words);
        for (char **w = words; r >= 0 && *w; w++)
                r = strv_extend(field(runtime, row), *w);
        return r;
}

static int set_groups(Runtime *runtime, const KeyRow *row, const char *value, Fault *fault)
{
        _cleanup_strv_free_ char **words = NULL;
        int r;

        r = strv_split(value, " \t", &words);
        if (r < 0)
                return r;

        for (char **w = words; *w; w++)
                if (!user_name_is_valid(*w))
                        return refuse(row, *w, "names or numbers of groups", fault);

        return set_words(runtime, row, value, fault);
}

static int set_environment(Runtime *runtime, const KeyRow *row, const char *value, Fault *fault)
{
        _cleanup_strv_free_ char **words = NULL;
        int r;

        r = split_words(value, &words);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return refuse(row, value, "NAME=value, quoted where it holds spaces", fault);

        for (char **w = words; *w; w++) {
                size_t n = environment_name_length(*w);

                if (n == 0)
                        return refuse(row, *w, "NAME=value", fault);
                if (environment_is_reserved(*w, n))
                        return fault_set(fault, FAULT_INVALID_ARGS, "%s=: %.*s is set by agenthost itself",
                                row->key, (int)n, *w);

                r = environment_set(field(runtime, row), *w);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int replace_text(char **text, const char *value)
{
        char *copy = strdup(value);

        if (!copy)
                return -ENOMEM;

        free(*text);
        *text = copy;
        return 0;
}

static int set_user(Runtime *runtime, const KeyRow *row, const char *value, Fault *fault)
{
        _cleanup_fclose_ FILE *passwd = NULL;

        if (!user_name_is_valid(value))
                return refuse(row, value, "the name or number of a user", fault);

        passwd = fopen("/etc/passwd", "re");
        if (!passwd && error_is_shortage(-errno))
                return -errno;
        if (!passwd)
                return fault_set(
                        fault, FAULT_INVALID_ARGS, "%s=%s: cannot read /etc/passwd: %m", row->key, value);
        if (user_is_service(value, passwd))
                return fault_set(fault, FAULT_INVALID_ARGS,
                        "%s=%s: agents cannot run as agenthost's own user, give them another", row->key,
                        value);

        return replace_text(field(runtime, row), value);
}

static int set_group(Runtime *runtime, const KeyRow *row, const char *value, Fault *fault)
{
        if (!user_name_is_valid(value))
                return refuse(row, value, "the name or number of a group", fault);

        return replace_text(field(runtime, row), value);
}

static int set_directory(Runtime *runtime, const KeyRow *row, const char *value, Fault *fault)
{
        if (value[0] != '/')
                return refuse(row, value, "an absolute path", fault);

        return replace_text(field(runtime, row), value);
}

static int set_exec(Runtime *runtime, const KeyRow *row, const char *value, Fault *fault)
{
        char **words, ***exec = field(runtime, row);
        int r;

        r = exec_parse(value, &words, fault);
        if (r < 0)
                return r;

        strv_free(*exec);
        *exec = words;
        return 0;
}

static int set_boolean(Runtime *runtime, const KeyRow *row, const char *value, Fault *fault)
{
        return parse_boolean(value, field(runtime, row)) < 0 ? refuse(row, value, "yes or no", fault) : 0;
}

static int set_time(Runtime *runtime, const KeyRow *row, const char *value, Fault *fault)
{
        uint64_t usec;

        if (parse_sec(value, &usec) < 0 || usec == USEC_INFINITY)
                return refuse(row, value, "a time such as 30, 500ms or 2min", fault);
        if (usec < row->min)
                return refuse(row, value, "a time above 0", fault);

        *(uint64_t *)field(runtime, row) = usec;
        return 0;
}

static int set_umask(Runtime *runtime, const KeyRow *row, const char *value, Fault *fault)
{
        mode_t mode;

        if (parse_mode(value, &mode) < 0 || mode > 0777)
                return refuse(row, value, "an octal mode such as 0022", fault);

        runtime->umask = mode;
        return 0;
}

static int set_signal(Runtime *runtime, const KeyRow *row, const char *value, Fault *fault)
{
        if (parse_signal(value, &runtime->stop_signal) < 0)
                return refuse(row, value, "a signal such as SIGTERM", fault);
        return 0;
}

static int set_type(Runtime *runtime, const KeyRow *row, const char *value, Fault *fault)
{
        for (RuntimeType type = RUNTIME_EXEC; type <= RUNTIME_NOTIFY; type++)
                if (strcmp(runtime_type_name(type), value) == 0) {
                        runtime->type = type;
                        return 0;
                }

        return refuse(row, value, "exec or notify", fault);
}

static int set_restart(Runtime *runtime, const KeyRow *row, const char *value, Fault *fault)
{
        for (RuntimeRestart restart = RUNTIME_RESTART_NO; restart <= RUNTIME_RESTART_ALWAYS; restart++)
                if (strcmp(runtime_restart_name(restart), value) == 0) {
                        runtime->restart = restart;
                        return 0;
                }

        return refuse(row, value, "no, on-failure or always", fault);
}

static int set_output(Runtime *runtime, const KeyRow *row, const char *value, Fault *fault)
{
        if (strcmp(value, "journal") != 0 && strcmp(value, "null") != 0)
                return refuse(row, value, "journal or null", fault);

        runtime->output_null = strcmp(value, "null") == 0;
        return 0;
}

#define FIELD(name) .offset = offsetof(Runtime, name)

static const KeyRow rows[] = {
        { "Match", set_words, FIELD(match), .list = true },
        { "Exec", set_exec, FIELD(exec) },
        { "Type", set_type, FIELD(type), "exec" },
        { "User", set_user, FIELD(user), .system_only = true },
        { "Group", set_group, FIELD(group), .system_only = true },
        { "SupplementaryGroups", set_groups, FIELD(supplementary_groups), .list = true,
                .system_only = true },
        { "WorkingDirectory", set_directory, FIELD(working_directory) },
        { "UMask", set_umask, FIELD(umask), "0022" },
        { "Environment", set_environment, FIELD(environment), .list = true },
        { "NoNewPrivileges", set_boolean, FIELD(no_new_privileges), "yes" },
        { "StartTimeoutSec", set_time, FIELD(start_timeout_usec), "30", .min = 1 },
        { "StopTimeoutSec", set_time, FIELD(stop_timeout_usec), "10", .min = 1 },
        { "WatchdogSec", set_time, FIELD(watchdog_usec), "0" },
        { "StopSignal", set_signal, FIELD(stop_signal), "SIGTERM" },
        { "Restart", set_restart, FIELD(restart), "no" },
        { "RestartSec", set_time, FIELD(restart_usec), "100ms", .min = 1 },
        { "RestartMaxSec", set_time, FIELD(restart_max_usec), "60", .min = 1 },
        { "StandardOutput", set_output, FIELD(output_null), "journal" },
        { "ClientTypes", set_words, FIELD(client_types), .list = true },
        { "AllowEnvironment", set_words, FIELD(allow_environment), .list = true },
        { "Require", set_words, FIELD(require), .list = true },
};

static int reset_key(Runtime *runtime, const KeyRow *row)
{
        if (row->initial)
                return row->set(runtime, row, row->initial, NULL);

        if (row->list || row->set == set_exec) {
                char ***words = field(runtime, row);

                strv_free(*words);
                *words = NULL;
        } else {
                char **text = field(runtime, row);

                free(*text);
                *text = NULL;
        }

        return 0;
}

static int assign_limit(Runtime *runtime, int resource, const char *key, const char *value, Fault *fault)
{
        if (value[0] == '\0') {
                runtime->limits[resource].set = false;
                return 0;
        }

        return limit_parse(key, value, &runtime->limits[resource], fault);
}

int runtime_assign(Runtime *runtime, const char *key, const char *value, bool user_mode, Fault *fault)
{
        int resource = limit_resource(key);

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                if (strcmp(rows[i].key, key) != 0)
                        continue;
                if (rows[i].system_only && user_mode)
                        return fault_set(fault, FAULT_INVALID_ARGS,
                                "%s= cannot be set in user mode: the agents of a user run as that user",
                                key);
                return value[0] == '\0' ? reset_key(runtime, &rows[i])
                                        : rows[i].set(runtime, &rows[i], value, fault);
        }

        if (resource >= 0)
                return assign_limit(runtime, resource, key, value, fault);

        return unit_properties_assign(&runtime->properties, &runtime->n_properties, key, value, fault);
}

int runtime_set_defaults(Runtime *runtime)
{
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                int r = reset_key(runtime, &rows[i]);

                if (r < 0)
                        return r;
        }

        return 0;
}
