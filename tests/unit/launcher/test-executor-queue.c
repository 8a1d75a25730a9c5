/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "executor-queue.h"

#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>

#include "macros.h"

#define REQUESTS 500
#define PLAN_BYTES 2000

typedef struct Fixture {
        sd_event *event;
        int ours, theirs, null;
        ExecutorQueue *queue;
} Fixture;

/* The socket takes a few requests only. */
static void fixture_up(Fixture *f, gconstpointer data)
{
        int pair[2], size = 20000;

        (void)data;

        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
        f->ours = pair[0];
        f->theirs = pair[1];
        g_assert_cmpint(setsockopt(f->ours, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), ==, 0);
        f->null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        g_assert_cmpint(f->null, >=, 0);
        g_assert_cmpint(executor_queue_new(f->event, f->ours, &f->queue), ==, 0);
}

static void fixture_down(Fixture *f, gconstpointer data)
{
        (void)data;

        executor_queue_free(f->queue);
        close_fd(f->null);
        close_fd(f->ours);
        close_fd(f->theirs);
        sd_event_unref(f->event);
}

static int send_plan(Fixture *f, char *plan, size_t size)
{
        const ExecutorRequest request = { .plan = plan,
                .plan_size = size,
                .gate = f->null,
                .texts = { f->null, f->null, f->null, f->null } };

        return executor_queue_send(f->queue, &request);
}

static int send_number(Fixture *f, unsigned number)
{
        char plan[PLAN_BYTES] = { 0 };

        (void)snprintf(plan, sizeof(plan), "%u", number);
        return send_plan(f, plan, sizeof(plan));
}

/* The descriptors that come with it are counted and closed. -1: there is none. */
static int receive_number(const Fixture *f)
{
        union {
                struct cmsghdr header;
                char buffer[CMSG_SPACE(EXECUTOR_FD_COUNT * sizeof(int))];
        } control;
        char plan[PLAN_BYTES];
        struct iovec iov = { plan, sizeof(plan) };
        struct msghdr m = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        int fds[EXECUTOR_FD_COUNT];

        if (recvmsg(f->theirs, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != PLAN_BYTES)
                return -1;
        g_assert_nonnull(CMSG_FIRSTHDR(&m));
        g_assert_cmpuint(CMSG_FIRSTHDR(&m)->cmsg_len, ==, CMSG_LEN(sizeof(fds)));
        memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fds));
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                close(fds[i]);
        return atoi(plan);
}

static void test_all_arrive_in_their_order(Fixture *f, gconstpointer data)
{
        int n_received = 0;

        (void)data;

        for (unsigned i = 0; i < REQUESTS; i++)
                g_assert_cmpint(send_number(f, i), ==, 0);
        while (n_received < REQUESTS) {
                int number = receive_number(f);

                if (number < 0) {
                        g_assert_cmpint(sd_event_run(f->event, UINT64_C(60) * USEC_PER_SEC), >, 0);
                        continue;
                }
                g_assert_cmpint(number, ==, n_received);
                n_received++;
        }

        /* And the next ones go straight through. */
        g_assert_cmpint(sd_event_run(f->event, 0), >=, 0);
        g_assert_cmpint(send_number(f, 7), ==, 0);
        g_assert_cmpint(receive_number(f), ==, 7);
        g_assert_cmpint(sd_event_run(f->event, 0), ==, 0);
}

static void test_too_many_are_refused(Fixture *f, gconstpointer data)
{
        g_autofree char *plan = g_malloc0(PLAN_SIZE_MAX);
        unsigned n_kept = 0;

        (void)data;

        /* The socket is full behind these. */
        for (unsigned i = 0; i < 50; i++)
                g_assert_cmpint(send_number(f, i), ==, 0);
        while (n_kept < 100 && send_plan(f, plan, PLAN_SIZE_MAX) == 0)
                n_kept++;
        g_assert_cmpint(send_plan(f, plan, PLAN_SIZE_MAX), ==, -EAGAIN);
        g_assert_cmpuint(n_kept, ==, 7);
}

static void test_what_never_fits_is_refused(Fixture *f, gconstpointer data)
{
        g_autofree char *plan = g_malloc0(PLAN_SIZE_MAX);

        (void)data;

        g_assert_cmpint(send_plan(f, plan, PLAN_SIZE_MAX), ==, -EMSGSIZE);
        g_assert_cmpint(send_number(f, 1), ==, 0);
        g_assert_cmpint(receive_number(f), ==, 1);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) \
        g_test_add("/executor-queue/" name, Fixture, NULL, fixture_up, test_##function, fixture_down)
        ADD("order", all_arrive_in_their_order);
        ADD("too-many", too_many_are_refused);
        ADD("too-large", what_never_fits_is_refused);
#undef ADD

        return g_test_run();
}
