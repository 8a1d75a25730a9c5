/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "escape.h"
#include "file-util.h"
#include "json-check.h"
#include "json-decode.h"
#include "log.h"
#include "strv.h"
#include "unit-properties.h"

#define FILE_SUFFIX ".json"
#define TEMPORARY_PREFIX ".#"
#define FORMAT_VERSION 1

/* Texts of 4 MiB each, at worst escaped to six bytes a byte. */
static const JsonLimits file_limits = { .bytes = 80u * 1024 * 1024, .depth = 64 };

struct Store {
        int dir_fd;
};

/* A file's fields as they are read, before they become an Agent. */
typedef struct Record {
        char *id, *name, *class_name, *runtime, *request_id, *client_type, *guild, *state, *result,
                *status_text, *restart, *restart_option, *oom_level, *unit_properties;
        char *texts[_AGENT_TEXT_MAX];
        int64_t machine_id, pid, exit_status;
        uint64_t created_at_usec, ready_at_usec, exited_at_usec, start_timeout_usec, start_deadline_usec,
                stop_timeout_usec, stop_deadline_usec, forget_at_usec, timeout_option_usec, restart_usec,
                restart_max_usec, restarts, restarts_in_a_row, next_start_usec, next_start_at_usec,
                running_since_usec, watchdog_usec, abort_deadline_usec, memory_peak, cpu_nsec;
        bool notify, ready, stop_requested, start_timed_out, stop_time_given, create_until_ready,
                restart_requested, start_doubted, watchdog_timed_out, watchdog_killed, freeze_wanted;
} Record;

#define FIELD(k, t, m, p)                                                               \
        {                                                                               \
                .key = (k), .kind = (t), .offset = offsetof(Record, m), .presence = (p) \
        }

static const JsonField record_fields[] = {
        FIELD("id", JSON_TEXT, id, JSON_REQUIRED),
        FIELD("name", JSON_TEXT, name, JSON_REQUIRED),
        FIELD("class_name", JSON_TEXT, class_name, JSON_REQUIRED),
        FIELD("runtime", JSON_TEXT, runtime, JSON_REQUIRED),
        FIELD("guild", JSON_TEXT, guild, JSON_REQUIRED),
        FIELD("state", JSON_TEXT, state, JSON_REQUIRED),
        FIELD("result", JSON_TEXT, result, JSON_REQUIRED),
        FIELD("client_type", JSON_TEXT, client_type, JSON_REQUIRED),
        FIELD("agent_spec", JSON_TEXT, texts[AGENT_TEXT_SPEC], JSON_REQUIRED),
        FIELD("messaging_config", JSON_TEXT, texts[AGENT_TEXT_MESSAGING], JSON_REQUIRED),
        FIELD("client_properties", JSON_TEXT, texts[AGENT_TEXT_CLIENT], JSON_REQUIRED),
        FIELD("request_id", JSON_TEXT, request_id, JSON_OPTIONAL),
        FIELD("status_text", JSON_TEXT, status_text, JSON_OPTIONAL),
        FIELD("oom_level", JSON_TEXT, oom_level, JSON_OPTIONAL),
        FIELD("unit_properties", JSON_TEXT, unit_properties, JSON_OPTIONAL),
        FIELD("machine_id", JSON_INT64, machine_id, JSON_OPTIONAL),
        FIELD("pid", JSON_INT64, pid, JSON_OPTIONAL),
        FIELD("exit_status", JSON_INT64, exit_status, JSON_OPTIONAL),
        FIELD("created_at_usec", JSON_UINT64, created_at_usec, JSON_OPTIONAL),
        FIELD("ready_at_usec", JSON_UINT64, ready_at_usec, JSON_OPTIONAL),
        FIELD("exited_at_usec", JSON_UINT64, exited_at_usec, JSON_OPTIONAL),
        FIELD("start_timeout_usec", JSON_UINT64, start_timeout_usec, JSON_OPTIONAL),
        FIELD("start_deadline_usec", JSON_UINT64, start_deadline_usec, JSON_OPTIONAL),
        FIELD("stop_timeout_usec", JSON_UINT64, stop_timeout_usec, JSON_OPTIONAL),
        FIELD("stop_deadline_usec", JSON_UINT64, stop_deadline_usec, JSON_OPTIONAL),
        FIELD("forget_at_usec", JSON_UINT64, forget_at_usec, JSON_OPTIONAL),
        FIELD("memory_peak", JSON_UINT64, memory_peak, JSON_OPTIONAL),
        FIELD("cpu_nsec", JSON_UINT64, cpu_nsec, JSON_OPTIONAL),
        FIELD("notify", JSON_BOOL, notify, JSON_OPTIONAL),
        FIELD("ready", JSON_BOOL, ready, JSON_OPTIONAL),
        FIELD("stop_requested", JSON_BOOL, stop_requested, JSON_OPTIONAL),
        FIELD("start_timed_out", JSON_BOOL, start_timed_out, JSON_OPTIONAL),
        FIELD("stop_time_given", JSON_BOOL, stop_time_given, JSON_OPTIONAL),
        FIELD("create_until_ready", JSON_BOOL, create_until_ready, JSON_OPTIONAL),
        FIELD("timeout_option_usec", JSON_UINT64, timeout_option_usec, JSON_OPTIONAL),
        FIELD("restart", JSON_TEXT, restart, JSON_OPTIONAL),
        FIELD("restart_option", JSON_TEXT, restart_option, JSON_OPTIONAL),
        FIELD("restart_usec", JSON_UINT64, restart_usec, JSON_OPTIONAL),
        FIELD("restart_max_usec", JSON_UINT64, restart_max_usec, JSON_OPTIONAL),
        FIELD("restarts", JSON_UINT64, restarts, JSON_OPTIONAL),
        FIELD("restarts_in_a_row", JSON_UINT64, restarts_in_a_row, JSON_OPTIONAL),
        FIELD("restart_requested", JSON_BOOL, restart_requested, JSON_OPTIONAL),
        FIELD("start_doubted", JSON_BOOL, start_doubted, JSON_OPTIONAL),
        FIELD("next_start_usec", JSON_UINT64, next_start_usec, JSON_OPTIONAL),
        FIELD("next_start_at_usec", JSON_UINT64, next_start_at_usec, JSON_OPTIONAL),
        FIELD("running_since_usec", JSON_UINT64, running_since_usec, JSON_OPTIONAL),
        FIELD("watchdog_usec", JSON_UINT64, watchdog_usec, JSON_OPTIONAL),
        FIELD("watchdog_timed_out", JSON_BOOL, watchdog_timed_out, JSON_OPTIONAL),
        FIELD("watchdog_killed", JSON_BOOL, watchdog_killed, JSON_OPTIONAL),
        FIELD("abort_deadline_usec", JSON_UINT64, abort_deadline_usec, JSON_OPTIONAL),
        FIELD("freeze_wanted", JSON_BOOL, freeze_wanted, JSON_OPTIONAL),
};

static void record_done(Record *rec)
{
        for (size_t i = 0; i < ELEMENTSOF(record_fields); i++)
                if (record_fields[i].kind == JSON_TEXT)
                        free(*(char **)((char *)rec + record_fields[i].offset));
}

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

static void put_text(struct json_object *o, const char *key, const char *text)
{
        if (text)
                json_object_object_add(o, key, json_object_new_string(text));
}

static void put_number(struct json_object *o, const char *key, uint64_t value)
{
        if (value > 0)
                json_object_object_add(o, key, json_object_new_uint64(value));
}

static void put_flag(struct json_object *o, const char *key, bool value)
{
        if (value)
                json_object_object_add(o, key, json_object_new_boolean(true));
}

static void put_policy(struct json_object *o, const char *key, RestartPolicy policy)
{
        if (policy != RESTART_UNSET)
                put_text(o, key, restart_policy_name(policy));
}

static void put_unit_properties(struct json_object *o, const Agent *a)
{
        g_autofree char *text = a->unit_properties ? unit_properties_to_text(a->unit_properties) : NULL;

        put_text(o, "unit_properties", text);
}

static void put_identity(struct json_object *o, const Agent *a)
{
        json_object_object_add(o, "format", json_object_new_int(FORMAT_VERSION));
        put_text(o, "id", a->id);
        put_text(o, "name", a->name);
        put_text(o, "class_name", a->class_name);
        put_text(o, "runtime", a->runtime);
        put_text(o, "request_id", a->request_id);
        put_text(o, "client_type", a->client_type);
        json_object_object_add(o, "machine_id", json_object_new_int(a->machine_id));
        put_text(o, "guild", a->guild->digest);
        put_text(o, "agent_spec", a->texts[AGENT_TEXT_SPEC]);
        put_text(o, "messaging_config", a->texts[AGENT_TEXT_MESSAGING]);
        put_text(o, "client_properties", a->texts[AGENT_TEXT_CLIENT]);
        put_unit_properties(o, a);
        put_flag(o, "notify", a->notify);
        put_number(o, "start_timeout_usec", a->start_timeout_usec);
        put_number(o, "stop_timeout_usec", a->stop_timeout_usec);
        put_number(o, "timeout_option_usec", a->timeout_option_usec);
        put_policy(o, "restart", a->restart);
        put_policy(o, "restart_option", a->restart_option);
        put_number(o, "restart_usec", a->restart_usec);
        put_number(o, "restart_max_usec", a->restart_max_usec);
        put_number(o, "watchdog_usec", a->watchdog_usec);
}

/* What agent-restart.c, watchdog.c and agent-freeze.c go on with. */
static void put_supervision(struct json_object *o, const Agent *a)
{
        put_flag(o, "create_until_ready", a->create_until_ready);
        put_number(o, "restarts", a->n_restarts);
        put_number(o, "restarts_in_a_row", a->n_in_a_row);
        put_flag(o, "restart_requested", a->restart_requested);
        put_flag(o, "start_doubted", a->start_doubted);
        put_number(o, "next_start_usec", a->next_start_usec);
        put_number(o, "next_start_at_usec", a->next_start_at_usec);
        put_number(o, "running_since_usec", a->running_since_usec);
        put_flag(o, "watchdog_timed_out", a->watchdog_timed_out);
        put_flag(o, "watchdog_killed", a->watchdog_killed);
        put_number(o, "abort_deadline_usec", a->abort_deadline_usec);
        put_flag(o, "freeze_wanted", a->freeze_wanted);
}

static void put_usage(struct json_object *o, const char *key, uint64_t value)
{
        if (value != UINT64_MAX)
                json_object_object_add(o, key, json_object_new_uint64(value));
}

static void put_state(struct json_object *o, const Agent *a)
{
        put_text(o, "state", agent_state_name(a->state));
        put_text(o, "result", a->result);
        put_text(o, "status_text", a->status_text);
        put_text(o, "oom_level", a->oom_level[0] ? a->oom_level : NULL);
        put_usage(o, "memory_peak", a->usage.memory_peak);
        put_usage(o, "cpu_nsec", a->usage.cpu_nsec);
        json_object_object_add(o, "exit_status", json_object_new_int(a->exit_status));
        put_number(o, "pid", (uint64_t)a->pid);
        put_number(o, "created_at_usec", a->created_at_usec);
        put_number(o, "ready_at_usec", a->ready_at_usec);
        put_number(o, "exited_at_usec", a->exited_at_usec);
        put_number(o, "start_deadline_usec", a->start_deadline_usec);
        put_number(o, "stop_deadline_usec", a->stop_deadline_usec);
        put_number(o, "forget_at_usec", a->forget_at_usec);
        put_flag(o, "ready", a->ready);
        put_flag(o, "stop_requested", a->stop_requested);
        put_flag(o, "start_timed_out", a->start_timed_out);
        put_flag(o, "stop_time_given", a->stop_time_given);
}

static void put_environment(struct json_object *o, const Agent *a)
{
        struct json_object *list;

        if (!a->environment || !a->environment[0])
                return;

        list = json_object_new_array();
        for (char **e = a->environment; *e; e++)
                json_object_array_add(list, json_object_new_string(*e));
        json_object_object_add(o, "environment", list);
}

int store_save(Store *s, const Agent *a)
{
        _cleanup_json_ struct json_object *o = json_object_new_object();
        g_autofree char *name = file_name(a);
        const char *text;
        size_t length;

        if (a->unknown_fields) {
                json_object_object_foreach(a->unknown_fields, key, value)
                        json_object_object_add(o, key, json_object_get(value));
        }
        put_identity(o, a);
        put_environment(o, a);
        put_state(o, a);
        put_supervision(o, a);

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

static bool field_is_known(const char *key)
{
        if (strcmp(key, "format") == 0 || strcmp(key, "environment") == 0)
                return true;
        for (size_t i = 0; i < ELEMENTSOF(record_fields); i++)
                if (strcmp(record_fields[i].key, key) == 0)
                        return true;
        return false;
}

static struct json_object *take_unknown_fields(struct json_object *o)
{
        struct json_object *unknown = NULL;

        json_object_object_foreach(o, key, value)
        {
                if (field_is_known(key))
                        continue;
                if (!unknown)
                        unknown = json_object_new_object();
                json_object_object_add(unknown, key, json_object_get(value));
        }
        return unknown;
}

static int read_environment(struct json_object *o, char ***ret)
{
        _cleanup_strv_free_ char **l = NULL;
        struct json_object *list;

        if (!json_object_object_get_ex(o, "environment", &list))
                return 0;
        if (!json_object_is_type(list, json_type_array))
                return -EBADMSG;

        for (size_t i = 0; i < json_object_array_length(list); i++) {
                struct json_object *item = json_object_array_get_idx(list, i);

                if (!json_object_is_type(item, json_type_string))
                        return -EBADMSG;
                if (strv_extend(&l, json_object_get_string(item)) < 0)
                        return -ENOMEM;
        }

        *ret = steal_ptr(l);
        return 0;
}

/* What can be said of the fields alone. Whatever is behind it relies on this. */
static int check_record(const Record *rec, Fault *fault)
{
        if (!id_is_valid(rec->id))
                return fault_set(fault, FAULT_FAILED, "state: $.id: is no id");
        if (agent_state_from_name(rec->state) == _AGENT_STATE_MAX)
                return fault_set(fault, FAULT_FAILED, "state: $.state: '%s' is unknown", rec->state);
        if (rec->pid < 0 || rec->pid > INT_MAX)
                return fault_set(fault, FAULT_FAILED, "state: $.pid: is no process");
        if (rec->machine_id < INT32_MIN || rec->machine_id > INT32_MAX)
                return fault_set(fault, FAULT_FAILED, "state: $.machine_id: does not fit");
        if (rec->exit_status < INT_MIN || rec->exit_status > INT_MAX)
                return fault_set(fault, FAULT_FAILED, "state: $.exit_status: does not fit");
        if (rec->restarts > UINT32_MAX || rec->restarts_in_a_row > UINT32_MAX)
                return fault_set(fault, FAULT_FAILED, "state: $.restarts: does not fit");
        return 0;
}

static RestartPolicy read_policy(const char *text, RestartPolicy otherwise)
{
        RestartPolicy policy = text ? restart_policy_from_name(text) : otherwise;

        return policy == _RESTART_POLICY_MAX ? otherwise : policy;
}

/* The texts change hands. */
static void fill_agent(Agent *a, Record *rec)
{
        a->name = g_steal_pointer(&rec->name);
        a->class_name = g_steal_pointer(&rec->class_name);
        a->runtime = g_steal_pointer(&rec->runtime);
        a->request_id = g_steal_pointer(&rec->request_id);
        a->client_type = g_steal_pointer(&rec->client_type);
        a->status_text = g_steal_pointer(&rec->status_text);
        for (size_t i = 0; i < _AGENT_TEXT_MAX; i++)
                a->texts[i] = g_steal_pointer(&rec->texts[i]);
        a->machine_id = (int32_t)rec->machine_id;
        a->pid = (pid_t)rec->pid;
        a->exit_status = (int)rec->exit_status;
        a->oom_level = agent_oom_level_intern(rec->oom_level ? rec->oom_level : "");
        a->usage = (CgroupUsage){ rec->memory_peak, rec->cpu_nsec };
        a->result = agent_result_intern(rec->result);
        a->created_at_usec = rec->created_at_usec;
        a->ready_at_usec = rec->ready_at_usec;
        a->exited_at_usec = rec->exited_at_usec;
        a->start_timeout_usec = rec->start_timeout_usec;
        a->start_deadline_usec = rec->start_deadline_usec;
        a->stop_timeout_usec = rec->stop_timeout_usec;
        a->stop_deadline_usec = rec->stop_deadline_usec;
        a->forget_at_usec = rec->forget_at_usec;
        a->notify = rec->notify;
        a->ready = rec->ready;
        a->stop_requested = rec->stop_requested;
        a->start_timed_out = rec->start_timed_out;
}

/* Files of a version without these say nothing: such agents are not started again. */
static void fill_supervision(Agent *a, const Record *rec)
{
        a->timeout_option_usec = rec->timeout_option_usec;
        a->create_until_ready = rec->create_until_ready;
        a->restart = read_policy(rec->restart, RESTART_NO);
        a->restart_option = read_policy(rec->restart_option, RESTART_UNSET);
        a->restart_usec = rec->restart_usec;
        a->restart_max_usec = rec->restart_max_usec;
        a->n_restarts = (uint32_t)rec->restarts;
        a->n_in_a_row = (uint32_t)rec->restarts_in_a_row;
        a->restart_requested = a->has_turn = rec->restart_requested;
        a->start_doubted = rec->start_doubted;
        a->next_start_usec = rec->next_start_usec;
        a->next_start_at_usec = rec->next_start_at_usec;
        a->running_since_usec = rec->running_since_usec;
        a->watchdog_usec = rec->watchdog_usec;
        a->watchdog_timed_out = rec->watchdog_timed_out;
        a->watchdog_killed = rec->watchdog_killed;
        a->abort_deadline_usec = rec->abort_deadline_usec;
        a->freeze_wanted = rec->freeze_wanted;
        a->stop_time_given = rec->stop_time_given;
}

static int load_file(Store *s, const char *name, Host *host, GuildTexts *guilds, Agent **ret, Fault *fault)
{
        _cleanup_json_ struct json_object *o = NULL;
        _cleanup_(record_done) Record rec = { .memory_peak = UINT64_MAX, .cpu_nsec = UINT64_MAX };
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
                r = json_decode("state", o, record_fields, ELEMENTSOF(record_fields), &rec, fault);
        if (r >= 0)
                r = check_record(&rec, fault);
        if (r < 0)
                return r;

        a = agent_new(host, rec.id);
        a->state = agent_state_from_name(rec.state);
        fill_agent(a, &rec);
        fill_supervision(a, &rec);
        a->unknown_fields = take_unknown_fields(o);
        expected = file_name(a);
        if (strcmp(expected, name) != 0)
                r = fault_set(
                        fault, FAULT_FAILED, "it is about agent %s, whose file is %s", a->id, expected);
        if (r >= 0 && read_environment(o, &a->environment) < 0)
                r = fault_set(fault, FAULT_FAILED, "state: $.environment: expected an array of strings");
        if (r >= 0 && rec.unit_properties) {
                a->unit_properties = unit_properties_from_text(rec.unit_properties);
                if (!a->unit_properties)
                        r = fault_set(fault, FAULT_FAILED, "state: $.unit_properties: they cannot be read");
        }
        if (r >= 0 && guild_texts_load(guilds, rec.guild, &a->guild) < 0)
                r = fault_set(fault, FAULT_FAILED, "the guild's text is missing or broken");
        if (r < 0) {
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
