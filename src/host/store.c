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
        GHashTable *leftovers; /* names of files to remove */
};

int store_open(const char *path, Store **ret)
{
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

        if (fd < 0)
                return -errno;

        *ret = g_new0(Store, 1);
        **ret = (Store){
                .dir_fd = fd,
                .leftovers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        };
        return 0;
}

Store *store_free(Store *s)
{
        if (!s)
                return NULL;

        g_hash_table_unref(s->leftovers);
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
        int r;

        text = json_object_to_json_string_length(
                o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
        if (!text)
                return -ENOMEM;
        r = write_file_atomic_at(s->dir_fd, name, text, length);
        if (r >= 0)
                store_keep_file(s, name);
        return r;
}

static bool is_removed(const Store *s, const char *name)
{
        return unlinkat(s->dir_fd, name, 0) >= 0 || errno == ENOENT;
}

void store_remove_file(Store *s, const char *name)
{
        if (is_removed(s, name))
                return;

        log_warning("Cannot remove %s from the state directory, trying on: %s", name, strerror(errno));
        g_hash_table_add(s->leftovers, g_strdup(name));
}

void store_keep_file(Store *s, const char *name)
{
        g_hash_table_remove(s->leftovers, name);
}

bool store_has_leftovers(const Store *s)
{
        return g_hash_table_size(s->leftovers) > 0;
}

bool store_remove_leftovers(Store *s)
{
        GHashTableIter i;
        gpointer name;

        g_hash_table_iter_init(&i, s->leftovers);
        while (g_hash_table_iter_next(&i, &name, NULL))
                if (is_removed(s, name))
                        g_hash_table_iter_remove(&i);
        return !store_has_leftovers(s);
}

void store_remove(Store *s, const Agent *a)
{
        g_autofree char *name = file_name(a);

        store_remove_file(s, name);
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
        if (r < 0) {
                fault_set(fault, FAULT_FAILED, "%s", strerror(-r));
                return error_may_pass(r) ? -EAGAIN : -EBADMSG;
        }
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
        int fd = openat(s->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

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
                r = load_file(s, d->d_name, host, guilds, &a, &fault);
                if (r >= 0) {
                        loaded(a, userdata);
                        continue;
                }
                if (r == -EAGAIN) {
                        log_error("State file %s cannot be read now: %s", d->d_name, fault_text(&fault));
                        return r;
                }
                log_error("State file %s is not usable and removed: %s", d->d_name, fault_text(&fault));
                (void)unlinkat(s->dir_fd, d->d_name, 0);
        }

        return 0;
}
