/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "freeze.h"

#include <string.h>

#include "answer.h"
#include "fault-bus.h"
#include "launcher.h"
#include "scope.h"

/* A floating slot of the connection to systemd owns it, and frees it also when that connection breaks. */
typedef struct Freezing {
        Launcher *launcher; /* borrowed, outlives the connection to systemd */
        sd_bus_message *call; /* NULL once answered */
        char *unit;
        bool freeze;
} Freezing;

static void freezing_free(Freezing *f)
{
        sd_bus_message_unref(f->call);
        free(f->unit);
        free(f);
}

static void refuse(Freezing *f, const char *why)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = steal_ptr(f->call);
        _cleanup_fault_ Fault fault = FAULT_INIT;

        fault_set(&fault, FAULT_FAILED, "systemd cannot %s %s: %s", f->freeze ? "freeze" : "thaw", f->unit,
                why);
        (void)fault_reply(&fault, call);
}

static void on_destroyed(void *userdata)
{
        Freezing *f = userdata;

        if (f->call)
                refuse(f, "the connection to it broke; try again");
        freezing_free(f);
}

/* The stop's own thawing came before systemd had frozen it all. */
static void thaw_stopping(const Freezing *f)
{
        const Child *child = child_table_find(&f->launcher->children, f->unit);
        sd_bus *bus = manager_bus(f->launcher->manager);

        if (f->freeze && bus && child && child->state == CHILD_STOPPING)
                (void)scope_thaw(bus, f->unit);
}

static int on_answered(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        Freezing *f = userdata;

        (void)ret_error;

        if (error) {
                refuse(f, error->message);
                return 0;
        }
        thaw_stopping(f);
        (void)bus_answer(f->call, NULL);
        f->call = sd_bus_message_unref(f->call);
        return 0;
}

static int ask(sd_bus *bus, Freezing *f)
{
        _cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
        int r;

        r = scope_freeze(bus, f->unit, f->freeze, LAUNCHER_FREEZE_LIMIT_USEC, on_answered, f, &slot);
        if (r < 0)
                return r;
        r = sd_bus_slot_set_floating(slot, true);
        if (r >= 0)
                r = sd_bus_slot_set_destroy_callback(slot, on_destroyed);
        return r;
}

int freeze_begin(Child *c, bool freeze, sd_bus_message *call, Fault *fault)
{
        sd_bus *bus = manager_bus(c->launcher->manager);
        Freezing *f;
        int r;

        if (c->state != CHILD_RUNNING)
                return fault_set(fault, FAULT_FAILED, "Agent %s is not running", c->agent_id);
        if (!bus)
                return fault_set(fault, FAULT_FAILED,
                        "systemd cannot be asked to %s agent %s now; try again", freeze ? "freeze" : "thaw",
                        c->agent_id);

        f = calloc(1, sizeof(Freezing));
        if (!f)
                return -ENOMEM;
        *f = (Freezing){
                .launcher = c->launcher,
                .call = sd_bus_message_ref(call),
                .unit = strdup(c->unit),
                .freeze = freeze,
        };
        r = f->unit ? ask(bus, f) : -ENOMEM;
        if (r < 0) {
                freezing_free(f);
                return r;
        }
        return 0;
}
