/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "page-server.h"

#include <microhttpd.h>
#include <string.h>
#include <sys/socket.h>

#include "listen.h"
#include "log.h"
#include "server-event.h"

#define N_CONNECTIONS 32u
#define LIMIT_USEC (10 * USEC_PER_SEC)

/* Of a connection, with the head of its request: that of a scraper has a few hundred bytes. */
#define HEAD_MAX 8192u

#define TEXT "text/plain; charset=utf-8"

struct PageServer {
        sd_event *event;
        struct MHD_Daemon *daemon;
        ServerEvent *run;
        PageServerFind find;
        void *userdata;
        uint64_t limit_usec;
        unsigned port;
        unsigned n_connections;
};

typedef struct PageConnection {
        int fd; /* libmicrohttpd's */
        sd_event_source *limit;
} PageConnection;

/* libmicrohttpd owns the socket: it finds out, and closes it. */
static int on_time_up(sd_event_source *s, uint64_t usec, void *userdata)
{
        PageConnection *c = userdata;

        (void)s;
        (void)usec;

        (void)shutdown(c->fd, SHUT_RDWR);
        return 0;
}

static PageConnection *connection_new(PageServer *s, struct MHD_Connection *mhd)
{
        PageConnection *c = g_new0(PageConnection, 1);

        c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        s->n_connections++;
        if (sd_event_add_time_relative(
                    s->event, &c->limit, CLOCK_MONOTONIC, s->limit_usec, 0, on_time_up, c) < 0)
                (void)shutdown(c->fd, SHUT_RDWR);
        else
                (void)sd_event_source_set_description(c->limit, "page-connection-limit");
        return c;
}

/* With as many connections as there may be libmicrohttpd does not listen, and begins to again only when it
 * is run once more. */
static void connection_free(PageServer *s, PageConnection *c)
{
        s->n_connections--;
        server_event_kick(s->run);
        sd_event_source_disable_unref(c->limit);
        g_free(c);
}

static void on_connection(
        void *userdata, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode code)
{
        PageServer *s = userdata;

        server_event_progress(s->run);
        if (code == MHD_CONNECTION_NOTIFY_STARTED) {
                *context = connection_new(s, mhd);
        } else if (*context) {
                connection_free(s, *context);
                *context = NULL;
        }
}

/* --- requests --- */

static void set_text(Page *page, unsigned status, const char *text)
{
        *page = (Page){
                .status = status, .content_type = TEXT, .body = g_bytes_new_static(text, strlen(text))
        };
}

static void make_page(PageServer *s, const char *method, const char *path, Page *ret)
{
        if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
                set_text(ret, MHD_HTTP_METHOD_NOT_ALLOWED, "Only GET and HEAD are answered here\n");
        else if (!s->find(path, ret, s->userdata))
                set_text(ret, MHD_HTTP_NOT_FOUND, "There are /metrics, /livez and /readyz\n");
}

static void unref_body(void *body)
{
        g_bytes_unref(body);
}

static struct MHD_Response *make_response(const Page *page)
{
        struct MHD_Response *response;
        gsize size;
        gconstpointer data = g_bytes_get_data(page->body, &size);

        response = MHD_create_response_from_buffer_with_free_callback_cls(
                size, (void *)data, unref_body, page->body);
        if (!response) {
                g_bytes_unref(page->body);
                return NULL;
        }
        (void)MHD_add_response_header(response, "Content-Type", page->content_type);
        (void)MHD_add_response_header(response, "Cache-Control", "no-store");
        (void)MHD_add_response_header(response, "Connection", "close");
        if (page->status == MHD_HTTP_METHOD_NOT_ALLOWED)
                (void)MHD_add_response_header(response, "Allow", "GET, HEAD");
        return response;
}

/* The answer comes with the head already: a body is not read. */
static enum MHD_Result on_access(void *userdata,
        struct MHD_Connection *mhd,
        const char *url,
        const char *method,
        const char *version,
        const char *data,
        size_t *size,
        void **context)
{
        PageServer *s = userdata;
        struct MHD_Response *response;
        enum MHD_Result result;
        Page page;

        (void)version;
        (void)data;
        (void)size;
        (void)context;

        server_event_progress(s->run);
        make_page(s, method, url, &page);
        response = make_response(&page);
        if (!response)
                return MHD_NO;
        result = MHD_queue_response(mhd, page.status, response);
        MHD_destroy_response(response);
        return result;
}

/* --- the server --- */

/* About clients, and what they do wrong. */
static _printf_(2, 0) void log_of_library(void *userdata, const char *format, va_list ap)
{
        g_autofree char *text = NULL;

        (void)userdata;

        if (log_level() < LOG_DEBUG)
                return;
        text = g_strdup_vprintf(format, ap);
        log_debug("libmicrohttpd: %s", g_strchomp(text));
}

/* Paths are compared as they came: "/livez%00" is none that there is. */
static size_t keep_escapes(void *userdata, struct MHD_Connection *mhd, char *text)
{
        (void)userdata;
        (void)mhd;

        return strlen(text);
}

static struct MHD_Daemon *start_daemon(PageServer *s, int listen_fd, unsigned n_connections)
{
        const struct MHD_OptionItem options[] = {
                { MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)log_of_library, s },
                { MHD_OPTION_LISTEN_SOCKET, listen_fd, NULL },
                { MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, s },
                { MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)keep_escapes, NULL },
                { MHD_OPTION_CONNECTION_LIMIT, n_connections, NULL },
                { MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEAD_MAX, NULL },
                { MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL },
                { MHD_OPTION_END, 0, NULL },
        };

        return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_access, s,
                MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

static int start(PageServer *s, const PageServerSettings *settings)
{
        _cleanup_close_ int fd = http_listen(settings->address, settings->port, false, &s->port);

        if (fd < 0)
                return fd;
        s->daemon =
                start_daemon(s, fd, settings->n_connections > 0 ? settings->n_connections : N_CONNECTIONS);
        if (!s->daemon)
                return -EIO;
        (void)steal_fd(&fd);
        return server_event_new(s->event, s->daemon, &s->run);
}

int page_server_new(sd_event *event,
        const PageServerSettings *settings,
        PageServerFind find,
        void *userdata,
        PageServer **ret)
{
        PageServer *s = g_new0(PageServer, 1);
        int r;

        *s = (PageServer){
                .event = sd_event_ref(event),
                .find = find,
                .userdata = userdata,
                .limit_usec = settings->limit_usec > 0 ? settings->limit_usec : LIMIT_USEC,
        };
        r = start(s, settings);
        if (r < 0) {
                page_server_free(s);
                return r;
        }

        *ret = s;
        return 0;
}

PageServer *page_server_free(PageServer *s)
{
        if (!s)
                return NULL;

        if (s->daemon)
                MHD_stop_daemon(s->daemon);
        server_event_free(s->run);
        sd_event_unref(s->event);
        g_free(s);
        return NULL;
}

unsigned page_server_port(const PageServer *s)
{
        return s->port;
}

unsigned page_server_count_connections(const PageServer *s)
{
        return s->n_connections;
}

uint64_t page_server_runs(const PageServer *s)
{
        return server_event_runs(s->run);
}
