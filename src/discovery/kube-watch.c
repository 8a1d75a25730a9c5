/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-watch.h"

#include <string.h>

#include "kube-backoff.h"
#include "kube-watch-steps.h"
#include "time-util.h"

/* What can be done over at once is not done over all the time. */
#define AGAIN_INTERVAL_USEC (10 * USEC_PER_SEC)

/* What a list has taken is given back beyond that. */
#define BODY_KEPT 65536u

const KubeWatchTimes kube_watch_times = {
        .list_limit_usec = 30 * USEC_PER_SEC,
        .head_limit_usec = 30 * USEC_PER_SEC,
        .quiet_limit_usec = 180 * USEC_PER_SEC,
        .watch_min_sec = 300,
        .watch_max_sec = 600,
        .page_limit = 100,
};

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        KubeWatch *w = userdata;

        (void)s;
        (void)usec;

        w->timer = sd_event_source_disable_unref(w->timer);
        kube_watch_go_on(w);
        return 0;
}

void kube_watch_go_on_in(KubeWatch *w, uint64_t usec)
{
        w->timer = sd_event_source_disable_unref(w->timer);
        if (sd_event_add_time_relative(
                    w->event, &w->timer, CLOCK_MONOTONIC, usec, USEC_PER_MSEC, on_timer, w) < 0)
                g_error("Cannot arm a timer");
}

void kube_watch_back_off(KubeWatch *w, uint64_t retry_after_usec)
{
        w->n_failures++;
        kube_watch_go_on_in(w, kube_backoff_usec(w->n_failures, retry_after_usec, g_random_int()));
}

void kube_watch_begin_anew(KubeWatch *w)
{
        kube_store_abort(w->store);
        g_clear_pointer(&w->version, g_free);
        g_clear_pointer(&w->next, g_free);
}

void kube_watch_do_again(KubeWatch *w)
{
        uint64_t now = now_usec(CLOCK_MONOTONIC);

        if (w->again_usec > 0 && now - w->again_usec < AGAIN_INTERVAL_USEC) {
                kube_watch_back_off(w, 0);
                return;
        }
        w->again_usec = now;
        kube_watch_go_on_in(w, 0);
}

void kube_watch_fail(KubeWatch *w, const char *why, uint64_t retry_after_usec)
{
        g_autofree char *text = g_strdup_printf(
                "Failed to discover agent hosts at %s: %s", kube_client_config(w->client)->server, why);

        kube_store_abort(w->store);
        g_clear_pointer(&w->next, g_free);
        w->handlers.state(text, w->userdata);
        kube_watch_back_off(w, retry_after_usec);
}

static const char *hint_for(unsigned code)
{
        switch (code) {
        case 401:
                return "; the credentials are unknown there, or have expired";
        case 403:
                return "; a role must allow list and watch";
        case 404:
                return "; it must be the API server of Kubernetes 1.21 or newer";
        default:
                return "";
        }
}

static void fail_with_status(KubeWatch *w, const KubeStatus *status, uint64_t retry_after_usec)
{
        g_autofree char *why = g_strdup_printf("%u %s%s", status->code,
                status->text && *status->text ? status->text : "without a word", hint_for(status->code));

        kube_watch_fail(w, why, retry_after_usec);
}

/* What to do about a reply that is neither a list nor a stream. */
void kube_watch_take_refusal(KubeWatch *w, const HttpHead *head)
{
        KubeStatus status = { 0 };
        bool watching = w->version != NULL;

        kube_status_parse(head->status, w->body->str, w->body->len, &status);
        if (head->status == 401 && !w->refused) {
                w->refused = true;
                kube_client_refused(w->client);
                kube_watch_go_on_in(w, 0);
        } else if (head->status == 410 && (watching || w->next)) {
                kube_watch_begin_anew(w);
                kube_watch_do_again(w);
        } else {
                /* With others than these it may be our version that is at fault. */
                if (watching && head->status != 401 && head->status != 403 && head->status != 429 &&
                        head->status != 503)
                        kube_watch_begin_anew(w);
                fail_with_status(w, &status, head->retry_after_usec);
        }
        kube_status_done(&status);
}

int kube_watch_take_head(HttpRequest *request, const HttpHead *head, void *userdata)
{
        const char *warning = http_request_header(request, "Warning");
        KubeWatch *w = userdata;

        w->status = head->status;
        if (warning) {
                g_autofree char *shown = kube_show(warning, strlen(warning));

                kube_store_say_once(w->store, shown);
        }
        if (head->status != 401)
                w->refused = false;
        return 0;
}

int kube_watch_collect(KubeWatch *w, const char *data, size_t size, size_t max)
{
        g_string_append_len(w->body, data, (gssize)MIN(size, max - w->body->len));
        return 0;
}

/* A watch goes on for days. */
static void empty_body(KubeWatch *w)
{
        if (w->version && w->body->allocated_len > BODY_KEPT) {
                g_string_free(w->body, TRUE);
                w->body = g_string_new(NULL);
        }
        g_string_truncate(w->body, 0);
}

void kube_watch_go_on(KubeWatch *w)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        int r;

        w->status = 0;
        w->outdated = false;
        fault_done(&w->broken);
        empty_body(w);

        r = w->version ? kube_watch_start_stream(w, &fault) : kube_watch_start_list(w, &fault);
        if (r >= 0)
                return;
        if (w->quiet)
                (void)sd_event_source_set_enabled(w->quiet, SD_EVENT_OFF);
        kube_watch_fail(w, fault_text(&fault), 0);
}

KubeWatch *kube_watch_new(sd_event *event,
        KubeClient *client,
        const KubeSource *source,
        const KubeTarget *target,
        KubeStore *store,
        const KubeWatchTimes *times,
        const KubeWatchHandlers *handlers,
        void *userdata)
{
        KubeWatch *w = g_new0(KubeWatch, 1);

        *w = (KubeWatch){
                .event = sd_event_ref(event),
                .client = client,
                .source = source,
                .store = store,
                .times = *times,
                .handlers = *handlers,
                .userdata = userdata,
                .path = source->make_path(target),
                .page_limit = times->page_limit,
                .body = g_string_new(NULL),
        };
        kube_lines_init(&w->lines, KUBE_EVENT_MAX);
        kube_watch_go_on_in(w, 0);
        return w;
}

KubeWatch *kube_watch_free(KubeWatch *w)
{
        if (!w)
                return NULL;

        http_request_free(w->request);
        sd_event_source_disable_unref(w->timer);
        sd_event_source_disable_unref(w->quiet);
        kube_lines_done(&w->lines);
        g_string_free(w->body, TRUE);
        fault_done(&w->broken);
        g_free(w->version);
        g_free(w->next);
        g_free(w->path);
        sd_event_unref(w->event);
        g_free(w);
        return NULL;
}
