/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime.h"

#include <fnmatch.h>
#include <string.h>

#include "conf-files.h"
#include "escape.h"
#include "file-util.h"
#include "runtime-parse.h"
#include "runtime-value.h"
#include "strv.h"

#define SUFFIX ".runtime"

const char *runtime_type_name(RuntimeType type)
{
        return type == RUNTIME_NOTIFY ? "notify" : "exec";
}

const char *runtime_restart_name(RuntimeRestart restart)
{
        static const char *const names[] = {
                [RUNTIME_RESTART_NO] = "no",
                [RUNTIME_RESTART_ON_FAILURE] = "on-failure",
                [RUNTIME_RESTART_ALWAYS] = "always",
        };

        return names[restart];
}

Runtime *runtime_free(Runtime *runtime)
{
        if (!runtime)
                return NULL;

        free(runtime->name);
        free(runtime->path);
        strv_free(runtime->match);
        strv_free(runtime->exec);
        free(runtime->user);
        free(runtime->group);
        strv_free(runtime->supplementary_groups);
        free(runtime->working_directory);
        strv_free(runtime->environment);
        strv_free(runtime->client_types);
        strv_free(runtime->allow_environment);
        unit_properties_free(runtime->properties, runtime->n_properties);
        strv_free(runtime->require);
        free(runtime);
        return NULL;
}

void runtime_freep(Runtime **runtime)
{
        *runtime = runtime_free(*runtime);
}

RuntimeSet *runtime_set_free(RuntimeSet *set)
{
        if (!set)
                return NULL;

        for (size_t i = 0; i < set->n_runtimes; i++)
                runtime_free(set->runtimes[i]);
        free(set->runtimes);
        strv_free(set->refused);
        free(set);
        return NULL;
}

void runtime_set_freep(RuntimeSet **set)
{
        *set = runtime_set_free(*set);
}

const Runtime *runtime_set_find(const RuntimeSet *set, const char *name)
{
        for (size_t i = 0; i < set->n_runtimes; i++)
                if (strcmp(set->runtimes[i]->name, name) == 0)
                        return set->runtimes[i];
        return NULL;
}

static int compare_runtimes(const void *a, const void *b)
{
        return strcmp((*(Runtime *const *)a)->name, (*(Runtime *const *)b)->name);
}

/* The file's name without directory and suffix. */
static char *runtime_name(const char *path)
{
        const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
        size_t n = strlen(base), suffix = strlen(SUFFIX);

        return strndup(base, n > suffix ? n - suffix : 0);
}

static int read_one(const char *path, bool user_mode, Runtime **ret, Fault *fault)
{
        _cleanup_free_ char *name = runtime_name(path);

        if (!name)
                return -ENOMEM;

        if (!runtime_name_is_valid(name))
                return fault_set(fault, FAULT_INVALID_ARGS,
                        "%s: the name of a runtime can have letters, digits, \"_\", \".\" and \"-\" only",
                        path);

        return runtime_parse(path, name, user_mode, ret, fault);
}

/* A file may be named anything and escapes may write any byte, but the text will travel on D-Bus. */
static int refuse_file(RuntimeSet *set, const char *text)
{
        char *copy = strdup(text);
        bool valid;

        if (!copy)
                return -ENOMEM;

        valid = utf8_is_valid(copy, strlen(copy));
        for (char *p = copy; *p; p++)
                if ((unsigned char)*p < ' ' || *p == 0x7f || ((unsigned char)*p >= 0x80 && !valid))
                        *p = '?';

        return strv_consume(&set->refused, copy);
}

/* One file into the set, among the runtimes or the refused. A shortage (file-util.h) is no file's fault. */
static int add_file(RuntimeSet *set, const char *path, bool user_mode)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        _cleanup_(runtime_freep) Runtime *runtime = NULL;
        Runtime **grown;
        int r;

        r = read_one(path, user_mode, &runtime, &fault);
        if (error_is_shortage(r))
                return r;
        if (r < 0)
                return refuse_file(set, fault_text(&fault));

        grown = reallocarray(set->runtimes, set->n_runtimes + 1, sizeof(Runtime *));
        if (!grown)
                return -ENOMEM;

        set->runtimes = grown;
        set->runtimes[set->n_runtimes++] = steal_ptr(runtime);
        return 0;
}

static int add_files(RuntimeSet *set, const char *const *dirs, bool user_mode)
{
        _cleanup_strv_free_ char **paths = NULL;
        int r;

        r = conf_files_list(dirs, SUFFIX, &paths);
        if (error_is_shortage(r))
                return r;
        if (r < 0) {
                char *text;

                if (asprintf(&text, "%s: the directories of runtimes cannot be listed: %s", dirs[0],
                            strerror(-r)) < 0)
                        return -ENOMEM;
                return strv_consume(&set->refused, text);
        }

        for (char **path = paths; *path; path++) {
                r = add_file(set, *path, user_mode);
                if (r < 0)
                        return r;
        }

        return 0;
}

int runtime_set_load(const char *const *dirs, bool user_mode, RuntimeSet **ret)
{
        _cleanup_(runtime_set_freep) RuntimeSet *set = calloc(1, sizeof(RuntimeSet));
        int r;

        if (!set)
                return -ENOMEM;

        set->refused = calloc(1, sizeof(char *));
        if (!set->refused)
                return -ENOMEM;

        r = add_files(set, dirs, user_mode);
        if (r < 0)
                return r;

        if (set->n_runtimes > 0)
                qsort(set->runtimes, set->n_runtimes, sizeof(Runtime *), compare_runtimes);

        *ret = steal_ptr(set);
        return 0;
}

/* The dynamic loader's: with these the agent's own texts could be run as code. A glob that is not about them
 * does not mean them. */
static bool is_of_loader(const char *name)
{
        return strncmp(name, "LD_", 3) == 0;
}

int runtime_check_environment(const Runtime *runtime, const char *assignment, Fault *fault)
{
        size_t n = environment_name_length(assignment);
        _cleanup_free_ char *name = NULL;

        if (n == 0)
                return fault_set(fault, FAULT_INVALID_ARGS,
                        "An environment entry is not of the form NAME=value, with a NAME of letters, digits "
                        "and \"_\"");

        if (environment_is_reserved(assignment, n))
                return fault_set(fault, FAULT_ACCESS_DENIED,
                        "Variable %.*s is set by agenthost itself, leave it out", (int)n, assignment);

        name = strndup(assignment, n);
        if (!name)
                return -ENOMEM;

        for (char **glob = runtime->allow_environment; glob && *glob; glob++)
                if (fnmatch(*glob, name, 0) == 0 && (!is_of_loader(name) || is_of_loader(*glob)))
                        return 0;

        return fault_set(fault, FAULT_ACCESS_DENIED,
                "Runtime %s does not let callers set %.255s: add AllowEnvironment=%.255s to %s",
                runtime->name, name, name, runtime->path);
}
