/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reload.h"

#include <inttypes.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "adopt.h"
#include "fault-bus.h"
#include "file-util.h"
#include "launch-fail.h"
#include "launcher.h"
#include "log.h"
#include "reexec.h"
#include "service-state.h"
#include "takeover.h"
#include "time-util.h"

/* Launches take milliseconds. One that takes longer waits for something, which may even be the end of the
 * reload: systemd holds the first start of a slice back that is ordered after a service being reloaded. */
#define LAUNCHES_LIMIT_USEC (3 * USEC_PER_SEC)

/* For systemd to take a scope back that was asked for. */
#define CANCELS_LIMIT_USEC (5 * USEC_PER_SEC)

/* For callers to take notice. */
#define CLIENTS_LIMIT_USEC (1 * USEC_PER_SEC)

#define FLUSH_LIMIT_USEC (1 * USEC_PER_SEC)

/* All of the above and what executing takes. */
#define ASK_LIMIT_USEC (60 * USEC_PER_SEC)

struct Reload {
        Launcher *launcher; /* owns us */
        sd_bus_message *call;
        sd_event_source *post, *timer;
        enum {
                RELOAD_LAUNCHES, /* launches come to their end */
                RELOAD_CANCELS, /* those that did not are cancelled */
                RELOAD_CLIENTS, /* connections are being closed by the other side */
        } phase;
};

Reload *reload_free(Reload *r)
{
        if (!r)
                return NULL;

        sd_event_source_disable_unref(r->post);
        sd_event_source_disable_unref(r->timer);
        sd_bus_message_unref(r->call);
        free(r);
        return NULL;
}

void reload_forget_caller(Reload *r, const sd_bus *bus)
{
        if (r && r->call && sd_bus_message_get_bus(r->call) == bus)
                r->call = sd_bus_message_unref(r->call);
}

static void on_child(Child *child, void *userdata)
{
        bool *launching = userdata;

        *launching |= child_is_launching(child);
}

static bool is_launching(Launcher *l)
{
        bool launching = false;

        launcher_for_each_child(l, on_child, &launching);
        return launching;
}

/* All goes on as if nothing had been asked for; who was told otherwise connects again. */
static void give_up(Reload *r, const Fault *fault)
{
        Launcher *l = r->launcher;

        log_error("Not executing again: %s", fault_text(fault));
        if (r->call)
                (void)fault_reply(fault, r->call);
        connections_flush(l->connections, FLUSH_LIMIT_USEC);
        connections_resume(l->connections);
        l->reload = reload_free(r);
        service_say(l->event, "READY=1");
}

/* The last that there is to say. */
static void say_goodbye(Reload *r)
{
        Launcher *l = r->launcher;

        if (r->call && sd_bus_reply_method_return(r->call, NULL) < 0)
                log_warning("Cannot answer to " LAUNCHER_RELOAD);
        connections_flush(l->connections, FLUSH_LIMIT_USEC);
        manager_flush(l->manager, FLUSH_LIMIT_USEC);
        l->executor = executor_free(l->executor);
}

static int write_handover(const Handover *handover)
{
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = handover_write(handover, &text, &size);
        if (r < 0)
                return r;
        return memfd_sealed("agenthost-launcher", text, size);
}

static void execute(Reload *r)
{
        _cleanup_(handover_done) Handover handover = { 0 };
        _cleanup_fault_ Fault fault = FAULT_INIT;
        Launcher *l = r->launcher;
        int memfd, error;

        /* What systemd has said by now is still heard. */
        manager_process(l->manager);
        if (is_launching(l))
                return;

        error = takeover_collect(l, &handover);
        memfd = error < 0 ? error : write_handover(&handover);
        if (memfd < 0) {
                fault_set(&fault, FAULT_FAILED, "The agents cannot be handed over: %s", strerror(-memfd));
                give_up(r, &fault);
                return;
        }

        say_goodbye(r);
        error = reexec_execute(&handover, memfd);
        log_error("Cannot execute again: %s", strerror(-error));
        close_fd(memfd);
        sd_event_exit(l->event, error);
}

static int on_time_up(sd_event_source *s, uint64_t usec, void *userdata);

static void enter_phase(Reload *r, int phase, uint64_t limit_usec)
{
        int error;

        r->phase = phase;
        r->timer = sd_event_source_disable_unref(r->timer);
        error = sd_event_add_time_relative(
                r->launcher->event, &r->timer, CLOCK_MONOTONIC, limit_usec, 0, on_time_up, r);
        if (error < 0)
                log_error("Cannot arm a timer: %s", strerror(-error));
}

/* After whatever has happened. */
static int on_post(sd_event_source *s, void *userdata)
{
        Reload *r = userdata;
        Launcher *l = r->launcher;

        (void)s;

        if (r->phase != RELOAD_CLIENTS && !is_launching(l))
                enter_phase(r, RELOAD_CLIENTS, CLIENTS_LIMIT_USEC);
        if (r->phase == RELOAD_CLIENTS &&
                connections_are_only(l->connections, r->call ? sd_bus_message_get_bus(r->call) : NULL))
                execute(r);
        return 0;
}

static void cancel(Child *child, void *userdata)
{
        (void)userdata;

        if (child_is_launching(child))
                launch_cancel(child);
}

static int on_time_up(sd_event_source *s, uint64_t usec, void *userdata)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        Reload *r = userdata;

        (void)s;
        (void)usec;

        switch (r->phase) {
        case RELOAD_LAUNCHES:
                enter_phase(r, RELOAD_CANCELS, CANCELS_LIMIT_USEC);
                launcher_for_each_child(r->launcher, cancel, NULL);
                if (executor_restart(r->launcher->executor) < 0)
                        log_error("agenthost-executor cannot be started again");
                break;
        case RELOAD_CANCELS:
                fault_set(&fault, FAULT_FAILED,
                        "launches are under way that do not come to an end; see 'journalctl -u agenthost-launcher'");
                give_up(r, &fault);
                break;
        case RELOAD_CLIENTS:
                execute(r);
                break;
        }
        return 0;
}

int reload_begin(Launcher *l, sd_bus_message *call, Fault *fault)
{
        Reload *r;
        int error;

        if (l->reload)
                return fault_set(fault, FAULT_FAILED, "A reload is under way already");
        r = calloc(1, sizeof(Reload));
        if (!r)
                return -ENOMEM;
        r->launcher = l;
        error = sd_event_add_post(l->event, &r->post, on_post, r);
        if (error < 0) {
                reload_free(r);
                return error;
        }

        log_info("Executing again when no launch is under way");
        (void)sd_notifyf(false, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_usec(CLOCK_MONOTONIC));
        l->reload = r;
        r->call = sd_bus_message_ref(call);
        enter_phase(r, RELOAD_LAUNCHES, LAUNCHES_LIMIT_USEC);
        connections_emit_reloading(l->connections);
        adopt_cancel_all(l);
        return 0;
}

int reload_ask(const char *address)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, address);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0)
                r = sd_bus_message_new_method_call(
                        bus, &m, NULL, LAUNCHER_PATH, LAUNCHER_INTERFACE, LAUNCHER_RELOAD);
        if (r >= 0)
                r = sd_bus_call(bus, m, ASK_LIMIT_USEC, &error, NULL);
        if (r < 0)
                log_error("agenthost-launcher does not execute again: %s",
                        error.message ? error.message : strerror(-r));
        return r;
}
