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
#define ASIDE_SUFFIX ".newer" /* behind the other one */

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

static int read_object(Store *s, const char *name, struct json_object **ret, Fault *fault)
{
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = read_file_at(s->dir_fd, name, file_limits.bytes, &text, &size);
        if (r < 0) {
                fault_set(fault, FAULT_FAILED, "%s", strerror(-r));
                return error_may_pass(r) ? -EAGAIN : -EBADMSG;
        }
        return json_parse_strict("state", text, size, &file_limits, ret, fault);
}

typedef struct Loading {
        Store *store;
        Host *host;
        GuildTexts *guilds;
        StoreLoaded loaded;
        void *userdata;
} Loading;

static int read_agent(const Loading *l, const char *name, struct json_object *o, Agent **ret, Fault *fault)
{
        g_autofree char *expected = NULL;
        Agent *a;
        int r;

        r = state_record_read(o, l->host, l->guilds, &a, fault);
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

/* The specs in it are nowhere else. Under its own name it would be written over, or be removed, as soon as
 * the launcher lists the agent. */
static int set_aside(Store *s, const char *name, const char *format, const Fault *fault)
{
        g_autofree char *aside = g_strconcat(name, ASIDE_SUFFIX, NULL);
        int r;

        if (renameat(s->dir_fd, name, s->dir_fd, aside) < 0) {
                r = -errno;
                log_error("State file %s of a newer version of agenthost cannot be kept aside: %s", name,
                        strerror(-r));
                return error_may_pass(r) ? r : 0;
        }
        log_error(
                "State file %s has format %.32s, of a newer version of agenthost, and cannot be used: %s. It is "
                "kept as %s; if its agent runs, it is listed without its specs. For the rest of it, install "
                "that version again, stop agenthostd.service, and give the file its old name",
                name, format, fault_text(fault), aside);
        return 0;
}

static int load_file(const Loading *l, const char *name)
{
        _cleanup_json_ struct json_object *o = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        Store *s = l->store;
        Agent *a = NULL;
        int r;

        r = read_object(s, name, &o, &fault);
        if (r >= 0)
                r = read_agent(l, name, o, &a, &fault);
        if (r >= 0) {
                l->loaded(a, l->userdata);
                return 0;
        }
        if (r == -EAGAIN) {
                log_error("State file %s cannot be read now: %s", name, fault_text(&fault));
                return r;
        }
        if (state_record_is_newer(o))
                return set_aside(s, name, state_record_format(o), &fault);

        log_error("State file %s is not usable and removed: %s", name, fault_text(&fault));
        (void)unlinkat(s->dir_fd, name, 0);
        return 0;
}

static int visit_file(const Loading *l, const char *name)
{
        if (g_str_has_suffix(name, FILE_SUFFIX) && !g_str_has_prefix(name, TEMPORARY_PREFIX))
                return load_file(l, name);
        if (g_str_has_prefix(name, TEMPORARY_PREFIX))
                (void)unlinkat(l->store->dir_fd, name, 0);
        return 0;
}

/* It is of no use without the text of its guild. */
static int visit_aside(const Loading *l, const char *name)
{
        _cleanup_json_ struct json_object *o = NULL;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        const char *guild;
        int r;

        if (!g_str_has_suffix(name, FILE_SUFFIX ASIDE_SUFFIX))
                return 0;
        r = read_object(l->store, name, &o, &fault);
        if (r == -EAGAIN) {
                log_error("State file %s cannot be read now: %s", name, fault_text(&fault));
                return r;
        }
        guild = r < 0 ? NULL : state_record_guild(o);
        if (guild)
                guild_texts_keep(l->guilds, guild);
        return 0;
}

static int visit_all(const Loading *l, int (*visit)(const Loading *l, const char *name))
{
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *d;
        int fd = openat(l->store->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

        if (fd < 0)
                return -errno;
        dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return -errno;
        }

        while ((errno = 0, d = readdir(dir))) {
                r = visit(l, d->d_name);
                if (r < 0)
                        return r;
        }
        /* Agents that were not seen would be taken for nobody's, and how they ended be forgotten. */
        return -errno;
}

int store_load(Store *s, Host *host, GuildTexts *guilds, StoreLoaded loaded, void *userdata)
{
        const Loading l = { s, host, guilds, loaded, userdata };
        int r;

        r = visit_all(&l, visit_file);
        return r < 0 ? r : visit_all(&l, visit_aside);
}
