/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client.h"

#include <glib.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "mode.h"
#include "outcome.h"
#include "time-util.h"

#define LIMIT_USEC (LIMIT_SEC * USEC_PER_SEC)
#define MATCH "type='signal',path_namespace='" HOST_PATH "'"

struct Client {
        sd_bus *bus;
        GQueue signals; /* sd_bus_message, in their order */
};

struct Call {
        Client *client;
        char *member;
        sd_bus_slot *slot;
        sd_bus_message *answer;
};

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Client *c = userdata;

        (void)error;
        g_queue_push_tail(&c->signals, sd_bus_message_ref(m));
        return 0;
}

Client *client_new(void)
{
        Client *c = g_new0(Client, 1);

        g_queue_init(&c->signals);
        must(mode_is_user() ? sd_bus_open_user(&c->bus) : sd_bus_open_system(&c->bus),
                "connecting to the bus");
        client_add_match(c, MATCH);
        return c;
}

void client_add_match(Client *c, const char *match)
{
        must(sd_bus_add_match(c->bus, NULL, match, on_signal, c), "subscribing to signals");
}

/* Who we are is looked at by the kernel when we connect. */
Client *client_new_as(const char *user, const char *group)
{
        const struct passwd *pw = getpwnam(user);
        const struct group *gr = group ? getgrnam(group) : NULL;
        Client *c;

        if (!pw || (group && !gr))
                fail("there is no user %s, or no group %s", user, group ? group : "");
        if (setgroups(gr ? 1 : 0, gr ? &gr->gr_gid : NULL) < 0 || setegid(pw->pw_gid) < 0 ||
                seteuid(pw->pw_uid) < 0)
                fail("cannot become %s: %m", user);
        c = client_new();
        if (seteuid(0) < 0 || setegid(0) < 0)
                fail("cannot become root again: %m");
        return c;
}

static void drop_message(gpointer m)
{
        sd_bus_message_unref(m);
}

void client_drop_signals(Client *c)
{
        g_queue_clear_full(&c->signals, drop_message);
}

Client *client_free(Client *c)
{
        if (!c)
                return NULL;

        client_drop_signals(c);
        sd_bus_flush_close_unref(c->bus);
        g_free(c);
        return NULL;
}

sd_bus *client_bus(Client *c)
{
        return c->bus;
}

void client_wait(Client *c, ClientCondition condition, void *userdata, const char *what)
{
        uint64_t deadline = now_usec(CLOCK_MONOTONIC) + LIMIT_USEC;

        while (!condition(c, userdata)) {
                uint64_t now = now_usec(CLOCK_MONOTONIC);
                int r;

                if (now >= deadline)
                        fail("%s: expected within %d s, has not come", what, LIMIT_SEC);
                r = sd_bus_process(c->bus, NULL);
                must(r, "reading from the bus");
                if (r == 0)
                        must(sd_bus_wait(c->bus, deadline - now), "waiting for the bus");
        }
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Call *call = userdata;

        (void)error;
        call->answer = sd_bus_message_ref(m);
        return 0;
}

Call *client_send_message(Client *c, sd_bus_message *m)
{
        Call *call = g_new0(Call, 1);

        *call = (Call){ .client = c, .member = g_strdup(sd_bus_message_get_member(m)) };
        must(sd_bus_call_async(c->bus, &call->slot, m, on_answer, call, LIMIT_USEC), "sending a call");
        must(sd_bus_flush(c->bus), "sending a call");
        return call;
}

static Call *
sendv(Client *c, const char *path, const char *interface, const char *member, const char *types, va_list ap)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        must(sd_bus_message_new_method_call(c->bus, &m, BUS_NAME, path, interface, member), "making a call");
        must(sd_bus_message_appendv(m, types, ap), "filling in a call");
        return client_send_message(c, m);
}

Call *client_send(
        Client *c, const char *path, const char *interface, const char *member, const char *types, ...)
{
        va_list ap;
        Call *call;

        va_start(ap, types);
        call = sendv(c, path, interface, member, types, ap);
        va_end(ap);
        return call;
}

void call_forget(Call *call)
{
        sd_bus_slot_unref(call->slot);
        sd_bus_message_unref(call->answer);
        g_free(call->member);
        g_free(call);
}

static bool has_answer(Client *c, void *userdata)
{
        const Call *call = userdata;

        (void)c;
        return call->answer;
}

bool call_is_answered(Call *call)
{
        int r;

        do {
                r = sd_bus_process(call->client->bus, NULL);
                must(r, "reading from the bus");
        } while (r > 0);
        return call->answer;
}

sd_bus_message *call_answer(Call *call)
{
        sd_bus_message *answer;

        client_wait(call->client, has_answer, call, call->member);
        answer = steal_ptr(call->answer);
        call_forget(call);
        return answer;
}

static void refuse_error(const char *member, sd_bus_message *answer)
{
        const sd_bus_error *e = sd_bus_message_get_error(answer);

        if (e)
                fail("%s: expected success, got %s: %s", member, e->name, e->message);
}

sd_bus_message *call_success(Call *call)
{
        g_autofree char *member = g_strdup(call->member);
        sd_bus_message *answer = call_answer(call);

        refuse_error(member, answer);
        return answer;
}

void call_expect_error(Call *call, const char *name, const char *part)
{
        g_autofree char *member = g_strdup(call->member);
        _cleanup_message_ sd_bus_message *answer = call_answer(call);
        const sd_bus_error *e = sd_bus_message_get_error(answer);

        if (!e)
                fail("%s: expected %s, got success", member, name);
        if (strcmp(e->name, name) != 0)
                fail("%s: expected %s, got %s: %s", member, name, e->name, e->message);
        if (part)
                expect_part(member, part, e->message);
}

sd_bus_message *client_call(
        Client *c, const char *path, const char *interface, const char *member, const char *types, ...)
{
        va_list ap;
        Call *call;

        va_start(ap, types);
        call = sendv(c, path, interface, member, types, ap);
        va_end(ap);
        return call_success(call);
}

/* The first argument, if it is a text. */
static const char *first_text(sd_bus_message *m)
{
        const char *text;

        must(sd_bus_message_rewind(m, true), "reading a signal");
        return sd_bus_message_read(m, "s", &text) > 0 ? text : NULL;
}

typedef struct Wanted {
        const char *member, *first;
        sd_bus_message *found;
} Wanted;

static bool find_signal(Client *c, void *userdata)
{
        Wanted *w = userdata;

        for (GList *l = c->signals.head; l; l = l->next) {
                if (strcmp(sd_bus_message_get_member(l->data), w->member) != 0 ||
                        g_strcmp0(first_text(l->data), w->first) != 0)
                        continue;
                w->found = l->data;
                g_queue_delete_link(&c->signals, l);
                return true;
        }
        return false;
}

sd_bus_message *client_take_signal(Client *c, const char *member, const char *first)
{
        g_autofree char *what = g_strdup_printf("signal %s of %s", member, first);
        Wanted wanted = { .member = member, .first = first };

        client_wait(c, find_signal, &wanted, what);
        must(sd_bus_message_rewind(wanted.found, true), "reading a signal");
        return wanted.found;
}

sd_bus_message *client_take_received(Client *c, const char *member)
{
        for (GList *l = c->signals.head; l; l = l->next) {
                sd_bus_message *m = l->data;

                if (strcmp(sd_bus_message_get_member(m), member) != 0)
                        continue;
                g_queue_delete_link(&c->signals, l);
                must(sd_bus_message_rewind(m, true), "reading a signal");
                return m;
        }
        return NULL;
}

char **client_list_signals(Client *c)
{
        GPtrArray *list = g_ptr_array_new();

        for (GList *l = c->signals.head; l; l = l->next) {
                const char *first = first_text(l->data);

                if (first)
                        g_ptr_array_add(
                                list, g_strdup_printf("%s %s", sd_bus_message_get_member(l->data), first));
        }
        g_ptr_array_add(list, NULL);
        return (char **)g_ptr_array_free(list, false);
}

unsigned client_signal_count(Client *c)
{
        return g_queue_get_length(&c->signals);
}

static bool has_more_signals(Client *c, void *userdata)
{
        const unsigned *seen = userdata;

        return client_signal_count(c) > *seen;
}

void client_wait_more_signals(Client *c, unsigned seen, const char *what)
{
        client_wait(c, has_more_signals, &seen, what);
}
