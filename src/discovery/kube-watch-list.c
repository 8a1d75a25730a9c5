/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "kube-watch-steps.h"

static int on_page_body(const void *data, size_t size, void *userdata)
{
        KubeWatch *w = userdata;

        return kube_watch_collect(w, data, size, w->status == 200 ? KUBE_PAGE_MAX : KUBE_ERROR_MAX);
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
                kube_watch_fail(w, fault_text(&fault), 0);
        } else if (page.next) {
                g_free(w->next);
                w->next = g_strdup(page.next);
                kube_watch_go_on(w);
        } else {
                kube_store_commit(w->store);
                g_clear_pointer(&w->next, g_free);
                w->version = g_strdup(page.version);
                w->handlers.changed(w->userdata);
                w->handlers.state(NULL, w->userdata);
                kube_watch_go_on(w);
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
                kube_watch_fail(w, why, 0);
                return;
        }
        w->page_limit /= 2;
        kube_watch_begin_anew(w);
        kube_watch_go_on_in(w, 0);
}

static void on_page_done(const HttpResult *result, void *userdata)
{
        KubeWatch *w = userdata;

        if (result->too_large)
                take_large_page(w);
        else if (result->fault)
                kube_watch_fail(w, fault_text(result->fault), 0);
        else if (result->head->status == 200)
                take_page(w);
        else
                kube_watch_take_refusal(w, result->head);
}

int kube_watch_start_list(KubeWatch *w, Fault *fault)
{
        static const HttpHandlers handlers = { kube_watch_take_head, on_page_body, on_page_done };
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
