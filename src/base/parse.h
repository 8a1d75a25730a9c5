/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Strict parsers for values in settings files: the whole text or an error, never a part of it. They return
 * 0, -EINVAL for what is not a value of that kind, -ERANGE for one outside the bounds. Outputs are written
 * on success only. Used by the launcher's runtimes and by agenthostd's configuration. */

#include <sys/types.h>

#include "macros.h"

int parse_uint64(const char *text, uint64_t min, uint64_t max, uint64_t *ret);
int parse_uint(const char *text, unsigned min, unsigned max, unsigned *ret);

/* 1/0, yes/no, true/false, on/off, y/n, t/f in any case, as systemd reads them. */
int parse_boolean(const char *text, bool *ret);

/* A time span as in systemd.time(7): "30", "1min 20s", "500ms", "1.5h", "infinity"; a bare number is in
 * seconds. */
int parse_sec(const char *text, uint64_t *ret_usec);

/* Bytes with K, M, G, T, P, E to the base 1024, a fraction allowed ("1.5G"), or "infinity" (UINT64_MAX). */
int parse_size(const char *text, uint64_t *ret);

/* The same to the base 1000, as systemd reads bandwidths. */
int parse_size_si(const char *text, uint64_t *ret);

/* "12%", "12.5%", "0.05%" in hundredths of a percent (permyriad). The upper bound is the caller's. */
int parse_permyriad(const char *text, uint64_t *ret);

/* Octal mode, at most 07777. */
int parse_mode(const char *text, mode_t *ret);

/* "SIGTERM", "TERM", "15" or "RTMIN+3". */
int parse_signal(const char *text, int *ret);
