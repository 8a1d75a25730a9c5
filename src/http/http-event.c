/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http-event.h"

#include <glib.h>
#include <sys/epoll.h>

#include "macros.h"

/* libcurl counts in milliseconds. */
/* Else libcurl keeps four for each transfer that there is: with one at a time, hosts that are asked in turn
 * would each be connected to anew. */
#define KEPT_CONNECTIONS_MAX 1024L

#define TIMER_ACCURACY_USEC USEC_PER_MSEC

struct HttpEvent {
        sd_event *event;
        CURLM *multi;
        sd_event_source *timer;
        HttpEventDone done;
        void *userdata;
};

static void collect(HttpEvent *e)
{
        CURLMsg *message;
        int left;

        /* The callbacks may add and remove transfers; what is removed loses its message. */
        while ((message = curl_multi_info_read(e->multi, &left))) {
                CURLcode code = message->data.result;
                CURL *easy = message->easy_handle;

                if (message->msg != CURLMSG_DONE)
                        continue;
                curl_multi_remove_handle(e->multi, easy);
                e->done(easy, code, e->userdata);
        }
}

static void act(HttpEvent *e, curl_socket_t fd, int what)
{
        int running;

        curl_multi_socket_action(e->multi, fd, what, &running);
        collect(e);
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        int what = 0;

        (void)s;

        /* An error alone would be one of sending to libcurl; to read tells what it is. */
        if (revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
                what |= CURL_CSELECT_IN;
        if (revents & EPOLLOUT)
                what |= CURL_CSELECT_OUT;
        if (revents & EPOLLERR)
                what |= CURL_CSELECT_ERR;
        act(userdata, fd, what);
        return 0;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        (void)s;
        (void)usec;

        act(userdata, CURL_SOCKET_TIMEOUT, 0);
        return 0;
}

/* libcurl tells what it waits for at a socket; source is what was assigned to it. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *source)
{
        sd_event_source *s = source;
        HttpEvent *e = userdata;
        uint32_t events = 0;
        int r;

        (void)easy;

        if (what == CURL_POLL_REMOVE) {
                sd_event_source_disable_unref(s);
                curl_multi_assign(e->multi, fd, NULL);
                return 0;
        }

        if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
                events |= EPOLLIN;
        if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
                events |= EPOLLOUT;
        if (s)
                return sd_event_source_set_io_events(s, events) < 0 ? -1 : 0;

        r = sd_event_add_io(e->event, &s, fd, events, on_io, e);
        if (r < 0)
                return -1;
        (void)sd_event_source_set_description(s, "http-socket");
        curl_multi_assign(e->multi, fd, s);
        return 0;
}

static int on_timeout_changed(CURLM *multi, long msec, void *userdata)
{
        HttpEvent *e = userdata;
        int r;

        (void)multi;

        if (msec < 0)
                return sd_event_source_set_enabled(e->timer, SD_EVENT_OFF) < 0 ? -1 : 0;

        r = sd_event_source_set_time_relative(e->timer, (uint64_t)msec * USEC_PER_MSEC);
        if (r >= 0)
                r = sd_event_source_set_enabled(e->timer, SD_EVENT_ONESHOT);
        return r < 0 ? -1 : 0;
}

static int set_up(HttpEvent *e)
{
        int r;

        e->multi = curl_multi_init();
        if (!e->multi)
                return -ENOMEM;

        r = sd_event_add_time_relative(
                e->event, &e->timer, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_USEC, on_timer, e);
        if (r >= 0)
                r = sd_event_source_set_enabled(e->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(e->timer, "http-timer");

        curl_multi_setopt(e->multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS_MAX);
        curl_multi_setopt(e->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
        curl_multi_setopt(e->multi, CURLMOPT_SOCKETDATA, e);
        curl_multi_setopt(e->multi, CURLMOPT_TIMERFUNCTION, on_timeout_changed);
        curl_multi_setopt(e->multi, CURLMOPT_TIMERDATA, e);
        return 0;
}

int http_event_new(sd_event *event, HttpEventDone done, void *userdata, HttpEvent **ret)
{
        HttpEvent *e = g_new0(HttpEvent, 1);
        int r;

        *e = (HttpEvent){ .event = sd_event_ref(event), .done = done, .userdata = userdata };
        r = set_up(e);
        if (r < 0) {
                http_event_free(e);
                return r;
        }

        *ret = e;
        return 0;
}

HttpEvent *http_event_free(HttpEvent *e)
{
        if (!e)
                return NULL;

        /* Closes the kept connections, and tells so: the sources go with them. */
        curl_multi_cleanup(e->multi);
        sd_event_source_disable_unref(e->timer);
        sd_event_unref(e->event);
        g_free(e);
        return NULL;
}

int http_event_add(HttpEvent *e, CURL *easy)
{
        return curl_multi_add_handle(e->multi, easy) == CURLM_OK ? 0 : -ENOMEM;
}

void http_event_remove(HttpEvent *e, CURL *easy)
{
        curl_multi_remove_handle(e->multi, easy);
}
