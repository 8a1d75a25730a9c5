/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "kube-watch-steps.h"
#include "log.h"
#include "time-util.h"

/* Asked for beyond the time that the server was asked for. */
#define WATCH_GRACE_USEC (30 * USEC_PER_SEC)

/* A watch that has lived so long was a good one: what goes wrong afterwards is a first failure. */
#define WATCH_GOOD_USEC (30 * USEC_PER_SEC)

/* One that the server ends sooner, with nothing said, is a failure. */
#define WATCH_SHORT_USEC USEC_PER_SEC

static void tell_changed(KubeWatch *w)
{
        if (!w->dirty)
                return;
        w->dirty = false;
        w->handlers.changed(w->userdata);
}

static int on_quiet(sd_event_source *s, uint64_t usec, void *userdata)
{
        KubeWatch *w = userdata;

        (void)s;
        (void)usec;

        log_debug("A watch of %s has been silent for too long", w->source->what);
        w->request = http_request_free(w->request);
        if (w->status == 0) {
                kube_watch_fail(w, "the server does not answer", 0);
                return 0;
        }
        kube_watch_begin_anew(w);
        kube_watch_do_again(w);
        return 0;
}

static void expect_within(KubeWatch *w, uint64_t usec)
{
        int r = 0;

        if (!w->quiet)
                r = sd_event_add_time_relative(
                        w->event, &w->quiet, CLOCK_MONOTONIC, usec, USEC_PER_SEC, on_quiet, w);
        else
                r = sd_event_source_set_time_relative(w->quiet, usec);
        if (r >= 0)
                r = sd_event_source_set_enabled(w->quiet, SD_EVENT_ONESHOT);
        if (r < 0)
                g_error("Cannot arm a timer");
}

static int on_watch_head(HttpRequest *request, const HttpHead *head, void *userdata)
{
        KubeWatch *w = userdata;

        expect_within(w, w->times.quiet_limit_usec);
        if (head->status == 200)
                w->handlers.state(NULL, w->userdata);
        return kube_watch_take_head(request, head, w);
}

static int take_error(KubeWatch *w, struct json_object *object)
{
        KubeStatus status = { 0 };

        kube_status_from_object(object, &status);
        if (status.code == 410)
                w->outdated = true;
        else
                fault_set(&w->broken, FAULT_DISCOVERY_UNAVAILABLE, "%u %s", status.code,
                        status.text ? status.text : "an error of an unknown kind");
        kube_status_done(&status);
        return -ECANCELED;
}

static int apply(KubeWatch *w, const KubeEvent *e)
{
        int r = 0;

        switch (e->type) {
        case KUBE_EVENT_ADDED:
        case KUBE_EVENT_MODIFIED:
                r = kube_store_put(w->store, e->object, &w->broken);
                w->dirty = true;
                break;
        case KUBE_EVENT_DELETED:
                r = kube_store_remove(w->store, e->object, &w->broken);
                w->dirty = true;
                break;
        case KUBE_EVENT_BOOKMARK:
                break;
        case KUBE_EVENT_ERROR:
                return take_error(w, e->object);
        case KUBE_EVENT_UNKNOWN:
                kube_store_say_once(w->store, "events of an unknown type come; they are left out");
                return 0;
        }
        if (r < 0)
                return r;

        /* Versions only grow, while the server has the store that we know. */
        if (kube_version_compare(e->version, w->version) < 0) {
                log_debug("Version %s of %s after %s", e->version, w->source->what, w->version);
                w->outdated = true;
                return -ESTALE;
        }
        g_free(w->version);
        w->version = g_strdup(e->version);
        return 0;
}

static int on_line(const char *line, size_t size, void *userdata)
{
        KubeWatch *w = userdata;
        KubeEvent event = { 0 };
        int r;

        r = kube_event_parse(line, size, &event, &w->broken);
        if (r < 0)
                return r;
        w->heard = true;
        r = apply(w, &event);
        kube_event_done(&event);
        return r;
}

static int on_watch_body(const void *data, size_t size, void *userdata)
{
        KubeWatch *w = userdata;
        int r;

        if (w->status != 200)
                return kube_watch_collect(w, data, size, KUBE_ERROR_MAX);

        expect_within(w, w->times.quiet_limit_usec);
        r = kube_lines_feed(&w->lines, data, size, on_line, w);
        if (r == -EFBIG)
                fault_set(&w->broken, FAULT_DISCOVERY_UNAVAILABLE, "an event is larger than %u bytes",
                        KUBE_EVENT_MAX);
        tell_changed(w);
        return r;
}

/* The server has ended it, as it was asked to do at some time. */
static void take_end(KubeWatch *w, uint64_t lasted_usec)
{
        if (kube_lines_is_open(&w->lines)) {
                kube_watch_fail(w, "the watch ended amid an event", 0);
        } else if (!w->heard && lasted_usec < WATCH_SHORT_USEC) {
                kube_watch_back_off(w, 0);
        } else {
                w->n_failures = 0;
                kube_watch_go_on(w);
        }
}

static void on_watch_done(const HttpResult *result, void *userdata)
{
        KubeWatch *w = userdata;
        uint64_t lasted = now_usec(CLOCK_MONOTONIC) - w->began_usec;

        (void)sd_event_source_set_enabled(w->quiet, SD_EVENT_OFF);
        if (w->status == 200 && lasted >= WATCH_GOOD_USEC)
                w->n_failures = 0;

        if (w->outdated) {
                kube_watch_begin_anew(w);
                kube_watch_do_again(w);
        } else if (w->broken.kind != FAULT_NONE) {
                kube_watch_begin_anew(w);
                kube_watch_fail(w, fault_text(&w->broken), 0);
        } else if (result->fault) {
                kube_watch_fail(w, fault_text(result->fault), 0);
        } else if (result->head->status == 200) {
                take_end(w, lasted);
        } else {
                kube_watch_take_refusal(w, result->head);
        }
}

int kube_watch_start_stream(KubeWatch *w, Fault *fault)
{
        static const HttpHandlers handlers = { on_watch_head, on_watch_body, on_watch_done };
        g_autofree char *version = http_escape(w->version);
        unsigned sec = (unsigned)g_random_int_range(
                (gint32)w->times.watch_min_sec, (gint32)w->times.watch_max_sec + 1);
        g_autofree char *path =
                g_strdup_printf("%s%cwatch=1&allowWatchBookmarks=true&resourceVersion=%s&timeoutSeconds=%u",
                        w->path, strchr(w->path, '?') ? '&' : '?', version, sec);
        const KubeRequest request = {
                .path = path,
                .total_usec = sec * USEC_PER_SEC + WATCH_GRACE_USEC,
        };

        w->heard = false;
        w->began_usec = now_usec(CLOCK_MONOTONIC);
        kube_lines_reset(&w->lines);
        expect_within(w, w->times.head_limit_usec);
        return kube_client_get(w->client, &request, &handlers, w, &w->request, fault);
}
