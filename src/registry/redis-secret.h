/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The password for Redis: one that is given, else the file that RedisPasswordFile= names, else the
 * credential redis-password of our unit (LoadCredential=), else the URL's. Read anew for each connection, so
 * that a changed one needs no restart. */

#include "redis-url.h"

/* ret: NULL where there is none; to be freed with redis_secret_free(). One newline at the end of a file does
 * not belong to it. Fault: RegistryUnavailable, with the file. */
int redis_secret_read(const char *given, const char *file, const RedisUrl *url, char **ret, Fault *fault);
