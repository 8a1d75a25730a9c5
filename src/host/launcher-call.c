/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launcher-call.h"

#include "proto/launcher.h"

struct LauncherCall {
        void *owner;
        LauncherCall *next, **at; /* at: what points to us; NULL: in no list */
        LauncherCall **holder;
        sd_bus_message *m;
        sd_bus_slot *slot; /* NULL: held */
        uint64_t limit_usec;
        bool sealed; /* m has been sent, or held: from here on copies of it are sent */
        bool in_doubt;
        LauncherDone done;
        void *userdata;
};

LauncherCall *launcher_call_new(
        void *owner, sd_bus_message *m, uint64_t limit_usec, LauncherDone done, void *userdata)
{
        LauncherCall *call = g_new0(LauncherCall, 1);

        *call = (LauncherCall){
                .owner = owner,
                .m = sd_bus_message_ref(m),
                .limit_usec = limit_usec,
                .done = done,
                .userdata = userdata,
        };
        return call;
}

void *launcher_call_owner(const LauncherCall *call)
{
        return call->owner;
}

void launcher_call_enter(LauncherCall *call, LauncherCall **list, LauncherCall **ret_call)
{
        call->next = *list;
        call->at = list;
        if (call->next)
                call->next->at = &call->next;
        *list = call;
        if (ret_call) {
                call->holder = ret_call;
                *ret_call = call;
        }
}

static void call_unlink(LauncherCall *call)
{
        if (call->at)
                *call->at = call->next;
        if (call->next)
                call->next->at = call->at;
        if (call->holder)
                *call->holder = NULL;
}

LauncherCall *launcher_call_free(LauncherCall *call)
{
        if (!call)
                return NULL;

        call_unlink(call);
        sd_bus_slot_unref(call->slot);
        sd_bus_message_unref(call->m);
        g_free(call);
        return NULL;
}

void launcher_call_finish(LauncherCall *call, sd_bus_message *reply, const Fault *fault)
{
        LauncherDone done = call->done;
        void *userdata = call->userdata;

        launcher_call_free(call);
        if (done)
                done(reply, fault, userdata);
}

bool launcher_call_is_in_doubt(const LauncherCall *call)
{
        return call->in_doubt;
}

static int copy_message(LauncherCall *call, sd_bus *bus, sd_bus_message **ret)
{
        int r;

        if (!call->sealed) {
                *ret = sd_bus_message_ref(call->m);
                return 0;
        }

        r = sd_bus_message_new_method_call(
                bus, ret, NULL, LAUNCHER_PATH, LAUNCHER_INTERFACE, sd_bus_message_get_member(call->m));
        if (r >= 0)
                r = sd_bus_message_rewind(call->m, 1);
        return r < 0 ? r : sd_bus_message_copy(*ret, call->m, 1);
}

int launcher_call_send(LauncherCall *call, sd_bus *bus, sd_bus_message_handler_t on_reply)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = copy_message(call, bus, &m);
        if (r >= 0)
                r = sd_bus_call_async(bus, &call->slot, m, on_reply, call, call->limit_usec);
        if (r < 0)
                return r;

        call->sealed = true;
        call->in_doubt = false;
        return 0;
}

void launcher_call_hold(LauncherCall *call, bool in_doubt)
{
        call->slot = sd_bus_slot_unref(call->slot);
        call->in_doubt = in_doubt;
}

int launcher_call_hold_new(LauncherCall *call)
{
        /* The cookie is not used. */
        int r = sd_bus_message_seal(call->m, 1, 0);

        call->sealed = r >= 0;
        return r;
}

LauncherCall *launcher_call_find(LauncherCall *list, bool held)
{
        while (list && (list->slot == NULL) != held)
                list = list->next;
        return list;
}

GPtrArray *launcher_call_list_held(LauncherCall *list)
{
        GPtrArray *held = g_ptr_array_new();

        /* The last one was put first. */
        for (; list; list = list->next)
                if (!list->slot)
                        g_ptr_array_insert(held, 0, list);
        return held;
}

void launcher_call_end_all(LauncherCall **list, const Fault *fault)
{
        while (*list)
                if ((*list)->holder)
                        launcher_call_free(*list);
                else
                        launcher_call_finish(*list, NULL, fault);
}
