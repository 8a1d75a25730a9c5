/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guild-text.h"

#include <fcntl.h>
#include <string.h>

#include "file-util.h"
#include "spec.h"
#include "store.h"

#define GUILD_FILE_SUFFIX ".guild"

struct GuildTexts {
        Store *store; /* borrowed */
        GHashTable *by_text; /* text -> GuildText, both borrowed: unref takes it out */
        GHashTable *by_digest; /* the same */
        GHashTable *kept; /* digests whose files stay whoever refers to them */
};

GuildTexts *guild_texts_new(Store *store)
{
        GuildTexts *t = g_new0(GuildTexts, 1);

        *t = (GuildTexts){
                .store = store,
                .by_text = g_hash_table_new(g_str_hash, g_str_equal),
                .by_digest = g_hash_table_new(g_str_hash, g_str_equal),
                .kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        };
        return t;
}

GuildTexts *guild_texts_free(GuildTexts *t)
{
        GHashTableIter i;
        gpointer g;

        if (!t)
                return NULL;

        g_hash_table_iter_init(&i, t->by_text);
        while (g_hash_table_iter_next(&i, NULL, &g))
                ((GuildText *)g)->texts = NULL;
        g_hash_table_unref(t->by_text);
        g_hash_table_unref(t->by_digest);
        g_hash_table_unref(t->kept);
        g_free(t);
        return NULL;
}

static char *guild_file_name(const char *digest)
{
        return g_strconcat(digest, GUILD_FILE_SUFFIX, NULL);
}

GuildText *guild_text_unref(GuildText *g)
{
        if (!g || --g->references > 0)
                return NULL;

        if (g->texts) {
                g_autofree char *name = guild_file_name(g->digest);

                g_hash_table_remove(g->texts->by_text, g->text);
                g_hash_table_remove(g->texts->by_digest, g->digest);
                if (!g_hash_table_contains(g->texts->kept, g->digest))
                        store_remove_file(g->texts->store, name);
        }
        close_fd(g->memfd);
        g_free(g->digest);
        g_free(g->text);
        free(g->guild_id);
        g_free(g);
        return NULL;
}

static char *compute_digest(const char *text)
{
        return g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
}

/* Takes over the texts. */
static GuildText *guild_text_new(GuildTexts *t, char *text, char *digest, char *guild_id)
{
        GuildText *g = g_new0(GuildText, 1);

        *g = (GuildText){
                .texts = t,
                .references = 1,
                .guild_id = guild_id,
                .text = text,
                .digest = digest,
                .memfd = -EBADF,
        };
        g_hash_table_insert(t->by_text, g->text, g);
        g_hash_table_insert(t->by_digest, g->digest, g);
        return g;
}

int guild_texts_take(GuildTexts *t, const char *text, GuildText **ret, Fault *fault)
{
        GuildText *g = g_hash_table_lookup(t->by_text, text);
        char *guild_id;
        int r;

        if (g) {
                g->references++;
                *ret = g;
                return 0;
        }

        r = guild_spec_parse(text, &guild_id, fault);
        if (r < 0)
                return r;

        g = guild_text_new(t, g_strdup(text), compute_digest(text), guild_id);
        g_autofree char *name = guild_file_name(g->digest);
        r = write_file_atomic_at(store_dir_fd(t->store), name, g->text, strlen(g->text));
        if (r < 0) {
                guild_text_unref(g);
                return fault_set(fault, FAULT_START_FAILED,
                        "Cannot write the guild's spec below /run/agenthost: %s", strerror(-r));
        }

        store_keep_file(t->store, name);
        *ret = g;
        return 0;
}

int guild_texts_load(GuildTexts *t, const char *digest, GuildText **ret)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        g_autofree char *name = guild_file_name(digest), *is_digest = NULL;
        GuildText *g = g_hash_table_lookup(t->by_digest, digest);
        _cleanup_free_ char *text = NULL;
        char *guild_id;
        int r;

        if (g) {
                g->references++;
                *ret = g;
                return 0;
        }

        if (strchr(digest, '/'))
                return -EBADMSG;

        r = read_file_at(store_dir_fd(t->store), name, SPEC_TEXT_MAX, &text, NULL);
        if (r < 0)
                return r;
        /* Half of another text, say. */
        is_digest = compute_digest(text);
        if (strcmp(is_digest, digest) != 0 || guild_spec_parse(text, &guild_id, &fault) < 0)
                return -EBADMSG;

        store_keep_file(t->store, name);
        *ret = guild_text_new(t, g_strdup(text), g_steal_pointer(&is_digest), guild_id);
        return 0;
}

void guild_texts_keep(GuildTexts *t, const char *digest)
{
        g_hash_table_add(t->kept, g_strdup(digest));
}

void guild_texts_sweep(GuildTexts *t)
{
        _cleanup_closedir_ DIR *dir = NULL;
        int fd = openat(store_dir_fd(t->store), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return;
        dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return;
        }

        for (struct dirent *d = readdir(dir); d; d = readdir(dir)) {
                g_autofree char *digest = NULL;

                if (!g_str_has_suffix(d->d_name, GUILD_FILE_SUFFIX))
                        continue;
                digest = g_strndup(d->d_name, strlen(d->d_name) - strlen(GUILD_FILE_SUFFIX));
                if (!g_hash_table_lookup(t->by_digest, digest) && !g_hash_table_contains(t->kept, digest))
                        (void)unlinkat(store_dir_fd(t->store), d->d_name, 0);
        }
}

int guild_text_memfd(GuildText *g)
{
        if (g->memfd < 0)
                g->memfd = memfd_sealed("guild_spec", g->text, strlen(g->text));
        return g->memfd;
}
