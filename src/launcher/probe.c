/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe.h"

#include <fcntl.h>
#include <string.h>

#include "cgroup.h"
#include "log.h"

#define DESTINATION "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define INIT_SCOPE_PATH MANAGER_PATH "/unit/init_2escope"

#define PROBE_LIMIT_USEC (25 * USEC_PER_SEC)

typedef enum Support {
        SUPPORT_FULL,
        SUPPORT_NO_EFFECT, /* systemd takes it, the kernel has no controller for it */
        SUPPORT_NONE, /* systemd does not know it */
} Support;

typedef struct Entry {
        Support support;
        bool said;
} Entry;

struct Probe {
        char *cgroup_dir;
        bool only; /* what has no controller in version 2 has none at all */
        ProbeChanged changed;
        void *userdata;
        sd_bus_slot *introspect_slot, *tasks_slot;
        uint64_t default_tasks_max;
        const UnitPropertyRow *rows;
        size_t n_rows;
        Entry *entries; /* one a row */
};

int probe_new(const char *cgroup_dir, bool only, ProbeChanged changed, void *userdata, Probe **ret)
{
        Probe *p = malloc(sizeof(Probe));

        if (!p)
                return -ENOMEM;

        *p = (Probe){ .only = only, .changed = changed, .userdata = userdata };
        p->rows = unit_property_rows(&p->n_rows);
        p->entries = calloc(p->n_rows, sizeof(Entry));
        p->cgroup_dir = cgroup_dir ? strdup(cgroup_dir) : NULL;
        if (!p->entries || (cgroup_dir && !p->cgroup_dir)) {
                probe_free(p);
                return -ENOMEM;
        }

        *ret = p;
        return 0;
}

Probe *probe_free(Probe *p)
{
        if (!p)
                return NULL;

        probe_cancel(p);
        free(p->entries);
        free(p->cgroup_dir);
        free(p);
        return NULL;
}

void probe_cancel(Probe *p)
{
        p->introspect_slot = sd_bus_slot_unref(p->introspect_slot);
        p->tasks_slot = sd_bus_slot_unref(p->tasks_slot);
}

bool probe_has_controller(const Probe *p, const char *controller)
{
        _cleanup_close_ int fd = -EBADF;

        if (!p->only || !p->cgroup_dir)
                return !p->only;

        fd = open(p->cgroup_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 || cgroup_read_word(fd, "cgroup.controllers", controller) != 0;
}

static void set_support(Probe *p, const Support *supports)
{
        bool changed = false;

        for (size_t i = 0; i < p->n_rows; i++) {
                if (p->entries[i].support == supports[i])
                        continue;
                p->entries[i] = (Entry){ .support = supports[i] };
                changed = true;
        }
        if (changed)
                p->changed(p->userdata);
}

/* The row whose name begins here and ends in a quote. */
static size_t find_quoted(const Probe *p, const char *text)
{
        size_t i = 0, length = strcspn(text, "\"");

        for (; i < p->n_rows; i++) {
                const char *name = unit_property_row_name(&p->rows[i]);

                if (strlen(name) == length && memcmp(name, text, length) == 0)
                        break;
        }
        return i;
}

int probe_read_introspection(Probe *p, const char *xml)
{
        static const char begin[] = "<property name=\"";
        _cleanup_free_ Support *supports = calloc(p->n_rows + 1, sizeof(Support));
        size_t n_found = 0;

        if (!supports)
                return -ENOMEM;

        for (size_t i = 0; i < p->n_rows; i++)
                supports[i] = SUPPORT_NONE;
        for (const char *at = strstr(xml, begin); at; at = strstr(at, begin)) {
                size_t i;

                at += sizeof(begin) - 1;
                i = find_quoted(p, at);
                if (i == p->n_rows)
                        continue;
                n_found++;
                supports[i] = !p->rows[i].controller || probe_has_controller(p, p->rows[i].controller)
                        ? SUPPORT_FULL
                        : SUPPORT_NO_EFFECT;
        }
        if (n_found == 0)
                return -EBADMSG;

        set_support(p, supports);
        return 0;
}

/* Without an answer all stays as it was: what systemd refuses then is found out one by one. */
static int read_answer(Probe *p, sd_bus_message *reply)
{
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        const char *xml;
        int r;

        if (error)
                return -sd_bus_error_get_errno(error);
        r = sd_bus_message_read(reply, "s", &xml);
        return r < 0 ? r : probe_read_introspection(p, xml);
}

static int on_introspected(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        Probe *p = userdata;
        int r;

        (void)ret_error;

        p->introspect_slot = sd_bus_slot_unref(p->introspect_slot);
        if (sd_bus_is_open(sd_bus_message_get_bus(reply)) <= 0)
                return 0;
        r = read_answer(p, reply);
        if (r < 0)
                log_warning("Cannot find out which properties systemd knows: %s", strerror(-r));
        return 0;
}

static int on_tasks_max(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        Probe *p = userdata;
        int r;

        (void)ret_error;

        p->tasks_slot = sd_bus_slot_unref(p->tasks_slot);
        if (sd_bus_is_open(sd_bus_message_get_bus(reply)) <= 0)
                return 0;
        r = error ? -sd_bus_error_get_errno(error)
                  : sd_bus_message_read(reply, "v", "t", &p->default_tasks_max);
        if (r < 0)
                log_warning("Cannot read DefaultTasksMax= of systemd: %s", strerror(-r));
        return 0;
}

static int ask_introspection(Probe *p, sd_bus *bus)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(
                bus, &m, DESTINATION, INIT_SCOPE_PATH, "org.freedesktop.DBus.Introspectable", "Introspect");
        if (r < 0)
                return r;
        return sd_bus_call_async(bus, &p->introspect_slot, m, on_introspected, p, PROBE_LIMIT_USEC);
}

static int ask_tasks_max(Probe *p, sd_bus *bus)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(
                bus, &m, DESTINATION, MANAGER_PATH, "org.freedesktop.DBus.Properties", "Get");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", "org.freedesktop.systemd1.Manager", "DefaultTasksMax");
        if (r < 0)
                return r;
        return sd_bus_call_async(bus, &p->tasks_slot, m, on_tasks_max, p, PROBE_LIMIT_USEC);
}

void probe_begin(Probe *p, sd_bus *bus)
{
        int r;

        probe_cancel(p);
        r = ask_introspection(p, bus);
        if (r >= 0)
                r = ask_tasks_max(p, bus);
        if (r < 0)
                log_warning("Cannot ask which properties systemd knows: %s", strerror(-r));
}

bool probe_takes(Probe *p, const UnitPropertyRow *row)
{
        Entry *entry = &p->entries[row - p->rows];

        if (entry->support == SUPPORT_FULL)
                return true;
        if (!entry->said && entry->support == SUPPORT_NONE)
                log_warning("%s= is left out: this host's systemd does not know it", row->setting);
        /* Every runtime has it, be it that nobody has asked for it. */
        else if (!entry->said && strcmp(row->setting, "OOMPolicy") != 0)
                log_warning("%s= has no effect: this host has no cgroup controller '%s'", row->setting,
                        row->controller);
        entry->said = true;
        return entry->support != SUPPORT_NONE;
}

/* Between the words that systemd puts around it. */
static int refused_name(const sd_bus_error *error, char **ret)
{
        static const char before[] = "Cannot set property ", after[] = ", or unknown property.";
        size_t length;
        char *name;

        if (!sd_bus_error_has_name(error, SD_BUS_ERROR_PROPERTY_READ_ONLY) || !error->message ||
                strncmp(error->message, before, sizeof(before) - 1) != 0)
                return 0;
        length = strcspn(error->message + sizeof(before) - 1, ",");
        if (strcmp(error->message + sizeof(before) - 1 + length, after) != 0)
                return 0;

        name = strndup(error->message + sizeof(before) - 1, length);
        if (!name)
                return -ENOMEM;
        *ret = name;
        return 1;
}

bool probe_learn(Probe *p, const sd_bus_error *error)
{
        _cleanup_free_ char *name = NULL;
        const UnitPropertyRow *row;
        Entry *entry;

        if (refused_name(error, &name) <= 0)
                return false;
        row = unit_property_find_on_bus(name);
        if (!row)
                return false;
        entry = &p->entries[row - p->rows];
        if (entry->support != SUPPORT_NONE) {
                *entry = (Entry){ .support = SUPPORT_NONE };
                p->changed(p->userdata);
        }
        return true;
}

int probe_check_required(const Probe *p, const Runtime *runtime, Fault *fault)
{
        for (char *const *name = runtime->require; name && *name; name++) {
                const UnitPropertyRow *row = unit_property_find(*name);

                switch (row ? p->entries[row - p->rows].support : SUPPORT_FULL) {
                case SUPPORT_FULL:
                        break;
                case SUPPORT_NO_EFFECT:
                        return fault_set(fault, FAULT_START_FAILED,
                                "Runtime %s requires %s=, which has no effect on this host: it has no cgroup controller '%s' (see Require= in %s)",
                                runtime->name, *name, row->controller, runtime->path);
                case SUPPORT_NONE:
                        return fault_set(fault, FAULT_START_FAILED,
                                "Runtime %s requires %s=, which this host's systemd does not know (see Require= in %s)",
                                runtime->name, *name, runtime->path);
                }
        }
        return 0;
}

uint64_t probe_default_tasks_max(const Probe *p)
{
        return p->default_tasks_max;
}

int probe_append_unsupported(const Probe *p, sd_bus_message *m)
{
        int r;

        r = sd_bus_message_open_container(m, 'a', "s");
        for (size_t i = 0; r >= 0 && i < p->n_rows; i++)
                if (p->entries[i].support != SUPPORT_FULL)
                        r = sd_bus_message_append(m, "s", unit_property_row_name(&p->rows[i]));
        return r < 0 ? r : sd_bus_message_close_container(m);
}
