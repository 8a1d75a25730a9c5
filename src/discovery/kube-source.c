/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-source.h"

#include <arpa/inet.h>
#include <string.h>

#include "host-address.h"
#include "kube-json.h"

/* What goes wrong with a thousand endpoints is said of so many. */
#define WARNINGS_MAX 20

#define SHOWN_MAX 64

void kube_reader_warn(KubeReader *r, const char *format, ...)
{
        va_list ap;

        if (r->warnings->len >= WARNINGS_MAX)
                return;
        va_start(ap, format);
        g_ptr_array_add(r->warnings, g_strdup_vprintf(format, ap));
        va_end(ap);
}

static bool is_address(const HostEntry *e)
{
        unsigned char ignored[sizeof(struct in6_addr)];

        switch (e->family) {
        case HOST_FAMILY_IPV4:
                return inet_pton(AF_INET, e->ip, ignored) == 1;
        case HOST_FAMILY_IPV6:
                return inet_pton(AF_INET6, e->ip, ignored) == 1;
        case HOST_FAMILY_NAME:
                break;
        }
        return hostname_is_valid(e->ip);
}

/* Label values and names of objects are made of these; what else stands there is nobody's. */
static const char *clean_name(const char *name)
{
        for (const char *p = name; p && *p; p++)
                if (!g_ascii_isalnum(*p) && !strchr("-_.", *p))
                        return NULL;
        return name && strlen(name) <= HOSTNAME_BYTES_MAX ? name : NULL;
}

/* In escapes, what is no printable ASCII. */
static char *show(const char *name)
{
        g_autofree char *some = g_strndup(name ? name : "", SHOWN_MAX);

        return g_strescape(some, NULL);
}

void kube_reader_add(KubeReader *r, const char *where, const HostEntry *entry)
{
        HostEntry e = *entry;

        if (!e.hostname || !hostname_is_valid(e.hostname)) {
                g_autofree char *shown = show(e.hostname);

                kube_reader_warn(r, "%s: '%s' cannot be the name of a host; it is left out", where, shown);
                return;
        }
        if (!e.ip || !is_address(&e)) {
                kube_reader_warn(r, "%s: host %s has no usable address; it is left out", where, e.hostname);
                return;
        }
        e.port = r->target->port;
        e.zone = clean_name(e.zone);
        e.node = clean_name(e.node);
        host_entries_add(r->entries, &e);
}

static int get_metadata_text(struct json_object *object, const char *key, const char **ret, Fault *fault)
{
        struct json_object *metadata;
        int r;

        r = kube_get_object(object, "metadata", &metadata, fault);
        return r < 0 ? r : kube_get_text(metadata, key, ret, fault);
}

int kube_object_name(struct json_object *object, const char **ret, Fault *fault)
{
        const char *name;
        int r;

        r = get_metadata_text(object, "name", &name, fault);
        if (r < 0)
                return r;
        if (!name || !*name || !clean_name(name))
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "an object has no name");
        *ret = name;
        return 0;
}

int kube_object_namespace(struct json_object *object, const char **ret, Fault *fault)
{
        return get_metadata_text(object, "namespace", ret, fault);
}

int kube_object_label(struct json_object *object, const char *label, const char **ret, Fault *fault)
{
        struct json_object *metadata, *labels;
        int r;

        r = kube_get_object(object, "metadata", &metadata, fault);
        if (r >= 0)
                r = kube_get_object(metadata, "labels", &labels, fault);
        return r < 0 ? r : kube_get_text(labels, label, ret, fault);
}
