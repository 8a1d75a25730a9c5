/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime-parse.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "file-util.h"
#include "ini-file.h"
#include "runtime-key.h"

#define SECTION "Runtime"
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

typedef struct Reading {
        Runtime *runtime;
        bool user_mode;
        Fault *fault;
} Reading;

static int on_assignment(
        const char *section, const char *key, const char *value, unsigned line, void *userdata)
{
        _cleanup_fault_ Fault cause = FAULT_INIT;
        Reading *reading = userdata;
        int r;

        if (section[0] == '\0')
                r = fault_set(&cause, FAULT_INVALID_ARGS, "%s= stands before the header [" SECTION "]", key);
        else if (strcmp(section, SECTION) != 0)
                r = fault_set(&cause, FAULT_INVALID_ARGS, "Unknown section [%s]", section);
        else
                r = runtime_assign(reading->runtime, key, value, reading->user_mode, &cause);

        if (r < 0 && !error_is_shortage(r))
                return fault_set(reading->fault, FAULT_INVALID_ARGS, "%s:%u: %s", reading->runtime->path,
                        line, fault_text(&cause));
        return r;
}

/* What can be said only when all of the file has been read. */
static int finish(Runtime *runtime, bool user_mode, Fault *fault)
{
        int r;

        if (!runtime->exec)
                return fault_set(fault, FAULT_INVALID_ARGS, "%s: Exec= is missing", runtime->path);
        if (!user_mode && !runtime->user)
                return fault_set(fault, FAULT_INVALID_ARGS,
                        "%s: User= is missing: say which user the agents run as", runtime->path);
        if (runtime->restart_max_usec < runtime->restart_usec)
                return fault_set(
                        fault, FAULT_INVALID_ARGS, "%s: RestartMaxSec= is below RestartSec=", runtime->path);

        /* systemd's own default lets one killed helper end the agent, and calls that a success. */
        if (!unit_properties_contain(runtime->properties, runtime->n_properties, "OOMPolicy")) {
                r = unit_properties_assign(
                        &runtime->properties, &runtime->n_properties, "OOMPolicy", "kill", fault);
                if (r < 0)
                        return r;
        }

        for (char **name = runtime->require; name && *name; name++)
                if (!unit_properties_contain(runtime->properties, runtime->n_properties, *name))
                        return fault_set(fault, FAULT_INVALID_ARGS,
                                "%s: Require=%s names no resource-control setting of this file",
                                runtime->path, *name);

        return 0;
}

/* We run what the file says, so nobody but root and ourselves may have a say in it. */
static int check_owner(int fd, const char *path, bool user_mode, Fault *fault)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return fault_set(fault, FAULT_INVALID_ARGS, "%s: %m", path);
        if (st.st_uid != 0 && !user_mode)
                return fault_set(
                        fault, FAULT_INVALID_ARGS, "%s: not owned by root (chown root %s)", path, path);
        if (st.st_uid != 0 && st.st_uid != geteuid())
                return fault_set(fault, FAULT_INVALID_ARGS,
                        "%s: owned by another user (make a copy of your own)", path);
        if (st.st_mode & (S_IWGRP | S_IWOTH))
                return fault_set(fault, FAULT_INVALID_ARGS,
                        "%s: writable by others than its owner (chmod go-w %s)", path, path);
        return 0;
}

static int runtime_new(const char *path, const char *name, Runtime **ret)
{
        _cleanup_(runtime_freep) Runtime *runtime = calloc(1, sizeof(Runtime));
        int r;

        if (!runtime)
                return -ENOMEM;

        runtime->path = strdup(path);
        runtime->name = strdup(name);
        if (!runtime->path || !runtime->name)
                return -ENOMEM;

        r = runtime_set_defaults(runtime);
        if (r < 0)
                return r;

        *ret = steal_ptr(runtime);
        return 0;
}

bool runtime_name_is_valid(const char *name)
{
        return name[0] != '\0' && name[0] != '.' && name[strspn(name, NAME_CHARS)] == '\0';
}

int runtime_parse(const char *path, const char *name, bool user_mode, Runtime **ret, Fault *fault)
{
        _cleanup_(runtime_freep) Runtime *runtime = NULL;
        _cleanup_close_ int fd = -EBADF;
        Reading reading = { .user_mode = user_mode, .fault = fault };
        int r;

        assert(runtime_name_is_valid(name));

        r = runtime_new(path, name, &runtime);
        if (r < 0)
                return r;

        /* O_NONBLOCK: a FIFO in place of the file must not hold us up. */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0 && error_is_shortage(-errno))
                return -errno;
        if (fd < 0)
                return fault_set(fault, FAULT_INVALID_ARGS, "%s: %m", path);

        r = check_owner(fd, path, user_mode, fault);
        if (r < 0)
                return r;

        reading.runtime = runtime;
        r = ini_read_fd(fd, path, on_assignment, &reading, fault);
        if (error_is_shortage(r))
                return r;
        if (r < 0)
                return fault_set(fault, FAULT_INVALID_ARGS, "%s: %s", path, strerror(-r));

        r = finish(runtime, user_mode, fault);
        if (r < 0)
                return r;

        *ret = steal_ptr(runtime);
        return 0;
}
