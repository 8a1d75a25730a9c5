/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-lines.h"

#include <string.h>

/* Beyond that a buffer is given back after the line that needed it. */
#define BUFFER_KEPT 65536

void kube_lines_init(KubeLines *l, size_t line_max)
{
        *l = (KubeLines){ .partial = g_string_new(NULL), .line_max = line_max };
}

void kube_lines_done(KubeLines *l)
{
        if (l->partial)
                g_string_free(l->partial, TRUE);
        l->partial = NULL;
}

void kube_lines_reset(KubeLines *l)
{
        if (l->partial->allocated_len > BUFFER_KEPT) {
                g_string_free(l->partial, TRUE);
                l->partial = g_string_new(NULL);
        }
        g_string_truncate(l->partial, 0);
}

static int give(KubeLines *l, const char *data, size_t size, KubeLine line, void *userdata)
{
        int r;

        if (size > l->line_max - l->partial->len)
                return -EFBIG;
        if (l->partial->len == 0)
                return size > 0 ? line(data, size, userdata) : 0;

        g_string_append_len(l->partial, data, (gssize)size);
        r = line(l->partial->str, l->partial->len, userdata);
        kube_lines_reset(l);
        return r;
}

int kube_lines_feed(KubeLines *l, const char *data, size_t size, KubeLine line, void *userdata)
{
        const char *end;
        int r;

        while (size > 0 && (end = memchr(data, '\n', size))) {
                r = give(l, data, (size_t)(end - data), line, userdata);
                if (r < 0)
                        return r;
                size -= (size_t)(end - data) + 1;
                data = end + 1;
        }

        if (size > l->line_max - l->partial->len)
                return -EFBIG;
        g_string_append_len(l->partial, data, (gssize)size);
        return 0;
}

bool kube_lines_is_open(const KubeLines *l)
{
        return l->partial->len > 0;
}
