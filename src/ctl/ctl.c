/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl.h"

#include <glib.h>
#include <signal.h>
#include <string.h>

#include "fault-bus.h"
#include "log.h"
#include "password-agent.h"
#include "proto/names.h"
#include "text.h"

static const struct {
        const char *name;
        ExitCode code;
} codes[] = {
        { ERROR_PREFIX "NoSuchAgent", EXIT_NO_AGENT },
        { SD_BUS_ERROR_UNKNOWN_OBJECT, EXIT_NO_AGENT },
        { SD_BUS_ERROR_ACCESS_DENIED, EXIT_DENIED },
        { SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, EXIT_DENIED },
        { ERROR_PREFIX "LauncherUnavailable", EXIT_UNREACHABLE },
        { SD_BUS_ERROR_SERVICE_UNKNOWN, EXIT_UNREACHABLE },
        { SD_BUS_ERROR_NAME_HAS_NO_OWNER, EXIT_UNREACHABLE },
        { SD_BUS_ERROR_NO_REPLY, EXIT_UNREACHABLE },
        { SD_BUS_ERROR_TIMEOUT, EXIT_UNREACHABLE },
        { SD_BUS_ERROR_DISCONNECTED, EXIT_UNREACHABLE },
        { "System.Error.ENOTCONN", EXIT_UNREACHABLE },
        { "System.Error.ECONNRESET", EXIT_UNREACHABLE },
        { "org.freedesktop.DBus.Error.TimedOut", EXIT_UNREACHABLE },
        { "org.freedesktop.DBus.Error.Spawn.ExecFailed", EXIT_UNREACHABLE },
        { "org.freedesktop.systemd1.NoSuchUnit", EXIT_UNREACHABLE },
        { "org.freedesktop.systemd1.UnitMasked", EXIT_UNREACHABLE },
        { ERROR_PREFIX "InvalidSpec", EXIT_USAGE },
        { SD_BUS_ERROR_INVALID_ARGS, EXIT_USAGE },
};

int ctl_code_of(const sd_bus_error *error)
{
        for (size_t i = 0; i < ELEMENTSOF(codes); i++)
                if (g_strcmp0(codes[i].name, error->name) == 0)
                        return (int)codes[i].code;
        return EXIT_FAILED;
}

static const Options *options_in_use;

/* Errors of the bus about agenthostd itself, which do not say what to do. */
static bool is_about_service(const sd_bus_error *error)
{
        return ctl_code_of(error) == EXIT_UNREACHABLE && !g_str_has_prefix(error->name, ERROR_PREFIX);
}

/* How the service manager that has it is spoken to. */
static char *systemctl_of(const Options *o)
{
        if (o && o->remote)
                return g_strdup_printf("systemctl -H %s", o->remote);
        return g_strdup(o && o->user ? "systemctl --user" : "systemctl");
}

/* SSH has said itself what is wrong. */
static char *connection_text(const Options *o, int error)
{
        if (o->remote)
                return g_strdup_printf("Cannot connect to %s over SSH: %s\n"
                                       "See whether 'ssh %s systemd-stdio-bridge --help' works",
                        o->remote, strerror(-error), o->remote);
        if (o->user)
                return g_strdup_printf(
                        "Cannot connect to the session bus: %s\n"
                        "Is the user logged in, or does he linger ('loginctl enable-linger')? "
                        "XDG_RUNTIME_DIR or DBUS_SESSION_BUS_ADDRESS must say where it is",
                        strerror(-error));
        return g_strdup_printf("Cannot connect to the system bus: %s", strerror(-error));
}

char *ctl_text_of(const sd_bus_error *error)
{
        const char *message = error->message ? error->message : error->name;
        g_autofree char *systemctl = systemctl_of(options_in_use), *text = NULL;

        if (options_in_use && options_in_use->remote && g_str_has_prefix(error->name, "System.Error."))
                return connection_text(options_in_use, -sd_bus_error_get_errno(error));
        /* It may quote what an agent said. */
        text = text_clean(message, strlen(message), false);
        if (!is_about_service(error))
                return steal_ptr(text);
        return g_strdup_printf("agenthostd cannot be reached: %s\n"
                               "Start it with '%s start agenthostd.service'; see also '%s status "
                               "agenthostd.service'",
                text, systemctl, systemctl);
}

int ctl_report(const char *subject, const sd_bus_error *error)
{
        g_autofree char *text = ctl_text_of(error);

        if (subject && !is_about_service(error))
                log_error("%s: %s", subject, text);
        else
                log_error("%s", text);
        return ctl_code_of(error);
}

int ctl_report_errno(const char *what, int error)
{
        log_error("%s: %s", what, strerror(-error));
        return EXIT_FAILED;
}

int ctl_connect(Ctl *ctl)
{
        const Options *o = ctl->options;
        int r;

        if (ctl->bus)
                return EXIT_OK;
        if (o->user && o->remote) {
                log_error("--user and -H do not go together: log in there and use --user");
                return EXIT_USAGE;
        }

        options_in_use = o;
        if (o->remote)
                r = sd_bus_open_system_remote(&ctl->bus, o->remote);
        else
                r = o->user ? sd_bus_open_user(&ctl->bus) : sd_bus_open_system(&ctl->bus);
        if (r < 0) {
                g_autofree char *text = connection_text(o, r);

                log_error("%s", text);
                return EXIT_UNREACHABLE;
        }

        r = sd_event_default(&ctl->event);
        if (r >= 0)
                r = sd_bus_attach_event(ctl->bus, ctl->event, SD_EVENT_PRIORITY_NORMAL);
        /* Ends the loop, which would wait for nothing. */
        if (r >= 0)
                r = sd_bus_set_exit_on_disconnect(ctl->bus, true);
        return r < 0 ? ctl_report_errno("Cannot set up the event loop", r) : EXIT_OK;
}

static int on_interrupt(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
        (void)si;
        (void)userdata;

        return sd_event_exit(sd_event_source_get_event(s), 0);
}

int ctl_catch_interrupt(sd_event *event)
{
        static const int signals[] = { SIGINT, SIGTERM };
        sigset_t mask;
        int r = 0;

        sigemptyset(&mask);
        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                sigaddset(&mask, signals[i]);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(signals); i++)
                r = sd_event_add_signal(event, NULL, signals[i], on_interrupt, NULL);
        return r;
}

bool ctl_is_over(sd_event *event)
{
        int state = sd_event_get_state(event);

        return state == SD_EVENT_EXITING || state == SD_EVENT_FINISHED;
}

int ctl_end_of(sd_event *event, int r)
{
        int code = 0;

        if (r >= 0 && ctl_is_over(event) && sd_event_get_exit_code(event, &code) >= 0 && code != 0)
                r = -ECONNRESET;
        if (r >= 0)
                return EXIT_OK;
        log_error("The message bus cannot be talked to any more: %s", strerror(-r));
        return EXIT_UNREACHABLE;
}

/* Asked with what acting needs and what does nothing: there is no agent without an id. */
static bool may_act_freely(Ctl *ctl)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *call = NULL;

        if (geteuid() == 0 || ctl->options->user)
                return true;
        if (sd_bus_message_new_method_call(
                    ctl->bus, &call, BUS_NAME, HOST_PATH, MANAGER_INTERFACE, "GetAgentSpec") < 0 ||
                sd_bus_message_append(call, "s", "") < 0 ||
                sd_bus_message_set_allow_interactive_authorization(call, 0) < 0)
                return false;
        return sd_bus_call(ctl->bus, call, 0, &error, NULL) >= 0 || ctl_code_of(&error) == EXIT_NO_AGENT;
}

int ctl_connect_to_act(Ctl *ctl)
{
        const Options *o = ctl->options;
        int r = ctl_connect(ctl);

        if (r != EXIT_OK)
                return r;
        ctl->may_act_freely = may_act_freely(ctl);
        if (o->no_ask_password)
                return EXIT_OK;

        /* Where nobody is to be asked, the answer says that one could authenticate. */
        (void)sd_bus_set_allow_interactive_authorization(ctl->bus, true);
        if (!ctl->may_act_freely && !o->remote && ctl->password_agent == 0)
                ctl->password_agent = password_agent_start();
        return EXIT_OK;
}

void ctl_done(Ctl *ctl)
{
        password_agent_stop(ctl->password_agent);
        ctl->bus = sd_bus_flush_close_unref(ctl->bus);
        ctl->event = sd_event_unref(ctl->event);
}

int ctl_manager_call_new(Ctl *ctl, const char *member, sd_bus_message **ret, const char *types, va_list ap)
{
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        r = sd_bus_message_new_method_call(ctl->bus, &call, BUS_NAME, HOST_PATH, MANAGER_INTERFACE, member);
        if (r >= 0)
                r = sd_bus_message_appendv(call, types, ap);
        if (r < 0)
                return ctl_report_errno(member, r);
        *ret = steal_ptr(call);
        return EXIT_OK;
}

int ctl_call_manager(
        Ctl *ctl, const char *member, uint64_t limit_usec, sd_bus_message **ret, const char *types, ...)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *call = NULL;
        va_list ap;
        int r;

        va_start(ap, types);
        r = ctl_manager_call_new(ctl, member, &call, types, ap);
        va_end(ap);
        if (r != EXIT_OK)
                return r;

        r = sd_bus_call(ctl->bus, call, limit_usec, &error, ret);
        return r < 0 ? ctl_report(NULL, &error) : EXIT_OK;
}

char *ctl_agent_path(const char *id)
{
        char *path;

        if (sd_bus_path_encode(AGENT_PATH_PREFIX, id, &path) < 0)
                g_error("Out of memory");
        return path;
}
