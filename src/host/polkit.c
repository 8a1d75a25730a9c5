/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "polkit.h"

#include <glib.h>
#include <string.h>

#include "macros.h"

#define POLKIT                                                                 \
        "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority", \
                "org.freedesktop.PolicyKit1.Authority"
#define ALLOW_USER_INTERACTION 1u

/* Below the 25 s that clients wait for an answer; somebody who is asked for a password has made his client
 * wait. */
#define LIMIT_USEC (15 * USEC_PER_SEC)
#define INTERACTIVE_LIMIT_USEC (5 * 60 * USEC_PER_SEC)

struct PolkitQuestion {
        sd_bus *bus;
        sd_bus_slot *slot;
        char *cancellation_id; /* NULL: answered */
        PolkitDone done;
        void *userdata;
};

/* Nobody waits for the answer to that. */
static void cancel(const PolkitQuestion *q)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

        if (sd_bus_message_new_method_call(q->bus, &m, POLKIT, "CancelCheckAuthorization") < 0 ||
                sd_bus_message_append(m, "s", q->cancellation_id) < 0 ||
                sd_bus_message_set_expect_reply(m, false) < 0 ||
                /* Nor is it to be started for it. */
                sd_bus_message_set_auto_start(m, false) < 0)
                return;
        (void)sd_bus_send(q->bus, m, NULL);
}

PolkitQuestion *polkit_question_free(PolkitQuestion *q)
{
        if (!q)
                return NULL;

        if (q->cancellation_id)
                cancel(q);
        sd_bus_slot_unref(q->slot);
        sd_bus_unref(q->bus);
        g_free(q->cancellation_id);
        g_free(q);
        return NULL;
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        const sd_bus_error *error = sd_bus_message_get_error(m);
        PolkitAnswer answer = POLKIT_UNAVAILABLE;
        PolkitQuestion *q = userdata;
        int authorized, challenge, r;

        (void)ret_error;

        if (error) {
                if (!sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) &&
                        !sd_bus_error_has_name(error, SD_BUS_ERROR_TIMEOUT))
                        g_clear_pointer(&q->cancellation_id, g_free);
                q->done(answer, error->message ? error->message : error->name, q->userdata);
                return 0;
        }

        g_clear_pointer(&q->cancellation_id, g_free);
        r = sd_bus_message_enter_container(m, 'r', "bba{ss}");
        if (r >= 0)
                r = sd_bus_message_read(m, "bb", &authorized, &challenge);
        if (r >= 0)
                answer = authorized ? POLKIT_ALLOWED : challenge ? POLKIT_CHALLENGE : POLKIT_DENIED;
        q->done(answer, r < 0 ? strerror(-r) : NULL, q->userdata);
        return 0;
}

static int append_details(sd_bus_message *m, char *const *details)
{
        int r;

        r = sd_bus_message_open_container(m, 'a', "{ss}");
        for (; r >= 0 && details[0]; details += 2)
                r = sd_bus_message_append(m, "{ss}", details[0], details[1]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int send_question(
        PolkitQuestion *q, sd_bus_message *call, const char *action, char *const *details, bool interactive)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(q->bus, &m, POLKIT, "CheckAuthorization");
        if (r >= 0)
                r = sd_bus_message_append(m, "(sa{sv})s", "system-bus-name", 1, "name", "s",
                        sd_bus_message_get_sender(call), action);
        if (r >= 0)
                r = append_details(m, details);
        if (r >= 0)
                r = sd_bus_message_append(
                        m, "us", interactive ? ALLOW_USER_INTERACTION : 0u, q->cancellation_id);
        if (r < 0)
                return r;
        return sd_bus_call_async(
                q->bus, &q->slot, m, on_answer, q, interactive ? INTERACTIVE_LIMIT_USEC : LIMIT_USEC);
}

int polkit_ask(sd_bus *bus,
        sd_bus_message *call,
        const char *action,
        char *const *details,
        PolkitDone done,
        void *userdata,
        PolkitQuestion **ret)
{
        static uint64_t n_asked;
        PolkitQuestion *q = g_new0(PolkitQuestion, 1);
        int r;

        *q = (PolkitQuestion){
                .bus = sd_bus_ref(bus),
                .cancellation_id = g_strdup_printf("agenthost-%" G_GUINT64_FORMAT, ++n_asked),
                .done = done,
                .userdata = userdata,
        };
        r = send_question(
                q, call, action, details, sd_bus_message_get_allow_interactive_authorization(call) > 0);
        if (r < 0) {
                g_clear_pointer(&q->cancellation_id, g_free);
                polkit_question_free(q);
                return r;
        }

        *ret = q;
        return 0;
}
