/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stop.h"

#include <signal.h>

#include "cgroup.h"
#include "end.h"
#include "launch-fail.h"
#include "launcher.h"
#include "pidfd.h"
#include "scope.h"
#include "time-util.h"

static int on_time_up(sd_event_source *s, uint64_t usec, void *userdata)
{
        (void)s;
        (void)usec;

        end_kill(userdata);
        return 0;
}

static bool wants_sigcont(const Child *c)
{
        return c->stop_signal != SIGKILL && c->stop_signal != SIGCONT;
}

/* Most agents are one process. Then there is nothing to do for systemd, which would spend more on the
 * messages below than on all the rest of the stop. */
static bool signal_lone_process(const Child *c)
{
        _cleanup_close_ int fd = cgroup_open(c->launcher->cgroup_dir, c->slice, c->unit);

        if (fd < 0 || !cgroup_holds_only(fd, c->pid) || child_signal(c, c->stop_signal) < 0)
                return false;
        if (wants_sigcont(c))
                (void)child_signal(c, SIGCONT);
        return true;
}

/* Processes that are frozen or stopped could not act on the signal. Whether they are is not worth asking:
 * thawing costs less. */
static int signal_all(const Child *c)
{
        sd_bus *bus = manager_bus(c->launcher->manager);
        int r;

        if (!bus)
                return -ENOTCONN;
        (void)scope_thaw(bus, c->unit);
        r = scope_kill(bus, c->unit, c->stop_signal);
        if (wants_sigcont(c))
                (void)scope_kill(bus, c->unit, SIGCONT);
        return r;
}

static void send_stop_signal(const Child *c)
{
        if (signal_lone_process(c) || signal_all(c) >= 0)
                return;
        (void)child_signal(c, c->stop_signal);
        (void)child_signal(c, SIGCONT);
}

static int arm(Child *c)
{
        uint64_t now = now_usec(CLOCK_MONOTONIC), at = c->stop_deadline_usec;

        return child_set_timer(c, at == USEC_INFINITY ? at : at > now ? at - now : 0, on_time_up);
}

int stop_resume(Child *c)
{
        return c->state == CHILD_STOPPING && c->stop_deadline_usec > 0 ? arm(c) : 0;
}

int stop_begin(Child *c, uint64_t timeout_usec)
{
        uint64_t deadline;
        bool first = c->stop_deadline_usec == 0;

        if (child_is_launching(c)) {
                c->requested = true;
                launch_fail(c, FAULT_START_FAILED, "Agent %s was stopped while it was being launched",
                        c->agent_id);
                return 0;
        }
        /* Too late to be asked for: what it left is being killed. */
        if (c->state == CHILD_ENDED || end_poll_exit(c))
                return 0;

        deadline = usec_add(now_usec(CLOCK_MONOTONIC),
                timeout_usec == USEC_INFINITY ? c->stop_timeout_usec : timeout_usec);
        c->requested = true;
        c->state = CHILD_STOPPING;
        if (first)
                send_stop_signal(c);
        else if (deadline >= c->stop_deadline_usec)
                return 0;

        c->stop_deadline_usec = deadline;
        return arm(c);
}

int stop_extend(Child *c, uint64_t timeout_usec)
{
        uint64_t now = now_usec(CLOCK_MONOTONIC), deadline = usec_add(now, timeout_usec);

        /* Once all has been killed there is nothing to wait for. */
        if (c->state != CHILD_STOPPING || c->exited || c->stop_deadline_usec <= now ||
                deadline <= c->stop_deadline_usec)
                return 0;

        c->stop_deadline_usec = deadline;
        return child_set_timer(c, timeout_usec, on_time_up);
}
