/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store.h"

#include <fcntl.h>
#include <string.h>

#include "file-util.h"
#include "json-check.h"
#include "log.h"
#include "state-record.h"

#define FILE_SUFFIX ".json"
#define TEMPORARY_PREFIX ".#"

/* Texts of 4 MiB each, at worst escaped to six bytes a byte. */
static const JsonLimits file_limits = { .bytes = 80u * 1024 * 1024, .depth = 64 };

struct Store {
        int dir_fd;
};

int store_open(const char *path, Store **ret)
{
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

        if (fd < 0)
                return -errno;

        *ret = g_new0(Store, 1);
        (*ret)->dir_fd = fd;
        return 0;
}

Store *store_free(Store *s)
{
        if (s)
                close_fd(s->dir_fd);
        g_free(s);
        return NULL;
}

int store_dir_fd(const Store *s)
{
        return s->dir_fd;
}

static char *file_name(const Agent *a)
{
        return g_strconcat(a->unit, FILE_SUFFIX, NULL);
}

int store_save(Store *s, const Agent *a)
{
        _cleanup_json_ struct json_object *o = state_record_write(a);
        g_autofree char *name = file_name(a);
        const char *text;
        size_t length;

        text = json_object_to_json_string_length(
                o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
        if (!text)
                return -ENOMEM;
        return write_file_atomic_at(s->dir_fd, name, text, length);
}

void store_remove(Store *s, const Agent *a)
{
        g_autofree char *name = file_name(a);

        if (unlinkat(s->dir_fd, name, 0) < 0 && errno != ENOENT)
                log_warning("Cannot remove "
                            "%s from the state directory: %s",
                        name, strerror(errno));
}

static int load_file(Store *s, const char *name, Host *host, GuildTexts *guilds, Agent **ret, Fault *fault)
{
        _cleanup_json_ struct json_object *o = NULL;
        _cleanup_free_ char *text = NULL;
        g_autofree char *expected = NULL;
        size_t size;
        Agent *a;
        int r;

        r = read_file_at(s->dir_fd, name, file_limits.bytes, &text, &size);
        if (r < 0)
                return fault_set(fault, FAULT_FAILED, "%s", strerror(-r));
        r = json_parse_strict("state", text, size, &file_limits, &o, fault);
        if (r >= 0)
                r = state_record_read(o, host, guilds, &a, fault);
        if (r < 0)
                return r;

        expected = file_name(a);
        if (strcmp(expected, name) != 0) {
                r = fault_set(
                        fault, FAULT_FAILED, "it is about agent %s, whose file is %s", a->id, expected);
                agent_free(a);
                return r;
        }

        *ret = a;
        return 0;
}

int store_load(Store *s, Host *host, GuildTexts *guilds, StoreLoaded loaded, void *userdata)
{
        _cleanup_closedir_ DIR *dir = NULL;
        int fd = openat(s->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return -errno;
        }

        for (struct dirent *d = readdir(dir); d; d = readdir(dir)) {
                _cleanup_fault_ Fault fault = FAULT_INIT;
                Agent *a = NULL;

                if (g_str_has_prefix(d->d_name, TEMPORARY_PREFIX)) {
                        (void)unlinkat(s->dir_fd, d->d_name, 0);
                        continue;
                }
                if (!g_str_has_suffix(d->d_name, FILE_SUFFIX))
                        continue;
                if (load_file(s, d->d_name, host, guilds, &a, &fault) >= 0) {
                        loaded(a, userdata);
                        continue;
                }
                log_error("State file %s is not usable and removed: %s", d->d_name, fault_text(&fault));
                (void)unlinkat(s->dir_fd, d->d_name, 0);
        }

        return 0;
}
