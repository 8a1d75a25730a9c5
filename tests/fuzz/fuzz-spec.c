/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The JSON texts of an agent: what is accepted is what it claims to be, and means the same when it is
 * written and read again. */

#include <string.h>

#include "escape.h"
#include "fuzz.h"
#include "json-check.h"
#include "spec.h"

static void check_agent_spec(const char *text)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        AgentSpec spec;

        if (agent_spec_parse(text, &spec, &fault) < 0) {
                fuzz_expect(fault.kind == FAULT_INVALID_SPEC, "a refused agent spec is InvalidSpec");
                fuzz_expect(
                        strncmp(fault_text(&fault), "agent_spec: ", 12) == 0, "its fault names the text");
                return;
        }
        fuzz_expect(id_is_valid(spec.id), "an agent's id is valid");
        fuzz_expect(spec.name[0] && utf8_is_sendable(spec.name), "an agent has a name");
        fuzz_expect(utf8_is_sendable(spec.class_name), "and a class");
        agent_spec_done(&spec);
}

static bool check_guild_spec(const char *text)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        _cleanup_free_ char *id = NULL;

        if (guild_spec_parse(text, &id, &fault) < 0) {
                fuzz_expect(fault.kind == FAULT_INVALID_SPEC, "a refused guild spec is InvalidSpec");
                return false;
        }
        fuzz_expect(id_is_valid(id), "a guild's id is valid");
        return true;
}

/* Doubles lose digits, and what is read last is nearest: so the second writing is compared. */
static void check_round_trip(const char *text, size_t size)
{
        const JsonLimits limits = { .bytes = SPEC_TEXT_MAX, .depth = SPEC_DEPTH_MAX };
        _cleanup_json_ struct json_object *first = NULL, *second = NULL;
        _cleanup_free_ char *written = NULL;
        const char *again;

        if (json_parse_strict("text", text, size, &limits, &first, NULL) < 0)
                return;
        again = json_object_to_json_string_ext(first, JSON_C_TO_STRING_PLAIN);
        written = strdup(again ? again : "null");
        fuzz_must(json_parse_strict("text", written, strlen(written), &limits, &second, NULL),
                "what was written is good JSON");
        fuzz_expect(strcmp(json_object_to_json_string_ext(second, JSON_C_TO_STRING_PLAIN), written) == 0,
                "what was written and read is written the same");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_free_ char *text = fuzz_text(data, size);
        _cleanup_fault_ Fault fault = FAULT_INIT;
        bool is_object;

        check_agent_spec(text);
        is_object = object_text_check("messaging_config", text, &fault) >= 0;
        if (check_guild_spec(text))
                fuzz_expect(is_object, "a guild spec is an object");
        /* With its NUL bytes, which end the texts above. */
        check_round_trip((const char *)data, size);
        return 0;
}
