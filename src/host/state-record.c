/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state-record.h"

#include <limits.h>
#include <string.h>

#include "escape.h"
#include "file-util.h"
#include "json-decode.h"
#include "strv.h"
#include "unit-properties.h"

#define FORMAT_VERSION 1

#define RESULT_LENGTH_MAX 32u

#define FIELD(type, k, t, m, p)                                                       \
        {                                                                             \
                .key = (k), .kind = (t), .offset = offsetof(type, m), .presence = (p) \
        }
#define TEXT(key, member, presence) FIELD(Agent, key, JSON_TEXT, member, presence)
#define NUMBER(member) FIELD(Agent, #member, JSON_UINT64, member, JSON_OPTIONAL)
#define FLAG(member) FIELD(Agent, #member, JSON_BOOL, member, JSON_OPTIONAL)

/* What is written as it is. Noughts are left out. */
static const JsonField plain_fields[] = {
        TEXT("name", name, JSON_REQUIRED),
        TEXT("class_name", class_name, JSON_REQUIRED),
        TEXT("runtime", runtime, JSON_REQUIRED),
        TEXT("client_type", client_type, JSON_REQUIRED),
        TEXT("agent_spec", texts[AGENT_TEXT_SPEC], JSON_REQUIRED),
        TEXT("messaging_config", texts[AGENT_TEXT_MESSAGING], JSON_REQUIRED),
        TEXT("client_properties", texts[AGENT_TEXT_CLIENT], JSON_REQUIRED),
        TEXT("request_id", request_id, JSON_OPTIONAL),
        TEXT("status_text", status_text, JSON_OPTIONAL),
        TEXT("runtime_option", runtime_option, JSON_OPTIONAL),
        TEXT("client_type_option", client_type_option, JSON_OPTIONAL),
        NUMBER(created_at_usec),
        NUMBER(ready_at_usec),
        NUMBER(exited_at_usec),
        NUMBER(timeout_option_usec),
        NUMBER(start_timeout_usec),
        NUMBER(start_deadline_usec),
        NUMBER(stop_timeout_usec),
        NUMBER(stop_deadline_usec),
        NUMBER(forget_at_usec),
        NUMBER(restart_usec),
        NUMBER(restart_max_usec),
        NUMBER(next_start_usec),
        NUMBER(next_start_at_usec),
        NUMBER(running_since_usec),
        NUMBER(watchdog_usec),
        NUMBER(abort_deadline_usec),
        FLAG(notify),
        FLAG(ready),
        FLAG(stop_requested),
        FLAG(stop_time_given),
        FLAG(start_timed_out),
        FLAG(create_until_ready),
        FLAG(restart_requested),
        FLAG(start_doubted),
        FLAG(watchdog_timed_out),
        FLAG(watchdog_killed),
        FLAG(freeze_wanted),
        FLAG(reschedule),
};

/* What has another form in an Agent. */
typedef struct Record {
        char *id, *guild, *state, *result, *oom_level, *restart, *restart_option, *unit_properties;
        int64_t machine_id, pid, exit_status;
        uint64_t restarts, restarts_in_a_row, memory_peak, cpu_nsec;
} Record;

#define RECORD(type, member, presence) FIELD(Record, #member, type, member, presence)

static const JsonField record_fields[] = {
        RECORD(JSON_TEXT, id, JSON_REQUIRED),
        RECORD(JSON_TEXT, guild, JSON_REQUIRED),
        RECORD(JSON_TEXT, state, JSON_REQUIRED),
        RECORD(JSON_TEXT, result, JSON_REQUIRED),
        RECORD(JSON_TEXT, oom_level, JSON_OPTIONAL),
        RECORD(JSON_TEXT, restart, JSON_OPTIONAL),
        RECORD(JSON_TEXT, restart_option, JSON_OPTIONAL),
        RECORD(JSON_TEXT, unit_properties, JSON_OPTIONAL),
        RECORD(JSON_INT64, machine_id, JSON_OPTIONAL),
        RECORD(JSON_INT64, pid, JSON_OPTIONAL),
        RECORD(JSON_INT64, exit_status, JSON_OPTIONAL),
        RECORD(JSON_UINT64, restarts, JSON_OPTIONAL),
        RECORD(JSON_UINT64, restarts_in_a_row, JSON_OPTIONAL),
        RECORD(JSON_UINT64, memory_peak, JSON_OPTIONAL),
        RECORD(JSON_UINT64, cpu_nsec, JSON_OPTIONAL),
};

static void record_done(Record *rec)
{
        for (size_t i = 0; i < ELEMENTSOF(record_fields); i++)
                if (record_fields[i].kind == JSON_TEXT)
                        free(*(char **)((char *)rec + record_fields[i].offset));
}

static void put_text(struct json_object *o, const char *key, const char *text)
{
        if (text)
                json_object_object_add(o, key, json_object_new_string(text));
}

static void put_number(struct json_object *o, const char *key, uint64_t value, uint64_t unless)
{
        if (value != unless)
                json_object_object_add(o, key, json_object_new_uint64(value));
}

static void put_plain(struct json_object *o, const JsonField *f, const Agent *a)
{
        const void *field = (const char *)a + f->offset;

        if (f->kind == JSON_TEXT)
                put_text(o, f->key, *(char *const *)field);
        else if (f->kind == JSON_UINT64)
                put_number(o, f->key, *(const uint64_t *)field, 0);
        else if (*(const bool *)field)
                json_object_object_add(o, f->key, json_object_new_boolean(true));
}

static void put_policy(struct json_object *o, const char *key, RestartPolicy policy)
{
        if (policy != RESTART_UNSET)
                put_text(o, key, restart_policy_name(policy));
}

static void put_environment(struct json_object *o, char *const *environment)
{
        struct json_object *list;

        if (!environment || !environment[0])
                return;

        list = json_object_new_array();
        for (; *environment; environment++)
                json_object_array_add(list, json_object_new_string(*environment));
        json_object_object_add(o, "environment", list);
}

static void put_others(struct json_object *o, const Agent *a)
{
        g_autofree char *properties =
                a->unit_properties ? unit_properties_to_text(a->unit_properties) : NULL;

        json_object_object_add(o, "format", json_object_new_int(FORMAT_VERSION));
        put_text(o, "id", a->id);
        put_text(o, "guild", a->guild->digest);
        put_text(o, "state", agent_state_name(a->state));
        put_text(o, "result", a->result);
        put_text(o, "oom_level", a->oom_level[0] ? a->oom_level : NULL);
        put_text(o, "unit_properties", properties);
        put_policy(o, "restart", a->restart);
        put_policy(o, "restart_option", a->restart_option);
        put_environment(o, a->environment);
        json_object_object_add(o, "machine_id", json_object_new_int(a->machine_id));
        json_object_object_add(o, "exit_status", json_object_new_int(a->exit_status));
        put_number(o, "pid", (uint64_t)a->pid, 0);
        put_number(o, "restarts", a->n_restarts, 0);
        put_number(o, "restarts_in_a_row", a->n_in_a_row, 0);
        put_number(o, "memory_peak", a->usage.memory_peak, UINT64_MAX);
        put_number(o, "cpu_nsec", a->usage.cpu_nsec, UINT64_MAX);
}

struct json_object *state_record_write(const Agent *a)
{
        struct json_object *o = json_object_new_object();

        if (a->unknown_fields) {
                json_object_object_foreach(a->unknown_fields, key, value)
                        json_object_object_add(o, key, json_object_get(value));
        }
        for (size_t i = 0; i < ELEMENTSOF(plain_fields); i++)
                put_plain(o, &plain_fields[i], a);
        put_others(o, a);
        return o;
}

static void add_keys(GHashTable *keys, const JsonField *fields, size_t n)
{
        for (size_t i = 0; i < n; i++)
                g_hash_table_add(keys, (char *)fields[i].key);
}

static bool key_is_known(const char *key)
{
        static GHashTable *known;

        if (!known) {
                known = g_hash_table_new(g_str_hash, g_str_equal);
                g_hash_table_add(known, (char *)"format");
                g_hash_table_add(known, (char *)"environment");
                add_keys(known, plain_fields, ELEMENTSOF(plain_fields));
                add_keys(known, record_fields, ELEMENTSOF(record_fields));
        }
        return g_hash_table_contains(known, key);
}

static struct json_object *take_unknown_fields(struct json_object *o)
{
        struct json_object *unknown = NULL;

        json_object_object_foreach(o, key, value)
        {
                if (key_is_known(key))
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

bool state_record_is_newer(struct json_object *o)
{
        struct json_object *format;

        if (!json_object_object_get_ex(o, "format", &format))
                return false;
        return !json_object_is_type(format, json_type_int) || json_object_get_int64(format) > FORMAT_VERSION;
}

const char *state_record_format(struct json_object *o)
{
        struct json_object *format;

        return json_object_object_get_ex(o, "format", &format) && format ? json_object_get_string(format)
                                                                         : "";
}

const char *state_record_guild(struct json_object *o)
{
        struct json_object *guild;

        if (!json_object_object_get_ex(o, "guild", &guild) || !json_object_is_type(guild, json_type_string))
                return NULL;
        return json_object_get_string(guild);
}

/* What can be said of the fields alone. Whatever is behind it relies on this. */
static int check_record(const Record *rec, bool newer, Fault *fault)
{
        if (!id_is_valid(rec->id))
                return fault_set(fault, FAULT_FAILED, "state: $.id: is no id");
        if (!newer && agent_state_from_name(rec->state) == _AGENT_STATE_MAX)
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

/* A word that only a newer version has for it still says more than "lost". */
static const char *read_result(const char *text)
{
        size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz-");

        return n > 0 && n <= RESULT_LENGTH_MAX && text[n] == '\0' ? g_intern_string(text) : "lost";
}

static AgentState read_state(const char *text, const Agent *a)
{
        AgentState state = agent_state_from_name(text);

        if (state != _AGENT_STATE_MAX)
                return state;
        if (a->forget_at_usec == 0)
                return AGENT_RUNNING;
        if (strcmp(a->result, "lost") == 0)
                return AGENT_LOST;
        return strcmp(a->result, "success") == 0 || strcmp(a->result, "exit-code") == 0 ? AGENT_EXITED
                                                                                        : AGENT_FAILED;
}

static void fill_agent(Agent *a, const Record *rec)
{
        a->result = read_result(rec->result);
        a->state = read_state(rec->state, a);
        a->oom_level = agent_oom_level_intern(rec->oom_level ? rec->oom_level : "");
        a->usage = (CgroupUsage){ rec->memory_peak, rec->cpu_nsec };
        a->machine_id = (int32_t)rec->machine_id;
        a->pid = (pid_t)rec->pid;
        a->exit_status = (int)rec->exit_status;
        a->n_restarts = (uint32_t)rec->restarts;
        a->n_in_a_row = (uint32_t)rec->restarts_in_a_row;
        /* A file that does not say it is of an agent that is not to be started again. */
        a->restart = read_policy(rec->restart, RESTART_NO);
        a->restart_option = read_policy(rec->restart_option, RESTART_UNSET);
        a->has_turn = a->restart_requested;
}

static int read_others(Agent *a, const Record *rec, struct json_object *o, GuildTexts *guilds, Fault *fault)
{
        int r;

        if (read_environment(o, &a->environment) < 0)
                return fault_set(fault, FAULT_FAILED, "state: $.environment: expected an array of strings");
        if (rec->unit_properties) {
                a->unit_properties = unit_properties_from_text(rec->unit_properties);
                if (!a->unit_properties)
                        return fault_set(
                                fault, FAULT_FAILED, "state: $.unit_properties: they cannot be read");
        }
        r = guild_texts_load(guilds, rec->guild, &a->guild);
        if (r >= 0)
                return 0;
        fault_set(fault, FAULT_FAILED, "the guild's text is missing or broken: %s", strerror(-r));
        return error_may_pass(r) ? -EAGAIN : -EBADMSG;
}

int state_record_read(struct json_object *o, Host *host, GuildTexts *guilds, Agent **ret, Fault *fault)
{
        _cleanup_(record_done) Record rec = { .memory_peak = UINT64_MAX, .cpu_nsec = UINT64_MAX };
        Agent *a;
        int r;

        r = json_decode("state", o, record_fields, ELEMENTSOF(record_fields), &rec, fault);
        if (r >= 0)
                r = check_record(&rec, state_record_is_newer(o), fault);
        if (r < 0)
                return r;

        a = agent_new(host, rec.id);
        r = json_decode("state", o, plain_fields, ELEMENTSOF(plain_fields), a, fault);
        if (r >= 0) {
                fill_agent(a, &rec);
                a->unknown_fields = take_unknown_fields(o);
                r = read_others(a, &rec, o, guilds, fault);
        }
        if (r < 0) {
                agent_free(a);
                return r;
        }

        *ret = a;
        return 0;
}
