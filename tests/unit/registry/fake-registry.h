/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A registry that does what a test says: it answers when it is told to, and writes down what it is asked.
 * Its state is REGISTRY_OK. */

#include <glib.h>

#include "registry-backend.h"

typedef struct FakeRegistry {
        Registry registry; /* first; freed with registry_free() */
        GString *heard; /* "claim a1; put a1; " ... */
        RegistryCall *call; /* the last one that is open */
        LocationState put_answer; /* LOCATION_REGISTERED */
} FakeRegistry;

FakeRegistry *fake_registry_new(sd_event *event, const RegistryHandlers *handlers, void *userdata);

/* Answers the open call. */
void fake_registry_grant(FakeRegistry *fake);
void fake_registry_answer(FakeRegistry *fake, const RegistryAnswer *answer);
void fake_registry_refuse(FakeRegistry *fake, FaultKind kind, const char *text);

/* What it has heard since the last time. */
void fake_registry_expect(FakeRegistry *fake, const char *expected);
