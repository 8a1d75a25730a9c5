/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the fuzz targets share. A target is one function that is given bytes; it ends the process, loudly,
 * when something does not hold. It is called again and again, so it keeps nothing. Linked with libFuzzer
 * (meson option fuzz), or with replay.c, which only goes through the corpus. */

#include <systemd/sd-bus.h>

#include "macros.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Aborts with what it was about. */
void fuzz_expect(bool holds, const char *what);

/* For what must work whatever the input is: a negative errno aborts. */
void fuzz_must(int r, const char *what);

/* A copy that ends in NUL, so that reading beyond it is seen. Owned by the caller. */
char *fuzz_text(const uint8_t *data, size_t size);

/* A file of this content that can be opened by its name, /proc/self/fd/N, while the descriptor is open:
 * root's, writable by nobody else. The content can be replaced. */
typedef struct FuzzFile {
        int fd;
        char path[32];
} FuzzFile;

FuzzFile *fuzz_file(void); /* the one of this process */
void fuzz_file_fill(FuzzFile *file, const uint8_t *data, size_t size);

/* Nothing is logged from now on. */
void fuzz_be_silent(void);

/* An empty message, to be appended to, of a bus that is never talked to. */
sd_bus_message *fuzz_message_new(void);

/* Makes it readable from the start. */
void fuzz_message_seal(sd_bus_message *m);

/* Neither control characters (C0, DEL, C1) nor what D-Bus does not carry. */
bool fuzz_is_printable(const char *text);
