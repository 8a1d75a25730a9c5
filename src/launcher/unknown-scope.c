/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unknown-scope.h"

#include <string.h>

#include "escape.h"
#include "log.h"
#include "scope.h"

typedef struct Question {
        Launcher *launcher; /* borrowed: the connection is closed before it goes */
        char unit[];
} Question;

/* Of an empty one there is nothing to end; the next launch of its name removes it. */
static bool runs_among_agents(sd_bus_message *reply)
{
        const char *cgroup = NULL;
        int r;

        if (sd_bus_message_get_error(reply))
                return false;
        r = sd_bus_message_enter_container(reply, 'a', "(sus)");
        if (r > 0)
                r = sd_bus_message_read(reply, "(sus)", &cgroup, NULL, NULL);
        return r > 0 && strstr(cgroup, "/agents.slice/");
}

static int on_looked_into(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        const Question *q = userdata;

        (void)ret_error;

        if (runs_among_agents(reply) && !child_table_find(&q->launcher->children, q->unit))
                log_warning("%s runs, and its agent is not known here: what was known of it is lost, or "
                            "somebody else has made it. It is left alone; to end it: %s stop %s",
                        q->unit, q->launcher->settings.paths->systemctl, q->unit);
        return 0;
}

static int look_into(Launcher *l, const char *unit)
{
        size_t size = strlen(unit) + 1;
        sd_bus_slot *slot = NULL;
        Question *q = malloc(sizeof(Question) + size);
        int r;

        if (!q)
                return -ENOMEM;
        q->launcher = l;
        memcpy(q->unit, unit, size);

        r = scope_look_into(manager_bus(l->manager), unit, on_looked_into, q, &slot);
        if (r < 0) {
                free(q);
                return r;
        }
        (void)sd_bus_slot_set_destroy_callback(slot, free);
        (void)sd_bus_slot_set_floating(slot, true);
        sd_bus_slot_unref(slot);
        return 0;
}

void unknown_scopes_look(Launcher *l, const ScopeList *list)
{
        for (size_t i = 0; i < list->n_entries; i++) {
                const ScopeEntry *entry = &list->entries[i];
                int r;

                if (!entry->started || entry->job != 0 || !agent_unit_is_valid(entry->unit) ||
                        child_table_find(&l->children, entry->unit) || launcher_is_ending(l, entry->unit))
                        continue;
                r = look_into(l, entry->unit);
                if (r < 0)
                        log_warning("Cannot find out what %s is, which is not known here: %s", entry->unit,
                                strerror(-r));
        }
}
