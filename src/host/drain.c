/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drain.h"

#include <string.h>

#include "file-util.h"
#include "host-registry.h"
#include "host-save.h"
#include "json-check.h"
#include "json-decode.h"
#include "log.h"
#include "manager-bus.h"

/* In the state directory. Not one of those that store.c takes for an agent's. */
#define DRAIN_FILE "draining"

#define FORMAT_VERSION 1

/* -- The file -- */

static const JsonField fields[] = {
        { .key = "stop_agents", .kind = JSON_BOOL, .offset = offsetof(Drain, stop_agents) },
        { .key = "timeout_usec", .kind = JSON_UINT64, .offset = offsetof(Drain, timeout_usec) },
};

/* -ENOENT: there is none. */
static int read_drain(const Host *host, Drain *ret, Fault *fault)
{
        static const JsonLimits limits = { .bytes = 4096, .depth = 4 };
        _cleanup_json_ struct json_object *o = NULL;
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = read_file_at(store_dir_fd(host->store), DRAIN_FILE, limits.bytes, &text, &size);
        if (r < 0) {
                fault_set(fault, FAULT_FAILED, "%s", strerror(-r));
                return r;
        }
        r = json_parse_strict(DRAIN_FILE, text, size, &limits, &o, fault);
        return r < 0 ? r : json_decode(DRAIN_FILE, o, fields, ELEMENTSOF(fields), ret, fault);
}

static int write_drain(Host *host, const Drain *drain, Fault *fault)
{
        _cleanup_json_ struct json_object *o = json_object_new_object();
        const char *text;
        int r;

        json_object_object_add(o, "format", json_object_new_int(FORMAT_VERSION));
        json_object_object_add(o, "stop_agents", json_object_new_boolean(drain->stop_agents));
        json_object_object_add(o, "timeout_usec", json_object_new_uint64(drain->timeout_usec));
        text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
        r = text ? write_file_atomic_at(store_dir_fd(host->store), DRAIN_FILE, text, strlen(text)) : -ENOMEM;
        if (r < 0)
                return fault_set(fault, FAULT_FAILED,
                        "That the host is draining cannot be written below %s, so it is not: %s",
                        host->paths->state_dir, strerror(-r));
        store_keep_file(host->store, DRAIN_FILE);
        return 0;
}

int host_drain_load(Host *host)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        int r;

        r = read_drain(host, &host->drain, &fault);
        if (r == -ENOENT)
                return 0;
        if (error_may_pass(r))
                return r;
        host->drain.on = true;
        if (r < 0)
                log_error("What %s/" DRAIN_FILE " says cannot be read, no agents are stopped: %s",
                        host->paths->state_dir, fault_text(&fault));
        log_info("The host is draining, as it was: it takes no new agents until it is told to resume");
        host_registry_describe(host);
        return 0;
}

/* -- What it means -- */

int host_check_draining(const Host *host, Fault *fault)
{
        if (!host->drain.on)
                return 0;
        return fault_set(fault, FAULT_DRAINING,
                "Host %s is draining and takes no new agents; use another host, or let it take them again with "
                "'agentctl %sresume'",
                host->config->hostname, host->paths->user_mode ? "--user " : "");
}

static void set_drain(Host *host, const Drain *drain)
{
        bool changed = host->drain.on != drain->on;

        host->drain = *drain;
        if (!changed)
                return;
        host_registry_describe(host);
        manager_bus_draining_changed(host);
}

void host_drain(Host *host, bool stop_agents, uint64_t timeout_usec, ShutdownDone done, void *userdata)
{
        const Drain drain = { .on = true, .stop_agents = stop_agents, .timeout_usec = timeout_usec };
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (write_drain(host, &drain, &fault) < 0) {
                done(0, &fault, userdata);
                return;
        }
        log_info("Draining: no new agents are taken, and those that are here %s",
                stop_agents ? "are stopped" : "run on");
        set_drain(host, &drain);
        if (stop_agents)
                host_stop_active(host, timeout_usec, done, userdata);
        else
                done(0, NULL, userdata);
}

void host_resume(Host *host)
{
        if (!host->drain.on)
                return;

        log_info("Draining is over: agents are taken again");
        store_remove_file(host->store, DRAIN_FILE);
        host_remove_later(host);
        set_drain(host, &(Drain){ 0 });
}

/* -- The order that stands -- */

static void on_stopped(unsigned n_stopped, const Fault *fault, void *userdata)
{
        (void)userdata;

        if (fault)
                log_warning("Agents of the draining host cannot be stopped: %s", fault_text(fault));
        else
                log_info("Agents of the draining host have been stopped: %u", n_stopped);
}

void host_drain_go_on(Host *host)
{
        if (host->drain.on && host->drain.stop_agents && host->n_active > 0)
                host_stop_active(host, host->drain.timeout_usec, on_stopped, NULL);
}
