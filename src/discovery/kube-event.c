/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-event.h"

#include <string.h>

#include "kube-json.h"

/* As much of a server's own words as a line of the journal takes. */
#define SHOWN_MAX 300

static const char *const event_names[] = {
        [KUBE_EVENT_ADDED] = "ADDED",
        [KUBE_EVENT_MODIFIED] = "MODIFIED",
        [KUBE_EVENT_DELETED] = "DELETED",
        [KUBE_EVENT_BOOKMARK] = "BOOKMARK",
        [KUBE_EVENT_ERROR] = "ERROR",
};

static KubeEventType type_from_name(const char *name)
{
        size_t type = 0;

        while (type < ELEMENTSOF(event_names) && strcmp(event_names[type], name) != 0)
                type++;
        return (KubeEventType)type;
}

static int parse_object(
        const char *what, const char *text, size_t size, size_t max, struct json_object **ret, Fault *fault)
{
        const JsonLimits limits = { .bytes = max, .depth = KUBE_DEPTH_MAX };
        _cleanup_fault_ Fault syntax = FAULT_INIT;
        _cleanup_json_ struct json_object *o = NULL;

        if (json_parse_bounded(what, text, size, &limits, &o, &syntax) < 0)
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "%s", fault_text(&syntax));
        if (!json_object_is_type(o, json_type_object))
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "%s: it is no object", what);
        *ret = steal_ptr(o);
        return 0;
}

/* They go into URLs, encoded, so they may be anything; but not endless. */
static int get_token(struct json_object *metadata, const char *key, const char **ret, Fault *fault)
{
        int r = kube_get_text(metadata, key, ret, fault);

        if (r < 0)
                return r;
        if (*ret && strlen(*ret) > KUBE_TOKEN_MAX)
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "%s is longer than %u bytes", key,
                        KUBE_TOKEN_MAX);
        if (*ret && !**ret)
                *ret = NULL;
        return 0;
}

static int read_event(KubeEvent *e, Fault *fault)
{
        struct json_object *metadata;
        const char *type;
        int r;

        r = kube_get_text(e->json, "type", &type, fault);
        if (r >= 0)
                r = kube_get_object(e->json, "object", &e->object, fault);
        if (r < 0)
                return r;
        if (!type || !e->object)
                return fault_set(
                        fault, FAULT_DISCOVERY_UNAVAILABLE, "an event has no %s", type ? "object" : "type");

        e->type = type_from_name(type);
        if (e->type == KUBE_EVENT_ERROR || e->type == KUBE_EVENT_UNKNOWN)
                return 0;
        r = kube_get_object(e->object, "metadata", &metadata, fault);
        if (r >= 0)
                r = get_token(metadata, "resourceVersion", &e->version, fault);
        if (r >= 0 && !e->version)
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "an event has no resourceVersion");
        return r;
}

int kube_event_parse(const char *line, size_t size, KubeEvent *ret, Fault *fault)
{
        KubeEvent e = { 0 };
        int r;

        r = parse_object("an event", line, size, KUBE_EVENT_MAX, &e.json, fault);
        if (r >= 0)
                r = read_event(&e, fault);
        if (r < 0) {
                kube_event_done(&e);
                return r;
        }
        *ret = e;
        return 0;
}

void kube_event_done(KubeEvent *e)
{
        json_object_put(e->json);
        *e = (KubeEvent){ 0 };
}

static int read_page(KubePage *p, Fault *fault)
{
        struct json_object *metadata;
        const char *kind;
        int r;

        r = kube_get_text(p->json, "kind", &kind, fault);
        if (r >= 0)
                r = kube_get_object(p->json, "metadata", &metadata, fault);
        if (r >= 0)
                r = kube_get_array(p->json, "items", &p->items, fault);
        if (r >= 0)
                r = get_token(metadata, "resourceVersion", &p->version, fault);
        if (r >= 0)
                r = get_token(metadata, "continue", &p->next, fault);
        if (r < 0)
                return r;
        if (!kind || !g_str_has_suffix(kind, "List"))
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "the reply is no list");
        if (!p->version)
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "the list has no resourceVersion");
        return 0;
}

int kube_page_parse(const char *text, size_t size, KubePage *ret, Fault *fault)
{
        KubePage p = { 0 };
        int r;

        r = parse_object("the list", text, size, KUBE_PAGE_MAX, &p.json, fault);
        if (r >= 0)
                r = read_page(&p, fault);
        if (r < 0) {
                kube_page_done(&p);
                return r;
        }
        *ret = p;
        return 0;
}

void kube_page_done(KubePage *p)
{
        json_object_put(p->json);
        *p = (KubePage){ 0 };
}

char *kube_show(const char *text, size_t size)
{
        g_autofree char *valid = g_utf8_make_valid(text, (gssize)MIN(size, SHOWN_MAX));
        GString *shown = g_string_new(NULL);

        for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
                gunichar c = g_utf8_get_char(p);

                g_string_append_unichar(shown, g_unichar_isprint(c) ? c : ' ');
        }
        return g_strstrip(g_string_free(shown, FALSE));
}

void kube_status_from_object(struct json_object *status, KubeStatus *ret)
{
        const char *message = NULL;
        struct json_object *code;

        *ret = (KubeStatus){ 0 };
        if (json_object_object_get_ex(status, "code", &code) && json_object_is_type(code, json_type_int)) {
                int64_t value = json_object_get_int64(code);

                ret->code = value > 0 && value < 1000 ? (unsigned)value : 0;
        }
        if (kube_get_text(status, "message", &message, NULL) >= 0 && message)
                ret->text = kube_show(message, strlen(message));
}

void kube_status_parse(unsigned http_status, const char *body, size_t size, KubeStatus *ret)
{
        _cleanup_json_ struct json_object *o = NULL;

        *ret = (KubeStatus){ 0 };
        if (parse_object("", body, size, KUBE_ERROR_MAX, &o, NULL) >= 0)
                kube_status_from_object(o, ret);
        else if (size > 0)
                ret->text = kube_show(body, size);
        /* The reply's own is what the server has done. */
        ret->code = http_status;
}

void kube_status_done(KubeStatus *s)
{
        g_free(s->text);
        *s = (KubeStatus){ 0 };
}

static bool is_number(const char *text)
{
        return *text && text[strspn(text, "0123456789")] == '\0' && (text[0] != '0' || !text[1]);
}

int kube_version_compare(const char *a, const char *b)
{
        size_t n = strlen(a), m = strlen(b);
        int r;

        if (!is_number(a) || !is_number(b))
                return 0;
        if (n != m)
                return n < m ? -1 : 1;
        r = strcmp(a, b);
        return r < 0 ? -1 : r > 0;
}
