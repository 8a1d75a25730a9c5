/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec.h"

#include <string.h>

#include "escape.h"
#include "json-check.h"
#include "json-decode.h"

static const char *const agent_members[] = { "id", "name", "class_name", NULL };

static const JsonField agent_fields[] = {
        { "id", JSON_TEXT, JSON_REQUIRED, offsetof(AgentSpec, id) },
        { "name", JSON_TEXT, JSON_REQUIRED, offsetof(AgentSpec, name) },
        { "class_name", JSON_TEXT, JSON_OPTIONAL, offsetof(AgentSpec, class_name) },
};

typedef struct GuildSpec {
        char *id;
} GuildSpec;

static const char *const guild_members[] = { "id", NULL };

static const JsonField guild_fields[] = {
        { "id", JSON_TEXT, JSON_REQUIRED, offsetof(GuildSpec, id) },
};

static const char *const no_members[] = { NULL };

/* A JSON object, of which members are decoded. */
static int decode(const char *what,
        const char *text,
        const char *const *members,
        const JsonField *fields,
        size_t n_fields,
        void *target,
        Fault *fault)
{
        const JsonLimits limits = { .bytes = SPEC_TEXT_MAX, .depth = SPEC_DEPTH_MAX, .members = members };
        _cleanup_json_ struct json_object *o = NULL;
        int r;

        r = json_parse_strict(what, text, strlen(text), &limits, &o, fault);
        if (r < 0)
                return r;

        return json_decode(what, o, fields, n_fields, target, fault);
}

static int check_id(const char *what, const char *id, Fault *fault)
{
        if (id_is_valid(id))
                return 0;

        return fault_set(fault, FAULT_INVALID_SPEC,
                "%s: $.id: must be 1 to %u bytes of UTF-8 without control characters", what, ID_BYTES_MAX);
}

void agent_spec_done(AgentSpec *spec)
{
        free(spec->id);
        free(spec->name);
        free(spec->class_name);
        *spec = (AgentSpec){ 0 };
}

int agent_spec_parse(const char *text, AgentSpec *ret, Fault *fault)
{
        _cleanup_(agent_spec_done) AgentSpec spec = { 0 };
        int r;

        r = decode("agent_spec", text, agent_members, agent_fields, ELEMENTSOF(agent_fields), &spec, fault);
        if (r < 0)
                return r;

        r = check_id("agent_spec", spec.id, fault);
        if (r < 0)
                return r;

        if (!*spec.name)
                return fault_set(fault, FAULT_INVALID_SPEC, "agent_spec: $.name: must not be empty");

        if (!spec.class_name) {
                spec.class_name = strdup("");
                if (!spec.class_name)
                        return -ENOMEM;
        }

        *ret = spec;
        spec = (AgentSpec){ 0 };
        return 0;
}

int guild_spec_parse(const char *text, char **ret_guild_id, Fault *fault)
{
        GuildSpec spec = { 0 };
        _cleanup_free_ char *id = NULL;
        int r;

        r = decode("guild_spec", text, guild_members, guild_fields, ELEMENTSOF(guild_fields), &spec, fault);
        id = spec.id;
        if (r < 0)
                return r;

        r = check_id("guild_spec", id, fault);
        if (r < 0)
                return r;

        *ret_guild_id = steal_ptr(id);
        return 0;
}

int object_text_check(const char *name, const char *text, Fault *fault)
{
        if (!*text)
                return 0;

        return decode(name, text, no_members, NULL, 0, NULL, fault);
}
