/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launcher-bus.h"

#include <string.h>
#include <sys/socket.h>

#include "bus-pump.h"
#include "end.h"
#include "launcher-methods.h"
#include "launcher.h"
#include "log.h"
#include "time-util.h"

/* agenthostd has one; tests and tools of its user may have some. */
#define CONNECTIONS_MAX 16u
#define SAY_FULL_USEC (60 * USEC_PER_SEC)

/* Out of descriptors, accepting fails at once again and again. */
#define ACCEPT_BURST 100u
#define ACCEPT_BURST_USEC (1 * USEC_PER_SEC)

typedef struct Connection Connection;

struct Connection {
        Connections *owner;
        Connection *next;
        uid_t uid; /* who has connected */
        sd_bus *bus;
        BusPump *pump;
};

struct Connections {
        Launcher *launcher; /* borrowed, owns us */
        int listen_fd;
        sd_event_source *listen_source;
        Connection *connections;
        uint64_t said_full_usec; /* CLOCK_MONOTONIC, the last time; 0: never */
};

static void connection_free(Connection *c)
{
        if (c->owner)
                for (Connection **at = &c->owner->connections; *at; at = &(*at)->next)
                        if (*at == c) {
                                *at = c->next;
                                launcher_forget_caller(c->owner->launcher, c->bus);
                                break;
                        }

        bus_pump_free(c->pump);
        sd_bus_close_unref(c->bus);
        free(c);
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        (void)m;
        (void)ret_error;

        connection_free(userdata);
        return 0;
}

static void on_broken(void *userdata)
{
        connection_free(userdata);
}

static int connection_setup(Connection *c, int *fd)
{
        static const char local[] =
                "type='signal',interface='org.freedesktop.DBus.Local',member='Disconnected'";
        sd_id128_t id;
        int r;

        r = sd_id128_randomize(&id);
        if (r < 0)
                return r;
        r = sd_bus_new(&c->bus);
        if (r < 0)
                return r;
        r = sd_bus_set_server(c->bus, true, id);
        if (r < 0)
                return r;
        r = sd_bus_negotiate_fds(c->bus, true);
        if (r < 0)
                return r;
        r = sd_bus_set_fd(c->bus, *fd, *fd);
        if (r < 0)
                return r;
        *fd = -EBADF;

        r = sd_bus_add_object_vtable(
                c->bus, NULL, LAUNCHER_PATH, LAUNCHER_INTERFACE, launcher_methods, c->owner->launcher);
        if (r < 0)
                return r;
        r = sd_bus_add_match(c->bus, NULL, local, on_disconnected, c);
        if (r < 0)
                return r;
        r = sd_bus_start(c->bus);
        if (r < 0)
                return r;
        return bus_pump_new(
                c->owner->launcher->event, c->bus, SD_EVENT_PRIORITY_NORMAL, on_broken, c, &c->pump);
}

/* Takes the socket over. */
static int connection_new(Connections *owner, int fd, uid_t uid)
{
        _cleanup_close_ int owned = fd;
        Connection *c = calloc(1, sizeof(Connection));
        int r;

        if (!c)
                return -ENOMEM;

        c->owner = owner;
        c->uid = uid;
        c->next = owner->connections;
        owner->connections = c;
        r = connection_setup(c, &owned);
        if (r < 0)
                connection_free(c);
        return r;
}

/* By what the kernel says of who has connected, before anything is read. */
static int check_peer(const Connections *owner, int fd, uid_t *ret_uid)
{
        const LauncherSettings *settings = &owner->launcher->settings;
        struct ucred peer;
        socklen_t size = sizeof(peer);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return -errno;
        *ret_uid = peer.uid;
        if (peer.uid == settings->client_uid || (peer.uid == 0 && !settings->paths->user_mode))
                return 0;

        log_warning("Process %d of user %u may not connect", (int)peer.pid, (unsigned)peer.uid);
        return -EACCES;
}

/* Each may fill memory with what it sends. Root has better ways to do harm. */
static int check_number(Connections *owner, uid_t uid)
{
        uint64_t now = now_usec(CLOCK_MONOTONIC);
        unsigned n = 0;

        for (const Connection *c = owner->connections; c; c = c->next)
                if (c->uid == uid)
                        n++;
        if (uid == 0 || n < CONNECTIONS_MAX)
                return 0;

        if (owner->said_full_usec == 0 || now >= usec_add(owner->said_full_usec, SAY_FULL_USEC)) {
                log_warning(
                        "User %u has too many connections (%u): further ones are closed", (unsigned)uid, n);
                owner->said_full_usec = now;
        }
        return -EMFILE;
}

static int on_listen(sd_event_source *s, int listen_fd, uint32_t revents, void *userdata)
{
        _cleanup_close_ int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        Connections *owner = userdata;
        uid_t uid = (uid_t)-1;
        int r;

        (void)s;
        (void)revents;

        if (fd < 0) {
                if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                        log_error("Cannot accept a connection: %s", strerror(errno));
                return 0;
        }
        if (check_peer(owner, fd, &uid) < 0 || check_number(owner, uid) < 0)
                return 0;

        r = connection_new(owner, steal_fd(&fd), uid);
        /* One that was closed meanwhile is no concern of ours. */
        if (r < 0 && r != -ECONNRESET && r != -EPIPE)
                log_error("Cannot set a connection up: %s", strerror(-r));
        return 0;
}

int connections_new(Launcher *launcher, int listen_fd, Connections **ret)
{
        Connections *c = malloc(sizeof(Connections));
        int r;

        if (!c)
                return -ENOMEM;

        *c = (Connections){ .launcher = launcher, .listen_fd = -EBADF };
        r = sd_event_add_io(launcher->event, &c->listen_source, listen_fd, EPOLLIN, on_listen, c);
        if (r >= 0)
                r = sd_event_source_set_ratelimit(c->listen_source, ACCEPT_BURST_USEC, ACCEPT_BURST);
        if (r < 0) {
                connections_free(c);
                return r;
        }

        c->listen_fd = listen_fd;
        *ret = c;
        return 0;
}

static void close_all(Connections *c)
{
        while (c->connections)
                connection_free(c->connections);
}

Connections *connections_free(Connections *c)
{
        if (!c)
                return NULL;

        while (c->connections) {
                Connection *first = c->connections;

                c->connections = first->next;
                first->owner = NULL;
                (void)sd_bus_flush(first->bus);
                connection_free(first);
        }
        sd_event_source_disable_unref(c->listen_source);
        close_fd(c->listen_fd);
        free(c);
        return NULL;
}

/* news: what append knows. */
typedef int (*AppendNews)(sd_bus_message *m, const void *news);

static int send_signal(sd_bus *bus, const char *member, AppendNews append, const void *news)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_signal(bus, &m, LAUNCHER_PATH, LAUNCHER_INTERFACE, member);
        if (r < 0)
                return r;
        r = append(m, news);
        if (r < 0)
                return r;
        return sd_bus_send(bus, m, NULL);
}

static void emit(Connections *connections, const char *member, AppendNews append, const void *news)
{
        Connection *next;

        for (Connection *c = connections->connections; c; c = next) {
                /* One that has broken is about to be closed anyway. */
                int r = sd_bus_is_open(c->bus) > 0 ? send_signal(c->bus, member, append, news) : 0;

                next = c->next;
                if (r < 0 && sd_bus_is_open(c->bus) > 0) {
                        log_warning(
                                "Cannot send signal %s, closing the connection: %s", member, strerror(-r));
                        connection_free(c);
                }
        }
}

static int append_unsupported(sd_bus_message *m, const void *news)
{
        return probe_append_unsupported(news, m);
}

void connections_emit_unsupported(Connections *connections, const Probe *probe)
{
        emit(connections, LAUNCHER_UNSUPPORTED, append_unsupported, probe);
}

static int append_ended(sd_bus_message *m, const void *news)
{
        const Child *child = news;
        int r = sd_bus_message_append(m, "s", child->unit);

        return r < 0 ? r : end_append(child, m);
}

void connections_emit_ended(Connections *connections, const Child *child)
{
        emit(connections, LAUNCHER_ENDED, append_ended, child);
}

static int append_launched(sd_bus_message *m, const void *news)
{
        const Child *child = news;

        return sd_bus_message_append(m, LAUNCHER_LAUNCHED_SIGNATURE, child->unit, (uint32_t)child->pid);
}

void connections_emit_launched(Connections *connections, const Child *child)
{
        emit(connections, LAUNCHER_LAUNCHED, append_launched, child);
}

static int append_nothing(sd_bus_message *m, const void *news)
{
        (void)m;
        (void)news;

        return 0;
}

/* One that is still being set up has asked for nothing. */
static void close_unready(Connections *connections)
{
        Connection *next;

        for (Connection *c = connections->connections; c; c = next) {
                next = c->next;
                if (sd_bus_is_ready(c->bus) <= 0)
                        connection_free(c);
        }
}

void connections_emit_reloading(Connections *connections)
{
        (void)sd_event_source_set_enabled(connections->listen_source, SD_EVENT_OFF);
        close_unready(connections);
        emit(connections, LAUNCHER_RELOADING, append_nothing, NULL);
}

bool connections_are_only(const Connections *connections, const sd_bus *bus)
{
        for (const Connection *c = connections->connections; c; c = c->next)
                if (c->bus != bus)
                        return false;
        return true;
}

static Connection *find_behind(const Connections *connections)
{
        Connection *c = connections->connections;

        while (c && !bus_pump_is_behind(c->pump))
                c = c->next;
        return c;
}

void connections_flush(Connections *connections, uint64_t limit_usec)
{
        uint64_t now = now_usec(CLOCK_MONOTONIC), deadline = usec_add(now, limit_usec);
        const Connection *c;

        for (; now < deadline && (c = find_behind(connections)); now = now_usec(CLOCK_MONOTONIC))
                bus_pump_push(c->pump, deadline - now);
}

void connections_resume(Connections *connections)
{
        close_all(connections);
        (void)sd_event_source_set_enabled(connections->listen_source, SD_EVENT_ON);
}
