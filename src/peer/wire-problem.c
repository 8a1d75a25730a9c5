/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fault-bus.h"
#include "wire-json.h"
#include "wire.h"

unsigned wire_status(FaultKind kind)
{
        switch (kind) {
        case FAULT_INVALID_ARGS:
                return 400;
        case FAULT_ACCESS_DENIED:
                return 403;
        case FAULT_NO_SUCH_AGENT:
                return 404;
        case FAULT_AGENT_EXISTS:
                return 409;
        case FAULT_INVALID_SPEC:
        case FAULT_NO_SUCH_RUNTIME:
                return 422;
        case FAULT_START_TIMEOUT:
        case FAULT_STOP_TIMEOUT:
                return 504;
        case FAULT_LIMIT_REACHED:
        case FAULT_DRAINING:
        case FAULT_LAUNCHER_UNAVAILABLE:
        case FAULT_REGISTRY_UNAVAILABLE:
        case FAULT_DISCOVERY_UNAVAILABLE:
        case FAULT_NO_HOSTS:
        case FAULT_PEER_UNREACHABLE:
                return 503;
        default:
                return 500;
        }
}

const char *wire_status_title(unsigned status)
{
        switch (status) {
        case 400:
                return "Bad Request";
        case 403:
                return "Forbidden";
        case 404:
                return "Not Found";
        case 405:
                return "Method Not Allowed";
        case 409:
                return "Conflict";
        case 413:
                return "Content Too Large";
        case 415:
                return "Unsupported Media Type";
        case 422:
                return "Unprocessable Content";
        case 429:
                return "Too Many Requests";
        case 500:
                return "Internal Server Error";
        case 503:
                return "Service Unavailable";
        case 504:
                return "Gateway Timeout";
        default:
                return "";
        }
}

/* The type about:blank says that the title is the status's own. */
GBytes *wire_write_problem(unsigned status, FaultKind kind, const char *text)
{
        struct json_object *o = json_object_new_object();

        wire_json_add_text(o, "type", "about:blank");
        wire_json_add_text(o, "title", wire_status_title(status));
        wire_json_add_uint(o, "status", status);
        wire_json_add_text(o, "detail", text);
        wire_json_add_text(o, "error", fault_name(kind));
        return wire_json_to_bytes(o);
}

typedef struct Problem {
        char *detail;
        char *error;
} Problem;

static const JsonField problem_fields[] = {
        { "detail", JSON_TEXT, JSON_REQUIRED, offsetof(Problem, detail) },
        { "error", JSON_TEXT, JSON_REQUIRED, offsetof(Problem, error) },
};

void wire_read_problem(const char *text, size_t size, unsigned status, Fault *fault)
{
        _cleanup_json_ struct json_object *o = NULL;
        Problem p = { 0 };
        FaultKind kind;

        if (wire_json_read("problem", text, size, FAULT_FAILED, &o, NULL) < 0 ||
                wire_json_decode("problem", o, problem_fields, ELEMENTSOF(problem_fields), &p, FAULT_FAILED,
                        NULL) < 0) {
                fault_set(fault, FAULT_FAILED, "It answered with status %u and does not say why", status);
        } else {
                kind = fault_kind_from_name(p.error);
                fault_set(fault, kind == FAULT_NONE ? FAULT_FAILED : kind, "%s", p.detail);
        }
        free(p.detail);
        free(p.error);
}
