/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sender-watch.h"

#include "macros.h"

#define DRIVER "org.freedesktop.DBus"

struct SenderWatch {
        sd_bus_slot *match;
        sd_bus_slot *question;
        SenderGone gone;
        void *userdata;
};

static void tell(SenderWatch *w)
{
        SenderGone gone = w->gone;

        w->gone = NULL;
        if (gone)
                gone(w->userdata);
}

static int on_owner_changed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        const char *owner;

        (void)ret_error;

        /* Unique names have one owner, and then none. */
        if (sd_bus_message_read(m, "sss", NULL, NULL, &owner) >= 0 && !*owner)
                tell(userdata);
        return 0;
}

static int on_installed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        (void)m;
        (void)userdata;
        (void)ret_error;

        return 0;
}

/* He may have left before the match was there. */
static int on_asked(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        int has_owner;

        (void)ret_error;

        if (!sd_bus_message_is_method_error(m, NULL) && sd_bus_message_read(m, "b", &has_owner) >= 0 &&
                !has_owner)
                tell(userdata);
        return 0;
}

static int watch(SenderWatch *w, sd_bus *bus, const char *sender)
{
        _cleanup_free_ char *match = NULL;
        int r;

        if (asprintf(&match,
                    "type='signal',sender='" DRIVER "',interface='" DRIVER
                    "',member='NameOwnerChanged',arg0='%s'",
                    sender) < 0) {
                match = NULL;
                return -ENOMEM;
        }
        r = sd_bus_add_match_async(bus, &w->match, match, on_owner_changed, on_installed, w);
        if (r >= 0)
                r = sd_bus_call_method_async(bus, &w->question, DRIVER, "/org/freedesktop/DBus", DRIVER,
                        "NameHasOwner", on_asked, w, "s", sender);
        return r;
}

int sender_watch_new(sd_bus_message *call, SenderGone gone, void *userdata, SenderWatch **ret)
{
        SenderWatch *w = calloc(1, sizeof(SenderWatch));
        int r;

        if (!w)
                return -ENOMEM;
        *w = (SenderWatch){ .gone = gone, .userdata = userdata };
        r = watch(w, sd_bus_message_get_bus(call), sd_bus_message_get_sender(call));
        if (r < 0) {
                sender_watch_free(w);
                return r;
        }
        *ret = w;
        return 0;
}

SenderWatch *sender_watch_free(SenderWatch *w)
{
        if (!w)
                return NULL;

        sd_bus_slot_unref(w->match);
        sd_bus_slot_unref(w->question);
        free(w);
        return NULL;
}
