/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "end.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "adopt.h"
#include "cgroup.h"
#include "exits.h"
#include "launch-scope.h"
#include "launch.h"
#include "launcher.h"
#include "pidfd.h"
#include "scope.h"
#include "time-util.h"

/* While a scope does not go: it is killed again, and systemd asked whether its end was missed. */
#define KILL_AGAIN_USEC (5 * USEC_PER_SEC)

/* How much later than the end of its scope a process may be seen to exit. */
#define STRAY_USEC (1 * USEC_PER_SEC)

/* The kernel tells systemd at most every 10 ms, in ticks of its clock, whether there is something in a
 * control group. That of a process which ends sooner after its scope was made is told late. */
#define YOUNG_USEC (20 * USEC_PER_MSEC)

/* What the scope tells, before it is gone: systemd removes it when its last process has ended, which it sees
 * at the same time as we do. Nearly always we are quicker; see poll_own() for when we are not. */
static void measure(Child *c)
{
        const Launcher *l = c->launcher;
        _cleanup_close_ int fd = -EBADF;

        if (c->measured || c->scope != SCOPE_THERE)
                return;

        fd = cgroup_open(l->cgroup_dir, c->slice, c->unit);
        if (fd >= 0) {
                c->usage = (CgroupUsage){ cgroup_read_memory_peak(fd), cgroup_read_cpu_nsec(fd) };
                c->oom = oom_read(fd);
                c->left_nobody = cgroup_is_empty(fd);
        }
        oom_guild_look(c->guild, now_usec(CLOCK_MONOTONIC));
        c->measured = true;
}

/* PID 1's children: only the kernel can tell, and only once they have been reaped. */
static bool poll_adopted(Child *c, bool reaped)
{
        int wait_status, r;

        r = pidfd_get_exit(c->pidfd, &wait_status);
        if (r == -EAGAIN && !reaped)
                return false;
        if (r >= 0)
                exit_from_wait_status(wait_status, &c->code, &c->status);
        return true;
}

static uint64_t timeval_nsec(const struct timeval *tv)
{
        return ((uint64_t)tv->tv_sec * USEC_PER_SEC + (uint64_t)tv->tv_usec) * NSEC_PER_USEC;
}

static bool poll_own(Child *c)
{
        struct rusage usage = { 0 };
        siginfo_t info = { 0 };

        /* waitid(2) itself gives more than that of the C library. */
        if (syscall(SYS_waitid, P_PIDFD, c->pidfd, &info, WEXITED | WNOHANG | WNOWAIT, &usage) < 0)
                /* Somebody else has reaped it: it is gone, and nobody knows how. */
                return errno == ECHILD;
        if (info.si_pid == 0)
                return false;

        /* At least what it and those that it has waited for have used. */
        if (c->usage.cpu_nsec == UINT64_MAX)
                c->usage.cpu_nsec = timeval_nsec(&usage.ru_utime) + timeval_nsec(&usage.ru_stime);
        c->code = info.si_code;
        c->status = info.si_status;
        return true;
}

static bool pidfd_is_ready(int pidfd)
{
        struct pollfd p = { .fd = pidfd, .events = POLLIN };

        return poll(&p, 1, 0) > 0;
}

bool end_poll_exit(Child *c)
{
        if (!c->exited)
                c->exited = c->adopted ? pidfd_is_ready(c->pidfd) && poll_adopted(c, false) : poll_own(c);
        return c->exited;
}

static const char *end_result(const Child *c)
{
        return exit_result(&(ExitFacts){ .requested = c->requested,
                .scope_result = c->scope_result,
                .code = c->code,
                .status = c->status });
}

/* A stop by an administrator of which no job was seen, as nobody was connected to systemd while it took
 * place. All that is left of it is the signal. Somebody else may have sent that to the agent in just this
 * time; but with it he wants the agent to end as well, and one that comes back is more of a nuisance than
 * one that stays away, which is said. An agent that has made an exit status out of the signal cannot be told
 * from one that was done: it is believed to have been. */
static void consider_unheard_stop(Child *c)
{
        if (!c->unheard || c->requested || c->removing || c->scope_result ||
                !exit_is_by_stop(c->code, c->status, c->stop_signal))
                return;

        c->requested = true;
        child_log(c, LOG_NOTICE,
                "Agent %s was ended by SIG%s while systemd could not be heard: taken for a stop",
                c->agent_id, sigabbrev_np(c->status));
}

static void state_end(Child *c)
{
        consider_unheard_stop(c);
        if (strcmp(end_result(c), "oom-kill") == 0)
                c->oom_level = oom_level(c->guild, &c->oom, now_usec(CLOCK_MONOTONIC));
        c->state = CHILD_ENDED;
        c->ended_at_usec = now_usec(CLOCK_REALTIME);
        child_drop_timer(c);
        c->exit_source = sd_event_source_disable_unref(c->exit_source);
        if (c->has_stream)
                streams_give_back(&c->launcher->streams);
        c->has_stream = false;

        launcher_remove_credentials(c->launcher, c->unit);
        connections_emit_ended(c->launcher->connections, c);
        if (c->adoption)
                adopt_settle(c, false);
}

static void check_ended(Child *c)
{
        if (c->exited && c->scope == SCOPE_GONE && c->state != CHILD_ENDED)
                state_end(c);
}

/* That there is nothing in the scope, which is nobody's wish. */
static void stop_empty(Child *c)
{
        sd_bus *bus = manager_bus(c->launcher->manager);

        if (!bus)
                return;
        c->removing = true;
        (void)scope_stop(bus, c->unit);
}

static int on_kill_again(sd_event_source *s, uint64_t usec, void *userdata)
{
        Child *c = userdata;

        (void)s;
        (void)usec;

        manager_list(c->launcher->manager);
        end_kill(c);
        if (c->exited)
                stop_empty(c);
        return 0;
}

static void arm_kill_again(Child *c)
{
        int r = child_set_timer(c, KILL_AGAIN_USEC, on_kill_again);

        if (r < 0)
                child_log(c, LOG_ERR, "Cannot arm a timer: %s", strerror(-r));
}

void end_kill(Child *c)
{
        sd_bus *bus = manager_bus(c->launcher->manager);
        int r = bus ? scope_kill(bus, c->unit, SIGKILL) : -ENOTCONN;

        if (r < 0 && !c->exited)
                (void)child_signal(c, SIGKILL);
        arm_kill_again(c);
}

/* A stop that an administrator asks for at the same time can then not be told from ours any more: an agent
 * that was stopped so early has died of the signal. */
static bool ended_young(const Child *c)
{
        return c->left_nobody && c->scope_made_usec > 0 &&
                now_usec(CLOCK_MONOTONIC) - c->scope_made_usec < YOUNG_USEC &&
                (c->requested || c->code == CLD_EXITED);
}

void end_on_exited(Child *c)
{
        if (c->scope == SCOPE_THERE && ended_young(c))
                stop_empty(c);
        /* Whatever it left in the scope goes with it. */
        if (c->scope != SCOPE_GONE && c->left_nobody)
                arm_kill_again(c);
        else if (c->scope != SCOPE_GONE)
                end_kill(c);
        /* Its scope may have gone long ago, when nobody was there to be told. */
        if (c->adopted || c->adoption)
                manager_list(c->launcher->manager);
        check_ended(c);
}

/* The exit is known. The child may be gone afterwards, if it was being launched. */
static void process_exited(Child *c)
{
        c->exit_source = sd_event_source_disable_unref(c->exit_source);
        if (!child_is_launching(c) || launch_on_exit(c))
                end_on_exited(c);
}

/* It has ended, and how is not for us yet. A child of PID 1 is a zombie: EPOLLHUP, which is always reported,
 * comes when it has been reaped. One of ours is traced, see pidfd_reap(). If the kernel does not take that,
 * this comes again. */
static void await_release(const Child *c, sd_event_source *s)
{
        const uint32_t edges = EPOLLIN | EPOLLET;
        uint32_t events;

        if (c->adopted)
                (void)sd_event_source_set_io_events(s, 0);
        /* Each time it is set the kernel tells once more what there is. */
        else if (sd_event_source_get_io_events(s, &events) < 0 || events != edges)
                (void)sd_event_source_set_io_events(s, edges);
}

static int on_exit_event(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        Child *c = userdata;

        (void)fd;

        /* What systemd has said before it comes first, and then this again (MANAGER_PRIORITY). */
        if (manager_set_pace(c->launcher->manager, 0))
                return 0;

        measure(c);
        if (c->adopted)
                c->exited = poll_adopted(c, revents & EPOLLHUP);
        else
                c->exited = poll_own(c);

        if (c->exited)
                process_exited(c);
        else
                await_release(c, s);
        return 0;
}

int end_watch(Child *c)
{
        return sd_event_add_io(c->launcher->event, &c->exit_source, c->pidfd, EPOLLIN, on_exit_event, c);
}

void end_as_lost(Child *c)
{
        /* One that has ended has an event to come, and a status perhaps. */
        if (c->exited || pidfd_is_ready(c->pidfd))
                return;

        c->exited = true;
        process_exited(c);
}

void end_as_other(Child *c)
{
        c->adopted = true; /* not ours to reap by this name */
        c->exited = true;
        process_exited(c);
}

void end_on_scope_failed(Child *c, const char *result)
{
        if (c->scope == SCOPE_THERE)
                c->scope_result = exit_intern_scope_result(result);
}

/* Out of its scope it is out of control: somebody has moved it. */
static int on_stray(sd_event_source *s, uint64_t usec, void *userdata)
{
        Child *c = userdata;

        (void)s;
        (void)usec;

        if (pidfd_is_ready(c->pidfd)) {
                child_log(c, LOG_WARNING,
                        "Agent %s has ended; how is known when who traces it lets go of it", c->agent_id);
                return 0;
        }
        child_log(c, LOG_WARNING, "Agent %s lives on outside its scope, which is gone: killing it",
                c->agent_id);
        (void)child_signal(c, SIGKILL);
        return 0;
}

void end_on_scope_gone(Child *c)
{
        c->scope = SCOPE_GONE;
        if (child_is_launching(c)) {
                launch_on_scope_gone(c);
                return;
        }

        if (!c->exited && end_poll_exit(c))
                c->exit_source = sd_event_source_disable_unref(c->exit_source);
        if (!c->exited && child_set_timer(c, STRAY_USEC, on_stray) < 0)
                (void)child_signal(c, SIGKILL);
        check_ended(c);
}

static bool is_stop_job(const Child *c, uint32_t job)
{
        return c->scope == SCOPE_THERE && job != c->job && !c->removing &&
                (c->state == CHILD_EXECUTING || c->state == CHILD_RUNNING || c->state == CHILD_STOPPING);
}

/* A job after the start job is a stop that an administrator, or the shutdown, asks for. It counts whenever
 * it is seen before the end of the scope: that our event for the exit came first does not mean that the exit
 * did. */
void end_on_job(Child *c, uint32_t job)
{
        if (!is_stop_job(c, job))
                return;

        c->requested = true;
        if (c->state == CHILD_RUNNING)
                c->state = CHILD_STOPPING;
}

/* Newer versions of systemd stop nothing that is frozen: the job is made, and ends at once. */
static void forget_refused_stop(Child *c, uint32_t job)
{
        /* Of our own making there may be another. */
        if (!is_stop_job(c, job) || c->stop_deadline_usec > 0)
                return;

        c->requested = false;
        if (c->state == CHILD_STOPPING)
                c->state = CHILD_RUNNING;
}

/* Its end will do where its beginning was not heard. */
void end_on_job_removed(Child *c, uint32_t job, const char *result)
{
        if (strcmp(result, "frozen") == 0)
                forget_refused_stop(c, job);
        else
                end_on_job(c, job);
}

void end_on_listed(Child *c, const ScopeEntry *entry)
{
        /* That there is one may have been said when we were away. */
        if (entry && entry->job != 0)
                end_on_job(c, entry->job);
        if (entry && entry->alive)
                c->unheard = false;
        if (c->scope == SCOPE_THERE && (!entry || !entry->alive))
                end_on_scope_gone(c);
        else if (c->scope == SCOPE_THERE && c->exited)
                end_kill(c);
}

int end_append(const Child *c, sd_bus_message *m)
{
        bool ended = c->state == CHILD_ENDED, failed = c->state == CHILD_FAILING;
        const char *result = "";

        if (ended)
                result = end_result(c);
        else if (failed)
                result = "resources";

        return sd_bus_message_append(m, LAUNCHER_END, result, (int32_t)(ended ? c->code : 0),
                (int32_t)(ended && c->code != 0   ? c->status
                                : ended || failed ? -1
                                                  : 0),
                (int)((ended || failed) && c->requested), c->ended_at_usec, c->oom_level,
                c->usage.memory_peak, c->usage.cpu_nsec);
}

void end_reap(Child *c)
{
        if (!c->adopted && c->pidfd >= 0)
                (void)pidfd_reap(c->pidfd);
}
