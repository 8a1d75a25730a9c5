/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The parts of a KubeWatch: kube-watch.c decides what comes next, kube-watch-list.c reads a list,
 * kube-watch-stream.c what changes from there. For these three only. */

#include "kube-event.h"
#include "kube-lines.h"
#include "kube-watch.h"

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

/* Lists or watches, whichever is next: now, or in a while. */
void kube_watch_go_on(KubeWatch *w);
void kube_watch_go_on_in(KubeWatch *w, uint64_t usec);

/* In a while that grows with each failure. */
void kube_watch_back_off(KubeWatch *w, uint64_t retry_after_usec);

/* What is known counts no more as a beginning: to be listed. */
void kube_watch_begin_anew(KubeWatch *w);

/* Goes on at once, for nothing is wrong; but if it is so all the time, something is. */
void kube_watch_do_again(KubeWatch *w);

/* Says why, and goes on in a while. */
void kube_watch_fail(KubeWatch *w, const char *why, uint64_t retry_after_usec);

/* A reply with another status than 200, whose body is in w->body. */
void kube_watch_take_refusal(KubeWatch *w, const HttpHead *head);

/* For the heads of all replies. */
int kube_watch_take_head(HttpRequest *request, const HttpHead *head, void *userdata);

/* Adds to w->body, of an error that is too long the beginning only. */
int kube_watch_collect(KubeWatch *w, const char *data, size_t size, size_t max);

/* As kube_client_get(). */
int kube_watch_start_list(KubeWatch *w, Fault *fault);
int kube_watch_start_stream(KubeWatch *w, Fault *fault);
