/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "json-check.h"
#include "log.h"
#include "store.h"
#include "strv.h"
#include "test-dir.h"
#include "unit-properties.h"

#define GUILD "{\"id\":\"g1\",\"name\":\"Guild \xc3\xa4\"}"

typedef struct Fixture {
        TestDir dir;
        Store *store;
        GuildTexts *guilds;
        GPtrArray *loaded;
} Fixture;

static char *last_error;

static void keep_error(int level, const LogField *fields, size_t n_fields, const char *text)
{
        (void)fields;
        (void)n_fields;

        if (level <= LOG_ERR) {
                g_free(last_error);
                last_error = g_strdup(text);
        }
}

static void fixture_open(Fixture *f)
{
        g_assert_cmpint(store_open(f->dir.path, &f->store), ==, 0);
        f->guilds = guild_texts_new(f->store);
        f->loaded = g_ptr_array_new();
}

static void fixture_close(Fixture *f)
{
        for (guint i = 0; i < f->loaded->len; i++)
                agent_free(f->loaded->pdata[i]);
        g_ptr_array_unref(f->loaded);
        f->guilds = guild_texts_free(f->guilds);
        f->store = store_free(f->store);
}

static void fixture_up(Fixture *f, gconstpointer data)
{
        (void)data;

        g_clear_pointer(&last_error, g_free);
        log_set_sink(keep_error);
        f->dir = test_dir_new();
        fixture_open(f);
}

static void fixture_down(Fixture *f, gconstpointer data)
{
        (void)data;

        fixture_close(f);
        test_dir_done(&f->dir);
}

static void on_loaded(Agent *a, void *userdata)
{
        g_ptr_array_add(userdata, a);
}

/* What a restart does: everything in memory is gone, the files are read. */
static void reload(Fixture *f)
{
        /* Files of guilds go with the last agent; a crash leaves them. */
        f->guilds = guild_texts_free(f->guilds);
        fixture_close(f);
        fixture_open(f);
        g_assert_cmpint(store_load(f->store, NULL, f->guilds, on_loaded, f->loaded), ==, 0);
}

static Agent *new_agent(Fixture *f, const char *id)
{
        Agent *a = agent_new(NULL, id);

        a->name = g_strdup("Agent \xf0\x9f\x91\x8b");
        a->class_name = g_strdup("x.Y");
        a->runtime = g_strdup("r");
        a->client_type = g_strdup("T");
        for (size_t i = 0; i < _AGENT_TEXT_MAX; i++)
                a->texts[i] = g_strdup_printf("{\"n\": %zu, \"s\": \"a\\u00e4\\n\\\"\"}", i);
        g_assert_cmpint(guild_texts_take(f->guilds, GUILD, &a->guild, NULL), ==, 0);
        g_ptr_array_add(f->loaded, a);
        return a;
}

static void test_everything_comes_back(Fixture *f, gconstpointer data)
{
        Agent *a = new_agent(f, "a/1 \xc3\xa4"), *b;
        g_autofree char *properties = NULL;

        (void)data;

        a->request_id = g_strdup("req");
        a->machine_id = -7;
        a->notify = a->ready = a->stop_requested = true;
        a->state = AGENT_FAILED;
        a->result = "core-dump";
        a->exit_status = 11;
        a->pid = 4711;
        a->created_at_usec = 1;
        a->ready_at_usec = 2;
        a->exited_at_usec = UINT64_C(1) << 60;
        a->start_timeout_usec = USEC_INFINITY;
        a->stop_deadline_usec = 99;
        a->status_text = g_strdup("half way");
        a->restart = RESTART_ALWAYS;
        a->restart_option = RESTART_ON_FAILURE;
        a->n_restarts = 3;
        a->n_in_a_row = 2;
        a->restart_usec = 5;
        a->restart_max_usec = USEC_INFINITY;
        a->next_start_usec = 6;
        a->next_start_at_usec = 7;
        a->watchdog_usec = 8;
        a->abort_deadline_usec = 9;
        a->create_until_ready = a->start_doubted = a->watchdog_timed_out = a->freeze_wanted = true;
        g_assert_cmpint(strv_extend(&a->environment, "A=b c"), ==, 0);
        a->unit_properties = unit_properties_from_text("[('MemoryMax', <uint64 4096>)]");
        g_assert_nonnull(a->unit_properties);
        g_assert_cmpint(store_save(f->store, a), ==, 0);

        reload(f);
        g_assert_cmpuint(f->loaded->len, ==, 1);
        b = f->loaded->pdata[0];
        g_assert_cmpstr(b->id, ==, "a/1 \xc3\xa4");
        g_assert_cmpstr(b->name, ==, "Agent \xf0\x9f\x91\x8b");
        g_assert_cmpstr(b->request_id, ==, "req");
        g_assert_cmpstr(b->texts[AGENT_TEXT_CLIENT], ==, "{\"n\": 2, \"s\": \"a\\u00e4\\n\\\"\"}");
        g_assert_cmpstr(b->guild->text, ==, GUILD);
        g_assert_cmpstr(b->guild->guild_id, ==, "g1");
        g_assert_cmpint(b->machine_id, ==, -7);
        g_assert_true(b->notify && b->ready && b->stop_requested && !b->start_timed_out);
        g_assert_cmpint(b->state, ==, AGENT_FAILED);
        g_assert_cmpstr(b->result, ==, "core-dump");
        g_assert_cmpint(b->exit_status, ==, 11);
        g_assert_cmpint(b->pid, ==, 4711);
        g_assert_cmpuint(b->exited_at_usec, ==, UINT64_C(1) << 60);
        g_assert_cmpuint(b->start_timeout_usec, ==, USEC_INFINITY);
        g_assert_cmpuint(b->stop_deadline_usec, ==, 99);
        g_assert_cmpstr(b->status_text, ==, "half way");
        g_assert_cmpint(b->restart, ==, RESTART_ALWAYS);
        g_assert_cmpint(b->restart_option, ==, RESTART_ON_FAILURE);
        g_assert_cmpuint(b->n_restarts, ==, 3);
        g_assert_cmpuint(b->n_in_a_row, ==, 2);
        g_assert_cmpuint(b->restart_usec, ==, 5);
        g_assert_cmpuint(b->restart_max_usec, ==, USEC_INFINITY);
        g_assert_cmpuint(b->next_start_usec, ==, 6);
        g_assert_cmpuint(b->next_start_at_usec, ==, 7);
        g_assert_cmpuint(b->watchdog_usec, ==, 8);
        g_assert_cmpuint(b->abort_deadline_usec, ==, 9);
        g_assert_true(
                b->create_until_ready && b->start_doubted && b->watchdog_timed_out && b->freeze_wanted);
        g_assert_false(b->restart_requested || b->watchdog_killed || b->stop_time_given);
        g_assert_cmpstr(b->environment[0], ==, "A=b c");
        g_assert_null(b->environment[1]);
        properties = unit_properties_to_text(b->unit_properties);
        g_assert_cmpstr(properties, ==, "[('MemoryMax', <uint64 4096>)]");
        /* Not known, which is not 0. */
        g_assert_cmpuint(b->usage.memory_peak, ==, UINT64_MAX);
        g_assert_cmpuint(b->usage.cpu_nsec, ==, UINT64_MAX);
        g_assert_cmpstr(b->oom_level, ==, "");
}

static void test_cause_of_death_comes_back(Fixture *f, gconstpointer data)
{
        Agent *a = new_agent(f, "a1"), *b;

        (void)data;

        a->state = AGENT_FAILED;
        a->result = "oom-kill";
        a->oom_level = "guild";
        a->usage = (CgroupUsage){ .memory_peak = UINT64_C(1) << 40, .cpu_nsec = 0 };
        g_assert_cmpint(store_save(f->store, a), ==, 0);

        reload(f);
        b = f->loaded->pdata[0];
        g_assert_cmpstr(b->result, ==, "oom-kill");
        g_assert_cmpstr(b->oom_level, ==, "guild");
        g_assert_cmpuint(b->usage.memory_peak, ==, UINT64_C(1) << 40);
        g_assert_cmpuint(b->usage.cpu_nsec, ==, 0);
}

static void test_unit_properties_that_are_none_are_not_loaded(Fixture *f, gconstpointer data)
{
        g_autofree char *path = test_dir_path(&f->dir, "agent-a1.scope.json");
        g_autofree char *text = NULL;
        g_autoptr(GString) changed = NULL;

        (void)data;

        g_assert_cmpint(store_save(f->store, new_agent(f, "a1")), ==, 0);
        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        changed = g_string_new(text);
        g_string_insert(changed, 1, "\"unit_properties\":\"[('x', 'y')]\",");
        g_assert_true(g_file_set_contents(path, changed->str, -1, NULL));

        reload(f);
        g_assert_cmpuint(f->loaded->len, ==, 0);
        g_assert_nonnull(strstr(last_error, "$.unit_properties"));
}

static void test_fields_of_a_newer_version_are_kept(Fixture *f, gconstpointer data)
{
        g_autofree char *path = test_dir_path(&f->dir, "agent-a1.scope.json");
        g_autofree char *text = NULL;
        g_autoptr(GString) changed = NULL;
        Agent *a = new_agent(f, "a1");

        (void)data;

        g_assert_cmpint(store_save(f->store, a), ==, 0);
        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        changed = g_string_new(text);
        g_string_insert(changed, 1, "\"from_the_future\":{\"x\":[1,2]},");
        g_assert_true(g_file_set_contents(path, changed->str, -1, NULL));

        reload(f);
        g_assert_cmpuint(f->loaded->len, ==, 1);
        g_assert_cmpint(store_save(f->store, f->loaded->pdata[0]), ==, 0);
        g_clear_pointer(&text, g_free);
        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        g_assert_nonnull(strstr(text, "\"from_the_future\":{\"x\":[1,2]}"));
}

/* What another version would have written instead. */
static void change_file(Fixture *f, const char *file, const char *from, const char *to)
{
        g_autofree char *path = test_dir_path(&f->dir, file), *text = NULL;
        g_autoptr(GString) changed = NULL;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        changed = g_string_new(text);
        g_assert_cmpuint(g_string_replace(changed, from, to, 0), ==, 1);
        g_assert_true(g_file_set_contents(path, changed->str, -1, NULL));
}

#define A1_FILE "agent-a1.scope.json"

static void test_newer_format_is_read_as_far_as_it_is_known(Fixture *f, gconstpointer data)
{
        g_autofree char *path = test_dir_path(&f->dir, A1_FILE), *text = NULL;
        Agent *a = new_agent(f, "a1");

        (void)data;

        a->state = AGENT_RESTARTING;
        a->restart = RESTART_ALWAYS;
        g_assert_cmpint(store_save(f->store, a), ==, 0);
        change_file(f, A1_FILE, "\"format\":1", "\"format\":2,\"from_the_future\":[1]");

        reload(f);
        g_assert_null(last_error);
        g_assert_cmpuint(f->loaded->len, ==, 1);
        a = f->loaded->pdata[0];
        g_assert_cmpint(a->state, ==, AGENT_RESTARTING);
        g_assert_cmpint(a->restart, ==, RESTART_ALWAYS);
        g_assert_cmpstr(a->texts[AGENT_TEXT_CLIENT], ==, "{\"n\": 2, \"s\": \"a\\u00e4\\n\\\"\"}");
        g_assert_cmpint(store_save(f->store, a), ==, 0);
        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        g_assert_nonnull(strstr(text, "\"from_the_future\":[1]"));
        g_assert_nonnull(strstr(text, "\"format\":1"));
}

static void test_unknown_state_of_a_newer_format_is_for_the_launcher_to_tell(Fixture *f, gconstpointer data)
{
        Agent *a = new_agent(f, "a1");

        (void)data;

        a->state = AGENT_FROZEN;
        a->pid = 4711;
        g_assert_cmpint(store_save(f->store, a), ==, 0);
        change_file(f, A1_FILE, "\"format\":1", "\"format\":2");
        change_file(f, A1_FILE, "\"frozen\"", "\"resting\"");

        reload(f);
        g_assert_cmpuint(f->loaded->len, ==, 1);
        a = f->loaded->pdata[0];
        g_assert_cmpint(a->state, ==, AGENT_RUNNING);
        g_assert_cmpint(a->pid, ==, 4711);
}

/* One that is to be forgotten has ended for good, whatever that is called. */
static void test_end_of_a_newer_format_stays_one(Fixture *f, gconstpointer data)
{
        static const struct {
                const char *result;
                AgentState state;
        } cases[] = {
                { "success", AGENT_EXITED },
                { "exit-code", AGENT_EXITED },
                { "lost", AGENT_LOST },
                { "oom-kill", AGENT_FAILED },
                { "moved-away", AGENT_FAILED },
        };

        (void)data;

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                Agent *a = new_agent(f, "a1");

                a->state = AGENT_FAILED;
                a->result = cases[i].result;
                a->exit_status = 7;
                a->forget_at_usec = 1;
                g_assert_cmpint(store_save(f->store, a), ==, 0);
                change_file(f, A1_FILE, "\"format\":1", "\"format\":2");
                change_file(f, A1_FILE, "\"failed\"", "\"gone\"");

                reload(f);
                g_assert_cmpuint(f->loaded->len, ==, 1);
                a = f->loaded->pdata[0];
                g_assert_cmpint(a->state, ==, cases[i].state);
                g_assert_cmpstr(a->result, ==, cases[i].result);
                g_assert_cmpint(a->exit_status, ==, 7);
        }
}

static void test_unknown_state_of_this_format_is_removed(Fixture *f, gconstpointer data)
{
        g_autofree char *path = test_dir_path(&f->dir, A1_FILE);

        (void)data;

        g_assert_cmpint(store_save(f->store, new_agent(f, "a1")), ==, 0);
        change_file(f, A1_FILE, "\"queued\"", "\"resting\"");
        reload(f);
        g_assert_cmpuint(f->loaded->len, ==, 0);
        g_assert_nonnull(strstr(last_error, "$.state"));
        g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void test_newer_format_that_cannot_be_used_is_kept_aside(Fixture *f, gconstpointer data)
{
        static const struct {
                const char *from, *to, *error;
        } cases[] = {
                { "\"format\":1", "\"format\":2,\"pid\":-1", "$.pid" },
                { "\"format\":1", "\"format\":2,\"environment\":{}", "$.environment" },
                { "\"format\":1", "\"format\":2,\"unit_properties\":\"x\"", "$.unit_properties" },
                { "\"format\":1,\"id\":\"a1\"", "\"format\":2,\"id\":\"a2\"", "about agent a2" },
                { "\"format\":1,\"id\":\"a1\"", "\"format\":2", "$.id" },
                { "\"format\":1", "\"format\":\"two\",\"pid\":-1", "format two" },
        };
        g_autofree char *path = test_dir_path(&f->dir, A1_FILE),
                        *aside = test_dir_path(&f->dir, A1_FILE ".newer");

        (void)data;

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *before = NULL, *after = NULL;

                g_assert_cmpint(store_save(f->store, new_agent(f, "a1")), ==, 0);
                change_file(f, A1_FILE, cases[i].from, cases[i].to);
                g_assert_true(g_file_get_contents(path, &before, NULL, NULL));

                reload(f);
                g_assert_cmpuint(f->loaded->len, ==, 0);
                g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
                g_assert_true(g_file_get_contents(aside, &after, NULL, NULL));
                g_assert_cmpstr(after, ==, before);
                g_assert_nonnull(strstr(last_error, A1_FILE ".newer"));
                if (!strstr(last_error, cases[i].error))
                        g_error("expected \"%s\" in \"%s\"", cases[i].error, last_error);

                /* That is said once. */
                g_clear_pointer(&last_error, g_free);
                reload(f);
                g_assert_null(last_error);
                g_assert_true(g_file_test(aside, G_FILE_TEST_EXISTS));
        }
}

/* What is kept aside needs it too. */
static void test_guild_of_what_is_kept_aside_is_kept(Fixture *f, gconstpointer data)
{
        Agent *a = new_agent(f, "a1");
        g_autofree char *name = g_strconcat(a->guild->digest, ".guild", NULL);
        g_autofree char *path = test_dir_path(&f->dir, name),
                        *aside = test_dir_path(&f->dir, A1_FILE ".newer");

        (void)data;

        g_assert_cmpint(store_save(f->store, a), ==, 0);
        change_file(f, A1_FILE, "\"format\":1", "\"format\":2,\"pid\":-1");
        for (unsigned i = 0; i < 2; i++) {
                reload(f);
                guild_texts_sweep(f->guilds);
                g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
                a = new_agent(f, "a2");
                g_ptr_array_remove(f->loaded, a);
                agent_free(a);
                g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
        }

        g_assert_cmpint(g_unlink(aside), ==, 0);
        reload(f);
        guild_texts_sweep(f->guilds);
        g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void test_guild_is_written_once_and_goes_with_its_last_agent(Fixture *f, gconstpointer data)
{
        Agent *a = new_agent(f, "a1"), *b = new_agent(f, "a2");
        g_autofree char *name = g_strconcat(a->guild->digest, ".guild", NULL);
        g_autofree char *path = test_dir_path(&f->dir, name);

        (void)data;

        g_assert_true(a->guild == b->guild);
        g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
        g_ptr_array_remove(f->loaded, a);
        agent_free(a);
        g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
        g_ptr_array_remove(f->loaded, b);
        agent_free(b);
        g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void assert_removed_with_error(Fixture *f, const char *file, const char *content, const char *error)
{
        g_autofree char *path = test_dir_write(&f->dir, file, content, -1);

        reload(f);
        g_assert_cmpuint(f->loaded->len, ==, 0);
        g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
        g_assert_nonnull(last_error);
        g_assert_nonnull(strstr(last_error, file));
        if (!strstr(last_error, error))
                g_error("expected \"%s\" in \"%s\"", error, last_error);
}

static void test_guild_is_kept_when_its_text_is_in_the_file_of_another(Fixture *f, gconstpointer data)
{
        g_autofree char *other = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "{}", -1),
                        *other_name = g_strconcat(other, ".guild", NULL);
        Agent *a = new_agent(f, "a1");
        g_autofree char *name = g_strconcat(a->guild->digest, ".guild", NULL);
        g_autofree char *path = test_dir_path(&f->dir, name);
        GuildText *guild;

        (void)data;

        test_dir_put(&f->dir, other_name, GUILD);
        g_assert_cmpint(guild_texts_load(f->guilds, other, &guild), ==, -EBADMSG);
        g_assert_cmpint(guild_texts_load(f->guilds, a->guild->digest, &guild), ==, 0);
        g_assert_true(guild == a->guild);
        guild_text_unref(guild);
        guild_texts_sweep(f->guilds);
        g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void test_broken_files_are_said_and_removed(Fixture *f, gconstpointer data)
{
        (void)data;

        assert_removed_with_error(f, "agent-a1.scope.json", "", "state");
        assert_removed_with_error(f, "agent-a1.scope.json", "{\"id\":\"a1\"", "state");
        assert_removed_with_error(f, "agent-a1.scope.json", "{\"id\":\"a1\"}", "$.guild");
}

/* A file that agenthostd fell over would keep it down. */
static void test_values_that_cannot_be_are_said_and_removed(Fixture *f, gconstpointer data)
{
        static const struct {
                const char *id, *more, *error;
        } cases[] = {
                { "", "", "$.id" },
                { "a\\nb", "", "$.id" },
                { "a1", ",\"pid\":-1", "$.pid" },
                { "a1", ",\"pid\":4294967297", "$.pid" },
                { "a1", ",\"machine_id\":2147483648", "$.machine_id" },
                { "a1", ",\"exit_status\":-2147483649", "$.exit_status" },
        };

        (void)data;

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *text = g_strdup_printf(
                        "{\"id\":\"%s\",\"name\":\"n\",\"class_name\":\"\",\"runtime\":\"r\","
                        "\"guild\":\"0\",\"state\":\"running\",\"result\":\"success\","
                        "\"client_type\":\"\",\"agent_spec\":\"\",\"messaging_config\":\"\","
                        "\"client_properties\":\"\"%s}",
                        cases[i].id, cases[i].more);

                assert_removed_with_error(f, "agent-a1.scope.json", text, cases[i].error);
        }
}

static void test_file_of_another_agent_is_removed(Fixture *f, gconstpointer data)
{
        g_autofree char *path = test_dir_path(&f->dir, "agent-a1.scope.json");
        g_autofree char *text = NULL;

        (void)data;

        g_assert_cmpint(store_save(f->store, new_agent(f, "a1")), ==, 0);
        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        g_assert_cmpint(g_unlink(path), ==, 0);
        assert_removed_with_error(f, "agent-a2.scope.json", text, "agent-a1.scope.json");
}

static void test_what_a_crash_left_half_written_is_removed(Fixture *f, gconstpointer data)
{
        g_autofree char *path = test_dir_write(&f->dir, ".#agent-a1.scope.json", "{\"id\":", -1);

        (void)data;

        reload(f);
        g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
        g_assert_null(last_error);
}

/* One descriptor is left, which the directory takes. */
static void test_file_that_cannot_be_read_for_now_is_kept(Fixture *f, gconstpointer data)
{
        g_autofree char *path = test_dir_path(&f->dir, "agent-a1.scope.json");
        struct rlimit old, low;
        int next = open("/dev/null", O_RDONLY | O_CLOEXEC), r;

        (void)data;

        g_assert_cmpint(store_save(f->store, new_agent(f, "a1")), ==, 0);
        g_assert_cmpint(next, >=, 0);
        close(next);
        g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &old), ==, 0);
        low = (struct rlimit){ (rlim_t)next + 1, old.rlim_max };
        g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &low), ==, 0);
        r = store_load(f->store, NULL, f->guilds, on_loaded, f->loaded);
        g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &old), ==, 0);

        g_assert_cmpint(r, ==, -EAGAIN);
        g_assert_nonnull(strstr(last_error, "Too many open files"));
        g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
        reload(f);
        g_assert_cmpuint(f->loaded->len, ==, 1);
}

/* A directory in its place. */
static void test_file_that_cannot_be_removed_is_removed_later(Fixture *f, gconstpointer data)
{
        g_autofree char *path = test_dir_path(&f->dir, "agent-a1.scope.json");

        (void)data;

        g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
        store_remove(f->store, new_agent(f, "a1"));
        g_assert_true(store_has_leftovers(f->store));
        g_assert_false(store_remove_leftovers(f->store));
        g_assert_cmpint(g_rmdir(path), ==, 0);
        g_free(test_dir_write(&f->dir, "agent-a1.scope.json", "{}", -1));
        g_assert_true(store_remove_leftovers(f->store));
        g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void test_file_that_is_written_anew_is_not_removed_any_more(Fixture *f, gconstpointer data)
{
        g_autofree char *path = test_dir_path(&f->dir, "agent-a1.scope.json");
        Agent *a = new_agent(f, "a1");

        (void)data;

        g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
        store_remove(f->store, a);
        g_assert_cmpint(g_rmdir(path), ==, 0);
        g_assert_cmpint(store_save(f->store, a), ==, 0);
        g_assert_true(store_remove_leftovers(f->store));
        g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
}

#define ADD(name, function) g_test_add("/store/" name, Fixture, NULL, fixture_up, function, fixture_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        ADD("everything-comes-back", test_everything_comes_back);
        ADD("cause-of-death-comes-back", test_cause_of_death_comes_back);
        ADD("unit-properties-that-are-none-are-not-loaded",
                test_unit_properties_that_are_none_are_not_loaded);
        ADD("fields-of-a-newer-version-are-kept", test_fields_of_a_newer_version_are_kept);
        ADD("newer-format-is-read-as-far-as-it-is-known", test_newer_format_is_read_as_far_as_it_is_known);
        ADD("unknown-state-of-a-newer-format-is-for-the-launcher-to-tell",
                test_unknown_state_of_a_newer_format_is_for_the_launcher_to_tell);
        ADD("end-of-a-newer-format-stays-one", test_end_of_a_newer_format_stays_one);
        ADD("unknown-state-of-this-format-is-removed", test_unknown_state_of_this_format_is_removed);
        ADD("newer-format-that-cannot-be-used-is-kept-aside",
                test_newer_format_that_cannot_be_used_is_kept_aside);
        ADD("guild-of-what-is-kept-aside-is-kept", test_guild_of_what_is_kept_aside_is_kept);
        ADD("guild-is-kept-when-its-text-is-in-the-file-of-another",
                test_guild_is_kept_when_its_text_is_in_the_file_of_another);
        ADD("guild-is-written-once-and-goes-with-its-last-agent",
                test_guild_is_written_once_and_goes_with_its_last_agent);
        ADD("broken-files-are-said-and-removed", test_broken_files_are_said_and_removed);
        ADD("values-that-cannot-be-are-said-and-removed", test_values_that_cannot_be_are_said_and_removed);
        ADD("file-of-another-agent-is-removed", test_file_of_another_agent_is_removed);
        ADD("what-a-crash-left-half-written-is-removed", test_what_a_crash_left_half_written_is_removed);
        ADD("file-that-cannot-be-read-for-now-is-kept", test_file_that_cannot_be_read_for_now_is_kept);
        ADD("file-that-cannot-be-removed-is-removed-later",
                test_file_that_cannot_be_removed_is_removed_later);
        ADD("file-that-is-written-anew-is-not-removed-any-more",
                test_file_that_is_written_anew_is_not_removed_any_more);
        return g_test_run();
}
