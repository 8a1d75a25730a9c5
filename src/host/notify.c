/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "notify.h"

#include <glib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent-bus.h"
#include "agent-start.h"
#include "agent-stop.h"
#include "escape.h"
#include "file-util.h"
#include "host-save.h"
#include "host.h"
#include "log-agent.h"
#include "log-limit.h"
#include "parse.h"
#include "pidfd.h"
#include "proto/names.h"
#include "time-util.h"
#include "watchdog.h"

#define MESSAGE_MAX 4096u /* as systemd takes them */
#define FDS_MAX 16u
#define PRIORITY (SD_EVENT_PRIORITY_NORMAL - 10)

/* So many messages in a row go first. Those behind them take turns with everything else, or an agent that
 * never stops talking would keep all others out. */
#define IN_A_ROW_MAX 1000u

/* Anybody may send here, and say what nobody wants to hear. */
#define LOG_BURST 10u
#define LOG_INTERVAL_USEC (10 * USEC_PER_SEC)

/* At most so often StatusText is told to the bus and written down. */
#define STATUS_INTERVAL_USEC (100 * USEC_PER_MSEC)

/* A message whose sender cannot be found out just now is looked at so often, with this time between. */
#define AGAIN_MAX 50u
#define AGAIN_USEC (100 * USEC_PER_MSEC)

struct Notify {
        Host *host; /* borrowed */
        int fd;
        sd_event_source *source;
        unsigned n_in_a_row;
        sd_event_source *again; /* the first message is looked at again then */
        unsigned n_again; /* so often in a row */
        LogLimit *dropped, *ignored, *bad; /* what is said of such messages */
};

static void clean_status(char *status)
{
        const char *bad;

        if (strlen(status) > NOTIFY_STATUS_MAX)
                status[NOTIFY_STATUS_MAX] = '\0';
        if (!g_utf8_validate(status, -1, &bad))
                status[bad - status] = '\0';
        /* Also those of two bytes (C1), which a terminal obeys just as well, and what the bus does not
         * carry: they become blanks. */
        for (char *p = status, *next; *p; p = next) {
                gunichar c = g_utf8_get_char(p);

                next = g_utf8_next_char(p);
                if (g_unichar_iscntrl(c) || utf8_is_noncharacter(c))
                        memset(p, ' ', (size_t)(next - p));
        }
}

/* Sets what one assignment says. */
static void parse_line(char *line, NotifyMessage *m)
{
        if (strcmp(line, "READY=1") == 0)
                m->ready = true;
        else if (strcmp(line, "STOPPING=1") == 0)
                m->stopping = true;
        else if (strcmp(line, "WATCHDOG=1") == 0)
                m->watchdog = true;
        else if (strcmp(line, "WATCHDOG=trigger") == 0)
                m->watchdog_trigger = true;
        else if (g_str_has_prefix(line, "MAINPID="))
                m->main_pid = true;
        else if (g_str_has_prefix(line, "WATCHDOG_USEC=")) {
                if (parse_uint64(line + strlen("WATCHDOG_USEC="), 0, UINT64_MAX, &m->watchdog_usec) >= 0)
                        m->watchdog_set = true;
                else
                        m->bad = line;
        } else if (g_str_has_prefix(line, "EXTEND_TIMEOUT_USEC=")) {
                if (parse_uint64(line + strlen("EXTEND_TIMEOUT_USEC="), 0, UINT64_MAX, &m->extend_usec) < 0)
                        m->bad = line;
        } else if (g_str_has_prefix(line, "STATUS=")) {
                clean_status(line + strlen("STATUS="));
                m->status = line + strlen("STATUS=");
        }
}

void notify_parse(char *text, size_t size, NotifyMessage *ret)
{
        NotifyMessage m = { 0 };
        char *end = text + size;

        for (char *line = text; line < end;) {
                char *newline = memchr(line, '\n', (size_t)(end - line));
                char *next = newline ? newline + 1 : end;

                if (newline)
                        *newline = '\0';
                parse_line(line, &m);
                line = next;
        }

        *ret = m;
}

/* ROOT/agents.slice/agents-GUILD.slice/agent-ID.scope, or a group that the agent made below. Anchored at the
 * manager's root, as any user can name a group of their own like this. */
static Agent *find_agent_by_cgroup(Host *host, const char *cgroup)
{
        g_auto(GStrv) parts = NULL;

        if (!g_str_has_prefix(cgroup, host->cgroup_root))
                return NULL;

        parts = g_strsplit(cgroup + strlen(host->cgroup_root), "/", 5);
        if (g_strv_length(parts) < 4 || parts[0][0] || strcmp(parts[1], "agents.slice") != 0)
                return NULL;
        return g_hash_table_lookup(host->units, parts[3]);
}

/* NULL: none of ours. A negative errno: it cannot be found out now. */
static int find_sender(Host *host, pid_t pid, Agent **ret)
{
        _cleanup_free_ char *cgroup = NULL;
        Agent *a = g_hash_table_lookup(host->pids, GINT_TO_POINTER(pid));

        /* Exact: the launcher keeps an ended process unreaped until we acknowledge it, and then it is not in
         * the table any more. */
        if (!a) {
                int r = pid_get_cgroup(pid, &cgroup);

                if (r < 0 && error_may_pass(r))
                        return r;
                a = r < 0 ? NULL : find_agent_by_cgroup(host, cgroup);
        }
        *ret = a;
        return 0;
}

static int on_tell_status(sd_event_source *s, uint64_t usec, void *userdata)
{
        Agent *a = userdata;

        (void)s;
        (void)usec;

        a->tell_status = sd_event_source_disable_unref(a->tell_status);
        a->status_told_at_usec = now_usec(CLOCK_MONOTONIC);
        agent_bus_changed(a, AGENT_CHANGED_STATUS);
        (void)host_save(a->host, a);
        return 0;
}

/* The first is told at once, those that follow quickly as one: an agent may say a thousand things in a row,
 * and bus and disk are everybody's. */
static void set_status(Agent *a, const char *status)
{
        if (g_strcmp0(a->status_text, status) == 0)
                return;

        g_free(a->status_text);
        a->status_text = g_strdup(status);
        if (!a->tell_status &&
                sd_event_add_time(a->host->event, &a->tell_status, CLOCK_MONOTONIC,
                        a->status_told_at_usec + STATUS_INTERVAL_USEC, 1, on_tell_status, a) < 0)
                g_error("Cannot arm a timer");
}

/* Before READY=1 of the same message, whose watchdog may be another one. */
static void handle_times(Notify *n, Agent *a, const NotifyMessage *m)
{
        if (m->bad && log_limit_admits(n->bad)) {
                g_autofree char *text = g_utf8_make_valid(m->bad, -1);

                agent_log(a, LOG_WARNING, "Agent %s sent %s, which is not a number of microseconds", a->id,
                        text);
        }
        if (m->watchdog_set)
                agent_watchdog_set(a, m->watchdog_usec);
        if (m->watchdog)
                agent_watchdog_alive(a);
        if (m->extend_usec > 0)
                agent_extend_timeout(a, m->extend_usec);
}

static int on_again(sd_event_source *s, uint64_t usec, void *userdata)
{
        Notify *n = userdata;

        (void)s;
        (void)usec;

        n->again = sd_event_source_disable_unref(n->again);
        return sd_event_source_set_enabled(n->source, SD_EVENT_ON);
}

/* The queue waits with it. False: it has been tried often enough. */
static bool wait_for_sender(Notify *n, pid_t pid, int error)
{
        if (n->n_again == 0)
                log_warning(
                        "Who process %d is that has sent a notification cannot be found out, trying on: %s",
                        (int)pid, strerror(-error));
        if (n->n_again++ >= AGAIN_MAX || sd_event_source_set_enabled(n->source, SD_EVENT_OFF) < 0)
                return false;
        if (sd_event_add_time_relative(
                    n->host->event, &n->again, CLOCK_MONOTONIC, AGAIN_USEC, 0, on_again, n) >= 0)
                return true;

        (void)sd_event_source_set_enabled(n->source, SD_EVENT_ON);
        return false;
}

/* False: it is to be looked at again. */
static bool handle_message(Notify *n, pid_t pid, char *text, size_t size)
{
        Agent *a = NULL;
        NotifyMessage m;
        int r;

        r = find_sender(n->host, pid, &a);
        if (r < 0 && wait_for_sender(n, pid, r))
                return false;
        n->n_again = 0;
        if (!a) {
                if (log_limit_admits(n->dropped))
                        log_warning(
                                "Notification of process %d dropped: it belongs to no agent here", (int)pid);
                return true;
        }

        notify_parse(text, size, &m);
        if (m.main_pid && log_limit_admits(n->ignored))
                agent_log(a, LOG_WARNING,
                        "Agent %s sent MAINPID=, which is ignored: its main process is the one it "
                        "was started as",
                        a->id);
        if (m.status)
                set_status(a, m.status);
        handle_times(n, a, &m);
        if (m.ready)
                agent_ready(a);
        if (m.stopping)
                agent_says_stopping(a);
        if (m.watchdog_trigger)
                agent_watchdog_trigger(a);
        return true;
}

/* Descriptors are only ever sent for BARRIER=1, whose sender waits for them to be closed. */
static pid_t read_ancillary(struct msghdr *header)
{
        pid_t pid = 0;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
                if (c->cmsg_level != SOL_SOCKET)
                        continue;
                if (c->cmsg_type == SCM_CREDENTIALS && c->cmsg_len == CMSG_LEN(sizeof(struct ucred))) {
                        struct ucred creds;

                        memcpy(&creds, CMSG_DATA(c), sizeof(creds));
                        pid = creds.pid;
                } else if (c->cmsg_type == SCM_RIGHTS) {
                        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

                        for (size_t i = 0; i < count; i++) {
                                int fd;

                                memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
                                close(fd);
                        }
                }
        }
        return pid;
}

static void take_turns(Notify *n)
{
        char first;
        bool more = recv(n->fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;

        if (!more && n->n_in_a_row >= IN_A_ROW_MAX)
                (void)sd_event_source_set_priority(n->source, PRIORITY);
        n->n_in_a_row = more ? n->n_in_a_row + 1 : 0;
        if (n->n_in_a_row == IN_A_ROW_MAX)
                (void)sd_event_source_set_priority(n->source, SD_EVENT_PRIORITY_NORMAL);
}

/* The message is looked at first and taken out of the queue when what it says is written down: so none is
 * lost, however we die. What is done twice changes nothing. */
static int on_message(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        char buffer[MESSAGE_MAX + 1];
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(FDS_MAX * sizeof(int))];
        } control;
        struct iovec iov = { buffer, MESSAGE_MAX };
        struct msghdr header = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        Notify *n = userdata;
        ssize_t size;
        pid_t pid;

        (void)s;
        (void)revents;

        size = recvmsg(fd, &header, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (size < 0) {
                if (errno != EAGAIN && errno != EINTR)
                        log_error("Cannot read from the notify socket: %s", strerror(errno));
                return 0;
        }

        pid = read_ancillary(&header);
        if (pid <= 0 || (header.msg_flags & MSG_TRUNC) || memchr(buffer, '\0', (size_t)size)) {
                if (log_limit_admits(n->dropped))
                        log_warning("Notification of process %d dropped: too long or not a text", (int)pid);
        } else {
                buffer[size] = '\0';
                if (!handle_message(n, pid, buffer, (size_t)size))
                        return 0;
        }

        (void)recv(fd, buffer, 0, MSG_DONTWAIT | MSG_TRUNC);
        take_turns(n);
        return 0;
}

int notify_new(sd_event *event, int fd, Host *host, Notify **ret)
{
        Notify *n = g_new0(Notify, 1);
        int on = 1, r;

        *n = (Notify){
                .host = host,
                .fd = fd,
                .dropped = log_limit_new(event, "notifications dropped", LOG_BURST, LOG_INTERVAL_USEC),
                .ignored = log_limit_new(event, "times MAINPID= ignored", LOG_BURST, LOG_INTERVAL_USEC),
                .bad = log_limit_new(event, "times that are no numbers", LOG_BURST, LOG_INTERVAL_USEC),
        };
        /* On at every message from now; the socket unit sets it for those that wait already. */
        if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
                r = -errno;
        else
                r = sd_event_add_io(event, &n->source, fd, EPOLLIN, on_message, n);
        if (r >= 0)
                r = sd_event_source_set_priority(n->source, PRIORITY);
        if (r < 0) {
                notify_free(n);
                return r;
        }
        (void)sd_event_source_set_description(n->source, "notify-socket");

        *ret = n;
        return 0;
}

Notify *notify_free(Notify *n)
{
        if (!n)
                return NULL;

        sd_event_source_disable_unref(n->source);
        sd_event_source_disable_unref(n->again);
        log_limit_free(n->dropped);
        log_limit_free(n->ignored);
        log_limit_free(n->bad);
        close_fd(n->fd);
        g_free(n);
        return NULL;
}
