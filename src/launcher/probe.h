/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What this host does of the resource-control settings that a runtime or a caller may set. systemd is asked
 * which properties a scope has (by introspection, never by its version) each time that we connect to it, as
 * it may be another one then; and it may refuse one all the same, which is remembered. A property that it
 * does not take is left out of what it is asked for. One whose cgroup controller the host lacks is sent, as
 * systemd takes it, but limits nothing. Both are told as unsupported. Owned by the Launcher. */

#include <systemd/sd-bus.h>

#include "runtime.h"
#include "unit-property-value.h"

typedef struct Probe Probe;

/* Called when the answer is another than before. */
typedef void (*ProbeChanged)(void *userdata);

/* cgroup_dir: see cgroup.h, NULL if there is none; only: no controller can be in use elsewhere. Until
 * systemd has been asked, everything is supposed to be there. */
int probe_new(const char *cgroup_dir, bool only, ProbeChanged changed, void *userdata, Probe **ret);
Probe *probe_free(Probe *probe);

/* To be called before anything else is asked on a new connection: systemd answers in order. */
void probe_begin(Probe *probe, sd_bus *bus);
void probe_cancel(Probe *probe);

/* What the introspection of a scope says. -EBADMSG, without effect, if that cannot be one. */
int probe_read_introspection(Probe *probe, const char *xml);

/* Whether to send it. Says once what is left out, or has no effect. */
bool probe_takes(Probe *probe, const UnitPropertyRow *row);

/* An error of StartTransientUnit. Whether it refuses a property by its name: then it is worth to ask again,
 * as that one is left out from now on. */
bool probe_learn(Probe *probe, const sd_bus_error *error);

/* StartFailed if the runtime requires what the host does not do. */
int probe_check_required(const Probe *probe, const Runtime *runtime, Fault *fault);

bool probe_has_controller(const Probe *probe, const char *controller);

/* systemd's limit of tasks for units that set none; 0 while that is not known. */
uint64_t probe_default_tasks_max(const Probe *probe);

/* An open message gets the names as they are on D-Bus, as an "as". */
int probe_append_unsupported(const Probe *probe, sd_bus_message *m);
