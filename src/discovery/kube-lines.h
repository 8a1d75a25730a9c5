/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Cuts a watch's stream, which comes in pieces of any size, into lines: each is one event. Used by
 * kube-watch.c. */

#include <glib.h>

#include "macros.h"

typedef struct KubeLines {
        GString *partial; /* the line that has begun */
        size_t line_max;
} KubeLines;

/* One line without its end; not NUL-terminated. A negative errno ends it. */
typedef int (*KubeLine)(const char *line, size_t size, void *userdata);

void kube_lines_init(KubeLines *l, size_t line_max);
void kube_lines_done(KubeLines *l);
void kube_lines_reset(KubeLines *l);

/* Empty lines are left out. What the callback returned, or -EFBIG for a line above line_max. */
int kube_lines_feed(KubeLines *l, const char *data, size_t size, KubeLine line, void *userdata);

/* Whether a line has begun and not ended. */
bool kube_lines_is_open(const KubeLines *l);
