/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Members of the API's objects. The API writes null, {} and nothing at all for the same thing: what is null
 * is missing. What is there must be of its kind. Used by the kube-*.c files. */

#include "fault.h"
#include "json-check.h"

/* All of these return 0 and NULL (false) for what is missing; results are borrowed from o. o may be NULL:
 * everything is missing. Fault: DiscoveryUnavailable "KEY: expected an array, got a string". */
int kube_get_object(struct json_object *o, const char *key, struct json_object **ret, Fault *fault);
int kube_get_array(struct json_object *o, const char *key, struct json_object **ret, Fault *fault);
int kube_get_text(struct json_object *o, const char *key, const char **ret, Fault *fault);

/* missing: what it is when it is missing. */
int kube_get_bool(struct json_object *o, const char *key, bool missing, bool *ret, Fault *fault);

/* The i-th of an array, which must be an object. */
int kube_get_item(struct json_object *array, size_t i, struct json_object **ret, Fault *fault);

/* Of an array of texts, the first; NULL if it is empty. */
int kube_first_text(struct json_object *array, const char **ret, Fault *fault);
