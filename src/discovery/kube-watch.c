/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-watch.h"

#include <string.h>

#include "kube-backoff.h"
#include "kube-event.h"
#include "kube-lines.h"
#include "log.h"
#include "time-util.h"

/* Asked for beyond the time that the server was asked for. */
#define WATCH_GRACE_USEC (30 * USEC_PER_SEC)

/* A watch that has lived so long was a good one: what goes wrong afterwards is a first failure. */
#define WATCH_GOOD_USEC (30 * USEC_PER_SEC)

/* One that the server ends sooner, with nothing said, is a failure. */
#define WATCH_SHORT_USEC USEC_PER_SEC

/* What can be done over at once is not done over all the time. */
#define AGAIN_INTERVAL_USEC (10 * USEC_PER_SEC)

#define BODY_KEPT 65536u

const KubeWatchTimes kube_watch_times = {
        .list_limit_usec = 30 * USEC_PER_SEC,
        .head_limit_usec = 30 * USEC_PER_SEC,
        .quiet_limit_usec = 180 * USEC_PER_SEC,
        .watch_min_sec = 300,
        .watch_max_sec = 600,
        .page_limit = 100,
};

struct KubeWatch {
        sd_event *event;
        KubeClient *client;
        const KubeSource *source;
        KubeStore *store;
        KubeWatchTimes times;
        KubeWatchHandlers handlers;
        void *userdata;

        char *path;
        char *version; /* what the store is; NULL: to be listed */
        char *next; /* of the list: the page that comes next; NULL: the first one */
        unsigned page_limit;

        HttpRequest *request;
        unsigned status; /* of its reply; 0: none yet */
        GString *body; /* a page, or an error */
        KubeLines lines; /* events */
        Fault broken; /* why the reply was refused */
        bool outdated; /* our version is gone: to be listed again, without blame */
        bool heard; /* something has come through this watch */
        bool dirty; /* the store is another one, and nobody was told */
        uint64_t began_usec;

        sd_event_source *timer; /* when to go on */
        sd_event_source *quiet; /* the watch has been silent for too long */
        unsigned n_failures;
        uint64_t again_usec; /* when something was last done over at once */
        bool refused; /* 401 has come, and credentials were read again */
};

static void go_on(KubeWatch *w);

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        KubeWatch *w = userdata;

        (void)s;
        (void)usec;

        w->timer = sd_event_source_disable_unref(w->timer);
        go_on(w);
        return 0;
}

static void go_on_in(KubeWatch *w, uint64_t usec)
{
        w->timer = sd_event_source_disable_unref(w->timer);
        if (sd_event_add_time_relative(
                    w->event, &w->timer, CLOCK_MONOTONIC, usec, USEC_PER_MSEC, on_timer, w) < 0)
                g_error("Cannot arm a timer");
}

static void back_off(KubeWatch *w, uint64_t retry_after_usec)
{
        w->n_failures++;
        go_on_in(w, kube_backoff_usec(w->n_failures, retry_after_usec, g_random_int()));
}

static void begin_anew(KubeWatch *w)
{
        kube_store_abort(w->store);
        g_clear_pointer(&w->version, g_free);
        g_clear_pointer(&w->next, g_free);
}

/* Nothing is wrong; but if it is so all the time, something is. */
static void do_again(KubeWatch *w)
{
        uint64_t now = now_usec(CLOCK_MONOTONIC);

        if (w->again_usec > 0 && now - w->again_usec < AGAIN_INTERVAL_USEC) {
                back_off(w, 0);
                return;
        }
        w->again_usec = now;
        go_on_in(w, 0);
}

static void fail(KubeWatch *w, const char *why, uint64_t retry_after_usec)
{
        g_autofree char *text = g_strdup_printf(
                "Failed to discover agent hosts at %s: %s", kube_client_config(w->client)->server, why);

        kube_store_abort(w->store);
        g_clear_pointer(&w->next, g_free);
        w->handlers.state(text, w->userdata);
        back_off(w, retry_after_usec);
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

        fail(w, why, retry_after_usec);
}

/* What to do about a reply that is neither a list nor a stream. */
static void take_refusal(KubeWatch *w, const HttpHead *head)
{
        KubeStatus status = { 0 };
        bool watching = w->version != NULL;

        kube_status_parse(head->status, w->body->str, w->body->len, &status);
        if (head->status == 401 && !w->refused) {
                w->refused = true;
                kube_client_refused(w->client);
                go_on_in(w, 0);
        } else if (head->status == 410 && (watching || w->next)) {
                begin_anew(w);
                do_again(w);
        } else {
                /* With others than these it may be our version that is at fault. */
                if (watching && head->status != 401 && head->status != 403 && head->status != 429 &&
                        head->status != 503)
                        begin_anew(w);
                fail_with_status(w, &status, head->retry_after_usec);
        }
        kube_status_done(&status);
}

static int on_head(HttpRequest *request, const HttpHead *head, void *userdata)
{
        const char *warning = http_request_header(request, "Warning");
        KubeWatch *w = userdata;

        w->status = head->status;
        if (warning) {
                g_autofree char *valid = g_utf8_make_valid(warning, (gssize)strnlen(warning, 500));

                kube_store_say_once(w->store, valid);
        }
        if (head->status != 401)
                w->refused = false;
        return 0;
}

static int collect(KubeWatch *w, const char *data, size_t size, size_t max)
{
        /* Of an error that is too long, the beginning. */
        g_string_append_len(w->body, data, (gssize)MIN(size, max - w->body->len));
        return 0;
}

static void tell_changed(KubeWatch *w)
{
        if (!w->dirty)
                return;
        w->dirty = false;
        w->handlers.changed(w->userdata);
}

/* --- the list --- */

static int on_page_body(const void *data, size_t size, void *userdata)
{
        KubeWatch *w = userdata;

        return collect(w, data, size, w->status == 200 ? KUBE_PAGE_MAX : KUBE_ERROR_MAX);
}

static void take_page(KubeWatch *w)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        struct json_object *item;
        KubePage page = { 0 };
        size_t n;
        int r;

        r = kube_page_parse(w->body->str, w->body->len, &page, &fault);
        n = r >= 0 && page.items ? json_object_array_length(page.items) : 0;
        for (size_t i = 0; i < n && r >= 0; i++) {
                item = json_object_array_get_idx(page.items, i);
                r = kube_store_put(w->store, item, &fault);
        }
        if (r < 0) {
                fail(w, fault_text(&fault), 0);
        } else if (page.next) {
                g_free(w->next);
                w->next = g_strdup(page.next);
                go_on(w);
        } else {
                kube_store_commit(w->store);
                g_clear_pointer(&w->next, g_free);
                w->version = g_strdup(page.version);
                w->handlers.changed(w->userdata);
                w->handlers.state(NULL, w->userdata);
                go_on(w);
        }
        kube_page_done(&page);
}

/* More is in a page than we take: with fewer objects it may be less. */
static void take_large_page(KubeWatch *w)
{
        if (w->page_limit == 1) {
                g_autofree char *why = g_strdup_printf(
                        "the list is larger than %u bytes, with a single object", KUBE_PAGE_MAX);

                w->page_limit = w->times.page_limit;
                fail(w, why, 0);
                return;
        }
        w->page_limit /= 2;
        begin_anew(w);
        go_on_in(w, 0);
}

static void on_page_done(const HttpResult *result, void *userdata)
{
        KubeWatch *w = userdata;

        if (result->too_large)
                take_large_page(w);
        else if (result->fault)
                fail(w, fault_text(result->fault), 0);
        else if (result->head->status == 200)
                take_page(w);
        else
                take_refusal(w, result->head);
}

static int start_list(KubeWatch *w, Fault *fault)
{
        static const HttpHandlers handlers = { on_head, on_page_body, on_page_done };
        g_autofree char *next = w->next ? http_escape(w->next) : NULL;
        g_autofree char *path = g_strdup_printf("%s%climit=%u%s%s", w->path,
                strchr(w->path, '?') ? '&' : '?', w->page_limit, next ? "&continue=" : "", next ? next : "");
        const KubeRequest request = {
                .path = path,
                .gzip = true,
                .reply_max = KUBE_PAGE_MAX,
                .total_usec = w->times.list_limit_usec,
        };

        if (!w->next)
                kube_store_begin(w->store);
        return kube_client_get(w->client, &request, &handlers, w, &w->request, fault);
}

/* --- the watch --- */

static int on_quiet(sd_event_source *s, uint64_t usec, void *userdata)
{
        KubeWatch *w = userdata;

        (void)s;
        (void)usec;

        log_debug("A watch of %s has been silent for too long", w->source->what);
        w->request = http_request_free(w->request);
        if (w->status == 0) {
                fail(w, "the server does not answer", 0);
                return 0;
        }
        begin_anew(w);
        do_again(w);
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
        return on_head(request, head, w);
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
                return collect(w, data, size, KUBE_ERROR_MAX);

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
                fail(w, "the watch ended amid an event", 0);
        } else if (!w->heard && lasted_usec < WATCH_SHORT_USEC) {
                back_off(w, 0);
        } else {
                w->n_failures = 0;
                go_on(w);
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
                begin_anew(w);
                do_again(w);
        } else if (w->broken.kind != FAULT_NONE) {
                begin_anew(w);
                fail(w, fault_text(&w->broken), 0);
        } else if (result->fault) {
                fail(w, fault_text(result->fault), 0);
        } else if (result->head->status == 200) {
                take_end(w, lasted);
        } else {
                take_refusal(w, result->head);
        }
}

static int start_watch(KubeWatch *w, Fault *fault)
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

/* --- both --- */

/* A watch goes on for days; what a list has taken is given back. */
static void empty_body(KubeWatch *w)
{
        if (w->version && w->body->allocated_len > BODY_KEPT) {
                g_string_free(w->body, TRUE);
                w->body = g_string_new(NULL);
        }
        g_string_truncate(w->body, 0);
}

static void go_on(KubeWatch *w)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        int r;

        w->status = 0;
        w->outdated = false;
        fault_done(&w->broken);
        empty_body(w);

        r = w->version ? start_watch(w, &fault) : start_list(w, &fault);
        if (r >= 0)
                return;
        if (w->quiet)
                (void)sd_event_source_set_enabled(w->quiet, SD_EVENT_OFF);
        fail(w, fault_text(&fault), 0);
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
        go_on_in(w, 0);
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
