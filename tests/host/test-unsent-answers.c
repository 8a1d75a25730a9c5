/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernel has no memory for an answer. Who waits for it is told that there is none, by the bus, as soon
 * as agenthostd has broken its connection off; and then agenthostd is there again. */

#include <glib.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"
#include "common/tracer.h"

#define AGENTHOSTD "agenthostd.service"

/* Those whose answers come from elsewhere, after the handler of the call has returned. */
static Call *send_call(Client *c, const char *method)
{
        if (strcmp(method, "GetHostAgents") == 0)
                return client_send(c, MANAGER, method, "s", "host-9");
        if (strcmp(method, "SelectHost") == 0)
                return client_send(c, MANAGER, method, "s", "{\"id\":\"a9\",\"name\":\"a9\"}");
        if (strcmp(method, "GetLocation") == 0 || strcmp(method, "IsAgentRunning") == 0)
                return client_send(c, MANAGER, method, "s", "a9");
        return client_send(c, MANAGER, method, "");
}

static void expect_told(Client *c, const char *method)
{
        static const Injection nothing_is_sent = { .call = "sendmsg", .error = "ENOMEM" };
        Tracer t = { .injection = &nothing_is_sent };

        tracer_attach(&t, service_pid(AGENTHOSTD));
        call_expect_error(send_call(c, method), SD_BUS_ERROR_NO_REPLY, NULL);
        tracer_detach(&t);
        expect_true("an answer could not be sent", tracer_has_injected());
}

static bool is_back(Client *c, void *userdata)
{
        Call *call = client_send(c, MANAGER, "Health", "");
        _cleanup_message_ sd_bus_message *answer = call_answer(call);

        (void)userdata;

        return !sd_bus_message_get_error(answer);
}

static void test_caller_is_told_that_there_is_no_answer(void)
{
        static const char *const methods[] = { "GetLocation", "IsAgentRunning", "GetHostLoad",
                "GetHostAgents", "CleanupDeadAgents", "SelectHost", "ResetPlacementCounter" };
        _cleanup_client_ Client *c = agents_begin();

        client_add_match(c,
                "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" BUS_NAME "'");
        for (size_t i = 0; i < ELEMENTSOF(methods); i++) {
                expect_told(c, methods[i]);
                client_wait(c, is_back, NULL, "agenthostd is there again");
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        host_test_add("/unsent-answers/caller-is-told-that-there-is-no-answer",
                test_caller_is_told_that_there_is_no_answer);
        return host_tests_run();
}
