/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Replies of a real kube-apiserver, recorded byte for byte: the files of tests/data/kubernetes. */

#include <glib.h>

typedef struct Recorded {
        char *raw; /* the file: head, and body in its framing */
        gsize raw_size;
        unsigned status;
        char *body; /* out of its chunks; NUL-terminated */
        gsize body_size;
} Recorded;

/* name: "list/agent-host"; the test fails without it. */
Recorded recorded_load(const char *name);
void recorded_done(Recorded *r);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Recorded, recorded_done)

/* The list of 5,000 endpoints in 50 slices. The caller's. */
char *recorded_load_big_list(gsize *ret_size);
