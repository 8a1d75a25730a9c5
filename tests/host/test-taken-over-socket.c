/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What somebody who has taken agenthostd over does to the launcher's socket: large messages, none, half
 * ones, garbage, and a thousand connections. */

#include <poll.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/taken-over.h"

static void test_a_message_of_100_mib_is_answered(void)
{
        g_autoptr(Fixture) f = take_over();
        g_autofree char *id = g_strnfill(100 * MIB, 'x');
        g_autoptr(Spawned) s = fixture_spawn_with(f, id, "sleep", NULL, NULL);

        expect_refused(s, SD_BUS_ERROR_INVALID_ARGS, "Not a valid agent id");
        g_autoptr(Spawned) r = fixture_spawn_with(f, "a", id, NULL, NULL);
        g_assert_cmpstr(r->error, ==, ERROR "NoSuchRuntime");
        g_assert_cmpuint(strlen(r->text), <, MIB);
        /* An array may have 64 MiB. */
        id[60 * MIB] = '\0';
        g_autoptr(Spawned) p = fixture_spawn_with_property(f, "sleep", id, "t", UINT64_C(1));
        expect_refused(p, SD_BUS_ERROR_INVALID_ARGS, "is no property that a caller may set");
        g_assert_cmpuint(strlen(p->text), <, MIB);
        expect_works(f);
}

static int connect_raw(const char *user)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = LAUNCHER_SOCKET };
        const struct passwd *pw = getpwnam(user);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

        g_assert_nonnull(pw);
        g_assert_cmpint(seteuid(pw->pw_uid), ==, 0);
        r = connect(fd, (struct sockaddr *)&address, sizeof(address));
        if (r < 0)
                r = -errno;
        g_assert_cmpint(seteuid(0), ==, 0);
        if (r < 0) {
                close(fd);
                return r;
        }
        return fd;
}

/* Takes what is said to us, until the other side closes. */
static void await_close(int fd)
{
        gint64 limit = g_get_monotonic_time() + TEST_LIMIT_USEC;
        char buffer[4096];
        ssize_t n = 1;

        while (n > 0) {
                struct pollfd p = { .fd = fd, .events = POLLIN };

                g_assert_cmpint(g_get_monotonic_time(), <, limit);
                g_assert_cmpint(poll(&p, 1, (int)(TEST_LIMIT_USEC / 1000)), ==, 1);
                n = recv(fd, buffer, sizeof(buffer), 0);
        }
        close(fd);
}

static void test_garbage_is_hung_up_on(void)
{
#define AUTH "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n"
        static const struct {
                const char *bytes;
                size_t size;
        } cases[] = {
#define CASE(text) { text, sizeof(text) - 1 }
                CASE("GET / HTTP/1.1\r\n\r\n"),
                CASE("\0AUTH ANONYMOUS\r\n"),
                CASE("\0AUTH EXTERNAL 30\r\nBEGIN\r\n"),
                CASE("\0BEGIN\r\nl\1\0\1"),
                CASE("\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377"),
                CASE(AUTH "\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377"),
                /* A header that promises 4 GiB, and one with as many fields. */
                CASE(AUTH "l\1\0\1\377\377\377\377\1\0\0\0\0\0\0\0"),
                CASE(AUTH "l\1\0\1\0\0\0\0\1\0\0\0\377\377\377\177"),
                /* No type, no version. */
                CASE(AUTH "l\0\0\1\0\0\0\0\1\0\0\0\0\0\0\0"),
                CASE(AUTH "l\1\0\11\0\0\0\0\1\0\0\0\0\0\0\0"),
        };
        g_autoptr(Fixture) f = take_over();

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                int fd = connect_raw(USER);

                g_assert_cmpint(fd, >=, 0);
                g_assert_cmpint(
                        send(fd, cases[i].bytes, cases[i].size, MSG_NOSIGNAL), ==, (ssize_t)cases[i].size);
                (void)shutdown(fd, SHUT_WR);
                await_close(fd);
        }
        expect_works(f);
}

/* Connections that say nothing, or half of something, are in nobody's way. */
static void test_half_a_connection_holds_nobody_up(void)
{
        static const char *const halves[] = { "", "\0", "\0AUTH EXT", "\0AUTH EXTERNAL\r\nDATA\r\n",
                AUTH "l\1\0\1" };
        static const size_t sizes[] = { 0, 1, 9, 23, sizeof(AUTH) - 1 + 4 };
        g_autoptr(Fixture) f = take_over();
        int fds[G_N_ELEMENTS(halves)];

        for (size_t i = 0; i < G_N_ELEMENTS(halves); i++) {
                fds[i] = connect_raw(USER);
                g_assert_cmpint(fds[i], >=, 0);
                g_assert_cmpint(send(fds[i], halves[i], sizes[i], MSG_NOSIGNAL), ==, (ssize_t)sizes[i]);
        }
        expect_works(f);
        for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
                close(fds[i]);
        expect_works(f);
}

/* More than a few are none of agenthostd's: those that come last are closed, and root is let in all the
 * same. */
static void test_thousand_connections_are_too_many(void)
{
        g_autoptr(Fixture) f = take_over();
        g_autofree char *before = shell("date +%%s"), *said = NULL;
        int fds[1000];
        unsigned n_open = 0;

        for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
                fds[i] = connect_raw(USER);
                g_assert_cmpint(fds[i], >=, 0);
        }
        /* Connections are taken in their order: once ours is closed, all have been looked at. */
        await_close(connect_raw(USER));
        fixture_reconnect(f);
        expect_works(f);
        for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
                char byte;

                if (recv(fds[i], &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN)
                        n_open++;
        }
        g_assert_cmpuint(n_open, >, 0);
        g_assert_cmpuint(n_open, <, 100);
        said = shell("journalctl --sync; journalctl --output=cat --unit=agenthost-launcher.service "
                     "--since=@%s | grep --count 'has too many connections'",
                before);
        g_assert_cmpstr(said, ==, "1");

        for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
                close(fds[i]);
        fixture_reconnect_as(f, USER);
        expect_works(f);
}

/* By the mode of the socket; and, were that another one, by who they are. */
static void test_other_users_are_not_let_in(void)
{
        static const char *const users[] = { "nobody", "daemon", "agents" };
        g_autoptr(Fixture) f = take_over();

        g_free(shell("getent passwd agents >/dev/null || systemd-sysusers --inline 'u agents -'"));
        for (size_t i = 0; i < G_N_ELEMENTS(users); i++) {
                int fd = connect_raw(users[i]);

                g_assert_cmpint(fd, ==, -EACCES);
                g_assert_cmpint(chmod(LAUNCHER_SOCKET, 0666), ==, 0);
                fd = connect_raw(users[i]);
                g_assert_cmpint(chmod(LAUNCHER_SOCKET, 0600), ==, 0);
                g_assert_cmpint(fd, >=, 0);
                await_close(fd);
        }
        expect_works(f);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) g_test_add_func("/taken-over-socket/" name, test_##function)
        ADD("a-message-of-100-MiB-is-answered", a_message_of_100_mib_is_answered);
        ADD("garbage-is-hung-up-on", garbage_is_hung_up_on);
        ADD("half-a-connection-holds-nobody-up", half_a_connection_holds_nobody_up);
        ADD("thousand-connections-are-too-many", thousand_connections_are_too_many);
        ADD("other-users-are-not-let-in", other_users_are_not_let_in);
#undef ADD

        return g_test_run();
}
