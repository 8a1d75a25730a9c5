/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* NULL-terminated string vectors, and the way systemd splits a line into words. */

#include "macros.h"

size_t strv_length(char *const *l);
void strv_free(char **l);
static inline void strv_freep(char ***l)
{
        strv_free(*l);
}
#define _cleanup_strv_free_ _cleanup_(strv_freep)

/* Appends a copy. 0 or -ENOMEM. */
int strv_extend(char ***l, const char *text);

/* Appends text itself and owns it from here on, also when it fails. 0 or -ENOMEM. */
int strv_consume(char ***l, char *text);

bool strv_contains(char *const *l, const char *text);

/* The parts between runs of separators; none is empty. No quoting. 0 or -ENOMEM. */
int strv_split(const char *text, const char *separators, char ***ret);

/* Splits as systemd does: words between white space, '...' and "..." quoting, C escapes outside and inside
 * quotes; no shell. Returns 0, -EINVAL for an open quote or an unknown escape, -ENOMEM. */
int split_words(const char *text, char ***ret);

/* Expands % specifiers: each letter, and each name in %{name}, is looked up; "%%" is a percent sign.
 * lookup returns a borrowed text or NULL for an unknown one (then -EINVAL). The letter comes as a text of
 * one byte. */
typedef const char *(*SpecifierLookup)(const char *name, size_t length, void *userdata);
int expand_specifiers(const char *text, SpecifierLookup lookup, void *userdata, char **ret);
