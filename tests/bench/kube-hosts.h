/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* agenthostd beside an API server of Kubernetes (tests/fake) that has hosts for it. Used by the benchmarks
 * of placement and of discovery; as theirs, these functions end the program if anything goes wrong. */

#include <systemd/sd-bus.h>

#include "fake-kube.h"

#define KUBE_HOSTS_DIR "/run/bench-kube"
#define KUBE_HOSTS_CA KUBE_HOSTS_DIR "/ca.crt"

#define KUBE_HOSTS_SLICES 10u
#define KUBE_HOSTS_IN_SLICE 100u
#define KUBE_HOSTS_TEXT "1000" /* as a number: of all */

/* The slice of this number, with so many hosts more. */
void kube_hosts_put_slice(FakeKube *kube, unsigned number, unsigned n_more);

/* All of them. */
void kube_hosts_put(FakeKube *kube);

/* agenthostd has read that this is its API server on return. settings: further lines of its configuration,
 * which begin with a section. */
void kube_hosts_configure(FakeKube *kube, const char *settings);
void kube_hosts_unconfigure(void);

/* Waits until this property of the Manager is that; type: of it, s or u. */
void kube_hosts_await(sd_bus *bus, const char *name, char type, const char *expected);
