/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover.h"

#include <inttypes.h>
#include <string.h>

#include "parse.h"

#define KEY_FORMAT "Format"
#define KEY_VERSION "Version"
#define KEY_STRAY "Stray"
#define KEY_UNIT "Unit"

typedef enum FieldKind {
        FIELD_TEXT,
        FIELD_BOOL,
        FIELD_INT32,
        FIELD_UINT32,
        FIELD_UINT64,
        FIELD_USAGE, /* UINT64_MAX where it is not known */
} FieldKind;

/* What is 0, false, NULL or not known is not written. */
static const struct Field {
        const char *key;
        FieldKind kind;
        size_t offset;
} fields[] = {
        { "Agent", FIELD_TEXT, offsetof(HandoverAgent, agent_id) },
        { "Guild", FIELD_TEXT, offsetof(HandoverAgent, guild_id) },
        { "Runtime", FIELD_TEXT, offsetof(HandoverAgent, runtime) },
        { "ScopeResult", FIELD_TEXT, offsetof(HandoverAgent, scope_result) },
        { "PID", FIELD_INT32, offsetof(HandoverAgent, pid) },
        { "PIDFD", FIELD_INT32, offsetof(HandoverAgent, pidfd) },
        { "Job", FIELD_UINT32, offsetof(HandoverAgent, job) },
        { "Adopted", FIELD_BOOL, offsetof(HandoverAgent, adopted) },
        { "Stream", FIELD_BOOL, offsetof(HandoverAgent, has_stream) },
        { "Requested", FIELD_BOOL, offsetof(HandoverAgent, requested) },
        { "Removing", FIELD_BOOL, offsetof(HandoverAgent, removing) },
        { "Stopping", FIELD_BOOL, offsetof(HandoverAgent, stopping) },
        { "Exited", FIELD_BOOL, offsetof(HandoverAgent, exited) },
        { "Ended", FIELD_BOOL, offsetof(HandoverAgent, ended) },
        { "Code", FIELD_INT32, offsetof(HandoverAgent, code) },
        { "Status", FIELD_INT32, offsetof(HandoverAgent, status) },
        { "StopDeadlineUSec", FIELD_UINT64, offsetof(HandoverAgent, stop_deadline_usec) },
        { "EndedAtUSec", FIELD_UINT64, offsetof(HandoverAgent, ended_at_usec) },
        { "Measured", FIELD_BOOL, offsetof(HandoverAgent, measured) },
        { "MemoryPeak", FIELD_USAGE, offsetof(HandoverAgent, memory_peak) },
        { "CPUUsageNSec", FIELD_USAGE, offsetof(HandoverAgent, cpu_nsec) },
        { "OOMKnown", FIELD_BOOL, offsetof(HandoverAgent, oom_known) },
        { "OOMCount", FIELD_UINT64, offsetof(HandoverAgent, oom) },
        { "OOMLevel", FIELD_TEXT, offsetof(HandoverAgent, oom_level) },
};

static const void *field_of(const struct Field *field, const HandoverAgent *agent)
{
        return (const char *)agent + field->offset;
}

static void put_text(FILE *f, const char *key, const char *value)
{
        if (value)
                fprintf(f, "%s=%s%c", key, value, '\0');
}

static void put_number(FILE *f, const char *key, uint64_t value)
{
        if (value != 0)
                fprintf(f, "%s=%" PRIu64 "%c", key, value, '\0');
}

static void put_field(FILE *f, const struct Field *field, const HandoverAgent *agent)
{
        const void *value = field_of(field, agent);

        switch (field->kind) {
        case FIELD_TEXT:
                put_text(f, field->key, *(const char *const *)value);
                break;
        case FIELD_BOOL:
                put_number(f, field->key, *(const bool *)value);
                break;
        case FIELD_INT32:
                put_number(f, field->key, (uint64_t) * (const int32_t *)value);
                break;
        case FIELD_UINT32:
                put_number(f, field->key, *(const uint32_t *)value);
                break;
        case FIELD_UINT64:
                put_number(f, field->key, *(const uint64_t *)value);
                break;
        case FIELD_USAGE:
                if (*(const uint64_t *)value != UINT64_MAX)
                        fprintf(f, "%s=%" PRIu64 "%c", field->key, *(const uint64_t *)value, '\0');
                break;
        }
}

int handover_write(const Handover *h, char **ret, size_t *ret_size)
{
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);
        bool failed;

        if (!f)
                return -ENOMEM;

        put_number(f, KEY_FORMAT, HANDOVER_FORMAT);
        put_text(f, KEY_VERSION, h->version);
        for (size_t i = 0; i < h->n_strays; i++)
                put_text(f, KEY_STRAY, h->strays[i]);
        for (size_t i = 0; i < h->n_agents; i++) {
                put_text(f, KEY_UNIT, h->agents[i].unit);
                for (size_t k = 0; k < ELEMENTSOF(fields); k++)
                        put_field(f, &fields[k], &h->agents[i]);
        }
        failed = ferror(f);
        if (fclose(f) != 0 || failed)
                return -ENOMEM;

        *ret = steal_ptr(text);
        *ret_size = size;
        return 0;
}

static int read_field(const struct Field *field, HandoverAgent *agent, const char *text)
{
        static const uint64_t max[] = {
                [FIELD_BOOL] = 1,
                [FIELD_INT32] = INT32_MAX,
                [FIELD_UINT32] = UINT32_MAX,
                [FIELD_UINT64] = UINT64_MAX,
                [FIELD_USAGE] = UINT64_MAX,
        };
        void *value = (char *)agent + field->offset;
        uint64_t number;

        if (field->kind == FIELD_TEXT) {
                *(const char **)value = text;
                return 0;
        }
        if (parse_uint64(text, 0, max[field->kind], &number) < 0)
                return -EBADMSG;

        switch (field->kind) {
        case FIELD_BOOL:
                *(bool *)value = number != 0;
                break;
        case FIELD_INT32:
                *(int32_t *)value = (int32_t)number;
                break;
        case FIELD_UINT32:
                *(uint32_t *)value = (uint32_t)number;
                break;
        default:
                *(uint64_t *)value = number;
                break;
        }
        return 0;
}

static bool is_complete(const HandoverAgent *agent)
{
        return agent->agent_id && agent->guild_id && agent->runtime && agent->pid > 0 && agent->pidfd > 0;
}

/* The last record is one as long as it may become one. */
static void end_record(Handover *h)
{
        if (h->n_agents > 0 && !is_complete(&h->agents[h->n_agents - 1]))
                h->n_agents--;
}

/* There is room for every entry of the text. */
static int read_entry(Handover *h, const char *key, const char *value)
{
        if (strcmp(key, KEY_UNIT) == 0) {
                end_record(h);
                h->agents[h->n_agents++] =
                        (HandoverAgent){ .unit = value, .memory_peak = UINT64_MAX, .cpu_nsec = UINT64_MAX };
                return 0;
        }
        if (h->n_agents == 0) {
                if (strcmp(key, KEY_VERSION) == 0)
                        h->version = value;
                else if (strcmp(key, KEY_STRAY) == 0)
                        h->strays[h->n_strays++] = value;
                return 0;
        }

        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (strcmp(key, fields[i].key) == 0)
                        return read_field(&fields[i], &h->agents[h->n_agents - 1], value);
        return 0;
}

/* The first entry. */
static int check_format(const char *text)
{
        unsigned format;

        if (strncmp(text, KEY_FORMAT "=", sizeof(KEY_FORMAT)) != 0 ||
                parse_uint(text + sizeof(KEY_FORMAT), 0, UINT32_MAX, &format) < 0)
                return -EBADMSG;
        return format == HANDOVER_FORMAT ? 0 : -EPROTONOSUPPORT;
}

static int read_entries(Handover *h, char *text, size_t size)
{
        for (char *entry = text, *next; entry < text + size; entry = next) {
                char *equals = strchr(entry, '=');
                int r;

                next = entry + strlen(entry) + 1;
                if (!equals)
                        return -EBADMSG;
                *equals = '\0';
                r = read_entry(h, entry, equals + 1);
                if (r < 0)
                        return r;
        }
        end_record(h);
        return 0;
}

/* How many entries have this key, at most. */
static size_t count_entries(const char *text, size_t size, const char *key)
{
        size_t length = strlen(key), n = 0;

        for (const char *entry = text; entry < text + size; entry += strlen(entry) + 1)
                if (strncmp(entry, key, length) == 0)
                        n++;
        return n;
}

int handover_parse(char *text, size_t size, Handover *ret)
{
        _cleanup_(handover_done) Handover h = { .text = text };
        int r;

        if (size == 0 || text[size - 1] != '\0')
                return -EBADMSG;
        r = check_format(text);
        if (r < 0)
                return r;

        h.agents = calloc(count_entries(text, size, KEY_UNIT) + 1, sizeof(HandoverAgent));
        h.strays = calloc(count_entries(text, size, KEY_STRAY) + 1, sizeof(char *));
        if (!h.agents || !h.strays)
                return -ENOMEM;
        r = read_entries(&h, text, size);
        if (r < 0)
                return r;

        *ret = h;
        h = (Handover){ 0 };
        return 0;
}

void handover_done(Handover *h)
{
        free(h->text);
        free(h->agents);
        free(h->strays);
        *h = (Handover){ 0 };
}
