/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* State files. They are agenthostd's own, but of another version, or half of them; and it reads them when it
 * starts, so that one it falls over keeps it down. What is accepted is an agent, and is the same when it is
 * saved and read again. */

#include <fcntl.h>
#include <string.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "escape.h"
#include "file-util.h"
#include "fuzz.h"
#include "json-check.h"
#include "store.h"

#define SAVED_BYTES_MAX (1u << 30)
#define GUILD "{\"id\":\"g\"}"

static char *directory;

static void empty_directory(void)
{
        g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);

        for (const char *name = g_dir_read_name(dir); name; name = g_dir_read_name(dir)) {
                g_autofree char *path = g_build_filename(directory, name, NULL);

                (void)g_unlink(path);
        }
}

static void remove_directory(void)
{
        empty_directory();
        (void)g_rmdir(directory);
        g_free(directory);
}

/* On a tmpfs, where there is one that all may write to. */
static void make_directory(void)
{
        directory = g_strdup("/dev/shm/agenthost-fuzz-XXXXXX");
        if (!g_mkdtemp(directory)) {
                g_free(directory);
                directory = g_dir_make_tmp("agenthost-fuzz-XXXXXX", NULL);
        }
        fuzz_expect(directory, "there is a directory for temporary files");
        atexit(remove_directory);
}

/* The name that the file would have for the id in it, so that as much as can be is accepted. */
static char *name_for(const char *text, size_t size)
{
        g_autoptr(GString) copy = g_string_new_len(text, (gssize)size);
        struct json_object *o = json_tokener_parse(copy->str), *id;
        _cleanup_free_ char *unit = NULL;

        if (json_object_object_get_ex(o, "id", &id) && json_object_is_type(id, json_type_string) &&
                json_object_get_string_len(id) > 0)
                (void)agent_unit_name(json_object_get_string(id), &unit);
        json_object_put(o);
        return g_strconcat(unit ? unit : "agent-.scope", ".json", NULL);
}

static void write_file(Store *store, const char *name, const void *data, size_t size)
{
        fuzz_must(write_file_atomic_at(store_dir_fd(store), name, data, size), name);
}

static void on_loaded(Agent *a, void *userdata)
{
        Agent **ret = userdata;

        fuzz_expect(!*ret, "a file is one agent");
        *ret = a;
}

static void expect_agent(const Agent *a)
{
        fuzz_expect(id_is_valid(a->id), "an agent's id is valid");
        fuzz_expect(agent_unit_is_valid(a->unit), "an agent's unit is one");
        fuzz_expect(a->name && a->class_name && a->runtime && a->client_type, "an agent has its texts");
        for (size_t i = 0; i < _AGENT_TEXT_MAX; i++)
                fuzz_expect(!!a->texts[i], "an agent has its specs");
        fuzz_expect(a->guild && strcmp(a->guild->guild_id, "g") == 0, "an agent has its guild");
        fuzz_expect(a->pid >= 0, "no process has a negative number");
        fuzz_expect(agent_state_name(a->state) && a->result, "an agent has a state");
}

/* Loads what is there; NULL: nothing that is any good. */
static Agent *load(Store *store, GuildTexts *guilds)
{
        Agent *a = NULL;

        fuzz_must(store_load(store, NULL, guilds, on_loaded, &a), "reading the directory");
        if (a)
                expect_agent(a);
        return a;
}

static char *saved(Store *store, const Agent *a)
{
        g_autofree char *name = g_strconcat(a->unit, ".json", NULL);
        char *text;

        fuzz_must(store_save(store, a), "saving");
        fuzz_must(read_file_at(store_dir_fd(store), name, SAVED_BYTES_MAX, &text, NULL),
                "reading what was saved");
        return text;
}

static void check_saved(Store *store, GuildTexts *guilds, const Agent *a)
{
        _cleanup_free_ char *first = saved(store, a), *second = NULL;
        Agent *again = load(store, guilds);

        fuzz_expect(!!again, "what was saved can be read");
        second = saved(store, again);
        fuzz_expect(strcmp(first, second) == 0, "what was saved and read is saved the same");
        agent_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autofree char *name = name_for((const char *)data, size);
        g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, GUILD, -1);
        g_autofree char *guild = g_strconcat(digest, ".guild", NULL);
        GuildTexts *guilds;
        Store *store;
        Agent *a;

        fuzz_be_silent();
        if (!directory)
                make_directory();
        fuzz_must(store_open(directory, &store), "opening the directory");
        guilds = guild_texts_new(store);
        write_file(store, guild, GUILD, strlen(GUILD));
        write_file(store, name, data, size);

        a = load(store, guilds);
        if (a)
                check_saved(store, guilds, a);
        agent_free(a);
        guild_texts_free(guilds);
        store_free(store);
        empty_directory();
        return 0;
}
